/* The client of a random interface: a function for each routine, which calls it and looks at what came back. */
#include "generate.h"

#include <string.h>

#define C(...) fprintf(g.client, __VA_ARGS__)

/* The number of elements or pieces, before the call and after it. */
static const char *count_of(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];

	return varies(a)       ? text("%sCnt", routine->argument[a->owner].name)
	       : has_pieces(a) ? text("%u", a->pieces)
			       : text("%u", a->shape == ARRAY ? a->count : 1);
}

/* Whether too little room for an answer is found out: in arrays with a bound, and memory that is copied to the
 * client's. */
static bool room_matters(const struct routine *routine, unsigned owner)
{
	for (unsigned i = owner; i < routine->arguments; i++) {
		const struct argument *a = &routine->argument[i];

		if (a->owner == owner && varies(a) &&
			(is_overwritten(a) || (a->direction == OUT && routine->argument[owner].bounded)))
			return true;
	}
	return false;
}

unsigned possible_fates(const struct routine *routine)
{
	unsigned fates = g.guest ? 0 : 1 << 2;

	if (routine->kind == ROUTINE || routine->kind == SIMPLE || routine->kind == REPLY)
		fates |= 1 << 1;
	for (unsigned i = 0; i < routine->arguments; i++) {
		const struct argument *a = &routine->argument[i];

		if (goes_in(a) && ((has_count(a) && a->bounded) || a->shape == STRING || a->shape == VSTRING))
			fates |= 1 << 3;
		if (has_count(a) && a->direction == OUT && room_matters(routine, i))
			fates |= 1 << 4;
	}
	return fates;
}

static void put_memory(const struct routine *routine, unsigned i, const char *name, unsigned side)
{
	const struct argument *a = &routine->argument[i];

	C("\tconst struct memory %s%s = {&l_%s, %u, %u, %s, %s};\n", a->name, name, a->element->name, a->count,
		a->shape == FIXED_MEMORY || a->fixed_pieces ? a->count : 0, moves(routine, i, side),
		sent_as(routine, i, side));
}

static void put_count(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;

	C("\tmach_msg_type_number_t %sCnt = ", n);
	if (goes_in(a))
		C(a->bounded ? "in_count(&c, %u, %u);\n" : "count_of(c.routine, %u, GOES_IN, %u);\n", i, a->limit);
	else if (may_fit(a) && !room_matters(routine, i))
		C("count_of(c.routine, %u, ROOM, %u);\n", i, a->limit);
	else
		C("room_of(c.fate, c.routine, %u, %u);\n", i, a->limit);
	C("\tconst mach_msg_type_number_t %sCntWas = %sCnt;\n\t(void)%sCntWas;\n", n, n, n);
}

static void special_variable(const struct argument *a)
{
	if ((a->special->sides & ON_CLIENT) == 0)
		return;
	if (a->special->given != NULL)
		C("\t%s %s = %s;\n", strcmp(a->special->type, "reply_t") == 0 ? "mach_port_t" : a->special->type,
			a->name, a->special->given);
	else
		C("\t%s %s;\n\tmemset(&%s, 0x5f, sizeof %s);\n", a->special->type, a->name, a->name, a->name);
}

static void pieces_variable(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const char *count = count_of(routine, i);
	const char *room =
		a->direction == INOUT ? text("(%s > %u ? %s : %u)", count, a->pieces, count, a->pieces) : count;

	C("\t%s **%s = exactly(%s * sizeof *%s);\n", a->element->name, n, room, n);
	C("\tmach_msg_type_number_t *%sSubs = exactly(%s * sizeof *%sSubs);\n", n, room, n);
	if (goes_in(a)) {
		C("\t%s **%sWas = exactly(%s * sizeof *%s);\n", a->element->name, n, count, n);
		C("\tmach_msg_type_number_t *%sSubsWas = exactly(%s * sizeof *%sSubs);\n", n, count, n);
		if (!a->fixed_pieces)
			C("\tpiece_counts(%sSubs, %s, &%sIn, %u, %u, GOES_IN);\n", n, count, n, routine->number, i);
		C("\twrite_memory(%s, %sSubs, %s, &%sIn, %u, %u, GOES_IN);\n", n, n, count, n, routine->number, i);
		C("\tmemcpy(%sWas, %s, %s * sizeof *%s);\n", n, n, count, n);
		C("\tmemcpy(%sSubsWas, %sSubs, %s * sizeof *%sSubs);\n", n, n, count, n);
	}
}

