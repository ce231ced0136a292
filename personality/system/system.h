/* The end of the system. */
#ifndef PERSONALITY_SYSTEM_H
#define PERSONALITY_SYSTEM_H

#include <stdbool.h>

/* Kills all processes, stops the file systems, ends the machine. Releases the lock; does not come back. */
_Noreturn void system_end(bool restart);

#endif
