/* Maps against a model: random operations on several tasks' memory, every byte compared with plain arrays. */
#include "world.h"
#include <task/host.h>
#include <kern/processor.h>
#include <mach/trap.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/vm_pageout.h>
#include <vm/vm_copy.h>
#include <vm/vm_swap.h>

#define TASKS   5
#define PAGES   160 /* of each task that the model knows, from VM_ANYWHERE_ADDRESS */
#define SAMPLES 4   /* bytes of a page that are written and compared */

static const vm_offset_t sample_at[SAMPLES] = {0, 1023, 2048, 4095};

/* The contents of a page; shared between tasks that share the memory. */
struct cell {
	unsigned refs;
	uint8_t bytes[SAMPLES];
};

struct model_page {
	struct cell *cell; /* null: not allocated */
	vm_prot_t protection, maximum;
	vm_inherit_t inheritance;
};

struct model {
	struct task *task;
	struct model_page pages[PAGES];
};

static struct model models[TASKS];
static bool failing; /* allocations fail now and then */

/* --- A swap area, whose pager refuses a page now and then. */

#define SWAP_PAGES 700u /* less than the models have together */

static bool swapping;
static struct host host;
static struct thread *pageout_thread;
static struct ipc_port *swap_port, *swap_control;
static uint8_t swap_store[SWAP_PAGES][VM_PAGE_SIZE];
static unsigned went_out, came_in, refused;

static void serve_one(struct pager_message *message)
{
	unsigned first = (unsigned)(message->offset / VM_PAGE_SIZE);
	vm_object_t object;

	if (message->kind == PAGER_INIT)
		swap_control = message->control;
	object = convert_port_to_object(swap_control);
	switch (message->kind) {
	case PAGER_INIT:
		CHECK_EQUAL(memory_object_ready(object, false, MEMORY_OBJECT_COPY_NONE), KERN_SUCCESS);
		break;
	case PAGER_REQUEST:
		came_in++;
		CHECK_EQUAL(memory_object_data_supply(object, message->offset,
				    vm_map_copy_from_kernel(swap_store[first], message->length),
				    (mach_msg_type_number_t)message->length, VM_PROT_NONE, false, NULL),
			KERN_SUCCESS);
		break;
	case PAGER_RETURN:
		CHECK(first != 0 && message->dirty && !message->kernel_copy);
		went_out++;
		if (host_random(60) == 0) {
			refused++;
			CHECK_EQUAL(memory_object_data_refused(object, message->offset, message->data,
					    (mach_msg_type_number_t)message->length, KERN_MEMORY_ERROR),
				KERN_SUCCESS);
			break;
		}
		CHECK_EQUAL(vm_map_copy_read(message->data, 0, swap_store[first], message->length), KERN_SUCCESS);
		vm_map_copy_discard(message->data);
		break;
	default:
		CHECK(!"an area's object stays");
	}
	vm_object_deallocate(object);
	free(message);
}

static void serve_swap(void)
{
	size_t fails = host_fail_after;
	struct pager_message *message;

	host_fail_after = SIZE_MAX;
	while ((message = world_receive(swap_port)) != NULL)
		serve_one(message);
	host_fail_after = fails;
}

static void run_pageout(void *argument)
{
	(void)argument;
	((continuation_t)host_processor->thread->continuation)(host_processor->thread);
}

/* Page-out, as if so many pages were wanted; what it sends is served later. */
static void send_out(uint64_t pages)
{
	struct thread *self = current_thread();
	uint64_t low = vm_page_low, target = vm_page_target;

	vm_page_low = vm_page_target = vm_page_counts.free + pages;
	for (unsigned i = 0; i < 4; i++) {
		thread_go(pageout_thread, WAIT_AWAKENED);
		host_set_current(pageout_thread);
		host_call(run_pageout, NULL);
		host_set_current(self);
	}
	vm_page_low = low;
	vm_page_target = target;
}

static void page_out(uint64_t pages)
{
	send_out(pages);
	if (host_random(2) == 0)
		serve_swap();
}

static void swap_switch_of(bool on, uint64_t pages)
{
	kern_return_t result;

	if (on) {
		ipc_port_copy_send(swap_port);
		CHECK_EQUAL(host_swap_on(&host, swap_port, pages, "swap"), KERN_SUCCESS);
		serve_swap();
		return;
	}
	do {
		result = host_swap_off(&host, "swap");
		serve_swap();
		if (host_waits(current_thread()))
			thread_cancel_wait(current_thread());
	} while (result == KERN_RESTART);
	CHECK_EQUAL(result, KERN_SUCCESS);
}

