/* Strings, and types that only C knows: PointerTo, ValueOf, PointerToIfNot. */
#include "types.h"

struct type *type_string(struct compiler *compiler, const struct loc *loc, uint64_t count, bool variable)
{
	struct type *type = type_new(compiler, loc, variable ? SHAPE_VSTRING : SHAPE_STRING);

	if (count == 0 || count > BYTES_MAX) {
		error_at(compiler, loc, "the length counts the null byte at the end", "a string holds 1 to %u bytes",
			BYTES_MAX);
		return &compiler->error_type;
	}
	type->count = count;
	type->bytes = count;
	type->variable = variable;
	type->send_name = type->recv_name = 12;
	return type;
}

struct type *type_native(struct compiler *compiler, const struct loc *loc, const char *c_type, bool pointer)
{
	struct type *type = type_new(compiler, loc, pointer ? SHAPE_POINTER : SHAPE_VALUE);

	type->c_type = c_type;
	type->bytes = 8; /* only the C compiler knows */
	type->align = 8;
	type->send_name = type->recv_name = 9;
	return type;
}

struct type *type_optional(struct compiler *compiler, const struct loc *loc, const char *c_type, const char *absent)
{
	struct type *type = type_native(compiler, loc, c_type, true);

	type->shape = SHAPE_OPTIONAL;
	type->absent = absent;
	return type;
}
