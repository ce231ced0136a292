/* The plain types of Mach's interfaces, where programs for other Machs look for them. */
#ifndef MACH_STD_TYPES_H
#define MACH_STD_TYPES_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/port.h>
#include <mach/std_words.h>
#include <mach/vm_types.h>

#endif
