/* Sets of semaphores: semget, semop, semtimedop, semctl. */
#include <stdlib.h>
#include <string.h>
#include <sys/sem.h>

#include "base/user.h"
#include "call/call.h"
#include "file/poll.h"
#include "ipc/sysv.h"
#include "process/proc.h"
#include "unix_server.h"

#define VALUE_MOST      32767 /* semop(2): SEMVMX */
#define ADJUST_MOST     32767 /* SEMAEM: what SEM_UNDO may add up to */
#define OPERATIONS_MOST 500   /* of one call, whatever the setting says: a call's operations are copied to the stack */
#define UNDO_SIZE       20    /* semusz of IPC_INFO, a number that nobody uses any more */

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

/*
 * A call that cannot be done sleeps at the semaphore that stopped it: on `more` while its value is too small, on `zero`
 * while it is not zero. So only those are looked at, when a value has changed, to whom it may matter.
 */
struct semaphore {
	int value;
	int changer; /* process that changed it last, or looked at it by a call that was done */
	struct list more, zero;
	unsigned wait_more, wait_zero; /* how many: semncnt, semzcnt */
	struct list changed;           /* on the set's when its sleepers have still to be looked at */
};

struct set {
	struct sysv_object object; /* first */
	unsigned count;
	int64_t operated; /* s */
	struct list undos;
	struct list changed; /* semaphores */
	struct semaphore semaphore[];
};

/* What is to be added to a set's semaphores when a process ends: one for each process and set. */
struct undo {
	struct list of_set, of_process;
	struct table_link by_owner;
	struct set *set;
	struct process *process;
	int16_t adjust[];
};

struct sleeper {
	struct sysv_sleeper sysv; /* first */
	struct set *set;
	struct undo *undo; /* null: none of the operations asks for it */
	struct process *process;
	unsigned at;  /* the semaphore, */
	bool at_zero; /* and which of its lists */
	unsigned count;
	struct sembuf operation[];
};

static struct table undos = TABLE_INITIALIZER(undos);
static uint64_t semaphores_in_use;

static struct set *set_of(struct sysv_object *object)
{
	return (struct set *)(void *)object;
}

/* --- Undoing. */

static uint64_t owner_key(const struct process *process, const struct set *set)
{
	return (uint64_t)(unsigned)process->id << 32 ^ (unsigned)set->object.id ^ (unsigned)process->id;
}

static struct undo *undo_find(const struct process *process, const struct set *set)
{
	struct table_link *link = table_find(&undos, owner_key(process, set));

	while (link != NULL) {
		struct undo *undo = table_entry(link, struct undo, by_owner);

		if (link->key == owner_key(process, set) && undo->process == process && undo->set == set)
			return undo;
		link = link->next;
	}
	return NULL;
}

/* Null: no memory. */
static struct undo *undo_of(struct process *process, struct set *set)
{
	struct undo *undo = undo_find(process, set);

	if (undo != NULL)
		return undo;
	undo = user_alloc(process->user, sizeof *undo + set->count * sizeof undo->adjust[0]);
	if (undo == NULL)
		return NULL;
	undo->set = set;
	undo->process = process;
	list_append(&set->undos, &undo->of_set);
	list_append(&process->semaphore_undos, &undo->of_process);
	table_add(&undos, &undo->by_owner, owner_key(process, set));
	return undo;
}

static void undo_free(struct undo *undo)
{
	list_remove(&undo->of_set);
	list_remove(&undo->of_process);
	table_remove(&undos, &undo->by_owner);
	user_free(undo);
}

/* A value was set: what was done before is not to be undone. */
static void undo_forget(struct set *set, unsigned at)
{
	list_for_each (link, &set->undos)
		list_entry(link, struct undo, of_set)->adjust[at] = 0;
}

/* --- Operations. */

enum outcome { DONE, BLOCKED, WRONG };

/* Its value is another one: who waits for that is to be looked at (serve). */
static void note_change(struct set *set, struct semaphore *semaphore)
{
	list_remove(&semaphore->changed);
	list_append(&set->changed, &semaphore->changed);
}

