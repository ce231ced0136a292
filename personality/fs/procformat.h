/* The texts of /proc that programs parse: pure functions of plain facts, tested on the build host. */
#ifndef PERSONALITY_PROCFORMAT_H
#define PERSONALITY_PROCFORMAT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing text. */
struct text {
	char *data;
	size_t size, room;
	bool failed; /* no memory */
};

void text_add(struct text *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void text_append(struct text *text, const void *data, size_t size);
void text_free(struct text *text);

struct proc_facts {
	int thread; /* of a thread: its id */
	int id, parent, group, session, terminal, foreground, threads, nice, priority;
	char state; /* R S T Z */
	const char *name;
	uint64_t user_ns, system_ns, children_user_ns, children_system_ns, started_ns;
	uint64_t virtual_bytes, resident_bytes;
	uint64_t code_start, code_end, stack_start;
	uint64_t pending, blocked, ignored, caught;
	int exit_signal;
	uint64_t capabilities[5]; /* inheritable, permitted, effective, bounding, ambient */
	bool no_new_privileges;
	int seccomp; /* its mode */
	unsigned processor; /* where its first thread ran last, */
	uint64_t affinity;  /* and where it may, a bit each */
	uint32_t uid[4], gid[4];
	unsigned groups;
	const uint32_t *group_list;
	unsigned umask;
	unsigned fd_size;
};

void format_stat(struct text *text, const struct proc_facts *facts);
void format_status(struct text *text, const struct proc_facts *facts);

struct memory_facts {
	uint64_t total, free, cached, active, inactive, swap, swap_used; /* bytes */
};

void format_meminfo(struct text *text, const struct memory_facts *facts);

struct map_facts {
	uint64_t start, end, offset, inode;
	unsigned major, minor;
	int protection;
	bool shared;
	const char *name;
};

void format_map(struct text *text, const struct map_facts *facts);

#endif
