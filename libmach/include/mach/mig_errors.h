/* Errors of generated stubs, and the reply that carries one, where programs for other Machs look for them. */
#ifndef MACH_MIG_ERRORS_H
#define MACH_MIG_ERRORS_H

#include <mach/kern_return.h>
#include <mach/mig.h>

#endif
