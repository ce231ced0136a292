/* Standard output and errors of a server: whole lines to bootstrap's log; of the first task, to the kernel's console.
 */
#include "handler.h"
#include <servers/bootstrap_user.h>

enum { LINE_SIZE = 480 };

static uint32_t lock;
static char line[LINE_SIZE + 2];
static unsigned length;
static bool urgent; /* a part of the line went to standard error */

/* Where lines go; found when the first is written. */
static enum { UNKNOWN, BOOTSTRAP, KERNEL, NOWHERE } sink;
static mach_port_t port;

/* The kernel's answer to this thread comes to the one reply port of the handler. Both locks held. */
static void find_sink(void)
{
	mach_msg_type_name_t disposition;

	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &port) == KERN_SUCCESS &&
		MACH_PORT_VALID(port))
		sink = BOOTSTRAP;
	else if (portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &port, &disposition) == KERN_SUCCESS &&
		 MACH_PORT_VALID(port))
		sink = KERNEL;
	else
		sink = NOWHERE;
}

/* Lock held. */
static void flush(void)
{
	if (length == 0)
		return;
	line[length] = '\0';
	if (sink == UNKNOWN || sink == KERNEL) {
		foreign_lock(&foreign_rpc_lock);
		if (sink == UNKNOWN)
			find_sink();
		if (sink == KERNEL) {
			line[length] = '\n';
			line[length + 1] = '\0';
			host_log(port, line);
		}
		foreign_unlock(&foreign_rpc_lock);
	}
	/* May wait while bootstrap has much to write; needs no reply. */
	if (sink == BOOTSTRAP)
		bootstrap_log(port, urgent, line);
	length = 0;
	urgent = false;
}

static void put(char c)
{
	if (c == '\n') {
		flush();
		return;
	}
	if (length == LINE_SIZE)
		flush();
	/* A NUL would end the line early. */
	line[length++] = c ? c : ' ';
}

int64_t foreign_write(uint64_t descriptor, const char *text, uint64_t size)
{
	if (descriptor != 1 && descriptor != 2)
		return -LINUX_EBADF;
	foreign_lock(&lock);
	urgent |= descriptor == 2;
	for (uint64_t i = 0; i < size; i++)
		put(text[i]);
	foreign_unlock(&lock);
	return (int64_t)size;
}

void foreign_console_flush(void)
{
	foreign_lock(&lock);
	flush();
	foreign_unlock(&lock);
}

void foreign_console_say(const char *text, uint64_t number)
{
	char digits[20];
	unsigned count = 0;

	foreign_lock(&lock);
	urgent = true;
	while (*text)
		put(*text++);
	do
		digits[count++] = (char)('0' + number % 10);
	while (number /= 10);
	while (count)
		put(digits[--count]);
	flush();
	foreign_unlock(&lock);
}
