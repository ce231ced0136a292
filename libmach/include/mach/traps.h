/* The Mach traps as functions, and the names a task holds of itself. */
#ifndef MACH_TRAPS_H
#define MACH_TRAPS_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/trap.h>
#include <mach/vm_types.h>
#include <stdint.h>

/* A plain trap: keeps every register but rax, rcx and r11. */
static inline int64_t mach_trap(int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
	register uint64_t r10 __asm__("r10") = d;
	register uint64_t r8 __asm__("r8") = e;
	register uint64_t r9 __asm__("r9") = f;

	/* r8: an aborted copying trap leaves there how far it got. */
	__asm__ volatile("syscall"
			 : "+a"(number), "+r"(r8)
			 : "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r9)
			 : "rcx", "r11", "memory");
	return number;
}

/*
 * Sends and/or receives one message. Buffer, options and errors: mach/message.h. The trap comes back when it is
 * interrupted; mach_msg goes on unless MACH_SEND_INTERRUPT or MACH_RCV_INTERRUPT says otherwise.
 */
static inline mach_msg_return_t mach_msg_trap(mach_msg_header_t *message, mach_msg_option_t option,
	mach_msg_size_t send_size, mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout,
	mach_port_t notify)
{
	return (mach_msg_return_t)mach_trap(TRAP_MACH_MSG, (uintptr_t)message, option,
		send_size | (uint64_t)receive_size << 32, receive_name, timeout, notify);
}

mach_msg_return_t mach_msg(mach_msg_header_t *message, mach_msg_option_t option, mach_msg_size_t send_size,
	mach_msg_size_t receive_size, mach_port_t receive_name, mach_msg_timeout_t timeout, mach_port_t notify);
/* Gives back every right and all memory of a message that was received, or that could not be sent. */
void mach_msg_destroy(mach_msg_header_t *message);

/* A new receive right, for replies. */
static inline mach_port_t mach_reply_port(void)
{
	return (mach_port_t)mach_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0);
}

/* Send rights; each call adds a user reference. */
static inline mach_port_t mach_thread_self(void)
{
	return (mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0);
}

static inline mach_port_t mach_host_self(void)
{
	return (mach_port_t)mach_trap(TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0);
}

/* The task's own port, asked for once by start-up code; no user reference is added. */
extern mach_port_t mach_task_self_;

static inline mach_port_t mach_task_self(void)
{
	return mach_task_self_;
}

/*
 * One copy between a task and the caller. done (may be null) says how many bytes were copied in any case. With
 * VM_COPY_NOWAIT: KERN_ABSENT instead of waiting for a pager. With VM_COPY_TOUCH task_copy_to only makes the pages
 * writable. With VM_COPY_SWAP an aligned word of 4 bytes becomes the second of the two at `data` if it is the first, in
 * one step also for those who use it meanwhile; KERN_FAILURE: it is not. done is not written.
 */
static inline kern_return_t task_copy_from(
	mach_port_t task, vm_address_t address, vm_size_t size, void *data, uint32_t flags, vm_size_t *done)
{
	return (kern_return_t)mach_trap(
		TRAP_VM_READ_OVERWRITE, task, address, size, (uintptr_t)data, flags, (uintptr_t)done);
}

static inline kern_return_t task_copy_to(
	mach_port_t task, vm_address_t address, vm_size_t size, const void *data, uint32_t flags, vm_size_t *done)
{
	return (kern_return_t)mach_trap(TRAP_VM_WRITE, task, address, size, (uintptr_t)data, flags, (uintptr_t)done);
}

/*
 * thread_get_state and thread_set_state without a message, for who does it often. *count: words there is room for, then
 * words there are. When a floating-point state cannot be read to its end (KERN_INVALID_ADDRESS), those registers are
 * undefined, and the others as they were.
 */
static inline kern_return_t thread_get_state_trap(mach_port_t thread, int flavor, uint64_t *state, unsigned *count)
{
	int64_t result = mach_trap(TRAP_THREAD_GET_STATE, thread, (uint32_t)flavor, (uintptr_t)state, *count, 0, 0);

	if (result <= 0 || result >> 32 != 0)
		return (kern_return_t)(result >> 32);
	*count = (unsigned)result;
	return KERN_SUCCESS;
}

static inline kern_return_t thread_set_state_trap(mach_port_t thread, int flavor, const uint64_t *state, unsigned count)
{
	return (kern_return_t)mach_trap(TRAP_THREAD_SET_STATE, thread, (uint32_t)flavor, (uintptr_t)state, count, 0, 0);
}

#define MACH_DEADLINE_NONE UINT64_MAX

/*
 * Waits until the word is woken. KERN_SUCCESS: woken; KERN_FAILURE: it does not hold `expected`; KERN_TIMEDOUT: the
 * deadline (ns, monotonic) passed; KERN_INTERRUPTED; KERN_INVALID_ADDRESS.
 */
static inline kern_return_t mach_word_wait(const uint32_t *word, uint32_t expected, uint64_t deadline, uint32_t flags)
{
	return (kern_return_t)mach_trap(TRAP_WORD_WAIT, (uintptr_t)word, expected, deadline, flags, 0, 0);
}

/* Wakes at most `most` waiters; how many were woken. */
static inline int64_t mach_word_wake(const uint32_t *word, uint32_t most, uint32_t flags)
{
	return mach_trap(TRAP_WORD_WAKE, (uintptr_t)word, most, flags, 0, 0, 0);
}

/* If *from holds `expected`: wakes `wake` waiters of it and moves `move` more to `to`; woken + moved, or an error
 * << 32. */
static inline int64_t mach_word_requeue(
	const uint32_t *from, const uint32_t *to, uint32_t wake, uint32_t move, uint32_t expected, uint32_t flags)
{
	return mach_trap(TRAP_WORD_REQUEUE, (uintptr_t)from, (uintptr_t)to, wake, move, expected, flags);
}

static inline kern_return_t thread_switch(mach_port_t thread, int option, uint32_t milliseconds)
{
	return (kern_return_t)mach_trap(TRAP_THREAD_SWITCH, thread, (uint64_t)option, milliseconds, 0, 0, 0);
}

/* Ends the calling thread; then clears the word (may be null) and wakes one waiter of it: its stack may be reused. */
static inline _Noreturn void mach_thread_exit(uint32_t *word)
{
	for (;;)
		mach_trap(TRAP_THREAD_EXIT, (uintptr_t)word, 0, 0, 0, 0, 0);
}

/* The calling thread's FS base. KERN_INVALID_ADDRESS when it is not canonical. */
static inline kern_return_t mach_set_fs_base(uint64_t base)
{
	return (kern_return_t)mach_trap(TRAP_SET_FS_BASE, base, 0, 0, 0, 0, 0);
}

/* Nanoseconds since boot, and since 1970. */
static inline uint64_t mach_clock_monotonic(void)
{
	return (uint64_t)mach_trap(TRAP_CLOCK, 0, 0, 0, 0, 0, 0);
}

static inline uint64_t mach_clock_real(void)
{
	return (uint64_t)mach_trap(TRAP_CLOCK, 1, 0, 0, 0, 0, 0);
}

static inline int64_t mach_null_trap(void)
{
	return mach_trap(TRAP_NULL, 0, 0, 0, 0, 0, 0);
}

#endif
