/* The types of the kernel's routines, as a task sees them: ports and plain numbers. */
#ifndef MACH_MACH_TYPES_H
#define MACH_MACH_TYPES_H

#include <mach/account.h>
#include <mach/boolean.h>
#include <mach/clock_types.h>
#include <mach/exception_types.h>
#include <mach/foreign.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/special_ports.h>
#include <mach/task_info.h>
#include <mach/std_types.h>
#include <mach/sync_policy.h>
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
typedef mach_port_t sized_memory_t;
typedef mach_port_t memory_object_t;
typedef mach_port_t memory_object_control_t;
typedef mach_port_t memory_object_name_t;
typedef mach_port_t exception_port_t;
typedef mach_port_t notify_port_t;
typedef vm_address_t pointer_t;
typedef mach_port_t *mach_port_array_t;
typedef const mach_port_t *const_mach_port_array_t;
typedef mach_port_t *thread_array_t;
typedef mach_port_t *task_array_t;
typedef mach_port_t *processor_array_t;
typedef mach_port_t *processor_name_array_t;
typedef mach_port_t *processor_set_array_t;
typedef mach_port_t *processor_set_name_array_t;
typedef mach_port_t *ledger_array_t;
typedef mach_port_t *thread_act_array_t;
typedef mach_port_t *thread_port_array_t;
typedef mach_port_t *task_port_array_t;
typedef mach_port_t *act_array_t;
typedef mach_port_t *thread_act_port_array_t;
typedef mach_port_t task_name_t;
typedef mach_port_t task_inspect_t;
typedef mach_port_t task_read_t;
typedef mach_port_t task_port_t;
typedef mach_port_t task_suspension_token_t;
typedef mach_port_t thread_act_t;
typedef mach_port_t thread_act_port_t;
typedef mach_port_t thread_inspect_t;
typedef mach_port_t thread_read_t;
typedef mach_port_t thread_port_t;
typedef mach_port_t act_t;
typedef mach_port_t vm_map_t;
typedef mach_port_t vm_map_read_t;
typedef mach_port_t vm_map_inspect_t;
typedef mach_port_t ipc_space_read_t;
typedef mach_port_t ipc_space_inspect_t;
typedef mach_port_t ipc_space_port_t;
typedef mach_port_t host_name_t;
typedef mach_port_t host_security_t;
typedef mach_port_t host_name_port_t;
typedef mach_port_t processor_t;
typedef mach_port_t processor_name_t;
typedef mach_port_t processor_port_t;
typedef mach_port_t processor_set_t;
typedef mach_port_t processor_set_name_t;
typedef mach_port_t processor_set_control_t;
typedef mach_port_t processor_set_name_port_t;
typedef mach_port_t semaphore_t;
typedef mach_port_t lock_set_t;
typedef mach_port_t ledger_t;
typedef mach_port_t alarm_t;
typedef mach_port_t auth_t;
typedef mach_port_t mem_entry_name_port_t;
typedef mach_port_t vm_named_entry_t;
typedef mach_port_t memory_object_default_t;
typedef mach_port_t memory_object_control_port_t;
typedef mach_port_t device_t;
typedef mach_port_t device_port_t;
typedef mach_port_t io_master_t;
typedef mach_port_t ipc_voucher_t;
typedef mach_port_t mach_port_poly_t;
typedef int mach_error_t;
typedef uint32_t mach_task_flavor_t;
typedef int vm_purgable_t;
typedef memory_object_t *memory_object_array_t;

#define TASK_NULL      ((task_t)0)
#define TASK_NAME_NULL ((task_name_t)0)
#define THREAD_NULL    ((thread_t)0)
#define HOST_NULL      ((host_t)0)
#define SEMAPHORE_NULL ((semaphore_t)0)
#define LOCK_SET_NULL  ((lock_set_t)0)
#define CLOCK_NULL     ((clock_serv_t)0)
#define VM_MAP_NULL    ((vm_map_t)0)
#define PROCESSOR_NULL ((processor_t)0)
#define IP_NULL        MACH_PORT_NULL
#define IPC_SPACE_NULL ((ipc_space_t)0)
#endif

typedef char kernel_debug_name_t[32];
typedef char host_log_t[512];

#endif
