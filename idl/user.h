/* The client's stubs of buffered routines. */
#ifndef IDL_USER_H
#define IDL_USER_H

#include "emit.h"

/* The head of the function that does the work: the client's, or of a procedure the inner one. */
void put_client_head(struct output *output, const struct routine *routine);
void put_message_client(struct output *output, const struct routine *routine);
void put_kernel_client(struct output *output, const struct routine *routine);

#endif
