/* What each processor has for itself. */
#ifndef KERN_PROCESSOR_H
#define KERN_PROCESSOR_H

#include <kern/deferred.h>
#include <kern/lock.h>
#include <kern/machine.h>
#include <mach/host_counters.h>
#include <mach/priority.h>

#define PROCESSORS_MAX 32
#define PRIORITIES     (PRIORITY_MAX + 1)
#define TIME_SLICE_NS  10000000ull
#define SHARE_NS       1000000ull /* of its maker's slice, for a new thread */
#define HOLD_NS        20000ull
#define SPREAD_NS      100000ull

/*
 * Threads ready to run, by priority; a bit is set when its list is not empty. Those of them that are not bound to some
 * processors (thread_bind) are counted: any other processor may take them.
 */
struct run_queue {
	struct lock lock;
	uint64_t bitmap[PRIORITIES / 64];
	int highest;     /* priority with a thread, -1 for none */
	int highest_free; /* with one that is not bound */
	bool slice_over; /* of the thread that its processor runs, or of the one it runs for (sched_slice_over) */
	bool held;       /* what an interrupt made ready waits for hold_end (sched.c) */
	int claim;       /* highest + slice_over, -1 while held: see sched_better_ready */
	uint32_t count;
	uint32_t free[PRIORITIES];
	uint64_t free_bitmap[PRIORITIES / 64];
	struct list threads[PRIORITIES];
};

struct timer;
struct cpu;

/* The first two members are addressed as gs:0 and gs:8 (kern/machine.h); entry code knows more through asm_offsets. */
struct processor {
	struct processor *self;
	struct thread *thread;    /* running */
	uint64_t stack_top;       /* of the one kernel stack */
	uint64_t scratch;         /* entry code */
	struct pmap *pmap;        /* loaded in CR3 */
	struct thread *fpu_owner; /* whose registers are live */
	struct task *io_task;     /* whose I/O bitmap is in the TSS */
	union {
		struct {
			bool fpu_live; /* fpu_owner is not null */
			bool io_live;  /* io_task is not null */
			bool guarded;  /* a switch between accounts is a barrier to guesses (x86_64/speculation.c) */
		};
		uint32_t lazy; /* any: a switch has more to do */
	};
	struct account *account; /* who ran in user mode last, while `guarded`; compared, never followed */
	uint32_t id;             /* 0 .. */
	uint32_t shares;         /* a bit for each processor that runs the same threads */
	uint32_t apic_id;
	bool need_reschedule; /* looked at on the way to user mode */
	bool idle;
	bool in_interrupt;  /* that came to user mode */
	int32_t piece_left; /* of the budget of instructions, kern/piece.h */
	struct thread *idle_thread;
	uint64_t slice_end;      /* of the running thread, ns */
	uint8_t hold_priority;   /* of the thread that was scheduled */
	uint64_t hold_end;       /* until when an interrupt does not take the processor from it, ns */
	uint64_t spread_at;      /* when another processor is told of what waits here (sched_spread) */
	uint64_t armed_deadline; /* what the machine's timer is set to */
	uint64_t switched_at;    /* when the running thread was switched to */
	uint64_t idle_until;     /* when it had nothing to do, last */
	struct thread *to_free;  /* ended on this processor; freed after the switch */
	struct run_queue queue;
	struct deferred deferred;
	struct ipc_processor *ipc; /* message passing's own (ipc/ipc_internal.h) */
	uint64_t longest_delay;        /* ns that the timer's interrupt waited for the kernel, at most */
	struct lock timer_lock;
	struct list timers;         /* by deadline */
	struct timer *timer_firing; /* whose function runs; compared by others, never followed */
	struct host_counters counters;
#ifdef PORTOLAN_DEBUG
	struct lock *locks_held[16];
	uint32_t locks;
	uint32_t chance; /* debug_chance */
#endif
	struct cpu *machine; /* x86_64's own: descriptor tables, stacks of IST */
} __attribute__((aligned(64)));

/*
 * True if a thread of higher priority is ready on the current processor (and not held), or one of the same and the
 * slice is over, so that switching directly to one of `priority` would be unfair. (A look without the lock: who comes a
 * moment later sets need_reschedule.)
 */
static inline bool sched_better_ready(unsigned priority)
{
	return __builtin_expect(CURRENT_PROCESSOR->queue.claim > (int)priority, 0);
}

/* Does the work that waits for no locks being held. Within itself it returns at once, so that nothing recurses. */
static inline void deferred_run(void)
{
	if (__builtin_expect(CURRENT_PROCESSOR->deferred.pending, 0))
		deferred_run_pending(&current_processor()->deferred);
}

/*
 * Per-processor counters of expensive events (mach/host_counters.h).
 *
 * The register path counts one event for each message that it delivers, request or reply, as messages_register: each is
 * also a trap and a switch of threads, and counted among these when the counters are read (sum_counters).
 */
#define COUNTERS_COUNT HOST_COUNTERS_COUNT

/* Counts an event on this processor; interrupts are off in the kernel, so a plain add suffices. */
#define count_event(name)     (CURRENT_PROCESSOR->counters.name++)
#define count_events(name, n) (CURRENT_PROCESSOR->counters.name += (n))
/* The i-th of a row of counters, by the first. */
#define count_event_of(first, i) ((&current_processor()->counters.first)[i]++)

void make_idle_thread(struct processor *processor); /* panics without memory */

extern struct processor processors[PROCESSORS_MAX];
extern uint32_t processors_online;

#endif
