/* Tracing: what a thread that is traced tells its tracer, and when it stops for it (ptrace(2)). */
#ifndef PERSONALITY_PTRACE_H
#define PERSONALITY_PTRACE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "process/signal.h"

struct call;
struct fiber;
struct process;
struct thread;

/*
 * A traced thread has one of these. It stops in the middle of what it does (its call's begin or end, a signal's
 * delivery, exec, fork), on a fiber which its tracer wakes: so what follows the stop is what follows the call.
 *
 *   running    `stopped` is false.
 *   stopped    `stopped`: on `fiber`, until the tracer lets it go on, lets go of it, or ends. `reports` as long as the
 *              tracer has not been told by wait.
 *   ghost      `thread` is null: it has ended, and its tracer, which is not its parent, has still to be told.
 *   let go     `tracer` is null: the thread frees it as soon as it goes on.
 *
 * While a thread is traced, SIGNAL_TRACED stands in its set of signals that wait: so each of its calls ends on the path
 * on which signals are looked for; and its process's calls begin on the slow path (process->call_payload). Those of
 * others know nothing of it.
 */
#define SIGNAL_TRACED SIGNAL_BIT(9) /* SIGKILL never waits */

enum trace_where { TRACE_ELSEWHERE, TRACE_ENTRY, TRACE_FILTERED, TRACE_EXIT };

struct tracee {
	struct thread *thread;
	struct process *tracer;
	struct list of_tracer; /* tracer->tracees */
	struct list reporting; /* tracer->trace_reports, if `reports` */
	bool reports;
	int id, process; /* of the thread, and its process's */
	uint32_t uid;
	int exit_status; /* of a thread that ends alone, as wait4 tells */

	uint64_t options; /* PTRACE_O_* */
	bool seized;
	/* How it goes on from a stop: */
	bool calls;     /* and stops at the next begin or end of a call */
	bool emulates;  /* and stops at the next begin of a call, which is not made (PTRACE_SYSEMU) */
	bool step;      /* for one instruction */
	bool listens;   /* not at all, but a SIGCONT makes it report (PTRACE_LISTEN) */
	bool interrupt; /* it is to stop as soon as it can */
	int inject;     /* signal */

	/* A stop: */
	bool stopped;
	struct fiber *fiber;
	int status; /* as wait4 tells */
	uint64_t message;
	struct signal_info info;
	bool has_info; /* PTRACE_GETSIGINFO has something to say */
	enum trace_where where;
	struct call *call; /* at whose begin (TRACE_FILTERED too) or end it is, or null; */
	int64_t number;    /* its number, -1: it is in none; */
	int64_t shown;     /* what rax seems to be then, */
	bool changed;      /* and whether the tracer has set the registers */
};

/* 0, -EPERM, -ENOMEM. It goes on as it did. */
int trace_attach(struct process *tracer, struct thread *thread, uint64_t options, bool seized);
/* Nobody traces it any more; when it is stopped it goes on with the signal (or 0). */
void trace_detach(struct tracee *trace, int signal);
/* Lets a stopped one go on as its fields say. */
void trace_resume(struct tracee *trace);

/* --- At what a traced thread does. All may wait, the lock released; the thread may be dead afterwards. */
/* The begin of a call, whose arguments are kept. False: it is not to be made, and ends with *result. */
bool trace_call_begins(struct call *call, int64_t *result);
/* The same where a filter leaves it to the tracer (SECCOMP_RET_TRACE): also false when no tracer asked for that. */
bool trace_call_filtered(struct call *call, uint64_t data, int64_t *result);
/* Its end. *result becomes CALL_KEEP when the tracer has set the registers. */
void trace_call_ends(struct call *call, int64_t *result);
/* A signal is about to be delivered: the one that is to be instead, or 0; *info follows. */
int trace_signal(struct thread *thread, int signal, struct signal_info *info);
/* It is asked to stop (PTRACE_INTERRUPT, a new thread that is traced from its start). */
void trace_interrupted(struct thread *thread);
/* A signal stops it, and not only it, if nobody traced it. */
void trace_group_stop(struct thread *thread, int signal);
/* PTRACE_EVENT_*; a no-op unless the tracer asked for it. */
void trace_event(struct thread *thread, int event, uint64_t message);
bool trace_wants(const struct thread *thread, int event);
/* exec, at whose end the thread is the new program's. */
void trace_exec(struct thread *thread, int old_id);
/* A thread made by one that is traced: traced as well, if the tracer asked for that. True: it is, and starts stopped.
 */
bool trace_inherit(struct thread *thread, const struct thread *from, int event);
/* SIGCONT has come to the process: who listens reports. */
void trace_continued(struct process *process);

/* --- At ends. */
void trace_thread_ends(struct thread *thread);
void trace_tracer_ends(struct process *process);

/* --- For wait: what there is to report to the process, of `id` (a thread's; 0: any); null: nothing. */
struct tracee *trace_report(const struct process *tracer, int id, int *status);
/* Whether it traces the thread of the id (0: any). */
bool trace_has(const struct process *tracer, int id);
/* The report has been given; a ghost is gone. */
void trace_reported(struct tracee *trace);

/* Whether set-id bits of a program count for the process: not when it is traced by one that may not have them. */
bool trace_allows_ids(const struct process *process);

#endif
