/* Memory calls: brk, mmap, munmap, mprotect, mremap, madvise, msync and their kin. */
#include <fcntl.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>

#include "file/file.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

#define MREMAP_KNOWN (MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP)
/* Flags of mmap that Linux has always taken; MAP_SHARED_VALIDATE refuses others, and MAP_SYNC where a file is no
 * memory. */
#define MAP_KNOWN                                                                                                      \
	(MAP_TYPE | MAP_FIXED | MAP_ANONYMOUS | MAP_32BIT | MAP_GROWSDOWN | MAP_DENYWRITE | MAP_EXECUTABLE |           \
		MAP_LOCKED | MAP_NORESERVE | MAP_POPULATE | MAP_NONBLOCK | MAP_STACK | MAP_HUGETLB |                   \
		MAP_FIXED_NOREPLACE | 0x7c000000)
/* Where MAP_32BIT puts what it maps. */
#define LOW_FIRST 0x40000000ull
#define LOW_END   0x80000000ull
#ifndef MAP_FIXED_NOREPLACE
#define MAP_FIXED_NOREPLACE 0x100000
#endif

/* A page-aligned range from outside, its size rounded up; false when it wraps or leaves user memory. */
static bool user_range(uint64_t address, uint64_t *size)
{
	if ((address & VM_PAGE_MASK) != 0 || *size > VM_MAX_ADDRESS)
		return false;
	*size = round_page(*size);
	return address <= VM_MAX_ADDRESS && *size <= VM_MAX_ADDRESS - address;
}

int64_t sys_brk(uint64_t caller, uint64_t address)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct address_space *space = process->memory;
	uint64_t old_end = round_page(space->brk), new_end;
	int kind = MAP_PRIVATE | MAP_ANONYMOUS | (space->lock_new ? MAP_LOCKED : 0);

	if (address < space->brk_start || address > VM_MAX_ADDRESS - VM_PAGE_SIZE)
		return (int64_t)space->brk;
	new_end = round_page(address);
	if (new_end > old_end) {
		uint64_t limit = process->limit[RLIMIT_DATA].rlim_cur;

		if (memory_may_grow(process, new_end - old_end, PROT_READ | PROT_WRITE, kind) != 0 ||
			(limit != RLIM64_INFINITY && address - space->brk_start > limit) ||
			!address_space_is_free(space, old_end, new_end - old_end) ||
			address_space_map(space, old_end, new_end - old_end, PROT_READ | PROT_WRITE,
				PROT_READ | PROT_WRITE | PROT_EXEC, kind, NULL, MACH_PORT_NULL, 0, "[heap]") != 0)
			return (int64_t)space->brk;
	} else if (new_end < old_end) {
		if (address_space_unmap(space, new_end, old_end - new_end) != 0)
			return (int64_t)space->brk;
	}
	space->brk = address;
	return (int64_t)space->brk;
}

