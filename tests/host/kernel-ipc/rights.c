/* Spaces and rights against a model: random operations on three tasks, every name and count compared after each. */
#include "calls.h"
#include "world.h"
#include <stdlib.h>
#include <string.h>
#include <stubs/mach_port_server.h>
#include <stubs/notify_user.h>

#define SPACES 3
#define NAMES  64 /* of one space that the model follows */
#define PORTS  4000

/* What a space should hold under a name. */
struct model_name {
	mach_port_name_t name; /* 0: unused */
	mach_port_type_t type; /* without DNREQUEST */
	uint32_t urefs;
	int port; /* index into ports, or -1 */
	bool request;
};

struct model_port {
	struct ipc_port *port; /* with a reference */
	bool alive;
	uint32_t send, send_once;
};

static struct task *tasks[SPACES];
static struct model_name names[SPACES][NAMES];
static struct model_port ports[PORTS];
static int ports_count;
static struct ipc_port *notify_port; /* its receive right is the test's */
static uint32_t notified;            /* messages that it should have */

static struct model_name *any_name(unsigned s)
{
	return &names[s][host_random(NAMES)];
}

static struct model_name *name_of(unsigned s, mach_port_name_t name)
{
	for (unsigned i = 0; i < NAMES; i++)
		if (names[s][i].name == name)
			return &names[s][i];
	return NULL;
}

static struct model_name *free_name(unsigned s)
{
	return name_of(s, 0);
}

static int port_index(const struct ipc_port *port)
{
	for (int i = 0; i < ports_count; i++)
		if (ports[i].port == port)
			return i;
	ports[ports_count] = (struct model_port){.port = (struct ipc_port *)(uintptr_t)port, .alive = true};
	ipc_object_reference(&ports[ports_count].port->object);
	return ports_count++;
}

/* The model's rules. */

static void forget(struct model_name *n)
{
	if (n->request)
		notified++; /* port-deleted */
	*n = (struct model_name){.port = -1};
}

static void model_lose_send(struct model_name *n)
{
	ports[n->port].send--;
	if (n->request)
		notified++;
	n->request = false;
	n->urefs = 0;
	n->type &= ~MACH_PORT_TYPE_SEND;
	if (n->type == 0)
		forget(n);
}

/* Every name of the dead port becomes a dead name. */
static void model_port_dies(int port)
{
	ports[port].alive = false;
	for (unsigned s = 0; s < SPACES; s++)
		for (unsigned i = 0; i < NAMES; i++) {
			struct model_name *n = &names[s][i];

			if (n->name == 0 || n->port != port || (n->type & MACH_PORT_TYPE_RECEIVE))
				continue;
			n->urefs += n->request;
			notified += n->request; /* dead-name */
			n->request = false;
			n->type = MACH_PORT_TYPE_DEAD_NAME;
			n->port = -1;
		}
	ports[port].send = ports[port].send_once = 0;
}

static void model_lose_receive(struct model_name *n)
{
	int port = n->port;

	n->type &= ~MACH_PORT_TYPE_RECEIVE;
	if (n->type == 0)
		forget(n);
	model_port_dies(port);
}

static kern_return_t model_delta(struct model_name *n, mach_port_right_t right, int delta)
{
	if (n == NULL || n->name == 0)
		return KERN_INVALID_NAME;
	if (!(n->type & MACH_PORT_TYPE(right)))
		return KERN_INVALID_RIGHT;
	if (right == MACH_PORT_RIGHT_SEND || right == MACH_PORT_RIGHT_DEAD_NAME) {
		if ((int)n->urefs + delta < 0)
			return KERN_INVALID_VALUE;
		n->urefs += (uint32_t)delta;
		if (n->urefs == 0 && right == MACH_PORT_RIGHT_SEND)
			model_lose_send(n);
		else if (n->urefs == 0)
			forget(n);
		return KERN_SUCCESS;
	}
	if (delta == 0)
		return KERN_SUCCESS;
	if (delta != -1)
		return KERN_INVALID_VALUE;
	if (right == MACH_PORT_RIGHT_RECEIVE) {
		model_lose_receive(n);
	} else {
		if (right == MACH_PORT_RIGHT_SEND_ONCE)
			ports[n->port].send_once--;
		forget(n);
	}
	return KERN_SUCCESS;
}

/* --- Operations. */