static void memory_variable(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;

	C("\t%s *%s;\n", a->element->name, n);
	if (goes_in(a))
		C("\twrite_memory(&%s, %s%s, 1, &%sIn, %u, %u, GOES_IN);\n", n, varies(a) ? "&" : "",
			varies(a) ? count_of(routine, i) : "NULL", n, routine->number, i);
	else if (is_overwritten(a) || may_fit(a))
		C("\t%s = exactly(%s * sizeof *%s);\n", n, varies(a) ? count_of(routine, i) : text("%u", a->count), n);
	else
		C("\t%s = (void *)&wrong;\n", n);
	C("\tvoid *%sWas = %s;\n", n, n);
}

static void plain_variable(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const char *e = a->element->name;
	const char *side = goes_in(a) ? "GOES_IN" : "UNTOUCHED";
	const bool array = a->shape == ARRAY || a->shape == VARRAY;
	const char *room = count_of(routine, i);

	if (a->shape == VARRAY && a->direction == INOUT)
		room = text("(%s > %u ? %s : %u)", room, a->count, room, a->count);
	C(array ? "\t%s *%s = exactly(%s * sizeof *%s);\n" : "\t%s %s%s;\n", e, n,
		array                  ? room
		: a->shape == OPTIONAL ? "Room"
				       : "",
		n);
	if (a->flags & RETCODE) {
		C("\t%s = c.fate == FAILS ? error_of(%u) : KERN_SUCCESS;\n", n, routine->number);
		return;
	}
	if (a->shape == OPTIONAL)
		C("\t%s *%s = null_of(%u, %u, GOES_IN, 0) ? NULL : &%sRoom;\n", e, n, routine->number, i, n);
	C("\twrite_content(%s%s%s, &l_%s, %s, %s, %u, %u, %s);\n", array ? "" : "&", n,
		a->shape == OPTIONAL ? "Room" : "", e, count_of(routine, i), sent_as(routine, i, 0), routine->number, i,
		side);
	if (a->element->rights != 0 && goes_in(a)) {
		C("\t%s *%sWas = exactly(%s * sizeof *%sWas);\n", e, n, count_of(routine, i), n);
		C("\tmemcpy(%sWas, %s%s, %s * sizeof *%sWas);\n", n, array ? "" : "&", n, count_of(routine, i), n);
	}
}

static void put_variable(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;

	if (a->shape == SPECIAL) {
		special_variable(a);
		return;
	}
	if (has_count(a))
		put_count(routine, i);
	if (in_memory(a) && goes_in(a))
		put_memory(routine, i, "In", 0);
	if (in_memory(a) && comes_out(a))
		put_memory(routine, i, "Out", 1);
	if (has_poly(a, true))
		C("\tmach_msg_type_name_t %sPoly = %s;\n", n, goes_in(a) ? sent_as(routine, i, 0) : "0");
	if ((a->flags & DEALLOC_ARG) != 0 && goes_in(a))
		C("\tconst boolean_t %sDealloc = %s;\n", n, moves(routine, i, 0));
	if (has_pieces(a)) {
		pieces_variable(routine, i);
	} else if (in_memory(a)) {
		memory_variable(routine, i);
	} else if (a->shape == STRING || a->shape == VSTRING) {
		C("\tchar *%s = exactly(%u%s);\n", n, a->count, goes_in(a) ? " + (c.fate == IS_TOO_LARGE)" : "");
		C("\twrite_string(%s, %u, %u, %u, %s);\n", n, a->count, routine->number, i,
			goes_in(a) ? "GOES_IN" : "UNTOUCHED");
		if (goes_in(a))
			C("\tif (c.fate == IS_TOO_LARGE)\n\t\twrite_long_string(%s, %u);\n", n, a->count);
	} else {
		plain_variable(routine, i);
	}
}

static void put_actual(const struct argument *a)
{
	const bool array = (a->shape >= OPTIONAL && a->shape <= VSTRING) || has_pieces(a);
	const char *star = comes_out(a) ? "&" : "";

	if (a->shape == SPECIAL) {
		if (a->special->sides & ON_CLIENT)
			C(", %s%s", a->special->given != NULL ? "" : "&", a->name);
		return;
	}
	C(", %s%s", a->shape == POINTER ? "&" : array ? "" : star, a->name);
	if (has_poly(a, true))
		C(", %s%sPoly", star, a->name);
	if (has_pieces(a) && !a->fixed_pieces)
		C(", %sSubs", a->name);
	if (has_count(a))
		C(", %s%sCnt", star, a->name);
	if ((a->flags & DEALLOC_ARG) != 0 && goes_in(a))
		C(", %sDealloc", a->name);
}

