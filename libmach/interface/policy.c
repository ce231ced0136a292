/* Priorities and policies in Mach's words. There is one policy, and a maximum for each task. */
#include <mach/mach.h>
#include <mach/priority.h>

static kern_return_t look_at_task(task_t task, struct portolan_task_info *info)
{
	mach_msg_type_number_t words = PORTOLAN_TASK_INFO_COUNT;

	return portolan_task_info(task, PORTOLAN_TASK_INFO, (uint64_t *)info, &words);
}

static kern_return_t look_at_thread(thread_t thread, struct portolan_thread_info *info)
{
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;

	return portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)info, &words);
}

kern_return_t thread_priority(thread_t thread, int priority, boolean_t set_max)
{
	return set_max ? KERN_NOT_SUPPORTED : portolan_thread_priority(thread, priority);
}

/* All threads that the task has now. One that ends meanwhile is none any more. */
static kern_return_t set_threads(task_t task, int priority)
{
	thread_array_t threads;
	mach_msg_type_number_t count;
	kern_return_t result = task_threads(task, &threads, &count), one;

	if (result != KERN_SUCCESS)
		return result;
	for (mach_msg_type_number_t i = 0; i < count; i++) {
		one = portolan_thread_priority(threads[i], priority);
		if (one == KERN_FAILURE)
			result = one;
		mach_port_deallocate(mach_task_self(), threads[i]);
	}
	vm_deallocate(mach_task_self(), (vm_address_t)threads, count * sizeof(*threads));
	return result;
}

kern_return_t task_priority(task_t task, int priority, boolean_t change_threads)
{
	struct portolan_task_info info;
	kern_return_t result = look_at_task(task, &info);

	if (result != KERN_SUCCESS)
		return result;
	if (priority <= PRIORITY_IDLE || priority >= PRIORITY_KERNEL)
		return KERN_INVALID_ARGUMENT;
	if (priority > (int)info.max_priority)
		return KERN_FAILURE;
	result = portolan_task_priority(task, priority, (int)info.max_priority);
	return result == KERN_SUCCESS && change_threads ? set_threads(task, priority) : result;
}

kern_return_t task_max_priority(
	host_priv_t host, task_t task, int max_priority, boolean_t set_priority, boolean_t change_threads)
{
	kern_return_t result = portolan_task_max_priority(host, task, max_priority);

	/* The kernel has lowered threads above it already. */
	return result == KERN_SUCCESS && set_priority ? task_priority(task, max_priority, change_threads) : result;
}

kern_return_t thread_policy(thread_t thread, int policy, int data)
{
	struct portolan_thread_info info;
	kern_return_t result = look_at_thread(thread, &info);

	(void)data; /* of fixed priorities: their time slice */
	if (result != KERN_SUCCESS)
		return result;
	if (policy == POLICY_TIMESHARE)
		return KERN_SUCCESS;
	return policy == POLICY_FIXEDPRI || policy == POLICY_FIFO ? KERN_FAILURE : KERN_INVALID_ARGUMENT;
}

kern_return_t thread_policy_set(
	thread_t thread, thread_policy_flavor_t flavor, thread_policy_t info, mach_msg_type_number_t count)
{
	struct portolan_thread_info now;
	kern_return_t result = look_at_thread(thread, &now);

	if (result != KERN_SUCCESS)
		return result;
	if (flavor == THREAD_STANDARD_POLICY)
		return portolan_thread_priority(
			thread, now.max_priority < PRIORITY_USER ? (int)now.max_priority : PRIORITY_USER);
	if (flavor != THREAD_PRECEDENCE_POLICY)
		return KERN_NOT_SUPPORTED;
	if (count < THREAD_PRECEDENCE_POLICY_COUNT || info[0] < -PRIORITY_MAX || info[0] > PRIORITY_MAX)
		return KERN_INVALID_ARGUMENT;
	result = portolan_thread_priority(thread, PRIORITY_USER + info[0]);
	return result == KERN_FAILURE ? KERN_INVALID_ARGUMENT : result;
}

boolean_t swtch(void)
{
	/* Whether others waited for the processor is not told. */
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
	return TRUE;
}

boolean_t swtch_pri(int priority)
{
	(void)priority;
	return swtch();
}
