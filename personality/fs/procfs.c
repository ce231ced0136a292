/* The tree of /proc: nodes, look-up and reading; what the files say is in proctext.c. */
#include <dirent.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/user.h"
#include "file/file.h"
#include "fs/mounts.h"
#include "fs/procfs.h"
#include "ipc/mqueue.h"
#include "ipc/sysv.h"
#include "process/proc.h"
#include "vfs/vfs.h"

/*
 * A node is an entry of one of the tables below, with the process (and descriptor) it is about. Vnodes are made by
 * every look-up; their inode number is made from table, place and process, so that it is the same each time.
 */

struct proc_data {
	const struct proc_entry *entry;
	int id; /* process */
	int fd; /* descriptor or thread */
};

static const struct proc_entry net_entries[] = {
	{"dev", S_IFREG | 0444, proc_text_net_devices, NULL},
	{"if_inet6", S_IFREG | 0444, proc_text_net_if_inet6, NULL},
	{"pnp", S_IFREG | 0444, proc_text_net_pnp, NULL},
	{"raw", S_IFREG | 0444, proc_text_net_raw, NULL},
	{"raw6", S_IFREG | 0444, proc_text_net_raw6, NULL},
	{"route", S_IFREG | 0444, proc_text_net_routes, NULL},
	{"tcp", S_IFREG | 0444, proc_text_net_tcp, NULL},
	{"tcp6", S_IFREG | 0444, proc_text_net_tcp6, NULL},
	{"udp", S_IFREG | 0444, proc_text_net_udp, NULL},
	{"udp6", S_IFREG | 0444, proc_text_net_udp6, NULL},
	{"unix", S_IFREG | 0444, proc_text_net_unix, NULL},
	{NULL, 0, NULL, NULL},
};

/* All processes are in the same: the numbers are those of Linux's first ones. */
static const struct proc_entry namespace_entries[] = {
	{"cgroup", S_IFLNK | 0777, NULL, NULL},
	{"ipc", S_IFLNK | 0777, NULL, NULL},
	{"mnt", S_IFLNK | 0777, NULL, NULL},
	{"net", S_IFLNK | 0777, NULL, NULL},
	{"pid", S_IFLNK | 0777, NULL, NULL},
	{"pid_for_children", S_IFLNK | 0777, NULL, NULL},
	{"time", S_IFLNK | 0777, NULL, NULL},
	{"time_for_children", S_IFLNK | 0777, NULL, NULL},
	{"user", S_IFLNK | 0777, NULL, NULL},
	{"uts", S_IFLNK | 0777, NULL, NULL},
	{NULL, 0, NULL, NULL},
};

static const uint64_t namespace_numbers[] = {
	4026531835, 4026531839, 4026531840, 4026531992, 4026531836, 4026531836, 4026531834, 4026531834, 4026531837, 4026531838};

/* What a link to a namespace leads to: a file that can be held, and not read. */
static const struct proc_entry namespace_entry = {"namespace", S_IFREG | 0444, NULL, NULL};

