/* The copying traps, words in memory, and calls on ranges that are whole, or paused, or nothing. */
#include "file_pager.h"
#include <task/host.h>
#include <kern/processor.h>
#include <mach/trap.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/pmap.h>
#include <vm/vm_copy.h>

static struct pager pager;

static void traps(void)
{
	struct thread *self = current_thread();
	vm_address_t file, buffer = 0, done_at;
	kern_return_t error = KERN_SUCCESS;
	vm_size_t *done;
	uint64_t flags;

	pager_make(&pager);
	file = map_file(task_b, &pager, FILE_PAGES, false);
	CHECK_EQUAL(vm_allocate(task_a->map, &buffer, 64 * VM_PAGE_SIZE, true), KERN_SUCCESS);
	done_at = buffer + 60 * VM_PAGE_SIZE;
	done = (vm_size_t *)world_access(task_a, done_at, VM_PROT_WRITE, &error);
	*touch(task_b, &pager, file, VM_PROT_READ, &error) = 1;

	/* Without waiting: as far as pages are there. */
	self->task = task_a;
	self->regs.rdi = world_name(task_b);
	self->regs.rsi = file + 10;
	self->regs.rdx = 40 * VM_PAGE_SIZE;
	self->regs.r10 = buffer + 100;
	self->regs.r8 = VM_COPY_NOWAIT;
	self->regs.r9 = done_at;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_ABSENT);
	CHECK(!host_waits(self));
	CHECK_EQUAL(*done, 4 * VM_PAGE_SIZE - 10);
	CHECK_EQUAL(self->regs.r8, VM_COPY_NOWAIT);

	/* With waiting: restarted until all is copied; registers are as before. */
	self->regs.r8 = 0;
	for (unsigned i = 0; i < 40; i++) {
		int64_t result = vm_trap_read_overwrite(self);

		if (result == KERN_SUCCESS)
			break;
		CHECK_EQUAL(result, KERN_RESTART);
		serve(&pager);
		CHECK(!host_waits(self));
	}
	CHECK_EQUAL(*done, 40 * VM_PAGE_SIZE);
	CHECK_EQUAL(self->regs.r8, 0);
	for (unsigned i = 0; i < 40; i++)
		CHECK_EQUAL(*(uint8_t *)world_access(task_a, buffer + 90 + i * VM_PAGE_SIZE + 20, VM_PROT_READ, &error),
			i + 1);

	/* A write into a pager's page marks it dirty. */
	self->regs.rsi = file + 3 * VM_PAGE_SIZE;
	self->regs.r10 = buffer + 100;
	self->regs.rdx = 5;
	CHECK_EQUAL(vm_trap_write(self), KERN_SUCCESS);
	while (vm_msync(task_b->map, file, FILE_PAGES * VM_PAGE_SIZE, false) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(pager.file[3][0], 1);
	CHECK_EQUAL(pager.file[3][5], 4);

	/* Touched for writing, nothing is written: it is only writable, and a read cannot be that. */
	flags = self->regs.r8;
	self->regs.r8 = flags | VM_COPY_TOUCH;
	self->regs.r10 = buffer;
	CHECK_EQUAL(vm_trap_write(self), KERN_SUCCESS);
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ARGUMENT);
	self->regs.r8 = flags;
	CHECK(pmap_host_access(task_b->map->pmap, file + 3 * VM_PAGE_SIZE, VM_PROT_WRITE) != NULL);

	/* Wild arguments: an error, and how far it got. */
	self->regs.rsi = file + (FILE_PAGES - 1) * VM_PAGE_SIZE;
	self->regs.rdx = 2 * VM_PAGE_SIZE;
	for (unsigned i = 0; i < 4 && vm_trap_read_overwrite(self) == KERN_RESTART; i++)
		serve(&pager);
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	CHECK_EQUAL(*done, VM_PAGE_SIZE);
	self->regs.rsi = 0xffff800000000000ull;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rsi = UINT64_MAX - 10;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rsi = file;
	self->regs.rdx = UINT64_MAX;
	CHECK_EQUAL(vm_trap_write(self), KERN_INVALID_ARGUMENT);
	self->regs.rdx = 10;
	self->regs.r9 = 1;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_ADDRESS);
	self->regs.rdi = 4000;
	self->regs.r9 = 0;
	self->regs.r8 = 0;
	CHECK_EQUAL(vm_trap_read_overwrite(self), KERN_INVALID_TASK);
	unmap(task_b, file, FILE_PAGES);
	unmap(task_a, buffer, 64);
	pager_end(&pager);
	world_check_accounts();
	host_report("the copying traps copy, restart, stop at missing pages, and refuse wild arguments");
}

