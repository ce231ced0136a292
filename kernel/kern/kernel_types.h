/* The kernel's objects by name only, for headers and generated stubs. */
#ifndef KERN_KERNEL_TYPES_H
#define KERN_KERNEL_TYPES_H

#include <mach/port.h>
#include <stdbool.h>
#include <stddef.h>

struct processor;
struct ipc_port;
struct ipc_kmsg;
struct vm_page;
struct pmap;

typedef struct account *account_t;
typedef struct task *task_t;
typedef struct thread *thread_t;
typedef struct host *host_t;
typedef struct ipc_space *ipc_space_t;
typedef struct vm_map *vm_map_t;
typedef struct vm_object *vm_object_t, *sized_memory_t;
typedef struct vm_map_copy *vm_map_copy_t;
typedef struct device_irq *device_irq_t;
typedef struct ipc_port **ipc_port_array_t;

/* Conversions that the stubs call: borrow the port, return a reference or null (which the routine refuses). */
task_t convert_port_to_task(struct ipc_port *port);
account_t convert_port_to_account(struct ipc_port *port);
thread_t convert_port_to_thread(struct ipc_port *port);
vm_map_t convert_port_to_map(struct ipc_port *port);
/* The same for traps: by the name that the current task has for a send right. */
thread_t convert_name_to_thread(mach_port_name_t name);
vm_map_t convert_name_to_map(mach_port_name_t name);
ipc_space_t convert_port_to_space(struct ipc_port *port);
host_t convert_port_to_host(struct ipc_port *port);
host_t convert_port_to_host_priv(struct ipc_port *port);
host_t convert_port_to_device_master(struct ipc_port *port);
vm_object_t convert_port_to_object(struct ipc_port *control);
device_irq_t convert_port_to_irq(struct ipc_port *port);
sized_memory_t convert_port_to_sized_memory(struct ipc_port *port);
/* The other way: consume the reference, return a send right (or null). */
struct ipc_port *convert_task_to_port(task_t task);
struct ipc_port *convert_account_to_port(account_t account);
struct ipc_port *convert_thread_to_port(thread_t thread);
struct ipc_port *convert_irq_to_port(device_irq_t irq);
struct ipc_port *convert_sized_memory_to_port(sized_memory_t memory);

void task_deallocate(task_t task);
void account_release(account_t account);
void thread_deallocate(thread_t thread);
void vm_map_deallocate(vm_map_t map);
void ipc_space_release(ipc_space_t space);
void vm_object_deallocate(vm_object_t object);
void device_irq_deallocate(device_irq_t irq);

#endif
