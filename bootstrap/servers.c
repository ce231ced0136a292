/* Starting servers, noticing their deaths, starting them again. */
#include "bootstrap.h"

#include <mach/elf_load.h>
#include <mach/exc_server.h>
#include <mach/notify_server.h>
#include <mach/priority.h>
#include <servers/bootstrap_server.h>
#include <stdio.h>
#include <string.h>

/* A server that dies this often within the time is left dead. */
#define STARTS_MAX 5
#define STARTS_NS  30000000000ull

static struct server servers[CONF_ENTRIES_MAX];

struct server *server_at(unsigned place)
{
	return servers[place].entry ? &servers[place] : NULL;
}

struct server *server_of_request(void)
{
	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++)
		if (mach_request_object() == &servers[i])
			return server_at(i);
	return NULL;
}

struct server *server_of_task(mach_port_t task)
{
	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++)
		if (servers[i].task == task && servers[i].state == SERVER_RUNNING)
			return server_at(i);
	return NULL;
}

struct server *server_find(const char *name)
{
	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++)
		if (servers[i].entry && strcmp(servers[i].entry->name, name) == 0)
			return &servers[i];
	return NULL;
}

struct server *server_add(const struct conf_entry *entry)
{
	struct server *server = servers;
	kern_return_t result;

	while (server->entry)
		if (++server == servers + CONF_ENTRIES_MAX)
			return NULL;
	*server = (struct server){.state = SERVER_DOWN};
	result = mach_server_port(server_set, server, &server->bootstrap);
	if (result == KERN_SUCCESS)
		result = mach_port_insert_right(
			mach_task_self(), server->bootstrap, server->bootstrap, MACH_MSG_TYPE_MAKE_SEND);
	if (result != KERN_SUCCESS) {
		say(true, "bootstrap: %s: no port: %s", entry->name, mach_error_string(result));
		return NULL;
	}
	server->entry = entry;
	services_add(server);
	return server;
}

/* What still comes from it is to a port that is no more. */
void server_remove(struct server *server)
{
	services_forget(server); /* what others asked for by its port since it died */
	services_remove(server);
	mach_port_mod_refs(mach_task_self(), server->bootstrap, MACH_PORT_RIGHT_RECEIVE, -1);
	mach_port_deallocate(mach_task_self(), server->bootstrap);
	*server = (struct server){.entry = NULL};
}

static const struct boot_module *find_module(const char *name)
{
	for (unsigned i = 0; i < boot->modules && i < BOOT_MODULES_MAX; i++)
		if (strcmp(boot->module[i].name, name) == 0)
			return &boot->module[i];
	return NULL;
}

static kern_return_t give_ports(const struct server *server, mach_port_t task)
{
	kern_return_t result = task_set_special_port(task, TASK_BOOTSTRAP_PORT, server->bootstrap);

	if (result == KERN_SUCCESS)
		result = task_set_special_port(task, TASK_EXCEPTION_PORT, exception_port);
	if (result == KERN_SUCCESS && server->entry->host)
		result = portolan_mach_ports_register(task, REGISTERED_HOST_PRIV, host_priv, MACH_MSG_TYPE_COPY_SEND);
	if (result == KERN_SUCCESS && server->entry->device)
		result = portolan_mach_ports_register(task, REGISTERED_DEVICE_MASTER, device_master, MACH_MSG_TYPE_COPY_SEND);
	return result;
}

/* Servers come before those that they work for. Who has the host's port may set what it likes. */
static kern_return_t give_priority(const struct conf_entry *entry, mach_port_t task)
{
	int priority = entry->is_server ? PRIORITY_SERVER : PRIORITY_USER;

	return portolan_task_priority(task, priority, entry->host ? PRIORITY_KERNEL - 1 : priority);
}

/* Its program: a boot module, or what came when it was started. */
static const void *program_of(const struct server *server, size_t *size)
{
	const struct boot_module *module = server->started ? NULL : find_module(server->entry->module);

	*size = server->started ? server->started->size : module ? module->size : 0;
	return (const void *)(server->started ? server->started->program : module ? module->address : 0);
}

static kern_return_t load(
	const struct server *server, mach_port_t task, const void *program, size_t size, const char **why)
{
	char environment[sizeof("PORTOLAN=") + sizeof(boot->command_line)];
	const char *const envp[] = {environment, NULL};
	const char *argv[CONF_ARGS_MAX + 2] = {server->entry->name};
	mach_port_t thread = MACH_PORT_NULL;
	kern_return_t result;

	snprintf(
		environment, sizeof(environment), "PORTOLAN=%.*s", (int)sizeof(boot->command_line), boot->command_line);
	for (unsigned i = 0; i < server->entry->args; i++)
		argv[1 + i] = server->entry->arg[i];
	*why = "no task can be made";
	result = give_priority(server->entry, task);
	if (result == KERN_SUCCESS)
		result = give_ports(server, task);
	if (result == KERN_SUCCESS)
		result = thread_create(task, &thread);
	if (result == KERN_SUCCESS)
		result = elf_load(task, thread, program, size, argv, envp, why);
	if (result == KERN_SUCCESS)
		result = thread_resume(thread);
	if (thread != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), thread);
	return result;
}

/* The server cannot run, now or any more. */
static void bury(struct server *server)
{
	server->state = SERVER_GONE;
	services_die(server);
	kept_die(server);
	if (server->entry->power_off) {
		say(true, "bootstrap: without %s there is no system; power off", server->entry->name);
		host_reboot(host_priv, HOST_REBOOT_HALT);
	}
}