int64_t sys_mmap(
	uint64_t caller, uint64_t address, uint64_t size, unsigned protection, unsigned flags, int fd, uint64_t offset)
{
	struct call *call = call_of(caller);
	struct process *process = call->process;
	struct address_space *space = process->memory;
	int type = (int)flags & MAP_TYPE, locked = (int)flags & MAP_LOCKED,
	    maximum = PROT_READ | PROT_WRITE | PROT_EXEC;
	mach_port_t object = MACH_PORT_NULL;
	struct file *file = NULL;
	struct vnode *vnode = NULL;
	uint64_t where = 0, replaced = 0;
	int error = 0;

	if (space->lock_new)
		locked = MAP_LOCKED;
	if (type == MAP_SHARED_VALIDATE) {
		if (flags & MAP_ANONYMOUS)
			return -EINVAL;
		if (flags & ~(unsigned)MAP_KNOWN)
			return -EOPNOTSUPP;
		type = MAP_SHARED;
	}
	if (size == 0 || (offset & VM_PAGE_MASK) != 0 || (type != MAP_SHARED && type != MAP_PRIVATE))
		return -EINVAL;
	if (size > VM_MAX_ADDRESS)
		return -ENOMEM;
	size = round_page(size);
	if ((flags & (MAP_FIXED | MAP_FIXED_NOREPLACE)) != 0) {
		if (address & VM_PAGE_MASK)
			return -EINVAL;
		if (address > VM_MAX_ADDRESS - size)
			return -ENOMEM;
		if (address < MMAP_LOWEST)
			return -EPERM;
	}
	if (flags & MAP_FIXED)
		replaced = address_space_mapped(space, address, size);
	error = memory_may_grow(process, size - replaced, (int)protection, type | locked);
	if (error != 0)
		return error;
	if (!(flags & MAP_ANONYMOUS)) {
		file = fd_file(call, fd);
		if (file == NULL)
			return -EBADF;
		if (offset > (uint64_t)INT64_MAX || size > (uint64_t)INT64_MAX - offset)
			return -EOVERFLOW;
		if ((file->flags & O_ACCMODE) == O_WRONLY)
			return -EACCES;
		if (file->vnode != NULL && file->vnode->mount != NULL && file->vnode->mount->flags & MS_NOEXEC) {
			if (protection & PROT_EXEC)
				return -EPERM;
			maximum &= ~PROT_EXEC;
		}
		if (type == MAP_SHARED && (file->flags & O_ACCMODE) == O_RDONLY) {
			if (protection & PROT_WRITE)
				return -EACCES;
			maximum &= ~PROT_WRITE;
		}
		if (type == MAP_SHARED && file->vnode != NULL && vnode_check_seals(file->vnode, 0, true) != 0) {
			if (protection & PROT_WRITE)
				return -EPERM;
			maximum &= ~PROT_WRITE;
		}
		if (file->ops->memory_object == NULL)
			return -ENODEV;
		file_reference(file);
		error = file->ops->memory_object(file, &offset, &object);
		if (error != 0) {
			file_release(file);
			return call_result(error);
		}
		/* No object: memory of zeros (/dev/zero). */
		if (object != MACH_PORT_NULL)
			vnode = file->vnode;
	}
	/* From here on nothing releases the lock until the mapping stands. */
	if (flags & MAP_FIXED_NOREPLACE) {
		where = address;
		if (!address_space_is_free(space, where, size))
			error = -EEXIST;
	} else if (flags & MAP_FIXED) {
		where = address;
		error = address_space_unmap(space, where, size);
	} else {
		address = trunc_page(address);
		if (flags & MAP_32BIT) {
			where = areas_room(&space->areas, LOW_FIRST, LOW_END, size);
			where = where != 0 ? where - size : 0;
		} else if (address != 0 && address_space_is_free(space, address, size))
			where = address;
		else
			where = address_space_find(space, size);
		if (where == 0)
			error = -ENOMEM;
	}
	if (error == 0)
		error = address_space_map(space, where, size, (int)protection & 7, maximum,
			type | locked | ((int)flags & MAP_GROWSDOWN) | (vnode == NULL ? MAP_ANONYMOUS : 0), vnode,
			object, offset, NULL);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	if (file != NULL)
		file_release(file);
	/* As far as it goes: the mapping stands. */
	if (error == 0 && (locked || flags & MAP_POPULATE))
		(void)memory_bring(call, where, where + size);
	return error != 0 ? error : (int64_t)where;
}

int64_t sys_munmap(uint64_t caller, uint64_t address, uint64_t size)
{
	if (size == 0 || !user_range(address, &size))
		return -EINVAL;
	return address_space_unmap(call_of(caller)->process->memory, address, size);
}

int64_t address_space_each(struct call *call, uint64_t address, uint64_t size,
	int (*act)(struct call *call, struct vm_area *area, int argument), int argument)
{
	struct address_space *space = call->process->memory;
	uint64_t at = address, end = address + size;

	if (address_space_split(space, address, end) != 0)
		return -ENOMEM;
	while (at < end) {
		struct vm_area *area = address_space_area(space, at);
		int error;

		if (area == NULL)
			return -ENOMEM;
		at = area->end;
		error = act(call, area, argument);
		if (error != 0)
			return error;
	}
	return 0;
}

/* Pages that become private and writable are data. */
static int protect(struct call *call, struct vm_area *area, int protection)
{
	int error = 0;

	if (!(area->flags & MAP_SHARED) && (protection & PROT_WRITE) && !(area->protection & PROT_WRITE))
		error = memory_may_have_data(call->process, area->end - area->start);
	return error != 0 ? error : address_space_protect(call->process->memory, area, protection);
}

static bool grows_down(const struct vm_area *area)
{
	return area->flags & MAP_GROWSDOWN || (area->name != NULL && strcmp(area->name, "[stack]") == 0);
}