static void unaligned(void)
{
	static uint8_t big[5 * VM_PAGE_SIZE], back[5 * VM_PAGE_SIZE];
	vm_address_t address = 0, received;
	kern_return_t error = KERN_SUCCESS;
	vm_map_copy_t copy;

	for (unsigned i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 7 + i / 251);
	CHECK_EQUAL(vm_allocate(task_a->map, &address, sizeof(big), true), KERN_SUCCESS);
	for (unsigned i = 0; i < 5; i++)
		memcpy(world_access(task_a, address + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error), big + i * VM_PAGE_SIZE,
			VM_PAGE_SIZE);
	for (unsigned round = 0; round < 60; round++) {
		vm_size_t first = host_random(sizeof(big)), size = 1 + host_random(sizeof(big) - first), at;

		CHECK_EQUAL(vm_map_copyin(task_a->map, address + first, size, false, &copy), KERN_SUCCESS);
		CHECK_EQUAL(vm_map_copy_size(copy), size);
		CHECK_EQUAL(vm_map_copy_read(copy, 0, back, size), KERN_SUCCESS);
		CHECK(memcmp(back, big + first, size) == 0);
		CHECK_EQUAL(vm_map_copy_read(copy, size, back, 1), KERN_INVALID_ARGUMENT);
		CHECK_EQUAL(vm_map_copyout(task_b->map, &received, copy), KERN_SUCCESS);
		CHECK_EQUAL((received ^ first) & VM_PAGE_MASK, 0);
		for (at = 0; at < size; at += VM_PAGE_SIZE)
			CHECK_EQUAL(
				*(uint8_t *)world_access(task_b, received + at, VM_PROT_READ, &error), big[first + at]);
		/* Nothing of the sender's around it. */
		for (at = trunc_page(received); at < received; at++)
			CHECK_EQUAL(*(uint8_t *)world_access(task_b, at, VM_PROT_READ, &error), 0);
		for (at = received + size; at < round_page(received + size); at++)
			CHECK_EQUAL(*(uint8_t *)world_access(task_b, at, VM_PROT_READ, &error), 0);
		CHECK_EQUAL(vm_deallocate(task_b->map, received, size), KERN_SUCCESS);
	}
	unmap(task_a, address, 5);
	world_check_accounts();
	host_report("unaligned memory arrives at its offset, with none of its neighbours");
}

static bool same_word(const struct word_key *a, const struct word_key *b)
{
	return a->id == b->id && a->word == b->word;
}

