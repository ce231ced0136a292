/*
 * Mach's routines in their standard form, made by libmach of what the kernel serves. Which of all there are, and what is
 * missing of them: doc/mach.md. Unless said otherwise a routine returns what Mach's manuals say.
 */
#ifndef MACH_MACH_INTERFACE_H
#define MACH_MACH_INTERFACE_H

#include <mach/mach_types.h>
#include <mach/message.h>

/* --- Messages (interface/message.c). */

/* As mach_msg, received in a buffer of its own. Sending and receiving are two traps then, each with the whole time. */
mach_msg_return_t mach_msg_overwrite(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_limit, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify,
	mach_msg_header_t *receive_buffer, mach_msg_size_t receive_scatter_size);
mach_msg_return_t mach_msg_send(mach_msg_header_t *message);
mach_msg_return_t mach_msg_receive(mach_msg_header_t *message);
typedef boolean_t (*mach_msg_demux_t)(mach_msg_header_t *request, mach_msg_header_t *reply);
/*
 * Receives, calls demux, replies, until receiving fails. max_size is that of requests and replies, trailer not counted.
 * options: mach_msg's, for receiving.
 */
mach_msg_return_t mach_msg_server(
	mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name, mach_msg_options_t options);
mach_msg_return_t mach_msg_server_once(
	mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name, mach_msg_options_t options);
mach_msg_return_t mach_msg_server_timeout(mach_msg_demux_t demux, mach_msg_size_t max_size, mach_port_t receive_name,
	mach_msg_options_t options, mach_msg_timeout_t timeout);

/* --- Ports (interface/ports.c). */

/* The array's rights are copied; slots beyond are emptied. More than TASK_PORT_REGISTER_MAX: KERN_INVALID_ARGUMENT. */
kern_return_t mach_ports_register(task_t task, const mach_port_t *ports, mach_msg_type_number_t count);
/* All slots, the empty ones as null; the memory is the caller's to deallocate. */
kern_return_t mach_ports_lookup(task_t task, mach_port_array_t *ports, mach_msg_type_number_t *count);

#define MACH_PORT_LIMITS_INFO          1
#define MACH_PORT_LIMITS_INFO_COUNT    ((mach_msg_type_number_t)(sizeof(mach_port_limits_t) / sizeof(natural_t)))
#define MACH_PORT_RECEIVE_STATUS       2
#define MACH_PORT_RECEIVE_STATUS_COUNT ((mach_msg_type_number_t)(sizeof(mach_port_status_t) / sizeof(natural_t)))
kern_return_t mach_port_get_attributes(ipc_space_t task, mach_port_name_t name, mach_port_flavor_t flavor,
	mach_port_info_t info, mach_msg_type_number_t *count);
kern_return_t mach_port_set_attributes(ipc_space_t task, mach_port_name_t name, mach_port_flavor_t flavor,
	const int *info, mach_msg_type_number_t count);
/* The context is the port's protected payload. */
kern_return_t mach_port_get_context(ipc_space_t task, mach_port_name_t name, mach_port_context_t *context);
kern_return_t mach_port_set_context(ipc_space_t task, mach_port_name_t name, mach_port_context_t context);
/* A port is in one set at most: in another one already: KERN_ALREADY_IN_SET, too. */
kern_return_t mach_port_insert_member(ipc_space_t task, mach_port_name_t name, mach_port_name_t set);
kern_return_t mach_port_extract_member(ipc_space_t task, mach_port_name_t name, mach_port_name_t set);
kern_return_t mach_port_allocate_qos(
	ipc_space_t task, mach_port_right_t right, mach_port_qos_t *qos, mach_port_name_t *name);
kern_return_t mach_port_allocate_full(ipc_space_t task, mach_port_right_t right, mach_port_t proto,
	mach_port_qos_t *qos, mach_port_name_t *name);
#define MPO_CONTEXT_AS_GUARD  0x01 /* refused, as is what is not named here: KERN_INVALID_ARGUMENT */
#define MPO_QLIMIT            0x02
#define MPO_INSERT_SEND_RIGHT 0x10
kern_return_t mach_port_construct(
	ipc_space_t task, mach_port_options_t *options, mach_port_context_t context, mach_port_name_t *name);
/* Gives up the receive right and srdelta (0 or less) send rights; guard must be 0. */
kern_return_t mach_port_destruct(
	ipc_space_t task, mach_port_name_t name, mach_port_delta_t srdelta, mach_port_context_t guard);

