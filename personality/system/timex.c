/* adjtimex and clock_adjtime: what programs that keep the time say and ask. */
#include <errno.h>
#include <sys/timex.h>
#include <time.h>

#include "process/proc.h"
#include "system/system.h"
#include "unix_server.h"

#define SECOND        1000000000ull
#define USER_HZ       100
#define ADJ_ADJTIME   0x8000   /* adjtime(3)'s two: the offset is all, */
#define ADJ_READ_ONLY 0x2000   /* or is only asked for */
#define ERROR_MOST    16000000 /* us: nobody knows */

/* What adjtimex keeps. The clock of the machine is not steered: its frequency is kept and shown. */
static struct timex discipline = {.status = STA_UNSYNC,
	.maxerror = ERROR_MOST,
	.esterror = ERROR_MOST,
	.constant = 2,
	.tolerance = 32768000,
	.tick = 10000,
	.precision = 1};

#define ADJUSTMENTS                                                                                                    \
	(unsigned)(ADJ_OFFSET | ADJ_FREQUENCY | ADJ_MAXERROR | ADJ_ESTERROR | ADJ_STATUS | ADJ_TIMECONST | ADJ_TAI |   \
		   ADJ_SETOFFSET | ADJ_MICRO | ADJ_NANO | ADJ_TICK)
#define TICK_LEAST (900000 / USER_HZ)
#define TICK_MOST  (1100000 / USER_HZ)

/* 0 or -EINVAL. */
static int check_adjustment(const struct timex *change)
{
	const int64_t parts = change->modes & ADJ_NANO ? (int64_t)SECOND : 1000000;

	if (change->modes & ADJ_SETOFFSET && (change->time.tv_usec < 0 || change->time.tv_usec >= parts))
		return -EINVAL;
	return change->modes & ADJ_TICK && (change->tick < TICK_LEAST || change->tick > TICK_MOST) ? -EINVAL : 0;
}

static int adjust(struct call *call, const struct timex *change)
{
	const int64_t part = change->modes & ADJ_NANO ? 1 : 1000;
	int64_t ns = (int64_t)clock_realtime();
	int error = 0;

	if (change->modes & ADJ_SETOFFSET) {
		ns += change->time.tv_sec * (int64_t)SECOND + change->time.tv_usec * part;
		error = ns < 0 ? -EINVAL : (int)clock_set(call, (uint64_t)ns / SECOND, (uint64_t)ns % SECOND);
	} else if (change->modes & ADJ_OFFSET && change->offset != 0) {
		/* At once instead of little by little. */
		ns += change->offset * (discipline.status & STA_NANO ? 1 : 1000);
		error = ns < 0 ? -EINVAL : (int)clock_set(call, (uint64_t)ns / SECOND, (uint64_t)ns % SECOND);
	}
	if (error != 0)
		return error;
	if (change->modes & ADJ_STATUS)
		discipline.status = (discipline.status & STA_RONLY) | (change->status & ~STA_RONLY);
	if (change->modes & ADJ_NANO)
		discipline.status |= STA_NANO;
	if (change->modes & ADJ_MICRO)
		discipline.status &= ~STA_NANO;
	if (change->modes & ADJ_FREQUENCY)
		discipline.freq = change->freq > discipline.tolerance    ? discipline.tolerance
				  : change->freq < -discipline.tolerance ? -discipline.tolerance
									 : change->freq;
	if (change->modes & ADJ_MAXERROR)
		discipline.maxerror = change->maxerror;
	if (change->modes & ADJ_ESTERROR)
		discipline.esterror = change->esterror;
	if (change->modes & ADJ_TIMECONST)
		discipline.constant = change->constant;
	if (change->modes & ADJ_TAI && change->constant >= 0)
		discipline.tai = (int)change->constant;
	if (change->modes & ADJ_TICK)
		discipline.tick = change->tick;
	return 0;
}

int64_t sys_adjtimex(uint64_t caller, uint64_t address)
{
	struct call *call = call_of(caller);
	struct timex change, now;
	uint64_t ns;
	int error = copy_in(call, &change, address, sizeof change);

	if (error != 0)
		return call_result(error);
	/* adjtime(3)'s own two: what is left of an offset is nothing. */
	if (change.modes & ADJ_ADJTIME) {
		if (!(change.modes & ADJ_OFFSET))
			return -EINVAL;
		if (!(change.modes & ADJ_READ_ONLY) && !capable(call->process, CAP_SYS_TIME))
			return -EPERM;
	} else if (change.modes != 0 && !capable(call->process, CAP_SYS_TIME)) {
		return -EPERM;
	}
	error = check_adjustment(&change);
	if (error == 0)
		error = copy_out(call, address, &change, sizeof change); /* it can be told afterwards */
	if (error == 0 && !(change.modes & ADJ_READ_ONLY))
		error = adjust(call, &change);
	if (error != 0)
		return call_result(error);
	now = discipline;
	ns = clock_realtime();
	now.modes = change.modes;
	now.time.tv_sec = (time_t)(ns / SECOND);
	now.time.tv_usec = (suseconds_t)(ns % SECOND / (now.status & STA_NANO ? 1 : 1000));
	copy_out(call, address, &now, sizeof now);
	return now.status & STA_UNSYNC ? TIME_ERROR : TIME_OK;
}

int64_t sys_clock_adjtime(uint64_t caller, int clock, uint64_t address)
{
	uint64_t ns;

	if (clock == CLOCK_REALTIME)
		return sys_adjtimex(caller, address);
	return clock_read(call_of(caller), clock, &ns) == 0 ? -EOPNOTSUPP : -EINVAL;
}
