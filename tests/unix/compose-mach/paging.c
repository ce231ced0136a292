/*
 * Memory objects: tasks map them, this program is their pager, which answers late, not all, more than was asked, what is not
 * true, with errors, or not at all; and whoever has come by a right to the control port may say what a pager may.
 */
#include "pagers.h"

#include <mach/mach.h>
#include <mach/memory_object_server.h>
#include <string.h>

enum { CROWDED = 36, CHOSEN_FIRST = 200, CHOSEN = 40, NO_STRATEGY = 99, NO_RETURN = 7 };

static struct object *any_object(void)
{
	return &objects[pick(OBJECTS)];
}

static struct object *any_known(void)
{
	struct object *o = any_object();

	return o->control != NULL ? o : NULL;
}

static uint64_t new_value(void)
{
	static uint64_t value;

	return value += 2 * OBJECT_PAGES;
}

struct range {
	unsigned first, end;
	vm_offset_t offset;
	vm_size_t size;
};

static struct range any_range(void)
{
	struct range r = {.first = pick(OBJECT_PAGES)};

	r.end = r.first + 1 + pick(OBJECT_PAGES - r.first);
	r.offset = r.first * VM_PAGE_SIZE;
	r.size = (r.end - r.first) * VM_PAGE_SIZE;
	return r;
}

/* Mostly one that holds what was asked for. */
static struct range asked_range(const struct object *o)
{
	for (unsigned tries = 0; tries < 20; tries++) {
		struct range r = any_range();

		if (o->page[r.first].state == REQUESTED)
			return r;
	}
	return any_range();
}

static vm_prot_t any_lock(void)
{
	static const vm_prot_t locks[] = {VM_PROT_NONE, VM_PROT_NONE, VM_PROT_NONE, VM_PROT_WRITE, VM_PROT_ALL};

	return locks[pick(5)];
}

/* --- Objects and mappings. */

static void op_map(void)
{
	const int s = any_actor();
	struct object *o = any_object();
	const vm_prot_t protection = pick(3) == 0 ? VM_PROT_READ : VM_PROT_DEFAULT;
	const bool private = pick(3) == 0;
	vm_address_t address = address_of_object(o);

	if (s == 0 || o->mapped[s] || names_used(OWN) > CROWDED || (o->port == MACH_PORT_NULL && o->control != NULL))
		return;
	if (o->port == MACH_PORT_NULL) {
		expect("a port for a memory object", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &o->port),
			KERN_SUCCESS);
		expect("a right to it", mach_port_insert_right(mach_task_self(), o->port, o->port, MACH_MSG_TYPE_MAKE_SEND),
			KERN_SUCCESS);
	}
	say("map object %d in space %d, protection %d%s", (int)(o - objects), s, protection, private ? ", private" : "");
	expect("an object is mapped",
		vm_map(task_name(s), &address, OBJECT_SIZE, 0, FALSE, o->port, 0, private, protection, VM_PROT_ALL,
			private ? VM_INHERIT_COPY : VM_INHERIT_SHARE),
		KERN_SUCCESS);
	object_mapped(o, s, protection, private);
}

static void op_unmap(void)
{
	const int s = any_actor();
	struct object *o = any_object();

	if (s == 0 || !o->mapped[s] || touches[s].kind != NO_TOUCH)
		return;
	say("unmap object %d in space %d", (int)(o - objects), s);
	expect("an object is unmapped", vm_deallocate(task_name(s), address_of_object(o), OBJECT_SIZE), KERN_SUCCESS);
	object_unmapped(o, s);
}

/* Of a private mapping; null. */
static struct own_page *own_page(struct object *o, int s, unsigned page)
{
	return o->private[s] ? &o->own[s][page] : NULL;
}

/* Somebody waits at the page to store, or to do whatever. */
static bool is_touched(const struct object *o, unsigned page, bool to_store)
{
	for (int s = 1; s < SPACES; s++)
		if (touches[s].kind != NO_TOUCH && touches[s].object == o && touches[s].page == page &&
			(!to_store || touches[s].kind == STORES))
			return true;
	return false;
}

