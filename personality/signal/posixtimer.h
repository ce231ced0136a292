/* The timers of timer_create, as the ends of programs see them. */
#ifndef PERSONALITY_POSIXTIMER_H
#define PERSONALITY_POSIXTIMER_H

struct process;

/* exec and exit: all of the process's timers go. */
void posix_timers_delete(struct process *process);

#endif
