/* Clocks and sleeping. */
#include "handler.h"

#define NS_PER_SECOND 1000000000ull

/* Linux's clocks that follow real time: CLOCK_REALTIME and CLOCK_REALTIME_COARSE. */
static bool is_real_time(uint64_t clock)
{
	return clock == 0 || clock == 5;
}

int64_t foreign_clock_gettime(uint64_t clock, struct linux_timespec *out)
{
	uint64_t now = is_real_time(clock) ? mach_clock_real() : mach_clock_monotonic();

	out->seconds = (int64_t)(now / NS_PER_SECOND);
	out->nanoseconds = (int64_t)(now % NS_PER_SECOND);
	return 0;
}

static uint64_t nanoseconds(const struct linux_timespec *time)
{
	uint64_t value;

	if (time->seconds < 0)
		return 0;
	if (__builtin_mul_overflow((uint64_t)time->seconds, NS_PER_SECOND, &value) ||
		__builtin_add_overflow(value, (uint64_t)time->nanoseconds, &value))
		return MACH_DEADLINE_NONE;
	return value;
}

uint64_t foreign_deadline(bool real_time, const struct linux_timespec *time)
{
	uint64_t deadline = nanoseconds(time);

	if (real_time && deadline != MACH_DEADLINE_NONE) {
		uint64_t boot = mach_clock_real() - mach_clock_monotonic();

		deadline = deadline > boot ? deadline - boot : 0;
	}
	return deadline;
}

int64_t foreign_sleep(uint64_t clock, bool absolute, const struct linux_timespec *request)
{
	static const uint32_t never_woken;
	uint64_t deadline;

	if ((uint64_t)request->nanoseconds >= NS_PER_SECOND || request->seconds < 0)
		return -LINUX_EINVAL;
	if (absolute)
		deadline = foreign_deadline(is_real_time(clock), request);
	else if (__builtin_add_overflow(nanoseconds(request), mach_clock_monotonic(), &deadline))
		deadline = MACH_DEADLINE_NONE;
	while (mach_clock_monotonic() < deadline)
		mach_word_wait(&never_woken, 0, deadline, 0);
	return 0;
}
