/* One-shot timers: a list by deadline for each processor. */
#include <kern/timer.h>

#include <kern/thread.h>

void timer_init(struct timer *timer, void (*fn)(struct timer *timer))
{
	list_init(&timer->link);
	timer->fn = fn;
	timer->processor = NULL;
}

/* The machine's timer is only ever moved forward here: an interrupt that comes early finds nothing due and sets the
 * next. */
void timer_arm(uint64_t when)
{
	struct processor *processor = current_processor();

	if (when < processor->armed_deadline) {
		processor->armed_deadline = when;
		machine_set_deadline(when);
	}
}

void timer_cancel(struct timer *timer)
{
	for (;;) {
		struct processor *processor = __atomic_load_n(&timer->processor, __ATOMIC_ACQUIRE);

		if (processor == NULL)
			return;
		lock_acquire(&processor->timer_lock);
		if (timer->processor == processor) {
			list_remove(&timer->link);
			__atomic_store_n(&timer->processor, NULL, __ATOMIC_RELEASE);
			lock_release(&processor->timer_lock);
			return;
		}
		lock_release(&processor->timer_lock);
	}
}

void timer_cancel_and_wait(struct timer *timer)
{
	timer_cancel(timer);
	/* Acquire in timer_cancel: who took it off its list had said before that it fires. */
	for (uint32_t i = 0; processors_online > 1 && i < processors_online; i++)
		while (__atomic_load_n(&processors[i].timer_firing, __ATOMIC_ACQUIRE) == timer)
			machine_relax();
}

void timer_set(struct timer *timer, uint64_t deadline)
{
	struct processor *processor = current_processor();
	struct list *link;

	timer_cancel(timer);
	timer->deadline = deadline;
	lock_acquire(&processor->timer_lock);
	/* From the end: most new deadlines are the latest. */
	for (link = processor->timers.prev; link != &processor->timers; link = link->prev) {
		if (container_of(link, struct timer, link)->deadline <= deadline)
			break;
	}
	list_add_head(link, &timer->link);
	__atomic_store_n(&timer->processor, processor, __ATOMIC_RELEASE);
	timer_arm(deadline);
	lock_release(&processor->timer_lock);
}

static uint64_t probe_period;

void timer_probe(uint64_t period)
{
	probe_period = period;
	if (period != 0)
		timer_arm(machine_now() + period);
}

void timer_interrupt(void)
{
	struct processor *processor = current_processor();
	uint64_t now = machine_now(), next = UINT64_MAX, probe;

	count_event(timer_ticks);
	processor->armed_deadline = UINT64_MAX;
	lock_acquire(&processor->timer_lock);
	for (;;) {
		struct timer *timer = list_first(&processor->timers, struct timer, link);

		if (timer == NULL)
			break;
		if (timer->deadline > now) {
			next = timer->deadline;
			break;
		}
		list_remove(&timer->link);
		processor->timer_firing = timer;
		__atomic_store_n(&timer->processor, NULL, __ATOMIC_RELEASE);
		lock_release(&processor->timer_lock);
		timer->fn(timer);
		/* Release: fn is over for who waits in timer_cancel_and_wait. */
		__atomic_store_n(&processor->timer_firing, NULL, __ATOMIC_RELEASE);
		lock_acquire(&processor->timer_lock);
	}
	lock_release(&processor->timer_lock);
	if (!processor->idle) {
		if (processor->slice_end <= now)
			sched_slice_over();
		if (processor->slice_end > now && processor->slice_end < next)
			next = processor->slice_end;
		if (processor->queue.held && processor->hold_end <= now)
			sched_hold_over();
		else if (processor->queue.held && processor->hold_end < next)
			next = processor->hold_end;
		if (processor->spread_at <= now)
			sched_spread();
		else if (processor->spread_at < next)
			next = processor->spread_at;
	}
	probe = probe_period != 0 ? machine_now() + probe_period : UINT64_MAX;
	next = probe < next ? probe : next;
	if (next != UINT64_MAX)
		timer_arm(next);
}
