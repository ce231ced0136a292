/* Files of /proc that say what the system is, has and allows; and of processes what is the same for all. */
#include <fcntl.h>
#include <linux/capability.h>
#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "device/device.h"
#include "device/pty.h"
#include "file/file.h"
#include "fs/procfs.h"
#include "ipc/pipe.h"
#include "ipc/socket.h"
#include "process/proc.h"
#include "process/rlimit.h"
#include "vfs/vfs.h"

#define UNUSED  (void)process, (void)call
#define LISTENS 0x10000u /* of Flags in net/unix: as on Linux (__SO_ACCEPTCON) */
/* Of St there. */
enum { UNCONNECTED = 1, CONNECTING = 2, CONNECTED = 3 };

/* A text that never changes. */
#define SAYS(name, ...)                                                                                                \
	void proc_text_##name(struct text *text, struct process *process, struct call *call)                           \
	{                                                                                                              \
		UNUSED;                                                                                                \
		text_add(text, __VA_ARGS__);                                                                           \
	}

/* There are no control groups but the one that all are in; no personalities, no namespaces but the first. */
SAYS(control_groups, "0::/\n")
SAYS(persona, "%08x\n", 0u)
SAYS(id_map, "%10u %10u %10u\n", 0u, 0u, UINT32_MAX)
SAYS(set_groups, "allow\n")
SAYS(zero, "0\n")
SAYS(where_it_waits, "0")
/* Memory is given to who touches it, and refused to nobody before. */
SAYS(overcommit, "1\n")
SAYS(threads_max, "%d\n", PROCESS_ID_MAX)
SAYS(core_pattern, "core\n")
SAYS(files_max, "%lld\n", (long long)INT64_MAX)
SAYS(descriptors_max, "%u\n", FD_LIMIT_MAX)
SAYS(pipe_size_max, "%u\n", PIPE_SIZE_MAX)
SAYS(backlog_max, "%d\n", SOMAXCONN)
SAYS(last_capability, "%d\n", CAP_LAST_CAP)
/* There are no disks to be seen here. */
SAYS(partitions, "major minor  #blocks  name\n\n")
SAYS(disks, "%s", "")
SAYS(devices,
	"Character devices:\n%3d mem\n%3d ttyS\n%3d /dev/tty\n%3d /dev/console\n%3d /dev/ptmx\n%3d pts\n\nBlock "
	"devices:\n",
	DEVICE_MEMORY_MAJOR, DEVICE_TTYS_MAJOR, DEVICE_TTY_MAJOR, DEVICE_TTY_MAJOR, DEVICE_TTY_MAJOR, DEVICE_PTS_MAJOR)
/* By which ps finds the names of terminals. */
SAYS(tty_drivers, "/dev/tty             /dev/tty        5       0 system:/dev/tty\n"
		  "/dev/console         /dev/console    5       1 system:console\n"
		  "/dev/ptmx            /dev/ptmx       5       2 system\n"
		  "serial               /dev/ttyS       4      64 serial\n"
		  "pty_slave            /dev/pts      136 0-1048575 pty:slave\n"
		  "pty_master           /dev/ptm      128 0-1048575 pty:master\n")
SAYS(pty_max, "%u\n", PTY_MAX)
SAYS(pty_reserve, "%u\n", PTY_RESERVE)
SAYS(pty_count, "%u\n", pty_count())

void proc_text_vmstat(struct text *text, struct process *process, struct call *call)
{
	vm_statistics_data_t memory = {0};

	UNUSED;
	vm_statistics(mach_task_self(), &memory);
	text_add(text, "nr_free_pages %llu\npgfault %llu\npgpgin %llu\npgpgout %llu\n",
		(unsigned long long)memory.free_count, (unsigned long long)memory.faults,
		(unsigned long long)(memory.pageins * memory.pagesize / 1024),
		(unsigned long long)(memory.pageouts * memory.pagesize / 1024));
}

void proc_text_net_unix(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "Num       RefCount Protocol Flags    Type St Inode Path\n");
	list_for_each (link, &sockets) {
		const struct socket *socket = list_entry(link, struct socket, all);
		const char *path = socket->name.address.sun_path;
		int size = socket->name.size - (int)sizeof(sa_family_t);

		/* Where it lies is nobody's business. */
		text_add(text, "%016x: %08X %08X %08X %04X %02X %5llu", 0u,
			socket->file != NULL ? socket->file->references : 1u, 0u,
			socket->state == SOCKET_LISTENING ? LISTENS : 0u, (unsigned)socket->type,
			socket->state != SOCKET_CONNECTED ? UNCONNECTED
			: socket->file == NULL            ? CONNECTING
							  : CONNECTED,
			(unsigned long long)(socket->file != NULL ? socket->file->inode : 0));
		if (size > 0 && path[0] == 0)
			text_add(text, " @%.*s", size - 1, path + 1);
		else if (size > 0)
			text_add(text, " %s", path);
		text_add(text, "\n");
	}
}

void proc_text_descriptor(struct text *text, const struct descriptor *descriptor)
{
	const struct file *file = descriptor->file;
	const struct vnode *vnode = file->vnode;

	text_add(text, "pos:\t%lld\nflags:\t0%o\nmnt_id:\t%llu\nino:\t%llu\n", (long long)file->position,
		file->flags | (descriptor->close_on_exec ? O_CLOEXEC : 0u) | (file->kind == NULL ? 0100000u : 0u),
		(unsigned long long)(vnode != NULL && vnode->mount != NULL ? proc_mount_id(vnode->mount) : 0),
		(unsigned long long)(vnode != NULL ? vnode->inode : file->inode));
	if (pidfd_of_file(file) != 0)
		text_add(text, "Pid:\t%d\n", pidfd_of_file(file));
}

void proc_text_boot_words(struct text *text, struct process *process, struct call *call)
{
	const char *words = getenv("PORTOLAN"); /* as bootstrap hands them on */

	(void)process;
	(void)call;
	text_add(text, "%s\n", words != NULL ? words : "");
}