static void swap_switch(bool on)
{
	swap_switch_of(on, SWAP_PAGES);
}

static uint64_t slots_used(void)
{
	uint64_t pages = 0, used = 0;
	char name[32];

	CHECK_EQUAL(host_swap_info(&host, 0, &pages, &used, name), KERN_SUCCESS);
	return used;
}

static struct cell *cell_new(const struct cell *from)
{
	struct cell *cell = calloc(1, sizeof(*cell));

	if (from != NULL)
		*cell = *from;
	cell->refs = 1;
	return cell;
}

static void cell_drop(struct cell *cell)
{
	if (cell != NULL && --cell->refs == 0)
		free(cell);
}

static vm_address_t address_of(unsigned page)
{
	return VM_ANYWHERE_ADDRESS + page * VM_PAGE_SIZE;
}

static void end_model(struct model *model)
{
	for (unsigned i = 0; i < PAGES; i++) {
		cell_drop(model->pages[i].cell);
		model->pages[i].cell = NULL;
	}
	if (model->task != NULL)
		world_task_end(model->task);
	model->task = NULL;
}

static bool start_model(struct model *model)
{
	model->task = world_task();
	if (vm_map_create(model->task->account, &model->task->map) == KERN_SUCCESS)
		return true;
	CHECK(failing);
	end_model(model);
	return false;
}

/* A range within the model's window. */
static void pick_range(unsigned *first, unsigned *count)
{
	*count = 1 + (unsigned)host_random(host_random(3) == 0 ? 24 : 6);
	*first = (unsigned)host_random(PAGES - *count);
}

static bool all_have(struct model *model, unsigned first, unsigned count, vm_prot_t protection)
{
	for (unsigned i = first; i < first + count; i++)
		if (model->pages[i].cell == NULL || (protection & ~model->pages[i].protection) != 0)
			return false;
	return true;
}

/* A call that only asks to be made again, with nothing to wait for. */
static bool again(kern_return_t result)
{
	if (swapping && result == KERN_RESTART) {
		serve_swap();
		if (host_waits(current_thread()))
			thread_cancel_wait(current_thread());
	}
	return result == KERN_RESTART && !host_waits(current_thread());
}

/* The error is one that the operation may have when memory is short, and then nothing has changed. */
static bool excused(kern_return_t result)
{
	return failing && result == KERN_RESOURCE_SHORTAGE;
}

/* A program's access, for which the swap area's pager answers. */
static void *access_byte(struct model *model, vm_address_t address, vm_prot_t access, kern_return_t *error)
{
	void *byte;

	do {
		byte = world_access(model->task, address, access, error);
	} while (byte == NULL && again(*error));
	return byte;
}

static void check_byte(struct model *model, unsigned page, unsigned sample)
{
	struct model_page *known = &model->pages[page];
	kern_return_t error = KERN_SUCCESS;
	uint8_t *byte = access_byte(model, address_of(page) + sample_at[sample], VM_PROT_READ, &error);

	if (byte == NULL) {
		if (known->cell == NULL)
			CHECK_EQUAL(error, KERN_INVALID_ADDRESS);
		else if (!(known->protection & VM_PROT_READ))
			CHECK_EQUAL(error, KERN_PROTECTION_FAILURE);
		else
			CHECK(excused(error));
		return;
	}
	if (CHECK(known->cell != NULL && (known->protection & VM_PROT_READ) != 0))
		CHECK_EQUAL(*byte, known->cell->bytes[sample]);
}

static void write_byte(struct model *model, unsigned page, unsigned sample)
{
	struct model_page *known = &model->pages[page];
	kern_return_t error = KERN_SUCCESS;
	uint8_t *byte = access_byte(model, address_of(page) + sample_at[sample], VM_PROT_WRITE, &error);

	if (byte == NULL) {
		if (known->cell == NULL)
			CHECK_EQUAL(error, KERN_INVALID_ADDRESS);
		else if (!(known->protection & VM_PROT_WRITE))
			CHECK_EQUAL(error, KERN_PROTECTION_FAILURE);
		else
			CHECK(excused(error));
		return;
	}
	if (CHECK(known->cell != NULL && (known->protection & VM_PROT_WRITE) != 0))
		known->cell->bytes[sample] = *byte = (uint8_t)host_random(256);
}

