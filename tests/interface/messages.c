/* Buffered messages: rights and out-of-line memory carried, replies, errors that leave nothing behind. */
#include "test.h"

#include <stdlib.h>
#include <string.h>

struct complex_message {
	mach_msg_header_t header;
	mach_msg_body_t body;
	union {
		mach_msg_port_descriptor_t port;
		mach_msg_ool_descriptor_t memory;
		mach_msg_ool_ports_descriptor_t ports;
	} d;
	mach_msg_trailer_t trailer;
};

static mach_msg_return_t send_complex(struct complex_message *m, mach_port_t to)
{
	m->header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0) | MACH_MSGH_BITS_COMPLEX;
	m->header.msgh_size = offsetof(struct complex_message, trailer);
	m->header.msgh_remote_port = to;
	m->header.msgh_local_port = MACH_PORT_NULL;
	m->header.msgh_id = 50;
	m->body.msgh_descriptor_count = 1;
	return mach_msg(&m->header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, m->header.msgh_size, 0, MACH_PORT_NULL, 100,
		MACH_PORT_NULL);
}

static mach_msg_return_t receive_complex(struct complex_message *m, mach_port_t from)
{
	memset(m, 0, sizeof *m);
	return mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *m, from, 100, MACH_PORT_NULL);
}

static void test_rights(void)
{
	mach_port_t self = mach_task_self();
	mach_port_t to = new_port(), carried = new_port(), named = new_port();
	struct complex_message m = {0};
	mach_port_t ports[3] = {carried, carried, MACH_PORT_NULL};
	uint64_t word = 5;
	struct words_message w;

	m.d.port = (mach_msg_port_descriptor_t){
		.name = carried, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
	check_is("a send right is copied into a message", send_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("the sender keeps its own", refs_of(carried, MACH_PORT_RIGHT_SEND), 1);
	check_is("the message is received", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check("it is complex", (m.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0);
	check_is("a right that the receiver has keeps its name", m.d.port.name, carried);
	check_is("with one reference more", refs_of(carried, MACH_PORT_RIGHT_SEND), 2);
	mach_port_deallocate(self, carried);

	m.d.port = (mach_msg_port_descriptor_t){
		.name = carried, .disposition = MACH_MSG_TYPE_MOVE_RECEIVE, .type = MACH_MSG_PORT_DESCRIPTOR};
	send_words(carried, MACH_PORT_NULL, 60, &word, 1, 0, 0);
	check_is("a receive right is moved into a message", send_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("only the send right is left", type_of(carried), MACH_PORT_TYPE_SEND);
	check_is("the message comes", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("the receive right is back under its name", type_of(carried), MACH_PORT_TYPE_SEND_RECEIVE);
	check_is("what was queued came along", receive_words(carried, &w, 100), MACH_MSG_SUCCESS);
	check_is("unharmed", w.word[0], 5);

	m.d.port = (mach_msg_port_descriptor_t){
		.name = named, .disposition = MACH_MSG_TYPE_MAKE_SEND_ONCE, .type = MACH_MSG_PORT_DESCRIPTOR};
	check_is("a send-once right is made into a message", send_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("the message with it comes", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("it has a name of its own", type_of(m.d.port.name), MACH_PORT_TYPE_SEND_ONCE);
	check_is("destroying it tells the port", mach_port_deallocate(self, m.d.port.name), KERN_SUCCESS);
	check_is("by a send-once notification", receive_words(named, &w, 100), MACH_MSG_SUCCESS);
	check_is("with its id", w.header.msgh_id, 71);

	m.d.ports = (mach_msg_ool_ports_descriptor_t){.address = ports,
		.disposition = MACH_MSG_TYPE_COPY_SEND,
		.count = 3,
		.type = MACH_MSG_OOL_PORTS_DESCRIPTOR};
	check_is("an array of rights is sent", send_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("and received", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("three of them", m.d.ports.count, 3);
	check("with the right names", memcmp(m.d.ports.address, ports, sizeof ports) == 0);
	check_is("and references", refs_of(carried, MACH_PORT_RIGHT_SEND), 3);
	mach_msg_destroy(&m.header);
	check_is("mach_msg_destroy gives all back", refs_of(carried, MACH_PORT_RIGHT_SEND), 1);

	m.d.port = (mach_msg_port_descriptor_t){
		.name = 0x7654321, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
	check_is("a wrong name in a message is refused", send_complex(&m, to), MACH_SEND_INVALID_RIGHT);
	m.d.port = (mach_msg_port_descriptor_t){.name = carried, .disposition = 99, .type = MACH_MSG_PORT_DESCRIPTOR};
	check("a wrong disposition is refused", send_complex(&m, to) != MACH_MSG_SUCCESS);
	m.d.port = (mach_msg_port_descriptor_t){.name = carried, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = 9};
	check_is("a wrong descriptor is refused", send_complex(&m, to), MACH_SEND_INVALID_TYPE);
	check_is("errors keep references as they were", refs_of(carried, MACH_PORT_RIGHT_SEND), 1);
	free_port(to);
	free_port(carried);
	free_port(named);
}

static void test_memory_in_messages(void)
{
	enum { SIZE = 300 * 1024 };
	mach_port_t self = mach_task_self();
	mach_port_t to = new_port();
	struct complex_message m = {0};
	vm_address_t data = 0;
	char *bytes, *got;
	bool same = true;

	vm_allocate(self, &data, SIZE, TRUE);
	bytes = (char *)data;
	for (int i = 0; i < SIZE; i++)
		bytes[i] = (char)(i * 7 / 5);
	/* Neither end on a page border. */
	m.d.memory = (mach_msg_ool_descriptor_t){.address = bytes + 100,
		.size = SIZE - 200,
		.copy = MACH_MSG_VIRTUAL_COPY,
		.type = MACH_MSG_OOL_DESCRIPTOR};
	check_is("out-of-line memory is sent", send_complex(&m, to), MACH_MSG_SUCCESS);
	memset(bytes, 1, SIZE);
	check_is("and received", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("with its size", m.d.memory.size, SIZE - 200);
	got = m.d.memory.address;
	for (int i = 0; i < SIZE - 200; i++)
		same = same && got[i] == (char)((i + 100) * 7 / 5);
	check("later writes of the sender do not show", same);
	got[5] = 42;
	check_is("the receiver's copy is its own", bytes[105], 1);
	mach_msg_destroy(&m.header);

	m.d.memory = (mach_msg_ool_descriptor_t){
		.address = bytes, .size = SIZE, .deallocate = 1, .type = MACH_MSG_OOL_DESCRIPTOR};
	check_is("memory is moved", send_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("the sender has lost it", task_copy_from(self, data, 1, &same, 0, NULL), KERN_INVALID_ADDRESS);
	check_is("moved memory is received", receive_complex(&m, to), MACH_MSG_SUCCESS);
	check_is("with its contents", ((char *)m.d.memory.address)[SIZE - 1], 1);
	mach_msg_destroy(&m.header);

	m.d.memory = (mach_msg_ool_descriptor_t){
		.address = (void *)0x123450000, .size = 8192, .type = MACH_MSG_OOL_DESCRIPTOR};
	check_is("memory that is not there is refused", send_complex(&m, to), MACH_SEND_INVALID_MEMORY);
	m.d.memory = (mach_msg_ool_descriptor_t){
		.address = (void *)0xffffffff80000000, .size = 8192, .type = MACH_MSG_OOL_DESCRIPTOR};
	check_is("the kernel's memory is refused", send_complex(&m, to), MACH_SEND_INVALID_MEMORY);
	free_port(to);
}

static void test_inline(void)
{
	static char big[64 * 1024];
	mach_port_t to = new_port();
	mach_msg_header_t *h = (mach_msg_header_t *)big;
	mach_msg_return_t result;

	for (unsigned i = sizeof *h; i < 40000; i++)
		big[i] = (char)i;
	*h = (mach_msg_header_t){.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0),
		.msgh_size = 40000,
		.msgh_remote_port = to,
		.msgh_id = 70};
	check_is("40,000 bytes inline are sent", mach_msg(h, MACH_SEND_MSG, 40000, 0, 0, 0, 0), MACH_MSG_SUCCESS);
	memset(big, 0, sizeof big);
	result = mach_msg(h, MACH_RCV_MSG | MACH_RCV_LARGE | MACH_RCV_TIMEOUT, 0, 1000, to, 100, 0);
	check_is("a buffer that is too small", result, MACH_RCV_TOO_LARGE);
	check("is told the size", h->msgh_size >= 40000);
	result = mach_msg(h, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof big, to, 100, 0);
	check_is("with LARGE the message stays", result, MACH_MSG_SUCCESS);
	check("its bytes are right", big[39999] == (char)39999 && big[24] == 24);
	h->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	h->msgh_remote_port = to;
	h->msgh_local_port = MACH_PORT_NULL;
	check_is("a message shorter than its header is refused", mach_msg(h, MACH_SEND_MSG, 8, 0, 0, 0, 0),
		MACH_SEND_MSG_TOO_SMALL);
	h->msgh_remote_port = MACH_PORT_NULL;
	h->msgh_size = 24;
	check_is("a null destination is refused", mach_msg(h, MACH_SEND_MSG, 24, 0, 0, 0, 0), MACH_SEND_INVALID_DEST);
	check_is("receiving from no port is refused", mach_msg(h, MACH_RCV_MSG, 0, sizeof big, 0x5555500, 0, 0),
		MACH_RCV_INVALID_NAME);
	free_port(to);
}

/* Sends after a while, so that the main thread is waiting by then. */
static void late_sender(uint64_t port)
{
	uint64_t word = 11;

	nap(50);
	send_words((mach_port_t)port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
}

static void late_killer(uint64_t port)
{
	nap(50);
	mach_port_mod_refs(mach_task_self(), (mach_port_t)port, MACH_PORT_RIGHT_RECEIVE, -1);
}

static void test_waiting(void)
{
	mach_port_t port = new_port();
	struct words_message m;

	start_thread(late_sender, port);
	check_is("a receiver that waits gets the message", receive_words(port, &m, PATIENCE), MACH_MSG_SUCCESS);
	check_is("and its word", m.word[0], 11);
	start_thread(late_killer, port);
	check_is("a receiver that waits hears that the port died", receive_words(port, &m, PATIENCE),
		MACH_RCV_PORT_DIED);
	mach_port_destroy(mach_task_self(), port);
}

/* A message whose size is no multiple of 8, both ways, after one that filled the same memory in the kernel. */
struct odd {
	mach_msg_header_t header;
	uint32_t body[16];
	char trailer[64];
};
enum { ODD_SIZE = sizeof(mach_msg_header_t) + 4, FULL_SIZE = sizeof(mach_msg_header_t) + 64 };

static void odd_server(uint64_t port)
{
	struct odd m;
	mach_msg_option_t send = 0;
	mach_msg_size_t size = 0;

	while (mach_msg(&m.header, send | MACH_RCV_MSG, size, sizeof m, (mach_port_t)port, 0, 0) == MACH_MSG_SUCCESS &&
		m.header.msgh_id != STOP_ID) {
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(m.header.msgh_bits), 0);
		m.header.msgh_local_port = MACH_PORT_NULL;
		size = m.header.msgh_size;
		send = MACH_SEND_MSG;
	}
}

static void test_padding(void)
{
	mach_port_t port = new_port(), reply = new_port();
	struct odd m;
	bool good = true;

	start_thread(odd_server, port);
	nap(20);
	for (int round = 0; round < 20 && good; round++) {
		mach_msg_size_t size = round % 2 ? ODD_SIZE : FULL_SIZE;

		memset(&m, 0xa5, sizeof m);
		m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE);
		m.header.msgh_remote_port = port;
		m.header.msgh_local_port = reply;
		m.header.msgh_id = 100;
		good = mach_msg(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, size, sizeof m, reply, 0, 0) ==
			       MACH_MSG_SUCCESS &&
		       m.header.msgh_size == size && m.body[0] == 0xa5a5a5a5 && (size == FULL_SIZE || m.body[1] == 0);
	}
	check("what follows a message up to a multiple of 8 is zero", good);
	send_words(port, MACH_PORT_NULL, STOP_ID, NULL, 0, 0, 0);
	mach_port_deallocate(mach_task_self(), port);
	free_port(reply);
}

void test_messages(void)
{
	test_inline();
	test_rights();
	test_memory_in_messages();
	test_waiting();
	test_padding();
}
