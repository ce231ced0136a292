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

void proc_text_stat(struct text *text, struct process *process, struct call *call);
void proc_text_status(struct text *text, struct process *process, struct call *call);
void proc_text_statm(struct text *text, struct process *process, struct call *call);
void proc_text_command_line(struct text *text, struct process *process, struct call *call);
void proc_text_environment(struct text *text, struct process *process, struct call *call);
void proc_text_name(struct text *text, struct process *process, struct call *call);
void proc_text_maps(struct text *text, struct process *process, struct call *call);
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
void proc_text_swaps(struct text *text, struct process *process, struct call *call);
/* The kernel's (mach/host_counters.h), "NAME NUMBER" each. */
void proc_text_counters(struct text *text, struct process *process, struct call *call);

#endif
