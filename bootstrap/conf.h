/* The configuration of the first task: which servers and programs run, with which privileges and services. */
#ifndef BOOTSTRAP_CONF_H
#define BOOTSTRAP_CONF_H

#include <stdbool.h>
#include <stddef.h>

/*
 * One entry per line; a word that begins with # ends the line. A backslash at a line's end joins the next line to it.
 *
 *	server NAME [module=FILE] [service=NAME]... [looks-up=NAMES] [registers=NAMES] [ends=NAMES] [starts=NAMES] \
 *		[privileges=host,device] [restart=yes|no|power-off] [start=asked] [memory=MIB] [args=WORDS...]
 *	program NAME [module=FILE] [looks-up=NAMES] [registers=NAMES] [ends=NAMES] [privileges=host,device]
 *[args=WORDS...]
 *
 * module: the boot module with the program, NAME if not given. service: a name under which bootstrap_look_up finds the
 * server's port. What a task may ask of bootstrap is nothing but what its line grants, each a list with commas or
 *several such words: looks-up, the services whose port it may have; registers, the names that it may give to ports of
 *its own; ends, the servers and programs that it may end. privileges: host (switching off, wiring, the log) and device
 *(interrupts, I/O ports, physical memory). restart=yes: when the server dies, a new instance gets its ports; otherwise
 *they die with it. restart=power-off: the system ends with this server. start=asked: it is not started before
 *somebody looks one of its services up. starts: it may start servers while the system
 *runs (bootstrap_start), which may look up these services, those of one another, and nothing else. memory: how much of
 *its own a server may have; no limit if not given. args: the rest of the line, words separated by
 *blanks.
 */
#define CONF_ENTRIES_MAX  48
#define CONF_SERVICES_MAX 8
#define CONF_ARGS_MAX     32
#define CONF_NAME_SIZE    32
#define CONF_SERVICE_SIZE 64
#define CONF_LINE_SIZE    1024
#define CONF_MEMORY_MAX   (1u << 20) /* MiB */

struct conf_names {
	unsigned count;
	char name[CONF_SERVICES_MAX][CONF_SERVICE_SIZE];
};

struct conf_entry {
	unsigned line;
	bool is_server;
	bool restart;
	bool power_off;
	bool when_asked; /* started when somebody looks one of its services up */
	bool host, device;
	struct conf_names looks_up, registers, ends, starts;
	unsigned memory; /* MiB; 0: no limit */
	char name[CONF_NAME_SIZE];
	char module[CONF_SERVICE_SIZE];
	unsigned services;
	char service[CONF_SERVICES_MAX][CONF_SERVICE_SIZE];
	unsigned args;             /* argv[1] on */
	char *arg[CONF_ARGS_MAX];  /* into text */
	char text[CONF_LINE_SIZE]; /* the line, cut into words */
};

struct conf {
	unsigned entries;
	struct conf_entry entry[CONF_ENTRIES_MAX];
};

bool conf_names_have(const struct conf_names *names, const char *name);

/* Gets every mistake: the line's number (from 1), and what is wrong with it. */
typedef void (*conf_error_fn)(void *context, unsigned line, const char *text);

/* Reads size bytes. Lines with mistakes are reported and left out; how many there were is returned. */
unsigned conf_parse(const char *text, size_t size, struct conf *conf, conf_error_fn error, void *context);
/* One line by itself. False: there is a mistake in it, or nothing. */
bool conf_parse_line(const char *line, struct conf_entry *entry, conf_error_fn error, void *context);

#endif
