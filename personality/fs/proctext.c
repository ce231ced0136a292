/* What the files of /proc say. */
#include <mach/host_counters.h>
#include <mach/mach.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>
#include <sys/types.h>

#include "base/release.h"
#include "base/user.h"
#include "device/random.h"
#include "device/tty.h"
#include "file/file.h"
#include "fs/procfs.h"
#include "memory/mm.h"
#include "memory/swap.h"
#include "process/affinity.h"
#include "process/loadavg.h"
#include "process/proc.h"
#include "process/seccomp.h"
#include "process/times.h"
#include "vfs/vfs.h"

#define UNUSED         (void)process, (void)call
#define SECOND         1000000000ull
#define TICK           (SECOND / 100)
#define STRINGS_MOST   (256u << 10) /* of a command line or environment */

static char state_of(const struct process *process)
{
	const struct thread *thread = proc_thread();

	if (process->state == PROCESS_ZOMBIE)
		return 'Z';
	if (process->stopped)
		return 'T';
	if (thread != NULL)
		return thread->call.state != CALL_WAITING ? 'R' : 'S';
	list_for_each (link, &process->threads) {
		if (list_entry(link, struct thread, link)->call.state != CALL_WAITING)
			return 'R';
	}
	return 'S';
}

static void sizes(struct process *process, uint64_t *virtual, uint64_t *resident)
{
	struct portolan_task_info info;
	mach_msg_type_number_t count = PORTOLAN_TASK_INFO_COUNT;

	*virtual = *resident = 0;
	if (process->memory == NULL)
		return;
	*virtual = process->memory->size;
	if (portolan_task_info(process_task(process), PORTOLAN_TASK_INFO, (uint64_t *)&info, &count) == KERN_SUCCESS)
		*resident = info.resident_size;
}

static void gather(struct process *process, struct proc_facts *facts)
{
	const struct credentials *who = &process->credentials;
	const struct session *session = process->group->session;
	const struct thread *thread = proc_thread();
	const struct tty *terminal = process_terminal(process);
	const struct thread *first =
		list_empty(&process->threads) ? NULL : list_entry(process->threads.next, struct thread, link);
	unsigned i;

	memset(facts, 0, sizeof *facts);
	facts->id = process->id;
	facts->parent = process->parent == NULL ? 0 : process->parent->id;
	facts->group = process->group->id;
	facts->session = session->id;
	if (terminal != NULL) {
		facts->terminal = (int)terminal->device;
		facts->foreground = terminal->foreground_id;
	}
	facts->threads = (int)process->thread_count;
	facts->nice = process->nice;
	facts->priority = 20 + process->nice;
	facts->state = state_of(process);
	facts->name = process->command;
	times_of(process, &facts->user_ns, &facts->system_ns);
	facts->children_user_ns = process->children_user_ns;
	facts->children_system_ns = process->children_system_ns;
	facts->started_ns = process->started;
	sizes(process, &facts->virtual_bytes, &facts->resident_bytes);
	facts->pending = process->pending.set;
	if (first != NULL) {
		facts->blocked = first->blocked;
		facts->seccomp = seccomp_mode(first);
		facts->no_new_privileges = first->no_new_privileges;
	}
	facts->processor = first != NULL ? thread_processor(first) : 0;
	facts->affinity = thread_processors(first);
	for (i = 0; i < SIGNALS && process->actions != NULL; i++) {
		uint64_t handler = process->actions->action[i].handler;

		facts->ignored |= handler == 1 ? 1ull << i : 0;
		facts->caught |= handler > 1 ? 1ull << i : 0;
	}
	memcpy(facts->capabilities,
		(uint64_t[]){who->inheritable, who->permitted, who->effective, who->bounding, who->ambient},
		sizeof facts->capabilities);
	facts->exit_signal = process->exit_signal;
	if (thread != NULL) {
		facts->thread = thread->id;
		facts->name = thread->name;
		facts->blocked = thread->blocked;
		times_of_thread(thread, &facts->user_ns, &facts->system_ns);
	}
	memcpy(facts->uid, (uint32_t[]){who->uid, who->euid, who->suid, who->fsuid}, sizeof facts->uid);
	memcpy(facts->gid, (uint32_t[]){who->gid, who->egid, who->sgid, who->fsgid}, sizeof facts->gid);
	facts->groups = who->groups != NULL ? who->groups->count : 0;
	facts->group_list = who->groups != NULL ? who->groups->id : NULL;
	facts->umask = process->fs != NULL ? process->fs->umask : 0;
	facts->fd_size = process->files != NULL ? process->files->size : 0;
}

