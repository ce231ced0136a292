/* Where other Machs' programs look for a part of it. */
#include <mach/mach.h>
