/* wait4 and waitid. */
#include <signal.h>
#include <string.h>
#include <sys/wait.h>

#include "process/proc.h"
#include "process/ptrace.h"
#include "process/times.h"
#include "unix_server.h"

struct wait_request {
	idtype_t type;
	int id;
	bool exited, stopped, continued, no_hang, keep;
	bool no_block; /* by a descriptor that does not wait: -EAGAIN */
	bool any_kind, clones; /* __WALL, __WCLONE: children whose end is told by another signal than SIGCHLD, too, or
				  only those */
};

static bool matches(const struct process *child, const struct wait_request *request)
{
	if (!request->any_kind && (child->exit_signal != SIGCHLD) != request->clones)
		return false;
	return request->type != P_PGID || (child->group != NULL && child->group->id == request->id);
}

/* What there is to report of a child: a status as wait4 tells it, or -1. */
static int reportable(const struct process *child, const struct wait_request *request)
{
	if (child->state == PROCESS_ZOMBIE)
		return request->exited ? child->exit_status : -1;
	if (child->stopped && !child->stop_reported)
		return request->stopped ? child->stop_signal << 8 | 0x7f : -1;
	if (child->continued && request->continued)
		return 0xffff;
	return -1;
}

/* Whether the process has a child that the request may be for. */
static bool has_child(const struct process *process, const struct wait_request *request)
{
	const struct process_group *group;

	/* Mostly the first one is. */
	if (request->type != P_PGID) {
		list_for_each (link, &process->children) {
			if (matches(list_entry(link, struct process, sibling), request))
				return true;
		}
		list_for_each (link, &process->reporting) {
			if (matches(list_entry(link, struct process, sibling), request))
				return true;
		}
		return false;
	}
	group = group_find(request->id);
	if (group == NULL)
		return false;
	list_for_each (link, &group->members) {
		const struct process *child = list_entry(link, struct process, group_link);

		if (child->parent == process && matches(child, request))
			return true;
	}
	return false;
}

/* The child to report, with its status; null: *error is 0 (none yet) or -ECHILD. */
static struct process *find_child(struct process *process, const struct wait_request *request, int *status, int *error)
{
	struct process *child;

	if (request->type == P_PID) {
		child = process_find(request->id);
		*error = child != NULL && child->parent == process && matches(child, request) ? 0 : -ECHILD;
		*status = *error == 0 ? reportable(child, request) : -1;
		return *status >= 0 ? child : NULL;
	}
	list_for_each (link, &process->reporting) {
		child = list_entry(link, struct process, sibling);
		if (!matches(child, request))
			continue;
		*status = reportable(child, request);
		if (*status >= 0)
			return child;
	}
	*error = has_child(process, request) ? 0 : -ECHILD;
	return NULL;
}

static void report(struct process *child, const struct wait_request *request)
{
	if (request->keep)
		return;
	if (child->state == PROCESS_ZOMBIE) {
		process_reap(child);
		return;
	}
	if (child->stopped)
		child->stop_reported = true;
	else
		child->continued = false;
	process_note_report(child);
}

/* --- Of threads that the process traces, which need not be its children. */

/* One that there is something to tell of, with the status; null: none. */
static struct tracee *find_tracee(const struct process *process, const struct wait_request *request, int *status)
{
	struct tracee *trace = NULL;

	if (list_empty(&process->trace_reports))
		return NULL;
	if (request->type != P_PGID)
		return trace_report(process, request->type == P_PID ? request->id : 0, status);
	list_for_each (link, &process->trace_reports) {
		struct tracee *one = list_entry(link, struct tracee, reporting);
		const struct process *whose = process_find(one->process);

		if (trace == NULL && whose != NULL && whose->group != NULL && whose->group->id == request->id)
			trace = one;
	}
	if (trace != NULL)
		*status = trace->status;
	return trace;
}

/* What find_child says, unless there are tracees that may still tell something. */
static int any_left(const struct process *process, const struct wait_request *request, int error)
{
	return error == -ECHILD && trace_has(process, request->type == P_PID ? request->id : 0) ? 0 : error;
}

/* The report has been given: a tracee's, or a child's. */
static void tell(struct process *child, struct tracee *trace, const struct wait_request *request)
{
	if (trace == NULL)
		report(child, request);
	else if (!request->keep)
		trace_reported(trace);
}

