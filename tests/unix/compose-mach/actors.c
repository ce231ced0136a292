/* Tasks whose threads make traps at this program's word. */
#include "compose.h"

#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

/* Given to every actor under these names; what the kernel names by itself lies below. */
enum { CONTROL = 0x7f00, KEPT = 64, ACCOUNT_BYTES = 8 << 20, ACCOUNT_PAGES = 16384 };

static struct desk (*desks)[WORKERS];
static struct actor {
	mach_port_t task, thread[WORKERS], control; /* this program's names */
} actors[SPACES];
static mach_port_t account;         /* of the tasks of a round, and of all that they make */
static uint64_t account_alone;      /* what it holds by itself */
static mach_port_name_t kept[KEPT]; /* this program's names of before */
static unsigned kept_count;

struct desk *desk_of(int space, unsigned worker)
{
	return &desks[space][worker];
}

mach_port_t task_name(int space)
{
	return space == OWN ? mach_task_self() : actors[space].task;
}

/* Bytes that the tasks hold, and pages. */
static uint64_t account_holds(void)
{
	struct account_info info = {0};

	expect("an account is told of", account_info(account, (uint64_t *)&info), KERN_SUCCESS);
	return info.bytes + info.pages * VM_PAGE_SIZE;
}

void actors_prepare(mach_port_t part_of)
{
	mach_port_name_array_t list = NULL;
	mach_port_type_array_t types = NULL;
	mach_msg_type_number_t count = 0, type_count = 0;
	size_t size = (sizeof *desks * SPACES + VM_PAGE_SIZE - 1) & ~(size_t)VM_PAGE_MASK;

	if (desks == NULL) {
		desks = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (desks == MAP_FAILED)
			wrong("no memory for the desks");
		expect("the desks are shared",
			vm_inherit(mach_task_self(), (vm_address_t)(uintptr_t)desks, size, VM_INHERIT_SHARE),
			KERN_SUCCESS);
	}
	memset((void *)desks, 0, size);
	expect("an account is made", account_split(part_of, ACCOUNT_BYTES, ACCOUNT_PAGES, &account), KERN_SUCCESS);
	account_alone = account_holds();
	expect("the names of before", mach_port_names(mach_task_self(), &list, &count, &types, &type_count),
		KERN_SUCCESS);
	if (count > KEPT)
		wrong("%u names before anything was made", count);
	kept_count = 0;
	for (unsigned i = 0; i < count; i++)
		if (list[i] != mig_get_reply_port())
			kept[kept_count++] = list[i];
	vm_deallocate(mach_task_self(), (vm_address_t)(uintptr_t)list, count * sizeof *list);
	vm_deallocate(mach_task_self(), (vm_address_t)(uintptr_t)types, count * sizeof *types);
}

/* Threads end by themselves, a little later. */
void actors_all_gone(void)
{
	for (unsigned naps = 0; naps < PATIENCE && account_holds() != account_alone; naps++)
		nap(1);
	expect("bytes and pages of the tasks that have gone", (int64_t)(account_holds() - account_alone), 0);
	expect("the account's name goes", mach_port_deallocate(mach_task_self(), account), KERN_SUCCESS);
}

bool is_infrastructure(int space, mach_port_name_t name)
{
	const mach_port_name_t index = name >> 8;

	if (space != OWN)
		return index == CONTROL >> 8;
	/* A failed send costs the reply port: the next call has another. */
	if (mig_get_reply_port() >> 8 == index || pagers_own(name))
		return true;
	for (unsigned i = 0; i < kept_count; i++)
		if (kept[i] >> 8 == index)
			return true;
	for (unsigned i = 1; i < SPACES; i++) {
		const struct actor *a = &actors[i];

		if (a->task != 0 && (a->task >> 8 == index || a->control >> 8 == index || a->thread[0] >> 8 == index ||
					    a->thread[1] >> 8 == index))
			return true;
	}
	return false;
}

/* --- In an actor: no C library, traps only. */

static void take_orders(uint64_t space)
{
	struct mach_delivery d = {0};
	uint32_t flags = REPLY_NONE;

	for (;;) {
		if (mach_reply_wait_words(CONTROL, flags, 1, NULL, 0, &d) != KERN_SUCCESS) {
			flags = REPLY_NONE;
			continue;
		}
		if ((int64_t)d.word[0] == STORE)
			*(volatile uint64_t *)d.word[1] = d.word[2];
		else if ((int64_t)d.word[0] == LOAD)
			d.word[0] = *(volatile uint64_t *)d.word[1];
		else if ((int64_t)d.word[0] == SEND_WORDS)
			d.word[0] = (uint64_t)mach_send_words((mach_port_t)d.word[1], (mach_msg_id_t)d.word[2],
				desks[space][0].word, (uint32_t)d.word[3]);
		else
			d.word[0] = (uint64_t)mach_trap(
				(int64_t)d.word[0], d.word[1], d.word[2], d.word[3], d.word[4], d.word[5], d.word[6]);
		flags = 0;
	}
}

