/* Traced threads: how they stop, are let go on, and end. */
#include "process/ptrace.h"

#include <errno.h>
#include <mach/mach.h>
#include <signal.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "base/user.h"
#include "call/call.h"
#include "call/fiber.h"
#include "process/proc.h"
#include "signal/deliver.h"
#include "signal/traceregs.h"

#define EVENT_STOP 128 /* PTRACE_EVENT_STOP */
/* PTRACE_GETEVENTMSG at a call's begin and end. */
enum { MESSAGE_ENTRY = 1, MESSAGE_EXIT = 2 };
/* What rax shows at the end of a call that a signal interrupts: it may begin anew (as Linux has them). */
enum { SHOWN_RESTART = -512, SHOWN_RESTART_NO_HANDLER = -514 };

/* --- Reports. */

static void withdraw_report(struct tracee *trace)
{
	if (trace->reports)
		list_remove(&trace->reporting);
	trace->reports = false;
}

/* Tells the tracer that there is something to wait for. */
static void tell_tracer(struct tracee *trace, int code, int status)
{
	struct process *tracer = trace->tracer;
	struct signal_info info = {.code = code, .pid = trace->id, .uid = trace->uid, .status = status};

	withdraw_report(trace);
	trace->reports = true;
	list_append(&tracer->trace_reports, &trace->reporting);
	wait_queue_wake(&tracer->child_queue, 0);
	if (!(tracer->actions->action[SIGCHLD - 1].flags & SA_NOCLDSTOP) || code != CLD_TRAPPED)
		signal_process(tracer, SIGCHLD, &info);
}

struct tracee *trace_report(const struct process *tracer, int id, int *status)
{
	list_for_each (link, &tracer->trace_reports) {
		struct tracee *trace = list_entry(link, struct tracee, reporting);

		if (id != 0 && trace->id != id)
			continue;
		*status = trace->status;
		return trace;
	}
	return NULL;
}

bool trace_has(const struct process *tracer, int id)
{
	const struct thread *thread = id != 0 ? thread_find(id) : NULL;

	if (id == 0)
		return !list_empty(&tracer->tracees);
	if (thread != NULL)
		return thread->trace != NULL && thread->trace->tracer == tracer;
	return trace_report(tracer, id, &(int){0}) != NULL;
}

static void trace_free(struct tracee *trace)
{
	withdraw_report(trace);
	list_remove(&trace->of_tracer);
	user_free(trace);
}

void trace_reported(struct tracee *trace)
{
	withdraw_report(trace);
	if (trace->thread == NULL)
		trace_free(trace);
}

/* --- Attaching. */

/* Whether calls of the process take the slow way follows from its threads. */
static void set_payload(struct process *process)
{
	process->call_payload = process->serial;
	list_for_each (link, &process->threads) {
		if (list_entry(link, struct thread, link)->trace != NULL)
			process->call_payload = 0;
	}
}

int trace_attach(struct process *tracer, struct thread *thread, uint64_t options, bool seized)
{
	struct tracee *trace;

	if (thread->trace != NULL || thread->dead || thread->process->is_mach || thread->lent != NULL)
		return -EPERM;
	trace = user_alloc(tracer->user, sizeof *trace);
	if (trace == NULL)
		return -ENOMEM;
	trace->thread = thread;
	trace->tracer = tracer;
	trace->id = thread->id;
	trace->process = thread->process->id;
	trace->uid = thread->process->credentials.uid;
	trace->options = options;
	trace->seized = seized;
	list_init(&trace->reporting);
	list_append(&tracer->tracees, &trace->of_tracer);
	thread->trace = trace;
	thread->pending.set |= SIGNAL_TRACED;
	thread->process->call_payload = 0;
	return 0;
}

/* The thread is traced no more. */
static void forget(struct thread *thread)
{
	thread->trace = NULL;
	thread->pending.set &= ~SIGNAL_TRACED;
	set_payload(thread->process);
}

void trace_resume(struct tracee *trace)
{
	trace->stopped = trace->listens = false;
	withdraw_report(trace);
	fiber_wake(trace->fiber);
	trace->fiber = NULL;
}

void trace_detach(struct tracee *trace, int signal)
{
	struct thread *thread = trace->thread;

	withdraw_report(trace);
	list_remove(&trace->of_tracer);
	trace->tracer = NULL;
	trace->calls = trace->emulates = trace->step = trace->interrupt = false;
	trace->inject = signal;
	if (trace->stopped) {
		trace_resume(trace); /* which frees it */
		return;
	}
	forget(thread);
	user_free(trace);
	if (signal != 0)
		signal_thread(thread, signal, NULL);
}

/* --- Stopping. */

/* What the registers say after a call that begins anew: so a tracer that has put them back makes it do so. */
static void restart_by_registers(struct thread *thread)
{
	x86_thread_state64_t registers;
	const int64_t number = thread->trace->number;

	if (number < 0 || !trace_get_registers(thread, &registers))
		return;
	if ((int64_t)registers.rax == SHOWN_RESTART || (int64_t)registers.rax == SHOWN_RESTART_NO_HANDLER) {
		registers.rip -= 2; /* the syscall instruction */
		registers.rax = (uint64_t)number;
		trace_set_registers(thread, &registers);
	}
}

