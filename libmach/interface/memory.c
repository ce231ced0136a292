/* Memory in the spellings of GNU's, OSF's and Apple's programs. */
#include <mach/mach.h>
#include <stddef.h>

vm_size_t vm_page_size = VM_PAGE_SIZE;
vm_size_t vm_page_mask = VM_PAGE_MASK;
int vm_page_shift = VM_PAGE_SHIFT;

kern_return_t vm_region_gnu_(task_t task, vm_address_t *address, vm_size_t *size, vm_prot_t *protection,
	vm_prot_t *max_protection, vm_inherit_t *inheritance, boolean_t *is_shared, memory_object_name_t *object_name,
	vm_offset_t *offset)
{
	kern_return_t result =
		portolan_vm_region(task, address, size, protection, max_protection, inheritance, is_shared, offset);

	if (result == KERN_SUCCESS)
		*object_name = MACH_PORT_NULL;
	return result;
}

kern_return_t mach_vm_region(task_t task, mach_vm_address_t *address, mach_vm_size_t *size, vm_region_flavor_t flavor,
	vm_region_info_t info, mach_msg_type_number_t *count, mach_port_t *object_name)
{
	vm_region_basic_info_data_64_t *basic = (void *)info;
	vm_region_basic_info_data_64_t told = {0};
	kern_return_t result;

	if ((flavor != VM_REGION_BASIC_INFO_64 && flavor != VM_REGION_BASIC_INFO) ||
		*count < VM_REGION_BASIC_INFO_COUNT_64)
		return KERN_INVALID_ARGUMENT;
	result = portolan_vm_region(task, address, size, &told.protection, &told.max_protection, &told.inheritance,
		&told.shared, &told.offset);
	/* As Apple's and OSF's manuals have it; GNU's says KERN_NO_SPACE. */
	if (result == KERN_NO_SPACE)
		return KERN_INVALID_ADDRESS;
	if (result != KERN_SUCCESS)
		return result;
	__builtin_memcpy(basic, &told, sizeof(told));
	*count = VM_REGION_BASIC_INFO_COUNT_64;
	*object_name = MACH_PORT_NULL;
	return KERN_SUCCESS;
}

kern_return_t mach_vm_region_recurse(task_t task, mach_vm_address_t *address, mach_vm_size_t *size, natural_t *depth,
	vm_region_recurse_info_t info, mach_msg_type_number_t *count)
{
	vm_region_submap_info_data_64_t told = {.share_mode = SM_PRIVATE};
	int pages[VM_PAGE_QUERY_MAX];
	mach_msg_type_number_t n = VM_PAGE_QUERY_MAX;
	boolean_t shared;
	kern_return_t result;

	if (*count < VM_REGION_SUBMAP_INFO_COUNT_64)
		return KERN_INVALID_ARGUMENT;
	result = portolan_vm_region(
		task, address, size, &told.protection, &told.max_protection, &told.inheritance, &shared, &told.offset);
	if (result == KERN_NO_SPACE)
		return KERN_INVALID_ADDRESS;
	if (result == KERN_SUCCESS)
		result = vm_page_range_query(task, *address, pages, &n);
	if (result != KERN_SUCCESS)
		return result;
	for (mach_msg_type_number_t i = 0; i < n && i < *size / VM_PAGE_SIZE; i++) {
		told.pages_resident += (pages[i] & VM_PAGE_QUERY_PAGE_PRESENT) != 0;
		told.pages_swapped_out += (pages[i] & VM_PAGE_QUERY_PAGE_PAGED_OUT) != 0;
		told.pages_dirtied += (pages[i] & VM_PAGE_QUERY_PAGE_DIRTY) != 0;
		told.external_pager |= (pages[i] & VM_PAGE_QUERY_PAGE_EXTERNAL) != 0;
	}
	if (shared)
		told.share_mode = SM_SHARED;
	__builtin_memcpy(info, &told, sizeof(told));
	*count = VM_REGION_SUBMAP_INFO_COUNT_64;
	*depth = 0;
	return KERN_SUCCESS;
}

kern_return_t mach_vm_page_query(task_t task, mach_vm_offset_t offset, int *disposition, int *references)
{
	int pages[VM_PAGE_QUERY_MAX];
	mach_msg_type_number_t count = VM_PAGE_QUERY_MAX;
	kern_return_t result = vm_page_range_query(task, trunc_page(offset), pages, &count);

	if (result != KERN_SUCCESS)
		return result;
	*disposition = pages[0];
	*references = 0;
	return KERN_SUCCESS;
}

