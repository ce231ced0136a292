/* Processes, threads, credentials, process groups and sessions. */
#ifndef PERSONALITY_PROC_H
#define PERSONALITY_PROC_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/resource.h>

#include "base/list.h"
#include "base/lock.h"
#include "base/table.h"
#include "call/call.h"
#include "process/capability.h"
#include "process/cputimer.h"
#include "process/signal.h"

struct file_table;
struct fs_context;
struct vnode;
struct tty;
struct address_space;
struct user;
struct tracee;

#define GROUPS_MAX     65536
#define PROCESS_ID_MAX 32768 /* all are below it */

/* Once: what finds a caller (process/claim.h) is in memory from then on, so that no call waits for a page of it when
 * there is none. */
void threads_start(void);

/* Supplementary groups, in order; never changed, shared by those that have the same. */
struct group_list {
	unsigned references, count;
	uint32_t id[];
};

struct credentials {
	uint32_t uid, euid, suid, fsuid;
	uint32_t gid, egid, sgid, fsgid;
	struct group_list *groups; /* of the process, a reference; null: none */
	/* capabilities(7), a bit for each: capabilities.c */
	uint64_t effective, permitted, inheritable, bounding, ambient;
	unsigned secure_bits;
};

struct session {
	unsigned references; /* processes and process groups */
	int id;
	struct process *leader; /* null once it has ended */
	struct tty *terminal;   /* controlling terminal, or null */
	int left_foreground;    /* the group that was in the foreground of one that was hung up, or 0 */
};

struct process_group {
	struct table_link by_id;
	int id;
	struct session *session;
	struct list members;
	unsigned stopped; /* of them */
};

/*
 * States of a process:
 *
 *   RUNNING   has threads. `stopped` says whether job control holds them.
 *   ZOMBIE    has ended; waits for its parent's wait. Threads, memory, files are gone.
 *
 * Made by process_create (fork, start), ended by process_exit, freed by process_reap.
 */
enum process_state { PROCESS_RUNNING, PROCESS_ZOMBIE };

struct process {
	struct list link; /* of all, by age */
	struct table_link by_id;
	int id;
	enum process_state state;
	struct process *parent; /* pid 1's is null */
	/* Children, by sibling: those that wait may tell of, in the order in which that came to be, and the others. */
	struct list reporting, children;
	struct list sibling;
	struct process_group *group;
	struct list group_link;
	struct list threads; /* struct thread, by link */
	unsigned thread_count;

	struct address_space *memory; /* mm.h; shared with the parent during vfork */
	/* Of the program, new with every exec (identity.h): */
	uint64_t serial;  /* never used again: payload of the port */
	mach_port_t port; /* receive right: calls and exceptions; null while the task is borrowed (vfork) */
	uint64_t call_payload; /* serial, or 0: a thread of it is traced, and its calls take the slow way */

	struct credentials credentials;
	struct user *user; /* of the real uid: a reference */
	unsigned counted;  /* what it counts for there in USER_PROCESSES: itself and further threads */
	struct file_table *files;
	struct fs_context *fs;
	struct lock lock;                    /* ORDER_PROCESS: */
	struct rlimit64 limit[RLIM_NLIMITS]; /* written with the server's lock, too */
	bool too_many;                /* its user changed and has more processes than may be: rlimit.c */
	struct timer processor_timer; /* RLIMIT_CPU: rlimit.c */
	int nice;
	bool dumpable;

	struct signal_actions *actions; /* shared by CLONE_SIGHAND */
	struct signal_queue pending;    /* for the process as a whole */
	int exit_signal;                /* to the parent at the end, if that is still the program which asked for it: */
	uint64_t parent_serial;
	bool stopped;
	bool stop_reported, continued; /* for wait */
	bool reports;                  /* its sibling is on its parent's `reporting` */
	int stop_signal;
	bool exiting;
	int exit_status; /* as wait4 tells */

	bool did_exec;
	bool left_terminal; /* TIOCNOTTY: it has no controlling terminal, though its session has */
	struct thread *vfork_thread;    /* the parent's thread that this process runs on */
	bool vfork_suspended;           /* this process was killed inside a call: that thread is suspended */
	struct wait_queue child_queue;  /* waits of this process for its children */
	struct wait_queue signal_queue; /* sigsuspend, sigtimedwait, pause */