/* The variable bootstrap_port is in <mach/mach_init.h>. */
#define task_get_bootstrap_port(task, port) task_get_special_port(task, TASK_BOOTSTRAP_PORT, port)
#define task_set_bootstrap_port(task, port) task_set_special_port(task, TASK_BOOTSTRAP_PORT, port)
#define task_get_exception_port(task, port) task_get_special_port(task, TASK_EXCEPTION_PORT, port)
#define task_set_exception_port(task, port) task_set_special_port(task, TASK_EXCEPTION_PORT, port)
#define task_get_kernel_port(task, port)    task_get_special_port(task, TASK_KERNEL_PORT, port)
#define thread_get_exception_port(thread, port) thread_get_special_port(thread, THREAD_EXCEPTION_PORT, port)
#define thread_set_exception_port(thread, port) thread_set_special_port(thread, THREAD_EXCEPTION_PORT, port)
#define thread_get_kernel_port(thread, port) thread_get_special_port(thread, THREAD_KERNEL_PORT, port)

/* --- Tasks, threads, the host (interface/info.c). */

kern_return_t task_info(task_t task, task_flavor_t flavor, task_info_t info, mach_msg_type_number_t *count);
kern_return_t thread_info(thread_t thread, thread_flavor_t flavor, thread_info_t info, mach_msg_type_number_t *count);
kern_return_t host_info(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count);
/* HOST_VM_INFO and HOST_VM_INFO64: a vm_statistics_data_t. */
kern_return_t host_statistics(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count);
kern_return_t host_statistics64(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count);
kern_return_t host_page_size(host_t host, vm_size_t *size);
kern_return_t host_kernel_version(host_t host, kernel_version_t version);
kern_return_t host_get_time(host_t host, time_value_t *now);
kern_return_t host_set_time(host_priv_t host, time_value_t now);

/* --- Registers (interface/state.c). */

kern_return_t thread_get_state(
	thread_t thread, thread_state_flavor_t flavor, thread_state_t state, mach_msg_type_number_t *count);
kern_return_t thread_set_state(
	thread_t thread, thread_state_flavor_t flavor, const natural_t *state, mach_msg_type_number_t count);
kern_return_t thread_create_running(task_t task, thread_state_flavor_t flavor, const natural_t *state,
	mach_msg_type_number_t count, thread_t *thread);

/* --- Priorities and policies (interface/policy.c). */

/* A thread has no maximum of its own: set_max is KERN_NOT_SUPPORTED. */
kern_return_t thread_priority(thread_t thread, int priority, boolean_t set_max);
/* What new threads run at; change_threads: and those that there are. */
kern_return_t task_priority(task_t task, int priority, boolean_t change_threads);
kern_return_t task_max_priority(
	host_priv_t host, task_t task, int max_priority, boolean_t set_priority, boolean_t change_threads);
/* POLICY_TIMESHARE is what every thread has; another one: KERN_FAILURE, as where a processor set does not allow it. */
kern_return_t thread_policy(thread_t thread, int policy, int data);

#define THREAD_STANDARD_POLICY       1
#define THREAD_STANDARD_POLICY_COUNT 0
#define THREAD_PRECEDENCE_POLICY     3
struct thread_precedence_policy {
	integer_t importance; /* relative to PRIORITY_USER */
};
typedef struct thread_precedence_policy thread_precedence_policy_data_t;
typedef struct thread_precedence_policy *thread_precedence_policy_t;
#define THREAD_PRECEDENCE_POLICY_COUNT 1
typedef natural_t thread_policy_flavor_t;
typedef integer_t *thread_policy_t;
/* Other flavours: KERN_NOT_SUPPORTED. */
kern_return_t thread_policy_set(
	thread_t thread, thread_policy_flavor_t flavor, thread_policy_t info, mach_msg_type_number_t count);

/* --- Memory (interface/memory.c). */

/* GNU's has nine arguments, OSF's and Apple's seven. The object's name is always null. */
kern_return_t vm_region_gnu_(task_t task, vm_address_t *address, vm_size_t *size, vm_prot_t *protection,
	vm_prot_t *max_protection, vm_inherit_t *inheritance, boolean_t *is_shared, memory_object_name_t *object_name,
	vm_offset_t *offset);
kern_return_t mach_vm_region(task_t task, mach_vm_address_t *address, mach_vm_size_t *size, vm_region_flavor_t flavor,
	vm_region_info_t info, mach_msg_type_number_t *count, mach_port_t *object_name);
#define VM_REGION_CHOICE_(a, b, c, d, e, f, g, h, i, name, ...) name
#define vm_region(...)                                                                                                 \
	VM_REGION_CHOICE_(__VA_ARGS__, vm_region_gnu_, vm_region_gnu_, mach_vm_region, mach_vm_region, )(__VA_ARGS__)
