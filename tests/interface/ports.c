/* Port rights: names, references, sets, dead names, notifications, limits. */
#include "test.h"

#include <string.h>

/* A notification as it arrives: the fields of mach/notify.defs after NDR or as a word. */
static mach_msg_return_t next_notification(mach_port_t from, mach_msg_id_t *id)
{
	struct {
		mach_msg_header_t header;
		char body[128];
	} m;
	mach_msg_return_t result =
		mach_msg(&m.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof m, from, 500, MACH_PORT_NULL);

	*id = result == MACH_MSG_SUCCESS ? m.header.msgh_id : -1;
	if (result == MACH_MSG_SUCCESS)
		mach_msg_destroy(&m.header);
	return result;
}

static void ask(mach_port_t name, mach_msg_id_t what, uint32_t sync, mach_port_t to, const char *title)
{
	mach_port_t previous = MACH_PORT_NULL;

	check_is(
		title, mach_port_request_notification(mach_task_self(), name, what, sync, to, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous), KERN_SUCCESS);
	check_is("no notification was asked for before", previous, MACH_PORT_NULL);
}

static void test_rights(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t port = MACH_PORT_NULL, set = MACH_PORT_NULL;

	check_is(
		"a receive right is allocated", mach_port_allocate(self, MACH_PORT_RIGHT_RECEIVE, &port), KERN_SUCCESS);
	check("its name is a name", MACH_PORT_VALID(port));
	check_is("its type is receive", type_of(port), MACH_PORT_TYPE_RECEIVE);
	check_is("a send right is made", mach_port_insert_right(self, port, port, MACH_MSG_TYPE_MAKE_SEND),
		KERN_SUCCESS);
	check_is("both rights have one name", type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
	check_is("one user reference", refs_of(port, MACH_PORT_RIGHT_SEND), 1);
	check_is("references can be added", mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, 5), KERN_SUCCESS);
	check_is("six user references", refs_of(port, MACH_PORT_RIGHT_SEND), 6);
	check_is("no more than there are can be taken", mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -7),
		KERN_INVALID_VALUE);
	check_is("six can be taken", mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -6), KERN_SUCCESS);
	check_is("receive is left", type_of(port), MACH_PORT_TYPE_RECEIVE);
	check_is("a set is allocated", mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set), KERN_SUCCESS);
	check_is("a port joins the set", mach_port_move_member(self, port, set), KERN_SUCCESS);
	check_is("a set is no member", mach_port_move_member(self, set, set) != KERN_SUCCESS, 1);
	check_is("a port leaves the set", mach_port_move_member(self, port, MACH_PORT_NULL), KERN_SUCCESS);
	check_is("a port that is in no set cannot leave", mach_port_move_member(self, port, MACH_PORT_NULL),
		KERN_NOT_IN_SET);
	check_is("the port is destroyed", mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1), KERN_SUCCESS);
	check_is("its name is gone", type_of(port), 0);
	check_is("the set is destroyed", mach_port_mod_refs(self, set, MACH_PORT_RIGHT_PORT_SET, -1), KERN_SUCCESS);
	check_is("a stale name is refused", mach_port_deallocate(self, port), KERN_INVALID_NAME);
	check_is("an unknown kind of right is refused", mach_port_allocate(self, 77, &port), KERN_INVALID_VALUE);
}

static void test_dead_names(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t port = new_port(), watch = new_port();
	mach_msg_id_t id;

	ask(port, MACH_NOTIFY_DEAD_NAME, 0, watch, "a dead-name notification is asked for");
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1);
	check("the send right is a dead name", (type_of(port) & MACH_PORT_TYPE_DEAD_NAME) != 0);
	check_is("the notification comes", next_notification(watch, &id), MACH_MSG_SUCCESS);
	check_is("it says dead name", id, MACH_NOTIFY_DEAD_NAME);
	check_is("it holds a reference to the name", refs_of(port, MACH_PORT_RIGHT_DEAD_NAME), 2);
	check_is("sending to a dead name fails", send_words(port, MACH_PORT_NULL, 1, NULL, 0, 0, 0),
		MACH_SEND_INVALID_DEST);
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_DEAD_NAME, -2);
	check_is("the dead name goes with its last reference", type_of(port), 0);
	free_port(watch);
}

