/* Who a process is: ids of users, groups, processes, sessions. */
#include <stdlib.h>

#include "base/user.h"
#include "process/proc.h"
#include "unix_server.h"

#define UNCHANGED 0xffffffffu

int64_t sys_getpid(uint64_t caller)
{
	return call_of(caller)->process->id;
}

int64_t sys_gettid(uint64_t caller)
{
	return call_of(caller)->thread->id;
}

int64_t sys_getppid(uint64_t caller)
{
	struct process *parent = call_of(caller)->process->parent;

	return parent == NULL ? 0 : parent->id;
}

int64_t sys_getuid(uint64_t caller)
{
	return call_of(caller)->process->credentials.uid;
}

int64_t sys_geteuid(uint64_t caller)
{
	return call_of(caller)->process->credentials.euid;
}

int64_t sys_getgid(uint64_t caller)
{
	return call_of(caller)->process->credentials.gid;
}

int64_t sys_getegid(uint64_t caller)
{
	return call_of(caller)->process->credentials.egid;
}

static int64_t copy_three(struct call *call, const uint64_t address[3], const uint32_t value[3])
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		int error = copy_out(call, address[i], &value[i], sizeof value[i]);

		if (error != 0)
			return call_result(error);
	}
	return 0;
}

int64_t sys_getresuid(uint64_t caller, uint64_t uid, uint64_t euid, uint64_t suid)
{
	const struct credentials *who = &call_of(caller)->process->credentials;

	return copy_three(call_of(caller), (uint64_t[]){uid, euid, suid}, (uint32_t[]){who->uid, who->euid, who->suid});
}

int64_t sys_getresgid(uint64_t caller, uint64_t gid, uint64_t egid, uint64_t sgid)
{
	const struct credentials *who = &call_of(caller)->process->credentials;

	return copy_three(call_of(caller), (uint64_t[]){gid, egid, sgid}, (uint32_t[]){who->gid, who->egid, who->sgid});
}

/* Whether the process may take the id: one that it has already, or any if it is capable. */
static bool may_take(struct call *call, unsigned capability, uint32_t id, uint32_t a, uint32_t b, uint32_t c)
{
	return id == UNCHANGED || capable(call->process, capability) || id == a || id == b || id == c;
}

/* The new user ids; *move: what is left to do at the end (process_move). 0 or -errno. */
static int set_user_ids(struct call *call, int uid, int euid, int suid, struct process_move **move)
{
	struct credentials *who = &call->process->credentials;
	struct credentials before = *who;
	int error;

	*move = NULL;
	if (!may_take(call, CAP_SETUID, (uint32_t)uid, who->uid, who->euid, who->suid) ||
		!may_take(call, CAP_SETUID, (uint32_t)euid, who->uid, who->euid, who->suid) ||
		!may_take(call, CAP_SETUID, (uint32_t)suid, who->uid, who->euid, who->suid))
		return -EPERM;
	if (uid != -1 && (uint32_t)uid != who->uid) {
		error = process_prepare_move(call, (uint32_t)uid, move);
		if (error != 0)
			return error;
		who->uid = (uint32_t)uid;
	}
	if (process_follow_user(call->process) != 0) {
		who->uid = call->process->user->uid;
		process_drop_move(*move);
		return -EAGAIN;
	}
	if (euid != -1)
		who->euid = (uint32_t)euid;
	if (suid != -1)
		who->suid = (uint32_t)suid;
	who->fsuid = who->euid;
	capabilities_follow_ids(who, &before);
	process_ids_changed(call->process, &before);
	return 0;
}

int64_t sys_setresuid(uint64_t caller, int uid, int euid, int suid)
{
	struct process_move *move;
	int error = set_user_ids(call_of(caller), uid, euid, suid, &move);

	return error != 0 ? error : process_move(call_of(caller), move);
}

int64_t sys_setresgid(uint64_t caller, int gid, int egid, int sgid)
{
	struct call *call = call_of(caller);
	struct credentials *who = &call->process->credentials;
	struct credentials before = *who;

	if (!may_take(call, CAP_SETGID, (uint32_t)gid, who->gid, who->egid, who->sgid) ||
		!may_take(call, CAP_SETGID, (uint32_t)egid, who->gid, who->egid, who->sgid) ||
		!may_take(call, CAP_SETGID, (uint32_t)sgid, who->gid, who->egid, who->sgid))
		return -EPERM;
	if (gid != -1)
		who->gid = (uint32_t)gid;
	if (egid != -1)
		who->egid = (uint32_t)egid;
	if (sgid != -1)
		who->sgid = (uint32_t)sgid;
	who->fsgid = who->egid;
	process_ids_changed(call->process, &before);
	return 0;
}

int64_t sys_setuid(uint64_t caller, int uid)
{
	const struct process *process = call_of(caller)->process;

	if (uid == -1)
		return -EINVAL;
	if (capable(process, CAP_SETUID))
		return sys_setresuid(caller, uid, uid, uid);
	/* The effective one alone is no title to itself. */
	return (uint32_t)uid == process->credentials.uid || (uint32_t)uid == process->credentials.suid
		       ? sys_setresuid(caller, -1, uid, -1)
		       : -EPERM;
}

int64_t sys_setgid(uint64_t caller, int gid)
{
	const struct process *process = call_of(caller)->process;

	if (gid == -1)
		return -EINVAL;
	if (capable(process, CAP_SETGID))
		return sys_setresgid(caller, gid, gid, gid);
	return (uint32_t)gid == process->credentials.gid || (uint32_t)gid == process->credentials.sgid
		       ? sys_setresgid(caller, -1, gid, -1)
		       : -EPERM;
}