/* Takes the first `count` operations back. */
static void take_back(struct set *set, const struct sembuf *operation, unsigned count, struct undo *undo)
{
	while (count-- > 0) {
		set->semaphore[operation[count].sem_num].value -= operation[count].sem_op;
		if (operation[count].sem_flg & SEM_UNDO)
			undo->adjust[operation[count].sem_num] =
				(int16_t)(undo->adjust[operation[count].sem_num] + operation[count].sem_op);
	}
}

/*
 * All of the operations or none. BLOCKED: *at is the operation that has to wait. WRONG: one of them would exceed what a
 * semaphore or its undoing can have.
 */
static enum outcome operate(struct set *set, const struct sembuf *operation, unsigned count, struct undo *undo,
	const struct process *process, unsigned *at)
{
	enum outcome outcome = DONE;
	unsigned i;

	for (i = 0; i < count; i++) {
		struct semaphore *semaphore = &set->semaphore[operation[i].sem_num];
		const int value = semaphore->value + operation[i].sem_op;

		if (value < 0 || (operation[i].sem_op == 0 && semaphore->value != 0))
			outcome = BLOCKED;
		else if (value > VALUE_MOST)
			outcome = WRONG;
		else if (operation[i].sem_flg & SEM_UNDO) {
			const int adjust = undo->adjust[operation[i].sem_num] - operation[i].sem_op;

			if (adjust < -ADJUST_MOST - 1 || adjust > ADJUST_MOST)
				outcome = WRONG;
			else
				undo->adjust[operation[i].sem_num] = (int16_t)adjust;
		}
		if (outcome != DONE) {
			take_back(set, operation, i, undo);
			*at = i;
			return outcome;
		}
		semaphore->value = value;
	}
	for (i = 0; i < count; i++) {
		struct semaphore *semaphore = &set->semaphore[operation[i].sem_num];

		semaphore->changer = process->id;
		if (operation[i].sem_op != 0)
			note_change(set, semaphore);
	}
	set->operated = sysv_now();
	return DONE;
}

/* --- Sleeping. */

static void leave(struct sleeper *sleeper)
{
	struct semaphore *semaphore = &sleeper->set->semaphore[sleeper->at];

	list_remove(&sleeper->sysv.link);
	(sleeper->at_zero ? &semaphore->wait_zero : &semaphore->wait_more)[0]--;
}

static void join(struct sleeper *sleeper, unsigned at)
{
	struct semaphore *semaphore;

	sleeper->at = sleeper->operation[at].sem_num;
	sleeper->at_zero = sleeper->operation[at].sem_op == 0;
	semaphore = &sleeper->set->semaphore[sleeper->at];
	list_append(sleeper->at_zero ? &semaphore->zero : &semaphore->more, &sleeper->sysv.link);
	(sleeper->at_zero ? &semaphore->wait_zero : &semaphore->wait_more)[0]++;
}

/* Its call ends, by a signal or because its time has passed. */
static void sleeper_left(struct sysv_sleeper *sysv)
{
	leave((struct sleeper *)(void *)sysv);
}

static void wake(struct sleeper *sleeper, int64_t result)
{
	leave(sleeper);
	sysv_wake(&sleeper->sysv, result);
}

/* What those on a list wait for may be there. Each is done, stays, or waits for another semaphore. */
static void serve_list(struct set *set, struct list *list)
{
	list_for_each_safe (link, list) {
		struct sleeper *sleeper = list_entry(link, struct sleeper, sysv.link);
		unsigned at;

		if (!sysv_is_asleep(&sleeper->sysv))
			continue;
		if (sleeper->set->semaphore[sleeper->at].value == 0 && !sleeper->at_zero)
			return; /* what there was has been taken */
		switch (operate(set, sleeper->operation, sleeper->count, sleeper->undo, sleeper->process, &at)) {
		case DONE:
			wake(sleeper, 0);
			break;
		case WRONG:
			wake(sleeper, -ERANGE);
			break;
		case BLOCKED:
			if (sleeper->operation[at].sem_flg & IPC_NOWAIT) {
				wake(sleeper, -EAGAIN);
			} else if (sleeper->operation[at].sem_num != sleeper->at ||
				   (sleeper->operation[at].sem_op == 0) != sleeper->at_zero) {
				leave(sleeper);
				join(sleeper, at);
			}
			break;
		}
	}
}