void proc_text_stat(struct text *text, struct process *process, struct call *call)
{
	struct proc_facts facts;

	UNUSED;
	gather(process, &facts);
	format_stat(text, &facts);
}

void proc_text_status(struct text *text, struct process *process, struct call *call)
{
	struct proc_facts facts;

	UNUSED;
	gather(process, &facts);
	format_status(text, &facts);
}

void proc_text_statm(struct text *text, struct process *process, struct call *call)
{
	uint64_t virtual, resident;

	UNUSED;
	sizes(process, &virtual, &resident);
	text_add(text, "%llu %llu 0 0 0 %llu 0\n", (unsigned long long)(virtual / VM_PAGE_SIZE),
		(unsigned long long)(resident / VM_PAGE_SIZE), (unsigned long long)(virtual / VM_PAGE_SIZE));
}

/* Strings from the process's own memory; a page that is not there now is left out. */
static void memory_text(struct text *text, struct process *process, uint64_t start, uint64_t end)
{
	char chunk[512];

	if (process->memory == NULL || end <= start)
		return;
	if (end - start > STRINGS_MOST)
		end = start + STRINGS_MOST;
	while (start < end) {
		uint64_t part = end - start < sizeof chunk ? end - start : sizeof chunk;

		if (copy_in_task(process_task(process), chunk, start, part) != 0)
			return;
		text_append(text, chunk, part);
		start += part;
	}
}

void proc_text_command_line(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	memory_text(text, process, process->argument_start, process->argument_end);
}

void proc_text_environment(struct text *text, struct process *process, struct call *call)
{
	if (call != NULL && !capable(call->process, CAP_SYS_PTRACE) &&
		call->process->credentials.euid != process->credentials.uid)
		return;
	memory_text(text, process, process->environment_start, process->environment_end);
}

void proc_text_auxiliary_vector(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	memory_text(text, process, process->auxiliary_start, process->auxiliary_end);
}

void proc_text_name(struct text *text, struct process *process, struct call *call)
{
	const struct thread *thread = proc_thread();

	UNUSED;
	text_add(text, "%s\n", thread != NULL ? thread->name : process->command);
}

void proc_text_area(struct text *text, const struct vm_area *area, struct call *call)
{
	char path[PATH_LENGTH];
	struct map_facts facts = {
		.start = area->start,
		.end = area->end,
		.offset = area->offset,
		.protection = area->protection,
		.shared = (area->flags & 1) != 0,
		.name = area->name,
	};

	if (area->vnode != NULL) {
		facts.inode = area->vnode->inode;
		facts.major = major(area->vnode->mount->device);
		facts.minor = minor(area->vnode->mount->device);
		facts.name = path_of(call, area->vnode, path, sizeof path) > 0 ? path : NULL;
	}
	format_map(text, &facts);
}

void proc_text_maps(struct text *text, struct process *process, struct call *call)
{
	if (process->memory == NULL)
		return;
	list_for_each (link, &process->memory->areas.list)
		proc_text_area(text, list_entry(link, struct vm_area, link), call);
}

static const char *mount_options(const struct mount *mount)
{
	static char text[sizeof "rw,nosuid,nodev,noexec"];

	snprintf(text, sizeof text, "%s%s%s%s", mount->flags & MS_RDONLY ? "ro" : "rw",
		mount->flags & MS_NOSUID ? ",nosuid" : "", mount->flags & MS_NODEV ? ",nodev" : "",
		mount->flags & MS_NOEXEC ? ",noexec" : "");
	return text;
}

void proc_text_mounts(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	list_for_each (link, &mounts) {
		const struct mount *mount = list_entry(link, struct mount, link);

		text_add(text, "%s %s %s %s 0 0\n", mount->source, mount->target, mount->type, mount_options(mount));
	}
}

uint64_t proc_mount_id(const struct mount *mount)
{
	return MOUNT_ID_FIRST - 1 + mount->order;
}

