/* Calls and servers written by hand. */
#include "by_hand.h"

#include <mach/register.h>
#include <stdbool.h>
#include <string.h>

void hand_null_server(uint64_t name)
{
	struct mach_delivery d = {0};
	char buffer[256];
	uint32_t flags = REPLY_NONE;

	while (mach_reply_wait_words((mach_port_t)name, flags, 1, buffer, sizeof buffer, &d) == KERN_SUCCESS) {
		bool known = d.kind == (DELIVERED_CALL | (uint64_t)BENCH_ID << 32);

		flags = d.kind & DELIVERED_CALL ? 0 : REPLY_NONE;
		d.word[0] = (uint64_t)(int64_t)(known ? S_bench_null((mach_port_t)d.payload) : MIG_BAD_ID);
		/* The answer says nothing of what the caller must not see. */
		for (int i = 1; i < 8; i++)
			d.word[i] = 0;
	}
}

struct data_request {
	mach_msg_header_t head;
	NDR_record_t ndr;
	uint32_t count;
	char data[BENCH_DATA_MAX];
	uint32_t pad; /* data ends at a multiple of 8 */
};

struct right_request {
	mach_msg_header_t head;
	mach_msg_body_t body;
	mach_msg_port_descriptor_t right;
	NDR_record_t ndr;
	int number;
	uint32_t pad;
};

/* Of both. */
struct answer {
	mach_msg_header_t head;
	NDR_record_t ndr;
	kern_return_t result;
	int number;
};

static kern_return_t call(mach_msg_header_t *message, mach_msg_size_t room, mach_port_t server, mach_port_t reply,
	mach_msg_id_t id, mach_msg_bits_t complex, int *number)
{
	const struct answer *answer = (const void *)message;
	mach_msg_return_t result;

	message->msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND_ONCE) | complex;
	message->msgh_remote_port = server;
	message->msgh_local_port = reply;
	message->msgh_reserved = 0;
	message->msgh_id = id;
	result = mach_msg(message, MACH_SEND_MSG | MACH_RCV_MSG, message->msgh_size, room, reply, 0, MACH_PORT_NULL);
	if (result != MACH_MSG_SUCCESS)
		return result;
	if (message->msgh_id != id + 100 || (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0 ||
		message->msgh_size != sizeof *answer) {
		mach_msg_destroy(message);
		return MIG_TYPE_ERROR;
	}
	if (answer->result == KERN_SUCCESS)
		*number = answer->number;
	return answer->result;
}

kern_return_t hand_data(mach_port_t server, mach_port_t reply, const char *data, uint32_t count, int *sum)
{
	union {
		struct data_request request;
		char room[sizeof(struct answer) + MAX_TRAILER_SIZE];
	} m;
	uint32_t padded = (count + 4 + 7) & ~7u; /* with the count before it */

	if (count > BENCH_DATA_MAX)
		return MIG_ARRAY_TOO_LARGE;
	m.request.ndr = NDR_record;
	m.request.count = count;
	memcpy(m.request.data, data, count);
	memset(m.request.data + count, 0, padded - count - 4);
	m.request.head.msgh_size = (mach_msg_size_t)offsetof(struct data_request, count) + padded;
	return call(&m.request.head, sizeof m, server, reply, BENCH_ID + 1, 0, sum);
}

kern_return_t hand_right(mach_port_t server, mach_port_t reply, mach_port_t right, int number, int *next)
{
	union {
		struct right_request request;
		char room[sizeof(struct answer) + MAX_TRAILER_SIZE];
	} m;

	m.request.body = (mach_msg_body_t){1, 0};
	m.request.right = (mach_msg_port_descriptor_t){
		.name = right, .disposition = MACH_MSG_TYPE_COPY_SEND, .type = MACH_MSG_PORT_DESCRIPTOR};
	m.request.ndr = NDR_record;
	m.request.number = number;
	m.request.pad = 0;
	m.request.head.msgh_size = sizeof m.request;
	return call(&m.request.head, sizeof m, server, reply, BENCH_ID + 2, MACH_MSGH_BITS_COMPLEX, next);
}

/* The answer to a request, in its place. */
static void answer_request(mach_msg_header_t *message)
{
	struct answer *answer = (void *)message;
	struct data_request *data = (void *)message;
	struct right_request *right = (void *)message;
	kern_return_t result = MIG_BAD_ARGUMENTS;
	bool complex = (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;
	int number = 0;

	if (message->msgh_id == BENCH_ID + 1) {
		if (!complex && message->msgh_size >= offsetof(struct data_request, data) &&
			data->count <= BENCH_DATA_MAX &&
			message->msgh_size == offsetof(struct data_request, count) + ((data->count + 4 + 7) & ~7u))
			result = S_bench_data(message->msgh_local_port, data->data, data->count, &number);
	} else if (message->msgh_id == BENCH_ID + 2) {
		if (complex && message->msgh_size == sizeof *right && right->body.msgh_descriptor_count == 1 &&
			right->right.type == MACH_MSG_PORT_DESCRIPTOR &&
			right->right.disposition == MACH_MSG_TYPE_PORT_SEND)
			result = S_bench_right(message->msgh_local_port, right->right.name, right->number, &number);
	} else {
		result = MIG_BAD_ID;
	}
	message->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(message->msgh_bits), 0);
	message->msgh_local_port = MACH_PORT_NULL;
	message->msgh_size = sizeof *answer;
	message->msgh_reserved = 0;
	message->msgh_id += 100;
	answer->ndr = NDR_record;
	answer->result = result;
	answer->number = number;
}

void hand_message_server(uint64_t name)
{
	union {
		mach_msg_header_t head;
		char room[256];
	} m;
	mach_msg_return_t result = mach_msg(&m.head, MACH_RCV_MSG, 0, sizeof m, (mach_port_t)name, 0, MACH_PORT_NULL);

	while (result == MACH_MSG_SUCCESS) {
		answer_request(&m.head);
		result = mach_msg(&m.head, MACH_SEND_MSG | MACH_SEND_TIMEOUT | MACH_RCV_MSG, m.head.msgh_size, sizeof m,
			(mach_port_t)name, 0, MACH_PORT_NULL);
	}
}
