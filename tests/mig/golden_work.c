/* The work functions of the golden interface (tests/host/mig/golden), with the machine's rights. */
#include "loopback.h"

#define mach_port_deallocate(task, name) lb_drop(name)
#include "../host/mig/golden/server.c"