static void op_allocate(unsigned s)
{
	static const mach_port_right_t kinds[] = {MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_RECEIVE,
		MACH_PORT_RIGHT_RECEIVE, MACH_PORT_RIGHT_PORT_SET, MACH_PORT_RIGHT_DEAD_NAME};
	mach_port_right_t right = kinds[host_random(5)];
	struct model_name *n = free_name(s);
	mach_port_name_t name = 0;
	kern_return_t result;

	if (n == NULL || ports_count == PORTS)
		return;
	result = mach_port_allocate(tasks[s]->space, right, &name);
	if (result == KERN_RESOURCE_SHORTAGE)
		return;
	CHECK_EQUAL(result, KERN_SUCCESS);
	CHECK(name_of(s, name) == NULL);
	*n = (struct model_name){
		.name = name, .type = MACH_PORT_TYPE(right), .port = -1, .urefs = right == MACH_PORT_RIGHT_DEAD_NAME};
	if (right == MACH_PORT_RIGHT_RECEIVE)
		n->port = port_index(ipc_object_port(ipc_entry_lookup(tasks[s]->space, name)->object));
}

static void op_deallocate(unsigned s)
{
	struct model_name *n = any_name(s);
	mach_port_name_t name = n->name;
	kern_return_t wanted = KERN_INVALID_RIGHT;

	if (name == 0)
		return;
	if (n->type & MACH_PORT_TYPE_SEND)
		wanted = model_delta(n, MACH_PORT_RIGHT_SEND, -1);
	else if (n->type == MACH_PORT_TYPE_SEND_ONCE)
		wanted = model_delta(n, MACH_PORT_RIGHT_SEND_ONCE, -1);
	else if (n->type == MACH_PORT_TYPE_DEAD_NAME)
		wanted = model_delta(n, MACH_PORT_RIGHT_DEAD_NAME, -1);
	CHECK_EQUAL(mach_port_deallocate(tasks[s]->space, name), wanted);
}

static void op_mod_refs(unsigned s)
{
	struct model_name *n = any_name(s);
	mach_port_name_t name = n->name != 0 ? n->name : 0x4567800;
	mach_port_right_t right = (mach_port_right_t)host_random(5);
	int delta = (int)host_random(5) - 2;

	if (host_random(3) != 0 && right == MACH_PORT_RIGHT_RECEIVE)
		return; /* else ports live too short */
	CHECK_EQUAL(mach_port_mod_refs(tasks[s]->space, name, right, delta), model_delta(n, right, delta));
}

static void op_destroy(unsigned s)
{
	struct model_name *n = any_name(s);
	mach_port_name_t name = n->name;

	if (name == 0 || host_random(3) != 0)
		return;
	if (n->type & MACH_PORT_TYPE_SEND_RECEIVE) {
		/* The name goes whole: its send right never becomes a dead name. */
		int port = n->port;
		bool receive = n->type & MACH_PORT_TYPE_RECEIVE;

		if (n->type & MACH_PORT_TYPE_SEND)
			ports[port].send--;
		forget(n);
		if (receive)
			model_port_dies(port);
	} else {
		if (n->type == MACH_PORT_TYPE_SEND_ONCE)
			ports[n->port].send_once--;
		forget(n);
	}
	CHECK_EQUAL(mach_port_destroy(tasks[s]->space, name), KERN_SUCCESS);
}

static void op_rename(unsigned s)
{
	struct model_name *n = any_name(s);
	mach_port_name_t name = (mach_port_name_t)(host_random(600) + 1) << 8 | (mach_port_name_t)host_random(3);
	kern_return_t wanted = KERN_SUCCESS, result;

	if (n->name == 0)
		return;
	for (unsigned i = 0; i < NAMES; i++)
		if (names[s][i].name != 0 && names[s][i].name >> 8 == name >> 8)
			wanted = KERN_NAME_EXISTS;
	result = mach_port_rename(tasks[s]->space, n->name, name);
	if (result == KERN_RESOURCE_SHORTAGE)
		return;
	if (CHECK_EQUAL(result, wanted) && wanted == KERN_SUCCESS)
		n->name = name;
}

static void op_request(unsigned s)
{
	struct model_name *n = any_name(s);
	struct ipc_port *right, *previous = NULL;
	kern_return_t result;

	if (n->name == 0 || !(n->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)))
		return;
	right = ipc_port_make_send_once(notify_port);
	result = mach_port_request_notification(
		tasks[s]->space, n->name, MIG_ID_mach_notify_dead_name, 0, right, &previous);
	if (result != KERN_SUCCESS) {
		CHECK_EQUAL(result, KERN_RESOURCE_SHORTAGE);
		ipc_port_drop_send_once(right);
		return;
	}
	CHECK_EQUAL(previous != NULL, n->request);
	if (previous != NULL)
		ipc_port_drop_send_once(previous);
	n->request = true;
}

