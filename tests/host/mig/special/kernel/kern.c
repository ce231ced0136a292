/* Calls the kernel's stubs with messages as the kernel builds them, and looks at what they take and leave. */
#include "kern_types.h"
#include "kern_server.h"
#include "kern_user.h"

#include <ipc/ipc.h>
#include <kern/tokens.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

const NDR_record_t NDR_record = {.int_rep = 1};

struct thing {
	int references;
};

static struct thing a_thing;
static struct ipc_port thing_port, a_port, b_port, reply_port;
static struct vm_map_copy a_copy;
static struct ipc_port *port_array[] = {&a_port, &b_port};
static struct ipc_kmsg in, out, sent;
static kern_return_t result;
static struct ipc_port *sent_to;
static mach_msg_type_name_t sent_as;
static uint64_t sent_words[8];
static unsigned sent_count;
static mach_msg_id_t sent_id;
static bool no_memory;
static unsigned allocations;
static bool bad;

static void check_true(bool ok, const char *what, int line)
{
	if (!ok) {
		printf("  line %d: %s\n", line, what);
		bad = true;
	}
}

#define CHECK(condition) check_true(condition, #condition, __LINE__)

thing_t thing_of_port(ipc_port_t port)
{
	a_thing.references += port == &thing_port;
	return port == &thing_port ? &a_thing : NULL;
}

ipc_port_t port_of_thing(thing_t thing)
{
	return thing == &a_thing ? &thing_port : NULL;
}

void thing_release(thing_t thing)
{
	if (thing != NULL)
		thing->references--;
}

struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, unsigned descriptors)
{
	allocations++;
	if (no_memory)
		return NULL;
	memset(&sent, 0, sizeof sent);
	sent.header.msgh_size = size;
	sent.descriptors = descriptors;
	return &sent;
}

void ipc_kmsg_put_port(struct ipc_kmsg *kmsg, unsigned i, struct ipc_port *port, mach_msg_type_name_t disposition)
{
	kmsg->carry[i] =
		(struct ipc_carry){.type = MACH_MSG_PORT_DESCRIPTOR, .port = port, .disposition = (uint8_t)disposition};
}

void ipc_kmsg_put_copy(struct ipc_kmsg *kmsg, unsigned i, vm_map_copy_t copy, uint64_t size)
{
	kmsg->carry[i] = (struct ipc_carry){.type = MACH_MSG_OOL_DESCRIPTOR, .copy = copy, .size = size};
}

void ipc_kmsg_put_ports(
	struct ipc_kmsg *kmsg, unsigned i, struct ipc_port **ports, unsigned count, mach_msg_type_name_t disposition)
{
	kmsg->carry[i] = (struct ipc_carry){.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
		.ports = ports,
		.count = count,
		.disposition = (uint8_t)disposition};
}

mach_msg_return_t ipc_kmsg_send_from_kernel(
	struct ipc_kmsg *kmsg, struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_option_t option)
{
	CHECK(kmsg == &sent && option == MACH_MSG_OPTION_NONE);
	sent_to = port;
	sent_as = disposition;
	return MACH_MSG_SUCCESS;
}

mach_msg_return_t ipc_send_words_from_kernel(struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_id_t id,
	const uint64_t *words, unsigned count)
{
	sent_to = port;
	sent_as = disposition;
	sent_id = id;
	sent_count = count;
	memcpy(sent_words, words, sizeof sent_words);
	return MACH_MSG_SUCCESS;
}

/* --- Work functions: `result` says how they end. */

kern_return_t add(thing_t thing, int a, int b, int *sum)
{
	CHECK(thing == &a_thing);
	*sum = a + b;
	return result;
}

kern_return_t pass(thing_t thing, ipc_port_t right, vm_map_copy_t data, mach_msg_type_number_t dataCnt, thing_t other,
	ipc_port_t *back, thing_t *made, vm_map_copy_t *copy, mach_msg_type_number_t *copyCnt)
{
	CHECK(thing == &a_thing && right == &a_port && data == &a_copy && dataCnt == 100 && other == &a_thing);
	*back = right;
	*made = &a_thing;
	*copy = data;
	*copyCnt = dataCnt;
	return result;
}

