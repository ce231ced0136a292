/* The golden interface's server, run by golden.c's main. */
#ifndef TESTS_MIG_GOLDEN_SERVE_H
#define TESTS_MIG_GOLDEN_SERVE_H

#include <mach/mach.h>

/* Serves for ever; returns only when it cannot. */
int golden_serve(mach_port_t bootstrap);

#endif
