/* The two copying traps: bytes go from one task's memory to another's in one copy. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <kern/task.h>
#include <kern/trap.h>
#include <mach/trap.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

/*
 * The other task's page is found in its page tables and addressed through the map of all physical memory; the own side
 * is addressed as the user would. A page that is missing on either side is faulted in, and the trap is run again: what
 * has been copied is then in the upper half of r8, whose lower half holds the flags, so that an aborted or stopped
 * thread resumes where it was.
 */
#define PIECE_BYTES 65536 /* copied before others get the processor */
#define DONE_SHIFT  32

kern_return_t vm_map_locate(vm_map_t map, vm_address_t address, vm_prot_t access, uint64_t *physical)
{
	vm_address_t page = trunc_page(address);
	kern_return_t result;

	*physical = pmap_hold(map->pmap, page, access);
	if (__builtin_expect(*physical == 0, 0)) {
		result = vm_fault(map, page, access);
		if (result != KERN_SUCCESS)
			return result;
		*physical = pmap_hold(map->pmap, page, access);
		if (*physical == 0)
			return KERN_RESTART; /* taken away again */
	}
	*physical = trunc_page(*physical) + (address & VM_PAGE_MASK);
	if ((access & VM_PROT_WRITE) != 0) {
		/* A write through the kernel's map leaves no mark in the task's page table. */
		struct vm_page *target = vm_page_lookup_physical(*physical);

		if (target != NULL)
			target->dirty = true;
	}
	return KERN_SUCCESS;
}

/* Copies from *done on, up to `most` bytes more; touch: looks only that they can be written. */
static kern_return_t copy_piece(
	struct thread *self, vm_map_t map, bool write, bool touch, vm_size_t size, vm_size_t most, vm_size_t *done)
{
	vm_address_t theirs = self->regs.rsi, own = self->regs.r10;
	vm_size_t stop = size - *done > most ? *done + most : size;

	while (*done < stop) {
		vm_address_t at = theirs + *done;
		vm_size_t part = VM_PAGE_SIZE - (at & VM_PAGE_MASK), left;
		uint64_t physical;
		kern_return_t result = vm_map_locate(map, at, write ? VM_PROT_WRITE : VM_PROT_READ, &physical);

		if (result != KERN_SUCCESS)
			return result;
		part = part < stop - *done ? part : stop - *done;
		if (touch)
			left = 0;
		else if (write)
			left = machine_copy_from_user(physical_to_virtual(physical), own + *done, part);
		else
			left = machine_copy_to_user(own + *done, physical_to_virtual(physical), part);
		pmap_let_go(map->pmap, physical);
		*done += part - left;
		if (!touch)
			count_events(bytes_copied, part - left);
		if (left != 0) {
			result = vm_fault(self->task->map, own + *done, write ? VM_PROT_READ : VM_PROT_WRITE);
			if (result != KERN_SUCCESS)
				return result;
		}
	}
	return KERN_SUCCESS;
}

static kern_return_t swap_word(struct thread *self, uint32_t flags)
{
	uint32_t word[2];
	uint64_t physical;
	vm_map_t map;
	kern_return_t result = copyin(self->regs.r10, word, sizeof(word));

	if (result != KERN_SUCCESS)
		return result;
	if ((flags & ~VM_COPY_NOWAIT) != VM_COPY_SWAP || self->regs.rdx != sizeof(word[0]) ||
		self->regs.rsi % sizeof(word[0]) != 0)
		return KERN_INVALID_ARGUMENT;
	map = convert_name_to_map((mach_port_name_t)self->regs.rdi);
	if (map == NULL)
		return KERN_INVALID_TASK;
	result = vm_map_locate(map, self->regs.rsi, VM_PROT_WRITE, &physical);
	if (result == KERN_SUCCESS) {
		/* As strong as the user's own instruction. */
		if (!__atomic_compare_exchange_n((uint32_t *)physical_to_virtual(physical), &word[0], word[1], false,
			    __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			result = KERN_FAILURE;
		pmap_let_go(map->pmap, physical);
	}
	vm_map_deallocate(map);
	if (result == KERN_RESTART && (flags & VM_COPY_NOWAIT) != 0) {
		thread_cancel_wait(self);
		result = KERN_ABSENT;
	}
	return result;
}

static int64_t copy_tasks(struct thread *self, bool write)
{
	uint32_t flags = (uint32_t)self->regs.r8;
	vm_size_t done = self->regs.r8 >> DONE_SHIFT, size = self->regs.rdx;
	vm_address_t end;
	vm_map_t map;
	kern_return_t result;

	if (__builtin_expect((flags & VM_COPY_SWAP) != 0, 0))
		return write ? swap_word(self, flags) : KERN_INVALID_ARGUMENT;
	if (size > UINT32_MAX || done > size || (flags & ~(VM_COPY_NOWAIT | (write ? VM_COPY_TOUCH : 0))) != 0)
		return KERN_INVALID_ARGUMENT;
	if (!checked_add(self->regs.rsi, size, &end) || !checked_add(self->regs.r10, size, &end))
		return KERN_INVALID_ADDRESS;
	map = convert_name_to_map((mach_port_name_t)self->regs.rdi);
	if (map == NULL)
		return KERN_INVALID_TASK;
	result = copy_piece(self, map, write, (flags & VM_COPY_TOUCH) != 0, size, PIECE_BYTES, &done);
	vm_map_deallocate(map);
	if (result == KERN_RESTART && (flags & VM_COPY_NOWAIT) != 0) {
		thread_cancel_wait(self);
		result = KERN_ABSENT;
	}
	self->regs.r8 = flags | done << DONE_SHIFT;
	if (result == KERN_RESTART || (result == KERN_SUCCESS && done < size))
		return KERN_RESTART;
	if (self->regs.r9 != 0) {
		kern_return_t stored = copyout(&done, self->regs.r9, sizeof(done));

		if (stored == KERN_RESTART)
			return KERN_RESTART;
		if (stored != KERN_SUCCESS)
			result = stored;
	}
	self->regs.r8 = flags;
	return result;
}

int64_t vm_trap_read_overwrite(struct thread *self)
{
	return copy_tasks(self, false);
}

int64_t vm_trap_write(struct thread *self)
{
	return copy_tasks(self, true);
}
