/* Statements of an interface: subsystem, routines, imports; and what follows for each routine. */
#ifndef IDL_ROUTINES_H
#define IDL_ROUTINES_H

#include "types.h"

void begin_subsystem(struct compiler *compiler, const struct loc *loc, const char *word);
void add_subsystem_word(struct compiler *compiler, const struct loc *loc, const char *word);
void end_subsystem(struct compiler *compiler, const struct loc *loc, uint64_t base);

struct argument *new_argument(struct compiler *compiler, const struct loc *loc, enum direction direction,
	const char *name, struct type *type, unsigned flags);
void add_routine(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments);
/* Without a result in C: errors go to the procedure that the error statement names. */
void add_procedure(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments);
void add_function(struct compiler *compiler, const struct loc *loc, const char *name, struct argument *arguments,
	struct type *result, const char *written);
void add_skip(struct compiler *compiler, const struct loc *loc, uint64_t count);
void add_import(struct compiler *compiler, enum import_kind kind, const char *file);

/* Once everything is read: works out each routine's path, words and messages. */
void finish_routines(struct compiler *compiler);

/* layout.c: decides between registers and buffers, and lays the messages out. */
void lay_out_routine(struct compiler *compiler, struct routine *routine);

#endif
