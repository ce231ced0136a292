/* What the files of bootstrap share: the servers it runs and the services it names. */
#ifndef BOOTSTRAP_BOOTSTRAP_H
#define BOOTSTRAP_BOOTSTRAP_H

#include "conf.h"

#include <mach/boot_info.h>
#include <mach/server.h>
#include <servers/start_types.h>

/*
 * A server or program of the configuration.
 *
 *   DOWN      not started yet (or not asked for yet), or dead and about to be started again once its receive rights are back.
 *   RUNNING   its task lives.
 *   GONE      dead or impossible to start, for good. Its services are dead.
 *
 * Those of the configuration stay in the table for ever; one that was started at run time (started.c) leaves it when it
 * is told to stop and is dead.
 */
struct server {
	const struct conf_entry *entry; /* null: a free place in the table */
	enum { SERVER_DOWN, SERVER_RUNNING, SERVER_GONE } state;
	mach_port_t task;      /* send right */
	mach_port_t bootstrap; /* its bootstrap port: receive and send right here; payload: this */
	bool asked;            /* of one that starts when asked for: it was */
	uint64_t recent_start; /* ns, of the first of recent_starts */
	unsigned recent_starts;
	unsigned look_ups; /* of its own that wait */
	struct kept *kept; /* kept.c */
	unsigned kept_count;
	mach_port_t *kept_port; /* receive rights */
	unsigned kept_ports, kept_ports_room;
	struct started *started; /* started.c; null: of the configuration */
};

/* What is beside a server that was started at run time. */
struct started {
	struct server *starter; /* whose bootstrap port the request came by */
	struct conf_entry entry;
	server_line_t line;
	vm_address_t program;
	vm_size_t size;
	unsigned starts;
	bool served;            /* this program has checked in once */
	bool tried;             /* an instance of it was started */
	struct started *before; /* what it replaces, until it has; else null */
	bool stopping;
	mach_port_t reply; /* of who waits for its end; else null */
};

#define KEPT_MAX     16 /* send rights that a server may leave */
#define LOOK_UPS_MAX 32 /* of a server that wait: it has a thread for each */

/*
 * A name and its port. Of a configured service bootstrap always has a send right; the receive right is here, lent to
 * its server, or (server GONE) dead.
 */
struct service {
	service_name_t name;
	struct server *owner; /* null: registered by someone at run time */
	mach_port_t port;
	bool lent;
	bool served; /* was checked in once: look-ups need not wait any more */
	bool dead;
};

extern mach_port_t host_priv, device_master;
extern mach_port_t notify_port;    /* where notifications come; no payload */
extern mach_port_t exception_port; /* where exceptions of servers come; no payload */
extern mach_port_t server_set;     /* all of bootstrap's receive rights */
extern const struct boot_info *boot;
extern bool quiet;

/* main.c: a line for the console; when not urgent, dropped if the kernel was told to be quiet. */
__attribute__((format(printf, 2, 3))) void say(bool urgent, const char *format, ...);

/* servers.c */
/* A new server, not started yet; null: no place, or no port. */
struct server *server_add(const struct conf_entry *entry);
/* Which has left the table, with its port and its services. */
void server_remove(struct server *server);
/* The server of that name; null. */
struct server *server_find(const char *name);
/* The one at a place of the table, or null. Places are below CONF_ENTRIES_MAX. */
struct server *server_at(unsigned place);
void servers_start(void);
/* Why it could not, or KERN_SUCCESS. */
kern_return_t server_start(struct server *server);
/* Somebody waits for a service of its (null is harmless): one that starts when asked for starts, the first time. */
void server_asked(struct server *server);
/* Starts it again if it is DOWN and has all its receive rights back. */
void server_revive(struct server *server);
/* The server to whose bootstrap port the request being served came; null when it came to another port. */
struct server *server_of_request(void);
/* The server whose task this is; null. */
struct server *server_of_task(mach_port_t task);

/* kept.c */
void kept_port_arrived(struct server *server, mach_port_t port);
/* The server is GONE: its ports die. */
void kept_die(struct server *server);

/* services.c */
void services_add(struct server *server);
bool services_are_back(const struct server *server);
/* The server has died: its look-ups wait no more. */
void services_forget(struct server *server);
/* The server is GONE: clients get dead names, look-ups an error. */
void services_die(struct server *server);
/* It has left the table: its services, dead by now, are forgotten. */
void services_remove(struct server *server);
struct service *service_find(const char *name);

/* started.c: of a server that was started at run time. */
/* It has checked in. */
void started_serves(struct server *server);
/* It has died. Whether it may be started again, with what it was before if it never served as what it is now. */
bool started_goes_on(struct server *server);
/* It is GONE. If it was told to stop it is no more. */
void started_has_ended(struct server *server);

#endif
