/* Signals: queues, sending, actions. */
#include "process/signal.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/user.h"
#include "call/trace.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "signal/deliver.h"

#define STOP_SIGNALS (SIGNAL_BIT(SIGSTOP) | SIGNAL_BIT(SIGTSTP) | SIGNAL_BIT(SIGTTIN) | SIGNAL_BIT(SIGTTOU))

struct queued_signal {
	struct list link;
	struct user *user; /* counted there, which keeps it: the target's */
	struct signal_info info;
};

/* The last one is kept for the user's next: most signals are taken before another is sent. */
static void entry_free(struct queued_signal *entry)
{
	struct user *user = entry->user;

	if (user->spare_signal == NULL)
		user->spare_signal = entry;
	else
		user_free(entry);
	user_uncharge(user, USER_SIGNALS, 1);
}

void signal_queue_init(struct signal_queue *queue)
{
	queue->set = 0;
	list_init(&queue->entries);
}

void signal_queue_flush(struct signal_queue *queue, uint64_t set)
{
	list_for_each_safe (link, &queue->entries) {
		struct queued_signal *entry = list_entry(link, struct queued_signal, link);

		if (set & SIGNAL_BIT(entry->info.signal)) {
			list_remove(&entry->link);
			entry_free(entry);
		}
	}
	queue->set &= ~set;
}

/*
 * An entry for the process's queues. What the kernel or kill says always gets one, if there is memory; what sigqueue
 * says only up to RLIMIT_SIGPENDING.
 */
static struct queued_signal *entry_create(struct process *process, int signal, const struct signal_info *from)
{
	bool always = signal < SIGNAL_REAL_TIME && (from == NULL || from->code >= 0);
	struct user *user = process->user;
	struct queued_signal *entry;

	if (!user_charge(user, USER_SIGNALS, 1, always ? USER_NO_LIMIT : process->limit[RLIMIT_SIGPENDING].rlim_cur))
		return NULL;
	entry = user->spare_signal;
	user->spare_signal = NULL;
	if (entry == NULL)
		entry = user_alloc(user, sizeof *entry);
	if (entry != NULL)
		entry->user = user;
	else
		user_uncharge(user, USER_SIGNALS, 1);
	return entry;
}

/* from: null when the kernel sends it. 0, or -EAGAIN: a real-time signal with information that nobody may lose. */
static int enqueue(struct process *process, struct signal_queue *queue, int signal, const struct signal_info *from)
{
	struct queued_signal *entry;

	if (signal < SIGNAL_REAL_TIME && (queue->set & SIGNAL_BIT(signal)))
		return 0;
	entry = entry_create(process, signal, from);
	if (entry == NULL && signal >= SIGNAL_REAL_TIME && from != NULL && from->code != SI_USER)
		return -EAGAIN;
	queue->set |= SIGNAL_BIT(signal);
	/* Without an entry the signal arrives without its information. */
	if (entry == NULL)
		return 0;
	if (from != NULL)
		entry->info = *from;
	else
		entry->info = (struct signal_info){.code = SI_KERNEL};
	entry->info.signal = signal;
	list_append(&queue->entries, &entry->link);
	return 0;
}

static void dequeue(struct signal_queue *queue, int signal, struct signal_info *info)
{
	struct queued_signal *found = NULL;
	bool more = false;

	list_for_each (link, &queue->entries) {
		struct queued_signal *entry = list_entry(link, struct queued_signal, link);

		if (entry->info.signal != signal)
			continue;
		if (found != NULL) {
			more = true;
			break;
		}
		found = entry;
	}
	if (!more)
		queue->set &= ~SIGNAL_BIT(signal);
	if (found == NULL) {
		memset(info, 0, sizeof *info);
		info->signal = signal;
		return;
	}
	*info = found->info;
	list_remove(&found->link);
	entry_free(found);
}

bool signal_queue_look(const struct signal_queue *queue, uint64_t index, struct signal_info *info)
{
	list_for_each (link, &queue->entries) {
		if (index-- == 0) {
			*info = list_entry(link, struct queued_signal, link)->info;
			return true;
		}
	}
	return false;
}

int signal_take(struct thread *thread, uint64_t set, struct signal_info *info)
{
	struct signal_queue *queue = &thread->pending;
	uint64_t found;
	int signal;

	set &= ~SIGNAL_TRACED;
	found = queue->set & set;

	if (found == 0) {
		queue = &thread->process->pending;
		found = queue->set & set;
	}
	if (found == 0)
		return 0;
	signal = __builtin_ctzll(found) + 1;
	dequeue(queue, signal, info);
	return signal;
}

enum signal_default signal_default_action(int signal)
{
	switch (signal) {
	case SIGCHLD:
	case SIGURG:
	case SIGWINCH:
		return SIGNAL_IGNORED;
	case SIGCONT:
		return SIGNAL_CONTINUES;
	case SIGSTOP:
	case SIGTSTP:
	case SIGTTIN:
	case SIGTTOU:
		return SIGNAL_STOPS;
	default:
		return SIGNAL_TERMINATES;
	}
}

/* Init is deaf to what it has no handler for. The command of command mode is pid 1 and no init. */
static bool is_init(const struct process *process)
{
	return process == init_process && !init_is_command;
}

/* Whether an unblocked signal would have no effect. */
static bool ignored(const struct process *process, int signal)
{
	uint64_t handler = process->actions->action[signal - 1].handler;
	enum signal_default action = signal_default_action(signal);

	if (signal == SIGKILL || signal == SIGSTOP)
		return is_init(process);
	if (handler == 1)
		return true;
	return handler == 0 && (action == SIGNAL_IGNORED || action == SIGNAL_CONTINUES || is_init(process));
}

