/*
 * A pretended kernel with one memory object, for the kit (pagers/kit/object.c) and a pager on the build host. Who
 * includes it has CHECK and says before how many pages there are at most (PAGES); a client's access is reach().
 */
#ifndef TESTS_HOST_KIT_KERNEL_H
#define TESTS_HOST_KIT_KERNEL_H

#include "pagers/kit/kit.h"

#include <mach/memory_object_server.h>
#include <mach/notify_server.h>
#include <servers/file_types.h>
#include <stdlib.h>
#include <string.h>

/* --- The kernel's side: one object's pages, and what the kit says of them. */

struct page {
	enum { ABSENT, ASKED, PRESENT, ERROR } state;
	bool dirty, precious;
	vm_prot_t lock, error_for; /* error_for: accesses that get the error; others ask again */
	int error;
	char data[PK_PAGE];
};

static struct page resident[PAGES];
static const struct pager_ops *kit;
static struct pager_object *pager;

mach_port_t mach_task_self_ = 1;
const struct mig_subsystem memory_object_subsystem, notify_subsystem;

kern_return_t mach_port_allocate(mach_port_t task, mach_port_right_t right, mach_port_t *port)
{
	(void)task, (void)right;
	*port = 77;
	return KERN_SUCCESS;
}

kern_return_t mach_server_start_threads(mach_port_t set, const struct mig_subsystem *const list[], unsigned count)
{
	(void)set, (void)list, (void)count;
	return KERN_SUCCESS;
}

kern_return_t pager_object_take(struct pager_object *object, const struct pager_ops *ops, mach_port_t set,
	mach_port_t port, uint64_t payload, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	(void)set, (void)port, (void)may_cache, (void)copy_strategy;
	object->payload = payload;
	pager = object;
	kit = ops;
	return KERN_SUCCESS;
}

/* The pages of an answer: whole pages inside the object's room. */
static struct page *answered(vm_offset_t offset, vm_size_t length)
{
	CHECK(offset % PK_PAGE == 0 && length % PK_PAGE == 0 && length != 0);
	CHECK(offset + length <= PAGES * PK_PAGE);
	return &resident[offset / PK_PAGE];
}

static void give(vm_offset_t offset, const char *data, vm_size_t length, vm_prot_t lock, bool precious)
{
	struct page *page = answered(offset, length);

	for (vm_size_t at = 0; at < length; at += PK_PAGE, page++) {
		if (page->state == PRESENT)
			continue; /* the kernel's is newer */
		*page = (struct page){.state = PRESENT, .lock = lock, .precious = precious};
		if (data)
			memcpy(page->data, data + at, PK_PAGE);
	}
}

kern_return_t pager_supply(struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length,
	vm_prot_t lock, boolean_t precious)
{
	CHECK(object == pager);
	give(offset, (const char *)data, length, lock, precious);
	pk_pages_free((void *)data, length);
	return KERN_SUCCESS;
}

kern_return_t pager_forward(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, mach_port_t lower, vm_offset_t lower_offset)
{
	(void)object, (void)offset, (void)length, (void)lower, (void)lower_offset;
	return KERN_INVALID_ARGUMENT;
}

mach_port_t pk_lower_object(const struct pk_lower *lower)
{
	(void)lower;
	return 0;
}

kern_return_t pager_zero(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	CHECK(object == pager);
	give(offset, NULL, length, VM_PROT_NONE, false);
	return KERN_SUCCESS;
}

kern_return_t pager_zero_locked(struct pager_object *object, vm_offset_t offset, vm_size_t length, vm_prot_t lock)
{
	CHECK(object == pager);
	give(offset, NULL, length, lock, false);
	return KERN_SUCCESS;
}

kern_return_t pager_error_locked(
	struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error, vm_prot_t lock)
{
	struct page *page = answered(offset, length);

	CHECK(object == pager && FILE_ERRNO(error) != 0);
	for (vm_size_t at = 0; at < length; at += PK_PAGE, page++)
		if (page->state != PRESENT)
			*page = (struct page){.state = ERROR, .error = FILE_ERRNO(error), .error_for = lock};
	return KERN_SUCCESS;
}

