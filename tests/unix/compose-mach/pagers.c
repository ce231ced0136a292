/* Memory objects: what their pages are, and whether all that the kernel says to their pager, and only that, is said. */
#include "pagers.h"

#include <mach/memory_object_server.h>
#include <mach/portolan_user.h>
#include <string.h>

#define OBJECTS_BASE 0x200000000000ull
#define OBJECTS_STEP 0x10000000ull

struct object objects[OBJECTS];
struct touch touches[SPACES];
struct object_answer object_answer;
static mach_port_name_t answers;
static struct object *speaks; /* whose message is being served */

vm_address_t address_of_object(const struct object *object)
{
	return OBJECTS_BASE + (uint64_t)(object - objects) * OBJECTS_STEP;
}

unsigned object_maps(const struct object *object)
{
	unsigned maps = 0;

	for (int s = 0; s < SPACES; s++)
		maps += object->mapped[s];
	return maps;
}

mach_port_name_t answer_port(void)
{
	return answers;
}

bool pagers_own(mach_port_name_t name)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (objects[i].port >> 8 == name >> 8)
			return true;
	return answers >> 8 == name >> 8;
}

void pagers_begin(void)
{
	memset(objects, 0, sizeof objects);
	memset(touches, 0, sizeof touches);
	expect("a port for answers", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &answers), KERN_SUCCESS);
}

/* --- Pages. */

/* Of the object's page: who stores into a page of its own reads that first. */
static vm_prot_t needs(const struct touch *touch)
{
	return touch->kind == STORES && touch->own == NULL ? VM_PROT_WRITE : VM_PROT_READ;
}

static enum { OVER, FAILS, WAITS } outcome(const struct touch *touch)
{
	const struct object_page *page = &touch->object->page[touch->page];

	if ((touch->own != NULL && touch->own->is) || (page->state == RESIDENT && !(page->lock & needs(touch))))
		return OVER;
	return page->state == FAILED || touch->object->state == DEAD ? FAILS : WAITS;
}

/* Who waits at the page for what it has not. */
static bool somebody_at(const struct object_page *page, vm_prot_t access)
{
	for (int s = 1; s < SPACES; s++)
		if (touches[s].kind != NO_TOUCH && &touches[s].object->page[touches[s].page] == page &&
			outcome(&touches[s]) == WAITS && ((needs(&touches[s]) ^ access) & VM_PROT_WRITE) == 0)
			return true;
	return false;
}

static void page_goes(struct object_page *page)
{
	*page = (struct object_page){.returning = page->returning, .value = page->value, .tail = page->tail};
}

void pages_supplied(struct object *object, unsigned first, unsigned end, vm_prot_t lock, bool precious, uint64_t value)
{
	for (unsigned i = first; i < end; i++, value++)
		if (object->page[i].state != RESIDENT && object->state == READY)
			object->page[i] = (struct object_page){
				.state = RESIDENT, .lock = lock, .precious = precious, .value = value, .tail = value};
}

void pages_unavailable(struct object *object, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++)
		if (object->page[i].state == REQUESTED)
			object->page[i] = (struct object_page){.state = RESIDENT, .lock = object->page[i].lock};
}

/* Somebody waits to read the page, which is not locked against that: who finds an error there that is not his asks again. */
static bool asks_again(const struct object_page *page)
{
	return page->lock == VM_PROT_WRITE && somebody_at(page, VM_PROT_READ);
}

void pages_fail(struct object *object, unsigned first, unsigned end)
{
	for (unsigned i = first; i < end; i++) {
		struct object_page *page = &object->page[i];

		if (page->state != REQUESTED)
			continue;
		if (page->wanted && !asks_again(page))
			*page = (struct object_page){.state = FAILED, .lock = page->lock};
		else
			page_goes(page);
	}
}

/* It must go back as a request or an end says; only a pager that is ready gets it. */
static bool goes_back(const struct object *object, const struct object_page *page, memory_object_return_t what)
{
	return what != MEMORY_OBJECT_RETURN_NONE && object->state == READY &&
	       (what == MEMORY_OBJECT_RETURN_ALL || page->precious || page->dirty);
}

