/* Accounts of users: limits that leave memory to the servers, to root and to others, and who ends when there is none.
 */
#include "memory/accounts.h"

#include <mach/mach.h>
#include <mach/memory_notify_server.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "base/rights.h"
#include "base/user.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "memory/mm.h"
#include "memory/swap.h"
#include "process/proc.h"
#include "process/signal.h"

/*
 * A user other than root gets at most these parts of the machine's memory, the first of swap as well, so that no single one can take it all. The
 * kernel's objects for a process that does nothing are some ten KiB.
 */
#define USER_PAGES_PART  2
#define USER_KERNEL_PART 8

#define OOM_SCORE_ADJ_MOST 1000 /* proc(5) */

#define user_at(at) list_entry(at, struct user, account.link)

/* Users that have one. */
static struct list accounts = LIST_INITIALIZER(accounts);
static mach_port_t policy_port; /* where the kernel tells */

static uint64_t memory_size(void)
{
	static struct portolan_host_info info;
	mach_msg_type_number_t count = PORTOLAN_HOST_INFO_COUNT;

	if (info.memory_size == 0)
		portolan_host_info(host_privileged(), PORTOLAN_HOST_INFO, (uint64_t *)&info, &count);
	return info.memory_size;
}

static void look(struct user *user)
{
	struct account_info info = {0};

	account_info(user->account.port, (uint64_t *)&info);
	user->account.id = info.id;
	user->account.held = info.bytes + info.pages * VM_PAGE_SIZE;
}

static void limits_of(uint32_t uid, uint64_t *bytes, uint64_t *pages)
{
	uint64_t used;

	*bytes = uid == 0 ? ACCOUNT_NO_LIMIT : memory_size() / USER_KERNEL_PART;
	*pages = uid == 0 ? ACCOUNT_NO_LIMIT : (memory_size() + swap_bytes(&used)) / VM_PAGE_SIZE / USER_PAGES_PART;
}

void accounts_set_limits(void)
{
	list_for_each (link, &accounts) {
		const struct user *user = user_at(link);
		uint64_t bytes, pages;

		limits_of(user->uid, &bytes, &pages);
		/* Refused for one of which a Mach program has split a part: that stays as it was. */
		(void)account_set_limits(host_privileged(), user->account.port, bytes, pages);
	}
}

struct user *account_hold(uint32_t uid)
{
	struct user *user = user_of(uid);
	uint64_t bytes, pages;

	if (user == NULL)
		return NULL;
	if (user->account.spaces == 0) {
		limits_of(uid, &bytes, &pages);
		if (account_create(host_privileged(), FALSE, bytes, pages, &user->account.port) != KERN_SUCCESS) {
			user_release(user);
			return NULL;
		}
		look(user);
		list_append(&accounts, &user->account.link);
	}
	user->account.spaces++;
	return user;
}

void account_let_go(struct user *user)
{
	if (user == NULL)
		return;
	if (--user->account.spaces == 0) {
		list_remove(&user->account.link);
		mach_port_deallocate(mach_task_self(), user->account.port);
		user->account.port = MACH_PORT_NULL;
	}
	user_release(user);
}

/* --- When memory is short. */

/* What a process has, in bytes. */
static uint64_t size_of(const struct process *process)
{
	struct portolan_task_info info = {0};
	mach_msg_type_number_t count = PORTOLAN_TASK_INFO_COUNT;

	portolan_task_info(process->memory->task, PORTOLAN_TASK_INFO, (uint64_t *)&info, &count);
	return info.resident_size;
}

/* How soon it is ended, by what it has and what was asked for (oom_score_adj of proc(5)); 0: never. */
static uint64_t score_of(const struct process *process)
{
	int64_t score = (int64_t)size_of(process) + 1 + process->oom_score_adj * (int64_t)(memory_size() / OOM_SCORE_ADJ_MOST);

	return process->oom_score_adj == -OOM_SCORE_ADJ_MOST ? 0 : score <= 0 ? 1 : (uint64_t)score;
}

/*
 * The process of the account with the id that is to be ended first, or, 0, of the largest account that has one; never pid 1. *ending: one
 * is on its way out already, so that nobody else need be ended yet. Server locked.
 */
static struct process *largest(uint64_t id, bool *ending)
{
	const struct user *of = NULL;
	struct process *found = NULL;
	uint64_t most = 0;

	*ending = false;
	list_for_each (link, &processes) {
		struct process *process = list_entry(link, struct process, link);
		const struct user *payer = process->memory != NULL ? process->memory->payer : NULL;
		uint64_t size;

		if (payer == NULL || process->id == 1 || (id != 0 && payer->account.id != id))
			continue;
		if (process->exiting) {
			*ending = true;
			continue;
		}
		size = score_of(process);
		if (size == 0)
			continue;
		if (found == NULL || (payer != of ? payer->account.held > of->account.held : size > most)) {
			found = process;
			of = payer;
			most = size;
		}
	}
	return found;
}

static void ask(uint64_t gave_up)
{
	if (host_memory_notice(host_privileged(), policy_port, (unsigned)gave_up) != KERN_SUCCESS)
		fprintf(stderr, "nobody will be ended when memory is short\n");
}

kern_return_t S_memory_short(mach_port_t notify, unsigned account_id, boolean_t at_limit)
{
	struct process *process;
	char text[128] = "";
	bool ending;

	(void)notify;
	server_lock();
	list_for_each (link, &accounts)
		look(user_at(link));
	process = largest(at_limit ? account_id : 0, &ending);
	if (process != NULL && !ending) {
		snprintf(text, sizeof text,
			"%s has no memory left: process %d (%s) of user %u, with %llu KiB, is ended\n",
			at_limit ? "the user" : "the machine", process->id, process->command,
			process->memory->payer->uid, (unsigned long long)size_of(process) >> 10);
		signal_process(process, SIGKILL, NULL);
	}
	server_leave();
	if (text[0] != 0)
		fputs(text, stderr);
	ask(process == NULL && !ending ? account_id : 0);
	return KERN_SUCCESS;
}

void memory_policy_start(void)
{
	policy_port = server_port_create(0);
	ask(0);
}
