/* Memory objects over a table of functions: what the kernel asks for and gives back. */
#include "pagers/kit/kit.h"

#include <errno.h>
#include <servers/file_types.h>
#include <string.h>
#include <time.h>

/*
 * What cannot be written is the kernel's again, until a medium that takes nothing has refused so many pages one after
 * the other that they would fill the memory: of all objects of the program.
 */
#define REFUSED_MAX 1024u
static uint64_t refused_pages;

#define CLUSTER (PK_CLUSTER_PAGES * PK_PAGE)

struct pk_answer {
	struct pk_object *object;
	uint64_t first, done; /* where it begins; all before `done` is answered */
	bool write;           /* the first page is wanted for writing */
	bool first_is_hole;   /* and has no space: not answered yet */
};

static struct pk_object *object_of(struct pager_object *pager)
{
	return (struct pk_object *)(void *)((char *)pager - offsetof(struct pk_object, pager));
}

static void count(uint64_t *counter, uint64_t n)
{
	__atomic_add_fetch(counter, n, __ATOMIC_RELAXED);
}

#define SLOW_NS 100000000u

static uint64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

/* What was asked for at `since` has been done. Two threads at most write the maximum, and it is only told. */
static void count_time(struct pk_object *object, uint64_t since)
{
	uint64_t took = now() - since;

	if (took > SLOW_NS)
		count(&object->counters.slow, 1);
	if (took > __atomic_load_n(&object->counters.slowest, __ATOMIC_RELAXED))
		__atomic_store_n(&object->counters.slowest, took, __ATOMIC_RELAXED);
}

/* What a port's message says is not to be believed: whoever may map an object may send it one. */
static bool is_range(vm_offset_t offset, vm_size_t length)
{
	return offset % PK_PAGE == 0 && length % PK_PAGE == 0 && length != 0 && length <= INT64_MAX &&
	       offset <= INT64_MAX - length;
}

static bool read_only(const struct pk_object *object)
{
	return !object->ops->write && !object->ops->take;
}

/* What one message does, or one step of a request, is not mixed with another's. */
static void begin(struct pk_object *object)
{
	if (object->ops->begin)
		object->ops->begin(object->self);
	else
		pthread_mutex_lock(&object->lock);
}

static void end(struct pk_object *object)
{
	if (object->ops->end)
		object->ops->end(object->self);
	else
		pthread_mutex_unlock(&object->lock);
}

int pk_size(struct pk_object *object, uint64_t *size)
{
	if (object->ops->size)
		return object->ops->size(object->self, size);
	*size = __atomic_load_n(&object->size, __ATOMIC_ACQUIRE);
	return 0;
}

/* --- The kernel wants pages. */

/* Room for pages that somebody is about to write: 0 or an errno. Beyond the object's end there is none. */
static int make_room(struct pk_object *object, uint64_t offset, uint64_t length)
{
	uint64_t size;
	int error = read_only(object) ? EROFS : pk_size(object, &size);

	if (!error && offset + length > PK_ROUND_PAGE(size))
		error = EFBIG;
	return error || !object->ops->reserve ? error : object->ops->reserve(object->self, offset, length);
}

void pk_give(struct pk_answer *answer, uint64_t offset, void *pages, size_t length)
{
	struct pk_object *object = answer->object;
	vm_prot_t lock = read_only(object) ? VM_PROT_WRITE : VM_PROT_NONE;

	if (pages == PK_HOLE && answer->write && offset == answer->first) {
		answer->first_is_hole = true;
		offset += PK_PAGE;
		length -= PK_PAGE;
	}
	count(&object->counters.pages_in, length / PK_PAGE);
	if (!length)
		;
	else if (pages == PK_HOLE || (pages == PK_ZEROS && lock != VM_PROT_NONE))
		pager_zero_locked(&object->pager, offset, length, VM_PROT_WRITE);
	else if (pages == PK_ZEROS)
		pager_zero(&object->pager, offset, length);
	else
		pager_supply(&object->pager, offset, (vm_address_t)(uintptr_t)pages, length, lock,
			(boolean_t)((object->flags & PK_PRECIOUS) != 0));
	answer->done = offset + length;
}

static void read_failed(struct pk_answer *answer, uint64_t offset, uint64_t length, int error)
{
	struct pk_object *object = answer->object;

	count(&object->counters.read_errors, 1);
	pk_log("object %llx: the page at %llu cannot be read: %s", (unsigned long long)object->pager.payload,
		(unsigned long long)offset, strerror(error));
	pager_error(&object->pager, offset, length, FILE_ERROR(error));
	answer->done = offset + length;
}