static void clean(struct object *object, struct object_page *page, memory_object_return_t what, bool flush)
{
	if (page->state == FAILED && flush)
		page_goes(page);
	if (page->state != RESIDENT)
		return;
	if (goes_back(object, page, what)) {
		page->returning = true;
		page->dirty = page->precious = false;
	}
	if (flush)
		page_goes(page);
}

void pages_locked(struct object *object, unsigned first, unsigned end, memory_object_return_t what, bool flush, vm_prot_t lock)
{
	for (unsigned i = first; i < end; i++) {
		struct object_page *page = &object->page[i];

		if (what != MEMORY_OBJECT_RETURN_NONE || flush)
			clean(object, page, what, flush);
		if (lock == VM_PROT_NO_CHANGE || page->state == FAILED || page->state == ABSENT)
			continue;
		page->lock = lock;
		page->unlocking = false;
	}
}

void pages_forgotten(struct object *object)
{
	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		if (object->page[i].state == REQUESTED)
			page_goes(&object->page[i]);
		object->page[i].unlocking = false;
	}
}

void object_dies(struct object *object, bool destroyed)
{
	pages_fail(object, 0, OBJECT_PAGES);
	object->state = DEAD;
	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		object->page[i].unlocking = false;
		if (destroyed && object->page[i].state == RESIDENT)
			page_goes(&object->page[i]);
	}
}

void object_unmapped(struct object *object, int space)
{
	object->mapped[space] = object->private[space] = false;
	memset(object->own[space], 0, sizeof object->own[space]);
}

void object_mapped(struct object *object, int space, vm_prot_t protection, bool private)
{
	object->mapped[space] = true;
	object->private[space] = private;
	object->protection[space] = protection;
	if (object->control != NULL)
		return;
	object->control = model_new_port(-1);
	object->control->kernel = true;
	object->state = NEW;
	object->may_cache = false;
	object->beginning = true;
}

/* The map of a task that has ended goes a little later. */
static void await_death(mach_port_name_t name)
{
	mach_port_type_t type = 0;

	for (unsigned naps = 0; naps < PATIENCE && !(type & MACH_PORT_TYPE_DEAD_NAME); naps++) {
		expect("a control port's name", mach_port_type(mach_task_self(), name, &type), KERN_SUCCESS);
		if (!(type & MACH_PORT_TYPE_DEAD_NAME))
			nap(naps < 100 ? 0 : 1);
	}
	expect("the control port of an object that nobody has", type & MACH_PORT_TYPE_DEAD_NAME, MACH_PORT_TYPE_DEAD_NAME);
}

void object_let_go(struct object *object)
{
	if (object->control == NULL || object_maps(object) != 0 || (object->state == READY && object->may_cache))
		return;
	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		clean(object, &object->page[i], MEMORY_OBJECT_RETURN_DIRTY, true);
		page_goes(&object->page[i]);
	}
	object->ending = object->port != MACH_PORT_NULL;
	await_death(object->control_name);
	model_port_dies(object->control);
	model_settle();
	(void)model_destroy(OWN, object->control_name);
	expect("the control port's name goes", mach_port_destroy(mach_task_self(), object->control_name), KERN_SUCCESS);
	object->control = NULL;
	object->control_name = MACH_PORT_NULL;
}

void pagers_task_starts(int space, int parent)
{
	for (struct object *o = objects; o < objects + OBJECTS; o++) {
		o->mapped[space] = o->mapped[parent];
		o->protection[space] = o->protection[parent];
		o->private[space] = o->private[parent];
		memcpy(o->own[space], o->own[parent], sizeof o->own[space]);
	}
}

/* --- Threads at pages. */

bool errors_would_kill(const struct object *object, unsigned first, unsigned end)
{
	for (int s = 1; s < SPACES; s++)
		if (touches[s].kind != NO_TOUCH && touches[s].kind != PROBES && touches[s].object == object &&
			touches[s].page >= first && touches[s].page < end)
			return true;
	return false;
}

