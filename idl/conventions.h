/* What each family's callers expect of headers and server files, besides the stubs. */
#ifndef IDL_CONVENTIONS_H
#define IDL_CONVENTIONS_H

#include "emit.h"

/* Whether some family's conventions are kept; and whether Apple's or OSF's. */
bool has_conventions(const struct output *output);
bool like_apple(const struct output *output);
/* What the two messages of a server's function are: mach_msg_header_t; mig_message_t in the kernel. */
const char *message_type(const struct output *output);

/* conventions.c: parts of server files. A table of functions by id; the function that looks into it. */
void put_function_table(struct output *output, const char *linkage);
void put_routine_of_message(struct output *output, const char *linkage, const char *parameter, const char *entry);
/* SUBSYSTEM_server, by that function. */
void put_convention_demux(struct output *output);

/* conventions_gnu.c: GNU's, and CMU's, from which they come. */
void put_gnu_header(struct output *output);
void put_gnu_server(struct output *output);
void put_cmu_header(struct output *output);
void put_cmu_server(struct output *output);

/* conventions_apple.c: Apple's and OSF's. */
void put_apple_header(struct output *output);
void put_apple_server(struct output *output);

#endif
