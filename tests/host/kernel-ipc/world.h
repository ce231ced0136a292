/*
 * A pretend machine on which the kernel's message passing runs with the kernel's own scheduler: threads in "user mode"
 * are coroutines that make traps; user addresses are addresses of the test program; any touch of user memory may fault
 * and restart the trap.
 */
#ifndef KERNEL_IPC_WORLD_H
#define KERNEL_IPC_WORLD_H

#include "../kernel-support/support.h"
#include <ipc/ipc_internal.h>
#include <kern/task.h>
#include <mach/trap.h>

void world_start(void);
struct task *world_task(void);
/* Ends the task: its threads must have ended. */
void world_task_end(struct task *task);
/* A thread that runs fn(argument) in user mode and ends when fn returns. */
struct thread *world_thread(struct task *task, void (*fn)(void *argument), void *argument);
/* A new port of the task: the name of its receive right. */
mach_port_name_t world_port(struct task *task);
/* A new send right to `name`, a port of `from`: its name in `to`. */
mach_port_name_t world_send_right(struct task *from, mach_port_name_t name, struct task *to);
/* Runs until nothing can run any more. Returns how many threads have not ended. */
unsigned world_run(void);

/* All tasks have ended: nothing is on their accounts, whoever had the last of it, nor on the kernel's. */
void world_check_accounts(void);
/* Objects of kalloc in use, without the message blocks that the processor keeps. */
size_t world_kalloc_used(void);

/* How wild the machine is, per mille: faults at touches of user memory, preemption in user mode. */
extern unsigned world_fault_rate, world_preempt_rate;
/* Whether the traps try the fast path first. */
extern bool world_fast;
/* Whether no message is handed to who waits for it: all lie in a queue. */
extern bool world_by_queue;
/* What an interrupt does that is taken in the middle of a long operation, or null; and how often it was. */
extern void (*world_interrupt)(void);
extern unsigned world_interrupts;
/* Exceptions raised (EXC_SYSCALL of a foreign call whose server is gone). */
extern unsigned world_exceptions;
extern uint64_t world_fast_taken, world_handed;

/* --- Traps, from user mode. */
/* The blocks that the processor keeps are away: each message has to be allocated; and they are back. */
void world_hide_blocks(void);
void world_show_blocks(void);

struct words {
	uint64_t w[8];
};
int64_t user_trap(int64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t r10, uint64_t r8, uint64_t r9);
/* Returns rax; words in and out; *count in and out. */
int64_t user_call(mach_port_name_t port, int id, struct words *words, unsigned *count);
int64_t user_send(mach_port_name_t port, int id, const struct words *words, unsigned count);
struct delivered {
	struct words words;
	unsigned count, kind;
	int id;
	uint64_t label;
};
int64_t user_reply_wait(mach_port_name_t name, unsigned flags, const struct words *reply, unsigned reply_count,
	void *buffer, uint32_t size, struct delivered *delivered);
int64_t user_msg(void *message, unsigned option, uint32_t send_size, uint32_t receive_size, mach_port_name_t name,
	uint32_t timeout, mach_port_name_t notify);
int64_t user_foreign(uint64_t number, const uint64_t arguments[6]);

#endif