int64_t sys_mprotect(uint64_t caller, uint64_t address, uint64_t size, unsigned protection)
{
	if (protection & ~(unsigned)(PROT_READ | PROT_WRITE | PROT_EXEC | PROT_GROWSDOWN | PROT_GROWSUP))
		return -EINVAL;
	if (address & VM_PAGE_MASK || (protection & PROT_GROWSDOWN && protection & PROT_GROWSUP))
		return -EINVAL;
	if (!user_range(address, &size))
		return -ENOMEM;
	if (size == 0)
		return 0;
	/* Down to the end of what grows so; nothing grows upwards here. */
	if (protection & (PROT_GROWSDOWN | PROT_GROWSUP)) {
		const struct vm_area *area = areas_behind(&call_of(caller)->process->memory->areas, address);

		if (area == NULL || area->start >= address + size)
			return -ENOMEM;
		if (protection & PROT_GROWSUP || !grows_down(area))
			return -EINVAL;
		size += address - (area->start < address ? area->start : address);
		address = area->start < address ? area->start : address;
	}
	return address_space_each(call_of(caller), address, size, protect, (int)protection & 7);
}

static int only_check(struct call *call, struct vm_area *area, int argument)
{
	(void)call;
	(void)area;
	(void)argument;
	return 0;
}

static int check_not_locked(struct call *call, struct vm_area *area, int argument)
{
	(void)call;
	(void)argument;
	return area->flags & MAP_LOCKED ? -EBUSY : 0;
}

int64_t sys_msync(uint64_t caller, uint64_t address, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	uint64_t at, next;
	int64_t error;
	int result;

	if ((flags & ~(unsigned)(MS_ASYNC | MS_SYNC | MS_INVALIDATE)) ||
		(flags & (MS_ASYNC | MS_SYNC)) == (MS_ASYNC | MS_SYNC))
		return -EINVAL;
	if (address & VM_PAGE_MASK)
		return -EINVAL;
	if (size != 0 && round_page(size) == 0)
		return 0; /* as Linux rounds */
	if (!user_range(address, &size))
		return -ENOMEM;
	error = address_space_each(call, address, size, flags & MS_INVALIDATE ? check_not_locked : only_check, 0);
	if (error != 0 || size == 0 || !(flags & MS_SYNC))
		return error;
	/* Through the file servers: they ask for the pages that are dirty and write them, all of a file's. */
	for (at = address; at < address + size; at = next) {
		struct vm_area *area = address_space_area(call->process->memory, at);
		struct vnode *vnode = area == NULL ? NULL : area->vnode;

		next = area == NULL ? at + VM_PAGE_SIZE : area->end;
		if (vnode == NULL || !(area->flags & MAP_SHARED) || vnode->ops->sync == NULL)
			continue;
		vnode_reference(vnode);
		result = vnode_sync(vnode, true);
		area = address_space_area(call->process->memory, at); /* others may have changed it meanwhile */
		if (area != NULL && area->vnode == vnode && write_failures_tell(&vnode->failures, &area->failures_seen) != 0)
			result = vnode->failures.last;
		vnode_release(vnode);
		if (result != 0)
			return call_result(result);
	}
	return 0;
}

/* Grows an area at its end, which is free. */
static int grow(struct address_space *space, struct vm_area *area, uint64_t more)
{
	mach_port_t object = MACH_PORT_NULL;
	struct vnode *vnode = area->vnode;
	uint64_t at = area->end, offset = area->offset + (area->end - area->start);
	int protection = area->protection, maximum = area->maximum, flags = area->flags, error;
	const char *name = area->name;

	if (vnode == NULL)
		return address_space_map(space, at, more, protection, maximum, flags, NULL, object, 0, name);
	if (vnode->ops->memory_object == NULL)
		return -EFAULT;
	vnode_reference(vnode);
	error = vnode->ops->memory_object(vnode, &object);
	if (error == 0 && !address_space_is_free(space, at, more))
		error = -ENOMEM;
	if (error == 0)
		error = address_space_map(space, at, more, protection, maximum, flags, vnode, object, offset, name);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	vnode_release(vnode);
	return error;
}

