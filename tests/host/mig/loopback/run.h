/* Runs tests over the loop-back. */
#ifndef LOOPBACK_RUN_H
#define LOOPBACK_RUN_H

#include "../calls.h"

/* The interface is served at `server`; both at the port `receive`. */
extern mach_port_t receive;
void lb_start(const struct mig_subsystem *subsystem);
/* Runs each of the tests; none may leave rights or memory, or send a byte that nobody wrote. Returns how many failed.
 */
unsigned lb_run(const char *interface, const struct calls *tests);

#endif