kern_return_t vm_msync(task_t task, vm_address_t address, vm_size_t size, vm_sync_t flags)
{
	const vm_sync_t both = VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS;

	if ((flags & both) == both || (flags & VM_SYNC_KILLPAGES))
		return KERN_INVALID_ARGUMENT;
	return portolan_vm_msync(task, address, size, (flags & VM_SYNC_INVALIDATE) != 0);
}

kern_return_t vm_read_overwrite(task_t task, vm_address_t address, vm_size_t size, vm_address_t data, vm_size_t *done)
{
	return task_copy_from(task, address, size, (void *)data, 0, done);
}

kern_return_t vm_read_list(task_t task, vm_read_entry_t list, natural_t count)
{
	kern_return_t result = count > VM_MAP_ENTRY_MAX ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
	natural_t made;

	for (made = 0; result == KERN_SUCCESS && made < count; made++) {
		vm_offset_t data = 0;
		mach_msg_type_number_t got = 0;

		if (list[made].size != 0)
			result = vm_read(task, list[made].address, list[made].size, &data, &got);
		if (result != KERN_SUCCESS)
			break;
		list[made].address = data;
	}
	for (natural_t i = 0; result != KERN_SUCCESS && i < made && made <= count; i++) {
		mig_deallocate(list[i].address, list[i].size);
		list[i].address = 0;
	}
	return result;
}

/* KERN_INVALID_ADDRESS unless all of it is allocated. */
static kern_return_t covered(task_t task, vm_address_t address, vm_size_t size)
{
	const vm_address_t end = address + size;
	vm_prot_t protection, max_protection;
	vm_inherit_t inheritance;
	boolean_t shared;
	vm_offset_t offset;

	if (end < address)
		return KERN_INVALID_ADDRESS;
	while (address < end) {
		vm_address_t at = address;
		vm_size_t found;
		kern_return_t result = portolan_vm_region(
			task, &at, &found, &protection, &max_protection, &inheritance, &shared, &offset);

		if (result == KERN_NO_SPACE || (result == KERN_SUCCESS && at > address))
			return KERN_INVALID_ADDRESS;
		if (result != KERN_SUCCESS)
			return result;
		address = at + found;
	}
	return KERN_SUCCESS;
}

kern_return_t vm_machine_attribute(task_t task, vm_address_t address, vm_size_t size, vm_machine_attribute_t attribute,
	vm_machine_attribute_val_t *value)
{
	kern_return_t result = covered(task, address, size);

	if (result != KERN_SUCCESS)
		return result;
	if (attribute != MATTR_CACHE)
		return KERN_INVALID_ARGUMENT;
	switch (*value) {
	case MATTR_VAL_GET:
		*value = MATTR_VAL_ON;
		return KERN_SUCCESS;
	case MATTR_VAL_ON:
	case MATTR_VAL_CACHE_FLUSH:
	case MATTR_VAL_DCACHE_FLUSH:
	case MATTR_VAL_ICACHE_FLUSH:
	case MATTR_VAL_CACHE_SYNC:
		return KERN_SUCCESS;
	default:
		return KERN_INVALID_ARGUMENT;
	}
}

kern_return_t vm_behavior_set(task_t task, vm_address_t address, vm_size_t size, vm_behavior_t behavior)
{
	if (behavior > VM_BEHAVIOR_DONTNEED)
		return KERN_INVALID_ARGUMENT;
	return covered(task, address, size);
}

/* What is at a fixed address goes, if the caller says so. */
static kern_return_t make_room(task_t task, vm_address_t address, vm_size_t size, int flags)
{
	if (flags & ~(int)(VM_FLAGS_ANYWHERE | VM_FLAGS_OVERWRITE | VM_FLAGS_ALIAS_MASK))
		return KERN_INVALID_ARGUMENT;
	return (flags & VM_FLAGS_OVERWRITE) && !(flags & VM_FLAGS_ANYWHERE) ? vm_deallocate(task, address, size)
									    : KERN_SUCCESS;
}

kern_return_t mach_vm_allocate(task_t task, mach_vm_address_t *address, mach_vm_size_t size, int flags)
{
	kern_return_t result = make_room(task, *address, size, flags);

	return result == KERN_SUCCESS ? vm_allocate(task, address, size, flags & VM_FLAGS_ANYWHERE) : result;
}

