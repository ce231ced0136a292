/* The pretend machine: user mode as coroutines, memory that faults, tasks that count bytes. */
#include "world.h"
#include <kern/kalloc.h>
#include <kern/processor.h>
#include <kern/trap.h>
#include <mach/exception.h>
#include <mach/foreign.h>
#include <kern/assert.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>
#include <stubs/mach_server.h>
#include <task/task_private.h>
#include <ucontext.h>
#include <vm/vm_map.h>
#include <vm/vm_pageout.h>
#include <x86_64/live.h>

#define STACK_BYTES (256 << 10)

struct user {
	struct thread *thread;
	ucontext_t context;
	void (*fn)(void *);
	void *argument;
	char *stack;
	bool ended;
	struct user *next;
};

static struct user *users;
static ucontext_t kernel_context;
static jmp_buf kernel_top;
static void (*fresh_fn)(void *);
static void *fresh_argument;
static struct thread idle_thread;
static struct vm_map the_map; /* nothing in it is looked at */

struct task kernel_task;
unsigned world_fault_rate, world_preempt_rate, world_exceptions;
bool world_fast, world_by_queue;
uint64_t world_fast_taken, world_handed;

static uint64_t now = 1000000000;
static uint64_t deadline = UINT64_MAX;
static char pager; /* event of those who wait for a page */

/* --- kern/machine.h */

enum { TOP_FRESH = 1, TOP_USER, TOP_IDLE };

struct thread *current_thread(void)
{
	return host_processor->thread;
}

void machine_call_on_fresh_stack(void (*fn)(void *), void *arg)
{
	fresh_fn = fn;
	fresh_argument = arg;
	longjmp(kernel_top, TOP_FRESH);
}

void machine_switch_to(struct thread *thread)
{
	host_processor->thread = thread;
}

void machine_call_in(struct processor *processor)
{
	(void)processor;
}

void machine_put_away(struct thread *thread)
{
	(void)thread;
}

void machine_return_to_user(struct thread *thread)
{
	if (thread != current_thread() || thread->state != THREAD_RUNNING || host_processor->locks != 0)
		panic("return to user mode of a thread that does not run, or with locks");
	thread->regs.by_syscall = 1;
	longjmp(kernel_top, TOP_USER);
}

void machine_idle(void)
{
	longjmp(kernel_top, TOP_IDLE);
}

void (*world_interrupt)(void);
unsigned world_interrupts;

void kalloc_trim_wake(void)
{
}

/* What page-out would do is done when a task ends. */
void vm_pageout_wake(void)
{
}

void machine_take_interrupts(void)
{
	for (uint32_t i = 0; i < host_processor->locks; i++)
		if (host_processor->locks_held[i]->rank >= LOCK_RANK_PORT)
			panic("interrupts are taken with a lock of rank %u held", host_processor->locks_held[i]->rank);
	if (world_interrupt == NULL)
		return;
	world_interrupts++;
	world_interrupt();
}

void machine_kick(struct processor *processor)
{
	(void)processor;
}

uint64_t machine_now(void)
{
	return now;
}

void machine_set_deadline(uint64_t when)
{
	deadline = when;
}

/* The last thing asked of a thread before a message is handed to it. */
bool machine_fpu_elsewhere(const struct thread *thread)
{
	(void)thread;
	world_handed += !world_by_queue;
	return world_by_queue;
}

void machine_thread_init(struct thread *thread)
{
	(void)thread;
}

void machine_thread_destroy(struct thread *thread)
{
	(void)thread;
}

static bool faults(void)
{
	return host_random(1000) < world_fault_rate;
}

vm_size_t machine_copy_from_user(void *kernel, vm_address_t address, vm_size_t size)
{
	if (address < VM_PAGE_SIZE || faults())
		return size;
	memcpy(kernel, (const void *)address, size);
	return 0;
}

vm_size_t machine_copy_to_user(vm_address_t address, const void *kernel, vm_size_t size)
{
	if (address < VM_PAGE_SIZE || faults())
		return size;
	memcpy((void *)address, kernel, size);
	return 0;
}