#define vm_region_64 mach_vm_region

/* No map is part of another: *depth becomes 0, and is_submap is false. */
#define VM_REGION_SUBMAP_INFO_COUNT_64 ((mach_msg_type_number_t)(sizeof(vm_region_submap_info_data_64_t) / sizeof(int)))
kern_return_t mach_vm_region_recurse(task_t task, mach_vm_address_t *address, mach_vm_size_t *size, natural_t *depth,
	vm_region_recurse_info_t info, mach_msg_type_number_t *count);
#define vm_region_recurse_64 mach_vm_region_recurse
#define vm_region_recurse    mach_vm_region_recurse
/* A copy (copy true) of a range of the source at a place of the target; sharing is KERN_NOT_SUPPORTED. */
kern_return_t mach_vm_remap(task_t target, mach_vm_address_t *address, mach_vm_size_t size, mach_vm_offset_t mask,
	int flags, task_t source, mach_vm_address_t source_address, boolean_t copy, vm_prot_t *protection,
	vm_prot_t *max_protection, vm_inherit_t inheritance);
#define vm_remap mach_vm_remap
/* VM_PAGE_QUERY_* of the page at an address; the number of references is not told: 0. */
kern_return_t mach_vm_page_query(task_t task, mach_vm_offset_t offset, int *disposition, int *references);
#define vm_map_page_query mach_vm_page_query

kern_return_t vm_msync(task_t task, vm_address_t address, vm_size_t size, vm_sync_t flags);
kern_return_t vm_read_overwrite(
	task_t task, vm_address_t address, vm_size_t size, vm_address_t data, vm_size_t *done);
typedef struct vm_read_entry {
	vm_address_t address;
	vm_size_t size;
} vm_read_entry_t[256];
#define VM_MAP_ENTRY_MAX 256
/* Each entry's address becomes that of the copy; after an error the copies that were made are gone. */
kern_return_t vm_read_list(task_t task, vm_read_entry_t list, natural_t count);
/* Caches are coherent here: flushes are done already; nothing can be turned off. */
kern_return_t vm_machine_attribute(task_t task, vm_address_t address, vm_size_t size, vm_machine_attribute_t attribute,
	vm_machine_attribute_val_t *value);
/* An advice, which the kernel does not need. */
kern_return_t vm_behavior_set(task_t task, vm_address_t address, vm_size_t size, vm_behavior_t behavior);

/* Apple's spellings: flags where the others have a boolean. VM_FLAGS_OVERWRITE unmaps first, in a step of its own. */
kern_return_t mach_vm_allocate(task_t task, mach_vm_address_t *address, mach_vm_size_t size, int flags);
kern_return_t mach_vm_deallocate(task_t task, mach_vm_address_t address, mach_vm_size_t size);
kern_return_t mach_vm_protect(
	task_t task, mach_vm_address_t address, mach_vm_size_t size, boolean_t set_maximum, vm_prot_t protection);
kern_return_t mach_vm_inherit(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_inherit_t inheritance);
kern_return_t mach_vm_read(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_offset_t *data,
	mach_msg_type_number_t *count);
kern_return_t mach_vm_read_overwrite(task_t task, mach_vm_address_t address, mach_vm_size_t size,
	mach_vm_address_t data, mach_vm_size_t *done);
kern_return_t mach_vm_read_list(task_t task, vm_read_entry_t list, natural_t count);
kern_return_t mach_vm_write(task_t task, mach_vm_address_t address, vm_offset_t data, mach_msg_type_number_t count);
kern_return_t mach_vm_copy(
	task_t task, mach_vm_address_t source, mach_vm_size_t size, mach_vm_address_t destination);
kern_return_t mach_vm_map(task_t task, mach_vm_address_t *address, mach_vm_size_t size, mach_vm_offset_t mask,
	int flags, mach_port_t object, memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
	vm_prot_t max_protection, vm_inherit_t inheritance);
kern_return_t mach_vm_msync(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_sync_t flags);
kern_return_t mach_vm_wire(
	host_priv_t host, task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_prot_t access);
kern_return_t mach_vm_machine_attribute(task_t task, mach_vm_address_t address, mach_vm_size_t size,
	vm_machine_attribute_t attribute, vm_machine_attribute_val_t *value);
kern_return_t mach_vm_behavior_set(
	task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_behavior_t behavior);

extern vm_size_t vm_page_size;
extern vm_size_t vm_page_mask;
extern int vm_page_shift;

/* --- Times (interface/clock.c). */