/* Servers may use the reserve of pages. Limits would only make them fail for others, so one has what its line says. */
static kern_return_t make_task(struct server *server, mach_port_t *task)
{
	const struct conf_entry *entry = server->entry;
	uint64_t pages = entry->memory ? (uint64_t)entry->memory << 8 : ACCOUNT_NO_LIMIT;
	uint64_t bytes = entry->memory ? (uint64_t)entry->memory << 18 : ACCOUNT_NO_LIMIT;
	mach_port_t account;
	kern_return_t result = account_create(host_priv, entry->is_server, bytes, pages, &account);

	if (result == KERN_SUCCESS) {
		result = task_create_in(account, mach_task_self(), FALSE, task);
		mach_port_deallocate(mach_task_self(), account);
	}
	return result;
}

kern_return_t server_start(struct server *server)
{
	const struct conf_entry *entry = server->entry;
	mach_port_t task = MACH_PORT_NULL;
	const char *why = "no task can be made";
	kern_return_t result;
	size_t size;
	const void *program = program_of(server, &size);

	if (!program) {
		say(true,
			"bootstrap: cannot start %s: no boot module is called %s; add it to the boot loader's "
			"configuration",
			entry->name, entry->module);
		bury(server);
		return KERN_INVALID_NAME;
	}
	result = make_task(server, &task);
	if (result == KERN_SUCCESS) {
		task_set_name(task, entry->name);
		server->task = task;
		server->state = SERVER_RUNNING;
		result = mach_server_notify_dead_name(task, notify_port);
	}
	if (result == KERN_SUCCESS)
		result = load(server, task, program, size, &why);
	if (result == KERN_SUCCESS)
		return KERN_SUCCESS;
	say(true, "bootstrap: cannot start %s: program %s %s (%s)", entry->name, entry->module, why,
		mach_error_string(result));
	/* GONE first: the notification of this death is no news. */
	bury(server);
	if (task != MACH_PORT_NULL) {
		task_terminate(task);
		mach_port_deallocate(mach_task_self(), task);
	}
	return result;
}

void servers_start(void)
{
	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++)
		if (servers[i].entry && !servers[i].entry->when_asked)
			server_start(&servers[i]);
}

void server_asked(struct server *server)
{
	if (server && server->entry->when_asked && !server->asked) {
		server->asked = true;
		server_start(server);
	}
}

void server_revive(struct server *server)
{
	uint64_t now = mach_clock_monotonic();

	if (server->state != SERVER_DOWN || !services_are_back(server))
		return;
	if (now - server->recent_start > STARTS_NS) {
		server->recent_start = now;
		server->recent_starts = 0;
	}
	if (++server->recent_starts > STARTS_MAX) {
		say(true, "bootstrap: %s dies again and again; it is not started any more", server->entry->name);
		bury(server);
		return;
	}
	say(true, "bootstrap: %s is started again", server->entry->name);
	if (server->started)
		server->started->starts++;
	server_start(server);
}

kern_return_t S_mach_notify_dead_name(mach_port_t notify, mach_port_name_t name)
{
	struct server *server;

	if (notify != notify_port)
		return KERN_INVALID_ARGUMENT;
	server = server_of_task(name);
	/* The notification's own reference to the dead name. */
	mach_port_deallocate(mach_task_self(), name);
	if (!server)
		return KERN_SUCCESS;
	mach_port_deallocate(mach_task_self(), name);
	server->task = MACH_PORT_NULL;
	services_forget(server);
	say(server->entry->is_server, "bootstrap: %s has ended", server->entry->name);
	if (server->started ? started_goes_on(server) : server->entry->restart) {
		server->state = SERVER_DOWN;
		server_revive(server);
	} else {
		bury(server);
	}
	if (server->started && server->state == SERVER_GONE)
		started_has_ended(server);
	return KERN_SUCCESS;
}

/* What follows is what follows any death: S_mach_notify_dead_name. */
kern_return_t S_bootstrap_terminate(mach_port_t bootstrap, const char *name)
{
	const struct server *asking = server_of_request(), *server = server_find(name);

	(void)bootstrap;
	if (!asking || !conf_names_have(&asking->entry->ends, name))
		return KERN_NO_ACCESS;
	return server && server->state == SERVER_RUNNING ? task_terminate(server->task) : KERN_INVALID_NAME;
}

static const char *exception_name(int exception)
{
	switch (exception) {
	case EXC_BAD_ACCESS:
		return "bad access to memory";
	case EXC_BAD_INSTRUCTION:
		return "bad instruction";
	case EXC_ARITHMETIC:
		return "arithmetic error";
	case EXC_BREAKPOINT:
		return "breakpoint";
	case EXC_SYSCALL:
		return "system call that nobody answers";
	default:
		return "exception";
	}
}

/* A server has made a mistake: what is needed to find it, then its end. */
kern_return_t S_exception_raise(
	mach_port_t port, mach_port_t thread, mach_port_t task, int exception, int64_t code, int64_t subcode)
{
	struct server *server = server_of_task(task);
	x86_thread_state64_t state = {.rip = 0};
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;

	if (port != exception_port)
		return KERN_INVALID_ARGUMENT;
	portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &count);
	say(true, "%s: %s (%d, code %lld, subcode %#llx) at rip %#llx rsp %#llx rax %#llx rdi %#llx rsi %#llx",
		server ? server->entry->name : "a task of a server", exception_name(exception), exception,
		(long long)code, (unsigned long long)subcode, (unsigned long long)state.rip,
		(unsigned long long)state.rsp, (unsigned long long)state.rax, (unsigned long long)state.rdi,
		(unsigned long long)state.rsi);
	task_terminate(task);
	mach_port_deallocate(mach_task_self(), thread);
	mach_port_deallocate(mach_task_self(), task);
	return KERN_SUCCESS;
}