bool machine_load_user_word(vm_address_t address, uint32_t *value)
{
	return machine_copy_from_user(value, address, sizeof(*value)) == 0;
}

bool machine_store_user_word(vm_address_t address, uint32_t value)
{
	return machine_copy_to_user(address, &value, sizeof(value)) == 0;
}

/* --- vm/vm.h: a copy is bytes of its own. */

struct vm_map_copy {
	struct account *account;
	vm_size_t size;
	char bytes[];
};

kern_return_t vm_fault(vm_map_t map, vm_address_t address, vm_prot_t access)
{
	(void)map;
	(void)access;
	if (address < VM_PAGE_SIZE)
		return KERN_INVALID_ADDRESS;
	if (host_random(2) == 0)
		return KERN_SUCCESS;
	assert_wait(&pager, true, UINT64_MAX);
	return KERN_RESTART;
}

vm_map_copy_t vm_map_copy_from_kernel(const void *bytes, vm_size_t size)
{
	struct vm_map_copy *copy = kalloc(current_account(), sizeof(*copy) + size);

	if (copy != NULL) {
		copy->account = current_account();
		copy->size = size;
		memcpy(copy->bytes, bytes, size);
	}
	return copy;
}

kern_return_t vm_map_copyin(vm_map_t map, vm_address_t address, vm_size_t size, bool destroy, vm_map_copy_t *out)
{
	(void)destroy;
	if (faults()) {
		kern_return_t result = vm_fault(map, address, VM_PROT_READ);

		if (result != KERN_SUCCESS)
			return result;
	}
	if (address < VM_PAGE_SIZE)
		return KERN_INVALID_ADDRESS;
	*out = vm_map_copy_from_kernel((const void *)address, size);
	return *out != NULL ? KERN_SUCCESS : KERN_RESOURCE_SHORTAGE;
}

/* The receiver owns what arrives as memory of malloc: it frees it. */
kern_return_t vm_map_copyout(vm_map_t map, vm_address_t *address, vm_map_copy_t copy)
{
	if (faults()) {
		kern_return_t result = vm_fault(map, VM_PAGE_SIZE, VM_PROT_READ);

		if (result != KERN_SUCCESS)
			return result;
	}
	*address = (vm_address_t)malloc(copy->size);
	memcpy((void *)*address, copy->bytes, copy->size);
	vm_map_copy_discard(copy);
	return KERN_SUCCESS;
}

void vm_map_copy_discard(vm_map_copy_t copy)
{
	if (copy != NULL)
		kfree(copy->account, copy, sizeof(*copy) + copy->size);
}

kern_return_t vm_deallocate(vm_map_t map, vm_address_t address, vm_size_t size)
{
	(void)map;
	(void)address;
	(void)size;
	return KERN_SUCCESS;
}

/* --- kern/task.h */

void task_reference(task_t task)
{
	ref_take(&task->refs);
}

void task_deallocate(task_t task)
{
	if (task == NULL || !ref_drop(&task->refs))
		return;
	account_uncharge(task->account, ACCOUNT_REFERENCE);
	free(task);
}

void task_reach_check(struct task *task)
{
	(void)task;
}

void task_reach_watch(struct ipc_port *port)
{
	(void)port;
}

void world_check_accounts(void)
{
	for (unsigned i = 1; i < ACCOUNTS_MAX; i++)
		if (accounts[i] != NULL && !CHECK_EQUAL(accounts[i]->bytes, 0))
			accounts[i] = NULL;
	CHECK_EQUAL(kernel_account.bytes, ACCOUNT_REFERENCE);
}

size_t world_kalloc_used(void)
{
	size_t kept = processors[0].ipc->spares;

	for (unsigned i = 0; i < IPC_KMSG_PAGES; i++)
		kept += processors[0].ipc->pages[i] != NULL;
	return host_kalloc_used - kept;
}

struct task *world_task(void)
{
	static uint32_t ids;
	struct task *task = calloc(1, sizeof(*task));