	char command[16];
	struct vnode *executable;
	uint64_t argument_start, argument_end, environment_start, environment_end, auxiliary_start, auxiliary_end;
	uint64_t started;                      /* ns, monotonic */
	uint64_t dead_user_ns, dead_system_ns; /* threads and tasks that are gone */
	uint64_t children_user_ns, children_system_ns;
	struct timer alarm; /* ITIMER_REAL */
	uint64_t alarm_interval;
	struct processor_interval {
		struct cpu_timer timer;
		uint64_t interval;
	} virtual_alarm, profiling_alarm; /* ITIMER_VIRTUAL, ITIMER_PROF */
	struct list posix_timers;
	struct list semaphore_undos; /* sysvsem.c's */
	struct list descriptors;     /* pidfd.c's: of it */
	struct list tracees, trace_reports; /* that it traces, and of them those with something to tell: ptrace.h */
	int parent_death_signal;
	bool child_subreaper;
	bool is_mach;          /* it is a Mach program: its threads may end without our doing */
	unsigned mach_program; /* PORTOLAN_MACH_*: what the next program may do beneath Unix; its end, or a fork, ends
				  that */
	int oom_score_adj, oom_score_adj_least;  /* by proc(5); what it may be set to without rights */
	uint32_t login_uid, login_session; /* who has logged in, and his how manyeth: UINT32_MAX, nobody */
	bool no_huge_pages, io_flusher;               /* prctl: kept and shown */
	uint64_t max_resident, children_max_resident; /* bytes, as far as anybody has looked */
};

/* A thread. During vfork the child's first thread runs on the parent's kernel thread: the parent's `lent` points to it.
 */
struct thread {
	struct list link; /* of the process */
	struct table_link by_id, by_port;
	int id;
	struct process *process;
	mach_port_t port; /* the kernel's thread; a send right: thread_set_port */
	struct thread *lent;
	bool borrowed;    /* its kernel thread belongs to a thread of the parent */
	struct call call; /* the one it makes */
	struct tracee *trace; /* ptrace.h; null: nobody traces it */

	uint64_t blocked;    /* signal mask */
	uint64_t saved_mask; /* to be restored by the frame of the next handler (sigsuspend, ppoll) */
	bool restore_mask;
	struct signal_queue pending;
	uint64_t alt_stack, alt_stack_size;
	unsigned alt_stack_flags;
	uint64_t fault_address; /* of the fault that is being turned into a signal */

	int policy, real_priority; /* schedule.c */
	uint64_t affinity;         /* the processors that it is bound to, a bit each; 0: it is not */
	bool reset_on_fork;
	int io_priority;         /* limits.c: kept and shown */
	uint64_t timer_slack;    /* prctl: kept and shown */
	uint64_t clear_tid;      /* CLONE_CHILD_CLEARTID, set_tid_address */
	uint64_t robust_list, robust_list_size;
	uint64_t rseq;
	char name[16];
	uint32_t persona;              /* personality(2) */
	int memory_policy;             /* set_mempolicy(2): kept and shown */
	bool confined;                 /* seccomp: its calls are looked at first, */
	struct seccomp_filter *filter; /* by these; null: but for four all are forbidden */
	bool no_new_privileges; /* PR_SET_NO_NEW_PRIVS: no exec gives it ids */
	struct timer kick;      /* delivers again what came between the end of a call and its reply */
	bool dead;              /* to be freed when its call comes back */
	bool counted;           /* in process->counted */
};

extern struct list processes;
extern struct process *init_process;
/* Pid 1 is the command of command mode and no init: signals end it as they end others. */
extern bool init_is_command;

/* The signals that wait for the thread and are not blocked. */
static inline uint64_t signals_unblocked(const struct thread *thread)
{
	return (__atomic_load_n(&thread->pending.set, __ATOMIC_RELAXED) |
		       __atomic_load_n(&thread->process->pending.set, __ATOMIC_RELAXED)) &
	       ~thread->blocked;
}

/* Whether a signal waits that the thread must act on; those that are ignored are dropped. */
static inline bool signal_due(struct thread *thread)
{
	uint64_t set = signals_unblocked(thread);

	return set != 0 && signal_due_of(thread, set);
}

#define ALT_STACK_AUTODISARM (1u << 31) /* SS_AUTODISARM: it is given up for as long as a handler runs on it */

/* Whether a stack pointer is in the stack of sigaltstack. */
static inline bool on_alt_stack(const struct thread *thread, uint64_t rsp)
{
	return thread->alt_stack_size != 0 && !(thread->alt_stack_flags & ALT_STACK_AUTODISARM) &&
	       rsp > thread->alt_stack && rsp - thread->alt_stack <= thread->alt_stack_size;
}

/* --- Finding. Borrowed. */
struct process *process_find(int id);
struct thread *thread_find(int id); /* by thread id */
struct process_group *group_find(int id);
/* The caller of a foreign call, by thread word and payload; the borrower when it is lent. Null: none of ours. */
struct thread *thread_of_word(uint64_t word, uint64_t payload);
/* The same by its kernel port's name. */
struct thread *thread_of_port(mach_port_t port, uint64_t payload);
/* The thread, itself, whose kernel thread has died. */
struct thread *thread_of_dead_port(mach_port_t port);

/* --- Making. Null: no memory or no id. */
struct process *process_create(struct process *parent);
struct thread *thread_create_for(struct process *process, int id);
/* The kernel thread that is its own from now on (not one that vfork borrows). */
void thread_set_port(struct thread *thread, mach_port_t port);
/* So many more (or fewer) that count as its user's. */
void process_count(struct process *process, int more);
int allocate_id(void);
/* A payload that no process's port has had. */
uint64_t process_new_serial(void);
unsigned processors_available(void);

