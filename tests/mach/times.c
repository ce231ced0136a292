/* Clocks, and waiting for words. */
#include "cases.h"

#include <pthread.h>

static uint32_t word = 5;

static void *waits(void *result)
{
	*(kern_return_t *)result = gsync_wait(self, (vm_address_t)&word, 5, 0, 0, 0);
	return NULL;
}

/* Until somebody waits there who can be woken. */
static kern_return_t wake_when_there(int flags)
{
	kern_return_t result;

	while ((result = gsync_wake(self, (vm_address_t)&word, 6, flags)) == KERN_INVALID_ARGUMENT)
		nap(1);
	return result;
}

static void words(void)
{
	kern_return_t result = KERN_FAILURE;
	uint32_t other = 0;
	pthread_t thread;

	CASE(gsync_wait, (self, (vm_address_t)&word, 4, 0, 0, 0), KERN_INVALID_ARGUMENT, "another value");
	CASE(gsync_wait, (self, (vm_address_t)&word, 5, 0, 1, GSYNC_TIMED), KERN_TIMEDOUT, "for a time");
	CASE(gsync_wait, (self, 0, 5, 0, 1, GSYNC_TIMED), KERN_INVALID_ADDRESS, "at null");
	CASE(gsync_wait, (self, (vm_address_t)&word, 5, 0, 1, GSYNC_QUAD), KERN_INVALID_ARGUMENT, "for two words");
	CASE(gsync_wait, (host, (vm_address_t)&word, 5, 0, 1, 0), KERN_INVALID_ARGUMENT, "of another task");
	CASE(gsync_wake, (self, (vm_address_t)&word, 5, 0), KERN_INVALID_ARGUMENT, "nobody");
	CASE(gsync_wake, (self, VM_MAX_ADDRESS, 5, 0), KERN_INVALID_ADDRESS, "where nothing is");
	pthread_create(&thread, NULL, waits, &result);
	check_is("gsync_wake: one who waits", wake_when_there(0), KERN_SUCCESS);
	pthread_join(thread, NULL);
	check_is("gsync_wait: it was woken", result, KERN_SUCCESS);
	pthread_create(&thread, NULL, waits, &result);
	while (gsync_requeue(self, (vm_address_t)&word, (vm_address_t)&other, FALSE, 0) == KERN_INVALID_ARGUMENT)
		nap(1);
	CASE(gsync_wake, (self, (vm_address_t)&word, 6, 0), KERN_INVALID_ARGUMENT, "one who waits elsewhere now");
	CASE(gsync_wake, (self, (vm_address_t)&other, 6, GSYNC_MUTATE), KERN_SUCCESS, "there, and changes the word");
	check_is("gsync_wake: it is changed", other, 6);
	pthread_join(thread, NULL);
	CASE(gsync_requeue, (self, (vm_address_t)&word, (vm_address_t)&other, TRUE, 0), KERN_INVALID_ARGUMENT,
		"nobody");
	CASE(gsync_requeue, (self, 0, (vm_address_t)&other, TRUE, 0), KERN_INVALID_ADDRESS, "from null");
}

void test_times_of_mach(void)
{
	clock_serv_t clock = MACH_PORT_NULL, calendar = MACH_PORT_NULL;
	mach_timespec_t now = {0}, later = {0}, woken = {0};
	struct mach_timebase_info base = {0};
	mach_msg_type_number_t count = 1;
	int attribute = 0;
	uint64_t before;

	CASE(host_get_clock_service, (host, SYSTEM_CLOCK, &clock), KERN_SUCCESS, "from boot");
	CASE(host_get_clock_service, (host, CALENDAR_CLOCK, &calendar), KERN_SUCCESS, "from 1970");
	CASE(host_get_clock_service, (host, 7, &clock), KERN_INVALID_ARGUMENT, "what is none");
	CASE(host_get_clock_service, (self, SYSTEM_CLOCK, &clock), KERN_INVALID_HOST, "of no host");
	CASE(clock_get_time, (clock, &now), KERN_SUCCESS, "from boot");
	CASE(clock_get_time, (calendar, &later), KERN_SUCCESS, "from 1970");
	check_is("clock_get_time: they differ", later.tv_sec > now.tv_sec + 1000, 1);
	CASE(clock_get_time, (self, &now), KERN_INVALID_ARGUMENT, "of no clock");
	CASE(clock_get_attributes, (clock, CLOCK_GET_TIME_RES, &attribute, &count), KERN_SUCCESS, "resolution");
	CASE(clock_get_attributes, (clock, 99, &attribute, &count), KERN_INVALID_VALUE, "what is none");
	count = 0;
	CASE(clock_get_attributes, (clock, CLOCK_GET_TIME_RES, &attribute, &count), KERN_FAILURE, "no room");
	CASE(clock_get_attributes, (self, CLOCK_GET_TIME_RES, &attribute, &count), KERN_INVALID_ARGUMENT, "no clock");
	CASE(clock_sleep, (clock, TIME_RELATIVE, ((mach_timespec_t){0, 2000000}), &woken), KERN_SUCCESS, "2 ms");
	ADD_MACH_TIMESPEC(&now, (&(mach_timespec_t){0, 2000000}));
	check_is("clock_sleep: not before", CMP_MACH_TIMESPEC(&woken, &now) >= 0, 1);
	CASE(clock_sleep, (clock, TIME_ABSOLUTE, now, NULL), KERN_SUCCESS, "until what is past");
	CASE(clock_sleep, (clock, 5, now, NULL), KERN_INVALID_VALUE, "no type");
	CASE(clock_sleep, (clock, TIME_RELATIVE, ((mach_timespec_t){0, -1}), NULL), KERN_INVALID_VALUE, "no time");
	CASE(clock_sleep, (host, TIME_RELATIVE, now, NULL), KERN_INVALID_ARGUMENT, "no clock");
	CASE(mach_timebase_info, (&base), KERN_SUCCESS, "one");
	before = mach_absolute_time();
	CASE(mach_wait_until, (before + 1000000), KERN_SUCCESS, "1 ms");
	CASE(mach_absolute_time, () - before >= 1000000 * base.denom / base.numer, 1, "a millisecond later");
	CASE(mach_continuous_time, () >= before, 1, "goes on");
	CASE(mach_approximate_time, () >= before, 1, "goes on");
	mach_port_deallocate(self, clock);
	mach_port_deallocate(self, calendar);
	words();
}