kern_return_t ports(thing_t thing, ipc_port_array_t in_ports, mach_msg_type_number_t in_portsCnt, const char *name,
	ipc_port_array_t *out_ports, mach_msg_type_number_t *out_portsCnt, int *length)
{
	(void)thing;
	CHECK(in_ports == port_array && in_portsCnt == 2 && strcmp(name, "seven c") == 0);
	*out_ports = in_ports;
	*out_portsCnt = in_portsCnt;
	*length = (int)strlen(name);
	return result;
}

kern_return_t wait(thing_t thing, ipc_port_t right)
{
	(void)thing;
	CHECK(right == &a_port);
	return result;
}

kern_return_t note(thing_t thing, vm_map_copy_t data, mach_msg_type_number_t dataCnt, int how)
{
	(void)thing;
	CHECK(data == &a_copy && dataCnt == 4);
	return how;
}

kern_return_t tokens(
	thing_t thing, security_token_t who, audit_token_t token, int number, int64_t word, int sender_id, int *sum)
{
	(void)thing;
	*sum = (int)who.val[1] + (int)token.val[7] + number + (int)word + sender_id;
	return result;
}

kern_return_t arrays(thing_t thing, vm_map_copy_t *copies, mach_msg_type_number_t *copiesSubs,
	mach_msg_type_number_t *copiesCnt, ipc_port_array_t *lists, mach_msg_type_number_t *listsSubs, pair_t *pairs,
	mach_msg_type_number_t *pairsCnt)
{
	(void)thing;
	CHECK(*copiesCnt == 1 && copies[0] == &a_copy && copiesSubs[0] == 100);
	CHECK(lists[0] == port_array && listsSubs[0] == 2 && lists[1] == NULL && listsSubs[1] == 0);
	CHECK(*pairsCnt == 1 && pairs[0][0] == &a_port && pairs[0][1] == &b_port);
	/* One more of memory, no right at all, and the lists change places. */
	copies[1] = copies[0];
	copiesSubs[1] = 50;
	*copiesCnt = 2;
	lists[1] = port_array;
	listsSubs[1] = 2;
	listsSubs[0] = 0;
	lists[0] = NULL;
	*pairsCnt = 0;
	return result;
}

/* --- Requests as the kernel's copyin leaves them. */

static void request(mach_msg_id_t id, unsigned descriptors, mach_msg_size_t data)
{
	memset(&in, 0, sizeof in);
	memset(&out, 0xa5, sizeof out);
	memset(out.carry, 0, sizeof out.carry);
	in.remote_port = &thing_port;
	in.local_port = &reply_port;
	in.descriptors = descriptors;
	in.header.msgh_bits = descriptors != 0 ? MACH_MSGH_BITS_COMPLEX : 0;
	in.header.msgh_id = id;
	in.header.msgh_size = (mach_msg_size_t)(24 + (descriptors != 0 ? 8 + 16 * descriptors : 0)) + data;
	memcpy(in.body, &descriptors, sizeof descriptors);
}

static mach_msg_descriptor_t *descriptor(unsigned i)
{
	return (mach_msg_descriptor_t *)(void *)(in.body + 8) + i;
}

static void carry(unsigned i, struct ipc_carry what)
{
	in.carry[i] = what;
	descriptor(i)->type.type = what.type;
}

/* How the kernel finds the stub: in Portolan's table, unless the test is built to ask a family's. */
#ifndef TABLE
#define TABLE kern_subsystem
#endif
#ifndef SERVE
#define SERVE(in, out) TABLE.routine[(in)->header.msgh_id - TABLE.start].message(in, out)
#else
/* A family's table serves register routines as messages too. */
#define WORDS_BY_MESSAGE
#endif

