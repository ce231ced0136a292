/* What task_info, thread_info and host_info tell: the kernel's own words, and in task_flavors.h what Mach's programs know. */
#ifndef MACH_TASK_INFO_H
#define MACH_TASK_INFO_H

#include <stdint.h>

#define TASK_INFO_WORDS_MAX 32
#define HOST_INFO_WORDS_MAX 128

/* portolan_task_info */
#define PORTOLAN_TASK_INFO 1
struct portolan_task_info {
	uint64_t suspend_count;
	uint64_t virtual_size; /* bytes mapped */
	uint64_t resident_size;
	uint64_t kernel_bytes; /* kernel memory on its account */
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t threads;
	uint64_t priority, max_priority;
};
#define PORTOLAN_TASK_INFO_COUNT ((unsigned)(sizeof(struct portolan_task_info) / 8))

/* portolan_thread_info */
#define PORTOLAN_THREAD_INFO 1
struct portolan_thread_info {
	uint64_t run_state;
	uint64_t suspend_count;
	uint64_t priority;
	uint64_t user_ns;
	uint64_t system_ns;
	uint64_t word;    /* thread word */
	uint64_t in_call; /* THREAD_IN_* */
	uint64_t run_priority, max_priority; /* own or inherited; its task's */
	uint64_t processor; /* where it runs or ran last, 0 .. */
};
#define PORTOLAN_THREAD_INFO_COUNT ((unsigned)(sizeof(struct portolan_thread_info) / 8))

enum { TH_STATE_RUNNING = 1, TH_STATE_STOPPED = 2, TH_STATE_WAITING = 3, TH_STATE_UNINTERRUPTIBLE = 4, TH_STATE_HALTED = 5 };
enum { THREAD_IN_NONE = 0, THREAD_IN_FOREIGN_CALL = 1, THREAD_IN_MACH_TRAP = 2 };

/* portolan_host_info */
#define PORTOLAN_HOST_INFO 1
struct portolan_host_info {
	uint64_t max_cpus;
	uint64_t avail_cpus;
	uint64_t memory_size; /* bytes */
	uint64_t tsc_hz;
	uint64_t boot_ns; /* real time at boot */
	/* ns since boot: (TSC - tsc_base) * ns_per_tick / 2^32 */
	uint64_t tsc_base, ns_per_tick;
};
#define PORTOLAN_HOST_INFO_COUNT ((unsigned)(sizeof(struct portolan_host_info) / 8))

/* What is billed to nobody: after the first task was made nothing more should be. */
#define HOST_MEMORY_INFO 2
struct host_memory_info {
	uint64_t kernel_bytes, kernel_bytes_at_boot;
	uint64_t kernel_pages; /* that the kernel has of physical memory, for whomever */
};
#define HOST_MEMORY_INFO_COUNT ((unsigned)(sizeof(struct host_memory_info) / 8))

/* Options of host_reboot: 0 starts again. */
#define HOST_REBOOT_HALT 8 /* power off */

/* mach/host_counters.h */
#define HOST_COUNTERS 100

#ifndef PORTOLAN_KERNEL
#include <mach/task_flavors.h>
#endif

#endif