static void op_touch(void)
{
	const int s = any_actor();
	struct object *o = any_object();
	struct touch touch = {.kind = LOADS + pick(3), .object = o, .page = pick(OBJECT_PAGES), .value = new_value()};
	const vm_address_t address = address_of_object(o) + touch.page * VM_PAGE_SIZE;

	if (s == 0 || space_waits(s) || !o->mapped[s])
		return;
	if (touch.kind == STORES && !(o->protection[s] & VM_PROT_WRITE))
		touch.kind = LOADS;
	/* Of two that wait for a page, one of which will change it, either may come first. */
	if (is_touched(o, touch.page, touch.kind != STORES))
		return;
	if (o->state == DEAD && touch.kind != PROBES &&
		(o->page[touch.page].state != RESIDENT || o->page[touch.page].lock != VM_PROT_NONE))
		return;
	say("space %d touches page %u of object %d, kind %d", s, touch.page, (int)(o - objects), touch.kind);
	touch.own = own_page(o, s, touch.page);
	touches[s] = touch;
	waiting_for_page(s);
	if (touch.kind == PROBES)
		act_later(s, TRAP_MACH_MSG, address, MACH_SEND_MSG, sizeof(mach_msg_header_t), 0, 0, 0);
	else
		act_later(s, touch.kind == LOADS ? LOAD : STORE, address, touch.value, 0, 0, 0, 0);
}

/* A page that is there, through the map of somebody who has it. */
static void op_write(void)
{
	const int s = any_actor();
	struct object *o = any_object();
	const unsigned i = pick(OBJECT_PAGES);
	uint64_t value = new_value();
	struct own_page *own = own_page(o, s, i);

	if (s == 0 || !o->mapped[s] || !(o->protection[s] & VM_PROT_WRITE) ||
		(!(own != NULL && own->is) && (o->page[i].state != RESIDENT || o->page[i].lock != VM_PROT_NONE)))
		return;
	say("write page %u of object %d through space %d", i, (int)(o - objects), s);
	expect("a pager's page is written",
		task_copy_to(task_name(s), address_of_object(o) + i * VM_PAGE_SIZE, sizeof value, &value, VM_COPY_NOWAIT, NULL),
		KERN_SUCCESS);
	if (own != NULL) {
		*own = (struct own_page){true, value, own->is ? own->tail : o->page[i].tail};
		return;
	}
	o->page[i].value = value;
	o->page[i].dirty = true;
}

static void op_port_dies(void)
{
	struct object *o = any_object();

	if (pick(20) != 0 || o->port == MACH_PORT_NULL || errors_would_kill(o, 0, OBJECT_PAGES))
		return;
	say("the port of object %d dies", (int)(o - objects));
	object_port_dies(o);
}

static void op_take_over(void)
{
	struct object *o = any_object();

	if (pick(5) != 0 || o->port == MACH_PORT_NULL)
		return;
	say("object %d is taken over", (int)(o - objects));
	expect("memory_object_take_over", memory_object_take_over(mach_task_self(), o->port),
		o->control != NULL ? KERN_SUCCESS : KERN_ABSENT);
	if (o->control == NULL)
		return;
	o->beginning = true;
	pages_forgotten(o);
}

/* --- What a pager says, in words: whoever says it. */

/* By the first thread of a space, which names the object's control port so, or something else; true: it is that, and it was said. */
static bool say_words(int s, mach_port_name_t name, const struct object *o, mach_msg_id_t id, const uint64_t *words, unsigned count)
{
	const struct name *n = name_of(s, name);
	const bool sends = n != NULL && (n->type & MACH_PORT_TYPE_SEND);
	uint64_t *word = desk_of(s, 0)->word;
	kern_return_t result;

	memset(word, 0, 8 * sizeof *word);
	memcpy(word, words, count * sizeof *word);
	say("space %d says %d to %x", s, id, name);
	result = s == OWN ? mach_send_words(name, id, word, count) : (kern_return_t)act(s, SEND_WORDS, name, (uint64_t)id, count, 0, 0, 0);
	expect("words to a control port", result, sends ? KERN_SUCCESS : MACH_SEND_INVALID_DEST);
	return sends && n->port == o->control;
}

/* Who may say it, by which name; it is nobody's message but the kernel's. False: nobody. */
static bool somebody(const struct object *o, int *space, mach_port_name_t *name)
{
	const struct name *n;

	*space = pick(3) != 0 ? OWN : any_space();
	*name = o->control_name;
	if (*space == OWN)
		return true;
	*name = any_name(*space);
	for (unsigned i = 0; i < NAMES && pick(4) != 0; i++)
		if (names[*space][i].name != 0 && names[*space][i].port == o->control)
			*name = names[*space][i].name;
	n = name_of(*space, *name);
	for (unsigned i = 0; i < OBJECTS; i++)
		if (&objects[i] != o && objects[i].control != NULL && n != NULL && n->port == objects[i].control)
			return false;
	return n == NULL || n->port == NULL || (n->port->kernel && n->port->caller == 0);
}