kern_return_t mach_vm_map(task_t task, mach_vm_address_t *address, mach_vm_size_t size, mach_vm_offset_t mask,
	int flags, mach_port_t object, memory_object_offset_t offset, boolean_t copy, vm_prot_t protection,
	vm_prot_t max_protection, vm_inherit_t inheritance)
{
	kern_return_t result = make_room(task, *address, size, flags);

	if (result != KERN_SUCCESS)
		return result;
	return vm_map(task, address, size, mask, flags & VM_FLAGS_ANYWHERE, object, offset, copy, protection,
		max_protection, inheritance);
}

kern_return_t mach_vm_remap(task_t target, mach_vm_address_t *address, mach_vm_size_t size, mach_vm_offset_t mask,
	int flags, task_t source, mach_vm_address_t source_address, boolean_t copy, vm_prot_t *protection,
	vm_prot_t *max_protection, vm_inherit_t inheritance)
{
	mach_vm_address_t at = source_address;
	mach_vm_size_t found;
	vm_inherit_t inherited;
	boolean_t shared;
	vm_offset_t offset, data;
	mach_msg_type_number_t count;
	kern_return_t result;

	if (!copy)
		return KERN_NOT_SUPPORTED;
	if (size == 0 || inheritance > VM_INHERIT_NONE)
		return KERN_INVALID_ARGUMENT;
	result = portolan_vm_region(source, &at, &found, protection, max_protection, &inherited, &shared, &offset);
	if (result == KERN_NO_SPACE || (result == KERN_SUCCESS && at > source_address))
		return KERN_INVALID_ADDRESS;
	if (result == KERN_SUCCESS)
		result = vm_read(source, source_address, size, &data, &count);
	if (result != KERN_SUCCESS)
		return result;
	result = mach_vm_map(target, address, size, mask, flags, MACH_PORT_NULL, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_ALL,
		inheritance);
	if (result == KERN_SUCCESS) {
		result = vm_write(target, *address, data, count);
		if (result == KERN_SUCCESS)
			result = vm_protect(target, *address, size, FALSE, *protection);
		if (result == KERN_SUCCESS)
			result = vm_protect(target, *address, size, TRUE, *max_protection);
		if (result != KERN_SUCCESS)
			vm_deallocate(target, *address, size);
	}
	mig_deallocate(data, count);
	return result;
}

kern_return_t mach_vm_deallocate(task_t task, mach_vm_address_t address, mach_vm_size_t size)
{
	return vm_deallocate(task, address, size);
}

kern_return_t mach_vm_protect(
	task_t task, mach_vm_address_t address, mach_vm_size_t size, boolean_t set_maximum, vm_prot_t protection)
{
	return vm_protect(task, address, size, set_maximum, protection);
}

kern_return_t mach_vm_inherit(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_inherit_t inheritance)
{
	return vm_inherit(task, address, size, inheritance);
}

kern_return_t mach_vm_read(
	task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_offset_t *data, mach_msg_type_number_t *count)
{
	return vm_read(task, address, size, data, count);
}

kern_return_t mach_vm_read_overwrite(
	task_t task, mach_vm_address_t address, mach_vm_size_t size, mach_vm_address_t data, mach_vm_size_t *done)
{
	return vm_read_overwrite(task, address, size, data, done);
}

kern_return_t mach_vm_read_list(task_t task, vm_read_entry_t list, natural_t count)
{
	return vm_read_list(task, list, count);
}

kern_return_t mach_vm_write(task_t task, mach_vm_address_t address, vm_offset_t data, mach_msg_type_number_t count)
{
	return vm_write(task, address, data, count);
}

kern_return_t mach_vm_copy(task_t task, mach_vm_address_t source, mach_vm_size_t size, mach_vm_address_t destination)
{
	return vm_copy(task, source, size, destination);
}

kern_return_t mach_vm_msync(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_sync_t flags)
{
	return vm_msync(task, address, size, flags);
}

kern_return_t mach_vm_wire(
	host_priv_t host, task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_prot_t access)
{
	return vm_wire(host, task, address, size, access);
}

kern_return_t mach_vm_machine_attribute(task_t task, mach_vm_address_t address, mach_vm_size_t size,
	vm_machine_attribute_t attribute, vm_machine_attribute_val_t *value)
{
	return vm_machine_attribute(task, address, size, attribute, value);
}

kern_return_t mach_vm_behavior_set(task_t task, mach_vm_address_t address, mach_vm_size_t size, vm_behavior_t behavior)
{
	return vm_behavior_set(task, address, size, behavior);
}
