/* Segments of shared memory: shmget, shmat, shmdt, shmctl. */
#include <mach/mach.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/shm.h>

#include "base/user.h"
#include "call/call.h"
#include "ipc/sysv.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs_internal.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif
#define SMALLEST 1 /* shmget(2): SHMMIN */

/*
 * A segment is a file without a name on the tmpfs that memfd_create uses: mapped, inherited and paid for like others of
 * its kind. Its vnode leads to it, so that mappings count themselves here (segment_mapped).
 *
 *   known     found by its id, and by its key if it has one.
 *   leaving   SHM_DEST in object.mode: IPC_RMID while somebody had it attached. No key; gone with the last mapping.
 *   ended     found by nobody, freed; the file stays as long as calls under way have it.
 */
struct segment {
	struct sysv_object object; /* first */
	struct vnode *vnode;
	uint64_t size;
	uint64_t attached; /* mappings */
	int creator, last;
	int64_t attach_time, detach_time; /* s */
	struct user *locker;              /* who pays for SHM_LOCK: a reference, or null */
};

static uint64_t all_pages;

static struct segment *segment_of(struct sysv_object *object)
{
	return (struct segment *)(void *)object;
}

static uint64_t pages_of(const struct segment *segment)
{
	return round_page(segment->size) / VM_PAGE_SIZE;
}

static void unlock(struct segment *segment)
{
	struct user *locker = segment->locker;

	if (locker == NULL)
		return;
	segment->locker = NULL;
	segment->object.mode &= ~(unsigned)SHM_LOCKED;
	user_uncharge(locker, USER_LOCKED_SEGMENTS, pages_of(segment) * VM_PAGE_SIZE);
	user_release(locker);
}

/* May release the lock, after it is over. */
static void end(struct segment *segment)
{
	struct vnode *vnode = segment->vnode;

	unlock(segment);
	sysv_leave(&sysv_segments, &segment->object);
	all_pages -= pages_of(segment);
	vnode->segment = NULL;
	user_free(segment);
	vnode_release(vnode);
}

void segment_mapped(struct vnode *vnode, int process)
{
	struct segment *segment = vnode->segment;

	if (segment == NULL)
		return;
	segment->attached++;
	segment->attach_time = sysv_now();
	segment->last = process;
}

void segment_unmapped(struct vnode *vnode, int process)
{
	struct segment *segment = vnode->segment;

	if (segment == NULL)
		return;
	segment->attached--;
	segment->detach_time = sysv_now();
	segment->last = process;
	if (segment->attached == 0 && segment->object.mode & SHM_DEST)
		end(segment); /* the mapping's reference to the vnode is still there */
}

/* --- shmget. */

static int check_new(const struct process *process, uint64_t size, unsigned flags)
{
	const uint64_t pages = size / VM_PAGE_SIZE + (size % VM_PAGE_SIZE != 0);

	if (size < SMALLEST || size > sysv_settings.segment_size)
		return -EINVAL;
	if (flags & SHM_HUGETLB)
		return capable(process, CAP_IPC_LOCK) ? -ENOMEM : -EPERM; /* no huge pages are set aside */
	if (pages > sysv_settings.segment_pages || all_pages > sysv_settings.segment_pages - pages ||
		sysv_segments.count >= sysv_settings.segments)
		return -ENOSPC;
	return size > INT64_MAX ? -ENOMEM : 0;
}

/* The segment of a file that has been made for it. */
static int64_t enter(struct call *call, int32_t key, uint64_t size, unsigned flags, struct vnode *vnode)
{
	struct segment *segment = user_alloc(call->process->user, sizeof *segment);
	char name[32];

	if (segment == NULL)
		return -ENOMEM;
	if (!sysv_enter(&sysv_segments, &segment->object, call, key, (int)flags, sysv_settings.segments)) {
		user_free(segment);
		return -ENOSPC;
	}
	segment->vnode = vnode_reference(vnode);
	segment->size = size;
	segment->creator = call->process->id;
	vnode->segment = segment;
	snprintf(name, sizeof name, SYSV_SEGMENT_NAME, (unsigned)key);
	vnode_set_place(vnode, NULL, name);
	all_pages += pages_of(segment);
	return segment->object.id;
}

int64_t sys_shmget(uint64_t caller, unsigned key, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	const struct credentials *credentials = &call->process->credentials;
	struct vnode *vnode = NULL;
	struct sysv_object *object;
	int64_t result = sysv_get(&sysv_segments, (int)key, (int)flags, &object);

	if (result == 0 && object == NULL) {
		result = check_new(call->process, size, flags);
		if (result == 0)
			result = vnode_create_unnamed(0600, credentials->fsuid, credentials->fsgid, &vnode);
		if (result != 0)
			return call_result((int)result);
		result = vnode->ops->set_size(vnode, call, size, false);
		/* The lock was released: it may be there now. */
		if (result == 0)
			result = sysv_get(&sysv_segments, (int)key, (int)flags, &object);
		if (result == 0 && object == NULL)
			result = check_new(call->process, size, flags);
		if (result == 0 && object == NULL)
			result = enter(call, (int)key, size, flags, vnode);
		vnode_release(vnode);
		if (result != 0 || object == NULL)
			return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
		/* Looked up anew: the release may have waited. */
		return CALL_RESTART;
	}
	if (result != 0)
		return result;
	if (size > segment_of(object)->size)
		return -EINVAL;
	return sysv_may(call->process, object, flags) ? object->id : -EACCES;
}