	lock_init(&task->lock, LOCK_RANK_TASK);
	ref_init(&task->refs, 1);
	list_init(&task->threads);
	task->id = ++ids;
	task->priority = PRIORITY_USER;
	task->max_priority = PRIORITY_KERNEL - 1;
	task->account = account_make(&kernel_account, VM_PAGE_FOR_USER, 1 << 24, UINT64_MAX);
	task->map = &the_map;
	if (ipc_space_create(task, &task->space) != KERN_SUCCESS)
		panic("no space");
	task->self_port = ipc_kernel_port_create(IKOT_TASK, task, task->account);
	return task;
}

void world_task_end(struct task *task)
{
	ipc_port_destroy(task->self_port);
	if (task->foreign_port != NULL)
		ipc_port_release_send(task->foreign_port);
	task->foreign_port = NULL;
	ipc_space_destroy(task->space);
	ipc_space_release(task->space);
	deferred_run();
	for (unsigned i = 0; i < 1000 && ipc_notify_owed(); i++)
		;
	task_deallocate(task);
}

static void *space_of(void *task)
{
	struct ipc_space *space = ((struct task *)task)->space;

	ref_take(&space->refs);
	return space;
}

ipc_space_t convert_port_to_space(struct ipc_port *port)
{
	return ipc_kernel_port_lookup(port, IKOT_TASK, space_of);
}

/* --- Exceptions: the thread ends. */

void exception_raise_self(int exception, int64_t code, int64_t subcode)
{
	struct thread *self = current_thread();

	(void)code;
	(void)subcode;
	if (exception != EXC_SYSCALL)
		panic("an exception other than EXC_SYSCALL");
	world_exceptions++;
	for (struct user *user = users; user != NULL; user = user->next)
		if (user->thread == self)
			user->ended = true;
	thread_exit_self(self);
}

void exception_actions_free(struct account *account, struct exception_action *actions)
{
	(void)account;
	assert(actions == NULL); /* nobody sets any here */
}

void exception_reply_received(struct thread *thread, kern_return_t result, const void *rest, size_t size)
{
	(void)thread;
	(void)result;
	(void)rest;
	(void)size;
}

/* --- kern/trap.h and kernel_server.c */

const NDR_record_t NDR_record = {.int_rep = 1};

const struct mig_routine *kernel_routine(mach_msg_id_t id)
{
	if (id < mach_port_subsystem.start || id >= mach_port_subsystem.end)
		return NULL;
	return &mach_port_subsystem.routine[id - mach_port_subsystem.start];
}

kern_return_t copyin(vm_address_t address, void *kernel, vm_size_t size)
{
	kern_return_t result = KERN_SUCCESS;

	while (result == KERN_SUCCESS && machine_copy_from_user(kernel, address, size) != 0)
		result = vm_fault(&the_map, address, VM_PROT_READ);
	return result;
}

kern_return_t copyout(const void *kernel, vm_address_t address, vm_size_t size)
{
	kern_return_t result = KERN_SUCCESS;

	while (result == KERN_SUCCESS && machine_copy_to_user(address, kernel, size) != 0)
		result = vm_fault(&the_map, address, VM_PROT_WRITE);
	return result;
}

void trap_syscall(struct thread *self)
{
	int64_t result;

	switch ((int64_t)self->regs.rax) {
	case TRAP_MACH_CALL:
		ipc_trap_call(self);
	case TRAP_MACH_REPLY_WAIT:
		ipc_trap_reply_wait(self);
	case TRAP_MACH_REPLY_DEFER:
		result = ipc_trap_reply_defer(self);
		break;
	case TRAP_MACH_SEND:
		result = ipc_trap_send(self);
		break;
	case TRAP_MACH_MSG:
	case TRAP_MACH_MSG_RESUME:
		result = ipc_trap_mach_msg(self);
		break;
	case TRAP_REPLY_PORT:
		result = ipc_trap_reply_port(self);
		break;
	case TRAP_THREAD_SWITCH: /* a pause */
		self->regs.rax = KERN_SUCCESS;
		thread_block(NULL);
	case TRAP_THREAD_EXIT:
		thread_exit_self(self);
	default:
		if ((int64_t)self->regs.rax >= 0)
			ipc_foreign_call(self);
		panic("no such trap: %ld", (long)self->regs.rax);
	}
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
	thread_leave_kernel(self);
}