bool touch_is_over(int space)
{
	return outcome(&touches[space]) != WAITS;
}

void touch_back(int space)
{
	const struct touch touch = touches[space];
	struct object_page *page = &touch.object->page[touch.page];
	const int64_t result = desk_of(space, 1)->result;

	touches[space].kind = NO_TOUCH;
	say("  space %d comes back from page %u of an object", space, touch.page);
	if (touch.kind == PROBES) {
		if ((result == MACH_SEND_INVALID_DATA) != (outcome(&touch) == FAILS) || result == MACH_MSG_SUCCESS)
			wrong("space %d: a trap that reads a pager's page says %#llx", space, (unsigned long long)result);
	} else if (touch.kind == LOADS) {
		expect("a load from a pager's page", result,
			(int64_t)(touch.own != NULL && touch.own->is ? touch.own->value : page->value));
	} else if (touch.own != NULL) {
		*touch.own = (struct own_page){true, touch.value, touch.own->is ? touch.own->tail : page->tail};
	} else {
		page->value = touch.value;
		page->dirty = true;
	}
}

void touch_abort(int space)
{
	/* An instruction is made again. */
	if (touches[space].kind != PROBES)
		act_abort(space);
	pagers_settle();
}

void touch_forgotten(int space)
{
	touches[space].kind = NO_TOUCH;
}

/* --- What the kernel says. */

static struct object_page *said_pages(const char *what, vm_offset_t offset, vm_size_t length)
{
	const unsigned first = (unsigned)(offset / VM_PAGE_SIZE), count = (unsigned)(length / VM_PAGE_SIZE);

	if (speaks == NULL || offset % VM_PAGE_SIZE != 0 || length % VM_PAGE_SIZE != 0 || length == 0 ||
		offset >= OBJECT_SIZE || length > OBJECT_SIZE - offset)
		wrong("%s: %#llx, %#llx bytes", what, (unsigned long long)offset, (unsigned long long)length);
	say("  %s %u+%u", what, first, count);
	return &speaks->page[first];
}