static void test_no_senders(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t port = new_port(), watch = new_port(), previous = MACH_PORT_NULL;
	mach_msg_id_t id;

	ask(port, MACH_NOTIFY_NO_SENDERS, 1, watch, "a no-senders notification is asked for");
	check_is("it does not come while there is a sender", next_notification(watch, &id), MACH_RCV_TIMED_OUT);
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -1);
	check_is("it comes when the last send right goes", next_notification(watch, &id), MACH_MSG_SUCCESS);
	check_is("it says no senders", id, MACH_NOTIFY_NO_SENDERS);
	check_is("asked for when there is no sender",
		mach_port_request_notification(self, port, MACH_NOTIFY_NO_SENDERS, 0, watch, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous), KERN_SUCCESS);
	check_is("it comes at once", next_notification(watch, &id), MACH_MSG_SUCCESS);
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_RECEIVE, -1);
	free_port(watch);
}

static void test_limits(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t port = new_port();
	struct words_message m;
	uint64_t word = 0;
	mach_port_status_t status;

	check_is("a queue's limit is set", mach_port_set_qlimit(self, port, 3), KERN_SUCCESS);
	for (word = 0; word < 3; word++)
		check_is("a message is queued", send_words(port, MACH_PORT_NULL, 10, &word, 1, MACH_SEND_TIMEOUT, 0),
			MACH_MSG_SUCCESS);
	check_is("a full queue times out", send_words(port, MACH_PORT_NULL, 10, &word, 1, MACH_SEND_TIMEOUT, 20),
		MACH_SEND_TIMED_OUT);
	check_is("the status is told", mach_port_get_receive_status(self, port, &status), KERN_SUCCESS);
	check_is("three messages wait", status.mps_msgcount, 3);
	check_is("the limit is three", status.mps_qlimit, 3);
	for (word = 0; word < 3; word++) {
		check_is("a message is received", receive_words(port, &m, 100), MACH_MSG_SUCCESS);
		check_is("in the order of sending", m.word[0], word);
		check_is("numbered in order", ((mach_msg_trailer_t *)&m.word[1])->msgh_seqno, word);
	}
	check_is("an empty queue times out", receive_words(port, &m, 20), MACH_RCV_TIMED_OUT);
	check_is("a payload is set", mach_port_set_protected_payload(self, port, 0x1122334455667788), KERN_SUCCESS);
	send_words(port, MACH_PORT_NULL, 10, &word, 1, 0, 0);
	check_is("a message to the port with a payload comes", receive_words(port, &m, 100), MACH_MSG_SUCCESS);
	/* The trailer follows the one word that was sent. */
	check_is("the trailer has the payload", ((mach_msg_trailer_t *)&m.word[1])->msgh_payload, 0x1122334455667788);
	free_port(port);
}

/* Who found no room hears of it when the limit is raised, though nothing is received. */
static void test_room_by_limit(void)
{
	mach_port_t self = mach_task_self(), port = new_port(), watch = new_port();
	mach_msg_header_t header = {.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0), .msgh_remote_port = port};
	mach_msg_id_t id = 0;

	mach_port_set_qlimit(self, port, 0);
	check_is("a sender without room asks to be told of some",
		mach_msg(&header, MACH_SEND_MSG | MACH_SEND_NOTIFY, sizeof header, 0, MACH_PORT_NULL, 0, watch),
		MACH_SEND_WILL_NOTIFY);
	check_is("the limit is raised", mach_port_set_qlimit(self, port, 1), KERN_SUCCESS);
	check_is("that is told", next_notification(watch, &id), MACH_MSG_SUCCESS);
	check_is("as a send-possible notification", id, MACH_NOTIFY_SEND_POSSIBLE);
	free_port(port);
	free_port(watch);
}

static void test_sets(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t set = MACH_PORT_NULL, a = new_port(), b = new_port();
	struct words_message m;
	uint64_t word = 7;

	mach_port_allocate(self, MACH_PORT_RIGHT_PORT_SET, &set);
	mach_port_move_member(self, a, set);
	mach_port_move_member(self, b, set);
	send_words(b, MACH_PORT_NULL, 20, &word, 1, 0, 0);
	check_is("a set receives from its members", receive_words(set, &m, 100), MACH_MSG_SUCCESS);
	check_is("the message says by which member it came", m.header.msgh_local_port, b);
	check_is("a member itself can be received from as well", receive_words(a, &m, 20), MACH_RCV_TIMED_OUT);
	send_words(a, MACH_PORT_NULL, 21, &word, 1, 0, 0);
	check_is("the other member", receive_words(set, &m, 100), MACH_MSG_SUCCESS);
	check_is("and its message", m.header.msgh_id, 21);
	mach_port_mod_refs(self, set, MACH_PORT_RIGHT_PORT_SET, -1);
	check_is("members outlive their set", receive_words(a, &m, 20), MACH_RCV_TIMED_OUT);
	free_port(a);
	free_port(b);
}

void test_ports(void)
{
	test_rights();
	test_dead_names();
	test_no_senders();
	test_limits();
	test_room_by_limit();
	test_sets();
}
