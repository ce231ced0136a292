/* The Unix server: gets its rights, mounts the file systems, starts pid 1, serves. */
#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/rights.h"
#include "base/user.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "call/trace.h"
#include "device/console.h"
#include "dispatch/run.h"
#include "file/file.h"
#include "fs/mounts.h"
#include "ipc/futex.h"
#include "memory/accounts.h"
#include "memory/swap.h"
#include "process/deaths.h"
#include "process/loadavg.h"
#include "process/proc.h"
#include "program/exec.h"
#include "program/vdso.h"
#include "system/system.h"
#include "vfs/vfs.h"

static mach_port_t registered(int slot)
{
	static mach_port_t known[TASK_PORT_REGISTER_MAX];
	mach_msg_type_name_t disposition;

	if (known[slot] == MACH_PORT_NULL &&
		portolan_mach_ports_lookup(mach_task_self(), slot, &known[slot], &disposition) != KERN_SUCCESS)
		known[slot] = MACH_PORT_NULL;
	return known[slot];
}

mach_port_t host_privileged(void)
{
	return registered(REGISTERED_HOST_PRIV);
}

mach_port_t device_master(void)
{
	return registered(REGISTERED_DEVICE_MASTER);
}

/* Bytes of the machine. */
static uint64_t memory_size(void)
{
	vm_statistics_data_t memory = {0};

	vm_statistics(mach_task_self(), &memory);
	return memory.total_count * memory.pagesize;
}

unsigned processors_available(void)
{
	static unsigned count;
	struct portolan_host_info info;
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;

	if (count == 0) {
		count = 1;
		if (portolan_host_info(mach_host_self(), PORTOLAN_HOST_INFO, (uint64_t *)&info, &words) == KERN_SUCCESS &&
			info.avail_cpus > 0)
			count = (unsigned)info.avail_cpus;
	}
	return count;
}

static _Noreturn void fail(const char *what, int error)
{
	fprintf(stderr, "unix: %s: %s\n", what, strerror(error));
	exit(1);
}

/* The terminal by its name, so that programs can find out what it is called. */
static int open_console(struct call *call, struct file *files[3])
{
	struct vnode *vnode;
	struct file *file;
	int error = path_look_up(call, AT_FDCWD, "/dev/console", 0, &vnode);

	if (error != 0)
		return error;
	error = vnode_open(call, vnode, O_RDWR | O_NOCTTY, &file);
	vnode_release(vnode);
	if (error != 0)
		return error;
	files[0] = file;
	files[1] = file_reference(file);
	files[2] = file_reference(file);
	return 0;
}

/* Pid 1 before it runs a program: a session of its own, the standard files, the root. */
static struct thread *make_init(void)
{
	struct mount *root = list_entry(mounts.next, struct mount, link);
	struct process *process = process_create(NULL);
	struct session *session = calloc(1, sizeof *session);
	struct process_group *group = calloc(1, sizeof *group);
	struct file *files[3];
	struct thread *thread;
	unsigned i;
	int error;

	if (process == NULL || session == NULL || group == NULL)
		fail("pid 1", ENOMEM);
	init_process = process;
	init_is_command = console_command_mode;
	process_first_group(process, group, session);
	process->files = file_table_create();
	process->fs = fs_context_create(root->root);
	process->actions = signal_actions_copy(NULL, false);
	thread = thread_create_for(process, process->id);
	if (process->files == NULL || process->fs == NULL || process->actions == NULL || thread == NULL)
		fail("pid 1", ENOMEM);
	error = console_command_mode ? -ENOTTY : open_console(&thread->call, files);
	if (error != 0)
		error = console_open_standard(files);
	if (error != 0)
		fail("the console", -error);
	for (i = 0; i < 3; i++)
		fd_install(&thread->call, files[i], false);
	return thread;
}

static int add_strings(struct exec_strings *strings, const char *const *list, unsigned *count)
{
	int error = 0;

	for (*count = 0; list[*count] != NULL && error == 0; ++*count)
		error = exec_strings_add(strings, list[*count], strlen(list[*count]));
	return error;
}

static int64_t start_program(struct call *call, const char *path, const char *const *arguments)
{
	char term[48];
	const char *const environment[] = {
		"HOME=/root", "PATH=/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin", term, NULL};
	struct exec_strings strings = {0};
	int64_t result;

	snprintf(term, sizeof term, "TERM=%s", console_term);
	result = add_strings(&strings, arguments, &strings.arguments);
	if (result == 0)
		result = add_strings(&strings, environment, &strings.environment);
	if (result == 0)
		result = exec_run(call, path, &strings);
	free(strings.data);
	return result;
}

/* On a fiber: the file servers may let it wait. */
static void start_init(void *argument)
{
	const char *shell[] = {"sh", "-c", console_command, NULL};
	static const char *const init[] = {"init", NULL};
	struct thread *thread;
	struct call *call;
	int64_t result;
	int error;

	(void)argument;
	error = mounts_start();
	if (error != 0)
		fail("the root file system cannot be mounted", -error);
	vdso_start();
	futex_start();
	thread = make_init();
	call = &thread->call;
	call->state = CALL_RUNNING;
	call->number = 59; /* execve */
	current_call = call;
	result = console_command_mode ? start_program(call, "/bin/sh", shell) : start_program(call, "/sbin/init", init);
	if (result != CALL_REPLACED && !console_command_mode) {
		static const char *const single[] = {"-sh", NULL};

		fprintf(stderr, "unix: /sbin/init: %s; starting /bin/sh\n", strerror((int)-result));
		result = start_program(call, "/bin/sh", single);
	}
	if (result != CALL_REPLACED) {
		fprintf(stderr, "unix: /bin/sh: %s\n", strerror((int)-result));
		console_init_ended(127);
		system_end(false);
	}
	current_call = NULL;
}

/* Arguments: pager=SERVICE of those that root may mount (fs/mounts.h). */
int main(int argc, char **argv)
{
	if (device_master() == MACH_PORT_NULL || host_privileged() == MACH_PORT_NULL)
		fail("bootstrap gave no right to the host and its devices", EPERM);
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &server_port_set) != KERN_SUCCESS)
		fail("port set", ENOMEM);
	deaths_start();
	user_start(memory_size());
	server_lock();
	console_start();
	trace_enabled = console_trace;
	load_start();
	threads_start();
	memory_policy_start();
	server_unlock();
	mounts_find_services(argc, argv);
	swap_start();
	dispatch_run(start_init);
}