static void op_ready(void)
{
	struct object *o = any_known();
	const bool may_cache = pick(2) == 0;
	const int strategy = pick(5) == 0 ? NO_STRATEGY : MEMORY_OBJECT_COPY_DELAY;
	mach_port_name_t name;
	int s;

	if (o == NULL || (o->state != NEW && pick(4) != 0) || !somebody(o, &s, &name))
		return;
	if (!say_words(s, name, o, MIG_ID_memory_object_ready, (const uint64_t[]){may_cache, (uint64_t)strategy}, 2) ||
		strategy == NO_STRATEGY)
		return;
	o->may_cache = may_cache;
	if (o->state == NEW)
		o->state = READY;
}

static void op_unavailable(void)
{
	struct object *o = any_known();
	struct range r;
	mach_port_name_t name;
	int s;

	if (o == NULL || !somebody(o, &s, &name))
		return;
	r = asked_range(o);
	if (pick(10) == 0) { /* past the end of all */
		(void)say_words(s, name, o, MIG_ID_memory_object_data_unavailable, (const uint64_t[]){UINT64_MAX - VM_PAGE_SIZE, r.size + VM_PAGE_SIZE}, 2);
		return;
	}
	say("zeros for %u+%u", r.first, r.end - r.first);
	if (say_words(s, name, o, MIG_ID_memory_object_data_unavailable, (const uint64_t[]){r.offset, r.size}, 2))
		pages_unavailable(o, r.first, r.end);
}

static void op_error(void)
{
	struct object *o = any_known();
	struct range r;
	mach_port_name_t name;
	int s;

	if (o == NULL || !somebody(o, &s, &name))
		return;
	r = asked_range(o);
	if (errors_would_kill(o, r.first, r.end))
		return;
	say("an error for %u+%u", r.first, r.end - r.first);
	if (!say_words(s, name, o, MIG_ID_memory_object_data_error, (const uint64_t[]){r.offset, r.size, KERN_MEMORY_ERROR}, 3))
		return;
	pages_fail(o, r.first, r.end);
	pagers_settle();
	waiting_settle();
	/* An error holds for some time only: it is not kept. */
	expect("a flush",
		memory_object_lock_request(o->control_name, r.offset, r.size, MEMORY_OBJECT_RETURN_NONE, TRUE, VM_PROT_NO_CHANGE,
			MACH_PORT_NULL),
		KERN_SUCCESS);
	pages_locked(o, r.first, r.end, MEMORY_OBJECT_RETURN_NONE, true, VM_PROT_NO_CHANGE);
}

static void op_destroy(void)
{
	struct object *o = any_known();
	mach_port_name_t name;
	int s;

	if (o == NULL || pick(20) != 0 || errors_would_kill(o, 0, OBJECT_PAGES) || !somebody(o, &s, &name))
		return;
	if (say_words(s, name, o, MIG_ID_memory_object_destroy, (const uint64_t[]){KERN_SUCCESS}, 1))
		object_dies(o, true);
}

/* --- By messages, from this program. */

/* Where the answer goes, of which a right is made; or null: none is wanted. */
static mach_port_t answer_to(mach_msg_id_t id, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	if (pick(2) == 0)
		return MACH_PORT_NULL;
	object_answer = (struct object_answer){id, {a, b, c, d}};
	return answer_port();
}