/* --- User mode. */

static struct user *user_of(const struct thread *thread)
{
	for (struct user *user = users; user != NULL; user = user->next)
		if (user->thread == thread && !user->ended)
			return user;
	panic("no user of a thread");
}

static void user_start(void)
{
	struct user *user = user_of(current_thread());

	user->fn(user->argument);
	current_thread()->regs.rax = (uint64_t)TRAP_THREAD_EXIT;
	user->ended = true;
	swapcontext(&user->context, &kernel_context);
}

struct thread *world_thread(struct task *task, void (*fn)(void *argument), void *argument)
{
	struct user *user = calloc(1, sizeof(*user));

	user->fn = fn;
	user->argument = argument;
	user->stack = malloc(STACK_BYTES);
	if (thread_create(task, &user->thread) != KERN_SUCCESS)
		panic("no thread");
	getcontext(&user->context);
	user->context.uc_stack.ss_sp = user->stack;
	user->context.uc_stack.ss_size = STACK_BYTES;
	makecontext(&user->context, user_start, 0);
	user->next = users;
	users = user;
	user->thread->regs.by_syscall = 1;
	thread_resume(user->thread);
	return user->thread;
}

/* The syscall instruction: the thread's registers are set; rip counts as if it stood behind. */
static void trap(void)
{
	struct user *user = user_of(current_thread());

	swapcontext(&user->context, &kernel_context);
}

/* --- Entry code: the fast path, then the full one. The words stay in `live` from one thread to the other. */

struct live live;

static _Noreturn void fast_done(struct thread *to, uint64_t rbx)
{
	if (host_processor->locks != 0)
		panic("the fast path leaves a lock held");
	world_fast_taken++;
	host_processor->thread = to;
	memcpy(to->regs.word, live.word, sizeof(live.word));
	to->regs.r14 = live.r14;
	to->regs.rbx = rbx;
	machine_return_to_user(to);
}

void live_leave(struct thread *to, uint64_t rbx)
{
	to->regs.rax = 0;
	fast_done(to, rbx);
}

void live_leave_foreign(struct thread *to, uint64_t rbx)
{
	fast_done(to, rbx);
}

void live_leave_as_set(struct thread *to)
{
	memcpy(live.word, to->regs.word, sizeof(live.word));
	live.r14 = to->regs.r14;
	fast_done(to, to->regs.rbx);
}

/* The full path sees what the entry code saves, and the fast path must have left all of it alone. */
static void check_untouched(struct thread *self)
{
	if (host_processor->locks != 0)
		panic("the fast path leaves a lock held");
	if (self != current_thread() || memcmp(self->regs.word, live.word, sizeof(live.word)) != 0 ||
		self->regs.r14 != live.r14)
		panic("the fast path gave up after it changed something");
}

static _Noreturn void go_slow(struct thread *self)
{
	check_untouched(self);
	trap_syscall(self);
}

void live_kernel_call(struct ipc_port *port)
{
	struct thread *self = current_thread();

	check_untouched(self);
	ipc_call_kernel(self, port);
}

void live_slow_call(void)
{
	go_slow(current_thread());
}

void live_slow_reply_wait(void)
{
	go_slow(current_thread());
}

void live_slow_foreign(void)
{
	go_slow(current_thread());
}

static _Noreturn void enter(struct thread *self)
{
	bool one = host_random(2) == 0; /* one processor runs here, so both kinds are right */

	memcpy(live.word, self->regs.word, sizeof(live.word));
	live.r14 = self->regs.r14;
	if (world_fast && (int64_t)self->regs.rax == TRAP_MACH_CALL)
		one ? ipc_fast_call_one() : ipc_fast_call();
	if (world_fast && (int64_t)self->regs.rax == TRAP_MACH_REPLY_WAIT)
		one ? ipc_fast_reply_wait_one() : ipc_fast_reply_wait();
	if (world_fast && (int64_t)self->regs.rax >= 0)
		one ? ipc_fast_foreign_one() : ipc_fast_foreign();
	trap_syscall(self);
}

