/* array[] in the servers of the four families. */
#ifndef IDL_INDEFINITE_H
#define IDL_INDEFINITE_H

#include "emit.h"

/* Whether the stub frees the memory of a request after the call: `auto`, or array[] in a family's server. */
bool stub_frees(const struct output *output, const struct item *item);
/* Layout: gives each out array[] of GNU's and CMU's servers its room behind the reply. */
void make_room(const struct compiler *compiler, struct routine *routine);
/* Before the call: the argument, which has room, is that, all of it. */
void put_room(struct output *output, const struct routine *routine, const struct argument *argument);
/* When the descriptor is filled: no more than the room is sent from there, and it is not deallocated. */
void put_room_descriptor(struct output *output, const struct routine *routine, const struct item *item);

#endif
