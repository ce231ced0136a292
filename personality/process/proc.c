/* The tables of processes, threads and process groups; sessions; job control. */
#include "process/proc.h"

#include <mach/mach.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "base/user.h"
#include "call/dispatch.h"
#include "process/claim.h"
#include "process/rlimit.h"

#define COUNT_PAGES 64 /* pages of memory for each process of a user */

struct list processes = LIST_INITIALIZER(processes);
struct process *init_process;
bool init_is_command;

static struct table processes_by_id = TABLE_INITIALIZER(processes_by_id), groups_by_id = TABLE_INITIALIZER(groups_by_id);
static struct table threads_by_id = TABLE_INITIALIZER(threads_by_id);
static struct table threads_by_port = TABLE_INITIALIZER(threads_by_port);
struct thread *thread_place[PROCESS_ID_MAX];

void threads_start(void)
{
	/* One store in each page. */
	for (unsigned i = 0; i < PROCESS_ID_MAX; i += 4096 / sizeof(thread_place[0]))
		__atomic_store_n(&thread_place[i], NULL, __ATOMIC_RELAXED);
}
static int last_id;
/* Payloads of ports: small ones are interrupts'. */
static uint64_t last_serial = 1ull << 32;

/* --- Finding. */

struct process *process_find(int id)
{
	struct table_link *link = table_find(&processes_by_id, (unsigned)id);

	return link == NULL ? NULL : table_entry(link, struct process, by_id);
}

struct thread *thread_find(int id)
{
	struct table_link *link = table_find(&threads_by_id, (unsigned)id);

	return link == NULL ? NULL : table_entry(link, struct thread, by_id);
}

struct process_group *group_find(int id)
{
	struct table_link *link = table_find(&groups_by_id, (unsigned)id);

	return link == NULL ? NULL : table_entry(link, struct process_group, by_id);
}

/* Who runs on it now. */
static struct thread *borrower(struct thread *thread)
{
	while (thread->lent != NULL)
		thread = thread->lent;
	return thread;
}

struct thread *thread_of_word(uint64_t word, uint64_t payload)
{
	struct table_link *link = table_find(&threads_by_id, word);
	struct thread *thread;

	if (link == NULL)
		return NULL;
	thread = table_entry(link, struct thread, by_id);
	/* The word is the program's to forge, the payload is not. */
	return thread->borrowed || thread->process->serial != payload ? NULL : borrower(thread);
}

struct thread *thread_of_dead_port(mach_port_t port)
{
	struct table_link *link = table_find(&threads_by_port, table_key_of_port(port));
	struct thread *thread = link == NULL ? NULL : table_entry(link, struct thread, by_port);

	return thread == NULL || thread->dead ? NULL : thread;
}

struct thread *thread_of_port(mach_port_t port, uint64_t payload)
{
	struct thread *thread = thread_of_dead_port(port);

	return thread == NULL || thread->process->serial != payload ? NULL : borrower(thread);
}

int allocate_id(void)
{
	int tries;

	for (tries = 0; tries < PROCESS_ID_MAX; tries++) {
		last_id = last_id >= PROCESS_ID_MAX - 1 ? 300 : last_id + 1;
		if (thread_find(last_id) == NULL && process_find(last_id) == NULL && group_find(last_id) == NULL)
			return last_id;
	}
	return 0;
}

/* --- Making. */

uint64_t process_new_serial(void)
{
	return ++last_serial;
}

int *process_ids(const struct process_group *group, unsigned *count)
{
	const struct list *all = group != NULL ? &group->members : &processes;
	unsigned room = 0;
	int *ids;

	*count = 0;
	list_for_each (link, all)
		room++;
	ids = malloc((room + 1) * sizeof *ids);
	if (ids == NULL)
		return NULL;
	list_for_each (link, all)
		ids[(*count)++] = (group != NULL ? list_entry(link, struct process, group_link)
						 : list_entry(link, struct process, link))
					  ->id;
	return ids;
}

void process_unhash(struct process *process)
{
	table_remove(&processes_by_id, &process->by_id);
}

void thread_unhash(struct thread *thread)
{
	__atomic_store_n(thread_place_of((unsigned)thread->id), NULL, __ATOMIC_RELAXED);
	table_remove(&threads_by_id, &thread->by_id);
	table_remove(&threads_by_port, &thread->by_port);
}

void thread_rehash(struct thread *thread, int id)
{
	thread->id = id;
	table_add(&threads_by_id, &thread->by_id, (unsigned)id);
}