static void put_function_call(const struct routine *routine)
{
	const bool result = routine->kind == ROUTINE || routine->kind == SIMPLE || routine->kind == REPLY;
	char *list = NULL;
	size_t size = 0;
	FILE *calls = g.client;

	C("\t%s (*const function)(", c_result(routine, true));
	put_parameters(g.client, routine, true);
	C(") = %sr%u;\n", routine->user_prefix, routine->number);
	if (routine->kind == FUNCTION)
		C("\t%s value;\n", routine->value->name);
	C("\n\tlb_paint();\n\t%sfunction(", result                      ? "const kern_return_t result = "
					    : routine->kind == FUNCTION ? "value = "
									: "");
	g.client = open_memstream(&list, &size);
	for (unsigned i = 0; i <= routine->arguments; i++) {
		if (i == routine->request_port)
			C(", server%s", routine->request_port_kind == 2 ? ", MACH_MSG_TYPE_COPY_SEND" : "");
		if (i < routine->arguments)
			put_actual(&routine->argument[i]);
	}
	fclose(g.client);
	g.client = calls;
	C("%s);\n", list + 2);
	if (!result)
		C("\tconst kern_return_t result = last_error;\n");
}

/* What came of an owner's count: an expression. */
static const char *came(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *count = text("count_of(%u, %u, COMES_OUT, %u)", routine->number, i, a->limit);

	if (a->flags & COUNTINOUT)
		return text("(%s < %sCntWas ? %s : %sCntWas)", count, a->name, count, a->name);
	return count;
}

/* Whether the client's memory has gone with the request, so that there is no buffer to come back into. */
static const char *was_moved(const struct routine *routine, unsigned i)
{
	return goes_in(&routine->argument[i]) ? moves(routine, i, 0) : "0";
}

static void put_end(const struct routine *routine)
{
	static const char *const consume[] = {"0", "CONSUMED_ON_TIMEOUT", "CONSUMED_ON_ERROR"};

	C("\tbool cut = false;\n");
	for (unsigned i = 0; i < routine->arguments; i++) {
		const struct argument *a = &routine->argument[i];

		if (!varies(a) || !comes_out(a))
			continue;
		if (is_overwritten(a))
			C("\tcut = cut || (!%s && %s > %sWas);\n", was_moved(routine, i), came(routine, a->owner),
				count_of(routine, i));
		else if (a->direction == OUT && (a->shape == VARRAY || a->shape == SOME_MEMORIES))
			C("\tcut = cut || %s > %sWas;\n", came(routine, a->owner), count_of(routine, i));
	}
	C("\tend_call(&c, result, cut, %s%s%s);\n", consume[routine->consume], is_simple(routine) ? " | ONE_WAY" : "",
		routine->kind == REPLY ? " | RETCODE_FIRST" : "");
}

static void memory_checks(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const char *count = varies(a) ? text("&%s", count_of(routine, i)) : "NULL";
	const char *was = varies(a) ? text("&%sWas", count_of(routine, i)) : "NULL";
	const char *kept = is_overwritten(a) ? text("!%s", was_moved(routine, i))
			   : may_fit(a)      ? text("(!%s && %sCnt <= %sCntWas)", was_moved(routine, i), n, n)
					     : "0";

	if (comes_out(a)) {
		C("\tif (c.ok) {\n\t\tcheck_memory(&%s, %s, 1, &%sOut, %u, %u, COMES_OUT);\n", n, count, n,
			routine->number, i);
		C("\t\tif (%s)\n\t\t\texpect(%s == %sWas, %u, %u, \"not in the client's memory\");\n", kept, n, n,
			routine->number, i);
		C("\t\trelease_memory(&%s, %s, 1, &%sOut, %s);\n\t} else {\n", n, count, n, kept);
		C("\t\texpect(%s == %sWas, %u, %u, \"touched\");\n\t}\n", n, n, routine->number, i);
	}
	if (goes_in(a))
		C("\tunsend_memory(&%sWas, %s, 1, &%sIn, c.consumed);\n", n, was, n);
	else if (is_overwritten(a) || may_fit(a))
		C("\tfree(%sWas);\n", n);
}

static void pieces_checks(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const char *count = count_of(routine, i);

	if (comes_out(a)) {
		C("\tif (c.ok) {\n");
		if (!a->fixed_pieces)
			C("\t\tcheck_piece_counts(%sSubs, %s, &%sOut, %u, %u, COMES_OUT);\n", n, count, n,
				routine->number, i);
		C("\t\tcheck_memory(%s, %sSubs, %s, &%sOut, %u, %u, COMES_OUT);\n", n, n, count, n, routine->number, i);
		C("\t\trelease_memory(%s, %sSubs, %s, &%sOut, false);\n\t}\n", n, n, count, n);
	}
	if (goes_in(a)) {
		const char *was = varies(a) ? text("%sWas", count) : count;

		if (a->direction == INOUT)
			C("\telse\n\t\texpect(memcmp(%s, %sWas, %s * sizeof *%s) == 0, %u, %u, \"touched\");\n", n, n,
				was, n, routine->number, i);
		C("\tunsend_memory(%sWas, %sSubsWas, %s, &%sIn, c.consumed);\n\tfree(%sWas);\n\tfree(%sSubsWas);\n", n,
			n, was, n, n, n);
	}
	C("\tfree(%s);\n\tfree(%sSubs);\n", n, n);
}