/* --- shmat, shmdt. */

/* Where it is to go: 0 and *where, or -errno. */
static int place(struct address_space *space, uint64_t address, uint64_t size, unsigned flags, uint64_t *where)
{
	if (address == 0) {
		*where = address_space_find(space, size);
		return *where == 0 ? -ENOMEM : 0;
	}
	*where = address;
	if (address + size < address)
		return -EINVAL;
	if (address > VM_MAX_ADDRESS || size > VM_MAX_ADDRESS - address)
		return -ENOMEM;
	if (address < MMAP_LOWEST)
		return -EPERM;
	if (flags & SHM_REMAP)
		return address_space_unmap(space, address, size);
	return address_space_is_free(space, address, size) ? 0 : -EINVAL;
}

static int64_t attach(struct call *call, struct vnode *vnode, uint64_t address, uint64_t size, unsigned flags)
{
	struct address_space *space = call->process->memory;
	const int protection = PROT_READ | (flags & SHM_RDONLY ? 0 : PROT_WRITE) | (flags & SHM_EXEC ? PROT_EXEC : 0);
	const int maximum = PROT_READ | PROT_EXEC | (flags & SHM_RDONLY ? 0 : PROT_WRITE);
	mach_port_t object = MACH_PORT_NULL;
	uint64_t where = 0, replaced = flags & SHM_REMAP ? address_space_mapped(space, address, size) : 0;
	int error = memory_may_grow(call->process, size - replaced, protection, MAP_SHARED);

	if (error == 0)
		error = vnode->ops->memory_object(vnode, &object);
	/* From here on nothing releases the lock until the mapping stands. */
	if (error == 0)
		error = place(space, address, size, flags, &where);
	if (error == 0)
		error = address_space_map(space, where, size, protection, maximum, MAP_SHARED, vnode, object, 0, NULL);
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	return error != 0 ? call_result(error) : (int64_t)where;
}

int64_t sys_shmat(uint64_t caller, int id, uint64_t address, unsigned flags)
{
	struct call *call = call_of(caller);
	const unsigned wanted = 0444 | (flags & SHM_RDONLY ? 0 : 0222) | (flags & SHM_EXEC ? 0111 : 0);
	struct sysv_object *object;
	struct vnode *vnode;
	int64_t result;

	if (id < 0)
		return -EINVAL;
	if (address & VM_PAGE_MASK) {
		if (!(flags & SHM_RND))
			return -EINVAL;
		address = trunc_page(address);
	}
	if (address == 0 && flags & SHM_REMAP)
		return -EINVAL;
	result = sysv_of_id(&sysv_segments, id, &object);
	if (result != 0)
		return result;
	if (!sysv_may(call->process, object, wanted))
		return -EACCES;
	vnode = vnode_reference(segment_of(object)->vnode);
	result = attach(call, vnode, address, round_page(segment_of(object)->size), flags);
	vnode_release(vnode);
	return result;
}

int64_t sys_shmdt(uint64_t caller, uint64_t address)
{
	struct call *call = call_of(caller);
	struct address_space *space = call->process->memory;
	struct vm_area *area;
	struct vnode *vnode;
	uint64_t end;
	int error = 0;

	if (address & VM_PAGE_MASK)
		return -EINVAL;
	/* The first that is where it was when the segment was attached here: its beginning may be gone. */
	area = areas_behind(&space->areas, address);
	while (area != NULL &&
		(area->vnode == NULL || area->vnode->segment == NULL || area->start - address != area->offset))
		area = area_above(&space->areas, area);
	if (area == NULL)
		return -EINVAL;
	vnode = vnode_reference(area->vnode);
	end = address + round_page(((struct segment *)vnode->segment)->size);
	/* All that is left of it there. What others have mapped in between stays. */
	while (error == 0 && area != NULL && area->start < end) {
		const uint64_t next = area->end;

		if (area->vnode == vnode && area->start - address == area->offset)
			error = address_space_unmap(space, area->start, area->end - area->start);
		area = areas_behind(&space->areas, next);
	}
	vnode_release(vnode);
	return error;
}

/* --- shmctl. */

/* Bytes that its file has in memory, as its server said last. May release the lock. */
static uint64_t resident(struct vnode *vnode)
{
	file_attributes_t attributes;
	int error = vnode->ops->get_attributes(vnode, &attributes);

	vnode_release(vnode);
	return error != 0 ? 0 : attributes.blocks * 512;
}

void sysv_segment_facts(const struct sysv_object *object, struct sysv_segment_facts *out)
{
	const struct segment *segment = (const void *)object;

	*out = (struct sysv_segment_facts){
		.object = *object,
		.size = segment->size,
		.attached = segment->attached,
		.creator = segment->creator,
		.last = segment->last,
		.attach_time = segment->attach_time,
		.detach_time = segment->detach_time,
	};
	out->resident = resident(vnode_reference(segment->vnode));
}

