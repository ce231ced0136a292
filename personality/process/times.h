/* Processor times. */
#ifndef PERSONALITY_TIMES_H
#define PERSONALITY_TIMES_H

#include <stdint.h>
#include <sys/resource.h>

struct process;
struct thread;

/* ns used so far, its ended threads included. */
void times_of(struct process *process, uint64_t *user, uint64_t *system);
/* Of a thread that exists in the kernel; else they stay as they are. */
void times_of_thread(const struct thread *thread, uint64_t *user, uint64_t *system);
/* The usage of a child that wait reports. */
void times_of_ended(struct process *process, struct rusage *usage);
/* Of a thread that exists in the kernel; else they stay as they are. */
struct thread;
void times_of_thread(const struct thread *thread, uint64_t *user, uint64_t *system);

/* Interval timers of processor time end with the process. */
void intervals_forget(struct process *process);

#endif
