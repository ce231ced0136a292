/* What the rest of the kernel asks of ports and messages. */
#ifndef IPC_IPC_H
#define IPC_IPC_H

#include <kern/kernel_types.h>
#include <kern/list.h>
#include <mach/message.h>


/* What a port whose receive right the kernel holds stands for. */
enum ipc_kobject_type {
	IKOT_NONE, /* an ordinary port */
	IKOT_TASK,
	IKOT_THREAD,
	IKOT_HOST,
	IKOT_HOST_PRIV,
	IKOT_DEVICE_MASTER,
	IKOT_MEMORY_CONTROL, /* object: vm_object */
	IKOT_MEMORY,         /* object: vm_object that vm_map maps as it is: physical, a device's, or kept */
	IKOT_IRQ,
	IKOT_ACCOUNT,
	IKOT_CALL_REPLY,      /* deferred reply of a register caller; object: thread */
	IKOT_EXCEPTION_REPLY, /* object: thread */
	IKOT_FUNCTION,        /* object: struct ipc_kernel_receiver */
};

/*
 * Kernel ports. The object is borrowed: who destroys the object clears the port first (ipc_port_destroy).
 * Lookups take the port's lock, so a reference can be made before the object goes: fn is called with the port locked,
 * and returns what the lookup returns.
 */
struct ipc_port *ipc_kernel_port_create(enum ipc_kobject_type type, void *object, struct account *account);
void *ipc_kernel_port_lookup(struct ipc_port *port, enum ipc_kobject_type type, void *(*reference)(void *object));
/* Who pays for the port: who made it. Good while the caller has a reference or a right. */
struct account *ipc_port_account(const struct ipc_port *port);
/* Called (port unlocked) when the last send right to a kernel port has gone: to drop irq and memory objects. */
void ipc_kernel_port_set_no_senders(struct ipc_port *port, void (*fn)(struct ipc_port *port, void *object));

/* Whether there are rights to the port that are not in the space. */
bool ipc_kernel_port_held_outside(struct ipc_port *port, struct ipc_space *space);

/*
 * Rights as the kernel holds them. Null and dead ports are passed through. make: port borrowed, a right produced.
 * release: consumed.
 */
struct ipc_port *ipc_port_make_send(struct ipc_port *port); /* from the receive right or a kernel port */
struct ipc_port *ipc_port_make_send_once(struct ipc_port *port);
struct ipc_port *ipc_port_copy_send(struct ipc_port *port); /* from a send right that the caller holds */
void ipc_port_release_send(struct ipc_port *port);
void ipc_port_release_send_once(struct ipc_port *port);
void ipc_port_release(struct ipc_port *port); /* a reference, which keeps the structure and gives no right */
bool ipc_port_active(struct ipc_port *port);
/* fn is called, no locks held, when the port dies; returns false if it is dead already. One for each port, for good. */
bool ipc_port_watch_death(struct ipc_port *port, void (*fn)(struct ipc_port *port));
/* Consumes the receive right: the port dies, or goes to who asked for port-destroyed. No locks held. */
void ipc_port_destroy(struct ipc_port *port);

/* Space of a new task; reference. Destroy: every right released, notifications sent; called once at task_terminate. */
kern_return_t ipc_space_create(task_t task, struct ipc_space **out);
void ipc_space_destroy(struct ipc_space *space);
/* Puts a right (consumed, even on failure) into the space under a new or existing name. */
kern_return_t ipc_space_insert(
	struct ipc_space *space, struct ipc_port *port, mach_msg_type_name_t disposition, mach_port_name_t *name);
/* The port whose receive right has the name, with a reference; null. */
struct ipc_port *ipc_space_receive_right(struct ipc_space *space, mach_port_name_t name);
/* What a kernel port stands for, by the name of a send right to it; as ipc_kernel_port_lookup. Null: it is not of that
 * type. */
void *ipc_space_kernel_object(
	struct ipc_space *space, mach_port_name_t name, enum ipc_kobject_type type, void *(*reference)(void *object));

/*
 * Object of an IKOT_FUNCTION port: part of the kernel that takes messages itself. No locks held; the message is
 * consumed.
 */
struct ipc_kernel_receiver {
	void (*message)(struct ipc_kernel_receiver *receiver, struct ipc_kmsg *kmsg);
};

/* Messages made by the kernel; see ipc_kmsg.h for what the generated stubs use. */
/* One-way register message; port and disposition as in ipc_kmsg_send_from_kernel: MOVE_* consumed, else borrowed. */
mach_msg_return_t ipc_send_words_from_kernel(struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_id_t id,
	const uint64_t *words, unsigned count);

/* Page-out's: sends what waited for memory; true if some still does. No locks held. */
bool ipc_notify_owed(void);

/* Start, thread's end, and stopping a thread inside a call. */
void ipc_init(void);
void ipc_thread_init(struct thread *thread);
/*
 * The thread ends (it is the current one, or not running): drops its call, reply owed (the caller gets
 * MIG_SERVER_DIED), received message.
 */
void ipc_thread_terminate(struct thread *thread);
/* Gives up what an aborted mach_msg left unfinished: a request to the kernel, a message that did not arrive. */
void ipc_thread_forget(struct thread *thread);
/*
 * thread_abort: takes the thread out of an IPC wait. Foreign callers, and others while their message is queued, are
 * rewound to before the syscall; else the operation ends with MACH_RCV_INTERRUPTED or MACH_SEND_INTERRUPTED. A reply
 * right that someone holds dies. No locks held. True if the thread was in one and now is READY.
 */
bool ipc_thread_abort(struct thread *thread);
/*
 * For thread_suspend, get_state, set_state (thread is stopped or waiting, and suspended): withdraws a foreign call not
 * yet received, so that it stands before its syscall. A received foreign call stays.
 */
void ipc_thread_withdraw(struct thread *thread);

/* Traps. The register ones return through the scheduler. */
_Noreturn void ipc_trap_call(struct thread *self);
_Noreturn void ipc_call_kernel(
	struct thread *self, struct ipc_port *port); /* a call on a kernel port: reference consumed */
_Noreturn void ipc_trap_reply_wait(struct thread *self);
_Noreturn void ipc_foreign_call(struct thread *self); /* to task->foreign_port; exception if none or dead */
int64_t ipc_trap_reply_defer(struct thread *self);
/* Current thread self: its time and slice are the caller's from now on, until it waits for a call; null: its own. */
void ipc_work_for(struct thread *self, struct thread *caller);
int64_t ipc_trap_send(struct thread *self);
int64_t ipc_trap_mach_msg(struct thread *self);
int64_t ipc_trap_reply_port(struct thread *self);

/*
 * The fast path (ipc/fast.c), jumped to by the entry code on the empty stack, with the user's registers where
 * x86_64/live.h says. It ends in a switch to the other thread, or with nothing changed in the full path.
 */
_Noreturn void ipc_fast_call(void);
_Noreturn void ipc_fast_reply_wait(void);
_Noreturn void ipc_fast_foreign(void);
/* The same for a machine on which one processor runs: they take no locks. */
_Noreturn void ipc_fast_call_one(void);
_Noreturn void ipc_fast_reply_wait_one(void);
_Noreturn void ipc_fast_foreign_one(void);

/* The kernel's interfaces, by id; task/kernel_server.c lists them. */
struct mig_routine;
const struct mig_routine *kernel_routine(mach_msg_id_t id);

#endif
