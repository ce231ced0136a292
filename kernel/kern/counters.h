/*
 * Per-processor counters of expensive events (mach/host_counters.h).
 *
 * The register path counts one event for each message that it delivers, request or reply, as messages_register: each is
 * also a trap and a switch of threads, and counted among these when the counters are read (sum_counters).
 */
#ifndef KERN_COUNTERS_H
#define KERN_COUNTERS_H

#include <mach/host_counters.h>

#define COUNTERS_COUNT HOST_COUNTERS_COUNT

/* Counts an event on this processor; interrupts are off in the kernel, so a plain add suffices. */
#define count_event(name)     (CURRENT_PROCESSOR->counters.name++)
#define count_events(name, n) (CURRENT_PROCESSOR->counters.name += (n))
/* The i-th of a row of counters, by the first. */
#define count_event_of(first, i) ((&current_processor()->counters.first)[i]++)

#endif
