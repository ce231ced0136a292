/* What follows an entry from user mode: the table of traps, foreign calls, faults, and copying with user memory. */
#include <kern/trap.h>

#include <ipc/ipc.h>
#include <kern/checked.h>
#include <task/host.h>
#include <kern/piece.h>
#include <mach/exception.h>
#include <mach/trap.h>
#include <task/task_private.h>
#include <vm/vm.h>

#define NS_PER_MS 1000000ull

/* Bytes that are copied before interrupts come through (kern/piece.h), and how many one turn copies. */
#define COPY_PIECE 16384u
#define COPY_BYTES 8
#define FAULT_COST 1500 /* instructions of one in the middle, about */

/* A name for a fresh send right to a kernel port that the task's lock guards. */
static int64_t name_for_port(struct thread *self, struct ipc_port *const *port)
{
	mach_port_name_t name = MACH_PORT_NULL;
	struct ipc_port *right = task_slot_right(self->task, port, ipc_port_make_send);

	if (right == NULL || ipc_space_insert(self->task->space, right, MACH_MSG_TYPE_PORT_SEND, &name) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return name;
}

static int64_t trap_thread_self(struct thread *self)
{
	return name_for_port(self, &self->self_port);
}

static int64_t trap_task_self(struct thread *self)
{
	return name_for_port(self, &self->task->self_port);
}

static int64_t trap_host_self(struct thread *self)
{
	return name_for_port(self, &realhost.port);
}

static int64_t trap_clock(struct thread *self)
{
	return (int64_t)(self->regs.rdi == 0 ? machine_now() : host_real_time());
}

static int64_t trap_null(struct thread *)
{
	return 0;
}

static int64_t trap_set_fs_base(struct thread *self)
{
	if (self->regs.rdi >= VM_MAX_ADDRESS)
		return KERN_INVALID_ADDRESS;
	self->regs.fs_base = self->regs.rdi; /* loaded on the way out */
	return KERN_SUCCESS;
}

static void sleep_over(struct thread *self)
{
	self->regs.rax = self->wait_result == WAIT_INTERRUPTED ? KERN_INTERRUPTED : KERN_SUCCESS;
	thread_leave_kernel(self);
}

/*
 * A sleep, or a pause: the thread goes behind its equals. With a thread's name, that one runs next if it is ready. Who
 * owes a reply gives up the slice that it has from its caller: that goes behind its equals when it is answered.
 */
static int64_t trap_thread_switch(struct thread *self)
{
	if (self->regs.rsi == SWITCH_OPTION_WAIT) {
		assert_wait(&self->wait_timer, true, machine_now() + (uint32_t)self->regs.rdx * NS_PER_MS);
		thread_block(sleep_over);
	}
	self->regs.rax = KERN_SUCCESS;
	if (self->ipc.owes != NULL && (mach_port_name_t)self->regs.rdi == MACH_PORT_NULL) {
		sched_slice_over();
		return KERN_SUCCESS;
	}
	if ((mach_port_name_t)self->regs.rdi != MACH_PORT_NULL) {
		struct thread *thread = convert_name_to_thread((mach_port_name_t)self->regs.rdi);
		bool claimed = false;

		if (thread != NULL) {
			lock_acquire(&thread->lock);
			if (thread->state == THREAD_READY && sched_may_run_here(thread) && sched_dequeue(thread)) {
				thread->state = THREAD_RUNNING;
				thread->on_processor = true;
				thread->processor = current_processor();
				claimed = true;
			}
			lock_release(&thread->lock);
			thread_deallocate(thread);
			if (claimed)
				thread_handoff(thread, NULL);
		}
	}
	thread_block(NULL);
}

/* By the number's absolute value; the register traps do not come here. A power of two, for the mask below. */
#define TRAPS 32
_Static_assert(TRAP_LAST < TRAPS, "every trap has its place");
static const trap_fn traps[TRAPS] = {
	[-TRAP_MACH_REPLY_DEFER] = ipc_trap_reply_defer,
	[-TRAP_MACH_SEND] = ipc_trap_send,
	[-TRAP_MACH_MSG] = ipc_trap_mach_msg,
	[-TRAP_MACH_MSG_RESUME] = ipc_trap_mach_msg,
	[-TRAP_REPLY_PORT] = ipc_trap_reply_port,
	[-TRAP_THREAD_SELF] = trap_thread_self,
	[-TRAP_TASK_SELF] = trap_task_self,
	[-TRAP_HOST_SELF] = trap_host_self,
	[-TRAP_VM_READ_OVERWRITE] = vm_trap_read_overwrite,
	[-TRAP_VM_WRITE] = vm_trap_write,
	[-TRAP_WORD_WAIT] = trap_word_wait,
	[-TRAP_WORD_WAKE] = trap_word_wake,
	[-TRAP_WORD_REQUEUE] = trap_word_requeue,
	[-TRAP_THREAD_SWITCH] = trap_thread_switch,
	[-TRAP_THREAD_EXIT] = trap_thread_exit,
	[-TRAP_CLOCK] = trap_clock,
	[-TRAP_NULL] = trap_null,
	[-TRAP_SET_FS_BASE] = trap_set_fs_base,
	[-TRAP_THREAD_GET_STATE] = trap_thread_get_state,
	[-TRAP_THREAD_SET_STATE] = trap_thread_set_state,
};

static bool in_bitmap(const struct task *task, uint64_t number)
{
	return number < FOREIGN_BITMAP_WORDS * 64 &&
	       (task->foreign_bitmap[index_within(number / 64, FOREIGN_BITMAP_WORDS)] >> (number % 64) & 1);
}

/* The upcall of the emulation setting: only rip, rcx and r11 change. */
static _Noreturn void enter_handler(struct thread *self)
{
	self->regs.rcx = self->regs.rip;
	self->regs.r11 = self->save_area;
	self->regs.rip = self->task->foreign_handler;
	self->regs.by_syscall = 0; /* rcx and r11 matter */
	thread_leave_kernel(self);
}

void trap_foreign(struct thread *self)
{
	count_event(foreign_calls);
	switch (self->task->foreign_setting) {
	case FOREIGN_EMULATION:
		enter_handler(self);
	case FOREIGN_MIXED:
		if (in_bitmap(self->task, self->regs.rax))
			enter_handler(self);
		/* fallthrough */
	case FOREIGN_PORT:
		ipc_foreign_call(self);
	default:
		exception_raise_self(EXC_SYSCALL, (int64_t)self->regs.rax, 0);
	}
}

void trap_syscall(struct thread *self)
{
	int64_t number = (int64_t)self->regs.rax;
	int64_t result;

	if (__builtin_expect(self->task->foreign_only, 0))
		trap_foreign(self);
	if (-(uint64_t)number >= TRAPS || traps[-(uint64_t)number % TRAPS] == NULL) {
		if (number >= 0)
			trap_foreign(self);
		if (number == TRAP_MACH_CALL)
			ipc_trap_call(self);
		if (number == TRAP_MACH_REPLY_WAIT)
			ipc_trap_reply_wait(self);
		self->regs.rax = (uint64_t)(int64_t)KERN_INVALID_ARGUMENT;
		thread_leave_kernel(self);
	}
	result = traps[-number](self);
	if (result == KERN_RESTART)
		thread_block_restart(self);
	self->regs.rax = (uint64_t)result;
	thread_leave_kernel(self);
}

void trap_page_fault(struct thread *self, vm_address_t address, vm_prot_t access)
{
	kern_return_t result;

	count_event(faults);
	result = vm_fault(self->task->map, address, access);
	if (result == KERN_SUCCESS)
		thread_leave_kernel(self);
	if (result == KERN_RESTART)
		thread_block(NULL); /* the instruction runs again */
	exception_raise_self(EXC_BAD_ACCESS, result, (int64_t)address);
}

/* In or out. The address at which a copy stopped is faulted in, and the copy goes on from there. */
static inline __attribute__((always_inline)) kern_return_t copy_part(
	vm_address_t address, char *kernel, vm_size_t size, bool in)
{
	vm_size_t left;

	while ((left = in ? machine_copy_from_user(kernel, address, size)
			  : machine_copy_to_user(address, kernel, size)) != 0) {
		kern_return_t result;

		kernel += size - left;
		address += size - left;
		size = left;
		piece_spend(FAULT_COST);
		result = vm_fault(
			current_thread()->task->map, address, in ? VM_PROT_READ : VM_PROT_READ | VM_PROT_WRITE);
		if (result != KERN_SUCCESS)
			return result;
	}
	return KERN_SUCCESS;
}

/* The same in pieces. */
static __attribute__((noinline)) kern_return_t copy_long(vm_address_t address, char *kernel, vm_size_t size, bool in)
{
	while (size > 0) {
		vm_size_t part = size < COPY_PIECE ? size : COPY_PIECE;
		kern_return_t result = copy_part(address, kernel, part, in);

		if (result != KERN_SUCCESS)
			return result;
		kernel += part;
		address += part;
		size -= part;
		piece_spend(COPY_PIECE / COPY_BYTES);
	}
	return KERN_SUCCESS;
}

kern_return_t copyin(vm_address_t address, void *kernel, vm_size_t size)
{
	if (__builtin_expect(size <= COPY_PIECE, 1))
		return copy_part(address, kernel, size, true);
	return copy_long(address, kernel, size, true);
}

kern_return_t copyout(const void *kernel, vm_address_t address, vm_size_t size)
{
	if (__builtin_expect(size <= COPY_PIECE, 1))
		return copy_part(address, (char *)(uintptr_t)kernel, size, false);
	return copy_long(address, (char *)(uintptr_t)kernel, size, false);
}