void thread_set_port(struct thread *thread, mach_port_t port)
{
	table_remove(&threads_by_port, &thread->by_port);
	thread->port = port;
	table_add(&threads_by_port, &thread->by_port, table_key_of_port(port));
}

void process_count(struct process *process, int more)
{
	process->counted += (unsigned)more;
	if (more > 0)
		user_charge(process->user, USER_PROCESSES, (uint64_t)more, USER_NO_LIMIT);
	else
		user_uncharge(process->user, USER_PROCESSES, (uint64_t)-more);
}

int process_follow_user(struct process *process)
{
	struct user *old = process->user, *user;

	if (old->uid == process->credentials.uid)
		return 0;
	user = user_of(process->credentials.uid);
	if (user == NULL)
		return -EAGAIN;
	user_charge(user, USER_PROCESSES, process->counted, USER_NO_LIMIT);
	process->user = user;
	user_uncharge(old, USER_PROCESSES, process->counted);
	user_release(old);
	return 0;
}

struct thread *thread_create_for(struct process *process, int id)
{
	struct thread *thread = user_alloc(process->user, sizeof *thread);

	if (thread == NULL)
		return NULL;
	thread->id = id;
	thread->process = process;
	signal_queue_init(&thread->pending);
	list_init(&thread->call.ready.link);
	thread->call.thread = thread;
	thread->call.process = process;
	thread_rehash(thread, id);
	list_append(&process->threads, &thread->link);
	process->thread_count++;
	if (id != process->id) {
		thread->counted = true;
		process_count(process, 1);
	}
	memcpy(thread->name, process->command, sizeof thread->name);
	return thread;
}

/* How many processes and queued signals a user may have: as Linux, one for each 256 KiB of memory. */
static uint64_t default_count(void)
{
	vm_statistics_data_t memory = {0};

	vm_statistics(mach_task_self(), &memory);
	return memory.total_count / COUNT_PAGES;
}

static void default_limits(struct process *process)
{
	uint64_t count = default_count();
	unsigned i;

	for (i = 0; i < RLIM_NLIMITS; i++)
		process->limit[i].rlim_cur = process->limit[i].rlim_max = RLIM64_INFINITY;
	process->limit[RLIMIT_STACK].rlim_cur = 8ull << 20;
	process->limit[RLIMIT_CORE].rlim_cur = 0;
	process->limit[RLIMIT_NOFILE].rlim_cur = FD_LIMIT_DEFAULT;
	process->limit[RLIMIT_NOFILE].rlim_max = FD_LIMIT_MAX;
	process->limit[RLIMIT_NPROC].rlim_cur = process->limit[RLIMIT_NPROC].rlim_max = count;
	process->limit[RLIMIT_MEMLOCK].rlim_cur = process->limit[RLIMIT_MEMLOCK].rlim_max = 8ull << 20;
	process->limit[RLIMIT_SIGPENDING].rlim_cur = process->limit[RLIMIT_SIGPENDING].rlim_max = count;
	process->limit[RLIMIT_MSGQUEUE].rlim_cur = process->limit[RLIMIT_MSGQUEUE].rlim_max = 819200;
	process->limit[RLIMIT_NICE].rlim_cur = process->limit[RLIMIT_NICE].rlim_max = 0;
	process->limit[RLIMIT_RTPRIO].rlim_cur = process->limit[RLIMIT_RTPRIO].rlim_max = 0;
}

struct process *process_create(struct process *parent)
{
	struct process *process = user_alloc(parent != NULL ? parent->user : NULL, sizeof *process);