/* The model's side of taking a right out; the wanted result. *port: -1 for a dead name. */
static kern_return_t model_extract(struct model_name *n, mach_msg_type_name_t disposition, int *port)
{
	*port = n->port;
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
	case MACH_MSG_TYPE_MAKE_SEND:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		if (!(n->type & MACH_PORT_TYPE_RECEIVE))
			return KERN_INVALID_RIGHT;
		if (disposition == MACH_MSG_TYPE_MAKE_SEND)
			ports[*port].send++;
		else if (disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
			ports[*port].send_once++;
		else if ((n->type &= ~MACH_PORT_TYPE_RECEIVE) == 0)
			forget(n);
		return KERN_SUCCESS;
	}
	if (n->type == MACH_PORT_TYPE_DEAD_NAME) {
		if (disposition != MACH_MSG_TYPE_COPY_SEND && --n->urefs == 0)
			forget(n);
		return KERN_INVALID_RIGHT; /* as extract_right says of a dead name */
	}
	if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE) {
		if (n->type != MACH_PORT_TYPE_SEND_ONCE)
			return KERN_INVALID_RIGHT;
		forget(n);
		return KERN_SUCCESS;
	}
	if (!(n->type & MACH_PORT_TYPE_SEND))
		return KERN_INVALID_RIGHT;
	ports[*port].send++;
	if (disposition == MACH_MSG_TYPE_MOVE_SEND && --n->urefs == 0)
		model_lose_send(n);
	return KERN_SUCCESS;
}

static void model_insert(unsigned s, int port, mach_msg_type_name_t disposition, mach_port_name_t name)
{
	mach_port_type_t type = MACH_PORT_TYPE_SEND;
	struct model_name *n = NULL;

	if (disposition == MACH_MSG_TYPE_PORT_RECEIVE)
		type = MACH_PORT_TYPE_RECEIVE;
	if (disposition == MACH_MSG_TYPE_PORT_SEND_ONCE)
		type = MACH_PORT_TYPE_SEND_ONCE;
	for (unsigned i = 0; i < NAMES && type != MACH_PORT_TYPE_SEND_ONCE; i++)
		if (names[s][i].name != 0 && names[s][i].port == port &&
			(names[s][i].type & MACH_PORT_TYPE_SEND_RECEIVE))
			n = &names[s][i];
	if (n == NULL) {
		n = free_name(s);
		*n = (struct model_name){
			.name = name, .type = type, .port = port, .urefs = type != MACH_PORT_TYPE_RECEIVE};
		return;
	}
	CHECK_EQUAL(n->name, name);
	if (type == MACH_PORT_TYPE_SEND && (n->type & MACH_PORT_TYPE_SEND))
		ports[port].send--;
	n->urefs += type == MACH_PORT_TYPE_SEND;
	n->type |= type;
}

static void op_move(unsigned s)
{
	mach_msg_type_name_t disposition = (mach_msg_type_name_t)(MACH_MSG_TYPE_MOVE_RECEIVE + host_random(6)), type;
	mach_msg_type_name_t received = MACH_MSG_TYPE_PORT_SEND;
	unsigned to = (unsigned)host_random(SPACES);
	struct model_name *n = any_name(s);
	mach_port_name_t name = 0, from = n->name;
	struct ipc_port *port = NULL;
	kern_return_t result, wanted;
	int index;

	if (from == 0 || free_name(to) == NULL)
		return;
	if (disposition == MACH_MSG_TYPE_MOVE_RECEIVE)
		received = MACH_MSG_TYPE_PORT_RECEIVE;
	if (disposition == MACH_MSG_TYPE_MOVE_SEND_ONCE || disposition == MACH_MSG_TYPE_MAKE_SEND_ONCE)
		received = MACH_MSG_TYPE_PORT_SEND_ONCE;
	wanted = model_extract(n, disposition, &index);
	CHECK_EQUAL(mach_port_extract_right(tasks[s]->space, from, disposition, &port, &type), wanted);
	if (wanted != KERN_SUCCESS)
		return;
	if (!CHECK(port == ports[index].port))
		return;
	result = ipc_space_insert(tasks[to]->space, port, received, &name);
	if (result == KERN_SUCCESS) {
		model_insert(to, index, received, name);
		return;
	}
	CHECK_EQUAL(result, KERN_RESOURCE_SHORTAGE); /* and the right is gone */
	if (received == MACH_MSG_TYPE_PORT_RECEIVE)
		model_port_dies(index);
	else if (received == MACH_MSG_TYPE_PORT_SEND)
		ports[index].send--;
	else
		ports[index].send_once--;
}