/* A piece by read(): 0 when it is given, else an errno. */
static int read_piece(struct pk_answer *answer, uint64_t offset, uint64_t length, uint64_t size)
{
	const struct pk_object *object = answer->object;
	void *pages = object->ops->read ? pk_pages_allocate(length) : PK_ZEROS;
	int error = 0;

	if (object->ops->read && !pages)
		error = ENOMEM;
	else if (object->ops->read)
		error = object->ops->read(object->self, offset, pages, length < size - offset ? length : size - offset);
	if (error)
		pk_pages_free(pages, length);
	else
		pk_give(answer, offset, pages, length);
	return error;
}

/* As much as the pager says from the offset on is an object's below: how much of what was asked for that is, or 0. */
static uint64_t forward_piece(struct pk_answer *answer, uint64_t offset, uint64_t length)
{
	struct pk_object *object = answer->object;
	uint64_t given = length, at;
	struct pk_lower *lower;
	kern_return_t result;

	/* Who wants to write needs a page of this object. */
	if (!object->ops->forward || object->copies || (answer->write && offset == answer->first) ||
		object->ops->forward(object->self, offset, &given, &lower, &at) || given == 0)
		return 0;
	result = pager_forward(&object->pager, offset, given, pk_lower_object(lower), at);
	if (result != KERN_SUCCESS) {
		object->copies = result == KERN_INVALID_ARGUMENT;
		return 0;
	}
	count(&object->counters.pages_forwarded, given / PK_PAGE);
	given = given < length ? given : length;
	answer->done = offset + given;
	return given;
}

/* A cluster at a time; of one that fails each page by itself, so that only those that cannot be read are missing. */
static void answer_by_read(struct pk_answer *answer, uint64_t offset, uint64_t length, uint64_t size)
{
	const struct pk_object *object = answer->object;

	for (uint64_t end = offset + length, step = CLUSTER; offset < end;) {
		uint64_t n = forward_piece(answer, offset, end - offset);
		int error;

		if (n) {
			offset += n;
			continue;
		}
		/* The page that somebody wants to write by itself: those behind it may be forwarded. */
		n = step < end - offset ? step : end - offset;
		if (object->ops->forward && !object->copies)
			n = PK_PAGE;
		error = read_piece(answer, offset, n, size);
		if (error && n > PK_PAGE) {
			step = PK_PAGE;
			continue;
		}
		if (error)
			read_failed(answer, offset, n, error);
		offset += n;
		step = offset % CLUSTER == 0 ? CLUSTER : step;
	}
}

/* Pages inside the object; a page that may not be written is refused to who wants to, and only to him. */
static int answer_inside(struct pk_answer *answer, uint64_t offset, uint64_t length, uint64_t size)
{
	const struct pk_object *object = answer->object;
	int error;

	if (answer->write && read_only(object)) {
		answer->first_is_hole = true;
		answer->done = offset += PK_PAGE;
		length -= PK_PAGE;
	}
	if (!length)
		return 0;
	if (!object->ops->answer) {
		answer_by_read(answer, offset, length, size);
		return 0;
	}
	error = object->ops->answer(object->self, answer, offset, length);
	return !error && answer->done < offset + length ? EIO : error;
}

static void data_request(struct pager_object *pager, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct pk_object *object = object_of(pager);
	struct pk_answer answer = {
		.object = object, .first = offset, .done = offset, .write = (access & VM_PROT_WRITE) != 0};
	uint64_t size, since = now();
	vm_size_t inside = 0;
	int error, full = 0;

	if (!is_range(offset, length))
		return;
	count(&object->counters.requests, 1);
	begin(object);
	error = pk_size(object, &size);
	if (!error && offset < PK_ROUND_PAGE(size)) {
		inside = PK_ROUND_PAGE(size) - offset;
		inside = inside < length ? inside : length;
		error = answer_inside(&answer, offset, inside, size);
	}
	if (answer.first_is_hole)
		full = make_room(object, offset, PK_PAGE);
	/* Nobody has pages beyond the end. Said before the object is made longer (pk_grown), or not at all. */
	if (!error && inside < length) {
		if (object->refused_to < offset + length)
			object->refused_to = offset + length;
		pager_error(pager, offset + inside, length - inside, FILE_ERROR(EFBIG));
	}
	end(object);
	count_time(object, since);
	if (full)
		pager_error_locked(pager, offset, PK_PAGE, FILE_ERROR(full), VM_PROT_WRITE);
	else if (answer.first_is_hole)
		pager_zero(pager, offset, PK_PAGE);
	if (error)
		read_failed(&answer, answer.done, offset + length - answer.done, error);
}

