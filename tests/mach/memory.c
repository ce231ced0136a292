/* vm_* and mach_vm_*. */
#include "cases.h"

#include <string.h>

#define PAGE VM_PAGE_SIZE

static void regions(vm_address_t at)
{
	vm_address_t address = at;
	vm_size_t size = 0;
	vm_prot_t protection = 0, maximum = 0;
	vm_inherit_t inheritance = 0;
	boolean_t shared = TRUE;
	mach_port_t object = NO_NAME;
	vm_offset_t offset = 0;
	vm_region_basic_info_data_64_t info = {0};
	mach_msg_type_number_t count = VM_REGION_BASIC_INFO_COUNT_64;

	CASE(vm_region, (self, &address, &size, &protection, &maximum, &inheritance, &shared, &object, &offset),
		KERN_SUCCESS, "as GNU's");
	check_is("vm_region: where it is", address <= at && address + size >= at + PAGE, 1);
	check_is("vm_region: how it is",
		protection == VM_PROT_DEFAULT && maximum == VM_PROT_ALL && inheritance == VM_INHERIT_COPY && !shared &&
			object == MACH_PORT_NULL,
		1);
	address = VM_MAX_ADDRESS - PAGE;
	CASE(vm_region, (self, &address, &size, &protection, &maximum, &inheritance, &shared, &object, &offset),
		KERN_NO_SPACE, "as GNU's, behind all");
	address = at;
	CASE(vm_region, (self, &address, &size, VM_REGION_BASIC_INFO, (vm_region_info_t)&info, &count, &object),
		KERN_SUCCESS, "as OSF's");
	check_is("vm_region: how it is", info.protection == VM_PROT_DEFAULT && info.max_protection == VM_PROT_ALL, 1);
	address = VM_MAX_ADDRESS - PAGE;
	CASE(mach_vm_region, (self, &address, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, &object),
		KERN_INVALID_ADDRESS, "behind all");
	count = 1;
	CASE(mach_vm_region, (self, &address, &size, VM_REGION_BASIC_INFO_64, (vm_region_info_t)&info, &count, &object),
		KERN_INVALID_ARGUMENT, "no room");
	CASE(mach_vm_region, (self, &address, &size, 99, (vm_region_info_t)&info, &count, &object),
		KERN_INVALID_ARGUMENT, "no flavour");
}

static void copies(vm_address_t at)
{
	vm_region_submap_info_data_64_t info = {0};
	mach_msg_type_number_t count = VM_REGION_SUBMAP_INFO_COUNT_64;
	mach_vm_address_t address = at;
	mach_vm_size_t size = 0;
	natural_t depth = 7;
	vm_prot_t protection = 0, maximum = 0;
	int disposition = 0, references = 7;

	*(char *)at = 7;
	CASE(mach_vm_region_recurse, (self, &address, &size, &depth, (vm_region_recurse_info_t)&info, &count),
		KERN_SUCCESS, "a region");
	check_is("mach_vm_region_recurse: no submap, a page there",
		depth == 0 && !info.is_submap && info.pages_resident >= 1 && info.share_mode == SM_PRIVATE, 1);
	address = VM_MAX_ADDRESS - PAGE;
	CASE(mach_vm_region_recurse, (self, &address, &size, &depth, (vm_region_recurse_info_t)&info, &count),
		KERN_INVALID_ADDRESS, "behind all");
	count = 0;
	CASE(mach_vm_region_recurse, (self, &address, &size, &depth, (vm_region_recurse_info_t)&info, &count),
		KERN_INVALID_ARGUMENT, "no room");
	CASE(mach_vm_page_query, (self, at, &disposition, &references), KERN_SUCCESS, "a page that is there");
	check_is("mach_vm_page_query: it is", disposition & VM_PAGE_QUERY_PAGE_PRESENT, VM_PAGE_QUERY_PAGE_PRESENT);
	CASE(mach_vm_page_query, (host, at, &disposition, &references), KERN_INVALID_ARGUMENT, "of no task");
	address = 0;
	CASE(mach_vm_remap,
		(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, self, at, TRUE, &protection, &maximum, VM_INHERIT_NONE),
		KERN_SUCCESS, "a copy");
	check_is("mach_vm_remap: it is one", address != at && *(char *)address == 7, 1);
	check_is("mach_vm_remap: as the source is", protection == VM_PROT_DEFAULT && maximum == VM_PROT_ALL, 1);
	*(char *)at = 8;
	check_is("mach_vm_remap: of its own", *(char *)address, 7);
	mach_vm_deallocate(self, address, PAGE);
	CASE(mach_vm_remap,
		(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, self, at, FALSE, &protection, &maximum, VM_INHERIT_NONE),
		KERN_NOT_SUPPORTED, "shared");
	CASE(mach_vm_remap,
		(self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, self, VM_MAX_ADDRESS - PAGE, TRUE, &protection, &maximum,
			VM_INHERIT_NONE),
		KERN_INVALID_ADDRESS, "of nothing");
	address = at;
	CASE(mach_vm_remap,
		(self, &address, PAGE, 0, VM_FLAGS_FIXED, self, at, TRUE, &protection, &maximum, VM_INHERIT_NONE),
		KERN_NO_SPACE, "where something is");
	CASE(mach_vm_remap, (self, &address, PAGE, 0, VM_FLAGS_ANYWHERE, self, at, TRUE, &protection, &maximum, 77),
		KERN_INVALID_ARGUMENT, "with no inheritance there is");
}

