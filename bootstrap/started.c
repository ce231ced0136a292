/* Servers that are started, replaced and stopped while the system runs: start.defs. */
#include "bootstrap.h"

#include <mach/elf_image.h>
#include <servers/start_server.h>
#include <stdlib.h>
#include <string.h>

/*
 * What such a server can do is bounded by who starts it: it has no privileges, looks up what that one's line says
 * (starts=) and what others have that were started by the same, and pays from an account of its own. Its program is
 * kept here for its next instances; the pages are of who sent them.
 */
#define MEMORY_DEFAULT 64 /* MiB, of those whose line does not say */

static void report(void *context, unsigned line, const char *text)
{
	(void)context, (void)line;
	say(true, "bootstrap: the server is not started: %s", text);
}

static bool is_started_by(const struct server *server, const struct server *starter)
{
	return server && server->started && server->started->starter == starter;
}

/* A server of the table that `starter` started; null. */
static struct server *find(const struct server *starter, const char *name)
{
	struct server *server = server_find(name);

	return is_started_by(server, starter) ? server : NULL;
}

static bool may_grant(const struct server *starter, const char *name)
{
	const struct service *service = service_find(name);

	return conf_names_have(&starter->entry->starts, name) || (service && is_started_by(service->owner, starter));
}

/* Whether the line asks for no more than the starter may give. */
static kern_return_t check_grants(const struct server *starter, const struct conf_entry *entry)
{
	if (!entry->is_server || entry->power_off)
		return KERN_INVALID_ARGUMENT;
	if (entry->host || entry->device || entry->registers.count || entry->ends.count || entry->starts.count)
		return KERN_NO_ACCESS;
	for (unsigned i = 0; i < entry->looks_up.count; i++)
		if (!may_grant(starter, entry->looks_up.name[i]))
			return KERN_NO_ACCESS;
	return KERN_SUCCESS;
}

static kern_return_t check_program(vm_address_t program, vm_size_t size)
{
	struct elf_image image;

	if (size == 0 || size > SERVER_PROGRAM_MAX)
		return KERN_INVALID_ARGUMENT;
	return elf_image_parse((const void *)program, size, size, &image) == ELF_OK ? KERN_SUCCESS
										    : KERN_INVALID_ARGUMENT;
}

/* A server's description from the request; null, with the reason. */
static struct started *describe(
	struct server *starter, const char *line, vm_address_t program, vm_size_t size, kern_return_t *result)
{
	struct started *started;

	if (!starter || starter->entry->starts.count == 0) {
		*result = KERN_NO_ACCESS;
		return NULL;
	}
	started = calloc(1, sizeof(*started));
	if (!started) {
		*result = KERN_RESOURCE_SHORTAGE;
		return NULL;
	}
	*result = conf_parse_line(line, &started->entry, report, NULL) ? check_grants(starter, &started->entry)
								       : KERN_INVALID_ARGUMENT;
	if (*result == KERN_SUCCESS)
		*result = check_program(program, size);
	if (*result != KERN_SUCCESS) {
		free(started);
		return NULL;
	}
	strcpy(started->line, line);
	if (started->entry.memory == 0)
		started->entry.memory = MEMORY_DEFAULT;
	started->starter = starter;
	started->program = program;
	started->size = size;
	started->starts = 1;
	return started;
}

static void discard(struct started *started)
{
	if (!started)
		return;
	discard(started->before);
	vm_deallocate(mach_task_self(), started->program, started->size);
	free(started);
}

static bool names_are_free(const struct conf_entry *entry)
{
	for (unsigned i = 0; i < entry->services; i++)
		if (service_find(entry->service[i]))
			return false;
	return !server_find(entry->name);
}

static unsigned count(void)
{
	unsigned n = 0;

	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++)
		n += server_at(i) && server_at(i)->started;
	return n;
}

kern_return_t S_start_server(mach_port_t bootstrap, const char *line, pointer_t program, mach_msg_type_number_t size)
{
	kern_return_t result;
	struct started *started = describe(server_of_request(), line, program, size, &result);
	struct server *server;

	(void)bootstrap;
	if (!started)
		return result;
	if (!names_are_free(&started->entry)) {
		free(started);
		return KERN_NAME_EXISTS;
	}
	server = count() < SERVERS_STARTED_MAX ? server_add(&started->entry) : NULL;
	if (!server) {
		free(started);
		return KERN_RESOURCE_SHORTAGE;
	}
	server->started = started;
	result = server_start(server);
	if (result == KERN_SUCCESS)
		return KERN_SUCCESS;
	/* The memory of a request that is refused is not ours. */
	server_remove(server);
	free(started);
	return result;
}

