/* Lines on the kernel's console, by bootstrap. */
#include "pagers/kit/pages.h"

#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <stdarg.h>
#include <stdio.h>

void pk_log(const char *format, ...)
{
	mach_port_t bootstrap = MACH_PORT_NULL;
	log_line_t line;
	va_list arguments;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) == KERN_SUCCESS) {
		bootstrap_log(bootstrap, TRUE, line);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
}
