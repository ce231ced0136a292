/* The flavours of task_info, thread_info and host_info in the standard form, and processors' numbers. */
#ifndef MACH_TASK_FLAVORS_H
#define MACH_TASK_FLAVORS_H

#include <mach/boolean.h>
#include <mach/message.h>
#include <mach/policy.h>
#include <mach/std_words.h>
#include <mach/time_value.h>
#include <mach/vm_types.h>

typedef integer_t *task_info_t;
typedef integer_t *thread_info_t;
typedef integer_t *host_info_t;
typedef integer_t *processor_info_t;
typedef integer_t *processor_set_info_t;
typedef integer_t *processor_info_array_t;
typedef integer_t *host_info64_t;
typedef integer_t *task_policy_t;
typedef natural_t task_policy_flavor_t;
typedef natural_t task_flavor_t;
typedef natural_t thread_flavor_t;
typedef integer_t host_flavor_t;

#define TASK_INFO_MAX   52
#define THREAD_INFO_MAX 32
#define HOST_INFO_MAX   1024
typedef integer_t task_info_data_t[TASK_INFO_MAX];
typedef integer_t thread_info_data_t[THREAD_INFO_MAX];
typedef integer_t host_info_data_t[HOST_INFO_MAX];

#define MACH_INFO_COUNT(type) ((mach_msg_type_number_t)(sizeof(type) / sizeof(natural_t)))

/*
 * The fields of GNU's, OSF's and Apple's structures. The order is our own: each of them has another. What the kernel does
 * not keep is 0: creation_time, sleep_time, cpu_usage, system_time (all time counts as the user's).
 */
#define TASK_BASIC_INFO 1
struct task_basic_info {
	integer_t suspend_count;
	integer_t base_priority;
	vm_size_t virtual_size;
	vm_size_t resident_size;
	vm_size_t resident_size_max; /* as resident_size */
	time_value_t user_time;
	time_value_t system_time;
	time_value_t creation_time;
	time_value64_t user_time64;
	time_value64_t system_time64;
	time_value64_t creation_time64;
	policy_t policy;
};
typedef struct task_basic_info task_basic_info_data_t;
typedef struct task_basic_info *task_basic_info_t;
#define TASK_BASIC_INFO_COUNT MACH_INFO_COUNT(struct task_basic_info)

#define MACH_TASK_BASIC_INFO 20
#define mach_task_basic_info task_basic_info
typedef struct task_basic_info mach_task_basic_info_data_t;
typedef struct task_basic_info *mach_task_basic_info_t;
#define MACH_TASK_BASIC_INFO_COUNT TASK_BASIC_INFO_COUNT
#define TASK_BASIC_INFO_64         5
typedef struct task_basic_info task_basic_info_64_data_t;
#define TASK_BASIC_INFO_64_COUNT TASK_BASIC_INFO_COUNT
#define TASK_BASIC_INFO_32       4
#define TASK_BASIC_INFO_32_COUNT TASK_BASIC_INFO_COUNT
#define TASK_BASIC2_INFO         6
#define TASK_BASIC2_INFO_COUNT   TASK_BASIC_INFO_COUNT

/* Of threads that live (GNU's) and all together: what the kernel keeps is one sum. */
#define TASK_THREAD_TIMES_INFO 3
struct task_thread_times_info {
	time_value_t user_time;
	time_value_t system_time;
	time_value64_t user_time64;
	time_value64_t system_time64;
};
typedef struct task_thread_times_info task_thread_times_info_data_t;
typedef struct task_thread_times_info *task_thread_times_info_t;
#define TASK_THREAD_TIMES_INFO_COUNT MACH_INFO_COUNT(struct task_thread_times_info)

#define TASK_ABSOLUTETIME_INFO 7 /* ns */
struct task_absolutetime_info {
	uint64_t total_user;
	uint64_t total_system;
	uint64_t threads_user;
	uint64_t threads_system;
};
typedef struct task_absolutetime_info task_absolutetime_info_data_t;
typedef struct task_absolutetime_info *task_absolutetime_info_t;
#define TASK_ABSOLUTETIME_INFO_COUNT MACH_INFO_COUNT(struct task_absolutetime_info)

/* Refused: the kernel does not count them for each task. */
#define TASK_EVENTS_INFO 2
struct task_events_info {
	integer_t faults, pageins, cow_faults, messages_sent, messages_received, syscalls_mach, syscalls_unix, csw;
	natural_t zero_fills, reactivations;
};
typedef struct task_events_info task_events_info_data_t;
typedef struct task_events_info *task_events_info_t;
#define TASK_EVENTS_INFO_COUNT MACH_INFO_COUNT(struct task_events_info)

#define THREAD_BASIC_INFO 3
struct thread_basic_info {
	time_value_t user_time;
	time_value_t system_time;
	integer_t cpu_usage; /* of TH_USAGE_SCALE */
	policy_t policy;
	integer_t base_priority;
	integer_t cur_priority;
	integer_t run_state; /* TH_STATE_* */
	integer_t flags;
	integer_t suspend_count;
	integer_t sleep_time;
	time_value_t creation_time;
	time_value64_t user_time64;
	time_value64_t system_time64;
	time_value64_t creation_time64;
};
typedef struct thread_basic_info thread_basic_info_data_t;
typedef struct thread_basic_info *thread_basic_info_t;
#define THREAD_BASIC_INFO_COUNT MACH_INFO_COUNT(struct thread_basic_info)
#define TH_USAGE_SCALE          1000
#define TH_FLAGS_SWAPPED        1
#define TH_FLAGS_IDLE           2