static void contents(vm_address_t at)
{
	vm_read_entry_t list = {{at, 100}, {at + PAGE, PAGE}};
	mach_msg_type_number_t count = 0;
	vm_offset_t data = 0;
	vm_size_t done = 0;
	char buffer[8] = "";

	memcpy((char *)at, "portolan", 8);
	CASE(vm_read, (self, at, PAGE, &data, &count), KERN_SUCCESS, "a page");
	check_is("vm_read: what is there", memcmp((char *)data, "portolan", 8), 0);
	CASE(vm_write, (self, at + PAGE, data, count), KERN_SUCCESS, "a page");
	check_is("vm_write: it is there", memcmp((char *)at + PAGE, "portolan", 8), 0);
	CASE(vm_write, (self, VM_MAX_ADDRESS, data, count), KERN_INVALID_ADDRESS, "where nothing is");
	mig_deallocate(data, count);
	CASE(vm_read, (self, VM_MAX_ADDRESS, PAGE, &data, &count), KERN_INVALID_ADDRESS, "where nothing is");
	CASE(mach_vm_read, (self, at, PAGE, &data, &count), KERN_SUCCESS, "a page");
	CASE(mach_vm_write, (self, at, data, count), KERN_SUCCESS, "a page");
	mig_deallocate(data, count);
	CASE(vm_copy, (self, at, PAGE, at + 2 * PAGE), KERN_SUCCESS, "a page");
	check_is("vm_copy: it is there", memcmp((char *)at + 2 * PAGE, "portolan", 8), 0);
	CASE(mach_vm_copy, (self, VM_MAX_ADDRESS, PAGE, at), KERN_INVALID_ADDRESS, "from where nothing is");
	CASE(vm_read_overwrite, (self, at, 8, (vm_address_t)buffer, &done), KERN_SUCCESS, "eight bytes");
	check_is("vm_read_overwrite: they are there", done == 8 && memcmp(buffer, "portolan", 8) == 0, 1);
	CASE(mach_vm_read_overwrite, (self, VM_MAX_ADDRESS, 8, (vm_address_t)buffer, &done), KERN_INVALID_ADDRESS,
		"from where nothing is");
	CASE(vm_read_list, (self, list, 2), KERN_SUCCESS, "two ranges");
	check_is("vm_read_list: both",
		memcmp((char *)list[0].address, "portolan", 8) == 0 &&
			memcmp((char *)list[1].address, "portolan", 8) == 0,
		1);
	mig_deallocate(list[0].address, list[0].size);
	mig_deallocate(list[1].address, list[1].size);
	list[0] = (__typeof__(list[0])){at, PAGE};
	list[1].address = VM_MAX_ADDRESS;
	CASE(mach_vm_read_list, (self, list, 2), KERN_INVALID_ADDRESS, "one where nothing is");
	CASE(vm_read_list, (self, list, VM_MAP_ENTRY_MAX + 1), KERN_INVALID_ARGUMENT, "too many");
}

