/* The types of the kernel's routines, as a task sees them: ports and plain numbers. */
#ifndef MACH_MACH_TYPES_H
#define MACH_MACH_TYPES_H

#include <mach/account.h>
#include <mach/boolean.h>
#include <mach/foreign.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/special_ports.h>
#include <mach/task_info.h>
#include <mach/thread_status.h>
#include <mach/time_value.h>
#include <mach/vm_types.h>

#ifdef PORTOLAN_KERNEL
/* In the kernel they are the objects themselves; the stubs translate. */
#include <kern/kernel_types.h>
#else
typedef mach_port_t account_t;
typedef mach_port_t task_t;
typedef mach_port_t thread_t;
typedef mach_port_t vm_task_t;
typedef mach_port_t ipc_space_t;
typedef mach_port_t host_t;
typedef mach_port_t host_priv_t;
typedef mach_port_t device_master_t;
typedef mach_port_t device_irq_t;
typedef mach_port_t memory_object_t;
typedef mach_port_t memory_object_control_t;
typedef mach_port_t memory_object_name_t;
typedef mach_port_t exception_port_t;
typedef mach_port_t notify_port_t;
typedef vm_address_t pointer_t;
typedef mach_port_t *mach_port_array_t;
typedef const mach_port_t *const_mach_port_array_t;
typedef mach_port_t *thread_array_t;
#endif

typedef char kernel_debug_name_t[32];
typedef char host_log_t[512];

#endif