/* "task" is the first: a thread's directory has all but that one. */
static const struct proc_entry process_entries[] = {
	{"task", S_IFDIR | 0555, NULL, NULL},
	{"stat", S_IFREG | 0444, proc_text_stat, NULL},
	{"status", S_IFREG | 0444, proc_text_status, NULL},
	{"statm", S_IFREG | 0444, proc_text_statm, NULL},
	{"cmdline", S_IFREG | 0444, proc_text_command_line, NULL},
	{"environ", S_IFREG | 0400, proc_text_environment, NULL},
	{"comm", S_IFREG | 0644, proc_text_name, NULL},
	{"maps", S_IFREG | 0444, proc_text_maps, NULL},
	{"smaps", S_IFREG | 0444, proc_text_smaps, NULL},
	{"smaps_rollup", S_IFREG | 0444, proc_text_smaps_rollup, NULL},
	{"pagemap", S_IFREG | 0400, NULL, NULL},
	{"ns", S_IFDIR | 0511, NULL, namespace_entries},
	{"mounts", S_IFREG | 0444, proc_text_mounts, NULL},
	{"mountinfo", S_IFREG | 0444, proc_text_mountinfo, NULL},
	{"limits", S_IFREG | 0444, proc_text_limits, NULL},
	{"auxv", S_IFREG | 0400, proc_text_auxiliary_vector, NULL},
	{"cgroup", S_IFREG | 0444, proc_text_control_groups, NULL},
	{"oom_score_adj", S_IFREG | 0644, proc_text_score_change, NULL},
	{"wchan", S_IFREG | 0444, proc_text_where_it_waits, NULL},
	{"loginuid", S_IFREG | 0644, proc_text_login, NULL},
	{"sessionid", S_IFREG | 0444, proc_text_login_session, NULL},
	{"personality", S_IFREG | 0400, proc_text_persona, NULL},
	{"uid_map", S_IFREG | 0644, proc_text_id_map, NULL},
	{"gid_map", S_IFREG | 0644, proc_text_id_map, NULL},
	{"setgroups", S_IFREG | 0644, proc_text_set_groups, NULL},
	{"net", S_IFDIR | 0555, NULL, net_entries},
	{"fdinfo", S_IFDIR | 0555, NULL, NULL},
	{"exe", S_IFLNK | 0777, NULL, NULL},
	{"cwd", S_IFLNK | 0777, NULL, NULL},
	{"root", S_IFLNK | 0777, NULL, NULL},
	{"fd", S_IFDIR | 0500, NULL, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry random_entries[] = {
	{"boot_id", S_IFREG | 0444, proc_text_boot_id, NULL},
	{"uuid", S_IFREG | 0444, proc_text_uuid, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry sysv_entries[] = {
	{"shm", S_IFREG | 0444, proc_text_segments, NULL},
	{"sem", S_IFREG | 0444, proc_text_sets, NULL},
	{"msg", S_IFREG | 0444, proc_text_queues, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry pty_entries[] = {
	{"max", S_IFREG | 0444, proc_text_pty_max, NULL},
	{"reserve", S_IFREG | 0444, proc_text_pty_reserve, NULL},
	{"nr", S_IFREG | 0444, proc_text_pty_count, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry kernel_entries[] = {
	{"shmmax", S_IFREG | 0644, proc_text_segment_size, NULL},
	{"shmall", S_IFREG | 0644, proc_text_segment_pages, NULL},
	{"shmmni", S_IFREG | 0644, proc_text_segments_most, NULL},
	{"msgmax", S_IFREG | 0644, proc_text_message_size, NULL},
	{"msgmnb", S_IFREG | 0644, proc_text_queue_size, NULL},
	{"msgmni", S_IFREG | 0644, proc_text_queues_most, NULL},
	{"sem", S_IFREG | 0644, proc_text_semaphores, NULL},
	{"hostname", S_IFREG | 0444, proc_text_host_name, NULL},
	{"ostype", S_IFREG | 0444, proc_text_os_type, NULL},
	{"osrelease", S_IFREG | 0444, proc_text_os_release, NULL},
	{"version", S_IFREG | 0444, proc_text_os_version, NULL},
	{"pid_max", S_IFREG | 0444, proc_text_pid_max, NULL},
	{"ngroups_max", S_IFREG | 0444, proc_text_groups_max, NULL},
	{"threads-max", S_IFREG | 0444, proc_text_threads_max, NULL},
	{"core_pattern", S_IFREG | 0444, proc_text_core_pattern, NULL},
	{"cap_last_cap", S_IFREG | 0444, proc_text_last_capability, NULL},
	{"random", S_IFDIR | 0555, NULL, random_entries},
	{"pty", S_IFDIR | 0555, NULL, pty_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry epoll_entries[] = {
	{"max_user_watches", S_IFREG | 0644, proc_text_watches, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry queue_entries[] = {
	{"msg_max", S_IFREG | 0644, proc_text_mq_messages, NULL},
	{"msgsize_max", S_IFREG | 0644, proc_text_mq_message_size, NULL},
	{"queues_max", S_IFREG | 0644, proc_text_mq_queues, NULL},
	{"msg_default", S_IFREG | 0644, proc_text_mq_messages_usual, NULL},
	{"msgsize_default", S_IFREG | 0644, proc_text_mq_message_size_usual, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry fs_entries[] = {
	{"mqueue", S_IFDIR | 0555, NULL, queue_entries},
	{"pipe-user-pages-soft", S_IFREG | 0644, proc_text_pipe_pages_soft, NULL},
	{"pipe-user-pages-hard", S_IFREG | 0644, proc_text_pipe_pages_hard, NULL},
	{"pipe-max-size", S_IFREG | 0444, proc_text_pipe_size_max, NULL},
	{"file-max", S_IFREG | 0444, proc_text_files_max, NULL},
	{"nr_open", S_IFREG | 0444, proc_text_descriptors_max, NULL},
	{"epoll", S_IFDIR | 0555, NULL, epoll_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry vm_entries[] = {
	{"max_map_count", S_IFREG | 0644, proc_text_mappings, NULL},
	{"overcommit_memory", S_IFREG | 0444, proc_text_overcommit, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry core_entries[] = {
	{"somaxconn", S_IFREG | 0444, proc_text_backlog_max, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry sys_net_entries[] = {
	{"core", S_IFDIR | 0555, NULL, core_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry dev_tty_entries[] = {
	{"legacy_tiocsti", S_IFREG | 0444, proc_text_zero, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry dev_entries[] = {
	{"tty", S_IFDIR | 0555, NULL, dev_tty_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry tty_entries[] = {
	{"drivers", S_IFREG | 0444, proc_text_tty_drivers, NULL},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry sys_entries[] = {
	{"dev", S_IFDIR | 0555, NULL, dev_entries},
	{"net", S_IFDIR | 0555, NULL, sys_net_entries},
	{"fs", S_IFDIR | 0555, NULL, fs_entries},
	{"vm", S_IFDIR | 0555, NULL, vm_entries},
	{"kernel", S_IFDIR | 0555, NULL, kernel_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry root_entries[] = {
	{"self", S_IFLNK | 0777, NULL, NULL},
	{"thread-self", S_IFLNK | 0777, NULL, NULL},
	{"mounts", S_IFLNK | 0777, NULL, NULL},
	{"net", S_IFLNK | 0777, NULL, NULL},
	{"vmstat", S_IFREG | 0444, proc_text_vmstat, NULL},
	{"partitions", S_IFREG | 0444, proc_text_partitions, NULL},
	{"diskstats", S_IFREG | 0444, proc_text_disks, NULL},
	{"devices", S_IFREG | 0444, proc_text_devices, NULL},
	{"meminfo", S_IFREG | 0444, proc_text_meminfo, NULL},
	{"stat", S_IFREG | 0444, proc_text_system_stat, NULL},
	{"uptime", S_IFREG | 0444, proc_text_uptime, NULL},
	{"loadavg", S_IFREG | 0444, proc_text_loadavg, NULL},
	{"version", S_IFREG | 0444, proc_text_version, NULL},
	{"cpuinfo", S_IFREG | 0444, proc_text_cpuinfo, NULL},
	{"filesystems", S_IFREG | 0444, proc_text_filesystems, NULL},
	{"swaps", S_IFREG | 0444, proc_text_swaps, NULL},
	{"cmdline", S_IFREG | 0444, proc_text_boot_words, NULL},
	{"counters", S_IFREG | 0444, proc_text_counters, NULL},
	{"tty", S_IFDIR | 0555, NULL, tty_entries},
	{"sys", S_IFDIR | 0555, NULL, sys_entries},
	{"sysvipc", S_IFDIR | 0555, NULL, sysv_entries},
	{NULL, 0, NULL, NULL},
};

static const struct proc_entry root_entry = {"", S_IFDIR | 0555, NULL, root_entries};
static const struct proc_entry process_entry = {"", S_IFDIR | 0555, NULL, process_entries};
static const struct proc_entry fd_entry = {"", S_IFLNK | 0700, NULL, NULL};
static const struct proc_entry fdinfo_entry = {"", S_IFREG | 0444, NULL, NULL};
static const struct proc_entry thread_entry = {"", S_IFDIR | 0555, NULL, process_entries + 1};

static const struct vnode_ops proc_ops, proc_magic_ops;
static void proc_release(struct vnode *vnode);

static bool is_entry(const struct proc_data *data, const char *name)
{
	return strcmp(data->entry->name, name) == 0;
}

static uint64_t inode_of(const struct proc_entry *entry, int id, int fd)
{
	return ((uint64_t)(uintptr_t)entry / sizeof(void *) % 4096) | (uint64_t)(unsigned)id << 12 |
	       (uint64_t)(unsigned)(fd + 1) << 32;
}

static int make(struct mount *mount, const struct proc_entry *entry, int id, int fd, struct vnode **out)
{
	struct vnode *vnode = malloc(sizeof *vnode);
	struct proc_data *data = malloc(sizeof *data);

	if (vnode == NULL || data == NULL) {
		free(vnode);
		free(data);
		return -ENOMEM;
	}
	data->entry = entry;
	data->id = id;
	data->fd = fd;
	/* Links of processes lead to what they stand for, whatever their text says. */
	vnode_init(vnode, S_ISLNK(entry->mode) && id != 0 ? &proc_magic_ops : &proc_ops, mount, entry->mode,
		inode_of(entry, id, fd));
	vnode->data = data;
	*out = vnode;
	return 0;
}

/* A decimal number without sign or leading zeros, or -1. */
static int number(const char *name)
{
	char *end;
	unsigned long value = strtoul(name, &end, 10);

	return *end != 0 || name[0] < '0' || name[0] > '9' || (name[0] == '0' && name[1] != 0) || value > INT32_MAX
		       ? -1
		       : (int)value;
}

static bool is_pagemap(const struct proc_entry *entry)
{
	return strcmp(entry->name, "pagemap") == 0;
}

static bool is_namespace(const struct proc_entry *entry)
{
	return entry >= namespace_entries && entry < namespace_entries + sizeof namespace_entries / sizeof namespace_entries[0];
}

/* Whether the entry lets its reader see into a process: links, and what its memory says. */
static bool is_guarded(const struct proc_entry *entry)
{
	return S_ISLNK(entry->mode) || entry->fill == proc_text_environment || entry->fill == proc_text_maps ||
	       entry->fill == proc_text_smaps || entry->fill == proc_text_smaps_rollup || is_pagemap(entry) ||
	       entry->fill == proc_text_auxiliary_vector || entry->fill == proc_text_persona || entry == &fdinfo_entry;
}

static bool may_look(const struct proc_data *data, const struct process *process)
{
	const struct call *call = proc_caller();

	return !is_guarded(data->entry) || call == NULL || process_may_inspect(call->process, process);
}

/* A process finds its own descriptors even when the files that say so are root's. */
static bool proc_always_allows(const struct call *call, const struct vnode *vnode)
{
	const struct proc_data *data = vnode->data;

	return data->id == call->process->id && is_entry(data, "fd");
}

static struct file *file_of(const struct process *process, int fd)
{
	const struct file_table *files = process->files;

	return files == NULL || fd < 0 || (unsigned)fd >= files->size ? NULL : files->slot[fd].file;
}

static int proc_look_up(struct vnode *directory, const char *name, struct vnode **out)
{
	const struct proc_data *data = directory->data;
	const struct proc_entry *entry;
	struct process *process;
	int value = number(name);

	if (data->entry->children != NULL) {
		for (entry = data->entry->children; entry->name != NULL; entry++) {
			if (strcmp(entry->name, name) == 0)
				return make(directory->mount, entry, data->id, data->fd, out);
		}
	}
	if (value < 0)
		return -ENOENT;
	if (data->entry == &root_entry) {
		if (process_find(value) == NULL && (thread_find(value) == NULL || thread_find(value)->process == NULL))
			return -ENOENT;
		if (process_find(value) == NULL)
			value = thread_find(value)->process->id;
		return make(directory->mount, &process_entry, value, -1, out);
	}
	process = process_find(data->id);
	if (process == NULL)
		return -ENOENT;
	if (is_entry(data, "fd") || is_entry(data, "fdinfo"))
		return file_of(process, value) == NULL
			       ? -ENOENT
			       : make(directory->mount, is_entry(data, "fd") ? &fd_entry : &fdinfo_entry, data->id,
					 value, out);
	if (is_entry(data, "task")) {
		struct thread *thread = thread_find(value);

		if (thread == NULL || thread->process != process)
			return -ENOENT;
		return make(directory->mount, &thread_entry, data->id, value, out);
	}
	return -ENOENT;
}

/* The link of a descriptor says what it was opened for. */
static unsigned link_permissions(const struct file *file)
{
	unsigned mode = file == NULL ? O_PATH : file->flags & (O_PATH | O_ACCMODE);

	return mode & O_PATH ? 0 : mode == O_RDONLY ? 0500 : mode == O_WRONLY ? 0300 : 0700;
}

static int proc_attributes(struct vnode *vnode, file_attributes_t *out)
{
	const struct proc_data *data = vnode->data;
	struct process *process = data->id != 0 ? process_find(data->id) : NULL;

	if (data->id != 0 && process == NULL)
		return -ENOENT;
	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode;
	out->links = S_ISDIR(vnode->mode) ? 2 : 1;
	out->block_size = 1024;
	/* What is in a process that others must not see into is root's; all but its own folder. */
	if (process != NULL && (process->dumpable || vnode->mode == process_entry.mode)) {
		out->uid = process->credentials.euid;
		out->gid = process->credentials.egid;
	}
	if (data->entry == &fd_entry)
		out->mode = S_IFLNK | link_permissions(file_of(process, data->fd));
	out->access_time = out->modify_time = out->change_time = (int64_t)clock_realtime();
	return 0;
}

/* --- Links. */

/* What a link of a process leads to: borrowed vnode, or null and a text. */
static int link_target(const struct proc_data *data, struct vnode **vnode, char *text, size_t size)
{
	struct process *process;
	const struct call *call = proc_caller();
	struct file *file;

	*vnode = NULL;
	text[0] = 0;
	if (data->id == 0) {
		if (is_entry(data, "mounts"))
			snprintf(text, size, "self/mounts");
		else if (is_entry(data, "net"))
			snprintf(text, size, "self/net");
		else if (call == NULL)
			return -ENOENT;
		else if (is_entry(data, "self"))
			snprintf(text, size, "%d", call->process->id);
		else
			snprintf(text, size, "%d/task/%d", call->process->id, call->thread->id);
		return 0;
	}
	process = process_find(data->id);
	if (process == NULL)
		return -ENOENT;
	if (!may_look(data, process))
		return -EACCES;
	if (data->entry == &fd_entry) {
		file = file_of(process, data->fd);
		if (file == NULL)
			return -ENOENT;
		*vnode = file->vnode;
		if (file->kind != NULL && strcmp(file->kind, "console") == 0)
			snprintf(text, size, "/dev/console");
		else if (file->kind != NULL)
			snprintf(text, size, "%s:[%llu]", file->kind, (unsigned long long)file->inode);
		return 0;
	}
	if (is_namespace(data->entry)) {
		const char *end = strchr(data->entry->name, '_');

		snprintf(text, size, "%.*s:[%llu]", (int)(end != NULL ? end - data->entry->name : (ptrdiff_t)strlen(data->entry->name)),
			data->entry->name, (unsigned long long)namespace_numbers[data->entry - namespace_entries]);
		return 0;
	}
	if (is_entry(data, "exe"))
		*vnode = process->executable;
	else if (process->fs != NULL)
		*vnode = is_entry(data, "cwd") ? process->fs->cwd : process->fs->root;
	return *vnode == NULL ? -ENOENT : 0;
}

/* What has no name any more is shown by its last one. */
static void mark_deleted(struct vnode *vnode, char *text, size_t size)
{
	static const char mark[] = " (deleted)";
	file_attributes_t attributes;

	if (vnode->ops->get_attributes(vnode, &attributes) == 0 && attributes.links == 0 &&
		strlen(text) + sizeof mark <= size)
		strcat(text, mark);
}

static int proc_read_link(struct vnode *vnode, char *target, size_t size)
{
	char text[PATH_LENGTH];
	struct vnode *to;
	size_t length;
	int error = link_target(vnode->data, &to, text, sizeof text);

	if (error != 0)
		return error;
	if (text[0] == 0) {
		vnode_reference(to);
		error = path_of(proc_caller(), to, text, sizeof text);
		if (error >= 0)
			mark_deleted(to, text, sizeof text);
		vnode_release(to);
		if (error < 0)
			return error;
	}
	length = strlen(text);
	if (length > size)
		length = size;
	memcpy(target, text, length);
	return (int)length;
}

/*
 * What a descriptor's link leads to when that has no name, as a socket: one can ask what it is, and not open it a second time; but the channel to
 * the host, which has no state of its own, as a pipe (echo >/dev/stderr).
 */
static const struct proc_entry anonymous_entry = {"anonymous", 0600, NULL, NULL};

static int anonymous_attributes(struct vnode *vnode, file_attributes_t *out)
{
	memset(out, 0, sizeof *out);
	out->inode = vnode->inode;
	out->mode = vnode->mode;
	out->links = 1;
	out->block_size = VM_PAGE_SIZE;
	return 0;
}

static int anonymous_open(struct call *call, struct vnode *vnode, struct file *file)
{
	const struct proc_data *data = vnode->data;
	const struct process *process = process_find(data->id);
	const struct file *from = process != NULL ? file_of(process, data->fd) : NULL;

	(void)call;
	if (from == NULL || from->inode != vnode->inode || from->kind == NULL || strcmp(from->kind, "channel") != 0)
		return -ENXIO;
	if ((file->flags & O_ACCMODE) != (from->flags & O_ACCMODE))
		return -EACCES;
	file->ops = from->ops;
	file->data = from->data;
	file->kind = from->kind;
	file->inode = from->inode;
	return 0;
}

static const struct vnode_ops anonymous_ops = {
	.get_attributes = anonymous_attributes, .open = anonymous_open, .release = proc_release};

static int make_anonymous(struct mount *mount, const struct proc_data *data, struct vnode **out)
{
	const struct process *process = process_find(data->id);
	const struct file *file = process != NULL ? file_of(process, data->fd) : NULL;
	struct stat facts;
	int error = file != NULL ? make(mount, &anonymous_entry, data->id, data->fd, out) : -ENOENT;

	if (error != 0)
		return error;
	file_stat_anonymous(file, &facts);
	(*out)->ops = &anonymous_ops;
	(*out)->mode = facts.st_mode;
	(*out)->inode = facts.st_ino;
	return 0;
}

static int proc_follow_link(struct vnode *vnode, struct vnode **out)
{
	const struct proc_data *data = vnode->data;
	char text[64];
	struct vnode *to;
	int error = link_target(data, &to, text, sizeof text);

	if (error != 0)
		return error;
	if (is_namespace(data->entry))
		return make(vnode->mount, &namespace_entry, data->id, -1, out);
	if (to == NULL)
		return make_anonymous(vnode->mount, data, out);
	*out = vnode_reference(to);
	return 0;
}

/* --- Directories. */

/* Cookies: 0 ".", 1 "..", then the table's entries, then numbers from NUMBERS on (in ascending order). */
#define NUMBERS 1000u
#define NEAR    64

static int next_number(const struct proc_data *data, int from)
{
	int best = -1;

	if (data->entry == &root_entry) {
		/* The next is near where there are many, so that not all are looked at for each. */
		for (int id = from; id < from + NEAR; id++) {
			if (process_find(id) != NULL)
				return id;
		}
		list_for_each (link, &processes) {
			int id = list_entry(link, struct process, link)->id;

			if (id >= from && (best < 0 || id < best))
				best = id;
		}
		return best;
	}
	struct process *process = data->id == 0 ? NULL : process_find(data->id);

	if (process == NULL)
		return -1;
	if (is_entry(data, "fd") || is_entry(data, "fdinfo")) {
		for (; process->files != NULL && (unsigned)from < process->files->size; from++) {
			if (process->files->slot[from].file != NULL)
				return from;
		}
	} else if (is_entry(data, "task")) {
		for (int id = from; id < from + NEAR; id++) {
			struct thread *thread = thread_find(id);

			if (thread != NULL && thread->process == process)
				return id;
		}
		list_for_each (link, &process->threads) {
			int id = list_entry(link, struct thread, link)->id;

			if (id >= from && (best < 0 || id < best))
				best = id;
		}
	}
	return best;
}

static int proc_read_directory(struct vnode *directory, uint64_t cookie, directory_emit emit, void *context)
{
	const struct proc_data *data = directory->data;
	const struct proc_entry *children = data->entry->children;
	unsigned count = 0, i;
	int value;

	while (children != NULL && children[count].name != NULL)
		count++;
	for (i = (unsigned)(cookie < NUMBERS ? cookie : NUMBERS); i < count + 2; i++) {
		const char *name = i == 0 ? "." : i == 1 ? ".." : children[i - 2].name;
		uint64_t inode = i < 2 ? directory->inode : inode_of(&children[i - 2], data->id, data->fd);
		unsigned mode = i < 2 ? S_IFDIR : children[i - 2].mode;

		if (!emit(context, name, inode, (unsigned char)IFTODT(mode), i + 1))
			return 0;
	}
	value = cookie > NUMBERS ? (int)(cookie - NUMBERS) : 0;
	while ((value = next_number(data, value)) >= 0) {
		const struct proc_entry *entry = data->entry == &root_entry ? &process_entry
						 : is_entry(data, "fd")     ? &fd_entry
						 : is_entry(data, "fdinfo") ? &fdinfo_entry
									    : &thread_entry;
		char name[16];

		snprintf(name, sizeof name, "%d", value);
		if (!emit(context, name,
			    entry == &process_entry ? inode_of(entry, value, -1) : inode_of(entry, data->id, value),
			    (unsigned char)IFTODT(entry->mode), NUMBERS + (unsigned)value + 1))
			return 0;
		value++;
	}
	return 0;
}

/* --- Files: the text is made when the file is opened. */

int64_t proc_read_text(struct file *file, struct io *io, uint64_t *offset)
{
	const struct text *text = file->data;
	uint64_t part;
	int error;

	if (*offset >= text->size)
		return (int64_t)io->done;
	part = text->size - *offset;
	if (part > io->total - io->done)
		part = io->total - io->done;
	error = io_copy_out(io, text->data + *offset, part);
	return error != 0 ? call_result(error) : (int64_t)io->done;
}

int64_t proc_seek_text(struct file *file, int64_t offset, int whence)
{
	const struct text *text = file->data;

	if (whence == SEEK_CUR)
		offset += (int64_t)file->position;
	else if (whence == SEEK_END)
		offset += (int64_t)text->size;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->position = (uint64_t)offset;
	return offset;
}

void proc_release_text(struct file *file)
{
	struct text *text = file->data;

	user_give_bytes(user_of_memory(text), text->room);
	text_free(text);
	user_free(text);
}

static const struct file_ops text_ops = {
	.read = proc_read_text, .seek = proc_seek_text, .relays = RELAY_FROM, .release = proc_release_text};

/* --- Settings: a decimal number in one write, or four. */

static int64_t setting_write(struct file *file, struct io *io, uint64_t *offset)
{
	char digits[96] = {0}, *end = digits;
	uint64_t value[4] = {0};
	unsigned values = (unsigned)file->position, i;
	int error;

	(void)offset;
	if (io->total == 0 || io->total >= sizeof digits)
		return -EINVAL;
	error = io_copy_in(io, digits, io->total);
	if (error != 0)
		return call_result(error);
	for (i = 0; i < values; i++) {
		const char *begin = end;

		value[i] = strtoull(begin, &end, 10);
		if (end == begin)
			return -EINVAL;
	}
	if (*end != 0 && *end != '\n')
		return -EINVAL;
	memcpy(file->data, value, values * sizeof value[0]);
	return (int64_t)io->done;
}

static const struct file_ops setting_ops = {.write = setting_write, .relays = RELAY_TO};

/* What one number in a setting's file changes, and (*values) those that follow it. */
static uint64_t *setting_of(const struct proc_entry *entry, unsigned *values)
{
	*values = entry->fill == proc_text_semaphores ? 4 : 1;
	return entry->fill == proc_text_pipe_pages_soft   ? &user_settings.pipe_pages_soft
	       : entry->fill == proc_text_pipe_pages_hard ? &user_settings.pipe_pages_hard
	       : entry->fill == proc_text_watches         ? &user_settings.watches
	       : entry->fill == proc_text_mappings        ? &user_settings.mappings
	       : entry->fill == proc_text_segment_size    ? &sysv_settings.segment_size
	       : entry->fill == proc_text_segment_pages   ? &sysv_settings.segment_pages
	       : entry->fill == proc_text_segments_most   ? &sysv_settings.segments
	       : entry->fill == proc_text_message_size    ? &sysv_settings.message_size
	       : entry->fill == proc_text_queue_size      ? &sysv_settings.queue_size
	       : entry->fill == proc_text_queues_most     ? &sysv_settings.queues
	       : entry->fill == proc_text_mq_messages ? &mq_limits.messages
	       : entry->fill == proc_text_mq_message_size ? &mq_limits.message_size
	       : entry->fill == proc_text_mq_queues ? &mq_limits.queues
	       : entry->fill == proc_text_mq_messages_usual ? &mq_limits.messages_usual
	       : entry->fill == proc_text_mq_message_size_usual ? &mq_limits.message_size_usual
	       : entry->fill == proc_text_semaphores      ? &sysv_settings.set_size
							  : NULL;
}

static int setting_open(const struct proc_entry *entry, struct file *file)
{
	unsigned values;

	if (setting_of(entry, &values) == NULL || (file->flags & O_ACCMODE) != O_WRONLY)
		return -EACCES;
	file->ops = &setting_ops;
	file->data = setting_of(entry, &values);
	file->position = values; /* it has no position of its own */
	return 0;
}

static struct thread *filling; /* by the server's lock, which is kept while a file is filled */

struct thread *proc_thread(void)
{
	return filling;
}

/* The id of the thread that an entry is about: of a folder in "task"; else 0. */
static int thread_of(const struct proc_data *data)
{
	bool in_folder = data->entry >= process_entries && data->entry < process_entries + sizeof process_entries / sizeof process_entries[0];

	return in_folder && data->fd > 0 ? data->fd : 0;
}

static int proc_open(struct call *call, struct vnode *vnode, struct file *file)
{
	const struct proc_data *data = vnode->data;
	struct process *process = NULL;
	struct text *text;

	if (data->entry->fill == NULL && data->entry != &fdinfo_entry && !is_pagemap(data->entry))
		return 0;
	if ((file->flags & O_ACCMODE) != O_RDONLY && !proc_is_writable(data->entry->fill))
		return setting_open(data->entry, file);
	if (data->id != 0) {
		process = process_find(data->id);
		if (process == NULL)
			return -ENOENT;
		if (!may_look(data, process))
			return -EACCES;
		if (data->entry == &fdinfo_entry && file_of(process, data->fd) == NULL)
			return -ENOENT;
	}
	if (is_pagemap(data->entry)) {
		proc_open_pagemap(file, process);
		return 0;
	}
	if ((file->flags & O_ACCMODE) != O_RDONLY)
		return proc_open_writable(file, data->entry->fill, process, call);
	text = user_alloc(user_now(), sizeof *text);
	if (text == NULL)
		return -ENOMEM;
	if (data->entry == &fdinfo_entry)
		proc_text_descriptor(text, &process->files->slot[data->fd]);
	else {
		filling = thread_of(data) != 0 ? thread_find(thread_of(data)) : NULL;
		data->entry->fill(text, process, call);
		filling = NULL;
	}
	if (text->failed || !user_take_bytes(user_now(), text->room)) {
		text_free(text);
		user_free(text);
		return -ENOMEM;
	}
	file->ops = &text_ops;
	file->data = text;
	file->seekable = true;
	return 0;
}

static void proc_release(struct vnode *vnode)
{
	free(vnode->data);
	free(vnode);
}

/* A shell's > makes a file empty before it writes: these have no size. Who says when one was touched has done no harm. */
static int proc_set_attributes(struct vnode *vnode, unsigned which, const file_attributes_t *values)
{
	(void)vnode;
	(void)values;
	return which & FILE_SET_MODE ? -EPERM : 0;
}

static const struct vnode_ops proc_ops = {
	.look_up = proc_look_up,
	.get_attributes = proc_attributes,
	.set_attributes = proc_set_attributes,
	.read_link = proc_read_link,
	.read_directory = proc_read_directory,
	.open = proc_open,
	.always_allows = proc_always_allows,
	.release = proc_release,
};

static const struct vnode_ops proc_magic_ops = {
	.get_attributes = proc_attributes,
	.read_link = proc_read_link,
	.follow_link = proc_follow_link,
	.release = proc_release,
};

struct vnode *procfs_root(struct mount *mount)
{
	struct vnode *vnode;

	return make(mount, &root_entry, 0, -1, &vnode) == 0 ? vnode : NULL;
}