static void killed(void *argument)
{
	struct tracee *trace = argument;

	trace->stopped = false;
	fiber_wake(trace->fiber);
	trace->fiber = NULL;
}

/*
 * The traced thread stops until it is let go on. What it goes on with is in its tracee, which is gone when nobody
 * traces it any more: the signal to inject, or 0.
 */
static int stop(struct thread *thread, int status, const struct signal_info *info)
{
	struct tracee *trace = thread->trace;
	struct call *outer = current_call;
	int signal;

	if (thread->dead || thread->process->exiting)
		return 0;
	if (trace->step)
		trace_set_step(thread, false);
	trace->step = trace->calls = trace->emulates = trace->changed = false;
	trace->inject = 0;
	trace->number = trace->call != NULL ? (int64_t)trace->call->number : -1;
	trace->stopped = true;
	trace->status = status;
	trace->has_info = info != NULL;
	if (info != NULL)
		trace->info = *info;
	trace->fiber = fiber_self();
	tell_tracer(trace, CLD_TRAPPED, status >> 8 & 0x7f);
	current_call = &thread->call;
	while (trace->stopped && !thread->dead) {
		trace->fiber = fiber_self();
		if (!fiber_wait(killed, trace))
			trace->stopped = false; /* no memory for that */
	}
	current_call = outer;
	trace->fiber = NULL;
	withdraw_report(trace);
	trace->has_info = false;
	signal = trace->inject;
	if (trace->changed && !thread->dead)
		restart_by_registers(thread);
	if (trace->tracer == NULL) {
		forget(thread);
		user_free(trace);
	}
	return thread->dead ? 0 : signal;
}

static int status_of(int signal, int event)
{
	return event << 16 | signal << 8 | 0x7f;
}

static struct signal_info trap_info(const struct thread *thread, int code)
{
	return (struct signal_info){
		.signal = SIGTRAP, .code = code, .pid = thread->id, .uid = thread->process->credentials.uid};
}

/* A signal that a stop at something else than a signal is left with comes as if sent. */
static void send_injected(struct thread *thread, int signal)
{
	if (signal != 0 && !thread->dead)
		signal_thread(thread, signal, NULL);
}

/* --- Calls. */

static int call_stop(struct call *call, enum trace_where where, int64_t shown)
{
	struct thread *thread = call->thread;
	struct tracee *trace = thread->trace;
	const int trap = SIGTRAP | (trace->options & PTRACE_O_TRACESYSGOOD ? 0x80 : 0);
	struct signal_info info = trap_info(thread, trap);

	trace->where = where;
	trace->call = call;
	trace->shown = shown;
	trace->message = where == TRACE_ENTRY ? MESSAGE_ENTRY : MESSAGE_EXIT;
	send_injected(thread, stop(thread, status_of(trap, 0), &info));
	return thread->trace != NULL && thread->trace->changed;
}

/* After a stop at a call's begin: as trace_call_begins returns. */
static bool still_wanted(const struct call *call, int64_t *result)
{
	struct tracee *trace = call->thread->trace;

	if (trace == NULL)
		return true;
	/* PTRACE_SETREGS may have changed number and arguments (traceregs.c); -1 is none. */
	*result = trace->shown;
	trace->where = TRACE_ELSEWHERE;
	return call->number != UINT64_MAX;
}

bool trace_call_begins(struct call *call, int64_t *result)
{
	const struct tracee *trace = call->thread->trace;
	bool emulates;

	if (trace == NULL || !(trace->calls || trace->emulates))
		return true;
	emulates = trace->emulates;
	call_stop(call, TRACE_ENTRY, -ENOSYS);
	return still_wanted(call, result) && !(emulates && call->thread->trace != NULL);
}

bool trace_call_filtered(struct call *call, uint64_t data, int64_t *result)
{
	struct thread *thread = call->thread;

	*result = -ENOSYS;
	if (!trace_wants(thread, PTRACE_EVENT_SECCOMP))
		return false;
	/* One that was attached to while its call was on its way has them elsewhere. */
	call_keep_arguments(call);
	thread->trace->where = TRACE_FILTERED;
	trace_event(thread, PTRACE_EVENT_SECCOMP, data);
	return still_wanted(call, result);
}

void trace_call_ends(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	struct tracee *trace = thread->trace;
	const bool stepped = trace->step && !trace->emulates;
	struct signal_info info = trap_info(thread, TRAP_TRACE);

	trace->call = call;
	trace->shown = *result == CALL_INTERRUPTED ? call->no_restart ? SHOWN_RESTART_NO_HANDLER : SHOWN_RESTART
		       : *result == CALL_KEEP      ? TRACE_SHOWN_AS_IS
						   : *result;
	if (trace->calls && call_stop(call, TRACE_EXIT, trace->shown))
		*result = CALL_KEEP;
	trace = thread->trace;
	if (trace != NULL && stepped && !thread->dead) {
		send_injected(thread, stop(thread, status_of(SIGTRAP, 0), &info));
		if (thread->trace != NULL && thread->trace->changed)
			*result = CALL_KEEP;
	}
	if (thread->trace != NULL)
		thread->trace->where = TRACE_ELSEWHERE;
}

