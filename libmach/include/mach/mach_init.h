/* What Apple's programs find set when they start. */
#ifndef MACH_MACH_INIT_H
#define MACH_MACH_INIT_H

#include <mach/mach.h>

/* What task_get_special_port says of this task at its start; a program that does not use the name does not ask. */
extern mach_port_t bootstrap_port;

#endif