static int64_t tell_limits(struct call *call, uint64_t to)
{
	struct shminfo info = {
		.shmmax = sysv_settings.segment_size,
		.shmmin = SMALLEST,
		.shmmni = sysv_settings.segments,
		.shmseg = sysv_settings.segments,
		.shmall = sysv_settings.segment_pages,
	};
	int error = copy_out(call, to, &info, sizeof info);

	return error != 0 ? call_result(error) : sysv_highest(&sysv_segments);
}

static int64_t tell_use(struct call *call, uint64_t to)
{
	struct shm_info info = {.used_ids = (int)sysv_segments.count, .shm_tot = all_pages};
	struct sysv_object *object = sysv_from_index(&sysv_segments, 0);
	int error;

	while (object != NULL) {
		const unsigned index = (unsigned)object->id % SYSV_INDICES;

		info.shm_rss += resident(vnode_reference(segment_of(object)->vnode)) / VM_PAGE_SIZE;
		object = sysv_from_index(&sysv_segments, index + 1);
	}
	error = copy_out(call, to, &info, sizeof info);
	return error != 0 ? call_result(error) : sysv_highest(&sysv_segments);
}

static int64_t tell_segment(struct call *call, int id, int command, uint64_t to)
{
	struct shmid_ds state = {0};
	const struct segment *segment;
	struct sysv_object *object;
	int error;

	if (command == IPC_STAT) {
		error = sysv_of_id(&sysv_segments, id, &object);
	} else {
		object = sysv_of_index(&sysv_segments, id);
		error = object == NULL ? -EINVAL : 0;
	}
	if (error != 0)
		return error;
	if (command != SHM_STAT_ANY && !sysv_may(call->process, object, 0444))
		return -EACCES;
	segment = segment_of(object);
	sysv_fill(object, &state.shm_perm);
	state.shm_segsz = segment->size;
	state.shm_atime = segment->attach_time;
	state.shm_dtime = segment->detach_time;
	state.shm_ctime = object->changed;
	state.shm_cpid = segment->creator;
	state.shm_lpid = segment->last;
	state.shm_nattch = segment->attached;
	error = copy_out(call, to, &state, sizeof state);
	return error != 0 ? call_result(error) : command == IPC_STAT ? 0 : object->id;
}

/* Memory of tmpfs is not paged out anyhow: what counts is that it is counted. */
static int lock(struct call *call, struct segment *segment)
{
	struct process *process = call->process;
	const uint64_t limit = process->limit[RLIMIT_MEMLOCK].rlim_cur;

	if (segment->locker != NULL)
		return 0;
	if (!user_charge(process->user, USER_LOCKED_SEGMENTS, pages_of(segment) * VM_PAGE_SIZE,
		    capable(process, CAP_IPC_LOCK) || limit == RLIM64_INFINITY ? USER_NO_LIMIT : limit))
		return -ENOMEM;
	segment->locker = user_reference(process->user);
	segment->object.mode |= SHM_LOCKED;
	return 0;
}

static int64_t change_lock(struct call *call, int id, int command)
{
	struct sysv_object *object;
	int error = sysv_of_id(&sysv_segments, id, &object);

	if (error != 0)
		return error;
	if (!sysv_owns(call->process, object) ||
		(command == SHM_LOCK && !capable(call->process, CAP_IPC_LOCK) && call->process->limit[RLIMIT_MEMLOCK].rlim_cur == 0))
		return -EPERM;
	if (command == SHM_LOCK)
		return lock(call, segment_of(object));
	unlock(segment_of(object));
	return 0;
}

static int64_t change(struct call *call, int id, int command, uint64_t from)
{
	struct sysv_object *object;
	struct shmid_ds state;
	int error = command == IPC_SET ? copy_in(call, &state, from, sizeof state) : 0;

	if (error == 0)
		error = sysv_of_id(&sysv_segments, id, &object);
	if (error != 0)
		return call_result(error);
	if (!sysv_owns(call->process, object))
		return -EPERM;
	if (command == IPC_SET)
		return sysv_set(object, &state.shm_perm);
	if (segment_of(object)->attached > 0) {
		object->mode |= SHM_DEST;
		sysv_leave_key(&sysv_segments, object);
	} else {
		end(segment_of(object));
	}
	return 0;
}

int64_t sys_shmctl(uint64_t caller, int id, int command, uint64_t argument)
{
	struct call *call = call_of(caller);

	if (id < 0 || command < 0)
		return -EINVAL;
	switch (command) {
	case IPC_INFO:
		return tell_limits(call, argument);
	case SHM_INFO:
		return tell_use(call, argument);
	case IPC_STAT:
	case SHM_STAT:
	case SHM_STAT_ANY:
		return tell_segment(call, id, command, argument);
	case IPC_SET:
	case IPC_RMID:
		return change(call, id, command, argument);
	case SHM_LOCK:
	case SHM_UNLOCK:
		return change_lock(call, id, command);
	default:
		return -EINVAL;
	}
}
