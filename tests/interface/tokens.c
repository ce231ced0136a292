/* Security and audit tokens: set by the host's owner, inherited, and in the trailer of what a task sends. */
#include "test.h"

#include "token_calls_server.h"
#include "token_calls_user.h"

#include <mach/register.h>
#include <mach/server.h>
#include <string.h>

struct token_message {
	mach_msg_header_t header;
	uint64_t word[8];
	mach_msg_audit_trailer_t trailer; /* room for it behind the longest message */
};

static mach_port_t host_priv(void)
{
	mach_port_t port = MACH_PORT_NULL;

	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &port, &(mach_msg_type_name_t){0});
	return port;
}

/* The trailer of the next message, or null. */
static const mach_msg_audit_trailer_t *next(
	mach_port_t port, struct token_message *m, mach_msg_option_t option, mach_msg_size_t size)
{
	memset(m, 0xee, sizeof *m);
	if (mach_msg(&m->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT | option, 0, size, port, 5000, MACH_PORT_NULL))
		return NULL;
	return (const void *)((char *)m + m->header.msgh_size);
}

static bool has_tokens(const mach_msg_audit_trailer_t *trailer, uint32_t seed)
{
	bool same = trailer != NULL && trailer->msgh_trailer_size == sizeof *trailer;

	for (unsigned i = 0; same && i < 2; i++)
		same = trailer->msgh_sender.val[i] == (seed ? seed + i : 0);
	for (unsigned i = 0; same && i < 8; i++)
		same = trailer->msgh_audit.val[i] == (seed ? seed + 10 + i : 0);
	return same;
}

static kern_return_t set_tokens(mach_port_t host, mach_port_t task, uint32_t seed)
{
	security_token_t security;
	audit_token_t audit;

	for (unsigned i = 0; i < 2; i++)
		security.val[i] = seed ? seed + i : 0;
	for (unsigned i = 0; i < 8; i++)
		audit.val[i] = seed ? seed + 10 + i : 0;
	return host_security_set_task_token(host, task, security, audit);
}