static void word_keys(void)
{
	vm_address_t own = 0, shared = 0, high = 1ull << 46;
	struct task *child = world_task();
	struct word_key before, after, theirs;

	CHECK_EQUAL(vm_allocate(task_a->map, &own, VM_PAGE_SIZE, true), KERN_SUCCESS);
	CHECK_EQUAL(vm_allocate(task_a->map, &shared, VM_PAGE_SIZE, true), KERN_SUCCESS);
	CHECK_EQUAL(vm_inherit(task_a->map, shared, VM_PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared + 8, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_map_fork(task_a->map, child->account, &child->map), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared + 8, true, &after), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(child->map, shared + 8, true, &theirs), KERN_SUCCESS);
	CHECK(same_word(&before, &after) && same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(child->map, shared + 12, true, &theirs), KERN_SUCCESS);
	CHECK(!same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(task_a->map, own, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, own, false, &after), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(child->map, own, true, &theirs), KERN_SUCCESS);
	CHECK(same_word(&before, &after) && !same_word(&before, &theirs));
	CHECK_EQUAL(vm_word_key(task_a->map, 0, true, &before), KERN_INVALID_ADDRESS);
	host_report("a word's key is one for those who share it, before and after the fork");

	/* Nobody's key is a stranger's, however many maps there have been and wherever the word is. */
	CHECK_EQUAL(vm_word_key(task_a->map, own, false, &before), KERN_SUCCESS);
	for (unsigned bit = 1; bit < 64; bit++) {
		uint64_t number = child->map->number;

		child->map->number = task_a->map->number + (1ull << bit);
		CHECK_EQUAL(vm_word_key(child->map, own, false, &theirs), KERN_SUCCESS);
		CHECK(!same_word(&before, &theirs));
		child->map->number = number;
	}
	CHECK_EQUAL(vm_word_key(task_a->map, own + high, false, &after), KERN_SUCCESS);
	CHECK(!same_word(&before, &after));
	unmap(task_a, own, 1);
	/* An object that follows one which has gone, perhaps at its address in the kernel, is another. */
	CHECK_EQUAL(vm_word_key(task_a->map, shared, true, &before), KERN_SUCCESS);
	CHECK_EQUAL(vm_deallocate(child->map, shared, VM_PAGE_SIZE), KERN_SUCCESS);
	unmap(task_a, shared, 1);
	CHECK_EQUAL(vm_allocate(task_a->map, &shared, VM_PAGE_SIZE, false), KERN_SUCCESS);
	CHECK_EQUAL(vm_inherit(task_a->map, shared, VM_PAGE_SIZE, VM_INHERIT_SHARE), KERN_SUCCESS);
	CHECK_EQUAL(vm_word_key(task_a->map, shared, true, &after), KERN_SUCCESS);
	CHECK(!same_word(&before, &after));
	unmap(task_a, shared, 1);
	world_task_end(child);
	world_check_accounts();
	host_report("no two words have one key");
}