void signal_act_by_default(struct process *process, int signal)
{
	switch (signal_default_action(signal)) {
	case SIGNAL_TERMINATES:
		process_exit(process, signal);
		break;
	case SIGNAL_STOPS:
		if (signal == SIGSTOP || !group_is_orphaned(process->group))
			process_stop(process, signal);
		break;
	case SIGNAL_IGNORED:
	case SIGNAL_CONTINUES:
		break;
	}
}

bool signal_due_of(struct thread *thread, uint64_t set)
{
	struct process *process = thread->process;

	if (thread->dead || process->exiting || process->stopped)
		return false;
	if (thread->trace != NULL) /* its tracer sees those that are ignored, too */
		return (set & ~SIGNAL_TRACED) != 0 || thread->trace->interrupt;
	while (set != 0) {
		int signal = __builtin_ctzll(set) + 1;

		if (!ignored(process, signal))
			return true;
		signal_queue_flush(&thread->pending, SIGNAL_BIT(signal));
		signal_queue_flush(&process->pending, SIGNAL_BIT(signal));
		set &= set - 1;
	}
	return false;
}

bool signal_has_taker(const struct process *process, const struct thread *thread, int signal)
{
	const struct signal_queue *pending = thread != NULL ? &thread->pending : &process->pending;

	return process->actions != NULL && !(pending->set & SIGNAL_BIT(signal)) && !ignored(process, signal);
}

void signal_wake(struct thread *thread)
{
	if (signal_due(thread))
		deliver_kick(thread);
}

/* A thread that would take the signal now: the given one, else the first that does not block it. */
static struct thread *taker(struct process *process, struct thread *thread, int signal)
{
	if (thread != NULL)
		return thread->blocked & SIGNAL_BIT(signal) ? NULL : thread;
	list_for_each (link, &process->threads) {
		struct thread *candidate = list_entry(link, struct thread, link);

		if (!candidate->dead && !(candidate->blocked & SIGNAL_BIT(signal)))
			return candidate;
	}
	return NULL;
}

static int send(struct process *process, struct thread *thread, int signal, const struct signal_info *from)
{
	struct thread *target;
	int error;

	if (signal < 1 || signal > SIGNALS || process->state == PROCESS_ZOMBIE || process->exiting ||
		process->actions == NULL)
		return 0;
	if (signal == SIGCONT || signal == SIGKILL) {
		signal_queue_flush(&process->pending, STOP_SIGNALS);
		list_for_each (link, &process->threads)
			signal_queue_flush(&list_entry(link, struct thread, link)->pending, STOP_SIGNALS);
		process_continue(process);
	} else if (STOP_SIGNALS & SIGNAL_BIT(signal)) {
		signal_queue_flush(&process->pending, SIGNAL_BIT(SIGCONT));
	}
	target = signal == SIGKILL || signal == SIGSTOP ? list_entry(process->threads.next, struct thread, link)
							: taker(process, thread, signal);
	if (signal == SIGCONT)
		trace_continued(process);
	if (target != NULL && target->trace != NULL && signal != SIGKILL) {
		error = enqueue(process, thread != NULL ? &thread->pending : &process->pending, signal, from);
		if (error == 0)
			deliver_kick(target);
		return error;
	}
	if (target != NULL) {
		if (ignored(process, signal))
			return 0;
		if (process->actions->action[signal - 1].handler == 0 || signal == SIGKILL || signal == SIGSTOP) {
			signal_act_by_default(process, signal);
			return 0;
		}
	}
	error = enqueue(process, thread != NULL ? &thread->pending : &process->pending, signal, from);
	if (error != 0)
		return error;
	if (target != NULL) {
		deliver_kick(target); /* it neither blocks nor ignores it */
		return 0;
	}
	wait_queue_wake(&process->signal_queue, 0);
	/* Unless it has unblocked it meanwhile: sys_rt_sigprocmask, where the other half of this fence is. */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	target = taker(process, thread, signal);
	if (target != NULL)
		signal_wake(target);
	return 0;
}

int signal_process(struct process *process, int signal, const struct signal_info *info)
{
	return send(process, NULL, signal, info);
}

int signal_thread(struct thread *thread, int signal, const struct signal_info *info)
{
	return send(thread->process, thread, signal, info);
}

void signal_group(struct process_group *group, int signal, const struct signal_info *info)
{
	unsigned count, i;
	int *ids = process_ids(group, &count);

	for (i = 0; i < count; i++) {
		struct process *process = process_find(ids[i]);

		if (process != NULL)
			signal_process(process, signal, info);
	}
	free(ids);
}

struct signal_actions *signal_actions_copy(const struct signal_actions *actions, bool reset)
{
	struct signal_actions *copy = user_alloc(user_now(), sizeof *copy);
	unsigned i;

	if (copy == NULL)
		return NULL;
	if (actions != NULL)
		memcpy(copy->action, actions->action, sizeof copy->action);
	copy->references = 1;
	for (i = 0; reset && i < SIGNALS; i++) {
		if (copy->action[i].handler > 1)
			memset(&copy->action[i], 0, sizeof copy->action[i]);
	}
	return copy;
}

void signal_actions_release(struct signal_actions *actions)
{
	if (actions != NULL && --actions->references == 0)
		user_free(actions);
}

void signal_actions_exec(struct process *process)
{
	unsigned i;

	for (i = 0; i < SIGNALS; i++) {
		struct signal_action *action = &process->actions->action[i];

		if (action->handler > 1)
			action->handler = 0;
		action->flags = action->mask = action->restorer = 0;
	}
}