	if (process == NULL)
		return NULL;
	process->id = allocate_id();
	process->user = parent != NULL ? user_reference(parent->user) : user_of(0);
	if (process->id == 0 || process->user == NULL) {
		user_release(process->user);
		user_free(process);
		return NULL;
	}
	process_count(process, 1);
	process->serial = process->call_payload = process_new_serial();
	process->parent = parent;
	process->exit_signal = SIGCHLD;
	process->dumpable = true;
	process->started = clock_monotonic();
	list_init(&process->children);
	list_init(&process->reporting);
	list_init(&process->sibling);
	list_init(&process->group_link);
	list_init(&process->threads);
	list_init(&process->posix_timers);
	list_init(&process->semaphore_undos);
	list_init(&process->descriptors);
	list_init(&process->tracees);
	list_init(&process->trace_reports);
	signal_queue_init(&process->pending);
	wait_queue_init(&process->child_queue);
	wait_queue_init(&process->signal_queue);
	list_append(&processes, &process->link);
	table_add(&processes_by_id, &process->by_id, (unsigned)process->id);
	process->login_uid = parent != NULL ? parent->login_uid : UINT32_MAX;
	process->login_session = parent != NULL ? parent->login_session : UINT32_MAX;
	if (parent == NULL) {
		default_limits(process);
		process->credentials.effective = process->credentials.permitted = process->credentials.bounding =
			CAPABILITIES_ALL;
		return process;
	}
	list_append(&parent->children, &process->sibling);
	process->parent_serial = parent->serial;
	process->group = parent->group;
	list_append(&parent->group->members, &process->group_link);
	process->credentials = parent->credentials;
	if (process->credentials.groups != NULL)
		process->credentials.groups->references++;
	memcpy(process->limit, parent->limit, sizeof process->limit);
	process->nice = parent->nice;
	process->left_terminal = parent->left_terminal;
	process->dumpable = parent->dumpable;
	process->oom_score_adj = parent->oom_score_adj;
	process->oom_score_adj_least = parent->oom_score_adj_least;
	memcpy(process->command, parent->command, sizeof process->command);
	process->argument_start = parent->argument_start;
	process->argument_end = parent->argument_end;
	process->environment_start = parent->environment_start;
	process->environment_end = parent->environment_end;
	process->auxiliary_start = parent->auxiliary_start;
	process->auxiliary_end = parent->auxiliary_end;
	rlimit_watch_processor(process);
	return process;
}

/* --- Groups and sessions. */

void session_release(struct session *session)
{
	if (--session->references == 0)
		free(session);
}

static struct process_group *group_create(int id, struct session *session)
{
	struct process_group *group = calloc(1, sizeof *group);

	if (group == NULL)
		return NULL;
	group->id = id;
	group->session = session;
	session->references++;
	list_init(&group->members);
	table_add(&groups_by_id, &group->by_id, (unsigned)id);
	return group;
}

void process_leave_group(struct process *process)
{
	struct process_group *group = process->group;

	process->group = NULL;
	list_remove(&process->group_link);
	if (group != NULL && process->stopped)
		group->stopped--;
	if (group == NULL || !list_empty(&group->members))
		return;
	tty_group_gone(group);
	table_remove(&groups_by_id, &group->by_id);
	session_release(group->session);
	free(group);
}

static void join(struct process *process, struct process_group *group)
{
	process_leave_group(process);
	process->group = group;
	list_append(&group->members, &process->group_link);
	if (process->stopped)
		group->stopped++;
}

int process_set_group(struct process *process, int id)
{
	struct process_group *group = group_find(id), *old = process->group;
	struct session *session = old->session;

	if (group == old)
		return 0;
	if (group == NULL) {
		if (id != process->id)
			return -EPERM;
		group = group_create(id, session);
		if (group == NULL)
			return -ENOMEM;
	} else if (group->session != session) {
		return -EPERM;
	}
	join(process, group);
	list_for_each (link, &process->children)
		group_check_orphaned(list_entry(link, struct process, sibling)->group);
	list_for_each (link, &process->reporting)
		group_check_orphaned(list_entry(link, struct process, sibling)->group);
	return 0;
}

void process_first_group(struct process *process, struct process_group *group, struct session *session)
{
	session->id = group->id = process->id;
	session->leader = process;
	session->references = 1;
	group->session = session;
	list_init(&group->members);
	table_add(&groups_by_id, &group->by_id, (unsigned)group->id);
	join(process, group);
}

int process_new_session(struct process *process)
{
	struct session *session;
	struct process_group *group;

	if (group_find(process->id) != NULL)
		return -EPERM;
	session = calloc(1, sizeof *session);
	if (session == NULL)
		return -ENOMEM;
	session->references = 1;
	session->id = process->id;
	session->leader = process;
	group = group_create(process->id, session);
	session_release(session);
	if (group == NULL)
		return -ENOMEM;
	join(process, group);
	process->left_terminal = false;
	return process->id;
}

bool group_is_orphaned(const struct process_group *group)
{
	list_for_each (link, &group->members) {
		struct process *process = list_entry(link, struct process, group_link);

		if (process->state == PROCESS_RUNNING && process->parent != NULL && process->parent != init_process &&
			process->parent->group != NULL && process->parent->group != group &&
			process->parent->group->session == group->session)
			return false;
	}
	return true;
}

void group_check_orphaned(struct process_group *group)
{
	if (group == NULL || group->stopped == 0 || !group_is_orphaned(group))
		return;
	signal_group(group, SIGHUP, NULL);
	signal_group(group, SIGCONT, NULL);
}

/* --- Job control. */