/* --- Job control: holds all threads, lets them go on. */
void process_stop(struct process *process, int signal);
void process_continue(struct process *process);
/* Sets `stopped`, and nothing else. */
void process_set_stopped(struct process *process, bool stopped);
/* After what wait may tell of the process has changed: puts it where its parent looks. */
void process_note_report(struct process *process);

/* --- Descriptors of processes (pidfd.c). */
/* Whose it is, borrowed. Null: *error is -EBADF, or -ESRCH: it has been reaped. */
struct process *pidfd_process(struct call *call, int fd, int *error);
/* Whether a wait by it may sleep: PIDFD_NONBLOCK is not set. */
bool pidfd_waits(struct call *call, int fd);
/* What fdinfo says of a file: 0: it is none; -1: its process is gone; else that one's id. */
struct file;
int pidfd_of_file(const struct file *file);
/* A new descriptor of the caller's, or -errno. flags: PIDFD_NONBLOCK. */
int64_t pidfd_make(struct call *call, struct process *process, unsigned flags);
/* The process has ended, or is reaped: who waits for that wakes. */
void pidfds_tell(struct process *process, bool reaped);

/* --- Groups and sessions. */
int process_set_group(struct process *process, int group); /* same session; makes it when new */
int process_new_session(struct process *process);
void session_release(struct session *session);
/* Pid 1's own session and group, from memory of zeros. */
void process_first_group(struct process *process, struct process_group *group, struct session *session);
/* Whether no member has a parent in the same session but another group, pid 1 not counted. */
bool group_is_orphaned(const struct process_group *group);
/* After a process left a group or ended: SIGHUP and SIGCONT to a newly orphaned group with stopped members. */
void group_check_orphaned(struct process_group *group);

/* --- Ending (exit.c). */
/*
 * Ends the whole process; status as wait4 tells (code << 8, or signal). Its threads are freed, but those whose call is
 * running are only marked dead; the process becomes a zombie when the last is freed.
 */
void process_exit(struct process *process, int status);
/* Ends one thread; the process too when it is the last. */
void thread_exit(struct thread *thread, int status);
void thread_free(struct thread *thread);
/* Takes it out of the tables in which it is found; enters it with this id. */
void thread_unhash(struct thread *thread);
void thread_rehash(struct thread *thread, int id);
/* Adds its task's times to those of what is gone, before the task ends. */
void process_add_times(struct process *process);
/* The ids of the group's processes, or (null) of all, as they are now, for who may end some of them. To be freed; null,
 * and none: no memory. */
int *process_ids(const struct process_group *group, unsigned *count);
/* Nobody finds it by its id any more. */
void process_unhash(struct process *process);
void process_leave_group(struct process *process);
/* A process that was never started: gives back what it has. */
void process_abandon(struct process *process);
/* Ends all threads but this one; false: some are still in calls, child_queue is woken when they are gone. */
bool process_end_other_threads(struct process *process, struct thread *thread);
/* Frees a zombie. */
void process_reap(struct process *process);
/* Pid 1 has ended: the system does (system.c). */
void system_init_ended(int status);
/* No process of the group is left (tty.c). */
void tty_group_gone(const struct process_group *group);

/* --- Rights. */
/* After the real uid may have changed: the process is counted as its new user's. 0 or -EAGAIN, then nothing changed. */
int process_follow_user(struct process *process);
/*
 * A change of the real uid moves the process to a task on the account of its new user (program/move.c); one whose task
 * cannot be exchanged (several threads, a child of vfork, a Mach program) stays where it is until its next program, and
 * *move is null. 0, or -EAGAIN: the user may have no more, or there is no memory.
 */
struct process_move;
int process_prepare_move(struct call *call, uint32_t uid, struct process_move **move);
void process_drop_move(struct process_move *move); /* null is harmless */
/* Does it, and ends the call with 0: what the call is to return. Null: 0. */
int64_t process_move(struct call *call, struct process_move *move);
/* Whether it has a capability (CAP_* of capabilities(7)) in effect. */
static inline bool capable(const struct process *process, unsigned capability)
{
	return (process->credentials.effective >> capability & 1) != 0;
}
/* Whether the one may change how the other is scheduled. */
bool may_schedule(const struct process *process, const struct process *target);
bool may_signal(const struct process *sender, const struct process *target, int signal);
/*
 * Whether one may see into another, or take hold of it (ptrace(2), "Ptrace access mode checking"): it has no id more,
 * and does not hide. The first by the ids for files, as /proc asks (FSCREDS); the second by the real ones (REALCREDS).
 */
bool process_may_inspect(const struct process *process, const struct process *target);
bool process_may_attach(const struct process *process, const struct process *target);
/* Its ids have changed: what it has in memory may be of more worth than what it is now. */
void process_ids_changed(struct process *process, const struct credentials *before);
void group_list_release(struct group_list *groups); /* null is harmless */
bool in_group(const struct credentials *credentials, uint32_t gid);
/* The same for who has another group of his own: the real one. */
bool in_group_as(const struct credentials *credentials, uint32_t own, uint32_t gid);

#endif
