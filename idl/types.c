/* Building and naming types while an interface is read. */
#include "types.h"
#include "type_table.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* What a chain of types may count up to. */
#define DEPTH_MAX 32u

bool type_is_port_name(int ipc_name)
{
	return ipc_name == IPC_POLYMORPHIC || (ipc_name >= IPC_MOVE_RECEIVE && ipc_name <= IPC_MAKE_SEND_ONCE);
}

bool type_is_native(const struct type *type)
{
	return type->shape == SHAPE_POINTER || type->shape == SHAPE_VALUE || type->shape == SHAPE_OPTIONAL;
}

bool type_in_memory(const struct type *type)
{
	return type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED || type->shape == SHAPE_OOL_ARRAY;
}

uint64_t type_rights(const struct type *type)
{
	uint64_t count = 1;

	for (; type->shape == SHAPE_ARRAY || (type->shape == SHAPE_STRUCT && type->element != NULL);
		type = type->element)
		count *= type->count;
	return type->shape == SHAPE_PORT ? count : 0;
}

bool type_in_descriptors(const struct type *type)
{
	switch (type->shape) {
	case SHAPE_PORT:
	case SHAPE_UNBOUNDED:
	case SHAPE_OOL:
	case SHAPE_OOL_ARRAY:
		return true;
	case SHAPE_ARRAY:
	case SHAPE_VARRAY:
		return type_rights(type->element) != 0;
	case SHAPE_STRUCT:
		return type_rights(type) != 0;
	default:
		return false;
	}
}

uint64_t number_value(struct compiler *compiler, const struct loc *loc, const char *text)
{
	uint64_t value = 0;
	const char *p;

	for (p = text; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > UINT32_MAX) {
			error_at(compiler, loc, NULL, "the number is above 4294967295");
			return 1;
		}
	}
	if (*p != '\0') {
		error_at(compiler, loc, "numbers are decimal", "'%s' is not a number", text);
		return 1;
	}
	return value;
}

struct type *type_new(struct compiler *compiler, const struct loc *loc, enum shape shape)
{
	struct type *type = arena_alloc(&compiler->arena, sizeof *type);

	type->loc = *loc;
	type->shape = shape;
	type->align = 1;
	type->count = 1;
	return type;
}

static void set_bytes(struct type *type, unsigned bits)
{
	type->bytes = (bits + 7) / 8;
	type->align = type->bytes >= 8 ? 8 : type->bytes >= 4 ? 4 : type->bytes >= 2 ? 2 : 1;
}

struct type *type_of_ipc_name(struct compiler *compiler, const struct loc *loc, const struct ipc_name *ipc)
{
	struct type *type = type_new(compiler, loc, ipc->shape);

	type->send_name = ipc->send;
	type->recv_name = ipc->recv;
	set_bytes(type, ipc->bits);
	return type;
}

struct type *type_of_word(struct compiler *compiler, const struct word *word)
{
	const struct ipc_name *ipc;
	struct type *type;

	if (word->text == NULL) {
		type = type_new(
			compiler, &word->loc, word->number >= 16 && word->number <= 21 ? SHAPE_PORT : SHAPE_SCALAR);
		type->send_name = (int)(word->number & 0xff);
		type->recv_name = type->send_name;
		if (word->number > 255)
			error_at(compiler, &word->loc, NULL, "ipc numbers go up to 255");
		if (type->shape == SHAPE_PORT)
			set_bytes(type, 32);
		return type;
	}
	type = find_type(compiler, word->text);
	if (type != NULL)
		return type;
	ipc = find_ipc_name(word->text);
	if (ipc != NULL)
		return type_of_ipc_name(compiler, &word->loc, ipc);
	error_at(compiler, &word->loc, suggestion(compiler, word->text), "unknown type '%s'", word->text);
	return &compiler->error_type;
}

struct type *type_of_pair(struct compiler *compiler, const struct word *send, const struct word *receive)
{
	struct type *a = type_of_word(compiler, send);
	struct type *b = type_of_word(compiler, receive);
	struct type *type = type_new(compiler, &send->loc, a->shape);

	if (a->bad || b->bad)
		return &compiler->error_type;
	if ((a->shape != SHAPE_SCALAR && a->shape != SHAPE_PORT) || a->shape != b->shape) {
		error_at(compiler, &receive->loc, "both sides of '|' are rights, or both plain numbers",
			"a type cannot be sent as one kind and received as the other");
		return &compiler->error_type;
	}
	if (a->bytes != 0 && b->bytes != 0 && a->bytes != b->bytes)
		error_at(compiler, &receive->loc, NULL, "sent with %llu bytes but received with %llu",
			(unsigned long long)a->bytes, (unsigned long long)b->bytes);
	type->send_name = a->send_name;
	type->recv_name = b->recv_name;
	type->bytes = a->bytes != 0 ? a->bytes : b->bytes;
	type->align = a->bytes != 0 ? a->align : b->align;
	return type;
}