static void user_step(void)
{
	struct thread *self = current_thread();
	struct user *user = user_of(self);

	if (host_random(1000) < world_preempt_rate) {
		now += TIME_SLICE_NS;
		host_processor->need_reschedule = true;
		thread_leave_kernel(self);
	}
	if (self->regs.rip == 1) {
		/* It stands before the instruction (rewound): the same trap again. */
		self->regs.rip = 3;
	} else {
		swapcontext(&kernel_context, &user->context);
		self->regs.rip = 3;
	}
	enter(self);
}

/* For one of those who wait for one. */
static bool page_comes(void)
{
	const struct word_key event = {.id = (uintptr_t)&pager};

	return thread_wakeup_word(&event, 1) == 1;
}

static bool anything_left(void)
{
	if (deadline != UINT64_MAX) {
		now = deadline > now ? deadline : now;
		deadline = UINT64_MAX;
		timer_interrupt();
		return true;
	}
	return page_comes();
}

/* Frees the users that have ended; how many have not. */
static unsigned reap(void)
{
	unsigned left = 0;

	if (host_processor->to_free != NULL)
		thread_deallocate(host_processor->to_free);
	host_processor->to_free = NULL;
	for (struct user **at = &users; *at != NULL;) {
		struct user *user = *at;

		if (user->thread->state == THREAD_DEAD) {
			*at = user->next;
			thread_deallocate(user->thread);
			free(user->stack);
			free(user);
		} else {
			left++;
			at = &user->next;
		}
	}
	return left;
}

unsigned world_run(void)
{
	fresh_fn = NULL;
	switch (setjmp(kernel_top)) {
	case 0:
		host_processor->idle = false;
		machine_switch_to(&idle_thread);
		sched_run();
	case TOP_FRESH:
		fresh_fn(fresh_argument);
		panic("a function on the fresh stack returned");
	case TOP_USER:
		user_step();
		panic("user mode returned");
	case TOP_IDLE:
		(void)page_comes(); /* pages come while others run, too */
		if (host_processor->queue.count != 0 || anything_left())
			sched_run();
	}
	return reap();
}

mach_port_name_t world_port(struct task *task)
{
	mach_port_name_t name = 0;

	CHECK_EQUAL(mach_port_allocate(task->space, MACH_PORT_RIGHT_RECEIVE, &name), KERN_SUCCESS);
	return name;
}

mach_port_name_t world_send_right(struct task *from, mach_port_name_t name, struct task *to)
{
	struct ipc_port *port = NULL;
	mach_msg_type_name_t type;
	mach_port_name_t given = 0;

	CHECK_EQUAL(mach_port_extract_right(from->space, name, MACH_MSG_TYPE_MAKE_SEND, &port, &type), KERN_SUCCESS);
	CHECK_EQUAL(ipc_space_insert(to->space, port, MACH_MSG_TYPE_PORT_SEND, &given), KERN_SUCCESS);
	return given;
}

int64_t user_trap(int64_t number, uint64_t rdi, uint64_t rsi, uint64_t rdx, uint64_t r10, uint64_t r8, uint64_t r9)
{
	struct thread_regs *regs = &current_thread()->regs;

	regs->rax = (uint64_t)number;
	regs->rdi = rdi;
	regs->rsi = rsi;
	regs->rdx = rdx;
	regs->r10 = r10;
	regs->r8 = r8;
	regs->r9 = r9;
	trap();
	return (int64_t)regs->rax;
}

