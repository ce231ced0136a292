/* The part of a thread that belongs to message passing. */
#ifndef IPC_IPC_THREAD_H
#define IPC_IPC_THREAD_H

#include <kern/list.h>
#include <mach/message.h>
#include <stdbool.h>
#include <stdint.h>

struct thread;
struct ipc_port;
struct ipc_kmsg;

/* What a thread is doing with respect to a register call it made. */
enum ipc_call_state {
	IPC_CALL_NONE,
	IPC_CALL_QUEUED,   /* its message (words in its regs) is on the port's queue */
	IPC_CALL_RECEIVED, /* a server owes the reply */
};

/*
 * A caller and the server thread that owes it a reply point at each other (caller.server, server.owes), under both threads' locks, until the
 * reply, a defer (then caller.reply_port stands between them), an abort, or a death.
 */
struct ipc_thread {
	/* As caller. */
	enum ipc_call_state call_state;
	bool call_foreign;
	uint8_t call_count;	     /* words */
	mach_msg_id_t call_id;
	struct thread *server;	     /* who owes the reply, while not deferred */
	struct ipc_port *call_port;  /* reference while queued */
	struct ipc_port *reply_port; /* kernel port that stands for the deferred reply, or null */

	/* As server. */
	struct thread *owes; /* caller last received and not yet replied to */

	/* As receiver. */
	bool receive_words;	       /* waits in mach_reply_wait */
	struct ipc_kmsg *received;     /* message handed to it while it waited */
	mach_msg_return_t receive_result;
	void *receive_object;	       /* port or set it waits on, with a reference */
	struct list link;	       /* in the port's message queue, as a queued caller */
	uint64_t data[6];	       /* ipc's own */
};

#endif