static void take_time(uint64_t space)
{
	struct desk *desk = &desks[space][1];

	for (;;) {
		while (__atomic_load_n(&desk->state, __ATOMIC_ACQUIRE) != ASKED)
			mach_word_wait(
				&desk->state, desk->state == DONE ? DONE : IDLE, MACH_DEADLINE_NONE, WORD_SHARED);
		__atomic_store_n(&desk->state, TAKEN, __ATOMIC_RELEASE);
		if ((int64_t)desk->trap[0] == CALL)
			desk->result = mach_call_words((mach_port_t)desk->trap[1], (mach_msg_id_t)desk->trap[2],
				desk->word, (uint32_t)desk->trap[3]);
		else if ((int64_t)desk->trap[0] == ANSWER)
			desk->result = mach_reply_wait_words((mach_port_t)desk->trap[1], (uint32_t)desk->trap[2],
				(uint32_t)desk->trap[3], &desk->message, BUFFER, &desk->delivery);
		else if ((int64_t)desk->trap[0] == LOAD)
			desk->result = (int64_t)*(volatile uint64_t *)desk->trap[1];
		else if ((int64_t)desk->trap[0] == STORE)
			*(volatile uint64_t *)desk->trap[1] = desk->trap[2];
		else
			desk->result = mach_trap((int64_t)desk->trap[0], desk->trap[1], desk->trap[2], desk->trap[3],
				desk->trap[4], desk->trap[5], desk->trap[6]);
		__atomic_store_n(&desk->state, DONE, __ATOMIC_RELEASE);
	}
}

/* --- In this program. */

static mach_port_t start_thread(int space, unsigned worker)
{
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;
	struct desk *desk = desk_of(space, worker);
	mach_port_t thread = MACH_PORT_NULL;
	x86_thread_state64_t state;

	expect("a thread is made", thread_create(actors[space].task, &thread), KERN_SUCCESS);
	expect("its state is read", portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &count),
		KERN_SUCCESS);
	state.rip = (uint64_t)(uintptr_t)(worker == 0 ? take_orders : take_time);
	state.rdi = (uint64_t)space;
	state.rsp = (uint64_t)(uintptr_t)(desk->stack + sizeof desk->stack) - 8;
	__asm__("movq %%fs:0, %0" : "=r"(state.fs_base));
	expect("its state is set", portolan_thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, count),
		KERN_SUCCESS);
	expect("it is started", thread_resume(thread), KERN_SUCCESS);
	return thread;
}

void actor_start(int space, int parent)
{
	struct actor *a = &actors[space];
	mach_port_t control = MACH_PORT_NULL;

	memset((void *)desks[space], 0, sizeof desks[space]);
	expect("a task is made", task_create_in(account, task_name(parent), TRUE, &a->task), KERN_SUCCESS);
	expect("its control port", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &control),
		KERN_SUCCESS);
	a->control = control;
	expect("a right to it", mach_port_insert_right(mach_task_self(), control, control, MACH_MSG_TYPE_MAKE_SEND),
		KERN_SUCCESS);
	expect("is given", mach_port_insert_right(a->task, CONTROL, control, MACH_MSG_TYPE_MOVE_RECEIVE), KERN_SUCCESS);
	for (unsigned i = 0; i < WORKERS; i++)
		a->thread[i] = start_thread(space, i);
}

void actor_end(int space)
{
	struct actor *a = &actors[space];

	expect("a task ends", task_terminate(a->task), KERN_SUCCESS);
	for (unsigned i = 0; i < WORKERS; i++)
		expect("a thread's name goes", mach_port_destroy(mach_task_self(), a->thread[i]), KERN_SUCCESS);
	expect("the control port's name goes", mach_port_destroy(mach_task_self(), a->control), KERN_SUCCESS);
	expect("the task's name goes", mach_port_destroy(mach_task_self(), a->task), KERN_SUCCESS);
	*a = (struct actor){0};
}

int64_t act(int space, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	uint64_t word[8] = {(uint64_t)number, a, b, c, d, e, f, 0};

	if (space == OWN)
		return mach_trap(number, a, b, c, d, e, f);
	expect("an actor answers", mach_call_words(actors[space].control, 1, word, 7), KERN_SUCCESS);
	return (int64_t)word[0];
}

/* The second thread has done its work, or waits inside it. */
static bool is_over_or_waits(int space)
{
	const uint32_t now = __atomic_load_n(&desk_of(space, 1)->state, __ATOMIC_ACQUIRE);
	struct portolan_thread_info info = {0};
	mach_msg_type_number_t count = PORTOLAN_THREAD_INFO_COUNT;

	if (now != TAKEN)
		return now == DONE;
	expect("a thread is looked at",
		portolan_thread_info(actors[space].thread[1], PORTOLAN_THREAD_INFO, (uint64_t *)&info, &count), KERN_SUCCESS);
	return info.run_state == TH_STATE_WAITING;
}

void act_settle(int space)
{
	for (unsigned naps = 0; naps < PATIENCE && !is_over_or_waits(space); naps++)
		nap(naps < 100 ? 0 : 1);
}

void act_later(int space, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	struct desk *desk = desk_of(space, 1);
	const uint64_t trap[7] = {(uint64_t)number, a, b, c, d, e, f};

	memcpy(desk->trap, trap, sizeof trap);
	__atomic_store_n(&desk->state, ASKED, __ATOMIC_RELEASE);
	mach_word_wake(&desk->state, 1, WORD_SHARED);
	act_settle(space);
}

void act_abort(int space)
{
	expect("a thread is aborted", thread_abort(actors[space].thread[1]), KERN_SUCCESS);
}
