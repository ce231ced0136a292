/* Objects that show what others have: against a model of who has which page, and the limits of it. */
#include "file_pager.h"
#include <kern/processor.h>
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>
#include <vm/memory_object.h>
#include <vm/pmap.h>

enum { LAYERS = 10, STEPS = 20000 };

/* A pager that has the pages written through its own object, and forwards the others. */
static struct layer {
	struct pager pager;
	bool own[FILE_PAGES];
	uint8_t value[FILE_PAGES]; /* the first byte of those */
	vm_address_t shared, private;
} layers[LAYERS];
static unsigned height;
static uint64_t state;

static unsigned pick(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

static uint8_t expected(unsigned layer, unsigned page)
{
	while (layer > 0 && !layers[layer].own[page])
		layer--;
	return layers[layer].value[page];
}

static kern_return_t forward(unsigned layer, vm_offset_t page, unsigned pages, struct ipc_port *port, vm_offset_t lower)
{
	vm_object_t object = control_object(&layers[layer].pager);
	kern_return_t result;

	ipc_port_copy_send(port);
	result = memory_object_data_forward(
		object, page * VM_PAGE_SIZE, pages * VM_PAGE_SIZE, port, lower * VM_PAGE_SIZE);
	if (result != KERN_SUCCESS)
		ipc_port_release_send(port);
	vm_object_deallocate(object);
	return result;
}

static void supply(struct layer *layer, unsigned page)
{
	vm_object_t object = control_object(&layer->pager);

	layer->pager.file[page][0] = layer->value[page];
	CHECK_EQUAL(memory_object_data_supply(object, page * VM_PAGE_SIZE, data_of(&layer->pager, page, VM_PAGE_SIZE),
			    VM_PAGE_SIZE, VM_PROT_NONE, false, NULL),
		KERN_SUCCESS);
	vm_object_deallocate(object);
}

static void answer_layer(unsigned index, const struct pager_message *message)
{
	struct layer *layer = &layers[index];
	unsigned first = (unsigned)(message->offset / VM_PAGE_SIZE), count = (unsigned)(message->length / VM_PAGE_SIZE);

	layer->pager.requests++;
	for (unsigned page = first; page < first + count; page++) {
		bool write = page == first && (message->access & VM_PROT_WRITE) != 0;

		if (!layer->own[page] && !write &&
			forward(index, page, 1, layers[index - 1].pager.port, page) == KERN_SUCCESS)
			continue;
		if (!layer->own[page])
			layer->value[page] = expected(index, page);
		layer->own[page] = true;
		supply(layer, page);
	}
}

static void serve_all(void)
{
	for (bool more = true; more;) {
		more = false;
		for (unsigned i = 0; i < height; i++) {
			struct pager_message *message = world_receive(layers[i].pager.port);

			if (message == NULL)
				continue;
			if (i > 0 && message->kind == PAGER_REQUEST)
				answer_layer(i, message);
			else
				answer(&layers[i].pager, message);
			free(message);
			more = true;
		}
	}
}

static uint8_t *look(struct task *task, vm_address_t address, vm_prot_t access, kern_return_t *error)
{
	current_thread()->task = task;
	for (unsigned i = 0; i < 60; i++) {
		uint8_t *byte = world_access(task, address, access, error);

		if (byte != NULL || *error != KERN_RESTART)
			return byte;
		serve_all();
		CHECK(!host_waits(current_thread()));
	}
	CHECK(!"the fault never ends");
	return NULL;
}

/* The lowest is the oldest: it is mapped first. */
static void build(unsigned count)
{
	kern_return_t error = KERN_SUCCESS;

	height = count;
	for (unsigned i = 0; i < count; i++)
		pager_make(&layers[i].pager);
	for (unsigned i = 0; i < count; i++) {
		struct layer *layer = &layers[i];

		for (unsigned page = 0; page < FILE_PAGES; page++) {
			layer->own[page] = i == 0;
			layer->value[page] = (uint8_t)(page + 1);
		}
		layer->shared = map_file(task_a, &layer->pager, FILE_PAGES, false);
		layer->private = map_file(task_b, &layer->pager, FILE_PAGES, true);
		serve_all();
	}
	CHECK(look(task_a, layers[0].shared, VM_PROT_READ, &error) != NULL);
}

static void tear_down(void)
{
	/* From below: the layers above keep what they show. */
	for (unsigned i = 0; i < height; i++) {
		unmap(task_a, layers[i].shared, FILE_PAGES);
		unmap(task_b, layers[i].private, FILE_PAGES);
	}
	serve_all();
	for (unsigned i = 0; i < height; i++)
		pager_end(&layers[i].pager);
	world_check_accounts();
}

static void flush(unsigned layer, unsigned page, unsigned pages, memory_object_return_t what)
{
	vm_object_t object = control_object(&layers[layer].pager);

	CHECK_EQUAL(memory_object_lock_request(
			    object, page * VM_PAGE_SIZE, pages * VM_PAGE_SIZE, what, true, VM_PROT_NO_CHANGE, NULL),
		KERN_SUCCESS);
	vm_object_deallocate(object);
	serve_all();
}

static uint8_t read_byte(unsigned layer, unsigned page, bool private)
{
	kern_return_t error = KERN_SUCCESS;
	vm_address_t address = (private ? layers[layer].private : layers[layer].shared) + page * VM_PAGE_SIZE;
	const uint8_t *byte = look(private ? task_b : task_a, address, VM_PROT_READ, &error);

	CHECK(byte != NULL);
	return *byte;
}

static void write_byte(unsigned layer, unsigned page, uint8_t value)
{
	kern_return_t error = KERN_SUCCESS;
	uint8_t *byte = look(task_a, layers[layer].shared + page * VM_PAGE_SIZE, VM_PROT_WRITE, &error);

	CHECK(byte != NULL && layers[layer].own[page]);
	*byte = layers[layer].value[page] = value;
}

static void the_same_page(void)
{
	vm_object_t upper;
	uint8_t *above, *below;
	kern_return_t error = KERN_SUCCESS;

	build(3);
	above = look(task_a, layers[2].shared + 5 * VM_PAGE_SIZE, VM_PROT_READ, &error);
	below = look(task_a, layers[0].shared + 5 * VM_PAGE_SIZE, VM_PROT_READ, &error);
	CHECK(above != NULL && above == below);
	upper = control_object(&layers[2].pager);
	CHECK_EQUAL(upper->resident, 0);
	vm_object_deallocate(upper);
	/* Neighbours come along, as of an object of its own. */
	for (unsigned i = 0; i < 3; i++)
		layers[i].pager.requests = 0;
	for (unsigned page = 0; page < 16; page++)
		CHECK_EQUAL(read_byte(2, page, false), page + 1);
	CHECK(pmap_host_access(task_a->map->pmap, layers[2].shared + 9 * VM_PAGE_SIZE, VM_PROT_WRITE) == NULL);
	write_byte(0, 6, 99);
	CHECK_EQUAL(read_byte(2, 6, false), 99);
	tear_down();
	host_report("a forwarded page is the page below, and its own object has none");
}

static void ended(void)
{
	kern_return_t error = KERN_SUCCESS;

	build(3);
	CHECK_EQUAL(read_byte(2, 3, false), 4);
	/* Below it is dropped: it is read again from there. */
	layers[0].value[3] = 44;
	memset(layers[0].pager.file[3], 44, VM_PAGE_SIZE);
	flush(0, 3, 1, MEMORY_OBJECT_RETURN_NONE);
	CHECK(pmap_host_access(task_a->map->pmap, layers[2].shared + 3 * VM_PAGE_SIZE, VM_PROT_READ) == NULL);
	CHECK_EQUAL(read_byte(2, 3, false), 44);
	/* In between: what was mapped by way of it goes, and the upper pager is not asked. */
	layers[1].own[3] = true;
	layers[1].value[3] = 55;
	layers[1].pager.requests = layers[2].pager.requests = 0;
	flush(1, 3, 1, MEMORY_OBJECT_RETURN_NONE);
	CHECK(pmap_host_access(task_a->map->pmap, layers[2].shared + 3 * VM_PAGE_SIZE, VM_PROT_READ) == NULL);
	CHECK_EQUAL(read_byte(2, 3, false), 55);
	CHECK(layers[1].pager.requests > 0 && layers[2].pager.requests == 0);
	/* A write above is nobody's below, and is seen by who had the page. */
	CHECK_EQUAL(read_byte(2, 3, true), 55);
	write_byte(2, 3, 66);
	CHECK_EQUAL(read_byte(2, 3, true), 66);
	CHECK_EQUAL(read_byte(1, 3, false), 55);
	flush(2, 0, FILE_PAGES, MEMORY_OBJECT_RETURN_DIRTY);
	CHECK_EQUAL(read_byte(2, 3, false), 66);
	/* What ends below ends above, by that pager's error. */
	CHECK_EQUAL(read_byte(2, 20, false), 21);
	world_port_die(layers[0].pager.port);
	CHECK_EQUAL(read_byte(2, 20, false), 21);
	CHECK(look(task_a, layers[2].shared + 150 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_FAILURE);
	/* And the death of a pager in between ends what it forwarded. */
	CHECK(forward(2, 20, 1, layers[1].pager.port, 20) == KERN_SUCCESS);
	CHECK_EQUAL(read_byte(2, 20, false), 21);
	world_port_die(layers[1].pager.port);
	CHECK(look(task_a, layers[2].shared + 20 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_FAILURE);
	for (unsigned i = 0; i < 2; i++) {
		ipc_port_release_send(layers[i].pager.control);
		layers[i].pager.control = NULL;
	}
	tear_down();
	host_report("what is dropped, written or dies on the way ends what was forwarded by it");
}

static void refused(void)
{
	kern_return_t error = KERN_SUCCESS;
	vm_object_t object;
	unsigned taken = 0;

	build(LAYERS);
	CHECK_EQUAL(read_byte(FORWARD_DEPTH, 9, false), 10);
	CHECK(look(task_a, layers[FORWARD_DEPTH + 1].shared + 9 * VM_PAGE_SIZE, VM_PROT_READ, &error) == NULL);
	CHECK_EQUAL(error, KERN_MEMORY_ERROR);
	CHECK_EQUAL(forward(1, 0, 1, layers[1].pager.port, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQUAL(forward(1, 0, 1, layers[2].pager.port, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQUAL(forward(2, 0, 1, layers[0].pager.port, 0), KERN_RESOURCE_SHORTAGE);
	object = control_object(&layers[1].pager);
	CHECK_EQUAL(
		memory_object_data_forward(object, 1, VM_PAGE_SIZE, layers[0].pager.port, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQUAL(memory_object_data_forward(object, 0, 0, layers[0].pager.port, 0), KERN_INVALID_ARGUMENT);
	CHECK_EQUAL(
		memory_object_data_forward(object, 0, VM_PAGE_SIZE, layers[0].pager.port, UINT64_MAX & ~VM_PAGE_MASK),
		KERN_INVALID_ARGUMENT);
	vm_object_deallocate(object);
	tear_down();

	/* So many ranges and no more; one that is cut in two when there is no place is asked for again. */
	build(2);
	CHECK_EQUAL(forward(1, 0, 100, layers[0].pager.port, 0), KERN_SUCCESS);
	CHECK_EQUAL(read_byte(1, 90, false), 91);
	while (forward(1, 1000 + 2 * taken, 1, layers[0].pager.port, 0) == KERN_SUCCESS)
		taken++;
	CHECK_EQUAL(taken + 1, VM_PAGE_SIZE / sizeof(struct memory_forward));
	layers[1].pager.requests = 0;
	write_byte(1, 50, 7);
	CHECK_EQUAL(layers[1].pager.requests, 1);
	CHECK_EQUAL(read_byte(1, 49, false), 50);
	CHECK_EQUAL(layers[1].pager.requests, 1);
	flush(1, 1000, 2000, MEMORY_OBJECT_RETURN_NONE);
	CHECK_EQUAL(read_byte(1, 90, false), 91);
	CHECK_EQUAL(layers[1].pager.requests, 2);
	tear_down();
	host_report("a fault goes down eight objects, never up, and forwards have a limit");
}

/* Reads and writes at random, while pagers drop, forward and take over what they like. */
static void at_random(void)
{
	build(4);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned layer = pick(4), page = pick(40), pages = 1 + pick(8);

		switch (pick(8)) {
		case 0:
		case 1:
			write_byte(layer, page, (uint8_t)pick(256));
			break;
		case 2:
			flush(layer, page, pages, MEMORY_OBJECT_RETURN_DIRTY);
			break;
		case 3:
			/* The pager gives up what it has. */
			if (layer > 0)
				layers[layer].own[page] = false;
			flush(layer, page, 1, layer > 0 ? MEMORY_OBJECT_RETURN_NONE : MEMORY_OBJECT_RETURN_DIRTY);
			break;
		case 4:
			for (unsigned i = 0; i < pages && layer > 0; i++)
				if (layers[layer].own[page + i])
					pages = i;
			if (layer > 0 && pages > 0)
				forward(layer, page, pages, layers[layer - 1].pager.port, page);
			break;
		default:
			CHECK_EQUAL(read_byte(layer, page, pick(2) == 0), expected(layer, page));
		}
	}
	for (unsigned layer = 0; layer < 4; layer++)
		for (unsigned page = 0; page < FILE_PAGES; page++)
			CHECK_EQUAL(read_byte(layer, page, false), expected(layer, page));
	tear_down();
	host_report("through all layers everybody sees what the model says");
}

void test_forward(void)
{
	state = 11;
	the_same_page();
	ended();
	refused();
	at_random();
}
