/* The name service: look-ups that wait, receive rights lent to servers and taken back when they die. */
#include "bootstrap.h"

#include <mach/notify_server.h>
#include <servers/bootstrap_server.h>
#include <servers/start_server.h>
#include <stdlib.h>
#include <string.h>

#define SERVICES_MAX 128

static struct service services[SERVICES_MAX];
static unsigned service_count; /* used once; those that were removed have no name */

/* A look-up that waits for a server to check in. */
struct waiter {
	struct waiter *next;
	struct service *service;
	struct server *asking;
	mach_port_t reply; /* send-once right */
};
static struct waiter *waiters;

struct service *service_find(const char *name)
{
	for (unsigned i = 0; i < service_count && *name; i++)
		if (strcmp(services[i].name, name) == 0)
			return &services[i];
	return NULL;
}

static struct service *free_place(void)
{
	for (unsigned i = 0; i < service_count; i++)
		if (!*services[i].name)
			return &services[i];
	return service_count < SERVICES_MAX ? &services[service_count++] : NULL;
}

/* Answers everyone who waits for the service, by now served or dead. */
static void answer_waiters(struct service *service)
{
	struct waiter **link = &waiters, *waiter;

	while ((waiter = *link)) {
		kern_return_t result = service->dead ? KERN_TERMINATED : KERN_SUCCESS;

		if (waiter->service != service) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		waiter->asking->look_ups--;
		if (result == KERN_SUCCESS)
			mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_SEND, 1);
		if (bootstrap_look_up_reply(waiter->reply, result, service->port) != KERN_SUCCESS) {
			if (result == KERN_SUCCESS)
				mach_port_deallocate(mach_task_self(), service->port);
			mach_port_deallocate(mach_task_self(), waiter->reply);
		}
		free(waiter);
	}
}

void services_forget(struct server *server)
{
	struct waiter **link = &waiters, *waiter;

	while ((waiter = *link)) {
		if (waiter->asking != server) {
			link = &waiter->next;
			continue;
		}
		*link = waiter->next;
		server->look_ups--;
		mach_port_deallocate(mach_task_self(), waiter->reply);
		free(waiter);
	}
}

void services_add(struct server *server)
{
	const struct conf_entry *entry = server->entry;

	for (unsigned i = 0; i < entry->services; i++) {
		struct service *service;
		mach_port_t port = MACH_PORT_NULL;
		kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);

		if (result == KERN_SUCCESS)
			result = mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
		service = result == KERN_SUCCESS ? free_place() : NULL;
		if (!service) {
			say(true, "bootstrap: no port for service %s: %s", entry->service[i],
				mach_error_string(result));
			return;
		}
		*service = (struct service){.owner = server, .port = port};
		strcpy(service->name, entry->service[i]);
	}
}

bool services_are_back(const struct server *server)
{
	for (unsigned i = 0; i < service_count; i++)
		if (services[i].owner == server && services[i].lent)
			return false;
	return true;
}

void services_die(struct server *server)
{
	for (unsigned i = 0; i < service_count; i++) {
		struct service *service = &services[i];

		if (service->owner != server || service->dead)
			continue;
		if (!service->lent)
			mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_RECEIVE, -1);
		service->dead = true;
		answer_waiters(service);
	}
}

void services_remove(struct server *server)
{
	for (unsigned i = 0; i < service_count; i++)
		if (services[i].owner == server) {
			mach_port_deallocate(mach_task_self(), services[i].port);
			services[i] = (struct service){.name = ""};
		}
}

/* A server has what its line grants, and the services of those that it started itself. */
static bool may_look_up(const struct server *server, const char *name, const struct service *service)
{
	return conf_names_have(&server->entry->looks_up, name) ||
	       (service && service->owner && service->owner->started && service->owner->started->starter == server);
}

kern_return_t S_bootstrap_look_up(mach_port_t bootstrap, const char *name, mach_port_t reply, mach_port_t *port)
{
	struct server *server = server_of_request();
	struct service *service = service_find(name);
	struct waiter *waiter;

	(void)bootstrap;
	/* Whether there is such a service is no business of those who may not have it. */
	if (!server || !may_look_up(server, name, service))
		return KERN_NO_ACCESS;
	if (!service)
		return KERN_INVALID_NAME;
	if (service->dead)
		return KERN_TERMINATED;
	if (service->served) {
		*port = service->port;
		return mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_SEND, 1);
	}
	waiter = server->look_ups < LOOK_UPS_MAX ? malloc(sizeof(*waiter)) : NULL;

	if (!waiter)
		return KERN_RESOURCE_SHORTAGE;
	*waiter = (struct waiter){.next = waiters, .service = service, .asking = server, .reply = reply};
	waiters = waiter;
	server->look_ups++;
	server_asked(service->owner);
	return MIG_NO_REPLY;
}