struct type *type_long_form(
	struct compiler *compiler, const struct loc *loc, struct type *base, uint64_t bits, unsigned flags)
{
	struct type *type;

	if (base->bad)
		return base;
	if (base->shape != SHAPE_SCALAR && base->shape != SHAPE_REAL && base->shape != SHAPE_PORT &&
		base->shape != SHAPE_STRING) {
		error_at(compiler, loc, NULL, "only a plain ipc type takes a size in bits");
		return &compiler->error_type;
	}
	type = type_new(compiler, loc, base->shape);
	type->send_name = base->send_name;
	type->recv_name = base->recv_name;
	type->dealloc = (flags & FLAG_DEALLOC) != 0;
	if (base->shape == SHAPE_STRING)
		return type_string(compiler, loc, bits / 8, false);
	if (base->shape == SHAPE_PORT) {
		set_bytes(type, 32);
		if (bits != 32 && bits != 64)
			error_at(compiler, loc, NULL, "a right has 32 bits");
		return type;
	}
	if (bits == 0 || bits >= 65536) {
		error_at(compiler, loc, NULL, "an element has 1 to 65535 bits, not %llu", (unsigned long long)bits);
		return &compiler->error_type;
	}
	set_bytes(type, (unsigned)bits);
	if (bits > 64 || (type->bytes & (type->bytes - 1)) != 0) {
		type->shape = SHAPE_STRUCT;
		type->align = 1;
	}
	return type;
}

/* Whether `element` may be repeated or pointed to; complains when not. */
static bool check_element(
	struct compiler *compiler, const struct loc *loc, const struct type *element, const char *what)
{
	if (element->bad)
		return false;
	if (element->depth >= DEPTH_MAX) {
		error_at(compiler, loc, NULL, "types are nested deeper than %u", DEPTH_MAX);
		return false;
	}
	switch (element->shape) {
	case SHAPE_VARRAY:
	case SHAPE_VSTRING:
	case SHAPE_UNBOUNDED:
	case SHAPE_OOL:
	case SHAPE_OOL_ARRAY:
		error_at(compiler, loc, "give the inner type a fixed size, or pass it as an argument of its own",
			"%s cannot be made of something whose length varies or that is out of line", what);
		return false;
	case SHAPE_POINTER:
	case SHAPE_VALUE:
	case SHAPE_OPTIONAL:
		error_at(compiler, loc, NULL, "%s cannot be made of a native C type", what);
		return false;
	default:
		break;
	}
	if (element->bytes == 0) {
		error_at(compiler, loc, "write (NAME, bits)", "%s cannot be made of a type that has no size", what);
		return false;
	}
	return true;
}

static bool check_count(struct compiler *compiler, const struct loc *loc, uint64_t count, const struct type *element)
{
	if (count == 0) {
		error_at(compiler, loc, NULL, "0 elements are no array or struct");
		return false;
	}
	if (count > UINT32_MAX / element->bytes) {
		error_at(compiler, loc, NULL, "%llu elements of %llu bytes are more than memory has",
			(unsigned long long)count, (unsigned long long)element->bytes);
		return false;
	}
	return true;
}

bool type_fits(struct compiler *compiler, const struct type *type)
{
	if (type->bad || type_in_memory(type) || type->bytes <= BYTES_MAX)
		return true;
	error_at(compiler, &type->loc, "pass it out of line: ^array[] of ...",
		"%llu bytes do not fit into a message (%u at most)", (unsigned long long)type->bytes, BYTES_MAX);
	return false;
}

/* A type of so many elements. */
static struct type *many_of(
	struct compiler *compiler, const struct loc *loc, enum shape shape, uint64_t count, struct type *element)
{
	struct type *type = type_new(compiler, loc, shape);

	type->element = element;
	type->count = count;
	type->bytes = count * element->bytes;
	type->align = element->align;
	type->send_name = element->send_name;
	type->recv_name = element->recv_name;
	type->dealloc = element->dealloc;
	type->depth = element->depth + 1;
	return type;
}

static struct type *repeat(struct compiler *compiler, const struct loc *loc, enum shape shape, uint64_t count,
	struct type *element, const char *what)
{
	struct type *type;

