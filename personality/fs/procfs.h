/* Entries of /proc and the functions that fill them. */
#ifndef PERSONALITY_PROCFS_H
#define PERSONALITY_PROCFS_H

#include "fs/procformat.h"

struct process;
struct call;

/* process: null for files about the system. call: who opens the file. */
typedef void (*proc_fill)(struct text *text, struct process *process, struct call *call);

struct proc_entry {
	const char *name;
	unsigned mode;
	proc_fill fill;                    /* of a file */
	const struct proc_entry *children; /* of a directory, ended by a null name */
};

/* The call that the calling thread of the server runs: whose "self" it is. Null outside of calls. */
struct call *proc_caller(void);
/* While a file of a thread's folder is filled: the thread. Else null: it is about the process. */
struct thread *proc_thread(void);

void proc_text_stat(struct text *text, struct process *process, struct call *call);
void proc_text_status(struct text *text, struct process *process, struct call *call);
void proc_text_statm(struct text *text, struct process *process, struct call *call);
void proc_text_command_line(struct text *text, struct process *process, struct call *call);
void proc_text_environment(struct text *text, struct process *process, struct call *call);
void proc_text_name(struct text *text, struct process *process, struct call *call);
void proc_text_maps(struct text *text, struct process *process, struct call *call);
/* The line of one area. */
struct vm_area;
void proc_text_area(struct text *text, const struct vm_area *area, struct call *call);
void proc_text_mounts(struct text *text, struct process *process, struct call *call);
void proc_text_mountinfo(struct text *text, struct process *process, struct call *call);
void proc_text_limits(struct text *text, struct process *process, struct call *call);
void proc_text_boot_id(struct text *text, struct process *process, struct call *call);
void proc_text_uuid(struct text *text, struct process *process, struct call *call);
void proc_text_host_name(struct text *text, struct process *process, struct call *call);
void proc_text_os_type(struct text *text, struct process *process, struct call *call);
void proc_text_os_release(struct text *text, struct process *process, struct call *call);
void proc_text_os_version(struct text *text, struct process *process, struct call *call);
void proc_text_pid_max(struct text *text, struct process *process, struct call *call);
void proc_text_groups_max(struct text *text, struct process *process, struct call *call);
void proc_text_pipe_pages_soft(struct text *text, struct process *process, struct call *call);
void proc_text_pipe_pages_hard(struct text *text, struct process *process, struct call *call);
void proc_text_watches(struct text *text, struct process *process, struct call *call);
void proc_text_mappings(struct text *text, struct process *process, struct call *call);
void proc_text_meminfo(struct text *text, struct process *process, struct call *call);
void proc_text_system_stat(struct text *text, struct process *process, struct call *call);
void proc_text_uptime(struct text *text, struct process *process, struct call *call);
void proc_text_loadavg(struct text *text, struct process *process, struct call *call);
void proc_text_version(struct text *text, struct process *process, struct call *call);
void proc_text_cpuinfo(struct text *text, struct process *process, struct call *call);
void proc_text_filesystems(struct text *text, struct process *process, struct call *call);
void proc_text_boot_words(struct text *text, struct process *process, struct call *call);
void proc_text_swaps(struct text *text, struct process *process, struct call *call);
/* procmemory.c */
void proc_text_smaps(struct text *text, struct process *process, struct call *call);
void proc_text_smaps_rollup(struct text *text, struct process *process, struct call *call);
struct file;
void proc_open_pagemap(struct file *file, const struct process *process);
/* procipc.c */
void proc_text_segments(struct text *text, struct process *process, struct call *call);
void proc_text_sets(struct text *text, struct process *process, struct call *call);
void proc_text_queues(struct text *text, struct process *process, struct call *call);
void proc_text_segment_size(struct text *text, struct process *process, struct call *call);
void proc_text_segment_pages(struct text *text, struct process *process, struct call *call);
void proc_text_segments_most(struct text *text, struct process *process, struct call *call);
void proc_text_message_size(struct text *text, struct process *process, struct call *call);
void proc_text_queue_size(struct text *text, struct process *process, struct call *call);
void proc_text_queues_most(struct text *text, struct process *process, struct call *call);
void proc_text_semaphores(struct text *text, struct process *process, struct call *call);
void proc_text_mq_messages(struct text *text, struct process *process, struct call *call);
void proc_text_mq_message_size(struct text *text, struct process *process, struct call *call);
void proc_text_mq_queues(struct text *text, struct process *process, struct call *call);
void proc_text_mq_messages_usual(struct text *text, struct process *process, struct call *call);
void proc_text_mq_message_size_usual(struct text *text, struct process *process, struct call *call);
/* procwrite.c */
void proc_text_login(struct text *text, struct process *process, struct call *call);
void proc_text_login_session(struct text *text, struct process *process, struct call *call);
void proc_text_score_change(struct text *text, struct process *process, struct call *call);
bool proc_is_writable(proc_fill fill);
/* Opens such a file of a process, for writing or both. 0 or -ENOMEM. */
int proc_open_writable(struct file *file, proc_fill fill, struct process *process, struct call *call);
/* Of files whose data begins with the text that they read as (procfs.c). */
struct io;
int64_t proc_read_text(struct file *file, struct io *io, uint64_t *offset);
int64_t proc_seek_text(struct file *file, int64_t offset, int whence);
void proc_release_text(struct file *file);
/* procsystem.c */
void proc_text_control_groups(struct text *text, struct process *process, struct call *call);
void proc_text_persona(struct text *text, struct process *process, struct call *call);
void proc_text_id_map(struct text *text, struct process *process, struct call *call);
void proc_text_set_groups(struct text *text, struct process *process, struct call *call);
void proc_text_zero(struct text *text, struct process *process, struct call *call);
void proc_text_where_it_waits(struct text *text, struct process *process, struct call *call);
void proc_text_overcommit(struct text *text, struct process *process, struct call *call);
void proc_text_threads_max(struct text *text, struct process *process, struct call *call);
void proc_text_core_pattern(struct text *text, struct process *process, struct call *call);
void proc_text_files_max(struct text *text, struct process *process, struct call *call);
void proc_text_descriptors_max(struct text *text, struct process *process, struct call *call);
void proc_text_pipe_size_max(struct text *text, struct process *process, struct call *call);
void proc_text_backlog_max(struct text *text, struct process *process, struct call *call);
void proc_text_last_capability(struct text *text, struct process *process, struct call *call);
void proc_text_partitions(struct text *text, struct process *process, struct call *call);
void proc_text_disks(struct text *text, struct process *process, struct call *call);
void proc_text_net_devices(struct text *text, struct process *process, struct call *call);
/* procnet.c: these may release the lock. */
void proc_text_net_routes(struct text *text, struct process *process, struct call *call);
void proc_text_net_pnp(struct text *text, struct process *process, struct call *call);
void proc_text_net_if_inet6(struct text *text, struct process *process, struct call *call);
void proc_text_net_raw(struct text *text, struct process *process, struct call *call);
void proc_text_net_raw6(struct text *text, struct process *process, struct call *call);
void proc_text_net_tcp6(struct text *text, struct process *process, struct call *call);
void proc_text_net_udp6(struct text *text, struct process *process, struct call *call);
void proc_text_net_tcp(struct text *text, struct process *process, struct call *call);
void proc_text_net_udp(struct text *text, struct process *process, struct call *call);
void proc_text_pty_max(struct text *text, struct process *process, struct call *call);
void proc_text_pty_reserve(struct text *text, struct process *process, struct call *call);
void proc_text_pty_count(struct text *text, struct process *process, struct call *call);
void proc_text_tty_drivers(struct text *text, struct process *process, struct call *call);
void proc_text_devices(struct text *text, struct process *process, struct call *call);
void proc_text_vmstat(struct text *text, struct process *process, struct call *call);
void proc_text_net_unix(struct text *text, struct process *process, struct call *call);
void proc_text_auxiliary_vector(struct text *text, struct process *process, struct call *call);
struct descriptor;
void proc_text_descriptor(struct text *text, const struct descriptor *descriptor);
struct mount;
/* As mountinfo has it. */
uint64_t proc_mount_id(const struct mount *mount);
/* The kernel's (mach/host_counters.h), "NAME NUMBER" each. */
void proc_text_counters(struct text *text, struct process *process, struct call *call);

#endif
