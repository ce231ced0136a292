/* Rights that bootstrap gave the server. */
#ifndef PERSONALITY_RIGHTS_H
#define PERSONALITY_RIGHTS_H

#include <mach/mach_types.h>

mach_port_t host_privileged(void);
mach_port_t device_master(void);

#endif
