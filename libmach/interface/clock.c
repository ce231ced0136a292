/* Clocks: ports of this task that stand for the kernel's two, and waiting until a time. */
#include <mach/mach.h>
#include <mach/clock_reply_user.h>
#include <pthread.h>
#include <stdlib.h>

#define CLOCKS 2

static mach_port_t clocks[CLOCKS];
static pthread_mutex_t clocks_lock = PTHREAD_MUTEX_INITIALIZER;

/* The clock's number; CLOCKS: it is none that host_get_clock_service gave. */
static unsigned clock_of(clock_serv_t clock)
{
	unsigned id = 0;

	while (id < CLOCKS && (clock == MACH_PORT_NULL || __atomic_load_n(&clocks[id], __ATOMIC_ACQUIRE) != clock))
		id++;
	return id;
}

static uint64_t now_of(unsigned id)
{
	return id == CALENDAR_CLOCK ? mach_clock_real() : mach_clock_monotonic();
}

static mach_timespec_t timespec_of(uint64_t ns)
{
	return (mach_timespec_t){.tv_sec = (unsigned)(ns / NSEC_PER_SEC), .tv_nsec = (clock_res_t)(ns % NSEC_PER_SEC)};
}

kern_return_t host_get_clock_service(host_t host, clock_id_t id, clock_serv_t *clock)
{
	vm_size_t unused;
	kern_return_t result = host_page_size(host, &unused);
	mach_port_t made = MACH_PORT_NULL;

	if (result != KERN_SUCCESS)
		return result;
	if (id < 0 || id >= CLOCKS)
		return KERN_INVALID_ARGUMENT;
	pthread_mutex_lock(&clocks_lock);
	if (clocks[id] == MACH_PORT_NULL) {
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &made);
		if (result == KERN_SUCCESS)
			__atomic_store_n(&clocks[id], made, __ATOMIC_RELEASE);
	}
	if (result == KERN_SUCCESS)
		result = mach_port_insert_right(mach_task_self(), clocks[id], clocks[id], MACH_MSG_TYPE_MAKE_SEND);
	pthread_mutex_unlock(&clocks_lock);
	if (result == KERN_SUCCESS)
		*clock = clocks[id];
	return result;
}

kern_return_t clock_get_time(clock_serv_t clock, mach_timespec_t *now)
{
	const unsigned id = clock_of(clock);

	if (id == CLOCKS)
		return KERN_INVALID_ARGUMENT;
	*now = timespec_of(now_of(id));
	return KERN_SUCCESS;
}

kern_return_t clock_get_attributes(
	clock_serv_t clock, clock_flavor_t flavor, clock_attr_t attribute, mach_msg_type_number_t *count)
{
	if (clock_of(clock) == CLOCKS)
		return KERN_INVALID_ARGUMENT;
	if (*count < 1)
		return KERN_FAILURE;
	if (flavor != CLOCK_GET_TIME_RES && (flavor < CLOCK_ALARM_CURRES || flavor > CLOCK_ALARM_MAXRES))
		return KERN_INVALID_VALUE;
	*attribute = 1; /* times and deadlines are in ns */
	*count = 1;
	return KERN_SUCCESS;
}

/* Until then, ns since boot. KERN_ABORTED: by thread_abort. */
static kern_return_t wait_until(uint64_t deadline)
{
	const uint32_t word = 0;
	kern_return_t result;

	do
		result = mach_word_wait(&word, 0, deadline, 0);
	while (result == KERN_SUCCESS); /* nobody wakes it but by mistake */
	return result == KERN_TIMEDOUT ? KERN_SUCCESS : result == KERN_INTERRUPTED ? KERN_ABORTED : result;
}

kern_return_t clock_sleep(clock_serv_t clock, sleep_type_t type, mach_timespec_t until, mach_timespec_t *wakeup)
{
	const unsigned id = clock_of(clock);
	uint64_t ns, now;
	kern_return_t result = KERN_SUCCESS;

	if (id == CLOCKS)
		return KERN_INVALID_ARGUMENT;
	if (BAD_ALRMTYPE(type) || BAD_MACH_TIMESPEC(&until))
		return KERN_INVALID_VALUE;
	ns = until.tv_sec * NSEC_PER_SEC + (uint64_t)until.tv_nsec;
	now = now_of(id);
	if (type == TIME_ABSOLUTE)
		ns = ns > now ? ns - now : 0;
	if (ns != 0)
		result = wait_until(mach_clock_monotonic() + ns);
	if (wakeup != NULL)
		*wakeup = timespec_of(now_of(id));
	return result;
}

uint64_t mach_absolute_time(void)
{
	return mach_clock_monotonic();
}

uint64_t mach_continuous_time(void)
{
	return mach_clock_monotonic();
}

uint64_t mach_approximate_time(void)
{
	return mach_clock_monotonic();
}

kern_return_t mach_timebase_info(mach_timebase_info_t info)
{
	*info = (struct mach_timebase_info){.numer = 1, .denom = 1};
	return KERN_SUCCESS;
}

kern_return_t mach_wait_until(uint64_t deadline)
{
	return wait_until(deadline);
}

/* --- Alarms: a thread for each, which sleeps until then. */

struct alarm {
	mach_port_t right; /* send-once */
	clock_serv_t clock;
	alarm_type_t type;    /* the caller's; */
	mach_timespec_t time; /* always absolute */
};

static void *alarm_thread(void *argument)
{
	struct alarm *alarm = argument;
	mach_timespec_t now = {0};

	while (clock_sleep(alarm->clock, TIME_ABSOLUTE, alarm->time, &now) == KERN_ABORTED)
		; /* nobody else knows the thread */
	if (clock_alarm_reply(alarm->right, KERN_SUCCESS, alarm->type, now) != KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), alarm->right);
	free(alarm);
	return NULL;
}

kern_return_t clock_alarm(clock_serv_t clock, alarm_type_t type, mach_timespec_t time, clock_reply_t alarm_port)
{
	const unsigned id = clock_of(clock);
	mach_msg_type_name_t disposition;
	struct alarm *alarm;
	pthread_t thread;

	if (id == CLOCKS)
		return KERN_INVALID_ARGUMENT;
	if (BAD_ALRMTYPE(type) || BAD_MACH_TIMESPEC(&time))
		return KERN_INVALID_VALUE;
	alarm = malloc(sizeof(*alarm));
	if (alarm == NULL)
		return KERN_RESOURCE_SHORTAGE;
	*alarm = (struct alarm){.clock = clock, .type = type, .time = time};
	if (type == TIME_RELATIVE) /* from now on, not from when the thread runs */
		alarm->time = timespec_of(now_of(id) + time.tv_sec * NSEC_PER_SEC + (uint64_t)time.tv_nsec);
	if (mach_port_extract_right(mach_task_self(), alarm_port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &alarm->right,
		    &disposition) != KERN_SUCCESS) {
		free(alarm);
		return KERN_INVALID_CAPABILITY;
	}
	if (pthread_create(&thread, NULL, alarm_thread, alarm)) {
		mach_port_deallocate(mach_task_self(), alarm->right);
		free(alarm);
		return KERN_RESOURCE_SHORTAGE;
	}
	pthread_detach(thread);
	return KERN_SUCCESS;
}
