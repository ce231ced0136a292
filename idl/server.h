/* The two kinds of server stubs. */
#ifndef IDL_SERVER_H
#define IDL_SERVER_H

#include "emit.h"

/* words_stub.c: from words to the work function and back. */
void put_words_stub(struct output *output, const struct routine *routine);
void put_foreign_stub(struct output *output, const struct routine *routine);
/* message_stub.c: from a message to the work function and back. */
void put_message_stub(struct output *output, const struct routine *routine);

/* Locals that hold what the work function gives and takes when that is not in the message itself. */
void put_destructors(struct output *output, const struct routine *routine);
/* The translated request port, or the port itself. */
const char *request_port_value(struct output *output, const struct routine *routine, bool words);

#endif