void proc_text_mountinfo(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	list_for_each (link, &mounts) {
		const struct mount *mount = list_entry(link, struct mount, link);

		text_add(text, "%llu %u %u:%u / %s %s - %s %s %s\n", (unsigned long long)proc_mount_id(mount),
			mount->covered == NULL ? 1u : MOUNT_ID_FIRST, major(mount->device), minor(mount->device),
			mount->target, mount_options(mount), mount->type, mount->source,
			mount->flags & MS_RDONLY ? "ro" : "rw");
	}
}

static void limit_value(struct text *text, uint64_t value)
{
	if (value == RLIM64_INFINITY)
		text_add(text, "%-20s ", "unlimited");
	else
		text_add(text, "%-20llu ", (unsigned long long)value);
}

void proc_text_limits(struct text *text, struct process *process, struct call *call)
{
	static const struct {
		const char *name, *unit;
	} names[RLIM_NLIMITS] = {
		{"Max cpu time", "seconds"},
		{"Max file size", "bytes"},
		{"Max data size", "bytes"},
		{"Max stack size", "bytes"},
		{"Max core file size", "bytes"},
		{"Max resident set", "bytes"},
		{"Max processes", "processes"},
		{"Max open files", "files"},
		{"Max locked memory", "bytes"},
		{"Max address space", "bytes"},
		{"Max file locks", "locks"},
		{"Max pending signals", "signals"},
		{"Max msgqueue size", "bytes"},
		{"Max nice priority", ""},
		{"Max realtime priority", ""},
		{"Max realtime timeout", "us"},
	};
	unsigned i;

	UNUSED;
	text_add(text, "%-25s %-20s %-20s %-10s\n", "Limit", "Soft Limit", "Hard Limit", "Units");
	for (i = 0; i < RLIM_NLIMITS; i++) {
		text_add(text, "%-25s ", names[i].name);
		limit_value(text, process->limit[i].rlim_cur);
		limit_value(text, process->limit[i].rlim_max);
		text_add(text, "%-10s\n", names[i].unit);
	}
}

static void uuid_text(struct text *text, const unsigned char bytes[16])
{
	unsigned i;

	for (i = 0; i < 16; i++)
		text_add(text, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", bytes[i]);
	text_add(text, "\n");
}

static void random_uuid(unsigned char bytes[16])
{
	random_bytes(bytes, 16);
	bytes[6] = (unsigned char)((bytes[6] & 0x0f) | 0x40); /* RFC 4122: version 4, variant 1 */
	bytes[8] = (unsigned char)((bytes[8] & 0x3f) | 0x80);
}

void proc_text_boot_id(struct text *text, struct process *process, struct call *call)
{
	static unsigned char id[16];

	UNUSED;
	if (id[6] == 0)
		random_uuid(id);
	uuid_text(text, id);
}

void proc_text_uuid(struct text *text, struct process *process, struct call *call)
{
	unsigned char id[16];

	UNUSED;
	random_uuid(id);
	uuid_text(text, id);
}

void proc_text_host_name(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%s\n", system_host_name);
}

void proc_text_os_type(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%s\n", SYSTEM_NAME);
}

void proc_text_os_release(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%s\n", SYSTEM_RELEASE);
}

void proc_text_os_version(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%s\n", SYSTEM_VERSION);
}

void proc_text_pid_max(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%d\n", PROCESS_ID_MAX);
}

void proc_text_groups_max(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%d\n", GROUPS_MAX);
}

void proc_text_pipe_pages_soft(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%llu\n", (unsigned long long)user_settings.pipe_pages_soft);
}

void proc_text_pipe_pages_hard(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%llu\n", (unsigned long long)user_settings.pipe_pages_hard);
}

void proc_text_watches(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%llu\n", (unsigned long long)user_settings.watches);
}

void proc_text_mappings(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%llu\n", (unsigned long long)user_settings.mappings);
}

void proc_text_meminfo(struct text *text, struct process *process, struct call *call)
{
	vm_statistics_data_t memory = {0};
	struct memory_facts facts;

	UNUSED;
	vm_statistics(mach_task_self(), &memory);
	facts.total = memory.total_count * memory.pagesize;
	facts.free = memory.free_count * memory.pagesize;
	facts.active = memory.active_count * memory.pagesize;
	facts.inactive = memory.inactive_count * memory.pagesize;
	facts.cached = facts.active + facts.inactive - memory.anonymous_count * memory.pagesize;
	facts.swap = swap_bytes(&facts.swap_used);
	format_meminfo(text, &facts);
}

void proc_text_swaps(struct text *text, struct process *process, struct call *call)
{
	struct swap_area area;

	UNUSED;
	text_add(text, "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
	for (unsigned i = 0; i < SWAP_AREAS_MAX; i++)
		if (swap_area(i, &area) && area.bytes != 0)
			text_add(text, "/dev/%-34s partition\t%llu\t\t%llu\t\t%d\n", area.name,
				(unsigned long long)area.bytes / 1024, (unsigned long long)area.used / 1024, -2 - (int)i);
}

/* What all processes have used, and are; looked at again when it is older than this: it takes a call of the kernel's
 * for each. */
#define LOOK_AGE (SECOND / 10)

struct all {
	uint64_t at, user, system; /* ns */
	unsigned running, processes, threads;
	int last; /* id */
};

static const struct all *look_at_all(void)
{
	static struct all all;

	if (all.at != 0 && clock_monotonic() - all.at < LOOK_AGE)
		return &all;
	all = (struct all){.at = clock_monotonic(), .running = load_running()};
	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);
		uint64_t user, system;

		times_of(process, &user, &system);
		all.user += user;
		all.system += system;
		all.processes++;
		all.threads += process->thread_count;
		all.last = process->id;
	}
	return &all;
}

