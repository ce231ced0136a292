/* Memory of the C library: anonymous mappings as regions of the task. */
#include "handler.h"

enum {
	MAP_FIXED = 0x10,
	MAP_ANONYMOUS = 0x20,
	MAP_FIXED_NOREPLACE = 0x100000,
};

static int64_t linux_error(kern_return_t result)
{
	return result == KERN_SUCCESS ? 0 : result == KERN_INVALID_ARGUMENT ? -LINUX_EINVAL : -LINUX_ENOMEM;
}

int64_t foreign_mmap(uint64_t address, uint64_t size, uint64_t protection, uint64_t flags)
{
	bool fixed = flags & (MAP_FIXED | MAP_FIXED_NOREPLACE);
	kern_return_t result;

	if (!(flags & MAP_ANONYMOUS))
		return -LINUX_ENODEV;
	if (size == 0 || size > VM_MAX_ADDRESS || (fixed && (address & VM_PAGE_MASK)))
		return -LINUX_EINVAL;
	size = round_page(size);
	if (!fixed)
		address = 0;
	if (flags & MAP_FIXED)
		vm_deallocate(mach_task_self(), address, size);
	result = vm_allocate(mach_task_self(), &address, size, !fixed);
	if (result == KERN_SUCCESS && protection != VM_PROT_DEFAULT) {
		result = vm_protect(mach_task_self(), address, size, FALSE, (vm_prot_t)(protection & VM_PROT_ALL));
		if (result != KERN_SUCCESS)
			vm_deallocate(mach_task_self(), address, size);
	}
	return result == KERN_SUCCESS ? (int64_t)address : linux_error(result);
}

int64_t foreign_munmap(uint64_t address, uint64_t size)
{
	if ((address & VM_PAGE_MASK) || size == 0 || size > VM_MAX_ADDRESS)
		return -LINUX_EINVAL;
	return linux_error(vm_deallocate(mach_task_self(), address, round_page(size)));
}

int64_t foreign_mprotect(uint64_t address, uint64_t size, uint64_t protection)
{
	if ((address & VM_PAGE_MASK) || size > VM_MAX_ADDRESS)
		return -LINUX_EINVAL;
	if (size == 0)
		return 0;
	return linux_error(
		vm_protect(mach_task_self(), address, round_page(size), FALSE, (vm_prot_t)(protection & VM_PROT_ALL)));
}