/* A long call that pauses whenever a better thread is ready, and what that may do meanwhile. */
static void pauses(void)
{
	enum { MANY = 1500 };
	vm_address_t range = 0, end;
	uint64_t free_before = vm_page_counts.free;
	kern_return_t error = KERN_SUCCESS, result;
	unsigned rounds = 0;

	current_thread()->task = task_a;
	CHECK_EQUAL(vm_allocate(task_a->map, &range, MANY * VM_PAGE_SIZE, true), KERN_SUCCESS);
	end = range + MANY * VM_PAGE_SIZE;
	for (vm_address_t at = range; at < end; at += VM_PAGE_SIZE)
		*(uint8_t *)world_access(task_a, at, VM_PROT_WRITE, &error) = 1;
	host_processor->need_reschedule = true;
	while ((result = vm_protect(task_a->map, range, end - range, false, VM_PROT_READ)) == KERN_RESTART)
		rounds++;
	CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK(rounds >= 2);
	for (vm_address_t at = range; at < end; at += VM_PAGE_SIZE)
		CHECK(pmap_host_access(task_a->map->pmap, at, VM_PROT_WRITE) == NULL);
	host_report("a protection that pauses lowers every page");

	CHECK_EQUAL(vm_deallocate(task_a->map, range, end - range), KERN_RESTART);
	CHECK(world_access(task_a, range, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_INVALID_ADDRESS);
	CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	/* Another maps memory in the part that has gone. */
	CHECK_EQUAL(vm_allocate(task_a->map, &range, VM_PAGE_SIZE, false), KERN_SUCCESS);
	*(uint8_t *)world_access(task_a, range, VM_PROT_WRITE, &error) = 7;
	for (rounds = 0; vm_deallocate(task_a->map, range, end - range) == KERN_RESTART; rounds++)
		CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) != NULL);
	CHECK(rounds >= 5);
	CHECK(world_access(task_a, end - VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(*(uint8_t *)world_access(task_a, range, VM_PROT_READ, &error), 7);
	host_processor->need_reschedule = false;
	/* The call is over: the same again is a new one. */
	unmap(task_a, range, MANY);
	CHECK(world_access(task_a, range, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(vm_page_counts.free, free_before);
	host_report("a deallocation that pauses takes what was there, and nothing that others map meanwhile");

	pager_make(&pager);
	range = map_file(task_a, &pager, FILE_PAGES, false);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 99;
	host_processor->need_reschedule = true;
	vm_object_t object = control_object(&pager);
	for (rounds = 0; (result = memory_object_lock_request(object, 0, FILE_PAGES * VM_PAGE_SIZE,
				  MEMORY_OBJECT_RETURN_DIRTY, true, VM_PROT_NO_CHANGE, pager.port)) == KERN_RESTART;
		rounds++)
		;
	vm_object_deallocate(object);
	host_processor->need_reschedule = false;
	CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK(rounds >= 1);
	serve(&pager);
	CHECK_EQUAL(pager.completions, 1);
	CHECK_EQUAL(pager.pages_returned, FILE_PAGES);
	unmap(task_a, range, FILE_PAGES);
	pager_end(&pager);
	host_report("a lock request that pauses is completed once, after all its data");
}

static kern_return_t ask_for_all(vm_object_t object)
{
	kern_return_t result = memory_object_lock_request(object, 0, FILE_PAGES * VM_PAGE_SIZE,
		MEMORY_OBJECT_RETURN_DIRTY, false, VM_PROT_NO_CHANGE, pager.port);

	CHECK_EQUAL(host_waits(current_thread()), result == KERN_RESTART);
	thread_cancel_wait(current_thread());
	return result;
}

/* Without memory for the messages nothing is completed that is not done. */
static void lock_request_without_memory(void)
{
	vm_object_t object;
	vm_address_t range;
	kern_return_t error = KERN_SUCCESS;
	struct vm_page **held = calloc(vm_page_counts.total, sizeof(*held));
	unsigned count = 0, tries;

	pager_make(&pager);
	range = map_file(task_a, &pager, FILE_PAGES, false);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 98;
	object = control_object(&pager);
	while ((held[count] = vm_page_grab_for(&kernel_account, VM_PAGE_FOR_KERNEL, false)) != NULL)
		count++;
	for (tries = 0; tries < 4; tries++)
		CHECK_EQUAL(ask_for_all(object), KERN_RESTART);
	/* Enough for some, not for all. */
	for (unsigned i = 0; i < FILE_PAGES / 2; i++)
		vm_page_free(held[--count]);
	CHECK_EQUAL(ask_for_all(object), KERN_RESTART);
	CHECK_EQUAL(pager.completions, 0);
	while (count > 0)
		vm_page_free(held[--count]);
	CHECK_EQUAL(ask_for_all(object), KERN_SUCCESS);
	vm_object_deallocate(object);
	serve(&pager);
	CHECK_EQUAL(pager.completions, 1);
	for (unsigned i = 0; i < FILE_PAGES; i++)
		CHECK_EQUAL(pager.file[i][0], 98);
	unmap(task_a, range, FILE_PAGES);
	pager_end(&pager);
	free(held);
	host_report("a lock request without memory for messages is not completed before all pages have gone");
}

/* A pager that refuses what it is sent is sent it once by each vm_msync. */
static void msync_of_who_never_writes(struct pager *writer, vm_object_t object, vm_address_t range)
{
	struct thread *client = current_thread(), *server = host_thread(&kernel_task);
	kern_return_t error = KERN_SUCCESS;

	*touch(task_a, writer, range, VM_PROT_WRITE, &error) = 90;
	for (unsigned round = 0; round < 3; round++) {
		struct pager_message *message;

		CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_RESTART);
		host_set_current(server);
		message = world_receive(writer->port);
		CHECK(message != NULL && message->kind == PAGER_RETURN);
		CHECK_EQUAL(memory_object_data_refused(object, 0, message->data, vm_map_copy_size(message->data), KERN_NO_SPACE),
			KERN_SUCCESS);
		free(message);
		CHECK(!host_waits(client));
		host_set_current(client);
		CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_NO_SPACE);
		CHECK(world_receive(writer->port) == NULL);
	}
	CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_RESTART);
	thread_cancel_wait(current_thread());
	serve(writer);
	CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_SUCCESS);
	CHECK_EQUAL(writer->file[0][0], 90);
}

