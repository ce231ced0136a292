/* Ports, rights and messages on the host, so that both halves of generated code run in one process. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <mach/boolean.h>
#include <mach/mig.h>
#include <mach/mig_support.h>
#include <stdbool.h>

#define LB_HOST 1

/* How register routines are called: by words, or as a message with words in it. */
extern bool lb_force_messages;
/* Serves requests in place of the port's subsystem, unless it is null: a server loop of the test's own. */
extern boolean_t (*lb_demux)(mach_msg_header_t *in, mach_msg_header_t *out);
/* Set when a message carried a byte that nobody wrote (they are painted LB_PAINT). */
extern unsigned lb_dirty_bytes;
#define LB_PAINT 0xa5

/* Called with the server's request (after translation) and the reply (before it): tests spoil messages here. */
extern void (*lb_spoil_request)(mach_msg_header_t *message);
extern void (*lb_spoil_reply)(mach_msg_header_t *message);
/* Called with the server's request before that, and with the client's reply, which may be another afterwards (malloc).
 */
extern void (*lb_see_request)(const mach_msg_header_t *message);
extern void (*lb_spoil_received)(mach_msg_header_t **message);
/* Makes the next send fail with this, unless it is 0. */
extern mach_msg_return_t lb_fail_send;
/* What the trailer says of client and server, and what the server's loop asks the kernel for. */
extern security_token_t lb_client_security, lb_server_security;
extern audit_token_t lb_client_audit, lb_server_audit;
extern mach_msg_option_t lb_server_option;
/* What the client asks for and does not get. */
extern mach_msg_option_t lb_withheld_option;
extern mach_msg_option_t lb_last_option;
extern mach_msg_timeout_t lb_last_timeout;
extern mach_msg_size_t lb_last_request_size, lb_last_reply_size;
extern mach_msg_id_t lb_last_id;
extern mach_port_t lb_last_reply_port;
extern bool lb_last_by_words;
/* How the last request's memory was to be copied. */
extern mach_msg_copy_options_t lb_last_copy;

/* A new port with its receive right; served by `subsystem` when not null. `payload` 0: none. */
mach_port_t lb_port(const struct mig_subsystem *subsystem, uint64_t payload);
/* A further send right to the port behind any right. */
mach_port_t lb_send_right(mach_port_t name);
mach_port_t lb_send_once_right(mach_port_t name);
/* The port behind a right, 0 when the name is dead; and what right it is: MACH_PORT_RIGHT_*. */
unsigned lb_object(mach_port_t name);
int lb_right(mach_port_t name);

/* What stubs have allocated for messages: pieces now, and the next is refused. */
extern unsigned lb_rooms;
extern bool lb_no_room;
/* Rights and regions of memory alive; the regions' bytes. */
unsigned lb_rights(void);
unsigned lb_regions(void);
uint64_t lb_memory(void);
/* Of send rights, each is a right of its own here. */
static inline unsigned lb_references(void)
{
	return lb_rights();
}
/* What a client gets whose right to reply is dropped: nobody tells it. */
#define LB_DROPPED MACH_RCV_TIMED_OUT
/* By how much the sequence numbers of two requests differ, one after the other. */
#define LB_SEQNO_STEP 0
/* Writes LB_PAINT over the stack below the caller. */
void lb_paint(void);

kern_return_t mach_port_deallocate(mach_port_t task, mach_port_t name);

/* Drops a right, whichever it is. */
static inline kern_return_t lb_drop(mach_port_t name)
{
	return mach_port_deallocate(0, name);
}

/* The right is to the port, which is our own. */
static inline bool lb_same(mach_port_t right, mach_port_t port)
{
	return lb_object(right) != 0 && lb_object(right) == lb_object(port);
}

/* calls.h: client and server are one program. */
void calls_in_server(int what);
static inline void lb_in_server(int what)
{
	calls_in_server(what);
}
static inline void lb_ask(void)
{
}

#endif
