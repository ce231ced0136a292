/* What starting a process takes: ports, the task's settings, a thread's registers. */
#ifndef PERSONALITY_FORK_H
#define PERSONALITY_FORK_H

#include <mach/mach_types.h>
#include <stdint.h>

struct process;
struct thread;

/* Makes the port that the process's task calls and faults by. 0 or -ENOMEM. */
int process_own_port(struct process *process);
/*
 * Leads the task's system calls and exceptions to the port. The task gets no other and no trap, unless `mach`
 * (PORTOLAN_MACH_*) says so. 0 or -ENOMEM: then the task must not run.
 */
int task_attach(mach_port_t port, mach_port_t task, unsigned mach);
/* Sets a new kernel thread's word and registers and starts it. 0 or -ENOMEM. */
int thread_start(
	struct thread *thread, const x86_thread_state64_t *registers, const uint64_t *floating, unsigned floats);
/* The child no longer needs its parent's memory: gives the thread that vfork lent back. Harmless otherwise. */
void vfork_finish(struct process *child);

#endif