/* What a pager cannot write is dirty again: the page that it gave back, or the newer one that is there. */
static void refused(void)
{
	kern_return_t error = KERN_SUCCESS;
	vm_object_t object;
	vm_address_t range;

	pager_make(&pager);
	range = map_file(task_a, &pager, 4, false);
	for (unsigned i = 0; i < 4; i++)
		*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = (uint8_t)(60 + i);
	object = control_object(&pager);
	for (unsigned flush = 0; flush < 2; flush++) {
		struct pager_message *message;

		CHECK_EQUAL(memory_object_lock_request(object, 0, 4 * VM_PAGE_SIZE, MEMORY_OBJECT_RETURN_DIRTY, flush != 0,
				    VM_PROT_NO_CHANGE, NULL),
			KERN_SUCCESS);
		message = world_receive(pager.port);
		CHECK(message != NULL && message->kind == PAGER_RETURN);
		CHECK_EQUAL(vm_map_copy_size(message->data), 4 * VM_PAGE_SIZE);
		if (flush == 0)
			*touch(task_a, &pager, range, VM_PROT_WRITE, &error) = 70;
		CHECK_EQUAL(memory_object_data_refused(object, 0, message->data, 4 * VM_PAGE_SIZE, KERN_SUCCESS),
			KERN_INVALID_ARGUMENT);
		CHECK_EQUAL(memory_object_data_refused(object, 0, message->data, 4 * VM_PAGE_SIZE, KERN_FAILURE),
			KERN_SUCCESS);
		free(message);
		CHECK_EQUAL(object->pager->returning, 0);
		CHECK(world_receive(pager.port) == NULL);
		for (unsigned i = 0; i < 4; i++)
			CHECK_EQUAL(*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_READ, &error),
				i == 0 ? 70 : 60 + i);
	}
	CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_RESTART);
	thread_cancel_wait(current_thread());
	serve(&pager);
	CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_FAILURE);
	CHECK_EQUAL(vm_msync(task_a->map, range, 4 * VM_PAGE_SIZE, false), KERN_SUCCESS);
	for (unsigned i = 0; i < 4; i++)
		CHECK_EQUAL(pager.file[i][0], i == 0 ? 70 : 60 + i);
	msync_of_who_never_writes(&pager, object, range);
	vm_object_deallocate(object);
	unmap(task_a, range, 4);
	pager_end(&pager);
	host_report("pages that cannot be written are dirty again, and vm_msync says so once");
}

