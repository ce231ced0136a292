/*
 * Per-processor counters of expensive events, and their names.
 *
 * The register path counts one event for each message that it delivers, request or reply, as messages_register: each is
 * also a trap and a switch of threads, and counted among these when the counters are read (sum_counters).
 */
#ifndef KERN_COUNTERS_H
#define KERN_COUNTERS_H

#include <stdint.h>

/* One list makes the struct, the names and the order in HOST_COUNTERS. */
/* clang-format off */
#define KERNEL_COUNTERS(X)                                                                                             \
	X(traps) X(foreign_calls) X(exceptions) X(interrupts) X(address_space_switches) X(thread_switches)            \
	X(tlb_flushes_full) X(tlb_flushes_page) X(tlb_shootdowns) X(bytes_copied)                                     \
	X(messages_register) X(messages_register_queued) X(messages_buffered) X(messages_kernel)                      \
	X(faults) X(faults_zero) X(faults_copy) X(faults_pager) X(faults_fast) X(pager_requests) X(pager_returns)     \
	X(page_outs) X(lock_spins) X(fpu_switches) X(timer_ticks) X(restarts) X(predictor_barriers) X(idle_ns)
/* clang-format on */

struct counters {
#define X(name) uint64_t name;
	KERNEL_COUNTERS(X)
#undef X
};

#define COUNTERS_COUNT (sizeof(struct counters) / sizeof(uint64_t))

/* Counts an event on this processor; interrupts are off in the kernel, so a plain add suffices. */
#define count_event(name)     (current_processor()->counters.name++)
#define count_events(name, n) (current_processor()->counters.name += (n))

#endif
