/* GNU's gsync over the word traps, for words of the caller's own task. */
#include <mach/mach.h>

static kern_return_t refuse(task_t task, vm_address_t address, int flags, int known)
{
	/* A word of another task can be waited for only from there. */
	if (task != mach_task_self() || (flags & ~known) || (address & 3) != 0)
		return KERN_INVALID_ARGUMENT;
	return address == 0 ? KERN_INVALID_ADDRESS : KERN_SUCCESS;
}

static uint32_t sharing(int flags)
{
	return flags & GSYNC_SHARED ? WORD_SHARED : 0;
}

/* Whether it can be read: touched by the kernel, so that a bad address is an error here, too. */
static kern_return_t load(vm_address_t address, uint32_t *value)
{
	vm_size_t done;

	return task_copy_from(mach_task_self(), address, sizeof(*value), value, 0, &done);
}

kern_return_t gsync_wait(
	task_t task, vm_address_t address, unsigned value1, unsigned value2, natural_t milliseconds, int flags)
{
	uint64_t deadline = MACH_DEADLINE_NONE;
	kern_return_t result = refuse(task, address, flags, GSYNC_SHARED | GSYNC_TIMED);

	(void)value2; /* of GSYNC_QUAD */
	if (result != KERN_SUCCESS)
		return result;
	if (flags & GSYNC_TIMED)
		deadline = mach_clock_monotonic() + milliseconds * NSEC_PER_MSEC;
	result = mach_word_wait((const uint32_t *)address, value1, deadline, sharing(flags));
	return result == KERN_FAILURE ? KERN_INVALID_ARGUMENT : result;
}

kern_return_t gsync_wake(task_t task, vm_address_t address, unsigned value, int flags)
{
	uint32_t now;
	int64_t woken;
	kern_return_t result = refuse(task, address, flags, GSYNC_SHARED | GSYNC_BROADCAST | GSYNC_MUTATE);

	if (result == KERN_SUCCESS)
		result = load(address, &now);
	if (result != KERN_SUCCESS)
		return result;
	if (flags & GSYNC_MUTATE) {
		vm_size_t done;

		result = task_copy_to(mach_task_self(), address, sizeof(value), &value, VM_COPY_TOUCH, &done);
		if (result != KERN_SUCCESS)
			return result;
		__atomic_store_n((uint32_t *)address, value, __ATOMIC_RELEASE);
	}
	woken = mach_word_wake((const uint32_t *)address, flags & GSYNC_BROADCAST ? UINT32_MAX : 1, sharing(flags));
	if (woken < 0)
		return (kern_return_t)-woken;
	return woken == 0 ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
}

kern_return_t gsync_requeue(task_t task, vm_address_t from, vm_address_t to, boolean_t wake_one, int flags)
{
	kern_return_t result = refuse(task, from, flags, GSYNC_SHARED | GSYNC_BROADCAST);
	uint32_t now, unused;
	int64_t moved;

	if (result == KERN_SUCCESS)
		result = refuse(task, to, flags, GSYNC_SHARED | GSYNC_BROADCAST);
	if (result == KERN_SUCCESS)
		result = load(to, &unused);
	do {
		if (result == KERN_SUCCESS)
			result = load(from, &now);
		if (result != KERN_SUCCESS)
			return result;
		/* The trap compares the word; here whatever it holds is right. */
		moved = mach_word_requeue((const uint32_t *)from, (const uint32_t *)to, wake_one ? 1 : 0,
			flags & GSYNC_BROADCAST ? UINT32_MAX : 1, now, sharing(flags));
	} while (moved >> 32 == KERN_FAILURE);
	if (moved >> 32 != 0)
		return (kern_return_t)(moved >> 32);
	return moved == 0 ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
}
