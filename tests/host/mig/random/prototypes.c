/* What generated functions look like in C, by dialect. It is said here again, so that the compiler finds a difference.
 */
#include "generate.h"

#include <string.h>

/* Arrays that only go in are const in two dialects. */
static const char *constant(const struct argument *a, bool by_value)
{
	const bool families = g.dialect == PORTOLAN || g.dialect == GNU;

	switch (a->shape) {
	case ARRAY:
	case VARRAY:
	case STRING:
	case VSTRING:
		return by_value && families ? "const " : "";
	case UNBOUNDED:
		return by_value && (g.dialect == GNU) ? "const " : "";
	case POINTER:
	case OPTIONAL:
		return by_value && (a->flags & CONST) != 0 ? "const " : "";
	default:
		return "";
	}
}

static void value_parameter(FILE *file, const struct argument *a, bool client, bool by_value)
{
	const char *star = by_value ? "" : "*";
	const char *e = a->shape == SPECIAL                         ? a->special->type
			: a->shape == STRING || a->shape == VSTRING ? "char"
								    : a->element->name;

	switch (a->shape) {
	case SPECIAL:
		fprintf(file, ", %s %s%s", strcmp(e, "reply_t") == 0 ? "mach_port_t" : e, star, a->name);
		break;
	case ONE:
	case VALUE:
		fprintf(file, ", %s%s %s%s", !client && a->element->translated ? "seen_" : "", e, star, a->name);
		break;
	case POINTER:
	case OPTIONAL:
	case ARRAY:
	case VARRAY:
	case STRING:
	case VSTRING:
		fprintf(file, ", %s%s *%s", constant(a, by_value), e, a->name);
		break;
	case MEMORY:
	case UNBOUNDED:
	case FIXED_MEMORY:
		fprintf(file, ", %s%s *%s%s", constant(a, by_value), e, star, a->name);
		break;
	case MEMORIES:
	case SOME_MEMORIES:
		fprintf(file, ", %s *%s*%s", e, by_value && (g.dialect == PORTOLAN || g.dialect == GNU) ? "const " : "",
			a->name);
		break;
	}
}

static void parameter(FILE *file, const struct argument *a, bool client)
{
	const bool by_value = a->shape == SPECIAL ? !client || a->special->given != NULL : !comes_out(a);
	const char *star = by_value ? "" : "*";

	if (a->shape == SPECIAL && (a->special->sides & (client ? ON_CLIENT : ON_SERVER)) == 0)
		return;
	value_parameter(file, a, client, by_value);
	if (a->shape == SPECIAL)
		return;
	if (has_poly(a, client))
		fprintf(file, ", mach_msg_type_name_t %s%sPoly", star, a->name);
	if (has_pieces(a) && !a->fixed_pieces)
		fprintf(file, ", %smach_msg_type_number_t *%sSubs",
			by_value && (g.dialect == PORTOLAN || g.dialect == GNU) ? "const " : "", a->name);
	if (has_count(a))
		fprintf(file, ", mach_msg_type_number_t %s%sCnt", star, a->name);
	if ((a->flags & DEALLOC_ARG) != 0 && (client ? goes_in(a) : comes_out(a)))
		fprintf(file, ", boolean_t %s%sDealloc", client ? "" : star, a->name);
	if (!client && (a->flags & SERVERCOPY) != 0)
		fprintf(file, ", boolean_t %sSCopy", a->name);
}

static void port_parameter(FILE *file, const struct routine *routine, bool client)
{
	static const char *const types[] = {"mach_port_t", "seen_port_t", "mach_port_t"};

	fprintf(file, ", %s port", client ? "mach_port_t" : types[routine->request_port_kind]);
	if (routine->request_port_kind == 2)
		fprintf(file, ", mach_msg_type_name_t portPoly");
}

void put_parameters(FILE *file, const struct routine *routine, bool client)
{
	char *list = NULL;
	size_t size = 0;
	FILE *parameters = open_memstream(&list, &size);

	for (unsigned i = 0; i <= routine->arguments; i++) {
		if (i == routine->request_port)
			port_parameter(parameters, routine, client);
		if (i < routine->arguments)
			parameter(parameters, &routine->argument[i], client);
	}
	fclose(parameters);
	fprintf(file, "%s", list + 2);
}

const char *c_result(const struct routine *routine, bool client)
{
	if (routine->kind == FUNCTION)
		return text("%s%s", !client && routine->value->translated ? "seen_" : "", routine->value->name);
	return routine->kind == PROCEDURE || routine->kind == SIMPLE_PROCEDURE ? "void" : "kern_return_t";
}