static void op_supply(void)
{
	struct object *o = any_known();
	const vm_prot_t lock = any_lock();
	const bool precious = pick(4) == 0, askew = pick(12) == 0;
	const uint64_t value = new_value();
	kern_return_t result = KERN_SUCCESS;
	vm_address_t at = 0; /* it goes with the message */
	unsigned first_bad;
	struct range r;
	uint64_t *data;

	if (o == NULL)
		return;
	r = asked_range(o);
	expect("memory for pages", vm_allocate(mach_task_self(), &at, r.size, TRUE), KERN_SUCCESS);
	data = (uint64_t *)at;
	first_bad = r.first;
	for (unsigned i = 0; i < r.end - r.first; i++) {
		data[i * VM_PAGE_SIZE / 8] = data[(i + 1) * VM_PAGE_SIZE / 8 - 1] = value + i;
	}
	for (unsigned i = r.end; i-- > r.first;) {
		if (o->page[i].state != RESIDENT && o->state == READY)
			continue;
		result = KERN_MEMORY_PRESENT;
		first_bad = i;
	}
	say("supply %u+%u of object %d%s", r.first, r.end - r.first, (int)(o - objects), askew ? ", askew" : "");
	expect("memory_object_data_supply",
		memory_object_data_supply(o->control_name, askew ? r.offset + 8 : r.offset, at,
			(mach_msg_type_number_t)r.size, lock, precious,
			askew ? MACH_PORT_NULL
			      : answer_to(MIG_ID_memory_object_supply_completed, r.offset, r.size, (uint64_t)result,
					result == KERN_SUCCESS ? 0 : first_bad * VM_PAGE_SIZE)),
		KERN_SUCCESS);
	if (!askew)
		pages_supplied(o, r.first, r.end, lock, precious, value);
}

static void op_lock(void)
{
	struct object *o = any_known();
	const memory_object_return_t what = (memory_object_return_t)pick(3);
	const bool flush = pick(3) == 0;
	const vm_prot_t lock = pick(2) == 0 ? VM_PROT_NO_CHANGE : any_lock();
	struct range r = any_range();

	if (o == NULL)
		return;
	say("lock request for %u+%u of object %d: return %d, flush %d, lock %d", r.first, r.end - r.first, (int)(o - objects),
		(int)what, flush, lock);
	if (pick(12) == 0) {
		expect("a lock request that is none",
			memory_object_lock_request(o->control_name, r.offset, r.size, NO_RETURN, flush, lock, MACH_PORT_NULL),
			KERN_SUCCESS);
		return;
	}
	expect("memory_object_lock_request",
		memory_object_lock_request(o->control_name, r.offset, r.size, what, flush, lock,
			answer_to(MIG_ID_memory_object_lock_completed, r.offset, r.size, 0, 0)),
		KERN_SUCCESS);
	pages_locked(o, r.first, r.end, what, flush, lock);
}

static void op_change(void)
{
	struct object *o = any_known();
	const bool may_cache = pick(2) == 0;

	if (o == NULL)
		return;
	say("object %d may%s be cached", (int)(o - objects), may_cache ? "" : " not");
	expect("memory_object_change_attributes",
		memory_object_change_attributes(o->control_name, may_cache, MEMORY_OBJECT_COPY_DELAY,
			answer_to(MIG_ID_memory_object_change_completed, may_cache, MEMORY_OBJECT_COPY_DELAY, 0, 0)),
		KERN_SUCCESS);
	o->may_cache = may_cache;
	if (o->state == NEW)
		o->state = READY;
}

/* A right to the control port is given away. */
static void op_give_control(void)
{
	const int s = any_actor();
	const struct object *o = any_known();
	const mach_port_name_t wanted = (CHOSEN_FIRST + pick(CHOSEN)) << 8;
	struct right right;
	bool taken = false;

	if (s == 0 || o == NULL || names_used(s) > CROWDED)
		return;
	for (unsigned i = 0; i < NAMES; i++)
		taken |= names[s][i].name >> 8 == wanted >> 8;
	right = (struct right){.port = o->control, .as = MACH_MSG_TYPE_PORT_SEND};
	right.port->send++;
	if (model_insert(s, right, wanted, taken) != KERN_SUCCESS) {
		right.port->send--;
		return;
	}
	say("space %d gets the control port of object %d as %x", s, (int)(o - objects), wanted);
	expect("a control port is given", mach_port_insert_right(task_name(s), wanted, o->control_name, MACH_MSG_TYPE_COPY_SEND),
		KERN_SUCCESS);
}

void paging_operation(void)
{
	static void (*const operations[])(void) = {op_map, op_map, op_unmap, op_touch, op_touch, op_touch, op_touch, op_touch,
		op_write, op_port_dies, op_take_over, op_ready, op_ready, op_unavailable, op_error, op_destroy, op_supply, op_supply,
		op_supply, op_lock, op_lock, op_change, op_give_control};

	operations[pick(sizeof operations / sizeof *operations)]();
	for (unsigned i = 0; i < OBJECTS; i++)
		object_let_go(&objects[i]);
	pagers_settle();
}