static void plain_checks(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const char *e = a->element->name;
	const bool array = a->shape == ARRAY || a->shape == VARRAY;
	const char *address = array ? n : text("&%s", n);
	const char *was = varies(a) ? text("%sWas", count_of(routine, i)) : count_of(routine, i);

	if (comes_out(a)) {
		C("\tif (c.ok) {\n\t\tcheck_content(%s, &l_%s, %s, %s, %u, %u, COMES_OUT);\n", address, e,
			count_of(routine, i), sent_as(routine, i, 1), routine->number, i);
		C("\t\trelease_content(%s, &l_%s, %s);\n\t} else {\n", address, e, count_of(routine, i));
		if (a->direction == OUT)
			C("\t\tcheck_content(%s, &l_%s, %s, 0, %u, %u, UNTOUCHED);\n\t}\n", address, e, was,
				routine->number, i);
		else if (a->element->rights != 0)
			C("\t\texpect(memcmp(%s, %sWas, %s * sizeof *%sWas) == 0, %u, %u, \"touched\");\n\t}\n",
				address, n, was, n, routine->number, i);
		else
			C("\t\tcheck_content(%s, &l_%s, %s, 0, %u, %u, GOES_IN);\n\t}\n", address, e, was,
				routine->number, i);
	}
	if (goes_in(a) && a->element->rights != 0)
		C("\tunsend_content(%sWas, &l_%s, %s, %s, c.consumed);\n\tfree(%sWas);\n", n, e, was,
			sent_as(routine, i, 0), n);
	if (array)
		C("\tfree(%s);\n", n);
}

static void put_checks(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;

	if (a->shape == SPECIAL) {
		if (a->special->client != NULL) {
			C("\texpect(!c.ok || (");
			fprintf(g.client, a->special->client, n, n);
			C("), %u, %u, \"other trailer\");\n", routine->number, i);
		}
		return;
	}
	if (has_count(a) && comes_out(a))
		C("\texpect(!c.ok || %sCnt == %s, %u, %u, \"other count\");\n", n, came(routine, i), routine->number,
			i);
	if (has_poly(a, true) && comes_out(a) && a->element->told)
		C("\texpect(!c.ok || %sPoly == received_as(%s), %u, %u, \"other disposition\");\n", n,
			sent_as(routine, i, 1), routine->number, i);
	if (has_pieces(a)) {
		pieces_checks(routine, i);
	} else if (in_memory(a)) {
		memory_checks(routine, i);
	} else if (a->shape == STRING || a->shape == VSTRING) {
		if (comes_out(a))
			C("\tif (c.fate != IS_TOO_LARGE || %d)\n\t\tcheck_string(%s, %u, %u, %u, c.ok ? COMES_OUT : "
			  "%s);\n",
				a->direction == OUT, n, a->count, routine->number, i,
				goes_in(a) ? "GOES_IN" : "UNTOUCHED");
		C("\tfree(%s);\n", n);
	} else {
		plain_checks(routine, i);
	}
}

static void value_checks(const struct routine *routine)
{
	const struct element *value = routine->value;

	C("\tif (c.ok) {\n\t\tcheck_content(&value, &l_%s, 1, %s, %u, 50, COMES_OUT);\n", value->name,
		value_sent_as(value), routine->number);
	C("\t\trelease_content(&value, &l_%s, 1);\n\t} else {\n\t\tcheck_zero(&value, &l_%s, 1, %u, 50);\n\t}\n",
		value->name, value->name, routine->number);
}

const char *value_sent_as(const struct element *element)
{
	return element->rights != 0 ? element->sent_as : "0";
}

void put_call(const struct routine *routine)
{
	C("static void call%u(void)\n{\n\tstruct call c = begin_call(%u, %u);\n", routine->number, routine->number,
		possible_fates(routine));
	for (unsigned i = 0; i < routine->arguments; i++)
		put_variable(routine, i);
	put_function_call(routine);
	put_end(routine);
	for (unsigned i = 0; i < routine->arguments; i++)
		put_checks(routine, i);
	if (routine->kind == FUNCTION)
		value_checks(routine);
	C("\tcheck_call(&c);\n}\n\n");
}