/* Moves old to a new place, as large as before. The new place is free. */
static int move(struct address_space *space, struct vm_area *area, uint64_t old, uint64_t size, uint64_t to)
{
	struct vnode *vnode = area->vnode;
	mach_port_t object = MACH_PORT_NULL;
	uint64_t offset = area->offset + (old - area->start);
	int error = 0, protection = area->protection, maximum = area->maximum, flags = area->flags;
	bool shared = (flags & MAP_SHARED) != 0;

	if (shared && vnode == NULL)
		return -ENOMEM; /* its object has no name to map it by */
	if (shared) {
		vnode_reference(vnode);
		error = vnode->ops->memory_object(vnode, &object);
	}
	if (error == 0)
		error = address_space_map(space, to, size, shared ? protection : PROT_READ | PROT_WRITE, maximum, flags,
			shared ? vnode : NULL, object, offset, NULL);
	if (shared) {
		if (object != MACH_PORT_NULL)
			mach_port_deallocate(mach_task_self(), object);
		vnode_release(vnode);
	}
	if (error != 0)
		return error;
	if (!shared) {
		if (vm_copy(space->task, old, size, to) != KERN_SUCCESS) {
			address_space_unmap(space, to, size);
			return -EFAULT;
		}
		if (protection != (PROT_READ | PROT_WRITE)) {
			address_space_split(space, to, to + size);
			area = address_space_area(space, to);
			if (area != NULL)
				address_space_protect(space, area, protection);
		}
	}
	return address_space_unmap(space, old, size);
}

/* A second place for shared memory, which is what an old size of 0 asks for. */
static int64_t twice(struct call *call, struct vm_area *area, uint64_t old, uint64_t size, unsigned flags, uint64_t to)
{
	struct address_space *space = call->process->memory;
	struct vnode *vnode = area->vnode;
	const int protection = area->protection, maximum = area->maximum, kind = area->flags;
	const uint64_t offset = area->offset + (old - area->start);
	mach_port_t object = MACH_PORT_NULL;
	int error;

	if (!(kind & MAP_SHARED) || !(flags & MREMAP_MAYMOVE))
		return -EINVAL;
	if (vnode == NULL)
		return -ENOMEM; /* its object has no name to map it by */
	if (flags & MREMAP_FIXED && ((to & VM_PAGE_MASK) || to < MMAP_LOWEST || to > VM_MAX_ADDRESS - size))
		return -EINVAL;
	error = memory_may_grow(call->process, size, protection, kind);
	if (error != 0)
		return error;
	vnode_reference(vnode);
	error = vnode->ops->memory_object(vnode, &object);
	if (error == 0 && flags & MREMAP_FIXED)
		error = address_space_unmap(space, to, size);
	else if (error == 0)
		to = address_space_find(space, size);
	if (error == 0)
		error = to != 0 ? address_space_map(
					  space, to, size, protection, maximum, kind, vnode, object, offset, NULL)
				: -ENOMEM;
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	vnode_release(vnode);
	return error != 0 ? call_result(error) : (int64_t)to;
}

int64_t sys_mremap(
	uint64_t caller, uint64_t old, uint64_t old_size, uint64_t new_size, unsigned flags, uint64_t address)
{
	struct call *call = call_of(caller);
	struct address_space *space = call->process->memory;
	struct vm_area *area;
	uint64_t to, room = new_size;
	int error, kept, maximum, kind;

	if ((flags & ~(unsigned)MREMAP_KNOWN) ||
		(flags & (MREMAP_FIXED | MREMAP_DONTUNMAP) && !(flags & MREMAP_MAYMOVE)))
		return -EINVAL;
	if (!user_range(old, &old_size) || new_size == 0 || !user_range(0, &room))
		return -EINVAL;
	new_size = room;
	/* Its new place is a wish. */
	if (flags & MREMAP_DONTUNMAP && (old_size != new_size || address & VM_PAGE_MASK))
		return -EINVAL;
	area = address_space_area(space, old);
	if (area == NULL || old + old_size > area->end)
		return -EFAULT;
	if (old_size == 0)
		return twice(call, area, old, new_size, flags, address);
	if (flags & MREMAP_DONTUNMAP && (area->vnode != NULL || area->flags & MAP_SHARED))
		return -EINVAL;
	if (new_size > old_size) {
		error = memory_may_grow(call->process, new_size - old_size, area->protection, area->flags);
		if (error != 0)
			return error;
	}
	if (flags & MREMAP_FIXED) {
		if ((address & VM_PAGE_MASK) || address < MMAP_LOWEST || address > VM_MAX_ADDRESS - new_size ||
			(address < old + old_size && old < address + new_size))
			return -EINVAL;
	}
	if (new_size < old_size) {
		error = address_space_unmap(space, old + new_size, old_size - new_size);
		if (error != 0)
			return error;
		old_size = new_size;
	}
	if (!(flags & MREMAP_FIXED)) {
		if (new_size == old_size && !(flags & MREMAP_DONTUNMAP))
			return (int64_t)old;
		if (new_size > old_size && area->end == old + old_size &&
			address_space_is_free(space, area->end, new_size - old_size)) {
			error = grow(space, area, new_size - old_size);
			return error != 0 ? error : (int64_t)old;
		}
		if (!(flags & MREMAP_MAYMOVE))
			return -ENOMEM;
		to = address_space_find(space, new_size);
		if (to == 0)
			return -ENOMEM;
	} else {
		to = address;
		error = address_space_unmap(space, to, new_size);
		if (error != 0)
			return error;
	}
	area = address_space_area(space, old);
	if (area == NULL)
		return -EFAULT;
	kept = area->protection;
	maximum = area->maximum;
	kind = area->flags;
	error = move(space, area, old, old_size, to);
	/* What was there has gone, and its place stays. */
	if (error == 0 && flags & MREMAP_DONTUNMAP)
		error = address_space_map(space, old, old_size, kept, maximum, kind, NULL, MACH_PORT_NULL, 0, NULL);
	if (error == 0 && new_size > old_size) {
		area = address_space_area(space, to + old_size - 1);
		error = area == NULL ? -EFAULT : grow(space, area, new_size - old_size);
	}
	return error != 0 ? error : (int64_t)to;
}