kern_return_t S_memory_object_init(memory_object_t memory_object, mach_port_t control, vm_size_t page_size)
{
	struct name *n;

	(void)memory_object;
	say("  the kernel begins with an object");
	if (!speaks->beginning || page_size != VM_PAGE_SIZE)
		wrong("memory_object_init");
	speaks->beginning = false;
	speaks->control->send++;
	if (!model_put(OWN, (struct right){.port = speaks->control, .as = MACH_MSG_TYPE_PORT_SEND}, control))
		wrong("a control port came as %x", control);
	n = name_of(OWN, control);
	if (n != NULL)
		n->pinned = true;
	speaks->control_name = control;
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_terminate(memory_object_t memory_object)
{
	(void)memory_object;
	say("  the kernel ends with an object");
	if (!speaks->ending)
		wrong("memory_object_terminate");
	speaks->ending = false;
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_request(memory_object_t memory_object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct object_page *page = said_pages("the kernel asks for", offset, length);

	(void)memory_object;
	if (speaks->state != READY || !somebody_at(page, access))
		wrong("a request for page %u that nobody wants", (unsigned)(page - speaks->page));
	for (unsigned i = 0; i < length / VM_PAGE_SIZE; i++) {
		if (page[i].state != ABSENT)
			wrong("a request for page %u, which is in state %d", (unsigned)(page + i - speaks->page), page[i].state);
		page[i].state = REQUESTED;
	}
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_data_unlock(memory_object_t memory_object, vm_offset_t offset, vm_size_t length, vm_prot_t access)
{
	struct object_page *page = said_pages("the kernel wants the lock undone of", offset, length);

	(void)memory_object;
	if (speaks->state == DEAD || length != VM_PAGE_SIZE || page->state != RESIDENT || page->unlocking || !somebody_at(page, access))
		wrong("data_unlock of page %u", (unsigned)(page - speaks->page));
	page->unlocking = true;
	return KERN_SUCCESS;
}

static bool nobody_at(const struct object *object)
{
	for (int s = 1; s < SPACES; s++)
		if (touches[s].kind != NO_TOUCH && touches[s].object == object)
			return false;
	return true;
}

/* What was returned could not be written: it is dirty again, where nothing else has come in its place. */
static void refuse(struct object_page *page, vm_offset_t offset, pointer_t data, mach_msg_type_number_t size)
{
	say("  it is refused");
	expect("memory_object_data_refused", memory_object_data_refused(speaks->control_name, offset, data, size, KERN_MEMORY_ERROR),
		KERN_SUCCESS);
	for (unsigned i = 0; i < size / VM_PAGE_SIZE; i++) {
		if (page[i].state == RESIDENT)
			page[i].dirty = true;
		else
			page[i] = (struct object_page){.state = RESIDENT, .dirty = true, .value = page[i].value, .tail = page[i].tail};
	}
}

kern_return_t S_memory_object_data_return(memory_object_t memory_object, vm_offset_t offset, pointer_t data,
	mach_msg_type_number_t size, boolean_t dirty, boolean_t kernel_copy)
{
	struct object_page *page = said_pages("the kernel returns", offset, size);

	(void)memory_object;
	(void)dirty;
	for (unsigned i = 0; i < size / VM_PAGE_SIZE; i++) {
		const uint64_t *words = (const uint64_t *)data + i * VM_PAGE_SIZE / 8;

		if (!page[i].returning || (page[i].state == RESIDENT) != (kernel_copy != 0))
			wrong("page %u is returned", (unsigned)(page + i - speaks->page));
		if (words[0] != page[i].value || words[VM_PAGE_SIZE / 8 - 1] != page[i].tail)
			wrong("page %u is returned with %llu and %llu, not %llu and %llu", (unsigned)(page + i - speaks->page),
				(unsigned long long)words[0], (unsigned long long)words[VM_PAGE_SIZE / 8 - 1],
				(unsigned long long)page[i].value, (unsigned long long)page[i].tail);
		page[i].returning = false;
	}
	/* Who waits for a page might ask for it before it is there again, or after. */
	if (speaks->control != NULL && speaks->state == READY && nobody_at(speaks) && pick(3) == 0) {
		refuse(page, offset, data, size);
		return KERN_SUCCESS;
	}
	expect("what was returned goes", vm_deallocate(mach_task_self(), data, size), KERN_SUCCESS);
	return KERN_SUCCESS;
}

static kern_return_t answered(mach_msg_id_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	const uint64_t word[4] = {a, b, c, d};

	expect("a request's answer", id, object_answer.id);
	for (unsigned i = 0; i < 4; i++)
		expect("a word of a request's answer", (int64_t)word[i], (int64_t)object_answer.word[i]);
	object_answer.id = 0;
	return KERN_SUCCESS;
}

kern_return_t S_memory_object_lock_completed(mach_port_t reply_to, vm_offset_t offset, vm_size_t length)
{
	(void)reply_to;
	return answered(MIG_ID_memory_object_lock_completed, offset, length, 0, 0);
}

kern_return_t S_memory_object_supply_completed(
	mach_port_t reply_to, vm_offset_t offset, vm_size_t length, kern_return_t result, vm_offset_t error_offset)
{
	(void)reply_to;
	return answered(MIG_ID_memory_object_supply_completed, offset, length, (uint64_t)result, error_offset);
}

kern_return_t S_memory_object_change_completed(
	mach_port_t reply_to, boolean_t may_cache, memory_object_copy_strategy_t copy_strategy)
{
	(void)reply_to;
	return answered(MIG_ID_memory_object_change_completed, (uint64_t)may_cache, (uint64_t)copy_strategy, 0, 0);
}

/* All that lies in a queue of the pager's; false: nothing. */
static bool listen(mach_port_name_t port)
{
	static union {
		mach_msg_header_t header;
		char bytes[BUFFER];
	} in, out;
	bool any = false;

	while (port != MACH_PORT_NULL &&
		mach_msg_trap(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof in, port, 0, MACH_PORT_NULL) ==
			MACH_MSG_SUCCESS) {
		if (!memory_object_server(&in.header, &out.header))
			wrong("message %d to a pager", in.header.msgh_id);
		any = true;
	}
	return any;
}

/* The kernel owes something. */
static const char *owed(void)
{
	if (object_answer.id != 0)
		return "the answer to a request";
	for (const struct object *o = objects; o < objects + OBJECTS; o++) {
		if (o->beginning)
			return "memory_object_init";
		if (o->ending)
			return "memory_object_terminate";
		for (unsigned i = 0; i < OBJECT_PAGES; i++)
			if (o->page[i].returning)
				return "data_return";
	}
	for (int s = 1; s < SPACES; s++) {
		const struct touch *touch = &touches[s];
		struct object_page *page = touch->kind == NO_TOUCH ? NULL : &touch->object->page[touch->page];

		if (page == NULL || outcome(touch) != WAITS || touch->object->state == NEW)
			continue;
		if (page->state == ABSENT)
			return "data_request";
		if (page->state == RESIDENT && !page->unlocking)
			return "data_unlock";
		page->wanted |= page->state == REQUESTED;
	}
	return NULL;
}

void pagers_settle(void)
{
	const char *what = NULL;

	for (unsigned naps = 0; naps < PATIENCE; naps++) {
		bool any = false;

		for (int s = 1; s < SPACES; s++)
			if (touches[s].kind != NO_TOUCH)
				act_settle(s);
		for (speaks = objects; speaks < objects + OBJECTS; speaks++)
			any |= listen(speaks->port);
		speaks = NULL;
		any |= listen(answers);
		what = owed();
		if (!any && what == NULL)
			return;
		if (!any)
			nap(naps < 100 ? 0 : 1);
	}
	wrong("the kernel owes a pager %s", what != NULL ? what : "silence");
}

/* --- Comparison, and the end. */

void compare_pages(int space)
{
	static uint64_t buffer[VM_PAGE_SIZE / 8];

	for (const struct object *o = objects; o < objects + OBJECTS; o++) {
		for (unsigned i = 0; i < OBJECT_PAGES && o->mapped[space]; i++) {
			const struct object_page *page = &o->page[i];
			const struct own_page *own = &o->own[space][i];
			const uint64_t value = own->is ? own->value : page->value, tail = own->is ? own->tail : page->tail;

			if (!own->is && (page->state != RESIDENT || (page->lock & VM_PROT_READ)))
				continue;
			expect("a pager's page is read",
				task_copy_from(task_name(space), address_of_object(o) + i * VM_PAGE_SIZE, VM_PAGE_SIZE,
					buffer, VM_COPY_NOWAIT, NULL),
				KERN_SUCCESS);
			if (buffer[0] != value || buffer[VM_PAGE_SIZE / 8 - 1] != tail)
				wrong("space %d: page %u of an object holds %llu and %llu, not %llu and %llu", space, i,
					(unsigned long long)buffer[0], (unsigned long long)buffer[VM_PAGE_SIZE / 8 - 1],
					(unsigned long long)value, (unsigned long long)tail);
		}
	}
}

void pagers_task_ends(int space)
{
	for (struct object *o = objects; o < objects + OBJECTS; o++)
		if (o->mapped[space]) {
			object_unmapped(o, space);
			object_let_go(o);
		}
	pagers_settle();
}

void object_port_dies(struct object *object)
{
	mach_port_name_t port = object->port;

	object->port = MACH_PORT_NULL;
	if (object->control != NULL)
		object_dies(object, false);
	expect("a memory object's port goes", mach_port_destroy(mach_task_self(), port), KERN_SUCCESS);
	object_let_go(object);
}

void pagers_end(void)
{
	for (struct object *o = objects; o < objects + OBJECTS; o++)
		if (o->port != MACH_PORT_NULL)
			object_port_dies(o);
	pagers_settle();
	expect("the port for answers goes", mach_port_destroy(mach_task_self(), answers), KERN_SUCCESS);
	answers = MACH_PORT_NULL;
}
