/* The record of data representation, where programs for other Machs look for it. */
#ifndef MACH_NDR_H
#define MACH_NDR_H

#include <mach/mig.h>

#endif
