/* The counters of expensive events that host_info(HOST_COUNTERS) tells, summed over processors. */
#ifndef MACH_HOST_COUNTERS_H
#define MACH_HOST_COUNTERS_H

#include <stdint.h>

/* clang-format off */
/* The kinds of the kernel's locks, in their order (kern/lock_order.h): how often somebody had to wait for one. */
#define HOST_LOCKS_LIST(X)                                                                                                \
	X(lock_waits_account) X(lock_waits_task) X(lock_waits_map) X(lock_waits_object_table) X(lock_waits_object)    \
	X(lock_waits_space) X(lock_waits_transit) X(lock_waits_port) X(lock_waits_port_set) X(lock_waits_timer)       \
	X(lock_waits_event) X(lock_waits_thread) X(lock_waits_tokens) X(lock_waits_run_queue)                         \
	X(lock_waits_page_queue) X(lock_waits_pmap) X(lock_waits_mappings) X(lock_waits_kalloc)                       \
	X(lock_waits_magazine) X(lock_waits_free_list) X(lock_waits_device) X(lock_waits_console)
/* lock_misses: of the register path, which does not wait. kicks: other processors told to look at their run queue. */
#define HOST_COUNTERS_LIST(X)                                                                                             \
	X(traps) X(foreign_calls) X(exceptions) X(interrupts) X(address_space_switches) X(thread_switches)            \
	X(tlb_flushes_full) X(tlb_flushes_page) X(tlb_shootdowns) X(bytes_copied)                                     \
	X(messages_register) X(messages_register_queued) X(messages_buffered) X(messages_kernel)                      \
	X(faults) X(faults_zero) X(faults_copy) X(faults_pager) X(faults_fast) X(pager_requests) X(pager_returns)     \
	X(page_outs) X(fpu_switches) X(timer_ticks) X(restarts) X(predictor_barriers) X(idle_ns)                 \
	X(kicks) X(lock_misses) HOST_LOCKS_LIST(X)
/* clang-format on */

struct host_counters {
#define X(name) uint64_t name;
	HOST_COUNTERS_LIST(X)
#undef X
};
#define HOST_COUNTERS_COUNT ((unsigned)(sizeof(struct host_counters) / 8))

#endif
