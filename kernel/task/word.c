/* Waiting on a 32-bit word of memory: what C libraries build their locks from. */
#include <kern/piece.h>
#include <kern/task.h>
#include <kern/trap.h>
#include <mach/trap.h>
#include <vm/vm.h>

/* Waiters dealt with in one hold of their lock, and about what one takes (kern/piece.h). */
#define WAKE_PIECE 16u
#define WAKE_COST  400

static kern_return_t word_key(struct thread *self, vm_address_t address, uint64_t flags, struct word_key *key)
{
	if ((address & 3) != 0 || (flags & ~(uint64_t)WORD_SHARED) != 0)
		return KERN_INVALID_ARGUMENT;
	return vm_word_key(self->task->map, address, (flags & WORD_SHARED) != 0, key);
}

static void word_wait_over(struct thread *self)
{
	self->regs.rax = self->wait_result == WAIT_TIMED_OUT     ? KERN_TIMEDOUT
			 : self->wait_result == WAIT_INTERRUPTED ? KERN_INTERRUPTED
								 : KERN_SUCCESS;
	thread_leave_kernel(self);
}

/*
 * KERN_SUCCESS: woken. KERN_FAILURE: the word differs. The wait is asserted before the word is read, so that a waker
 * who changed the word first either is seen by the read or finds the waiter.
 */
int64_t trap_word_wait(struct thread *self)
{
	vm_address_t address = self->regs.rdi;
	uint32_t expected = (uint32_t)self->regs.rsi, value;
	uint64_t deadline = self->regs.rdx;
	struct word_key key;
	kern_return_t result = word_key(self, address, self->regs.r10, &key);

	if (result != KERN_SUCCESS)
		return result;
	for (;;) {
		assert_wait_word(&key, deadline);
		if (machine_load_user_word(address, &value))
			break;
		if (!thread_cancel_wait(self))
			word_wait_over(self);
		result = vm_fault(self->task->map, address, VM_PROT_READ);
		if (result != KERN_SUCCESS)
			return result;
	}
	if (value != expected) {
		/* Who has been woken in between must say so: the waker has counted him. */
		if (!thread_cancel_wait(self))
			word_wait_over(self);
		return KERN_FAILURE;
	}
	thread_block(word_wait_over);
}

/* Wakes at most `most` in pieces, until there are no more, or has them wait for another word; the number. */
static unsigned wake(const struct word_key *key, const struct word_key *to, uint32_t most)
{
	unsigned woken = 0, part, now;

	do {
		part = most - woken < WAKE_PIECE ? most - woken : WAKE_PIECE;
		now = to == NULL ? thread_wakeup_word(key, part) : thread_requeue(key, to, part);
		woken += now;
		piece_spend((int32_t)(now * WAKE_COST));
	} while (now == WAKE_PIECE);
	return woken;
}

int64_t trap_word_wake(struct thread *self)
{
	struct word_key key;
	kern_return_t result = word_key(self, self->regs.rdi, self->regs.rdx, &key);

	if (result == KERN_RESTART)
		return result;
	if (result != KERN_SUCCESS)
		return -(int64_t)result;
	return wake(&key, NULL, (uint32_t)self->regs.rsi);
}

/* Results from 0 up count threads; an error is its code shifted by 32 bits. */
int64_t trap_word_requeue(struct thread *self)
{
	struct word_key from, to;
	uint32_t value;
	kern_return_t result = word_key(self, self->regs.rdi, self->regs.r9, &from);
	unsigned woken;

	if (result == KERN_SUCCESS)
		result = word_key(self, self->regs.rsi, self->regs.r9, &to);
	if (result == KERN_SUCCESS)
		result = copyin(self->regs.rdi, &value, sizeof(value));
	if (result == KERN_RESTART)
		return result;
	if (result != KERN_SUCCESS)
		return (int64_t)result << 32;
	if (value != (uint32_t)self->regs.r8)
		return (int64_t)KERN_FAILURE << 32;
	woken = wake(&from, NULL, (uint32_t)self->regs.rdx);
	return woken + wake(&from, &to, (uint32_t)self->regs.r10);
}

int64_t trap_thread_exit(struct thread *self)
{
	vm_address_t address = self->regs.rdi;

	if (address != 0) {
		uint32_t zero = 0;
		struct word_key key;
		kern_return_t result = word_key(self, address, 0, &key);

		if (result == KERN_SUCCESS)
			result = copyout(&zero, address, sizeof(zero));
		if (result == KERN_RESTART)
			return result;
		if (result == KERN_SUCCESS)
			thread_wakeup_word(&key, 1);
	}
	thread_exit_self(self);
}