/* Locked pages are about to be written. Without room they go, so that the write asks again and gets the error. */
static void data_unlock(struct pager_object *pager, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct pk_object *object = object_of(pager);
	int error;

	(void)access;
	if (!is_range(offset, length))
		return;
	count(&object->counters.unlocks, 1);
	begin(object);
	error = make_room(object, offset, length);
	end(object);
	if (error)
		pager_drop(pager, offset, length);
	else
		pager_unlock(pager, offset, length);
}

/* --- Pages come back. */

/* By write(), a cluster at a time, without what lies beyond the end. */
static int take_by_write(struct pk_object *object, uint64_t offset, const char *pages, uint64_t length)
{
	uint64_t size;
	int error = pk_size(object, &size);

	if (error || offset >= size)
		return error;
	if (!object->ops->write)
		return EROFS;
	if (length > size - offset)
		length = size - offset;
	for (uint64_t at = 0; at < length && !error; at += CLUSTER)
		error = object->ops->write(
			object->self, offset + at, pages + at, length - at < CLUSTER ? length - at : CLUSTER);
	return error;
}

/* Whether the kernel shall keep for another try what could not be written with this error. */
static bool worth_keeping(int error, uint64_t length)
{
	if (error == EROFS || error == EINVAL || error == ENOENT)
		return false;
	return __atomic_add_fetch(&refused_pages, length / PK_PAGE, __ATOMIC_RELAXED) <= REFUSED_MAX;
}

/* How much of a run the kernel gets back: nothing behind the end, where its bytes are zeros from now on. */
static uint64_t cut(struct pk_object *object, uint64_t offset, char *pages, uint64_t length)
{
	uint64_t size;

	if (pk_size(object, &size) || offset >= size)
		return 0;
	if (length > PK_ROUND_PAGE(size) - offset)
		length = PK_ROUND_PAGE(size) - offset;
	if (length > size - offset)
		memset(pages + (size - offset), 0, length - (size - offset));
	return length;
}

static void data_return(struct pager_object *pager, vm_offset_t offset, vm_address_t data, vm_size_t length,
	boolean_t dirty, boolean_t kernel_copy)
{
	struct pk_object *object = object_of(pager);
	char *pages = (char *)(uintptr_t)data;
	uint64_t kept = 0, since = now();
	int error;

	(void)kernel_copy;
	if ((!dirty && !(object->flags & PK_PRECIOUS)) || !is_range(offset, length)) {
		pk_pages_free(pages, length);
		return;
	}
	count(&object->counters.returns, 1);
	begin(object);
	error = object->ops->take ? object->ops->take(object->self, offset, pages, length)
				  : take_by_write(object, offset, pages, length);
	if (error) {
		object->write_error = error;
		kept = worth_keeping(error, length) ? cut(object, offset, pages, length) : 0;
	} else {
		__atomic_store_n(&refused_pages, 0, __ATOMIC_RELAXED);
	}
	end(object);
	count_time(object, since);
	if (!error) {
		count(&object->counters.pages_out, length / PK_PAGE);
		if (!object->ops->take)
			pk_pages_free(pages, length);
		return;
	}
	count(&object->counters.write_errors, 1);
	count(&object->counters.pages_lost, (length - kept) / PK_PAGE);
	pk_log("object %llx: what was written at %llu cannot be saved%s: %s", (unsigned long long)pager->payload,
		(unsigned long long)offset, kept ? "" : " and is lost", strerror(error));
	if (kept)
		pager_refuse(pager, offset, data, kept, FILE_ERROR(error));
	pk_pages_free(pages + kept, length - kept);
}

static void terminate(struct pager_object *pager)
{
	const struct pk_object *object = object_of(pager);

	if (object->ops->terminate)
		object->ops->terminate(object->self);
}

static void no_senders(struct pager_object *pager)
{
	const struct pk_object *object = object_of(pager);

	if (object->ops->no_senders)
		object->ops->no_senders(object->self);
}

static void destroy(struct pager_object *pager)
{
	const struct pk_object *object = object_of(pager);

	if (object->ops->destroy)
		object->ops->destroy(object->self);
}