static void attributes(vm_address_t at)
{
	vm_machine_attribute_val_t value = MATTR_VAL_CACHE_FLUSH;
	vm_statistics_data_t statistics;

	CASE(vm_machine_attribute, (self, at, PAGE, MATTR_CACHE, &value), KERN_SUCCESS, "flush");
	value = MATTR_VAL_GET;
	CASE(mach_vm_machine_attribute, (self, at, PAGE, MATTR_CACHE, &value), KERN_SUCCESS, "get");
	check_is("vm_machine_attribute: on", value, MATTR_VAL_ON);
	value = MATTR_VAL_OFF;
	CASE(vm_machine_attribute, (self, at, PAGE, MATTR_CACHE, &value), KERN_INVALID_ARGUMENT, "off");
	CASE(vm_machine_attribute, (self, at, PAGE, MATTR_MIGRATE, &value), KERN_INVALID_ARGUMENT, "migrate");
	CASE(vm_machine_attribute, (self, VM_MAX_ADDRESS - PAGE, PAGE, MATTR_CACHE, &value), KERN_INVALID_ADDRESS,
		"where nothing is");
	CASE(vm_behavior_set, (self, at, PAGE, VM_BEHAVIOR_SEQUENTIAL), KERN_SUCCESS, "sequential");
	CASE(mach_vm_behavior_set, (self, at, PAGE, 77), KERN_INVALID_ARGUMENT, "none");
	CASE(vm_msync, (self, at, PAGE, VM_SYNC_SYNCHRONOUS), KERN_SUCCESS, "anonymous memory");
	CASE(mach_vm_msync, (self, at, PAGE, VM_SYNC_SYNCHRONOUS | VM_SYNC_ASYNCHRONOUS), KERN_INVALID_ARGUMENT,
		"both ways");
	CASE(vm_wire, (host_priv, self, at, PAGE, VM_PROT_READ), KERN_SUCCESS, "a page");
	CASE(mach_vm_wire, (host_priv, self, at, PAGE, VM_PROT_NONE), KERN_SUCCESS, "no more");
	CASE(vm_wire, (host, self, at, PAGE, VM_PROT_READ), KERN_INVALID_HOST, "without privilege");
	CASE(vm_statistics, (self, &statistics), KERN_SUCCESS, "of the host");
	check_is("vm_statistics: pages", statistics.pagesize, PAGE);
}

void test_memory_of_mach(void)
{
	vm_address_t at = 0, there;

	CASE(vm_allocate, (self, &at, 4 * PAGE, TRUE), KERN_SUCCESS, "anywhere");
	there = at;
	CASE(vm_allocate, (self, &there, PAGE, FALSE), KERN_NO_SPACE, "where something is");
	CASE(vm_allocate, (self, &there, PAGE, VM_FLAGS_FIXED | VM_MAKE_TAG(7)), KERN_NO_SPACE, "the same, tagged");
	there = VM_MAX_ADDRESS;
	CASE(vm_allocate, (self, &there, PAGE, FALSE), KERN_INVALID_ADDRESS, "behind all");
	CASE(vm_allocate, (host, &there, PAGE, TRUE), KERN_INVALID_ARGUMENT, "of no task");
	regions(at);
	copies(at);
	contents(at);
	attributes(at);
	CASE(vm_protect, (self, at, PAGE, FALSE, VM_PROT_READ), KERN_SUCCESS, "less");
	CASE(mach_vm_protect, (self, at, PAGE, TRUE, VM_PROT_READ), KERN_SUCCESS, "at most");
	CASE(vm_protect, (self, at, PAGE, FALSE, VM_PROT_DEFAULT), KERN_PROTECTION_FAILURE, "more than that");
	CASE(vm_protect, (self, VM_MAX_ADDRESS - PAGE, PAGE, FALSE, VM_PROT_READ), KERN_INVALID_ADDRESS,
		"where nothing is");
	CASE(vm_inherit, (self, at, PAGE, VM_INHERIT_NONE), KERN_SUCCESS, "none");
	CASE(mach_vm_inherit, (self, at, PAGE, 77), KERN_INVALID_ARGUMENT, "what is none");
	there = at + PAGE;
	CASE(mach_vm_allocate, (self, &there, PAGE, VM_FLAGS_OVERWRITE), KERN_SUCCESS, "over what is there");
	check_is("mach_vm_allocate: zeros", *(char *)there, 0);
	CASE(mach_vm_allocate, (self, &there, PAGE, 0x100), KERN_INVALID_ARGUMENT, "an unknown flag");
	there = 0;
	CASE(mach_vm_map,
		(self, &there, PAGE, 0, VM_FLAGS_ANYWHERE, MACH_PORT_NULL, 0, FALSE, VM_PROT_READ, VM_PROT_ALL,
			VM_INHERIT_COPY),
		KERN_SUCCESS, "zeros");
	CASE(vm_deallocate, (self, there, PAGE), KERN_SUCCESS, "a page");
	CASE(vm_map, (self, &there, PAGE, 0, TRUE, NO_NAME, 0, FALSE, VM_PROT_READ, VM_PROT_READ, VM_INHERIT_COPY),
		MACH_SEND_INVALID_RIGHT, "of no name");
	CASE(mach_vm_deallocate, (self, at, 4 * PAGE), KERN_SUCCESS, "all of it");
	CASE(vm_deallocate, (self, ~0ull - PAGE, 4 * PAGE), KERN_INVALID_ARGUMENT, "beyond all");
}
