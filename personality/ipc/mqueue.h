/* POSIX message queues (mq_overview(7)): the names and the messages. */
#ifndef PERSONALITY_MQUEUE_H
#define PERSONALITY_MQUEUE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "base/table.h"
#include "file/file.h"
#include "file/vnode.h"
#include "process/signal.h"

struct user;
struct process;

struct mq_message {
	uint64_t priority, number;
	uint64_t size;
	char data[];
};

/* Who is told of the first message that comes. A process that has ended is nobody. */
struct mq_notice {
	int kind; /* SIGEV_SIGNAL or SIGEV_NONE */
	int signal;
	uint64_t value;
	int owner; /* 0: nobody */
	uint64_t owner_serial;
};

/* A queue: what its vnode stands for. It goes with that, when it has no name and nobody has it open. */
struct mq {
	struct vnode vnode; /* first */
	struct table_link by_name;
	char *name; /* null: it has none any more */
	uint32_t uid, gid;
	int64_t accessed, modified, changed; /* ns */
	struct user *user;                   /* who pays: a reference */
	uint64_t charged;

	uint64_t most, size_most; /* messages, and the bytes of one */
	uint64_t count, numbers, bytes;
	struct mq_message **heap; /* `most`: the next to come first */
	struct mq_notice notice;
	struct list senders, receivers; /* sleepers */
	struct wait_queue queue;        /* polls */
};

struct mq_limits {
	uint64_t messages, message_size, queues; /* what only root may exceed */
	uint64_t messages_usual, message_size_usual;
};
extern struct mq_limits mq_limits;

/* mqname.c */
/* The queue of a name, borrowed, or null. */
struct mq *mq_find(const char *name);
/* One without messages, with a name: a reference for the caller. 0 or -errno. */
int mq_make(struct call *call, const char *name, unsigned mode, uint64_t most, uint64_t size_most, struct mq **out);

/* mqueue.c: a description of it is being opened. */
int mq_open_file(struct call *call, struct vnode *vnode, struct file *file);
/* It has an owner no more, if it was that process. */
void mq_forget_notice(struct mq *queue, const struct process *process);
/* Whether somebody is registered to be told. */
bool mq_has_notice(const struct mq *queue);

#endif
