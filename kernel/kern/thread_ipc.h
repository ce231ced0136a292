/* The part of a thread that belongs to message passing. */
#ifndef IPC_IPC_THREAD_H
#define IPC_IPC_THREAD_H

#include <kern/list.h>
#include <mach/message.h>

struct thread;
struct ipc_port;
struct ipc_object;
struct ipc_kmsg;

/* What a port's queue holds: messages and waiting callers, in order of arrival. */
struct ipc_element {
	struct list link;
	bool is_caller; /* part of a thread's ipc_thread, else of an ipc_kmsg */
};

/*
 * What a thread is doing with respect to a register call it made. The state is guarded by the thread's lock; to and
 * from QUEUED also by the port's.
 *
 *   NONE      -> QUEUED     the caller, when no receiver could take the words at once
 *   NONE      -> RECEIVED   the caller, by the fast path
 *   QUEUED    -> RECEIVED   the receiver
 *   QUEUED    -> NONE       port died; thread_abort, withdraw, terminate
 *   RECEIVED  -> NONE       reply; server or right to reply died; thread_abort, terminate
 *
 * While QUEUED the words are in the caller's saved registers, so that an abort only has to step back over the
 * instruction. Then an ordinary caller's are the server's; a foreign caller keeps all its registers to the end.
 */
enum ipc_call_state {
	IPC_CALL_NONE,
	IPC_CALL_QUEUED,   /* its message (words in its regs) is on the port's queue */
	IPC_CALL_RECEIVED, /* a reply is owed, by `server` or by the holder of the right to `reply_port` */
};

/*
 * Who owes whom: caller->server points to the server thread while the reply is owed directly, and server->owes to the
 * caller. Only caller->server, under the caller's lock, says that the call is still alive: an abort clears it and does
 * not look at the server, which finds out when it replies. So the server's `owes` is touched by the server alone (or by
 * who ends it, or hands it words while it waits).
 *
 * While the call lasts the caller does, for to end a thread ends its call first; so `owes` needs no reference. Who ends
 * the call, but by switching to the caller at once, leaves one to the server, under the caller's lock.
 */
struct ipc_thread {
	/* As caller. */
	uint8_t call_state; /* enum ipc_call_state */
	bool call_foreign;
	bool call_died;     /* foreign: the server died; the continuation raises EXC_SYSCALL */
	uint8_t call_count; /* words */
	mach_msg_id_t call_id;
	struct thread *server;       /* borrowed: a server clears it before it goes */
	struct ipc_port *call_port;  /* reference while queued */
	struct ipc_port *reply_port; /* kernel port that stands for the deferred reply, or null; borrowed */
	struct ipc_element element;  /* in call_port's queue */

	/* As server: the reply owed for the register message last received, to a caller or to a right. */
	struct thread *owes;         /* a reference once its call has ended */
	struct ipc_port *owes_right; /* right of a buffered request that came as words */
	uint8_t owes_disposition;
	mach_msg_id_t owes_id;          /* of that reply */
	const struct ipc_port *owes_on; /* where the call came in; while `owes`; compared, never followed */
	/* Without owing it directly, whom it works for until it next waits for a call: a reference, changed by the server alone. */
	struct thread *works_for;

	/* As receiver or blocked sender. */
	struct ipc_object *wait_object; /* port or set whose list it is or was on: reference; or whose slot it is in */
	uint64_t deadline;              /* of the trap that is being run in pieces, ns; 0 none */
	struct ipc_port *room;   /* reference: woken for room there, the wake not passed on yet (ipc_send_room_over) */
	struct ipc_kmsg *taking; /* message that left its queue but not yet the kernel: memory ran short of residence */
};

#endif
