/* The task's own port; start-up code sets it. */
#include <mach/traps.h>

mach_port_t mach_task_self_;
