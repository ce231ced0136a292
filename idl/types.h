/* Building and naming types while an interface is read. */
#ifndef IDL_TYPES_H
#define IDL_TYPES_H

#include "compiler.h"

/* A word where a type may stand: a type's or ipc name, or an ipc number. */
struct word {
	struct loc loc;
	const char *text; /* null: a number */
	uint64_t number;
};

enum translation_kind {
	TR_CTYPE,
	TR_CUSERTYPE,
	TR_CSERVERTYPE,
	TR_INTRAN,
	TR_OUTTRAN,
	TR_DESTRUCTOR,
	TR_INTRANPAYLOAD,
	TR_INTRANERROR
};

struct translation {
	struct translation *next;
	struct loc loc;
	enum translation_kind kind;
	const char *type; /* the type, or the result of the function */
	const char *function;
	const char *argument; /* type that the function takes */
};

/* What may be inline, in bytes. */
#define BYTES_MAX (1u << 20)

/* A type of one element, without a name yet. */
struct type *type_new(struct compiler *compiler, const struct loc *loc, enum shape shape);
/* The value of a decimal number; complains when it is not one or exceeds 2^32 - 1. */
uint64_t number_value(struct compiler *compiler, const struct loc *loc, const char *text);

struct type *type_of_word(struct compiler *compiler, const struct word *word);
struct type *type_of_pair(struct compiler *compiler, const struct word *send, const struct word *receive);
/* GNU's and CMU's (name, bits, flags). */
struct type *type_long_form(
	struct compiler *compiler, const struct loc *loc, struct type *base, uint64_t bits, unsigned flags);
struct type *type_array(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element);
struct type *type_varray(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element);
struct type *type_unbounded(struct compiler *compiler, const struct loc *loc, struct type *element);
struct type *type_out_of_line(struct compiler *compiler, const struct loc *loc, struct type *element);
struct type *type_struct(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element);
struct type *type_members(struct compiler *compiler, const struct loc *loc, struct member *members);
struct type *type_string(struct compiler *compiler, const struct loc *loc, uint64_t count, bool variable);
struct type *type_native(struct compiler *compiler, const struct loc *loc, const char *c_type, bool pointer);
struct type *type_optional(struct compiler *compiler, const struct loc *loc, const char *c_type, const char *absent);
struct member *type_member(struct compiler *compiler, const struct loc *type_loc, const char *type, const char *name);

/* The named type that a `type` statement or an argument's `NAME = spec` makes of a specification. */
struct type *type_named(struct compiler *compiler, const struct loc *loc, const char *name, struct type *spec,
	struct translation *translations);
/* Enters it into the table. */
void type_define(struct compiler *compiler, struct type *type);
void types_init(struct compiler *compiler);

/* Where a name is in the compiler's tables. */
unsigned bucket_of(const char *name);

bool type_is_port_name(int ipc_name);
/* Whether only C knows how many bytes it has: PointerTo and its like. */
bool type_is_native(const struct type *type);
/* The bytes of an array's element, and whether a type travels in descriptors. */
/* Out of line, or an array of such. */
bool type_in_memory(const struct type *type);
/* Rights in one value of the type: 1, or those of an array, else 0. */
uint64_t type_rights(const struct type *type);
bool type_in_descriptors(const struct type *type);
/* Whether a message can have it, unless it is out of line; complains when not. */
bool type_fits(struct compiler *compiler, const struct type *type);
/* The names of ipc numbers, for listings. */
const char *ipc_name_text(int number);

#endif