static bool same_services(const struct conf_entry *one, const struct conf_entry *other)
{
	bool same = one->services == other->services;

	for (unsigned i = 0; same && i < one->services; i++)
		same = strcmp(one->service[i], other->service[i]) == 0;
	return same;
}

kern_return_t S_start_replacement(
	mach_port_t bootstrap, const char *line, pointer_t program, mach_msg_type_number_t size)
{
	struct server *starter = server_of_request(), *server;
	kern_return_t result;
	struct started *started = describe(starter, line, program, size, &result);

	(void)bootstrap;
	if (!started)
		return result;
	server = find(starter, started->entry.name);
	if (!server || server->started->stopping)
		result = KERN_INVALID_NAME;
	else if (server->state == SERVER_GONE)
		result = KERN_TERMINATED;
	else if (!server->started->served)
		result = KERN_ABSENT;
	else if (!server->entry->restart || !started->entry.restart || !same_services(server->entry, &started->entry))
		result = KERN_INVALID_ARGUMENT;
	if (result != KERN_SUCCESS) {
		free(started);
		return result;
	}
	started->starts = server->started->starts;
	started->before = server->started;
	server->started = started;
	server->entry = &started->entry;
	server->recent_starts = 0;
	/* Its next instance follows its death, as always; one that is dead already follows anyhow. */
	if (server->state == SERVER_RUNNING)
		task_terminate(server->task);
	return KERN_SUCCESS;
}

static bool is_needed(const struct server *server)
{
	for (unsigned i = 0; i < CONF_ENTRIES_MAX; i++) {
		const struct server *other = server_at(i);

		for (unsigned j = 0; other && other->started && other != server && j < server->entry->services; j++)
			if (conf_names_have(&other->entry->looks_up, server->entry->service[j]))
				return true;
	}
	return false;
}

void started_serves(struct server *server)
{
	server->started->served = true;
	discard(server->started->before);
	server->started->before = NULL;
}

bool started_goes_on(struct server *server)
{
	struct started *started = server->started, *before = started->before;

	if (started->stopping || !(before || (started->served && started->entry.restart)))
		return false;
	if (before && started->tried) {
		say(true, "bootstrap: %s did not serve; it goes on as it was", started->entry.name);
		before->starts = started->starts;
		started->before = NULL;
		discard(started);
		server->started = before;
		server->entry = &before->entry;
	}
	server->started->tried = true;
	return true;
}

void started_has_ended(struct server *server)
{
	struct started *started = server->started;

	if (!started->stopping)
		return;
	if (MACH_PORT_VALID(started->reply) && start_stop_reply(started->reply, KERN_SUCCESS) != KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), started->reply);
	server_remove(server);
	discard(started);
}

kern_return_t S_start_stop(mach_port_t bootstrap, const char *name, boolean_t force, mach_port_t reply)
{
	struct server *starter = server_of_request(), *server;

	(void)bootstrap;
	if (!starter || starter->entry->starts.count == 0)
		return KERN_NO_ACCESS;
	server = find(starter, name);
	if (!server || server->started->stopping)
		return KERN_INVALID_NAME;
	if (!force && is_needed(server))
		return KERN_PROTECTION_FAILURE;
	server->started->stopping = true;
	if (server->state == SERVER_RUNNING) {
		server->started->reply = reply;
		task_terminate(server->task);
		return MIG_NO_REPLY;
	}
	if (server->state == SERVER_DOWN) {
		services_die(server);
		kept_die(server);
	}
	started_has_ended(server);
	return KERN_SUCCESS;
}

kern_return_t S_start_next(mach_port_t bootstrap, unsigned *number, char *line, unsigned *state, unsigned *starts)
{
	const struct server *starter = server_of_request();

	(void)bootstrap;
	if (!starter || starter->entry->starts.count == 0)
		return KERN_NO_ACCESS;
	for (; *number < CONF_ENTRIES_MAX; ++*number) {
		const struct server *server = server_at(*number);
		const struct service *service;

		if (!is_started_by(server, starter))
			continue;
		service = server->entry->services ? service_find(server->entry->service[0]) : NULL;
		strcpy(line, server->started->line);
		*starts = server->started->starts;
		*state = server->state == SERVER_GONE                  ? SERVER_DEAD
			 : service && service->served && service->lent ? SERVER_SERVES
								       : SERVER_STARTING;
		return KERN_SUCCESS;
	}
	return KERN_INVALID_NAME;
}
