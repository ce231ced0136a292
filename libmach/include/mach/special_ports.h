/* Which port task_get_special_port and thread_get_special_port mean. */
#ifndef MACH_SPECIAL_PORTS_H
#define MACH_SPECIAL_PORTS_H

#define TASK_KERNEL_PORT    1
#define TASK_EXCEPTION_PORT 3
#define TASK_BOOTSTRAP_PORT 4

#define THREAD_KERNEL_PORT    1
#define THREAD_EXCEPTION_PORT 3

/* Slots of mach_ports_register: what bootstrap hands to the servers it starts. */
#define TASK_PORT_REGISTER_MAX   4
#define REGISTERED_HOST_PRIV     0
#define REGISTERED_DEVICE_MASTER 1
#define REGISTERED_SERVICE       2 /* receive right of the service itself, see bootstrap.defs */

#endif
