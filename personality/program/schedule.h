/* How threads are scheduled: schedule.c. */
#ifndef PERSONALITY_SCHEDULE_H
#define PERSONALITY_SCHEDULE_H

struct process;
struct thread;

#define SLICE_NS 10000000l /* the kernel's (doc/scheduling.md) */

/* A new thread is scheduled as the one that makes it, unless that says otherwise. */
void schedule_inherit(struct thread *thread, const struct thread *from);
/* It has a new kernel thread: tells the kernel what of its scheduling is not as a new one's. */
void schedule_new(const struct thread *thread);

#endif