#define THREAD_IDENTIFIER_INFO 4 /* thread_id: the thread word */
struct thread_identifier_info {
	uint64_t thread_id;
	uint64_t thread_handle;
	uint64_t dispatch_qaddr;
};
typedef struct thread_identifier_info thread_identifier_info_data_t;
typedef struct thread_identifier_info *thread_identifier_info_t;
#define THREAD_IDENTIFIER_INFO_COUNT MACH_INFO_COUNT(struct thread_identifier_info)

#define THREAD_SCHED_INFO 2 /* GNU's */
struct thread_sched_info {
	integer_t policy;
	integer_t data; /* a time slice's ms */
	integer_t base_priority;
	integer_t max_priority;
	integer_t cur_priority;
	integer_t depressed;
	integer_t depress_priority;
	integer_t last_processor;
};
typedef struct thread_sched_info thread_sched_info_data_t;
typedef struct thread_sched_info *thread_sched_info_t;
#define THREAD_SCHED_INFO_COUNT MACH_INFO_COUNT(struct thread_sched_info)

struct policy_timeshare_base {
	int base_priority;
};
struct policy_timeshare_limit {
	int max_priority;
};
struct policy_timeshare_info {
	int max_priority, base_priority, cur_priority;
	boolean_t depressed;
	int depress_priority;
};
typedef struct policy_timeshare_base policy_timeshare_base_data_t;
typedef struct policy_timeshare_limit policy_timeshare_limit_data_t;
typedef struct policy_timeshare_info policy_timeshare_info_data_t;
typedef struct policy_timeshare_info *policy_timeshare_info_t;
typedef integer_t *policy_base_t;
typedef integer_t *policy_limit_t;
#define THREAD_SCHED_TIMESHARE_INFO 10
#define TASK_SCHED_TIMESHARE_INFO   10
#define POLICY_TIMESHARE_BASE_COUNT  MACH_INFO_COUNT(struct policy_timeshare_base)
#define POLICY_TIMESHARE_LIMIT_COUNT MACH_INFO_COUNT(struct policy_timeshare_limit)
#define POLICY_TIMESHARE_INFO_COUNT  MACH_INFO_COUNT(struct policy_timeshare_info)

typedef integer_t cpu_type_t;
typedef integer_t cpu_subtype_t;
#define CPU_ARCH_ABI64         0x01000000
#define CPU_TYPE_X86           7
#define CPU_TYPE_X86_64        (CPU_TYPE_X86 | CPU_ARCH_ABI64)
#define CPU_SUBTYPE_X86_ALL    3
#define CPU_SUBTYPE_X86_64_ALL 3

#define HOST_BASIC_INFO 1
struct host_basic_info {
	integer_t max_cpus;
	integer_t avail_cpus;
	vm_size_t memory_size;
	cpu_type_t cpu_type;
	cpu_subtype_t cpu_subtype;
	cpu_type_t cpu_threadtype;
	integer_t physical_cpu, physical_cpu_max; /* as avail_cpus and max_cpus, */
	integer_t logical_cpu, logical_cpu_max;   /* too */
	uint64_t max_mem;
};
typedef struct host_basic_info host_basic_info_data_t;
typedef struct host_basic_info *host_basic_info_t;
#define HOST_BASIC_INFO_COUNT MACH_INFO_COUNT(struct host_basic_info)

#define HOST_PROCESSOR_SLOTS 2 /* the numbers of the processors */

#define HOST_SCHED_INFO 3 /* ms */
struct host_sched_info {
	integer_t min_timeout;
	integer_t min_quantum;
};
typedef struct host_sched_info host_sched_info_data_t;
typedef struct host_sched_info *host_sched_info_t;
#define HOST_SCHED_INFO_COUNT MACH_INFO_COUNT(struct host_sched_info)

/* Refused: nobody keeps averages in the kernel. */
#define HOST_LOAD_INFO 4
#define LOAD_SCALE     1000
struct host_load_info {
	integer_t avenrun[3];
	integer_t mach_factor[3];
};
typedef struct host_load_info host_load_info_data_t;
typedef struct host_load_info *host_load_info_t;
#define HOST_LOAD_INFO_COUNT MACH_INFO_COUNT(struct host_load_info)

#define HOST_PRIORITY_INFO 5
struct host_priority_info {
	integer_t kernel_priority, system_priority, server_priority, user_priority;
	integer_t depress_priority, idle_priority, minimum_priority, maximum_priority;
};
typedef struct host_priority_info host_priority_info_data_t;
typedef struct host_priority_info *host_priority_info_t;
#define HOST_PRIORITY_INFO_COUNT MACH_INFO_COUNT(struct host_priority_info)

/* host_statistics, host_statistics64 */
#define HOST_VM_INFO   2
#define HOST_VM_INFO64 4

#define KERNEL_VERSION_MAX 512
typedef char kernel_version_t[KERNEL_VERSION_MAX];
typedef char new_kernel_version_t[KERNEL_VERSION_MAX];
#define KERNEL_BOOT_INFO_MAX 4096
typedef char kernel_boot_info_t[KERNEL_BOOT_INFO_MAX];

#endif
