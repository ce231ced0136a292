/* Threads of the C library: clone, exit, futex, over threads of the kernel and its word traps. */
#include "handler.h"

enum {
	CLONE_VM = 0x100,
	CLONE_THREAD = 0x10000,
	CLONE_SETTLS = 0x80000,
	CLONE_PARENT_SETTID = 0x100000,
	CLONE_CHILD_CLEARTID = 0x200000,
	CLONE_CHILD_SETTID = 0x1000000,

	FUTEX_WAIT = 0,
	FUTEX_WAKE = 1,
	FUTEX_REQUEUE = 3,
	FUTEX_CMP_REQUEUE = 4,
	FUTEX_WAIT_BITSET = 9,
	FUTEX_WAKE_BITSET = 10,
	FUTEX_COMMAND = 0x7f,
	FUTEX_CLOCK_REALTIME = 0x100,

	INITIAL_RFLAGS = 0x202, /* interrupts on, and the bit that is always one */
};

/* The first thread's save area; tid 1 as its process. */
static struct foreign_thread main_thread = {.tid = 1};
static uint32_t last_tid = 1;
static uint32_t threads = 1;
uint32_t foreign_rpc_lock;
static struct foreign_thread *free_threads;
static mach_port_t reply_port;

void foreign_lock(uint32_t *word)
{
	uint32_t seen = 0;

	if (__atomic_compare_exchange_n(word, &seen, 1, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED))
		return;
	while (__atomic_exchange_n(word, 2, __ATOMIC_ACQUIRE) != 0)
		mach_word_wait(word, 2, MACH_DEADLINE_NONE, 0);
}

void foreign_unlock(uint32_t *word)
{
	if (__atomic_exchange_n(word, 0, __ATOMIC_RELEASE) == 2)
		mach_word_wake(word, 1, 0);
}

/* The stubs' reply port, here: one, under foreign_rpc_lock. */
mach_port_t mig_get_reply_port(void)
{
	if (reply_port == MACH_PORT_NULL)
		reply_port = mach_reply_port();
	return reply_port;
}

void mig_dealloc_reply_port(mach_port_t port)
{
	(void)port;
	mach_port_mod_refs(mach_task_self(), reply_port, MACH_PORT_RIGHT_RECEIVE, -1);
	reply_port = MACH_PORT_NULL;
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
	vm_deallocate(mach_task_self(), trunc_page(address), round_page(address + size) - trunc_page(address));
}

kern_return_t mig_allocate(vm_address_t *address, vm_size_t size)
{
	*address = 0;
	return vm_allocate(mach_task_self(), address, size, TRUE);
}

struct foreign_thread *foreign_main_thread(void)
{
	return &main_thread;
}

void foreign_start(void)
{
	static const foreign_bitmap_t none;
	mach_port_t thread = mach_thread_self();

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	thread_set_save_area(thread, (vm_address_t)&main_thread);
	mach_port_deallocate(mach_task_self(), thread);
	task_set_foreign(
		mach_task_self(), FOREIGN_EMULATION, (vm_address_t)foreign_entry, MACH_PORT_NULL, (uint64_t *)none);
}

/* A zeroed save area; null when there is no memory. Lock held. */
static struct foreign_thread *thread_allocate(void)
{
	struct foreign_thread *thread = free_threads;
	vm_address_t page = 0;

	if (!thread) {
		if (vm_allocate(mach_task_self(), &page, VM_PAGE_SIZE, TRUE) != KERN_SUCCESS)
			return NULL;
		thread = (struct foreign_thread *)page;
		for (size_t i = 0; i < VM_PAGE_SIZE / sizeof(*thread); i++) {
			thread[i].next_free = free_threads;
			free_threads = &thread[i];
		}
		thread = free_threads;
	}
	free_threads = thread->next_free;
	*thread = (struct foreign_thread){.tid = ++last_tid};
	return thread;
}

static void thread_free(struct foreign_thread *thread)
{
	if (thread == &main_thread)
		return;
	thread->next_free = free_threads;
	free_threads = thread;
}