static void op_allocate(struct model *model)
{
	unsigned first, count;
	vm_address_t address;
	kern_return_t result;
	bool is_free = true;

	pick_range(&first, &count);
	address = address_of(first);
	for (unsigned i = first; i < first + count; i++)
		is_free &= model->pages[i].cell == NULL;
	result = vm_allocate(model->task->map, &address, count * VM_PAGE_SIZE, false);
	if (excused(result))
		return;
	CHECK_EQUAL(result, is_free ? KERN_SUCCESS : KERN_NO_SPACE);
	for (unsigned i = first; i < first + count && is_free; i++)
		model->pages[i] = (struct model_page){cell_new(NULL), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
}

static void forget(struct model *model, unsigned first, unsigned count)
{
	for (unsigned i = first; i < first + count; i++) {
		cell_drop(model->pages[i].cell);
		model->pages[i].cell = NULL;
	}
}

static void op_deallocate(struct model *model)
{
	unsigned first, count;
	kern_return_t result;

	pick_range(&first, &count);
	result = vm_deallocate(model->task->map, address_of(first), count * VM_PAGE_SIZE);
	if (excused(result))
		return;
	CHECK_EQUAL(result, KERN_SUCCESS);
	forget(model, first, count);
}

static void op_protect(struct model *model)
{
	static const vm_prot_t choices[] = {
		VM_PROT_NONE, VM_PROT_READ, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_PROT_DEFAULT};
	vm_prot_t protection = choices[host_random(5)];
	bool maximum = host_random(40) == 0, allowed = true;
	unsigned first, count;
	kern_return_t result;

	pick_range(&first, &count);
	result = vm_protect(model->task->map, address_of(first), count * VM_PAGE_SIZE, maximum, protection);
	if (excused(result))
		return;
	for (unsigned i = first; i < first + count; i++)
		allowed &= model->pages[i].cell == NULL || (protection & ~model->pages[i].maximum) == 0;
	if (!all_have(model, first, count, VM_PROT_NONE)) {
		CHECK_EQUAL(result, KERN_INVALID_ADDRESS);
		return;
	}
	CHECK_EQUAL(result, allowed ? KERN_SUCCESS : KERN_PROTECTION_FAILURE);
	for (unsigned i = first; i < first + count && allowed; i++) {
		if (maximum) {
			model->pages[i].maximum = protection;
			model->pages[i].protection &= protection;
		} else {
			model->pages[i].protection = protection;
		}
	}
}

static void op_inherit(struct model *model)
{
	vm_inherit_t inheritance = (vm_inherit_t)host_random(3);
	unsigned first, count;
	kern_return_t result;

	pick_range(&first, &count);
	result = vm_inherit(model->task->map, address_of(first), count * VM_PAGE_SIZE, inheritance);
	if (excused(result))
		return;
	if (!all_have(model, first, count, VM_PROT_NONE)) {
		CHECK_EQUAL(result, KERN_INVALID_ADDRESS);
		return;
	}
	CHECK_EQUAL(result, KERN_SUCCESS);
	for (unsigned i = first; i < first + count; i++)
		model->pages[i].inheritance = inheritance;
}

static void op_fork(struct model *parent)
{
	struct model *child = &models[host_random(TASKS)];
	kern_return_t result;

	if (child == parent)
		return;
	end_model(child);
	child->task = world_task();
	do {
		result = vm_map_fork(parent->task->map, child->task->account, &child->task->map);
	} while (again(result));
	if (result != KERN_SUCCESS) {
		CHECK(excused(result));
		end_model(child);
		return;
	}
	for (unsigned i = 0; i < PAGES; i++) {
		struct model_page *from = &parent->pages[i], *to = &child->pages[i];

		if (from->cell == NULL || from->inheritance == VM_INHERIT_NONE)
			continue;
		*to = *from;
		if (from->inheritance == VM_INHERIT_SHARE)
			to->cell->refs++;
		else
			to->cell = cell_new(from->cell);
	}
}

/* Out-of-line memory from one task to another (or the same), by copy or by move, while the sender goes on writing. */
static void op_send(struct model *from)
{
	struct model *to = &models[host_random(TASKS)];
	bool destroy = host_random(3) == 0;
	struct cell *sent[PAGES];
	vm_map_copy_t copy = NULL;
	vm_address_t address;
	unsigned first, count;
	kern_return_t result;

	pick_range(&first, &count);
	do {
		result = vm_map_copyin(from->task->map, address_of(first), count * VM_PAGE_SIZE, destroy, &copy);
	} while (again(result));
	if (excused(result))
		return;
	if (!all_have(from, first, count, VM_PROT_READ)) {
		CHECK(result == KERN_INVALID_ADDRESS || result == KERN_PROTECTION_FAILURE);
		return;
	}
	if (!CHECK_EQUAL(result, KERN_SUCCESS))
		return;
	for (unsigned i = 0; i < count; i++)
		sent[i] = cell_new(from->pages[first + i].cell);
	if (destroy)
		forget(from, first, count);
	for (unsigned i = 0; i < 4; i++)
		write_byte(from, (unsigned)(first + host_random(count)), (unsigned)host_random(SAMPLES));
	for (unsigned i = 0; i < 3; i++) {
		unsigned page = (unsigned)host_random(count), sample = (unsigned)host_random(SAMPLES);
		uint8_t byte = 0;

		if (swapping && host_random(2) == 0)
			page_out(8);
		/* What is not in memory is not read as something else. */
		result = vm_map_copy_read(copy, page * VM_PAGE_SIZE + sample_at[sample], &byte, 1);
		CHECK(result == KERN_RESTART || byte == sent[page]->bytes[sample]);
		do {
			result = vm_map_copy_bring(copy);
		} while (again(result));
		if (excused(result))
			continue;
		CHECK_EQUAL(vm_map_copy_read(copy, page * VM_PAGE_SIZE + sample_at[sample], &byte, 1), KERN_SUCCESS);
		CHECK_EQUAL(byte, sent[page]->bytes[sample]);
	}
	result = to->task == NULL || host_random(4) == 0 ? KERN_ABORTED : vm_map_copyout(to->task->map, &address, copy);
	if (result != KERN_SUCCESS) {
		CHECK(result == KERN_ABORTED || excused(result));
		vm_map_copy_discard(copy);
	} else if (address + count * VM_PAGE_SIZE > address_of(PAGES)) {
		CHECK_EQUAL(vm_deallocate(to->task->map, address, count * VM_PAGE_SIZE), KERN_SUCCESS);
	} else {
		unsigned at = (unsigned)((address - VM_ANYWHERE_ADDRESS) / VM_PAGE_SIZE);

		for (unsigned i = 0; i < count; i++) {
			CHECK(to->pages[at + i].cell == NULL);
			to->pages[at + i] =
				(struct model_page){cell_new(sent[i]), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
		}
	}
	for (unsigned i = 0; i < count; i++)
		cell_drop(sent[i]);
}

static void op_vm_copy(struct model *model)
{
	unsigned first, count, to;
	struct cell *copied[PAGES];
	kern_return_t result;

	pick_range(&first, &count);
	to = (unsigned)host_random(PAGES - count);
	do {
		result = vm_copy(model->task->map, address_of(first), count * VM_PAGE_SIZE, address_of(to));
	} while (again(result));
	/* Whatever it fails for, nothing has been written: the next looks at memory compare it. */
	if (!all_have(model, first, count, VM_PROT_READ) || !all_have(model, to, count, VM_PROT_WRITE)) {
		CHECK(result != KERN_SUCCESS);
		return;
	}
	if (!CHECK(result == KERN_SUCCESS || excused(result)) || result != KERN_SUCCESS)
		return;
	for (unsigned i = 0; i < count; i++)
		copied[i] = cell_new(model->pages[first + i].cell);
	for (unsigned i = 0; i < count; i++)
		memcpy(model->pages[to + i].cell->bytes, copied[i]->bytes, SAMPLES);
	for (unsigned i = 0; i < count; i++)
		cell_drop(copied[i]);
}

/* The copying traps, between two tasks, unaligned. */
static void op_trap(struct model *self)
{
	struct model *other = &models[host_random(TASKS)];
	bool write = host_random(2) == 0;
	struct model *from = write ? self : other, *to = write ? other : self;
	unsigned first, count, target;
	struct thread *thread = current_thread();
	vm_offset_t skip = host_random(2) * 100;
	vm_size_t size;
	int64_t result;

	if (other->task == NULL || other == self)
		return;
	pick_range(&first, &count);
	target = (unsigned)host_random(PAGES - count);
	size = count * VM_PAGE_SIZE - skip;
	if (!all_have(from, first, count, VM_PROT_READ) || !all_have(to, target, count, VM_PROT_WRITE))
		return; /* partial copies are the traps' own test */
	for (unsigned i = 0; i < count; i++)
		if (to->pages[target + i].cell->refs > 1)
			return; /* perhaps the source itself */
	thread->task = self->task;
	thread->regs.rdi = world_name(other->task);
	thread->regs.rsi = address_of(write ? target : first) + skip;
	thread->regs.rdx = size;
	thread->regs.r10 = address_of(write ? first : target) + skip;
	thread->regs.r8 = 0;
	thread->regs.r9 = 0;
	do {
		result = write ? vm_trap_write(thread) : vm_trap_read_overwrite(thread);
	} while (again(result));
	if (host_waits(thread))
		thread_cancel_wait(thread);
	if (failing && result != KERN_SUCCESS)
		size = thread->regs.r8 >> 32;
	else
		CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK_EQUAL((uint32_t)thread->regs.r8, 0);
	if (result != KERN_SUCCESS) {
		/* How far it got is not said: take the bytes over. */
		for (unsigned i = 0; i < count; i++)
			for (unsigned s = 0; s < SAMPLES; s++) {
				kern_return_t error;
				uint8_t *byte = access_byte(
					to, address_of(target + i) + sample_at[s], VM_PROT_READ, &error);

				if (byte != NULL)
					to->pages[target + i].cell->bytes[s] = *byte;
			}
		return;
	}
	for (unsigned i = 0; i < count; i++)
		for (unsigned s = 0; s < SAMPLES; s++)
			if (i != 0 || sample_at[s] >= skip)
				to->pages[target + i].cell->bytes[s] = from->pages[first + i].cell->bytes[s];
}

static void op_wire(struct model *model)
{
	unsigned first, count;
	kern_return_t result;
	vm_prot_t access = host_random(2) == 0 ? VM_PROT_READ : VM_PROT_NONE;

	pick_range(&first, &count);
	do {
		result = vm_wire(&host, model->task->map, address_of(first), count * VM_PAGE_SIZE, access);
	} while (again(result));
	if (host_waits(current_thread()))
		thread_cancel_wait(current_thread());
	if (all_have(model, first, count, access))
		CHECK(result == KERN_SUCCESS || excused(result) || (failing && result == KERN_RESTART));
	else
		CHECK(result != KERN_SUCCESS);
}

static void step(void)
{
	struct model *model = &models[host_random(TASKS)];

	if (model->task == NULL && !start_model(model))
		return;
	switch (host_random(20)) {
	case 0:
	case 1:
	case 2:
		op_allocate(model);
		break;
	case 3:
		op_deallocate(model);
		break;
	case 4:
		op_protect(model);
		break;
	case 5:
		op_inherit(model);
		break;
	case 6:
		op_fork(model);
		break;
	case 7:
	case 8:
		op_send(model);
		break;
	case 9:
		op_vm_copy(model);
		break;
	case 10:
		op_trap(model);
		break;
	case 11:
		if (host_random(3) == 0)
			op_wire(model);
		break;
	case 12:
		if (host_random(6) == 0)
			end_model(model);
		break;
	default:
		for (unsigned i = 0; i < 8; i++) {
			write_byte(model, (unsigned)host_random(PAGES), (unsigned)host_random(SAMPLES));
			check_byte(model, (unsigned)host_random(PAGES), (unsigned)host_random(SAMPLES));
		}
	}
}

static void check_all(void)
{
	for (unsigned m = 0; m < TASKS; m++)
		for (unsigned page = 0; models[m].task != NULL && page < PAGES; page++)
			for (unsigned sample = 0; sample < SAMPLES; sample++)
				check_byte(&models[m], page, sample);
}

static void run(uint64_t seed, unsigned steps, const char *name)
{
	uint64_t free_pages = vm_page_counts.free;
	size_t objects = host_kalloc_used;

	host_seed(seed);
	if (swapping)
		swap_switch(true);
	for (unsigned i = 0; i < steps; i++) {
		bool fails = failing && host_random(10) == 0;

		if (swapping && host_random(4) == 0)
			page_out(host_random(200));
		if (swapping && host_random(400) == 0) {
			swap_switch(false);
			swap_switch(true);
		}

		if (fails) {
			host_fail_after = host_random(12);
			host_fail_count = 1 + host_random(3);
		}
		step();
		host_fail_after = SIZE_MAX;
		if (i % 500 == 0)
			check_all();
		if (i % 50 == 0)
			world_check_accounts();
	}
	check_all();
	for (unsigned m = 0; m < TASKS; m++)
		end_model(&models[m]);
	if (swapping)
		swap_switch(false);
	CHECK_EQUAL(vm_page_counts.free, free_pages);
	CHECK_EQUAL(host_kalloc_used, objects);
	world_check_no_accounts();
	CHECK_EQUAL(pmap_host_count(), 0);
	host_report(name);
}

/* Forks by a parent that goes on writing: the chain of its objects must not grow. */
static void chain(void)
{
	struct model *parent = &models[0];
	vm_address_t address = address_of(0);
	unsigned longest = 0;

	start_model(parent);
	CHECK_EQUAL(vm_allocate(parent->task->map, &address, 16 * VM_PAGE_SIZE, false), KERN_SUCCESS);
	for (unsigned i = 0; i < 16; i++)
		parent->pages[i] = (struct model_page){cell_new(NULL), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
	for (unsigned round = 0; round < 100; round++) {
		struct task *child = world_task();
		unsigned length = 0;

		write_byte(parent, round % 16, 0);
		CHECK_EQUAL(vm_map_fork(parent->task->map, child->account, &child->map), KERN_SUCCESS);
		write_byte(parent, (round * 7) % 16, 1);
		write_byte(parent, (round * 5) % 16, 2);
		if (round % 3 == 0)
			vm_fault(child->map, address, VM_PROT_WRITE);
		world_task_end(child);
		write_byte(parent, (round * 3) % 16, 3);
		for (vm_object_t object = vm_map_lookup(parent->task->map, address)->object; object != NULL;
			object = object->shadow)
			length++;
		longest = length > longest ? length : longest;
	}
	CHECK(longest <= 3);
	check_all();
	end_model(parent);
	host_report("fork chains do not grow");
}

/* The same while the children live, each of which goes on seeing what there was. */
static void chain_with_children(void)
{
	enum { CHILDREN = 12, WRITTEN = 3 };
	struct model *parent = &models[0];
	struct task *children[CHILDREN];
	uint8_t seen[CHILDREN][WRITTEN];
	vm_address_t address = address_of(0);
	kern_return_t error = KERN_SUCCESS;
	unsigned length = 0;

	start_model(parent);
	CHECK_EQUAL(vm_allocate(parent->task->map, &address, 16 * VM_PAGE_SIZE, false), KERN_SUCCESS);
	for (unsigned i = 0; i < 16; i++)
		parent->pages[i] = (struct model_page){cell_new(NULL), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
	write_byte(parent, 15, 0);
	for (unsigned child = 0; child < CHILDREN; child++) {
		for (unsigned page = 0; page < WRITTEN; page++) {
			write_byte(parent, page, 0);
			seen[child][page] = parent->pages[page].cell->bytes[0];
		}
		/* Now and then one that is not written before the next child. */
		if (child % 4 == 0)
			write_byte(parent, WRITTEN + child, 0);
		children[child] = world_task();
		CHECK_EQUAL(vm_map_fork(parent->task->map, children[child]->account, &children[child]->map), KERN_SUCCESS);
	}
	for (vm_object_t object = vm_map_lookup(parent->task->map, address)->object; object != NULL;
		object = object->shadow)
		length++;
	/* One for each that has a page of its own, and the last two. */
	CHECK(length <= 2 + CHILDREN / 4);
	for (unsigned child = 0; child < CHILDREN; child++) {
		for (unsigned page = 0; page < WRITTEN; page++)
			CHECK_EQUAL(*(uint8_t *)world_access(children[child], address_of(page) + sample_at[0], VM_PROT_READ,
					    &error),
				seen[child][page]);
		world_task_end(children[child]);
	}
	check_all();
	end_model(parent);
	host_report("fork chains do not grow with the children that live");
}

/* Who writes all of what it shares with a child lets go of the pages that are the child's alone then, without another fault. */
static void all_is_written(void)
{
	enum { WRITTEN = 16 };
	struct model *parent = &models[0];
	vm_address_t address = address_of(0);
	uint64_t free_pages;
	struct task *child;

	start_model(parent);
	CHECK_EQUAL(vm_allocate(parent->task->map, &address, WRITTEN * VM_PAGE_SIZE, false), KERN_SUCCESS);
	for (unsigned i = 0; i < WRITTEN; i++)
		parent->pages[i] = (struct model_page){cell_new(NULL), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
	for (unsigned i = 0; i < WRITTEN; i++)
		write_byte(parent, i, 0);
	free_pages = vm_page_counts.free;
	child = world_task();
	CHECK_EQUAL(vm_map_fork(parent->task->map, child->account, &child->map), KERN_SUCCESS);
	for (unsigned i = 0; i < WRITTEN; i++)
		write_byte(parent, i, 1);
	CHECK(vm_map_lookup(parent->task->map, address)->object->shadow == NULL);
	world_task_end(child);
	/* An object more may take a page of its own. */
	CHECK(vm_page_counts.free + 1 >= free_pages);
	check_all();
	end_model(parent);
	host_report("who has written all keeps nothing of what was before");
}

static void start_with(struct model *model, unsigned pages)
{
	start_model(model);
	for (unsigned i = 0; i < pages; i++)
		model->pages[i] = (struct model_page){cell_new(NULL), VM_PROT_DEFAULT, VM_PROT_ALL, VM_INHERIT_COPY};
	CHECK_EQUAL(vm_allocate(model->task->map, &(vm_address_t){address_of(0)}, pages * VM_PAGE_SIZE, false),
		KERN_SUCCESS);
	for (unsigned i = 0; i < pages; i++)
		write_byte(model, i, 0);
}

/* A slot whose page is on its way to the pager is nobody else's, whoever has ended meanwhile. */
static void slots_on_their_way(void)
{
	enum { SLOTS = 7 };

	swap_switch_of(true, SLOTS + 1);
	start_with(&models[0], SLOTS);
	send_out(SLOTS);
	CHECK_EQUAL(slots_used(), SLOTS);
	end_model(&models[0]);
	CHECK_EQUAL(slots_used(), SLOTS);
	start_with(&models[1], SLOTS);
	send_out(SLOTS);
	CHECK_EQUAL(vm_map_lookup(models[1].task->map, address_of(0))->object->swapped, 0);
	serve_swap();
	while (slots_used() == 0) {
		send_out(SLOTS);
		serve_swap();
	}
	CHECK(vm_map_lookup(models[1].task->map, address_of(0))->object->swapped > 0);
	check_all();
	end_model(&models[1]);
	send_out(SLOTS); /* drops what was refused and is nobody's */
	swap_switch(false);
	host_report("a slot whose page is on its way is nobody else's");
}

/* The area's object stays for ever, with room for the pages that it once had. */
static void meet_area(void)
{
	struct model *model = &models[0];

	swap_switch(true);
	start_with(model, PAGES);
	send_out(PAGES);
	serve_swap();
	end_model(model);
	swap_switch(false);
	world_pager_bytes = world_pager_account->bytes;
}

static void run_all(uint64_t first_seed, const char *what)
{
	for (uint64_t seed = first_seed; seed < first_seed + 6; seed++) {
		char name[80];

		snprintf(name, sizeof(name), "maps agree with the model%s, seed %u", what, (unsigned)seed);
		run(seed, 6000, name);
	}
}

int main(void)
{
	world_start(32 << 20);
	chain();
	chain_with_children();
	all_is_written();
	run_all(1, "");
	failing = true;
	run_all(11, " while allocations fail");
	failing = false;
	vm_pageout_start();
	pageout_thread = host_last_thread();
	swap_port = world_port();
	meet_area();
	swapping = true;
	slots_on_their_way();
	run_all(21, " while memory goes out");
	failing = true;
	run_all(31, " while memory goes out and allocations fail");
	CHECK(went_out > 1000 && came_in > 1000 && refused > 100);
	host_report("memory went out, came in, and was refused");
	return host_result();
}