static const struct pager_ops kit_ops = {
	.data_request = data_request,
	.data_return = data_return,
	.data_unlock = data_unlock,
	.terminate = terminate,
	.no_senders = no_senders,
	.destroy = destroy,
};

kern_return_t pk_object_take(struct pk_object *object, const struct pk_ops *ops, void *self, uint64_t size,
	unsigned flags, mach_port_t set, bool may_cache, mach_port_t port, uint64_t payload)
{
	*object = (struct pk_object){.ops = ops, .self = self, .size = size, .flags = flags};
	pthread_mutex_init(&object->lock, NULL);
	pthread_mutex_init(&object->turn, NULL);
	return pager_object_take(
		&object->pager, &kit_ops, set, port, payload, (boolean_t)may_cache, MEMORY_OBJECT_COPY_DELAY);
}

kern_return_t pk_object_init(struct pk_object *object, const struct pk_ops *ops, void *self, uint64_t size,
	unsigned flags, mach_port_t set, bool may_cache)
{
	mach_port_t port;
	kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);

	if (result != KERN_SUCCESS)
		return result;
	return pk_object_take(
		object, ops, self, size, flags, set, may_cache, port, (uint64_t)(uintptr_t)&object->pager);
}

kern_return_t pk_serve(mach_port_t set)
{
	static const struct mig_subsystem *const subsystems[] = {&memory_object_subsystem, &notify_subsystem, NULL};

	return mach_server_start_threads(set, subsystems, 1);
}

/* --- What the kernel has. */

int pk_clean(struct pk_object *object, uint64_t offset, uint64_t length, bool drop)
{
	kern_return_t result;

	/* Precious pages have no other place that they could be written to. */
	if (!length || (object->flags & PK_PRECIOUS && !drop))
		return 0;
	result = pager_lock_range(
		&object->pager, offset, length, MEMORY_OBJECT_RETURN_DIRTY, (boolean_t)drop, VM_PROT_NO_CHANGE);
	return FILE_ERRNO(result);
}

int pk_flush(struct pk_object *object)
{
	uint64_t size, since = now();
	int error = pk_size(object, &size), of_pages, of_medium = 0;

	pthread_mutex_lock(&object->turn);
	if (!error)
		error = pk_clean(object, 0, PK_ROUND_PAGE(size), false);
	begin(object);
	if (object->ops->flush)
		of_medium = object->ops->flush(object->self);
	of_pages = object->write_error;
	object->write_error = 0;
	end(object);
	pthread_mutex_unlock(&object->turn);
	count(&object->counters.flushes, 1);
	count_time(object, since);
	return error ? error : of_pages ? of_pages : of_medium;
}

void pk_grown(struct pk_object *object, uint64_t old_size, uint64_t size)
{
	uint64_t first = PK_ROUND_PAGE(old_size), last = PK_ROUND_PAGE(size);

	if (last > object->refused_to)
		last = object->refused_to;
	if (first < last)
		pager_drop(&object->pager, first, last - first);
	if (last == object->refused_to)
		object->refused_to = 0;
}

static int grow(struct pk_object *object, uint64_t old_size, uint64_t size)
{
	int error = object->ops->resize(object->self, size);

	if (!error) {
		__atomic_store_n(&object->size, size, __ATOMIC_RELEASE);
		pk_grown(object, old_size, size);
	}
	return error;
}

/* 1. Nobody is given what is beyond any more. 2. The kernel drops what it has of it. 3. The pager may use the space. */
static int shrink(struct pk_object *object, uint64_t old_size, uint64_t size)
{
	uint64_t first = size & ~(uint64_t)(PK_PAGE - 1);
	int error;

	__atomic_store_n(&object->size, size, __ATOMIC_RELEASE);
	end(object);
	error = pk_clean(object, first, PK_ROUND_PAGE(old_size) - first, true);
	begin(object);
	return error ? error : object->ops->resize(object->self, size);
}

int pk_resize(struct pk_object *object, uint64_t size)
{
	uint64_t old_size;
	int error;

	if (size > INT64_MAX - PK_PAGE)
		return EFBIG;
	pthread_mutex_lock(&object->turn);
	begin(object);
	error = pk_size(object, &old_size);
	if (!error && size != old_size && !object->ops->resize)
		error = EPERM;
	if (!error && size > old_size)
		error = grow(object, old_size, size);
	else if (!error && size < old_size)
		error = shrink(object, old_size, size);
	end(object);
	pthread_mutex_unlock(&object->turn);
	return error;
}
