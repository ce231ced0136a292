/* As GNU's programs include it. */
#include <mach/mach.h>