kern_return_t S_start_service(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
	const struct server *server = server_of_request();
	struct service *service = service_find(name);

	(void)bootstrap;
	if (!server || server->entry->starts.count == 0)
		return KERN_NO_ACCESS;
	if (!service || !service->owner || !service->owner->started || service->owner->started->starter != server)
		return KERN_INVALID_NAME;
	if (service->dead)
		return KERN_TERMINATED;
	if (!service->served)
		return KERN_ABSENT;
	*port = service->port;
	return mach_port_mod_refs(mach_task_self(), service->port, MACH_PORT_RIGHT_SEND, 1);
}

kern_return_t S_bootstrap_check_in(mach_port_t bootstrap, const char *name, mach_port_t *port)
{
	struct server *server = server_of_request();
	struct service *service = service_find(name);
	mach_port_t previous = MACH_PORT_NULL;
	kern_return_t result = KERN_SUCCESS;

	(void)bootstrap;
	if (!server || !service || service->owner != server)
		return KERN_INVALID_NAME;
	if (service->dead || service->lent)
		return KERN_INVALID_CAPABILITY;
	/* It comes back when the server dies, if there will be another one; else it dies with the server. */
	if (server->entry->restart)
		result = mach_port_request_notification(
			mach_task_self(), service->port, MACH_NOTIFY_PORT_DESTROYED, 0, notify_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous);
	if (result != KERN_SUCCESS)
		return result;
	if (MACH_PORT_VALID(previous))
		mach_port_deallocate(mach_task_self(), previous);
	service->lent = true;
	service->served = true;
	if (server->started)
		started_serves(server);
	*port = service->port;
	/* Before the reply that moves the receive right: the send rights that go out are good already, messages queue.
	 */
	answer_waiters(service);
	return KERN_SUCCESS;
}

kern_return_t S_bootstrap_register(mach_port_t bootstrap, const char *name, mach_port_t port)
{
	const struct server *server = server_of_request();
	struct service *service = service_find(name);

	(void)bootstrap;
	if (!server || !conf_names_have(&server->entry->registers, name))
		return KERN_NO_ACCESS;
	if (!MACH_PORT_VALID(port))
		return KERN_INVALID_ARGUMENT;
	if (service && service->owner)
		return KERN_NAME_EXISTS;
	if (service) {
		mach_port_deallocate(mach_task_self(), service->port);
	} else {
		service = free_place();
		if (!service)
			return KERN_RESOURCE_SHORTAGE;
		strcpy(service->name, name);
	}
	service->port = port;
	service->served = true;
	return KERN_SUCCESS;
}

kern_return_t S_bootstrap_log(mach_port_t bootstrap, boolean_t urgent, const char *line)
{
	const struct server *server = server_of_request();

	(void)bootstrap;
	if (!server)
		return KERN_INVALID_ARGUMENT;
	if (server->entry->is_server)
		say(urgent, "%s: %s", server->entry->name, line);
	else
		say(urgent, "%s", line);
	return KERN_SUCCESS;
}

kern_return_t S_mach_notify_port_destroyed(mach_port_t notify, mach_port_t rights)
{
	struct server *server = server_of_request();

	if (server) {
		kept_port_arrived(server, rights);
		return KERN_SUCCESS;
	}
	if (notify != notify_port)
		return KERN_INVALID_ARGUMENT;
	for (unsigned i = 0; i < service_count; i++) {
		struct service *service = &services[i];

		if (service->port != rights || !service->lent)
			continue;
		service->lent = false;
		if (service->owner->state == SERVER_GONE)
			mach_port_mod_refs(mach_task_self(), rights, MACH_PORT_RIGHT_RECEIVE, -1);
		else
			server_revive(service->owner);
		return KERN_SUCCESS;
	}
	mach_port_mod_refs(mach_task_self(), rights, MACH_PORT_RIGHT_RECEIVE, -1);
	return KERN_SUCCESS;
}