int64_t sys_wait4(uint64_t caller, int pid, uint64_t status_address, unsigned options, uint64_t usage)
{
	struct call *call = call_of(caller);
	struct wait_request request = {
		.type = pid == -1 ? P_ALL
			: pid > 0 ? P_PID
				  : P_PGID,
		.id = pid > 0    ? pid
		      : pid == 0 ? call->process->group->id
				 : -pid,
		.exited = true,
		.stopped = (options & WUNTRACED) != 0,
		.continued = (options & WCONTINUED) != 0,
		.no_hang = (options & WNOHANG) != 0,
		.any_kind = (options & __WALL) != 0,
		.clones = (options & __WCLONE) != 0,
	};
	struct process *child;
	struct tracee *trace;
	struct rusage times;
	int status, error = 0, id;

	if (options & ~(unsigned)(WNOHANG | WUNTRACED | WCONTINUED | __WNOTHREAD | __WCLONE | __WALL))
		return -EINVAL;
	if (pid == INT32_MIN)
		return -ESRCH;
	trace = find_tracee(call->process, &request, &status);
	child = trace != NULL ? process_find(trace->process)
			      : find_child(call->process, &request, &status, &error);
	if (child == NULL && trace == NULL) {
		error = any_left(call->process, &request, error);
		if (error != 0)
			return error;
		return request.no_hang ? 0 : call_wait_for(call, &call->process->child_queue);
	}
	error = status_address == 0 ? 0 : copy_out(call, status_address, &status, sizeof status);
	if (error == 0 && usage != 0) {
		memset(&times, 0, sizeof times);
		if (child != NULL)
			times_of_ended(child, &times);
		error = copy_out(call, usage, &times, sizeof times);
	}
	/* As on Linux it has been told of, though the caller's memory took nothing. */
	if (error == -EFAULT)
		tell(child, trace, &request);
	if (error != 0)
		return call_result(error);
	id = trace != NULL ? trace->id : child->id;
	tell(child, trace, &request);
	return id;
}

int64_t sys_waitid(uint64_t caller, int which, int pid, uint64_t info_address, unsigned options, uint64_t usage)
{
	struct call *call = call_of(caller);
	struct wait_request request = {
		.type = (idtype_t)which,
		.id = pid,
		.exited = (options & WEXITED) != 0,
		.stopped = (options & WSTOPPED) != 0,
		.continued = (options & WCONTINUED) != 0,
		.no_hang = (options & WNOHANG) != 0,
		.any_kind = (options & __WALL) != 0,
		.clones = (options & __WCLONE) != 0,
		.keep = (options & WNOWAIT) != 0,
	};
	struct signal_info info;
	struct process *child;
	struct tracee *trace;
	struct rusage times;
	int status, error = 0;

	if ((options & ~(unsigned)(WNOHANG | WNOWAIT | WEXITED | WSTOPPED | WCONTINUED | __WNOTHREAD | __WCLONE |
				   __WALL)) ||
		!(options & (WEXITED | WSTOPPED | WCONTINUED)))
		return -EINVAL;
	if (which == P_PIDFD) {
		child = pid < 0 ? NULL : pidfd_process(call, pid, &error);
		if (child == NULL)
			return pid < 0 ? -EINVAL : error == -EBADF ? -EBADF : -ECHILD;
		request.no_block = !pidfd_waits(call, pid);
		request.type = P_PID;
		request.id = child->id;
		which = P_PID;
		pid = child->id;
	}
	if ((which != P_ALL && which != P_PID && which != P_PGID) || (which == P_PID && pid <= 0) ||
		(which == P_PGID && pid < 0))
		return -EINVAL;
	if (which == P_PGID && pid == 0)
		request.id = call->process->group->id;
	memset(&info, 0, sizeof info);
	trace = find_tracee(call->process, &request, &status);
	child = trace != NULL ? process_find(trace->process)
			      : find_child(call->process, &request, &status, &error);
	if (child == NULL && trace == NULL) {
		error = any_left(call->process, &request, error);
		if (error != 0)
			return error;
		if (!request.no_hang && request.no_block)
			return -EAGAIN;
		if (!request.no_hang)
			return call_wait_for(call, &call->process->child_queue);
		return info_address == 0 ? 0 : call_result(copy_out(call, info_address, &info, sizeof info));
	}
	info.signal = SIGCHLD;
	info.pid = trace != NULL ? trace->id : child->id;
	info.uid = trace != NULL ? trace->uid : child->credentials.uid;
	if (WIFEXITED(status)) {
		info.code = CLD_EXITED;
		info.status = WEXITSTATUS(status);
	} else if (WIFSIGNALED(status)) {
		info.code = WCOREDUMP(status) ? CLD_DUMPED : CLD_KILLED;
		info.status = WTERMSIG(status);
	} else if (WIFSTOPPED(status)) {
		info.code = trace != NULL ? CLD_TRAPPED : CLD_STOPPED;
		info.status = trace != NULL ? status >> 8 : WSTOPSIG(status);
	} else {
		info.code = CLD_CONTINUED;
		info.status = SIGCONT;
	}
	error = info_address == 0 ? 0 : copy_out(call, info_address, &info, sizeof info);
	if (error == 0 && usage != 0) {
		memset(&times, 0, sizeof times);
		if (child != NULL)
			times_of_ended(child, &times);
		error = copy_out(call, usage, &times, sizeof times);
	}
	if (error == 0 || error == -EFAULT)
		tell(child, trace, &request);
	return call_result(error);
}
