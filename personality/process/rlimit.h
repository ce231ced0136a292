/* Resource limits that are watched here: numbers of processes and processor time. (Sizes of files: access.c; memory:
 * mmlimit.c; descriptors: fd.c.) */
#ifndef PERSONALITY_RLIMIT_H
#define PERSONALITY_RLIMIT_H

#include <stdbool.h>

struct process;

/* Descriptors of a process: RLIMIT_NOFILE at the start, and the most it can be set to. */
#define FD_LIMIT_DEFAULT 1024u
#define FD_LIMIT_MAX     4096u

/* A program that must not trust its caller has no larger stack, whatever the caller allowed; this sets the limit. */
#define SECURE_STACK_MOST (8ull << 20)
void rlimit_secure_stack(struct process *process);

/* Whether RLIMIT_NPROC lets the process's user have one process or thread more. */
bool rlimit_may_add_process(const struct process *process);
/* A process whose user has changed notes that it may be one too many; exec is then refused while it is: -EAGAIN. */
void rlimit_user_changed(struct process *process);
int rlimit_check_exec(struct process *process);

/* Watches RLIMIT_CPU from now on, as it stands; harmless without a limit. Signals the process when it is used up. */
void rlimit_watch_processor(struct process *process);
/* The process ends. */
void rlimit_forget_processor(struct process *process);

#endif