/* As a new mapping in place of an old one, which is what Linux makes of it. */
int64_t sys_remap_file_pages(
	uint64_t caller, uint64_t address, uint64_t size, uint64_t protection, uint64_t page, unsigned flags)
{
	struct call *call = call_of(caller);
	struct address_space *space = call->process->memory;
	const uint64_t offset = page * VM_PAGE_SIZE;
	mach_port_t object = MACH_PORT_NULL;
	struct vm_area *area;
	struct vnode *vnode;
	int error, kept, maximum, kind;

	(void)flags;
	address = trunc_page(address);
	size = trunc_page(size);
	if (protection != 0 || size == 0 || address > VM_MAX_ADDRESS || size > VM_MAX_ADDRESS - address ||
		page > UINT64_MAX / VM_PAGE_SIZE || offset + size < offset)
		return -EINVAL;
	area = address_space_area(space, address);
	if (area == NULL || !(area->flags & MAP_SHARED) || area->vnode == NULL || address + size > area->end)
		return -EINVAL;
	vnode = vnode_reference(area->vnode);
	kept = area->protection;
	maximum = area->maximum;
	kind = area->flags;
	error = vnode->ops->memory_object(vnode, &object);
	if (error == 0)
		error = address_space_unmap(space, address, size);
	if (error == 0)
		error = address_space_map(space, address, size, kept, maximum, kind, vnode, object, offset, NULL);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	vnode_release(vnode);
	return call_result(error);
}

/* --- Protection keys, as on a processor without them: there are none but -1, which is none. */

int64_t sys_pkey_alloc(uint64_t caller, uint64_t flags, uint64_t rights)
{
	(void)caller;
	return flags != 0 || rights & ~(uint64_t)(PKEY_DISABLE_ACCESS | PKEY_DISABLE_WRITE) ? -EINVAL : -ENOSPC;
}

int64_t sys_pkey_free(uint64_t caller, int key)
{
	(void)caller;
	(void)key;
	return -EINVAL;
}

int64_t sys_pkey_mprotect(uint64_t caller, uint64_t address, uint64_t size, unsigned protection, int key)
{
	return key != -1 ? -EINVAL : sys_mprotect(caller, address, size, protection);
}

int64_t sys_mincore(uint64_t caller, uint64_t address, uint64_t size, uint64_t vector)
{
	struct call *call = call_of(caller);
	unsigned char resident[VM_PAGE_QUERY_MAX];
	uint64_t done = 0;
	int error = 0;

	if (address & VM_PAGE_MASK)
		return -EINVAL;
	if (!user_range(address, &size) || (size != 0 && address_space_each(call, address, size, only_check, 0) != 0))
		return -ENOMEM;
	for (; error == 0 && done < size / VM_PAGE_SIZE; done += VM_PAGE_QUERY_MAX) {
		mach_msg_type_number_t count = VM_PAGE_QUERY_MAX;
		const uint64_t left = size / VM_PAGE_SIZE - done;
		page_query_t pages;

		if (vm_page_range_query(process_task(call->process), address + done * VM_PAGE_SIZE, pages, &count) !=
			KERN_SUCCESS)
			return -EAGAIN;
		for (unsigned i = 0; i < VM_PAGE_QUERY_MAX; i++)
			resident[i] = pages[i] & VM_PAGE_QUERY_PAGE_PRESENT;
		error = copy_out(call, vector + done, resident, left < sizeof resident ? left : sizeof resident);
	}
	return call_result(error);
}