kern_return_t host_get_clock_service(host_t host, clock_id_t id, clock_serv_t *clock);
kern_return_t clock_get_time(clock_serv_t clock, mach_timespec_t *now);
kern_return_t clock_get_attributes(
	clock_serv_t clock, clock_flavor_t flavor, clock_attr_t attribute, mach_msg_type_number_t *count);
/* KERN_ABORTED: a thread_abort; *wakeup is when it was. */
kern_return_t clock_sleep(clock_serv_t clock, sleep_type_t type, mach_timespec_t until, mach_timespec_t *wakeup);
/* One clock_alarm_reply (mach/clock_reply.defs) to the port, whose receive right the caller has. */
kern_return_t clock_alarm(clock_serv_t clock, alarm_type_t type, mach_timespec_t time, clock_reply_t alarm_port);
/* ns since boot: the time base is 1/1. */
uint64_t mach_absolute_time(void);
uint64_t mach_continuous_time(void);
uint64_t mach_approximate_time(void);
typedef struct mach_timebase_info {
	uint32_t numer, denom;
} mach_timebase_info_data_t;
typedef struct mach_timebase_info *mach_timebase_info_t;
kern_return_t mach_timebase_info(mach_timebase_info_t info);
kern_return_t mach_wait_until(uint64_t deadline);

/* --- Yielding (interface/policy.c). */

boolean_t swtch(void);
boolean_t swtch_pri(int priority);

/* --- Waiting on words (interface/gsync.c): GNU's, for the caller's own task. */

#define GSYNC_SHARED    0x01
#define GSYNC_QUAD      0x02 /* refused: KERN_INVALID_ARGUMENT */
#define GSYNC_TIMED     0x04
#define GSYNC_BROADCAST 0x08
#define GSYNC_MUTATE    0x10
kern_return_t gsync_wait(
	task_t task, vm_address_t address, unsigned value1, unsigned value2, natural_t milliseconds, int flags);
kern_return_t gsync_wake(task_t task, vm_address_t address, unsigned value, int flags);
kern_return_t gsync_requeue(task_t task, vm_address_t from, vm_address_t to, boolean_t wake_one, int flags);

/* --- Exceptions (interface/exceptions.c). */

/*
 * Per kind of exception a port, what the message says (behavior), and of states which one (x86_THREAD_STATE64,
 * x86_THREAD_STATE). Getting fills parallel arrays of *count entries; too little room: KERN_INVALID_ARGUMENT. Swapping is
 * two steps. Messages: mach/mach_exc.defs, and OSF's exc.defs at 2401.
 */
kern_return_t thread_set_exception_ports(thread_t thread, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor);
kern_return_t thread_get_exception_ports(thread_t thread, exception_mask_t mask, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
kern_return_t thread_swap_exception_ports(thread_t thread, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
kern_return_t task_set_exception_ports(task_t task, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor);
kern_return_t task_get_exception_ports(task_t task, exception_mask_t mask, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
kern_return_t task_swap_exception_ports(task_t task, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
kern_return_t host_set_exception_ports(host_priv_t host, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor);
kern_return_t host_get_exception_ports(host_priv_t host, exception_mask_t mask, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
kern_return_t host_swap_exception_ports(host_priv_t host, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors);
/* KERN_FAILURE: the thread waits for the answer of a call, which an abort would lose. For threads that are suspended. */
kern_return_t thread_abort_safely(thread_t thread);

/* --- Semaphores (interface/semaphore.c). */

/*
 * A port of the task that has made it, to which others may get send rights. They wait without a time, and for one at a time: else
 * KERN_INVALID_ARGUMENT. It ends with its maker: KERN_TERMINATED.
 */
kern_return_t semaphore_create(task_t task, semaphore_t *semaphore, int policy, int value);
kern_return_t semaphore_destroy(task_t task, semaphore_t semaphore);
kern_return_t semaphore_signal(semaphore_t semaphore);
kern_return_t semaphore_signal_all(semaphore_t semaphore);
kern_return_t semaphore_wait(semaphore_t semaphore);
/* For a time from now; KERN_OPERATION_TIMED_OUT. */
kern_return_t semaphore_timedwait(semaphore_t semaphore, mach_timespec_t time);
kern_return_t semaphore_wait_signal(semaphore_t wait_for, semaphore_t also);
kern_return_t semaphore_timedwait_signal(semaphore_t wait_for, semaphore_t also, mach_timespec_t time);

/* --- Errors. */

void mach_error(const char *text, mach_error_t error);
const char *mach_error_type(mach_error_t error);

#endif
