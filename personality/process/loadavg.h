/* Load averages. */
#ifndef PERSONALITY_LOADAVG_H
#define PERSONALITY_LOADAVG_H

#define LOAD_SHIFT 11 /* fixed point */

/* Threads that run or want to, over 1, 5 and 15 minutes. */
extern unsigned long load_average[3];

void load_start(void);
/* Threads that run or want to now. */
unsigned load_running(void);

#endif
