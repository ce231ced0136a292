/* uname, sysinfo, host name, load, and the end of the system. */
#include "system/system.h"

#include <linux/reboot.h>
#include <mach/mach.h>
#include <stdio.h>
#include <string.h>
#include <sys/personality.h>
#include <sys/sysinfo.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/release.h"
#include "base/rights.h"
#include "device/console.h"
#include "memory/mm.h"
#include "memory/swap.h"
#include "process/loadavg.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define HOST_RESTART 0

char system_host_name[65] = "portolan", system_domain_name[65] = "(none)";

static bool ending;

int64_t sys_uname(uint64_t caller, uint64_t address)
{
	struct utsname name;

	memset(&name, 0, sizeof name);
	strcpy(name.sysname, SYSTEM_NAME);
	strcpy(name.nodename, system_host_name);
	strcpy(name.release, SYSTEM_RELEASE);
	strcpy(name.version, SYSTEM_VERSION);
	strcpy(name.machine, (call_of(caller)->thread->persona & PER_MASK) == PER_LINUX32 ? "i686" : SYSTEM_MACHINE);
	strcpy(name.domainname, system_domain_name);
	return call_result(copy_out(call_of(caller), address, &name, sizeof name));
}

static int64_t set_name(struct call *call, char *name, uint64_t address, uint64_t size)
{
	char copy[65] = {0};
	int error;

	if (!capable(call->process, CAP_SYS_ADMIN))
		return -EPERM;
	if (size > 64)
		return -EINVAL;
	error = copy_in(call, copy, address, size);
	if (error == 0)
		memcpy(name, copy, sizeof copy);
	return call_result(error);
}

int64_t sys_sethostname(uint64_t caller, uint64_t address, uint64_t size)
{
	return set_name(call_of(caller), system_host_name, address, size);
}

int64_t sys_setdomainname(uint64_t caller, uint64_t address, uint64_t size)
{
	return set_name(call_of(caller), system_domain_name, address, size);
}

int64_t sys_sysinfo(uint64_t caller, uint64_t address)
{
	vm_statistics_data_t memory = {0};
	struct sysinfo info;
	uint64_t used;
	unsigned i;

	memset(&info, 0, sizeof info);
	vm_statistics(mach_task_self(), &memory);
	info.uptime = (long)(clock_monotonic() / 1000000000ull);
	for (i = 0; i < 3; i++)
		info.loads[i] = load_average[i] << (SI_LOAD_SHIFT - LOAD_SHIFT);
	info.mem_unit = 1;
	info.totalram = memory.total_count * memory.pagesize;
	info.freeram = memory.free_count * memory.pagesize;
	info.totalswap = swap_bytes(&used);
	info.freeswap = info.totalswap - used;
	list_for_each (link, &processes)
		info.procs += (unsigned short)list_entry(link, struct process, link)->thread_count;
	return call_result(copy_out(call_of(caller), address, &info, sizeof info));
}

/* Of syslog(2). */
enum {
	LOG_CLOSE,
	LOG_OPEN,
	LOG_READ,
	LOG_READ_ALL,
	LOG_READ_CLEAR,
	LOG_CLEAR,
	LOG_CONSOLE_OFF,
	LOG_CONSOLE_ON,
	LOG_CONSOLE_LEVEL,
	LOG_UNREAD,
	LOG_SIZE
};
#define LOG_LEVELS 8

/* The kernel's log belongs to the kernel's console; programs find an empty one. */
int64_t sys_syslog(uint64_t caller, int action, uint64_t data, int size)
{
	if (action != LOG_READ_ALL && action != LOG_SIZE && !capable(call_of(caller)->process, CAP_SYSLOG))
		return -EPERM;
	switch (action) {
	case LOG_CLOSE:
	case LOG_OPEN:
	case LOG_CLEAR:
	case LOG_CONSOLE_OFF:
	case LOG_CONSOLE_ON:
	case LOG_UNREAD:
	case LOG_SIZE:
		return 0;
	case LOG_READ:
	case LOG_READ_ALL:
	case LOG_READ_CLEAR:
		return data == 0 || size < 0 ? -EINVAL : 0;
	case LOG_CONSOLE_LEVEL:
		return size < 1 || size > LOG_LEVELS ? -EINVAL : 0;
	default:
		return -EINVAL;
	}
}

void system_end(bool restart)
{
	ending = true;
	list_for_each_safe (link, &processes) {
		struct process *process = list_entry(link, struct process, link);

		/* Only their tasks: nothing of them may touch the disks any more. The rest goes with the machine. */
		if (process->memory != NULL && process->vfork_thread == NULL)
			task_suspend(process_task(process));
	}
	mounts_stop();
	console_flush();
	host_reboot(host_privileged(), restart ? HOST_RESTART : HOST_REBOOT_HALT);
	for (;;)
		pause();
}

void system_init_ended(int status)
{
	if (ending)
		return;
	console_init_ended(WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status));
	system_end(false);
}

int64_t sys_reboot(uint64_t caller, unsigned magic, unsigned magic2, unsigned command, uint64_t argument)
{
	(void)argument;
	if (!capable(call_of(caller)->process, CAP_SYS_BOOT))
		return -EPERM;
	if (magic != LINUX_REBOOT_MAGIC1 || (magic2 != LINUX_REBOOT_MAGIC2 && magic2 != LINUX_REBOOT_MAGIC2A &&
						    magic2 != LINUX_REBOOT_MAGIC2B && magic2 != LINUX_REBOOT_MAGIC2C))
		return -EINVAL;
	switch (command) {
	case LINUX_REBOOT_CMD_CAD_ON:
	case LINUX_REBOOT_CMD_CAD_OFF:
		return 0;
	case LINUX_REBOOT_CMD_RESTART:
		system_end(true);
	case LINUX_REBOOT_CMD_HALT:
	case LINUX_REBOOT_CMD_POWER_OFF:
		system_end(false);
	default:
		return -EINVAL;
	}
}
