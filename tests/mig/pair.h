/* The two tasks that run the calls of an interface (tests/host/mig/calls.h): compiled for each interface, given PAIR.
 */
#ifndef TESTS_MIG_PAIR_H
#define TESTS_MIG_PAIR_H

#include "calls.h"

/* Of the interface PAIR: its table, and its dispatcher for servers with a loop of their own. */
#define PAIR_JOIN_(a, b) a##b
#define PAIR_JOIN(a, b)  PAIR_JOIN_(a, b)
#define PAIR_TEXT_(a)    #a
#define PAIR_TEXT(a)     PAIR_TEXT_(a)
#define PAIR_SUBSYSTEM   PAIR_JOIN(PAIR, _subsystem)
#define PAIR_SERVER      PAIR_JOIN(PAIR, _server)
#define PAIR_NAME        PAIR_TEXT(PAIR)
extern const struct mig_subsystem PAIR_SUBSYSTEM;
boolean_t PAIR_SERVER(mach_msg_header_t *in, mach_msg_header_t *out);

/* The set of ports that the calling thread of the server serves. */
extern __thread mach_port_t pair_set;

/* The server's task. Serves for ever; returns only when it cannot. */
int pair_serve(mach_port_t bootstrap);

#endif