static void tell_parent(struct process *process, int code, int status)
{
	struct process *parent = process->parent;
	struct signal_info info;

	process_note_report(process);
	if (parent == NULL)
		return;
	memset(&info, 0, sizeof info);
	info.signal = SIGCHLD;
	info.code = code;
	info.pid = process->id;
	info.uid = process->credentials.uid;
	info.status = status;
	if (!(parent->actions->action[SIGCHLD - 1].flags & SA_NOCLDSTOP))
		signal_process(parent, SIGCHLD, &info);
	wait_queue_wake(&parent->child_queue, 0);
}

void process_set_stopped(struct process *process, bool stopped)
{
	if (stopped != process->stopped && process->group != NULL)
		process->group->stopped += stopped ? 1 : -1u;
	process->stopped = stopped;
}

void process_note_report(struct process *process)
{
	struct process *parent = process->parent;
	bool reports = process->state == PROCESS_ZOMBIE || (process->stopped && !process->stop_reported) ||
		       process->continued;

	if (parent == NULL || reports == process->reports)
		return;
	process->reports = reports;
	list_remove(&process->sibling);
	list_append(reports ? &parent->reporting : &parent->children, &process->sibling);
}

void process_stop(struct process *process, int signal)
{
	if (process->stopped || process->exiting)
		return;
	process_set_stopped(process, true);
	process->stop_signal = signal;
	process->stop_reported = false;
	process->continued = false;
	list_for_each (link, &process->threads) {
		struct thread *thread = list_entry(link, struct thread, link);

		if (thread->lent == NULL)
			thread_suspend(thread->port);
	}
	tell_parent(process, CLD_STOPPED, signal);
}

void process_continue(struct process *process)
{
	if (!process->stopped)
		return;
	process_set_stopped(process, false);
	process->continued = true;
	list_for_each (link, &process->threads) {
		struct thread *thread = list_entry(link, struct thread, link);

		if (thread->lent == NULL)
			thread_resume(thread->port);
		call_resume_ready(&thread->call);
	}
	list_for_each_safe (link, &process->threads)
		signal_wake(list_entry(link, struct thread, link));
	tell_parent(process, CLD_CONTINUED, SIGCONT);
}

/* --- Rights. */

bool may_signal(const struct process *sender, const struct process *target, int signal)
{
	const struct credentials *from = &sender->credentials, *to = &target->credentials;

	return capable(sender, CAP_KILL) || from->euid == to->suid || from->euid == to->uid || from->uid == to->suid ||
	       from->uid == to->uid || (signal == SIGCONT && sender->group->session == target->group->session);
}

/* The one check of the access modes: the caller is uid and gid, with these capabilities. */
static bool may_access(
	const struct process *process, uint32_t uid, uint32_t gid, uint64_t has, const struct process *target)
{
	const struct credentials *whom = &target->credentials;

	if (process == target || capable(process, CAP_SYS_PTRACE))
		return true;
	return target->dumpable && (whom->permitted & ~has) == 0 && uid == whom->euid && uid == whom->suid && uid == whom->uid &&
	       gid == whom->egid && gid == whom->sgid && gid == whom->gid;
}

bool process_may_inspect(const struct process *process, const struct process *target)
{
	const struct credentials *who = &process->credentials;

	return may_access(process, who->fsuid, who->fsgid, who->effective, target);
}

bool process_may_attach(const struct process *process, const struct process *target)
{
	const struct credentials *who = &process->credentials;

	return may_access(process, who->uid, who->gid, who->permitted, target);
}

void process_ids_changed(struct process *process, const struct credentials *before)
{
	const struct credentials *now = &process->credentials;

	if (now->euid != before->euid || now->egid != before->egid || now->fsuid != before->fsuid ||
		now->fsgid != before->fsgid || (now->permitted & ~before->permitted) != 0) {
		process->dumpable = false;
		process->parent_death_signal = 0;
	}
	if (now->uid != before->uid)
		rlimit_user_changed(process);
}

bool in_group_as(const struct credentials *credentials, uint32_t own, uint32_t gid)
{
	const struct group_list *groups = credentials->groups;
	unsigned low = 0, high = groups != NULL ? groups->count : 0;

	if (own == gid)
		return true;
	while (low < high) {
		unsigned middle = (low + high) / 2;

		if (groups->id[middle] == gid)
			return true;
		if (groups->id[middle] < gid)
			low = middle + 1;
		else
			high = middle;
	}
	return false;
}

bool in_group(const struct credentials *credentials, uint32_t gid)
{
	return in_group_as(credentials, credentials->fsgid, gid);
}