int64_t user_call(mach_port_name_t port, int id, struct words *words, unsigned *count)
{
	struct thread_regs *regs = &current_thread()->regs;

	memcpy(regs->word, words->w, sizeof(words->w));
	regs->rax = (uint64_t)TRAP_MACH_CALL;
	regs->rbx = port | (uint64_t)(uint32_t)id << 32;
	regs->r14 = *count;
	trap();
	memcpy(words->w, regs->word, sizeof(words->w));
	*count = (unsigned)regs->rbx;
	return (int64_t)regs->rax;
}

int64_t user_send(mach_port_name_t port, int id, const struct words *words, unsigned count)
{
	struct thread_regs *regs = &current_thread()->regs;

	memcpy(regs->word, words->w, sizeof(words->w));
	regs->rax = (uint64_t)TRAP_MACH_SEND;
	regs->rbx = port | (uint64_t)(uint32_t)id << 32;
	regs->r14 = count;
	trap();
	return (int64_t)regs->rax;
}

int64_t user_reply_wait(mach_port_name_t name, unsigned flags, const struct words *reply, unsigned reply_count,
	void *buffer, uint32_t size, struct delivered *delivered)
{
	struct thread_regs *regs = &current_thread()->regs;

	if (reply != NULL)
		memcpy(regs->word, reply->w, sizeof(reply->w));
	regs->rax = (uint64_t)TRAP_MACH_REPLY_WAIT;
	regs->rbx = name | (uint64_t)flags << 32;
	regs->r14 = (uint64_t)(uintptr_t)buffer;
	regs->r15 = size | (uint64_t)reply_count << 32;
	trap();
	if (regs->rax == 0 && !(flags & REPLY_NO_WAIT)) {
		memcpy(delivered->words.w, regs->word, sizeof(delivered->words.w));
		delivered->count = DELIVERED_COUNT(regs->rbx);
		delivered->kind = (unsigned)regs->rbx & 0xf0u;
		delivered->id = DELIVERED_ID(regs->rbx);
		delivered->label = regs->r14;
	}
	return (int64_t)regs->rax;
}

int64_t user_msg(void *message, unsigned option, uint32_t send_size, uint32_t receive_size, mach_port_name_t name,
	uint32_t timeout, mach_port_name_t notify)
{
	return user_trap(TRAP_MACH_MSG, (uint64_t)(uintptr_t)message, option, send_size | (uint64_t)receive_size << 32,
		name, timeout, notify);
}

int64_t user_foreign(uint64_t number, const uint64_t arguments[6])
{
	struct thread_regs *regs = &current_thread()->regs;

	memcpy(regs->word, arguments, 6 * sizeof(uint64_t));
	regs->rax = number;
	trap();
	return (int64_t)regs->rax;
}

void world_start(void)
{
	host_start(0);
	host_processor = &processors[0];
	host_processor->self = host_processor;
	processors_online = 1;
	wait_init();
	sched_init();
	deferred_init();
	ipc_init();
	kernel_task.account = &kernel_account;
	lock_init(&kernel_task.lock, LOCK_RANK_TASK);
	ref_init(&kernel_task.refs, 1);
	lock_init(&idle_thread.lock, LOCK_RANK_THREAD);
	idle_thread.task = &kernel_task;
	host_processor->idle_thread = &idle_thread;
	host_processor->thread = &idle_thread;
}

static struct ipc_kmsg *hidden[IPC_KMSG_SPARES];
static unsigned hidden_count;

void world_hide_blocks(void)
{
	struct ipc_processor *own = CURRENT_PROCESSOR->ipc;

	while (own->spares != 0)
		hidden[hidden_count++] = own->spare[--own->spares];
}

void world_show_blocks(void)
{
	struct ipc_processor *own = CURRENT_PROCESSOR->ipc;

	while (hidden_count != 0) {
		struct ipc_kmsg *kmsg = hidden[--hidden_count];

		if (own->spares != IPC_KMSG_SPARES) {
			own->spare[own->spares++] = kmsg;
			continue;
		}
		/* Others have come meanwhile. Those that are kept are on nobody's account. */
		account_charge_always(&kernel_account, IPC_KMSG_SMALL);
		kfree(&kernel_account, kmsg, IPC_KMSG_SMALL);
	}
}