kern_return_t pager_error(struct pager_object *object, vm_offset_t offset, vm_size_t length, kern_return_t error)
{
	return pager_error_locked(object, offset, length, error, VM_PROT_READ | VM_PROT_WRITE);
}

kern_return_t pager_unlock(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	struct page *page = answered(offset, length);

	CHECK(object == pager);
	for (vm_size_t at = 0; at < length; at += PK_PAGE)
		page++->lock = VM_PROT_NONE;
	return KERN_SUCCESS;
}

/* Also of what was said behind the end. */
kern_return_t pager_drop(struct pager_object *object, vm_offset_t offset, vm_size_t length)
{
	struct page *page = answered(offset, length);

	CHECK(object == pager);
	for (vm_size_t at = 0; at < length; at += PK_PAGE, page++) {
		CHECK(!page->dirty);
		page->state = ABSENT;
	}
	return KERN_SUCCESS;
}

kern_return_t pager_refuse(
	struct pager_object *object, vm_offset_t offset, vm_address_t data, vm_size_t length, kern_return_t reason)
{
	struct page *page = answered(offset, length);

	CHECK(object == pager && FILE_ERRNO(reason) != 0);
	give(offset, (const char *)data, length, VM_PROT_NONE, false);
	for (vm_size_t at = 0; at < length; at += PK_PAGE)
		page++->dirty = true;
	pk_pages_free((void *)data, length);
	return KERN_SUCCESS;
}

kern_return_t pager_lock_range(struct pager_object *object, vm_offset_t offset, vm_size_t length,
	memory_object_return_t should_return, boolean_t flush, vm_prot_t lock)
{
	unsigned last = (unsigned)((offset + length) / PK_PAGE);

	CHECK(object == pager && should_return == MEMORY_OBJECT_RETURN_DIRTY && lock == VM_PROT_NO_CHANGE);
	CHECK(last <= PAGES);
	for (unsigned i = (unsigned)(offset / PK_PAGE), n; i < last; i += n) {
		bool dirty = resident[i].state == PRESENT && resident[i].dirty;
		char *copy;

		for (n = 1;
			i + n < last && n < 16 && dirty && resident[i + n].state == PRESENT && resident[i + n].dirty;)
			n++;
		copy = dirty ? pk_pages_allocate(n * PK_PAGE) : NULL;
		for (unsigned j = i; j < i + n; j++) {
			if (dirty)
				memcpy(copy + (j - i) * PK_PAGE, resident[j].data, PK_PAGE);
			resident[j].dirty = false;
			if (flush)
				resident[j].state = ABSENT;
		}
		if (dirty)
			kit->data_return(object, i * PK_PAGE, (vm_address_t)copy, n * PK_PAGE, TRUE, !flush);
	}
	return KERN_SUCCESS;
}

/* --- A client's access: 0 or the errno that it gets. */

static void ask(unsigned page, vm_prot_t access)
{
	unsigned n = 1 + (unsigned)rand() % 16;

	for (unsigned i = page; i < page + n && i < PAGES; i++) {
		if (resident[i].state == PRESENT) {
			n = i - page;
			break;
		}
		resident[i].state = ASKED;
	}
	if (n > PAGES - page)
		n = PAGES - page;
	kit->data_request(pager, page * PK_PAGE, n * PK_PAGE, access);
	for (unsigned i = page; i < page + n; i++)
		CHECK(resident[i].state != ASKED);
}

static int reach(unsigned number, vm_prot_t access)
{
	struct page *page = &resident[number];

	for (unsigned tries = 0; tries < 4; tries++) {
		if (page->state == ERROR && page->error_for & access) {
			/* The kernel remembers it for a second. */
			int error = page->error;

			if (rand() % 2)
				page->state = ABSENT;
			return error;
		}
		if (page->state != PRESENT)
			ask(number, access);
		else if (page->lock & access)
			kit->data_unlock(pager, number * PK_PAGE, PK_PAGE, access);
		else
			return 0;
	}
	CHECK(!"an access is settled by three messages");
	return EIO;
}

#endif