static kern_return_t serve(void)
{
	mig_reply_error_t *reply = ipc_kmsg_header(&out);

	a_thing.references = 0;
	SERVE(&in, &out);
	CHECK(a_thing.references == 0);
	return (out.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0 ? KERN_SUCCESS : reply->RetCode;
}

static void request_pass(void)
{
	request(6501, 3, 0);
	carry(0, (struct ipc_carry){
			 .type = MACH_MSG_PORT_DESCRIPTOR, .port = &a_port, .disposition = MACH_MSG_TYPE_PORT_SEND});
	carry(1, (struct ipc_carry){.type = MACH_MSG_OOL_DESCRIPTOR, .copy = &a_copy, .size = 100});
	carry(2,
		(struct ipc_carry){
			.type = MACH_MSG_PORT_DESCRIPTOR, .port = &thing_port, .disposition = MACH_MSG_TYPE_PORT_SEND});
}

static void test_words(void)
{
	const struct mig_routine *add = &TABLE.routine[0];
	uint64_t word[8] = {2, (uint64_t)-5, 99, 99, 99, 99, 99, 99};
	const uint64_t answer[8] = {0, (uint64_t)-3};

	CHECK(add->request_words == 2 && add->reply_words == 2);
	result = KERN_SUCCESS;
	CHECK(add->words(word, (uintptr_t)&thing_port) == KERN_SUCCESS);
	CHECK(mig_answer(add, KERN_SUCCESS, word) == 2 && memcmp(word, answer, sizeof word) == 0);
	word[0] = 2;
	word[1] = 3;
	result = KERN_RESTART;
	CHECK(add->words(word, (uintptr_t)&thing_port) == KERN_RESTART && word[0] == 2 && word[1] == 3);
	result = KERN_NO_SPACE;
	CHECK(add->words(word, (uintptr_t)&thing_port) == KERN_NO_SPACE && word[0] == 2 && word[1] == 3);
	CHECK(mig_answer(add, KERN_NO_SPACE, word) == 1 && word[0] == KERN_NO_SPACE && word[1] == 0);
	CHECK(a_thing.references == 0);
}

#ifdef WORDS_BY_MESSAGE
static void test_words_in_a_message(void)
{
	int64_t words[2] = {2, -5};

	request(6500, 0, 0);
	in.header.msgh_bits = 0;
	in.header.msgh_size = 24 + sizeof words;
	memcpy(in.body, words, sizeof words);
	in.remote_port = &thing_port;
	result = KERN_SUCCESS;
	SERVE(&in, &out);
	memcpy(words, out.body, sizeof words);
	CHECK(out.header.msgh_size == 40 && out.header.msgh_id == 6600 && words[0] == KERN_SUCCESS && words[1] == -3);
	result = KERN_RESTART;
	SERVE(&in, &out);
	CHECK(((mig_reply_error_t *)(void *)&out.header)->RetCode == KERN_RESTART);
	in.header.msgh_size += 4;
	SERVE(&in, &out);
	memcpy(words, out.body, sizeof words);
	CHECK(out.header.msgh_size == 32 && words[0] == MIG_BAD_ARGUMENTS);
}
#endif

static void test_success_consumes(void)
{
	request_pass();
	result = KERN_SUCCESS;
	CHECK(serve() == KERN_SUCCESS);
	CHECK(in.carry[0].port == NULL && in.carry[1].copy == NULL && in.carry[2].port == &thing_port);
	CHECK(out.carry[0].port == &a_port && out.carry[0].disposition == MACH_MSG_TYPE_MOVE_SEND);
	CHECK(out.carry[1].port == &thing_port && out.carry[2].copy == &a_copy && out.carry[2].size == 100);
	CHECK(out.header.msgh_id == 6601 && out.header.msgh_size == 24 + 8 + 48);
}

static void test_failure_leaves(void)
{
	request_pass();
	result = KERN_FAILURE;
	CHECK(serve() == KERN_FAILURE);
	CHECK(in.carry[0].port == &a_port && in.carry[1].copy == &a_copy && out.carry[0].port == NULL);
	result = KERN_RESTART;
	CHECK(serve() == KERN_RESTART);
	CHECK(in.carry[0].port == &a_port && in.carry[1].copy == &a_copy);
	result = KERN_SUCCESS;
	CHECK(serve() == KERN_SUCCESS && in.carry[0].port == NULL);
}

static void test_arrays_of_rights(void)
{
	uint32_t length = 8;

	request(6502, 1, 8 + 16);
	carry(0, (struct ipc_carry){.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
			 .ports = port_array,
			 .count = 2,
			 .disposition = MACH_MSG_TYPE_PORT_SEND});
	memcpy(in.body + 8 + 16 + 8, &length, 4);
	memcpy(in.body + 8 + 16 + 12, "seven c", 8);
	result = KERN_SUCCESS;
	CHECK(serve() == KERN_SUCCESS);
	CHECK(in.carry[0].ports == NULL && out.carry[0].ports == port_array && out.carry[0].count == 2);
	in.carry[0].ports = port_array;
	in.carry[0].disposition = MACH_MSG_TYPE_PORT_SEND_ONCE;
	CHECK(serve() == MIG_BAD_ARGUMENTS && in.carry[0].ports == port_array);
}

static void request_arrays(void)
{
	static struct ipc_port *const ports[] = {&a_port, &b_port, NULL, NULL};
	uint32_t one = 1;

	request(6506, 8, 8 + 8);
	carry(0, (struct ipc_carry){.type = MACH_MSG_OOL_DESCRIPTOR, .copy = &a_copy, .size = 100});
	carry(1, (struct ipc_carry){.type = MACH_MSG_OOL_DESCRIPTOR});
	for (unsigned i = 0; i < 2; i++)
		carry(2 + i, (struct ipc_carry){.type = MACH_MSG_OOL_PORTS_DESCRIPTOR,
				     .ports = i == 0 ? port_array : NULL,
				     .count = i == 0 ? 2 : 0,
				     .disposition = MACH_MSG_TYPE_PORT_SEND});
	for (unsigned i = 0; i < 4; i++)
		carry(4 + i, (struct ipc_carry){.type = MACH_MSG_PORT_DESCRIPTOR,
				     .port = ports[i],
				     .disposition = MACH_MSG_TYPE_PORT_SEND});
	memcpy(in.body + 8 + 8 * 16 + 8, &one, 4);
	memcpy(in.body + 8 + 8 * 16 + 12, &one, 4);
}

static void test_arrays_of_memory(void)
{
	request_arrays();
	result = KERN_SUCCESS;
	CHECK(serve() == KERN_SUCCESS);
	CHECK(in.carry[0].copy == NULL && in.carry[2].ports == NULL && in.carry[4].port == NULL &&
		in.carry[5].port == NULL);
	CHECK(out.carry[0].size == 100 && out.carry[1].copy == &a_copy && out.carry[1].size == 50);
	CHECK(out.carry[2].ports == NULL && out.carry[2].count == 0 && out.carry[3].ports == port_array &&
		out.carry[3].count == 2);
	for (unsigned i = 4; i < 8; i++)
		CHECK(out.carry[i].port == NULL && out.carry[i].type == MACH_MSG_PORT_DESCRIPTOR);
	request_arrays();
	result = KERN_FAILURE;
	CHECK(serve() == KERN_FAILURE && in.carry[0].copy == &a_copy && in.carry[5].port == &b_port);
	/* More than is counted. */
	for (unsigned i = 0; i < 2; i++) {
		request_arrays();
		memset(in.body + 8 + 8 * 16 + 8 + 4 * i, 0, 4);
		CHECK(serve() == MIG_BAD_ARGUMENTS && in.carry[0].copy == &a_copy && in.carry[4].port == &a_port);
	}
	result = KERN_SUCCESS;
}

static void test_wrong_requests(void)
{
	request_pass();
	in.header.msgh_size += 8;
	CHECK(serve() == MIG_BAD_ARGUMENTS);
	request_pass();
	carry(1, (struct ipc_carry){
			 .type = MACH_MSG_PORT_DESCRIPTOR, .port = &b_port, .disposition = MACH_MSG_TYPE_PORT_SEND});
	CHECK(serve() == MIG_BAD_ARGUMENTS && in.carry[0].port == &a_port && in.carry[1].port == &b_port);
	request(6501, 0, 0);
	CHECK(serve() == MIG_BAD_ARGUMENTS);
}

static void test_one_way_served(void)
{
	int how = KERN_SUCCESS;
	int i;

	for (i = 0; i < 3; i++) {
		how = i == 0 ? KERN_SUCCESS : i == 1 ? KERN_FAILURE : KERN_RESTART;
		request(6504, 1, 16);
		carry(0, (struct ipc_carry){.type = MACH_MSG_OOL_DESCRIPTOR, .copy = &a_copy, .size = 4});
		memcpy(in.body + 8 + 16 + 8, &how, 4);
		CHECK(serve() == (i == 0 ? MIG_NO_REPLY : how));
		CHECK(in.carry[0].copy == (i == 0 ? NULL : &a_copy));
	}
}

static void test_tokens(void)
{
	struct task_tokens held = {.security = {{0, 1000}}, .audit = {{0, 0, 0, 0, 0, 0, 0, 20000}}};
	int sum;

	request(6505, 0, 0);
	in.seqno = 1;
	in.payload = 20;
	in.sender_id = 300;
	in.tokens = &held;
	result = KERN_SUCCESS;
	CHECK(serve() == KERN_SUCCESS);
	memcpy(&sum, out.body + 12, sizeof sum);
	CHECK(sum == 21321);
	in.tokens = NULL;
	CHECK(serve() == KERN_SUCCESS);
	memcpy(&sum, out.body + 12, sizeof sum);
	CHECK(sum == 321);
}

static void test_sent_words(void)
{
	CHECK(tell(&a_port, -2) == MACH_MSG_SUCCESS);
	CHECK(sent_to == &a_port && sent_as == MACH_MSG_TYPE_COPY_SEND && sent_id == 6501 && sent_count == 1);
	CHECK(sent_words[0] == (uint64_t)-2 && sent_words[1] == 0);
	CHECK(tell_once(&b_port, 5) == MACH_MSG_SUCCESS && sent_to == &b_port &&
		sent_as == MACH_MSG_TYPE_MOVE_SEND_ONCE);
}

static void test_sent_messages(void)
{
	copies_t copies = {&a_copy, &a_copy};
	mach_msg_type_number_t sizes[2] = {3, 7};

	CHECK(give(&a_port, &b_port, &a_copy, 33, "a text", 12) == MACH_MSG_SUCCESS);
	CHECK(sent_to == &a_port && sent.header.msgh_id == 6503 && sent.descriptors == 2);
	CHECK(sent.carry[0].port == &b_port && sent.carry[0].disposition == MACH_MSG_TYPE_MOVE_SEND);
	CHECK(sent.carry[1].copy == &a_copy && sent.carry[1].size == 33);
	/* Header, body, two descriptors, NDR, count and text to a multiple of 8, number. */
	CHECK(sent.header.msgh_size == 24 + 8 + 32 + 8 + 16 + 8 &&
		(sent.header.msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0);
	CHECK(ask(&a_port, &reply_port, 3, &b_port) == MACH_MSG_SUCCESS);
	CHECK(sent.local_port == &reply_port &&
		MACH_MSGH_BITS_LOCAL(sent.header.msgh_bits) == MACH_MSG_TYPE_MOVE_SEND_ONCE);
	CHECK(give_lists(&a_port, copies, sizes, 2, 12) == MACH_MSG_SUCCESS && sent.descriptors == 2);
	CHECK(sent.carry[1].copy == &a_copy && sent.carry[1].size == 28 && sent.carry[0].size == 12);
	/* What does not fit is refused before there is a message. */
	allocations = 0;
	CHECK(give_lists(&a_port, copies, sizes, 3, 12) == MIG_ARRAY_TOO_LARGE && allocations == 0);
	no_memory = true;
	CHECK(give(&a_port, &b_port, &a_copy, 33, "a text", 12) == MACH_SEND_NO_BUFFER);
	no_memory = false;
}

static void run(const char *name, void (*test)(void))
{
	bad = false;
	test();
	printf("%s mig kernel stubs: %s\n", bad ? "FAIL" : "PASS", name);
}

int main(void)
{
	run("words, restart", test_words);
#ifdef WORDS_BY_MESSAGE
	run("words in a message", test_words_in_a_message);
#endif
	run("success consumes what was untranslated", test_success_consumes);
	run("failure and restart leave everything", test_failure_leaves);
	run("arrays of rights", test_arrays_of_rights);
	run("arrays of memory", test_arrays_of_memory);
	run("wrong requests", test_wrong_requests);
	run("one-way routines", test_one_way_served);
	run("tokens and the rest of the trailer", test_tokens);
	run("words sent by the kernel", test_sent_words);
	run("messages sent by the kernel", test_sent_messages);
	return 0;
}