/* --- Comparison. */

static void drain_notifications(bool failing)
{
	uint32_t came = 0;

	while (!list_empty(&notify_port->queue)) {
		struct ipc_element *element = list_first(&notify_port->queue, struct ipc_element, link);

		lock_acquire(&notify_port->object.lock);
		ipc_mqueue_remove(notify_port, element);
		lock_release(&notify_port->object.lock);
		ipc_kmsg_destroy(container_of(element, struct ipc_kmsg, element));
		came++;
	}
	CHECK(failing ? came <= notified : came == notified); /* without memory a notification is lost */
	notified = 0;
}

static void compare(void)
{
	for (unsigned s = 0; s < SPACES; s++)
		for (unsigned i = 0; i < NAMES; i++) {
			const struct model_name *n = &names[s][i];
			mach_port_type_t type = 0;
			mach_port_urefs_t refs = 0;

			if (n->name == 0)
				continue;
			CHECK_EQUAL(mach_port_type(tasks[s]->space, n->name, &type), KERN_SUCCESS);
			CHECK_EQUAL(type & ~MACH_PORT_TYPE_DNREQUEST, n->type);
			if (n->type & (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_DEAD_NAME)) {
				CHECK_EQUAL(mach_port_get_refs(tasks[s]->space, n->name,
						    n->type & MACH_PORT_TYPE_SEND ? MACH_PORT_RIGHT_SEND
										  : MACH_PORT_RIGHT_DEAD_NAME,
						    &refs),
					KERN_SUCCESS);
				CHECK_EQUAL(refs, n->urefs);
			}
			CHECK_EQUAL(mach_port_type(tasks[s]->space, n->name ^ 0x80, &type), KERN_INVALID_NAME);
		}
	for (int i = 0; i < ports_count; i++) {
		CHECK_EQUAL(ipc_port_active(ports[i].port), ports[i].alive);
		if (!ports[i].alive)
			continue;
		CHECK_EQUAL(ports[i].port->srights, ports[i].send);
		/* A send-once right that went has sent its notification, which is one until it is received. */
		CHECK_EQUAL(ports[i].port->sorights, ports[i].send_once + ports[i].port->msgcount + ports[i].port->owed);
	}
}

static void one_run(unsigned seed, bool failing)
{
	static void (*const operations[])(unsigned) = {op_allocate, op_allocate, op_deallocate, op_mod_refs, op_destroy,
		op_rename, op_request, op_move, op_move, op_move, op_move};

	host_seed(seed);
	ports_count = 0;
	notified = 0;
	notify_port = ipc_port_alloc(&kernel_account);
	for (unsigned s = 0; s < SPACES; s++)
		tasks[s] = world_task();
	memset(names, 0, sizeof(names));
	for (unsigned round = 0; round < 3000; round++) {
		if (failing && host_random(8) == 0) {
			host_fail_after = host_random(3);
			host_fail_count = 1 + host_random(2);
		}
		operations[host_random(sizeof(operations) / sizeof(operations[0]))]((unsigned)host_random(SPACES));
		host_fail_after = SIZE_MAX;
		if (round % 16 == 0) {
			compare();
			drain_notifications(failing);
		}
	}
	compare();
	for (unsigned s = 0; s < SPACES; s++)
		world_task_end(tasks[s]);
	ipc_port_destroy(notify_port);
	for (int i = 0; i < ports_count; i++) {
		CHECK(!ipc_port_active(ports[i].port));
		ipc_port_release(ports[i].port);
	}
}

void test_rights(void)
{
	size_t before = world_kalloc_used();

	for (unsigned seed = 1; seed <= 12; seed++)
		one_run(seed, false);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("rights-follow-the-model");
	for (unsigned seed = 1; seed <= 12; seed++)
		one_run(seed, true);
	CHECK_EQUAL(world_kalloc_used(), before);
	world_check_accounts();
	host_report("rights-follow-the-model-when-memory-fails");
}