int64_t sys_setreuid(uint64_t caller, int uid, int euid)
{
	struct credentials *who = &call_of(caller)->process->credentials;
	uint32_t old = who->uid;
	struct process_move *move;
	int error = set_user_ids(call_of(caller), uid, euid, -1, &move);

	if (error != 0)
		return error;
	if (uid != -1 || (euid != -1 && (uint32_t)euid != old))
		who->suid = who->euid;
	return process_move(call_of(caller), move);
}

int64_t sys_setregid(uint64_t caller, int gid, int egid)
{
	struct credentials *who = &call_of(caller)->process->credentials;
	uint32_t old = who->gid;
	int64_t result = sys_setresgid(caller, gid, egid, -1);

	if (result == 0 && (gid != -1 || (egid != -1 && (uint32_t)egid != old)))
		who->sgid = who->egid;
	return result;
}

int64_t sys_setfsuid(uint64_t caller, int uid)
{
	struct call *call = call_of(caller);
	struct credentials *who = &call->process->credentials;
	struct credentials before = *who;
	uint32_t old = who->fsuid;

	if (uid != -1 &&
		(may_take(call, CAP_SETUID, (uint32_t)uid, who->uid, who->euid, who->suid) || (uint32_t)uid == old))
		who->fsuid = (uint32_t)uid;
	capabilities_follow_fsuid(who, old);
	process_ids_changed(call->process, &before);
	return old;
}

int64_t sys_setfsgid(uint64_t caller, int gid)
{
	struct call *call = call_of(caller);
	struct credentials *who = &call->process->credentials;
	struct credentials before = *who;
	uint32_t old = who->fsgid;

	if (gid != -1 &&
		(may_take(call, CAP_SETGID, (uint32_t)gid, who->gid, who->egid, who->sgid) || (uint32_t)gid == old))
		who->fsgid = (uint32_t)gid;
	process_ids_changed(call->process, &before);
	return old;
}

int64_t sys_getgroups(uint64_t caller, int count, uint64_t list)
{
	struct call *call = call_of(caller);
	const struct group_list *groups = call->process->credentials.groups;
	const unsigned have = groups != NULL ? groups->count : 0;
	int error = 0;

	if (count < 0 || (count != 0 && (unsigned)count < have))
		return -EINVAL;
	if (count != 0 && have != 0)
		error = copy_out(call, list, groups->id, have * sizeof groups->id[0]);
	return error != 0 ? call_result(error) : (int64_t)have;
}

static int by_number(const void *a, const void *b)
{
	const uint32_t first = *(const uint32_t *)a, second = *(const uint32_t *)b;

	return first < second ? -1 : first > second;
}

void group_list_release(struct group_list *groups)
{
	if (groups != NULL && --groups->references == 0)
		user_free(groups);
}

int64_t sys_setgroups(uint64_t caller, uint64_t count, uint64_t list)
{
	struct call *call = call_of(caller);
	struct credentials *who = &call->process->credentials;
	struct group_list *groups = NULL;
	int error = 0;

	if (!capable(call->process, CAP_SETGID))
		return -EPERM;
	count = (uint32_t)count;
	if (count > GROUPS_MAX)
		return -EINVAL;
	if (count != 0) {
		groups = user_alloc(call->process->user, sizeof *groups + count * sizeof groups->id[0]);
		if (groups == NULL)
			return -ENOMEM;
		groups->references = 1;
		groups->count = (unsigned)count;
		error = copy_in(call, groups->id, list, count * sizeof groups->id[0]);
	}
	for (uint64_t i = 0; i < count && error == 0; i++) {
		if (groups->id[i] == UNCHANGED)
			error = -EINVAL;
	}
	if (error != 0) {
		group_list_release(groups);
		return call_result(error);
	}
	if (groups != NULL)
		qsort(groups->id, count, sizeof groups->id[0], by_number);
	group_list_release(who->groups);
	who->groups = groups;
	return 0;
}

/* --- Groups of processes, sessions. */

int64_t sys_setpgid(uint64_t caller, int pid, int id)
{
	struct process *self = call_of(caller)->process, *process = pid == 0 ? self : process_find(pid);

	if (id < 0 || (id == 0 && pid < 0))
		return -EINVAL;
	if (process == NULL || (process != self && process->parent != self) || process->state == PROCESS_ZOMBIE)
		return -ESRCH;
	if (process != self && process->did_exec)
		return -EACCES;
	if (process->group->session->leader == process || process->group->session != self->group->session)
		return -EPERM;
	return process_set_group(process, id == 0 ? process->id : id);
}

int64_t sys_getpgid(uint64_t caller, int pid)
{
	struct process *process = pid == 0 ? call_of(caller)->process : process_find(pid);

	return process == NULL ? -ESRCH : process->group->id;
}

int64_t sys_getpgrp(uint64_t caller)
{
	return call_of(caller)->process->group->id;
}

int64_t sys_getsid(uint64_t caller, int pid)
{
	struct process *process = pid == 0 ? call_of(caller)->process : process_find(pid);

	return process == NULL ? -ESRCH : process->group->session->id;
}

int64_t sys_setsid(uint64_t caller)
{
	return process_new_session(call_of(caller)->process);
}
