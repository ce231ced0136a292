/* Deaths that come from outside: the kernel, or a Mach program itself, ends a task or a thread. */
#ifndef PERSONALITY_DEATHS_H
#define PERSONALITY_DEATHS_H

#include <mach/mach_types.h>

/* Makes the port that is told; at the start. Failing ends the server. */
void deaths_start(void);
/*
 * From now on the end of this task or kernel thread (a send right, borrowed) ends its process or its thread here, as
 * SIGKILL would; also when it has ended already. 0 or -ENOMEM.
 */
int death_watch(mach_port_t port);

#endif
