/* Arguments that come with the trailer of a message. */
#ifndef IDL_TRAILER_H
#define IDL_TRAILER_H

#include "emit.h"

/* mach_msg's option that makes the kernel send what this side of the routine wants; null: the usual trailer will do. */
const char *trailer_option(const struct routine *routine, bool server);
/* The type of the trailer that it then is. */
const char *trailer_type(const struct routine *routine, bool server);
/* The variable that points to the trailer, and the server's variables for what is no integer. */
void put_trailer_variables(struct output *output, const struct routine *routine);
/* Finds the trailer behind the message. If it has not all that is wanted, a two-way routine's server answers
 * MIG_TRAILER_ERROR, anyone else goes to `label`. */
void put_trailer_check(struct output *output, const struct routine *routine, const char *label);
/* Copies what is no integer into the server's variables, and everything to where the client wants it. */
void put_trailer_values(struct output *output, const struct routine *routine);
/* What the work function gets. */
const char *trailer_value(struct output *output, const struct argument *argument);

#endif