/* Two walks through one list, with all locks released in between: each comes to all pages. */
static void walks_meet(void)
{
	enum { PAGES = 40 };
	vm_object_t object = vm_object_create(&kernel_account, PAGES * VM_PAGE_SIZE);
	uint8_t seen[2][PAGES] = {{0}};
	struct vm_object_walk walk[2];
	struct vm_page *page;

	for (unsigned i = 0; i < PAGES; i++)
		vm_object_insert(object, vm_page_grab(&kernel_account), i * VM_PAGE_SIZE);
	for (unsigned i = 0; i < 2; i++)
		walk[i] = vm_object_walk(object, 0, 4 * PAGES * VM_PAGE_SIZE);
	for (unsigned i = 0; i < 11; i++)
		if ((page = vm_object_next(&walk[0])) != NULL)
			seen[0][page->offset / VM_PAGE_SIZE] = 1;
	while ((page = vm_object_next(&walk[1])) != NULL && seen[1][PAGES / 2] == 0)
		seen[1][page->offset / VM_PAGE_SIZE] = 1;
	for (unsigned i = 0; i < 2; i++)
		while ((page = vm_object_next(&walk[i])) != NULL)
			seen[i][page->offset / VM_PAGE_SIZE] = 1;
	CHECK(memchr(seen, 0, sizeof(seen)) == NULL);
	vm_object_deallocate(object);
	host_report("two walks through the pages of an object come to all of them");
}

/* vm_write and vm_copy over a range of which the last page refuses. */
static void refuse_last(vm_address_t range, unsigned pages, kern_return_t wanted, const char *name)
{
	vm_address_t source = 0;
	vm_map_copy_t data = NULL;
	kern_return_t error = KERN_SUCCESS, result;

	current_thread()->task = task_a;
	CHECK_EQUAL(vm_allocate(task_a->map, &source, pages * VM_PAGE_SIZE, true), KERN_SUCCESS);
	for (unsigned i = 0; i < pages; i++)
		*(uint8_t *)world_access(task_a, source + i * VM_PAGE_SIZE, VM_PROT_WRITE, &error) = 0xee;
	CHECK_EQUAL(vm_map_copyin(task_a->map, source, pages * VM_PAGE_SIZE, false, &data), KERN_SUCCESS);
	while ((result = vm_write(task_a->map, range, data, pages * VM_PAGE_SIZE)) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(result, wanted);
	vm_map_copy_discard(data);
	while ((result = vm_copy(task_a->map, source, pages * VM_PAGE_SIZE, range)) == KERN_RESTART)
		serve(&pager);
	CHECK_EQUAL(result, wanted);
	for (unsigned i = 0; i + 1 < pages; i++)
		CHECK(*touch(task_a, &pager, range + i * VM_PAGE_SIZE, VM_PROT_READ, &error) != 0xee);
	unmap(task_a, source, pages);
	host_report(name);
}

static void whole_or_nothing(void)
{
	vm_address_t range = 0;
	kern_return_t error = KERN_SUCCESS;

	CHECK_EQUAL(vm_allocate(task_a->map, &range, 6 * VM_PAGE_SIZE, true), KERN_SUCCESS);
	*(uint8_t *)world_access(task_a, range, VM_PROT_WRITE, &error) = 1;
	CHECK_EQUAL(vm_protect(task_a->map, range + 4 * VM_PAGE_SIZE, VM_PAGE_SIZE, false, VM_PROT_READ), KERN_SUCCESS);
	refuse_last(range, 5, KERN_PROTECTION_FAILURE, "what a protected page refuses is not written in part");
	unmap(task_a, range + 4 * VM_PAGE_SIZE, 1);
	refuse_last(range, 5, KERN_INVALID_ADDRESS, "what a hole refuses is not written in part");
	unmap(task_a, range, 6);
	pager_make(&pager);
	range = map_file(task_a, &pager, FILE_PAGES + 8, false) + (FILE_PAGES - 3) * VM_PAGE_SIZE;
	refuse_last(range, 4, KERN_FAILURE, "what a pager refuses is not written in part");
	unmap(task_a, range - (FILE_PAGES - 3) * VM_PAGE_SIZE, FILE_PAGES + 8);
	pager_end(&pager);
}

void test_copies(void)
{
	traps();
	unaligned();
	word_keys();
	whole_or_nothing();
	pauses();
	lock_request_without_memory();
	refused();
	walks_meet();
}