/* A message, words one way, and a call that waits for ever. */
static void child_sends(uint64_t port)
{
	static mach_msg_header_t header;
	uint64_t word[8] = {7};

	header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
	header.msgh_size = sizeof header;
	header.msgh_remote_port = (mach_port_t)port;
	header.msgh_id = 90;
	mach_msg_trap(&header, MACH_SEND_MSG, sizeof header, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
	mach_send_words((mach_port_t)port, 91, word, 1);
	mach_call_words((mach_port_t)port, 92, word, 1);
	for (;;)
		nap(1000);
}

/* Waits until so many messages are queued. */
static bool arrived(mach_port_t port, unsigned count)
{
	mach_port_status_t status = {.mps_msgcount = 0};

	for (int i = 0; i < 1000 && status.mps_msgcount < count; i++) {
		nap(10);
		mach_port_get_receive_status(mach_task_self(), port, &status);
	}
	return status.mps_msgcount == count;
}

/* What the child sends, and the tokens that it had when it did; then it has others. */
static void from_child(mach_port_t port, uint32_t set, uint32_t expected)
{
	struct token_message m;
	struct child child;

	if (!child_create(&child, child_sends, port, port))
		return;
	if (set)
		check_is("the owner sets a task's tokens", set_tokens(host_priv(), child.task, set), KERN_SUCCESS);
	thread_resume(child.thread);
	check("a child sends two messages", arrived(port, 2));
	check_is("and changes them", set_tokens(host_priv(), child.task, 300), KERN_SUCCESS);
	check("a message has those of when it was sent",
		has_tokens(next(port, &m, MACH_RCV_TRAILER_TOKENS, sizeof m), expected));
	check_is("it is that message", m.header.msgh_id, 90);
	check("so have words that were sent", has_tokens(next(port, &m, MACH_RCV_TRAILER_TOKENS, sizeof m), expected));
	check_is("they are those words", m.header.msgh_id, 91);
	check("a call that waits has its task's present ones",
		has_tokens(next(port, &m, MACH_RCV_TRAILER_TOKENS, sizeof m), 300));
	check_is("it is that call", m.header.msgh_id, 92);
	mach_port_deallocate(mach_task_self(), m.header.msgh_remote_port);
	child_end(&child);
}

/* A wait that wants trailers: messages come as such, however short, and calls in registers. */
static void wait_for_trailers(mach_port_t port)
{
	struct mach_delivery d = {0};
	struct token_message m;
	uint64_t word = 17;
	struct child child;

	send_words(port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
	memset(&m, 0xee, sizeof m);
	check_is("a wait for messages with trailers",
		mach_reply_wait_words(port, REPLY_NONE | REPLY_TRAILERS, 0, &m, sizeof m, &d), KERN_SUCCESS);
	check("gets a short one in its buffer", (d.kind & DELIVERED_BUFFER) != 0 && DELIVERED_ID(d.kind) == 80);
	check("with the tokens behind it", m.header.msgh_size == sizeof m.header + 8 && m.word[0] == 17 &&
						   has_tokens((const void *)&m.word[1], 100));
	if (!child_create(&child, child_sends, port, port))
		return;
	thread_resume(child.thread);
	check("a child sends two messages", arrived(port, 2));
	for (int i = 0; i < 2; i++) {
		memset(&m, 0xee, sizeof m);
		mach_reply_wait_words(port, REPLY_NONE | REPLY_TRAILERS, 0, &m, sizeof m, &d);
		check_is("words that were sent come as a message", d.kind & DELIVERED_BUFFER, DELIVERED_BUFFER);
		check("with their sender's tokens",
			m.header.msgh_id == 90 + i && has_tokens((const void *)((char *)&m + m.header.msgh_size), 100));
	}
	check_is("a call", mach_reply_wait_words(port, REPLY_NONE | REPLY_TRAILERS, 0, &m, sizeof m, &d), KERN_SUCCESS);
	check("comes in registers", d.kind == (DELIVERED_CALL | 1 | 92ull << 32) && d.word[0] == 7);
	child_end(&child);
}

/* --- The same through generated stubs and the server loop. */

kern_return_t s_token_both(mach_port_t server, audit_token_t token, int a, unsigned *seen)
{
	(void)server;
	*seen = token.val[7] + (unsigned)a;
	return KERN_SUCCESS;
}

kern_return_t s_token_server(mach_port_t server, security_token_t token, mach_port_seqno_t number, unsigned sender_id,
	unsigned *seen, unsigned *sent, unsigned *order)
{
	(void)server;
	*seen = token.val[1];
	*sent = sender_id;
	*order = number;
	return KERN_SUCCESS;
}

static bool came_by_message;

kern_return_t s_token_none(mach_port_t server, int a, int *b)
{
	(void)server;
	came_by_message = mach_buffered_reply_ != MACH_PORT_NULL;
	*b = a + 1;
	return KERN_SUCCESS;
}

static void serve(uint64_t port)
{
	static const struct mig_subsystem *const served[] = {&token_calls_subsystem, NULL};

	mach_server_run((mach_port_t)port, served);
}

/* Our tokens are 100 and on. */
static void through_stubs(void)
{
	mach_port_t port = new_port();
	audit_token_t token = {{0}};
	unsigned seen = 0, sent = 0, order = 0;
	int b = 0;

	start_thread(serve, port);
	check_is("a routine by message with tokens", token_both(port, &token, 1000, &seen), KERN_SUCCESS);
	check_is("its server has the client's", seen, 1117);
	check_is("its client the server's", token.val[0], 110);
	check_is("a routine by registers beside it", token_none(port, 4, &b), KERN_SUCCESS);
	check_is("answers", b, 5);
	check("and is served by registers", !came_by_message);
	check_is("a short request has its trailer too", token_server(port, &seen, &sent, &order), KERN_SUCCESS);
	check_is("the security token", seen, 101);
	check("the sender's id", sent != 0);
	check_is("the third message of the port", order, 2);
	mach_port_destroy(mach_task_self(), port);
}

void test_tokens(void)
{
	mach_port_t port = new_port(), gone = MACH_PORT_NULL;
	uint64_t word = 1;
	struct token_message m;
	const mach_msg_audit_trailer_t *trailer;

	send_words(port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
	trailer = next(port, &m, MACH_RCV_TRAILER_TOKENS, sizeof m);
	check("a task of which nothing was said has zero tokens", has_tokens(trailer, 0));
	check_is("the sender's id must be asked for", trailer ? trailer->msgh_sender_id : 1, 0);
	check_is("only the host's owner sets tokens", set_tokens(mach_host_self(), mach_task_self(), 100),
		KERN_INVALID_HOST);
	check_is("and only of a task", set_tokens(host_priv(), port, 100), KERN_INVALID_ARGUMENT);
	from_child(port, 200, 200);
	check_is("our own tokens are set", set_tokens(host_priv(), mach_task_self(), 100), KERN_SUCCESS);
	from_child(port, 0, 100);

	send_words(port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
	trailer = next(port, &m, MACH_RCV_TRAILER_AUDIT, sizeof m);
	check("a task's own messages have its tokens", has_tokens(trailer, 100));
	check("and the id, on request", trailer != NULL && trailer->msgh_sender_id != 0);
	send_words(port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
	trailer = next(port, &m, 0, sizeof m);
	check_is("the trailer has no tokens unless asked for", trailer ? trailer->msgh_trailer_size : 0, 32);
	check_is("nothing is written behind it", trailer ? trailer->msgh_sender.val[0] : 0, 0xeeeeeeee);
	send_words(port, MACH_PORT_NULL, 80, &word, 1, 0, 0);
	trailer = next(port, &m, MACH_RCV_TRAILER_TOKENS, sizeof(mach_msg_header_t) + 8 + 40);
	check_is("a buffer that ends within the tokens gets what fits", trailer ? trailer->msgh_trailer_size : 0, 40);
	check_is("the security token", trailer ? trailer->msgh_sender.val[1] : 0, 101);
	check_is("and not a byte more", trailer ? trailer->msgh_audit.val[0] : 0, 0xeeeeeeee);

	mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &gone);
	mach_port_insert_right(mach_task_self(), gone, gone, MACH_MSG_TYPE_MAKE_SEND);
	mach_port_request_notification(mach_task_self(), gone, MACH_NOTIFY_DEAD_NAME, 1, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &(mach_port_t){0});
	mach_port_mod_refs(mach_task_self(), gone, MACH_PORT_RIGHT_RECEIVE, -1);
	trailer = next(port, &m, MACH_RCV_TRAILER_AUDIT, sizeof m);
	check("the kernel's messages have the kernel's token", trailer != NULL && trailer->msgh_sender.val[0] == 0 &&
								       trailer->msgh_sender.val[1] == 1 &&
								       trailer->msgh_sender_id == 0);
	wait_for_trailers(port);
	through_stubs();
	set_tokens(host_priv(), mach_task_self(), 0);
	mach_port_destroy(mach_task_self(), port);
}
