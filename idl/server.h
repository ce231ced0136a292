/* The two kinds of server stubs. */
#ifndef IDL_SERVER_H
#define IDL_SERVER_H

#include "emit.h"

/* words_stub.c: from words to the work function and back. */
void put_words_stub(struct output *output, const struct routine *routine);
void put_foreign_stub(struct output *output, const struct routine *routine);
/* message_stub.c: from a message to the work function and back. */
void put_message_stub(struct output *output, const struct routine *routine);

/* message_call.c: what an argument is in a message, its count aside; null when it is not there. */
const struct item *find_item(const struct message *message, const struct argument *argument);
/* The value of an in argument as it stands in the request. */
const char *request_value(struct output *output, const struct item *item);
/* Calls the work function with what the request has, and room for what goes into the reply. */
void put_message_call(struct output *output, const struct routine *routine);

/* reply_stub.c: fills the reply of a buffered routine from its variables and locals. */
void put_reply(struct output *output, const struct routine *routine);
/* Whether the work function's out argument is a variable of the stub's, not a field of the reply. */
bool is_local(const struct item *item);

/* Locals that hold what the work function gives and takes when that is not in the message itself. */
void put_destructors(struct output *output, const struct routine *routine);
/* Before the call of the work function, in its place if an argument is translated to null that must not be. */
void put_refusals(struct output *output, const struct routine *routine);
/* The translated request port, or the port itself. */
const char *request_port_value(struct output *output, const struct routine *routine, bool words);

#endif
