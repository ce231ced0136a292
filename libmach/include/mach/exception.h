/* Exceptions, where older programs look for them. */
#ifndef MACH_EXCEPTION_H
#define MACH_EXCEPTION_H

#include <mach/exception_types.h>

#endif
