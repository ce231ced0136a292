/* mach_msg_overwrite, mach_msg_send, mach_msg_receive, mach_msg_server. */
#include "cases.h"

#include <string.h>

static unsigned served;

/* Answers the number that came, doubled; of others it knows nothing. */
static boolean_t doubles(mach_msg_header_t *in, mach_msg_header_t *out)
{
	struct words_message *request = (void *)in, *reply = (void *)out;

	*out = (mach_msg_header_t){
		.msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0),
		.msgh_size = sizeof(*out) + 8,
		.msgh_remote_port = in->msgh_remote_port,
		.msgh_id = in->msgh_id + 100,
	};
	served++;
	reply->word[0] = 2 * request->word[0];
	return TRUE;
}

static void message_to(struct words_message *m, mach_port_t port, mach_port_t reply, uint64_t word)
{
	*m = (struct words_message){
		.header = {.msgh_bits = MACH_MSGH_BITS(
				   MACH_MSG_TYPE_COPY_SEND, reply != MACH_PORT_NULL ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0),
			.msgh_size = sizeof(m->header) + 8,
			.msgh_remote_port = port,
			.msgh_local_port = reply,
			.msgh_id = 500},
		.word = {word},
	};
}

void test_messages_of_mach(void)
{
	mach_port_t port = new_port(), reply = new_port();
	struct words_message m, got = {0};

	message_to(&m, port, MACH_PORT_NULL, 11);
	CASE(mach_msg_overwrite,
		(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, m.header.msgh_size, sizeof(got), port, 0, MACH_PORT_NULL,
			&got.header, 0),
		MACH_MSG_SUCCESS, "sent from one buffer, received in another");
	check_is("mach_msg_overwrite: what was sent is there", got.word[0], 11);
	check_is("mach_msg_overwrite: and the first buffer as it was", m.header.msgh_remote_port, port);
	message_to(&m, NO_NAME, MACH_PORT_NULL, 11);
	CASE(mach_msg_overwrite,
		(&m.header, MACH_SEND_MSG | MACH_RCV_MSG, m.header.msgh_size, sizeof(got), port, 0, MACH_PORT_NULL,
			&got.header, 0),
		MACH_SEND_INVALID_DEST, "to nobody");
	CASE(mach_msg_overwrite,
		(NULL, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(got), port, 1, MACH_PORT_NULL, &got.header, 0),
		MACH_RCV_TIMED_OUT, "nothing comes");
	CASE(mach_msg, (&got.header, MACH_RCV_MSG, 0, sizeof(got), NO_NAME, 0, MACH_PORT_NULL), MACH_RCV_INVALID_NAME,
		"received where there is no port");
	CASE(mach_msg, (&got.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof(got), port, 0, MACH_PORT_NULL),
		MACH_RCV_TIMED_OUT, "nothing is there");
	message_to(&m, port, MACH_PORT_NULL, 12);
	CASE(mach_msg, (&m.header, MACH_SEND_MSG, 3, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL), MACH_SEND_MSG_TOO_SMALL,
		"shorter than a header");
	message_to(&m, MACH_PORT_NULL, MACH_PORT_NULL, 12);
	CASE(mach_msg, (&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
		MACH_SEND_INVALID_DEST, "to null");
	message_to(&m, port, NO_NAME, 12);
	CASE(mach_msg, (&m.header, MACH_SEND_MSG, m.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL),
		MACH_SEND_INVALID_REPLY, "with no reply port");
	message_to(&m, port, MACH_PORT_NULL, 12);
	CASE(mach_msg_send, (&m.header), MACH_MSG_SUCCESS, "a message");
	got.header.msgh_size = sizeof(got);
	got.header.msgh_local_port = port;
	CASE(mach_msg_receive, (&got.header), MACH_MSG_SUCCESS, "a message");
	check_is("mach_msg_receive: what was sent is there", got.word[0], 12);
	got.header.msgh_size = sizeof(got);
	got.header.msgh_local_port = NO_NAME;
	CASE(mach_msg_receive, (&got.header), MACH_RCV_INVALID_NAME, "where there is no port");

	message_to(&m, port, reply, 21);
	mach_msg_send(&m.header);
	CASE(mach_msg_server_once, (doubles, sizeof(m), port, 0), MACH_MSG_SUCCESS, "a request");
	check_is("mach_msg_server_once: the answer comes", receive_words(reply, &got, PATIENCE), MACH_MSG_SUCCESS);
	check_is("mach_msg_server_once: it is right", got.word[0], 42);
	message_to(&m, port, reply, 4);
	mach_msg_send(&m.header);
	mach_msg_send(&m.header);
	served = 0;
	CASE(mach_msg_server_timeout, (doubles, sizeof(m), port, 0, 1), MACH_RCV_TIMED_OUT, "until no more comes");
	check_is("mach_msg_server_timeout: both were served", served, 2);
	receive_words(reply, &got, PATIENCE);
	receive_words(reply, &got, PATIENCE);
	CASE(mach_msg_server, (doubles, sizeof(m), NO_NAME, 0), MACH_RCV_INVALID_NAME, "where there is no port");
	free_port(port);
	free_port(reply);
}
