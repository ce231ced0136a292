/* The first task: reads its configuration, starts what it names, then serves names and the log for ever. */
#include "bootstrap.h"

#include <mach/exc_server.h>
#include <mach/notify_server.h>
#include <servers/bootstrap_server.h>
#include <servers/start_server.h>

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>

mach_port_t host_priv, device_master, notify_port, exception_port, server_set;
const struct boot_info *boot;
bool quiet;

void say(bool urgent, const char *format, ...)
{
	host_log_t line;
	va_list list;
	int length;

	if (quiet && !urgent)
		return;
	va_start(list, format);
	length = vsnprintf(line, sizeof(line) - 1, format, list);
	va_end(list);
	if (length < 0)
		return;
	length = length < (int)sizeof(line) - 1 ? length : (int)sizeof(line) - 2;
	strcpy(line + length, "\n");
	host_log(host_priv, line);
}

/* Nothing can go on: says why, and waits for ever. */
static _Noreturn void give_up(const char *what, kern_return_t result)
{
	say(true, "bootstrap: cannot go on: %s: %s", what, mach_error_string(result));
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000000);
}

/* The value of a word KEY=VALUE of the kernel's command line, or of a plain word: "" ; null when it is not there. */
static const char *command_line_word(const char *key, char *buffer, size_t size)
{
	const char *at = boot->command_line, *end = at + strnlen(at, sizeof(boot->command_line));
	size_t length = strlen(key);

	while (at < end) {
		const char *word = at;

		while (at < end && *at != ' ')
			at++;
		if ((size_t)(at - word) >= length && memcmp(word, key, length) == 0) {
			if (word + length == at)
				return "";
			if (word[length] == '=') {
				snprintf(buffer, size, "%.*s", (int)(at - word - length - 1), word + length + 1);
				return buffer;
			}
		}
		at++;
	}
	return NULL;
}

static void report(void *context, unsigned line, const char *text)
{
	say(true, "bootstrap: %s, line %u: %s", (const char *)context, line, text);
}

static void read_configuration(void)
{
	static struct conf conf;
	char buffer[64];
	const char *name = command_line_word("config", buffer, sizeof(buffer));

	if (!name || !*name)
		name = "portolan.conf";
	for (unsigned i = 0; i < boot->modules && i < BOOT_MODULES_MAX; i++) {
		const struct boot_module *module = &boot->module[i];

		if (strcmp(module->name, name) == 0) {
			if (conf_parse((const char *)module->address, module->size, &conf, report, (void *)name))
				say(true, "bootstrap: the lines of %s named above are ignored; correct them", name);
			if (conf.entries == 0)
				say(true, "bootstrap: %s names nothing to start", name);
			for (unsigned j = 0; j < conf.entries; j++)
				server_add(&conf.entry[j]);
			return;
		}
	}
	say(true,
		"bootstrap: cannot find the configuration: no boot module is called %s; add it to the boot loader's "
		"configuration or say config=NAME",
		name);
}

static mach_port_t privileged_port(int slot, const char *what)
{
	mach_port_t port = MACH_PORT_NULL;
	mach_msg_type_name_t disposition;
	kern_return_t result = portolan_mach_ports_lookup(mach_task_self(), slot, &port, &disposition);

	if (result != KERN_SUCCESS || !MACH_PORT_VALID(port))
		give_up(what, result);
	return port;
}

static mach_port_t own_port(const char *what)
{
	mach_port_t port;
	kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);

	if (result == KERN_SUCCESS)
		result = mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), port, server_set);
	if (result != KERN_SUCCESS)
		give_up(what, result);
	return port;
}

int main(void)
{
	static const struct mig_subsystem *const subsystems[] = {
		&bootstrap_subsystem, &start_subsystem, &notify_subsystem, &exc_subsystem, NULL};
	char buffer[8];
	kern_return_t result;

	host_priv = privileged_port(REGISTERED_HOST_PRIV, "no port of the host");
	device_master = privileged_port(REGISTERED_DEVICE_MASTER, "no port of the devices");
	boot = (const struct boot_info *)getauxval(AT_PORTOLAN_BOOT);
	if (!boot)
		give_up("the kernel has passed no boot information", KERN_FAILURE);
	quiet = command_line_word("quiet", buffer, sizeof(buffer)) != NULL;
	result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &server_set);
	if (result != KERN_SUCCESS)
		give_up("no port set", result);
	notify_port = own_port("no port for notifications");
	exception_port = own_port("no port for exceptions");
	say(false, "bootstrap: %u boot modules", boot->modules);
	read_configuration();
	servers_start();
	give_up("the server loop has ended", mach_server_run(server_set, subsystems));
}