/* After changes: all for whom something may be there, and those for whom what they do makes it so. */
static void serve(struct set *set)
{
	while (!list_empty(&set->changed)) {
		struct semaphore *semaphore = list_entry(set->changed.next, struct semaphore, changed);

		list_remove(&semaphore->changed);
		serve_list(set, semaphore->value == 0 ? &semaphore->zero : &semaphore->more);
	}
}

static int64_t go_to_sleep(struct call *call, struct set *set, const struct sembuf *operation, unsigned count,
	struct undo *undo, unsigned at)
{
	struct sleeper *sleeper =
		user_alloc(call->process->user, sizeof *sleeper + count * sizeof sleeper->operation[0]);

	if (sleeper == NULL)
		return -ENOMEM;
	sleeper->set = set;
	sleeper->undo = undo;
	sleeper->process = call->process;
	sleeper->count = count;
	sleeper->sysv.left = sleeper_left;
	memcpy(sleeper->operation, operation, count * sizeof operation[0]);
	sysv_sleep(call, &sleeper->sysv, sysv_sleeper_end);
	join(sleeper, at);
	return call_wait(call);
}

/* --- The calls. */

static int find(int id, struct set **out)
{
	struct sysv_object *object;
	int error = sysv_of_id(&sysv_sets, id, &object);

	*out = set_of(object);
	return error;
}

static int64_t make(struct call *call, int32_t key, int count, int flags)
{
	struct set *set;

	if (count == 0)
		return -EINVAL;
	if (semaphores_in_use + (unsigned)count > sysv_settings.semaphores)
		return -ENOSPC;
	set = user_alloc(call->process->user, sizeof *set + (unsigned)count * sizeof set->semaphore[0]);
	if (set == NULL)
		return -ENOMEM;
	if (!sysv_enter(&sysv_sets, &set->object, call, key, flags, sysv_settings.sets)) {
		user_free(set);
		return -ENOSPC;
	}
	list_init(&set->undos);
	list_init(&set->changed);
	set->count = (unsigned)count;
	semaphores_in_use += set->count;
	for (int i = 0; i < count; i++) {
		list_init(&set->semaphore[i].more);
		list_init(&set->semaphore[i].zero);
		list_init(&set->semaphore[i].changed);
	}
	return set->object.id;
}

int64_t sys_semget(uint64_t caller, unsigned key, int count, unsigned flags)
{
	struct call *call = call_of(caller);
	struct sysv_object *object;
	int error;

	if (count < 0 || (unsigned)count > sysv_settings.set_size)
		return -EINVAL;
	error = sysv_get(&sysv_sets, (int)key, (int)flags, &object);
	if (error != 0)
		return error;
	if (object == NULL)
		return make(call, (int)key, count, (int)flags);
	if ((unsigned)count > set_of(object)->count)
		return -EINVAL;
	return sysv_may(call->process, object, flags) ? object->id : -EACCES;
}

/* A first run of semop, whose operations are copied. */
static int64_t begin(struct call *call, int id, struct sembuf *operation, unsigned count)
{
	bool alters = false, undoes = false;
	struct undo *undo = NULL;
	struct set *set;
	unsigned i, at, highest = 0;
	int error = find(id, &set);

	if (error != 0)
		return error;
	for (i = 0; i < count; i++) {
		highest = operation[i].sem_num > highest ? operation[i].sem_num : highest;
		alters = alters || operation[i].sem_op != 0;
		undoes = undoes || operation[i].sem_flg & SEM_UNDO;
	}
	if (highest >= set->count)
		return -EFBIG;
	if (!sysv_may(call->process, &set->object, alters ? 0222 : 0444))
		return -EACCES;
	if (undoes) {
		undo = undo_of(call->process, set);
		if (undo == NULL)
			return -ENOMEM;
	}
	switch (operate(set, operation, count, undo, call->process, &at)) {
	case DONE:
		serve(set);
		return 0;
	case WRONG:
		return -ERANGE;
	default:
		if (operation[at].sem_flg & IPC_NOWAIT || call->timed_out)
			return -EAGAIN;
		return go_to_sleep(call, set, operation, count, undo, at);
	}
}

