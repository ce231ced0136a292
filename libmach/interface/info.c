/* task_info, thread_info, host_info: Mach's structures from what the kernel tells in its own. */
#include <mach/mach.h>
#include <mach/priority.h>
#include <string.h>

#define SLICE_MS 10 /* kernel/kern/slice.h */

static time_value64_t long_time(uint64_t ns)
{
	return (time_value64_t){.seconds = (int64_t)(ns / NSEC_PER_SEC), .nanoseconds = (int64_t)(ns % NSEC_PER_SEC)};
}

static time_value_t short_time(uint64_t ns)
{
	return (time_value_t){
		.seconds = (int)(ns / NSEC_PER_SEC), .microseconds = (int)(ns % NSEC_PER_SEC / NSEC_PER_USEC)};
}

/* The structure goes to the caller, if there is room. */
static kern_return_t put(const void *info, size_t size, integer_t *out, mach_msg_type_number_t *count)
{
	if (*count < size / sizeof(*out))
		return KERN_INVALID_ARGUMENT;
	memcpy(out, info, size);
	*count = (mach_msg_type_number_t)(size / sizeof(*out));
	return KERN_SUCCESS;
}

kern_return_t task_info(task_t task, task_flavor_t flavor, task_info_t info, mach_msg_type_number_t *count)
{
	struct portolan_task_info told;
	mach_msg_type_number_t words = PORTOLAN_TASK_INFO_COUNT;
	kern_return_t result = portolan_task_info(task, PORTOLAN_TASK_INFO, (uint64_t *)&told, &words);

	if (result != KERN_SUCCESS)
		return result;
	switch (flavor) {
	case TASK_BASIC_INFO:
	case TASK_BASIC2_INFO:
	case TASK_BASIC_INFO_32:
	case TASK_BASIC_INFO_64:
	case MACH_TASK_BASIC_INFO: {
		struct task_basic_info out = {
			.suspend_count = (integer_t)told.suspend_count,
			.base_priority = (integer_t)told.priority,
			.virtual_size = told.virtual_size,
			.resident_size = told.resident_size,
			.resident_size_max = told.resident_size,
			.user_time = short_time(told.user_ns),
			.user_time64 = long_time(told.user_ns),
			.policy = POLICY_TIMESHARE,
		};

		return put(&out, sizeof(out), info, count);
	}
	case TASK_THREAD_TIMES_INFO: {
		struct task_thread_times_info out = {
			.user_time = short_time(told.user_ns), .user_time64 = long_time(told.user_ns)};

		return put(&out, sizeof(out), info, count);
	}
	case TASK_ABSOLUTETIME_INFO: {
		struct task_absolutetime_info out = {.total_user = told.user_ns, .threads_user = told.user_ns};

		return put(&out, sizeof(out), info, count);
	}
	case TASK_SCHED_TIMESHARE_INFO: {
		struct policy_timeshare_base out = {.base_priority = (int)told.priority};

		return put(&out, sizeof(out), info, count);
	}
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

kern_return_t thread_info(thread_t thread, thread_flavor_t flavor, thread_info_t info, mach_msg_type_number_t *count)
{
	struct portolan_thread_info told;
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;
	kern_return_t result = portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)&told, &words);

	if (result != KERN_SUCCESS)
		return result;
	switch (flavor) {
	case THREAD_BASIC_INFO: {
		struct thread_basic_info out = {
			.user_time = short_time(told.user_ns),
			.user_time64 = long_time(told.user_ns),
			.policy = POLICY_TIMESHARE,
			.base_priority = (integer_t)told.priority,
			.cur_priority = (integer_t)told.run_priority,
			.run_state = (integer_t)told.run_state,
			.suspend_count = (integer_t)told.suspend_count,
		};

		return put(&out, sizeof(out), info, count);
	}
	case THREAD_SCHED_INFO: {
		struct thread_sched_info out = {
			.policy = POLICY_TIMESHARE,
			.data = SLICE_MS,
			.base_priority = (integer_t)told.priority,
			.max_priority = (integer_t)told.max_priority,
			.cur_priority = (integer_t)told.run_priority,
			.depress_priority = -1,
		};

		return put(&out, sizeof(out), info, count);
	}
	case THREAD_SCHED_TIMESHARE_INFO: {
		struct policy_timeshare_info out = {
			.max_priority = (int)told.max_priority,
			.base_priority = (int)told.priority,
			.cur_priority = (int)told.run_priority,
			.depress_priority = -1,
		};

		return put(&out, sizeof(out), info, count);
	}
	case THREAD_IDENTIFIER_INFO: {
		struct thread_identifier_info out = {.thread_id = told.word};

		return put(&out, sizeof(out), info, count);
	}
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

static kern_return_t processor_slots(
	const struct portolan_host_info *told, host_info_t info, mach_msg_type_number_t *count)
{
	if (*count < told->avail_cpus)
		return KERN_INVALID_ARGUMENT;
	for (unsigned i = 0; i < told->avail_cpus; i++)
		info[i] = (integer_t)i;
	*count = (mach_msg_type_number_t)told->avail_cpus;
	return KERN_SUCCESS;
}

kern_return_t host_info(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count)
{
	struct portolan_host_info told;
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;
	kern_return_t result = portolan_host_info(host, PORTOLAN_HOST_INFO, (uint64_t *)&told, &words);

	if (result != KERN_SUCCESS)
		return result;
	switch (flavor) {
	case HOST_BASIC_INFO: {
		struct host_basic_info out = {
			.max_cpus = (integer_t)told.max_cpus,
			.avail_cpus = (integer_t)told.avail_cpus,
			.memory_size = told.memory_size,
			.cpu_type = CPU_TYPE_X86_64,
			.cpu_subtype = CPU_SUBTYPE_X86_64_ALL,
			.physical_cpu = (integer_t)told.avail_cpus,
			.physical_cpu_max = (integer_t)told.max_cpus,
			.logical_cpu = (integer_t)told.avail_cpus,
			.logical_cpu_max = (integer_t)told.max_cpus,
			.max_mem = told.memory_size,
		};

		return put(&out, sizeof(out), info, count);
	}
	case HOST_PROCESSOR_SLOTS:
		return processor_slots(&told, info, count);
	case HOST_SCHED_INFO: {
		struct host_sched_info out = {.min_timeout = 1, .min_quantum = SLICE_MS};

		return put(&out, sizeof(out), info, count);
	}
	case HOST_PRIORITY_INFO: {
		struct host_priority_info out = {
			.kernel_priority = PRIORITY_KERNEL,
			.system_priority = PRIORITY_KERNEL,
			.server_priority = PRIORITY_SERVER,
			.user_priority = PRIORITY_USER,
			.depress_priority = PRIORITY_IDLE + 1,
			.idle_priority = PRIORITY_IDLE,
			.minimum_priority = PRIORITY_IDLE + 1,
			.maximum_priority = PRIORITY_KERNEL - 1,
		};

		return put(&out, sizeof(out), info, count);
	}
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

kern_return_t host_statistics64(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count)
{
	struct portolan_host_info told;
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;
	vm_statistics_data_t statistics;
	/* That it is a host. */
	kern_return_t result = portolan_host_info(host, PORTOLAN_HOST_INFO, (uint64_t *)&told, &words);

	if (result != KERN_SUCCESS)
		return result;
	if (flavor != HOST_VM_INFO && flavor != HOST_VM_INFO64)
		return KERN_INVALID_ARGUMENT;
	result = vm_statistics(mach_task_self(), &statistics);
	return result == KERN_SUCCESS ? put(&statistics, sizeof(statistics), info, count) : result;
}

kern_return_t host_statistics(host_t host, host_flavor_t flavor, host_info_t info, mach_msg_type_number_t *count)
{
	return host_statistics64(host, flavor, info, count);
}

kern_return_t host_page_size(host_t host, vm_size_t *size)
{
	struct portolan_host_info told;
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;
	kern_return_t result = portolan_host_info(host, PORTOLAN_HOST_INFO, (uint64_t *)&told, &words);

	if (result == KERN_SUCCESS)
		*size = VM_PAGE_SIZE;
	return result;
}

kern_return_t host_kernel_version(host_t host, kernel_version_t version)
{
	return host_get_kernel_version(host, version);
}

kern_return_t host_get_time(host_t host, time_value_t *now)
{
	time_value64_t time;
	kern_return_t result = host_get_time64(host, &time);

	if (result == KERN_SUCCESS)
		*now = (time_value_t){
			.seconds = (int)time.seconds, .microseconds = (int)(time.nanoseconds / (int64_t)NSEC_PER_USEC)};
	return result;
}

kern_return_t host_set_time(host_priv_t host, time_value_t now)
{
	return host_set_time64(host,
		(time_value64_t){.seconds = now.seconds, .nanoseconds = now.microseconds * (int64_t)NSEC_PER_USEC});
}