/* The kernel's counters. */
static struct host_counters count_events(void)
{
	struct host_counters counters = {0};
	mach_msg_type_number_t count = HOST_COUNTERS_COUNT;

	portolan_host_info(mach_host_self(), HOST_COUNTERS, (uint64_t *)&counters, &count);
	return counters;
}

/* What the processors did together is shared out evenly: nobody counts it for each. */
void proc_text_system_stat(struct text *text, struct process *process, struct call *call)
{
	const struct all *all = look_at_all();
	const struct host_counters events = count_events();
	const unsigned processors = processors_available();
	uint64_t user = all->user / TICK, system = all->system / TICK, idle = events.idle_ns / TICK;

	UNUSED;
	text_add(text, "cpu  %llu 0 %llu %llu 0 0 0 0 0 0\n", (unsigned long long)user, (unsigned long long)system,
		(unsigned long long)idle);
	for (unsigned i = 0; i < processors; i++)
		text_add(text, "cpu%u %llu 0 %llu %llu 0 0 0 0 0 0\n", i, (unsigned long long)user / processors,
			(unsigned long long)system / processors, (unsigned long long)idle / processors);
	text_add(text, "intr %lu\nctxt %lu\nbtime %llu\nprocesses %u\nprocs_running %u\nprocs_blocked 0\n", events.interrupts,
		events.thread_switches, (unsigned long long)((clock_realtime() - clock_monotonic()) / SECOND), all->processes,
		all->running);
}

void proc_text_uptime(struct text *text, struct process *process, struct call *call)
{
	uint64_t up = clock_monotonic() / TICK, idle = count_events().idle_ns / TICK;

	UNUSED;
	text_add(text, "%llu.%02llu %llu.%02llu\n", (unsigned long long)(up / 100), (unsigned long long)(up % 100),
		(unsigned long long)(idle / 100), (unsigned long long)(idle % 100));
}

void proc_text_loadavg(struct text *text, struct process *process, struct call *call)
{
	const struct all *all = look_at_all();
	unsigned i;

	UNUSED;
	for (i = 0; i < 3; i++)
		text_add(text, "%lu.%02lu ", load_average[i] >> LOAD_SHIFT,
			((load_average[i] & ((1ul << LOAD_SHIFT) - 1)) * 100) >> LOAD_SHIFT);
	text_add(text, "%u/%u %d\n", all->running, all->threads, all->last);
}

void proc_text_version(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%s version %s %s\n", SYSTEM_NAME, SYSTEM_RELEASE, SYSTEM_VERSION);
}

void proc_text_filesystems(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "nodev\tproc\nnodev\tsysfs\nnodev\tdevtmpfs\nnodev\tdevpts\nnodev\ttmpfs\n\text4\n");
}

void proc_text_counters(struct text *text, struct process *process, struct call *call)
{
	const struct host_counters counters = count_events();

	UNUSED;
#define LINE(name) text_add(text, #name " %lu\n", counters.name);
	HOST_COUNTERS_LIST(LINE)
#undef LINE
}
