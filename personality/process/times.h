/* Processor times. */
#ifndef PERSONALITY_TIMES_H
#define PERSONALITY_TIMES_H

#include <stdint.h>
#include <sys/resource.h>

struct process;

/* ns used so far, its ended threads included. */
void times_of(struct process *process, uint64_t *user, uint64_t *system);
/* The usage of a child that wait reports. */
void times_of_ended(struct process *process, struct rusage *usage);

#endif
