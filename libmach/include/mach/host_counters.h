/* The counters of expensive events that host_info(HOST_COUNTERS) tells, summed over processors. */
#ifndef MACH_HOST_COUNTERS_H
#define MACH_HOST_COUNTERS_H

#include <stdint.h>

/* clang-format off */
#define HOST_COUNTERS_LIST(X)                                                                                             \
	X(traps) X(foreign_calls) X(exceptions) X(interrupts) X(address_space_switches) X(thread_switches)            \
	X(tlb_flushes_full) X(tlb_flushes_page) X(tlb_shootdowns) X(bytes_copied)                                     \
	X(messages_register) X(messages_register_queued) X(messages_buffered) X(messages_kernel)                      \
	X(faults) X(faults_zero) X(faults_copy) X(faults_pager) X(faults_fast) X(pager_requests) X(pager_returns)     \
	X(page_outs) X(lock_spins) X(fpu_switches) X(timer_ticks) X(restarts) X(predictor_barriers) X(idle_ns)
/* clang-format on */

struct host_counters {
#define X(name) uint64_t name;
	HOST_COUNTERS_LIST(X)
#undef X
};
#define HOST_COUNTERS_COUNT ((unsigned)(sizeof(struct host_counters) / 8))

#endif