int64_t foreign_clone(const struct foreign_frame *f)
{
	const uint64_t needed = CLONE_VM | CLONE_THREAD;
	uint64_t flags = f->rdi;
	uint32_t *parent_tid = (uint32_t *)f->rdx, *child_tid = (uint32_t *)f->r10;
	struct foreign_thread *child;
	mach_port_t port = MACH_PORT_NULL;
	kern_return_t result = KERN_RESOURCE_SHORTAGE;
	x86_thread_state64_t state = {
		.rip = f->rip,
		.rsp = f->rsi,
		.rflags = INITIAL_RFLAGS,
		.rdi = f->rdi,
		.rsi = f->rsi,
		.rdx = f->rdx,
		.r10 = f->r10,
		.r8 = f->r8,
		.r9 = f->r9,
		.rbx = f->rbx,
		.rbp = f->rbp,
		.r12 = f->r12,
		.r13 = f->r13,
		.r14 = f->r14,
		.r15 = f->r15,
		.fs_base = flags & CLONE_SETTLS ? f->r8 : 0,
	};
	uint32_t tid = 0;

	/* A thread of this task, not a process. */
	if ((flags & needed) != needed || f->rsi == 0)
		return -LINUX_ENOSYS;
	foreign_lock(&foreign_rpc_lock);
	child = thread_allocate();
	if (child)
		result = thread_create(mach_task_self(), &port);
	if (result == KERN_SUCCESS) {
		tid = child->tid;
		if (flags & CLONE_CHILD_CLEARTID)
			child->clear_tid = child_tid;
		result = thread_set_save_area(port, (vm_address_t)child);
	}
	if (result == KERN_SUCCESS)
		result = portolan_thread_set_state(port, x86_THREAD_STATE64, (uint64_t *)&state, x86_THREAD_STATE64_WORDS);
	if (result == KERN_SUCCESS) {
		if (flags & CLONE_PARENT_SETTID)
			*parent_tid = tid;
		if (flags & CLONE_CHILD_SETTID)
			*child_tid = tid;
		__atomic_add_fetch(&threads, 1, __ATOMIC_RELAXED);
		result = thread_resume(port);
		if (result != KERN_SUCCESS)
			__atomic_sub_fetch(&threads, 1, __ATOMIC_RELAXED);
	}
	if (result != KERN_SUCCESS) {
		if (port != MACH_PORT_NULL)
			thread_terminate(port);
		if (child)
			thread_free(child);
	}
	if (port != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), port);
	foreign_unlock(&foreign_rpc_lock);
	return result == KERN_SUCCESS ? (int64_t)tid : -LINUX_EAGAIN;
}

void foreign_exit_thread(struct foreign_thread *self)
{
	uint32_t *clear_tid = self->clear_tid;

	if (__atomic_sub_fetch(&threads, 1, __ATOMIC_ACQ_REL) == 0)
		foreign_exit_task(0, 0);
	foreign_lock(&foreign_rpc_lock);
	thread_free(self);
	foreign_unlock(&foreign_rpc_lock);
	mach_thread_exit(clear_tid);
}

void foreign_exit_task(int status, int signal)
{
	foreign_console_flush();
	if (signal)
		foreign_console_say("ended by signal ", (uint64_t)signal);
	else if (status)
		foreign_console_say("exit status ", (uint64_t)(status & 0xff));
	for (;;)
		task_terminate(mach_task_self());
}

static int64_t futex_wait(const uint32_t *word, uint32_t value, uint64_t deadline)
{
	switch (mach_word_wait(word, value, deadline, 0)) {
	case KERN_SUCCESS:
		return 0;
	case KERN_FAILURE:
		return -LINUX_EAGAIN;
	case KERN_TIMEDOUT:
		return -LINUX_ETIMEDOUT;
	case KERN_INTERRUPTED:
	case KERN_ABORTED:
		return -LINUX_EINTR;
	default:
		return -LINUX_EFAULT;
	}
}

int64_t foreign_futex(
	uint32_t *word, uint64_t operation, uint32_t value, uint64_t fourth, uint32_t *second, uint32_t third)
{
	const struct linux_timespec *time = (const struct linux_timespec *)fourth;
	bool real_time = operation & FUTEX_CLOCK_REALTIME;
	uint64_t deadline = MACH_DEADLINE_NONE;
	int64_t result;

	switch (operation & FUTEX_COMMAND) {
	case FUTEX_WAIT:
		if (time && __builtin_add_overflow(foreign_deadline(false, time), mach_clock_monotonic(), &deadline))
			deadline = MACH_DEADLINE_NONE;
		return futex_wait(word, value, deadline);
	case FUTEX_WAIT_BITSET:
		/* The C library passes all bits only. */
		if (time)
			deadline = foreign_deadline(real_time, time);
		return futex_wait(word, value, deadline);
	case FUTEX_WAKE:
	case FUTEX_WAKE_BITSET:
		result = mach_word_wake(word, value, 0);
		return result < 0 ? -LINUX_EFAULT : result;
	case FUTEX_REQUEUE:
		third = __atomic_load_n(word, __ATOMIC_RELAXED);
		/* fall through */
	case FUTEX_CMP_REQUEUE:
		result = mach_word_requeue(word, second, value, (uint32_t)fourth, third, 0);
		if (result >> 32)
			return result >> 32 == KERN_FAILURE ? -LINUX_EAGAIN : -LINUX_EFAULT;
		return result;
	default:
		return -LINUX_ENOSYS;
	}
}
