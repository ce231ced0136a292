/* What servers leave to their next instances: send rights by name, and receive rights that come back by themselves. */
#include "bootstrap.h"

#include <servers/bootstrap_server.h>
#include <stdlib.h>
#include <string.h>

/* A send right under a name. */
struct kept {
	struct kept *next;
	service_name_t name;
	mach_port_t right;
};

static struct kept **find(struct server *server, const char *name)
{
	struct kept **link = &server->kept;

	while (*link && strcmp((*link)->name, name) != 0)
		link = &(*link)->next;
	return link;
}

kern_return_t S_bootstrap_keep(mach_port_t bootstrap, const char *name, mach_port_t right)
{
	struct server *server = server_of_request();
	struct kept *kept;

	(void)bootstrap;
	if (!server || !server->entry->is_server || !MACH_PORT_VALID(right) || *name == '\0')
		return KERN_INVALID_ARGUMENT;
	kept = *find(server, name);
	if (kept) {
		mach_port_deallocate(mach_task_self(), kept->right);
	} else {
		kept = server->kept_count < KEPT_MAX ? malloc(sizeof(*kept)) : NULL;
		if (!kept)
			return KERN_RESOURCE_SHORTAGE;
		strcpy(kept->name, name);
		kept->next = server->kept;
		server->kept = kept;
		server->kept_count++;
	}
	kept->right = right;
	return KERN_SUCCESS;
}

kern_return_t S_bootstrap_kept(mach_port_t bootstrap, const char *name, mach_port_t *right)
{
	struct server *server = server_of_request();
	struct kept *kept = server ? *find(server, name) : NULL;

	(void)bootstrap;
	if (!kept)
		return KERN_INVALID_NAME;
	*right = kept->right;
	return mach_port_mod_refs(mach_task_self(), kept->right, MACH_PORT_RIGHT_SEND, 1);
}

/* A port of the server's, which has died. The right is consumed. */
void kept_port_arrived(struct server *server, mach_port_t port)
{
	if (server->state != SERVER_GONE && server->kept_ports == server->kept_ports_room) {
		unsigned room = server->kept_ports_room ? 2 * server->kept_ports_room : 64;
		mach_port_t *ports = realloc(server->kept_port, room * sizeof(*ports));

		if (ports) {
			server->kept_port = ports;
			server->kept_ports_room = room;
		}
	}
	if (server->state == SERVER_GONE || server->kept_ports == server->kept_ports_room)
		mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
	else
		server->kept_port[server->kept_ports++] = port;
}

/* The instance before this one told of its ports by the port that this request came by: they are all here. */
kern_return_t S_bootstrap_kept_port(mach_port_t bootstrap, mach_port_t *port, uint64_t *payload)
{
	struct server *server = server_of_request();

	(void)bootstrap;
	if (!server || server->kept_ports == 0)
		return KERN_INVALID_NAME;
	*port = server->kept_port[--server->kept_ports];
	return mach_port_get_protected_payload(mach_task_self(), *port, payload);
}

void kept_die(struct server *server)
{
	struct kept *kept;

	while (server->kept_ports)
		mach_port_mod_refs(
			mach_task_self(), server->kept_port[--server->kept_ports], MACH_PORT_RIGHT_RECEIVE, -1);
	/* Memory for devices stays: nobody has told the device that it is not its any more. */
	while (!server->entry->device && (kept = server->kept)) {
		server->kept = kept->next;
		mach_port_deallocate(mach_task_self(), kept->right);
		free(kept);
		server->kept_count--;
	}
}