	if (!check_element(compiler, loc, element, what) || !check_count(compiler, loc, count, element))
		return &compiler->error_type;
	type = many_of(compiler, loc, shape, count, element);
	type->variable = shape == SHAPE_VARRAY;
	return type;
}

/* An array of pieces of memory, each with a descriptor. */
static struct type *memory_array(
	struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element, bool variable)
{
	struct type *type;

	if (!check_count(compiler, loc, count, element))
		return &compiler->error_type;
	type = many_of(compiler, loc, SHAPE_OOL_ARRAY, count, element);
	type->variable = variable;
	return type;
}

struct type *type_array(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element)
{
	if (!element->bad && (element->shape == SHAPE_OOL || element->shape == SHAPE_UNBOUNDED))
		return memory_array(compiler, loc, count, element, false);
	return repeat(compiler, loc, SHAPE_ARRAY, count, element, "an array");
}

struct type *type_varray(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element)
{
	if (!element->bad && (element->shape == SHAPE_OOL || element->shape == SHAPE_UNBOUNDED))
		return memory_array(compiler, loc, count, element, true);
	return repeat(compiler, loc, SHAPE_VARRAY, count, element, "an array");
}

static struct type *pointer_to(struct compiler *compiler, const struct loc *loc, enum shape shape, struct type *element)
{
	struct type *type;

	if (!check_element(compiler, loc, element, "an out-of-line array"))
		return &compiler->error_type;
	type = type_new(compiler, loc, shape);
	type->element = element;
	type->bytes = 8;
	type->align = 8;
	type->send_name = element->send_name;
	type->recv_name = element->recv_name;
	type->dealloc = element->dealloc;
	type->depth = element->depth + 1;
	type->variable = true;
	return type;
}

struct type *type_unbounded(struct compiler *compiler, const struct loc *loc, struct type *element)
{
	return pointer_to(compiler, loc, SHAPE_UNBOUNDED, element);
}

struct type *type_out_of_line(struct compiler *compiler, const struct loc *loc, struct type *element)
{
	struct type *type;
	uint64_t count = 1;
	uint64_t bound = 0;

	if (element->shape == SHAPE_UNBOUNDED && !element->bad) {
		type = type_new(compiler, loc, SHAPE_OOL);
		*type = *element;
		type->loc = *loc;
		type->name = NULL;
		type->shape = SHAPE_OOL;
		return type;
	}
	if (element->shape == SHAPE_ARRAY && !element->bad) {
		count = element->count;
		element = element->element;
	}
	if (element->shape == SHAPE_VARRAY && !element->bad) {
		bound = element->count;
		element = element->element;
	}
	type = pointer_to(compiler, loc, SHAPE_OOL, element);
	if (!type->bad) {
		type->variable = bound != 0;
		type->bound = bound;
		type->count = count;
	}
	return type;
}

struct type *type_struct(struct compiler *compiler, const struct loc *loc, uint64_t count, struct type *element)
{
	return repeat(compiler, loc, SHAPE_STRUCT, count, element, "a struct");
}

struct member *type_member(struct compiler *compiler, const struct loc *type_loc, const char *type, const char *name)
{
	struct member *member = arena_alloc(&compiler->arena, sizeof *member);
	struct word word = {.loc = *type_loc, .text = type};

	member->name = name;
	member->type = type_of_word(compiler, &word);
	return member;
}

struct type *type_members(struct compiler *compiler, const struct loc *loc, struct member *members)
{
	struct type *type = type_new(compiler, loc, SHAPE_STRUCT);
	struct member *member;

	type->members = members;
	type->count = 1;
	for (member = members; member != NULL; member = member->next) {
		struct type *part = member->type;

		if (!check_element(compiler, loc, part, "a struct"))
			return &compiler->error_type;
		if (type_rights(part) != 0) {
			error_at(compiler, loc, "pass rights as arguments of their own", "a struct cannot hold rights");
			return &compiler->error_type;
		}
		type->bytes = (type->bytes + part->align - 1) / part->align * part->align;
		member->offset = type->bytes;
		type->bytes += part->bytes;
		if (part->align > type->align)
			type->align = part->align;
		if (part->depth >= type->depth)
			type->depth = part->depth + 1;
		if (type->bytes > BYTES_MAX) {
			error_at(compiler, loc, NULL, "the struct does not fit into a message (%u bytes at most)",
				BYTES_MAX);
			return &compiler->error_type;
		}
	}
	type->bytes = (type->bytes + type->align - 1) / type->align * type->align;
	type->send_name = type->recv_name = 9;
	if (type->bytes == 0) {
		error_at(compiler, loc, NULL, "a struct without members");
		return &compiler->error_type;
	}
	return type;
}