int64_t sys_semtimedop(uint64_t caller, int id, uint64_t operations, uint64_t count, uint64_t timeout)
{
	struct call *call = call_of(caller);
	const struct sysv_sleeper *sleeper = call->scratch;
	struct sembuf operation[OPERATIONS_MOST];
	int error;

	if (sleeper != NULL)
		return sleeper->woken ? sleeper->result : call->timed_out ? -EAGAIN : call_wait(call);
	if (count == 0 || id < 0)
		return -EINVAL;
	if (count > sysv_settings.operations || count > OPERATIONS_MOST)
		return -E2BIG;
	error = copy_in(call, operation, operations, count * sizeof operation[0]);
	if (error == 0)
		error = deadline_from_timespec(call, timeout);
	return error != 0 ? call_result(error) : begin(call, id, operation, (unsigned)count);
}

int64_t sys_semop(uint64_t caller, int id, uint64_t operations, uint64_t count)
{
	return sys_semtimedop(caller, id, operations, count, 0);
}

/* --- semctl. */

static void end(struct set *set)
{
	sysv_leave(&sysv_sets, &set->object);
	semaphores_in_use -= set->count;
	for (unsigned i = 0; i < set->count; i++) {
		struct semaphore *semaphore = &set->semaphore[i];

		while (!list_empty(&semaphore->more))
			wake(list_entry(semaphore->more.next, struct sleeper, sysv.link), -EIDRM);
		while (!list_empty(&semaphore->zero))
			wake(list_entry(semaphore->zero.next, struct sleeper, sysv.link), -EIDRM);
	}
	while (!list_empty(&set->undos))
		undo_free(list_entry(set->undos.next, struct undo, of_set));
	user_free(set);
}

static int64_t tell_limits(struct call *call, int command, uint64_t to)
{
	struct seminfo info = {
		.semmap = (int)sysv_settings.semaphores,
		.semmni = (int)sysv_settings.sets,
		.semmns = (int)sysv_settings.semaphores,
		.semmnu = (int)sysv_settings.semaphores,
		.semmsl = (int)sysv_settings.set_size,
		.semopm = (int)sysv_settings.operations,
		.semume = (int)sysv_settings.operations,
		.semusz = command == SEM_INFO ? (int)sysv_sets.count : UNDO_SIZE,
		.semvmx = VALUE_MOST,
		.semaem = command == SEM_INFO ? (int)semaphores_in_use : ADJUST_MOST,
	};
	int error = copy_out(call, to, &info, sizeof info);

	return error != 0 ? call_result(error) : sysv_highest(&sysv_sets);
}

static int64_t tell_set(struct call *call, int id, int command, uint64_t to)
{
	struct semid_ds state = {0};
	struct sysv_object *object;
	struct set *set;
	int error = 0;

	if (command == IPC_STAT) {
		error = sysv_of_id(&sysv_sets, id, &object);
	} else {
		object = sysv_of_index(&sysv_sets, id);
		error = object == NULL ? -EINVAL : 0;
	}
	if (error != 0)
		return error;
	if (command != SEM_STAT_ANY && !sysv_may(call->process, object, 0444))
		return -EACCES;
	set = set_of(object);
	sysv_fill(object, &state.sem_perm);
	state.sem_otime = set->operated;
	state.sem_ctime = object->changed;
	state.sem_nsems = set->count;
	error = copy_out(call, to, &state, sizeof state);
	return error != 0 ? call_result(error) : command == IPC_STAT ? 0 : object->id;
}

static int64_t tell_values(struct call *call, const struct set *set, uint64_t to)
{
	uint16_t *values = malloc(set->count * sizeof *values);
	int error;

	if (values == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < set->count; i++)
		values[i] = (uint16_t)set->semaphore[i].value;
	error = copy_out(call, to, values, set->count * sizeof *values);
	free(values);
	return call_result(error);
}

