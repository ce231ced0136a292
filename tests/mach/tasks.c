/* Tasks, threads and the host: what they tell, priorities, policies. */
#include "cases.h"

#include <mach/mach_init.h>
#include <mach/priority.h>
#include <string.h>

static void spins(uint64_t unused)
{
	(void)unused;
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

static void information(const struct child *child)
{
	struct task_basic_info task = {0};
	struct thread_basic_info thread = {0};
	struct thread_sched_info sched = {0};
	struct host_basic_info basic = {0};
	struct host_priority_info priorities = {0};
	struct host_sched_info times = {0};
	struct task_thread_times_info spent = {0};
	mach_msg_type_number_t count = TASK_BASIC_INFO_COUNT;
	vm_statistics_data_t statistics = {0};
	kernel_version_t version = "";
	vm_size_t size = 0;
	time_value_t time = {0};
	time_value64_t now = {0};
	integer_t slots[64];

	CASE(task_info, (child->task, TASK_BASIC_INFO, (task_info_t)&task, &count), KERN_SUCCESS, "basic");
	check_is("task_info: as long as it should be", count, TASK_BASIC_INFO_COUNT);
	check_is("task_info: priority", task.base_priority, PRIORITY_USER);
	check_is("task_info: memory", task.virtual_size > 0 && task.resident_size <= task.virtual_size, 1);
	count = TASK_BASIC_INFO_COUNT - 1;
	CASE(task_info, (child->task, TASK_BASIC_INFO, (task_info_t)&task, &count), KERN_INVALID_ARGUMENT, "no room");
	count = TASK_BASIC_INFO_COUNT;
	CASE(task_info, (child->task, 99, (task_info_t)&task, &count), KERN_INVALID_ARGUMENT, "no flavour");
	CASE(task_info, (child->thread, TASK_BASIC_INFO, (task_info_t)&task, &count), KERN_INVALID_ARGUMENT, "no task");
	count = TASK_THREAD_TIMES_INFO_COUNT;
	CASE(task_info, (self, TASK_THREAD_TIMES_INFO, (task_info_t)&spent, &count), KERN_SUCCESS, "times");
	check_is("task_info: this task has run", spent.user_time64.nanoseconds + spent.user_time64.seconds > 0, 1);
	count = THREAD_BASIC_INFO_COUNT;
	CASE(thread_info, (child->thread, THREAD_BASIC_INFO, (thread_info_t)&thread, &count), KERN_SUCCESS, "basic");
	check_is("thread_info: it is suspended", thread.suspend_count, 1);
	check_is("thread_info: its priority", thread.base_priority, PRIORITY_USER);
	count = THREAD_SCHED_INFO_COUNT;
	CASE(thread_info, (child->thread, THREAD_SCHED_INFO, (thread_info_t)&sched, &count), KERN_SUCCESS,
		"scheduling");
	check_is("thread_info: policy", sched.policy, POLICY_TIMESHARE);
	count = 2;
	CASE(thread_info, (child->thread, THREAD_BASIC_INFO, (thread_info_t)&thread, &count), KERN_INVALID_ARGUMENT,
		"no room");
	CASE(thread_info, (self, THREAD_BASIC_INFO, (thread_info_t)&thread, &count), KERN_INVALID_ARGUMENT,
		"no thread");
	count = HOST_BASIC_INFO_COUNT;
	CASE(host_info, (host, HOST_BASIC_INFO, (host_info_t)&basic, &count), KERN_SUCCESS, "basic");
	check_is("host_info: processors", basic.avail_cpus >= 1 && basic.avail_cpus <= basic.max_cpus, 1);
	check_is("host_info: x86-64", basic.cpu_type, CPU_TYPE_X86_64);
	count = 64;
	CASE(host_info, (host, HOST_PROCESSOR_SLOTS, slots, &count), KERN_SUCCESS, "processors' numbers");
	check_is("host_info: as many as processors", count, basic.avail_cpus);
	count = HOST_SCHED_INFO_COUNT;
	CASE(host_info, (host, HOST_SCHED_INFO, (host_info_t)&times, &count), KERN_SUCCESS, "scheduling");
	count = HOST_PRIORITY_INFO_COUNT;
	CASE(host_info, (host, HOST_PRIORITY_INFO, (host_info_t)&priorities, &count), KERN_SUCCESS, "priorities");
	check_is("host_info: a user's priority", priorities.user_priority, PRIORITY_USER);
	CASE(host_info, (host, HOST_LOAD_INFO, (host_info_t)&basic, &count), KERN_INVALID_ARGUMENT, "load");
	CASE(host_info, (self, HOST_BASIC_INFO, (host_info_t)&basic, &count), KERN_INVALID_HOST, "no host");
	count = sizeof(statistics) / sizeof(natural_t);
	CASE(host_statistics, (host, HOST_VM_INFO, (host_info_t)&statistics, &count), KERN_SUCCESS, "memory");
	check_is("host_statistics: pages", statistics.pagesize, VM_PAGE_SIZE);
	CASE(host_statistics, (host, 77, (host_info_t)&statistics, &count), KERN_INVALID_ARGUMENT, "no flavour");
	CASE(host_statistics64, (self, HOST_VM_INFO64, (host_info_t)&statistics, &count), KERN_INVALID_HOST, "no host");
	CASE(host_page_size, (host, &size), KERN_SUCCESS, "of this host");
	check_is("host_page_size: 4096", size, 4096);
	CASE(host_page_size, (self, &size), KERN_INVALID_HOST, "of what is none");
	CASE(host_kernel_version, (host, version), KERN_SUCCESS, "of this host");
	check_is("host_kernel_version: Portolan's", strncmp(version, "Portolan ", 9), 0);
	CASE(host_get_kernel_version, (self, version), KERN_INVALID_HOST, "of what is none");
	CASE(host_get_time64, (host, &now), KERN_SUCCESS, "of this host");
	CASE(host_get_time64, (self, &now), KERN_INVALID_HOST, "of what is none");
	CASE(host_set_time64, (host_priv, now), KERN_SUCCESS, "with the host's privilege");
	CASE(host_set_time64, (host, now), KERN_INVALID_HOST, "without");
	CASE(host_get_uptime64, (host, &now), KERN_SUCCESS, "of this host");
	CASE(host_get_uptime64, (self, &now), KERN_INVALID_HOST, "of what is none");
	CASE(host_reboot, (host, 0), KERN_INVALID_HOST, "without privilege");
	CASE(host_reboot, (host_priv, 77), KERN_INVALID_ARGUMENT, "in no way there is");
	CASE(host_get_time, (host, &time), KERN_SUCCESS, "of this host");
	check_is("host_get_time: later than 2020", time.seconds > 1577836800, 1);
	CASE(host_get_time, (self, &time), KERN_INVALID_HOST, "of what is none");
	CASE(host_set_time, (host_priv, time), KERN_SUCCESS, "with the host's privilege");
	CASE(host_set_time, (host, time), KERN_INVALID_HOST, "without");
	CASE(host_set_time, (host_priv, ((time_value_t){-1, 0})), KERN_INVALID_VALUE, "before 1970");
}

static void priorities(const struct child *child)
{
	struct thread_basic_info thread = {0};
	mach_msg_type_number_t count = THREAD_BASIC_INFO_COUNT;
	thread_precedence_policy_data_t precedence = {.importance = -5};

	CASE(thread_priority, (child->thread, PRIORITY_USER - 1, FALSE), KERN_SUCCESS, "lower");
	CASE(thread_priority, (child->thread, 0, FALSE), KERN_INVALID_ARGUMENT, "idle");
	CASE(thread_priority, (child->thread, PRIORITY_USER, TRUE), KERN_NOT_SUPPORTED, "with a maximum of its own");
	CASE(thread_priority, (self, PRIORITY_USER, FALSE), KERN_INVALID_ARGUMENT, "of no thread");
	CASE(task_max_priority, (host, child->task, 50, FALSE, FALSE), KERN_INVALID_HOST, "without privilege");
	CASE(task_max_priority, (host_priv, child->task, PRIORITY_KERNEL, FALSE, FALSE), KERN_INVALID_ARGUMENT,
		"the kernel's");
	CASE(task_max_priority, (host_priv, child->task, 50, TRUE, TRUE), KERN_SUCCESS, "50, for all");
	thread_info(child->thread, THREAD_BASIC_INFO, (thread_info_t)&thread, &count);
	check_is("task_max_priority: its thread has it", thread.base_priority, 50);
	CASE(thread_priority, (child->thread, 51, FALSE), KERN_FAILURE, "above the maximum");
	CASE(task_priority, (child->task, 51, FALSE), KERN_FAILURE, "above the maximum");
	CASE(task_priority, (child->task, PRIORITY_USER, TRUE), KERN_SUCCESS, "for all");
	thread_info(child->thread, THREAD_BASIC_INFO, (thread_info_t)&thread, &count);
	check_is("task_priority: its thread has it", thread.base_priority, PRIORITY_USER);
	CASE(task_priority, (child->task, 0, TRUE), KERN_INVALID_ARGUMENT, "idle");
	CASE(task_priority, (host, 20, TRUE), KERN_INVALID_ARGUMENT, "of no task");
	CASE(thread_policy, (child->thread, POLICY_TIMESHARE, 0), KERN_SUCCESS, "time sharing");
	CASE(thread_policy, (child->thread, POLICY_FIXEDPRI, 10), KERN_FAILURE, "fixed priorities");
	CASE(thread_policy, (child->thread, 99, 0), KERN_INVALID_ARGUMENT, "none");
	CASE(thread_policy, (self, POLICY_TIMESHARE, 0), KERN_INVALID_ARGUMENT, "of no thread");
	CASE(thread_policy_set,
		(child->thread, THREAD_PRECEDENCE_POLICY, (thread_policy_t)&precedence, THREAD_PRECEDENCE_POLICY_COUNT),
		KERN_SUCCESS, "precedence");
	thread_info(child->thread, THREAD_BASIC_INFO, (thread_info_t)&thread, &count);
	check_is("thread_policy_set: lower by five", thread.base_priority, PRIORITY_USER - 5);
	CASE(thread_policy_set, (child->thread, THREAD_PRECEDENCE_POLICY, (thread_policy_t)&precedence, 0),
		KERN_INVALID_ARGUMENT, "cut off");
	CASE(thread_policy_set, (child->thread, THREAD_STANDARD_POLICY, NULL, 0), KERN_SUCCESS, "standard");
	CASE(thread_policy_set, (child->thread, 2, NULL, 0), KERN_NOT_SUPPORTED, "time constraints");
	CASE(swtch, (), TRUE, "gives up the processor");
	CASE(swtch_pri, (0), TRUE, "gives up the processor");
}

static void life(void)
{
	struct child child;
	thread_array_t threads;
	mach_msg_type_number_t count;
	mach_port_t task, thread, port = MACH_PORT_NULL;

	CASE(task_create, (self, FALSE, &task), KERN_SUCCESS, "without memory");
	CASE(task_create, (host, FALSE, &thread), KERN_INVALID_ARGUMENT, "of no task");
	CASE(thread_create, (task, &thread), KERN_SUCCESS, "in a new task");
	CASE(thread_create, (host, &port), KERN_INVALID_ARGUMENT, "in no task");
	CASE(task_threads, (task, &threads, &count), KERN_SUCCESS, "of one thread");
	check_is("task_threads: one", count, 1);
	mach_port_deallocate(self, threads[0]);
	mig_deallocate((vm_address_t)threads, sizeof(*threads));
	CASE(task_threads, (host, &threads, &count), KERN_INVALID_ARGUMENT, "of no task");
	CASE(task_set_name, (task, "example"), KERN_SUCCESS, "a name");
	CASE(task_set_name, (host, "example"), KERN_INVALID_ARGUMENT, "no task");
	CASE(task_suspend, (task), KERN_SUCCESS, "a task");
	CASE(task_resume, (task), KERN_SUCCESS, "a suspended one");
	CASE(task_resume, (task), KERN_FAILURE, "one that is not");
	CASE(task_suspend, (host), KERN_INVALID_ARGUMENT, "no task");
	CASE(thread_suspend, (thread), KERN_SUCCESS, "twice now");
	CASE(thread_resume, (thread), KERN_SUCCESS, "one of two");
	CASE(thread_suspend, (task), KERN_INVALID_ARGUMENT, "no thread");
	CASE(thread_resume, (task), KERN_INVALID_ARGUMENT, "no thread");
	CASE(thread_abort, (task), KERN_INVALID_ARGUMENT, "no thread");
	CASE(task_get_special_port, (task, TASK_BOOTSTRAP_PORT, &port), KERN_SUCCESS, "bootstrap");
	check_is("bootstrap_port: this task's", MACH_PORT_VALID(bootstrap_port), 1);
	check_is("task_get_special_port: a new task has none", port, MACH_PORT_NULL);
	CASE(task_get_special_port, (task, 99, &port), KERN_INVALID_ARGUMENT, "none");
	CASE(task_set_special_port, (task, TASK_BOOTSTRAP_PORT, self), KERN_SUCCESS, "bootstrap");
	CASE(task_set_special_port, (task, 99, self), KERN_INVALID_ARGUMENT, "none");
	CASE(thread_get_special_port, (thread, THREAD_EXCEPTION_PORT, &port), KERN_SUCCESS, "exceptions");
	CASE(thread_get_special_port, (thread, 99, &port), KERN_INVALID_ARGUMENT, "none");
	CASE(thread_set_special_port, (thread, THREAD_EXCEPTION_PORT, self), KERN_SUCCESS, "exceptions");
	CASE(thread_set_special_port, (thread, 99, self), KERN_INVALID_ARGUMENT, "none");
	CASE(thread_terminate, (thread), KERN_SUCCESS, "a thread");
	CASE(thread_terminate, (self), KERN_INVALID_ARGUMENT, "no thread");
	CASE(task_terminate, (task), KERN_SUCCESS, "a task");
	CASE(task_terminate, (host), KERN_INVALID_ARGUMENT, "no task");
	mach_port_deallocate(self, thread);
	mach_port_deallocate(self, task);
	if (!child_create(&child, spins, 0, MACH_PORT_NULL))
		return;
	information(&child);
	priorities(&child);
	child_end(&child);
}

void test_tasks_of_mach(void)
{
	life();
}
