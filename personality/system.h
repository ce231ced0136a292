/* The system as a whole: its start, its end, its rights. */
#ifndef PERSONALITY_SYSTEM_H
#define PERSONALITY_SYSTEM_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

#define SYSTEM_NAME    "Linux" /* what programs compare uname's sysname with */
#define SYSTEM_RELEASE "6.1.0-portolan"
#define SYSTEM_VERSION "#1 Portolan " PACKAGE_VERSION
#define SYSTEM_MACHINE "x86_64"

extern char system_host_name[65], system_domain_name[65];

/* Rights that bootstrap gave the server. */
mach_port_t host_privileged(void);
mach_port_t device_master(void);

/* Pid 1 has ended. */
void system_init_ended(int status);
/* Kills all processes, stops the file systems, ends the machine. Releases the lock; does not come back. */
_Noreturn void system_end(bool restart);

#endif