/* --- Signals. */

int trace_signal(struct thread *thread, int signal, struct signal_info *info)
{
	struct tracee *trace = thread->trace;
	const int by = trace->tracer->id;
	const uint32_t by_uid = trace->tracer->credentials.uid;
	int injected = stop(thread, status_of(signal, 0), info);

	if (injected == 0)
		return 0;
	if (thread->trace != NULL)
		*info = trace->info;
	/* Another one comes from the tracer. */
	if (injected != info->signal)
		*info = (struct signal_info){.signal = injected, .code = SI_USER, .pid = by, .uid = by_uid};
	return injected;
}

void trace_interrupted(struct thread *thread)
{
	struct signal_info info = trap_info(thread, EVENT_STOP << 8 | SIGTRAP);

	thread->trace->interrupt = false;
	send_injected(thread, stop(thread, status_of(SIGTRAP, EVENT_STOP), &info));
}

void trace_group_stop(struct thread *thread, int signal)
{
	const bool seized = thread->trace->seized;

	stop(thread, status_of(signal, seized ? EVENT_STOP : 0), NULL);
}

void trace_continued(struct process *process)
{
	list_for_each (link, &process->threads) {
		struct thread *thread = list_entry(link, struct thread, link);

		/* It stops anew, as after an interrupt. */
		if (thread->trace != NULL && thread->trace->listens) {
			thread->trace->interrupt = true;
			trace_resume(thread->trace);
		}
	}
}

/* --- Events. */

bool trace_wants(const struct thread *thread, int event)
{
	return thread->trace != NULL && (thread->trace->options & 1ull << event) != 0;
}

void trace_event(struct thread *thread, int event, uint64_t message)
{
	struct signal_info info = trap_info(thread, event << 8 | SIGTRAP);

	if (!trace_wants(thread, event))
		return;
	thread->trace->message = message;
	thread->trace->call = &thread->call;
	thread->trace->shown = event == PTRACE_EVENT_EXEC ? TRACE_SHOWN_AS_IS : -ENOSYS;
	send_injected(thread, stop(thread, status_of(SIGTRAP, event), &info));
}

void trace_exec(struct thread *thread, int old_id)
{
	struct tracee *trace = thread->trace;

	trace->id = thread->id;
	if (trace_wants(thread, PTRACE_EVENT_EXEC))
		trace_event(thread, PTRACE_EVENT_EXEC, (uint64_t)old_id);
	else if (!trace->seized)
		signal_thread(thread, SIGTRAP, &(struct signal_info){.code = SI_USER, .pid = thread->id});
	if (thread->trace != NULL && thread->trace->calls && !thread->dead)
		call_stop(&thread->call, TRACE_EXIT, 0);
	if (thread->trace != NULL) {
		thread->trace->where = TRACE_ELSEWHERE;
		thread->trace->call = NULL;
	}
}

bool trace_inherit(struct thread *thread, const struct thread *from, int event)
{
	struct tracee *trace = from->trace;

	if (!trace_wants(from, event) || trace_attach(trace->tracer, thread, trace->options, trace->seized) != 0)
		return false;
	if (trace->seized)
		thread->trace->interrupt = true;
	else
		signal_thread(thread, SIGSTOP, NULL);
	return true;
}

/* --- Ends. */

void trace_thread_ends(struct thread *thread)
{
	struct tracee *trace = thread->trace;
	struct process *process = thread->process, *tracer = trace->tracer;

	thread->trace = NULL;
	trace->thread = NULL;
	/* A parent hears of its child's end as ever, and nobody of a leader whose other threads go on. */
	if (tracer == NULL || tracer->exiting ||
		(thread->id == process->id && (process->parent == tracer || !process->exiting))) {
		trace_free(trace);
		return;
	}
	trace->status = process->exiting ? process->exit_status : trace->exit_status;
	tell_tracer(trace, WIFEXITED(trace->status) ? CLD_EXITED : CLD_KILLED,
		WIFEXITED(trace->status) ? WEXITSTATUS(trace->status) : WTERMSIG(trace->status));
}

void trace_tracer_ends(struct process *process)
{
	while (!list_empty(&process->tracees)) {
		struct tracee *trace = list_entry(process->tracees.next, struct tracee, of_tracer);
		struct process *target = trace->thread != NULL ? trace->thread->process : NULL;
		const bool kill = (trace->options & PTRACE_O_EXITKILL) != 0;

		if (target == NULL)
			trace_free(trace);
		else
			trace_detach(trace, 0);
		if (target != NULL && kill)
			process_exit(target, SIGKILL);
	}
}

bool trace_allows_ids(const struct process *process)
{
	list_for_each (link, &process->threads) {
		const struct tracee *trace = list_entry(link, struct thread, link)->trace;

		if (trace != NULL && (trace->tracer == NULL || !capable(trace->tracer, CAP_SYS_PTRACE)))
			return false;
	}
	return true;
}