static void set_value(const struct call *call, struct set *set, unsigned at, int value)
{
	undo_forget(set, at);
	set->semaphore[at].value = value;
	set->semaphore[at].changer = call->process->id;
	note_change(set, &set->semaphore[at]);
	set->object.changed = sysv_now();
}

static int64_t set_values(struct call *call, struct set *set, uint64_t from)
{
	uint16_t *values = malloc(set->count * sizeof *values);
	int error = values == NULL ? -ENOMEM : copy_in(call, values, from, set->count * sizeof *values);
	unsigned i;

	for (i = 0; error == 0 && i < set->count; i++)
		error = values[i] > VALUE_MOST ? -ERANGE : 0;
	for (i = 0; error == 0 && i < set->count; i++)
		set_value(call, set, i, values[i]);
	free(values);
	serve(set);
	return call_result(error);
}

/* What a semaphore has, of one or of all. */
static int64_t control(struct call *call, int id, int number, int command, uint64_t argument)
{
	const int value = (int)argument;
	struct set *set;
	int error;

	if (command == SETVAL && (value < 0 || value > VALUE_MOST))
		return -ERANGE;
	error = find(id, &set);
	if (error != 0)
		return error;
	if (command == SETVAL && (number < 0 || (unsigned)number >= set->count))
		return -EINVAL;
	if (!sysv_may(call->process, &set->object, command == SETVAL || command == SETALL ? 0222 : 0444))
		return -EACCES;
	if (command == GETALL)
		return tell_values(call, set, argument);
	if (command == SETALL)
		return set_values(call, set, argument);
	if (number < 0 || (unsigned)number >= set->count)
		return -EINVAL;
	switch (command) {
	case GETVAL:
		return set->semaphore[number].value;
	case GETPID:
		return set->semaphore[number].changer;
	case GETNCNT:
		return set->semaphore[number].wait_more;
	case GETZCNT:
		return set->semaphore[number].wait_zero;
	default:
		set_value(call, set, (unsigned)number, value);
		serve(set);
		return 0;
	}
}

static int64_t change(struct call *call, int id, int command, uint64_t from)
{
	struct semid_ds state;
	struct set *set;
	int error = command == IPC_SET ? copy_in(call, &state, from, sizeof state) : 0;

	if (error == 0)
		error = find(id, &set);
	if (error != 0)
		return call_result(error);
	if (!sysv_owns(call->process, &set->object))
		return -EPERM;
	if (command == IPC_SET)
		return sysv_set(&set->object, &state.sem_perm);
	end(set);
	return 0;
}

int64_t sys_semctl(uint64_t caller, int id, int number, int command, uint64_t argument)
{
	struct call *call = call_of(caller);

	if (id < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
	case SEM_INFO:
		return tell_limits(call, command, argument);
	case IPC_STAT:
	case SEM_STAT:
	case SEM_STAT_ANY:
		return tell_set(call, id, command, argument);
	case GETALL:
	case GETVAL:
	case GETPID:
	case GETNCNT:
	case GETZCNT:
	case SETALL:
	case SETVAL:
		return control(call, id, number, command, argument);
	case IPC_SET:
	case IPC_RMID:
		return change(call, id, command, argument);
	default:
		return -EINVAL;
	}
}

void semaphores_undo(struct process *process)
{
	while (!list_empty(&process->semaphore_undos)) {
		struct undo *undo = list_entry(process->semaphore_undos.next, struct undo, of_process);
		struct set *set = undo->set;

		for (unsigned i = 0; i < set->count; i++) {
			struct semaphore *semaphore = &set->semaphore[i];
			const int value = semaphore->value + undo->adjust[i];

			if (undo->adjust[i] == 0)
				continue;
			semaphore->value = value < 0 ? 0 : value > VALUE_MOST ? VALUE_MOST : value;
			semaphore->changer = process->id;
			note_change(set, semaphore);
		}
		set->operated = sysv_now();
		undo_free(undo);
		serve(set);
	}
}

void sysv_set_facts(const struct sysv_object *object, struct sysv_set_facts *out)
{
	const struct set *set = (const void *)object;

	*out = (struct sysv_set_facts){.object = *object, .count = set->count, .operated = set->operated};
}
