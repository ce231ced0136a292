/* The server of a random interface: work functions that look at what came, and answer. */
#include "generate.h"

#include <string.h>

#define S(...) fprintf(g.server, __VA_ARGS__)

/* An argument as a value, and its count. */
static const char *value_of(const struct argument *a)
{
	const bool array = (a->shape >= POINTER && a->shape <= VSTRING && a->shape != VALUE) || has_pieces(a);

	return comes_out(a) && !array ? text("(*%s)", a->name) : a->name;
}

static const char *address_of(const struct argument *a)
{
	if (a->shape == ONE || a->shape == VALUE)
		return text("&%s%s", value_of(a), a->element->translated ? ".v" : "");
	return in_memory(a) && !has_pieces(a) ? text("&%s", value_of(a)) : a->name;
}

static const char *count_of(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];

	if (varies(a))
		return text(comes_out(a) ? "(*%sCnt)" : "%sCnt", routine->argument[a->owner].name);
	return has_pieces(a) ? text("%u", a->pieces) : text("%u", a->shape == ARRAY ? a->count : 1);
}

/* Counts of the elements of memory: the pieces', or the argument's own. */
static const char *counts_of(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];

	if (has_pieces(a))
		return a->fixed_pieces ? "NULL" : text("%sSubs", a->name);
	return varies(a) ? text("&%s", count_of(routine, i)) : "NULL";
}

static const char *pieces_of(const struct routine *routine, unsigned i)
{
	return has_pieces(&routine->argument[i]) ? count_of(routine, i) : "1";
}

static void put_memory(const struct routine *routine, unsigned i, const char *name, unsigned side)
{
	const struct argument *a = &routine->argument[i];

	S("\tconst struct memory %s%s = {&l_%s, %u, %u, %s, %s};\n", a->name, name, a->element->name, a->count,
		a->shape == FIXED_MEMORY || a->fixed_pieces ? a->count : 0, moves(routine, i, side),
		sent_as(routine, i, side));
}

/* Whether the memory is the stub's again after the call. */
static bool stub_frees(const struct argument *a)
{
	return (a->flags & AUTO) != 0 ||
	       (a->shape == UNBOUNDED && g.dialect != PORTOLAN && a->direction == IN && (a->flags & SERVERCOPY) == 0);
}

/* The room of 2048 bytes that GNU's and CMU's work functions get. */
static bool has_room(const struct argument *a)
{
	return a->shape == UNBOUNDED && (g.dialect == GNU || g.dialect == CMU) && a->direction == OUT && has_count(a);
}

/* The room that the work function is told of for an out array. */
static void put_room(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *limit = text("%u", a->limit);

	if (has_room(a)) {
		S("\texpect(*%sCnt == 2048 / %u, %u, %u, \"other room\");\n", a->name, a->element->size,
			routine->number, i);
		return;
	}
	if (a->direction != OUT || !has_count(a) || !a->bounded)
		return;
	if (a->flags & COUNTINOUT)
		limit = text("told_room(fate, %u, %u, %u)", routine->number, i, a->limit);
	S("\texpect(*%sCnt == %s, %u, %u, \"other room\");\n", a->name, limit, routine->number, i);
}

static void put_look(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const unsigned r = routine->number;

	if (a->shape == SPECIAL) {
		if (a->special->server == NULL)
			return;
		S("\texpect(");
		fprintf(g.server, a->special->server, n, n);
		S(", %u, %u, \"other trailer or reply port\");\n", r, i);
		return;
	}
	if (!goes_in(a)) {
		put_room(routine, i);
		return;
	}
	if (has_count(a))
		S("\texpect(%s == count_of(%u, %u, GOES_IN, %u), %u, %u, \"other count\");\n", count_of(routine, i), r,
			i, a->limit, r, i);
	if (has_poly(a, false) && a->element->told)
		S("\texpect(%s%sPoly == received_as(%s), %u, %u, \"other disposition\");\n", comes_out(a) ? "*" : "", n,
			sent_as(routine, i, 0), r, i);
	if (a->flags & SERVERCOPY)
		S("\texpect(!%sSCopy, %u, %u, \"a copy\");\n", n, r, i);
	if (a->flags & RETCODE) {
		S("\texpect(%s == (fate == FAILS ? error_of(%u) : KERN_SUCCESS), %u, %u, \"other result\");\n", n, r, r,
			i);
	} else if (in_memory(a)) {
		if (has_pieces(a) && !a->fixed_pieces)
			S("\tcheck_piece_counts(%sSubs, %s, &%sIn, %u, %u, GOES_IN);\n", n, count_of(routine, i), n, r,
				i);
		S("\tcheck_memory(%s, %s, %s, &%sIn, %u, %u, GOES_IN);\n", address_of(a), counts_of(routine, i),
			pieces_of(routine, i), n, r, i);
	} else if (a->shape == STRING || a->shape == VSTRING) {
		S("\tcheck_string(%s, %u, %u, %u, GOES_IN);\n", n, a->count, r, i);
	} else if (a->shape == OPTIONAL) {
		S("\texpect((%s == NULL) == null_of(%u, %u, GOES_IN, 0), %u, %u, \"absent or not\");\n", n, r, i, r, i);
		S("\tif (%s != NULL)\n\t\tcheck_content(%s, &l_%s, 1, 0, %u, %u, GOES_IN);\n", n, n, a->element->name,
			r, i);
	} else {
		S("\tcheck_content(%s, &l_%s, %s, %s, %u, %u, GOES_IN);\n", address_of(a), a->element->name,
			count_of(routine, i), sent_as(routine, i, 0), r, i);
	}
}

/* Of a reply that says only how something ended. */
static void put_nothing(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const unsigned r = routine->number;

	if (a->shape == SPECIAL || (a->flags & RETCODE) != 0)
		return;
	if (has_count(a))
		S("\t\texpect(%s == 0, %u, %u, \"a count where nothing is\");\n", count_of(routine, i), r, i);
	if (a->shape == STRING || a->shape == VSTRING)
		S("\t\texpect(%s[0] == 0, %u, %u, \"a string where nothing is\");\n", a->name, r, i);
	else if (a->shape == OPTIONAL)
		S("\t\texpect(%s == NULL, %u, %u, \"not absent\");\n", a->name, r, i);
	else if (has_pieces(a) || a->shape == VARRAY)
		return;
	else if (in_memory(a))
		S("\t\texpect(%s == NULL, %u, %u, \"memory where nothing is\");\n", a->name, r, i);
	else
		S("\t\tcheck_zero(%s, &l_%s, %s, %u, %u);\n", address_of(a), a->element->name, count_of(routine, i), r,
			i);
}

/* What the work function has been given is its own. */
static void put_release(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];

	if (!goes_in(a) || a->shape == OPTIONAL)
		return;
	if (in_memory(a))
		S("\trelease_memory(%s, %s, %s, &%sIn, %s);\n", address_of(a), counts_of(routine, i),
			pieces_of(routine, i), a->name, stub_frees(a) ? "true" : "false");
	else if (a->element != NULL && a->element->rights != 0)
		S("\trelease_content(%s, &l_%s, %s);\n", address_of(a), a->element->name, count_of(routine, i));
}

static void put_answer(const struct routine *routine, unsigned i)
{
	const struct argument *a = &routine->argument[i];
	const char *n = a->name;
	const unsigned r = routine->number;

	if (!comes_out(a))
		return;
	if (has_count(a)) {
		if (a->flags & COUNTINOUT)
			S("\tconst unsigned %sRoom = *%sCnt;\n", n, n);
		S("\t*%sCnt = count_of(%u, %u, COMES_OUT, %u);\n", n, r, i, a->limit);
		if (a->flags & COUNTINOUT)
			S("\tif (*%sCnt > %sRoom)\n\t\t*%sCnt = %sRoom;\n", n, n, n, n);
	}
	if (has_poly(a, false) && (a->element->told || comes_out(a)))
		S("\t*%sPoly = %s;\n", n, sent_as(routine, i, 1));
	if (a->flags & DEALLOC_ARG)
		S("\t*%sDealloc = %s;\n", n, moves(routine, i, 1));
	if (in_memory(a)) {
		if (has_pieces(a) && !a->fixed_pieces)
			S("\tpiece_counts(%sSubs, %s, &%sOut, %u, %u, COMES_OUT);\n", n, count_of(routine, i), n, r, i);
		/* What the room holds may be left in it, however the memory is sent. */
		if (has_room(a))
			S("\tif (*%sCnt <= 2048 / %u && null_of(%u, %u, ROOM, 0))\n"
			  "\t\twrite_content(*%s, &l_%s, *%sCnt, %s, %u, %u + 100, COMES_OUT);\n\telse\n",
				n, a->element->size, r, i, n, a->element->name, n, sent_as(routine, i, 1), r, i);
		S("\twrite_memory(%s, %s, %s, &%sOut, %u, %u, COMES_OUT);\n", address_of(a), counts_of(routine, i),
			pieces_of(routine, i), n, r, i);
	} else if (a->shape == STRING || a->shape == VSTRING) {
		S("\twrite_string(%s, %u, %u, %u, COMES_OUT);\n", n, a->count, r, i);
	} else {
		S("\twrite_content(%s, &l_%s, %s, %s, %u, %u, COMES_OUT);\n", address_of(a), a->element->name,
			count_of(routine, i), sent_as(routine, i, 1), r, i);
	}
}

static void put_result(const struct routine *routine)
{
	if (routine->kind == FUNCTION) {
		S("\t%s%s value;\n", routine->value->translated ? "seen_" : "", routine->value->name);
		S("\twrite_content(&value%s, &l_%s, 1, %s, %u, 50, COMES_OUT);\n",
			routine->value->translated ? ".v" : "", routine->value->name, value_sent_as(routine->value),
			routine->number);
		S("\treturn value;\n");
	} else if (routine->kind != PROCEDURE && routine->kind != SIMPLE_PROCEDURE) {
		S("\treturn KERN_SUCCESS;\n");
	}
}

void put_work(const struct routine *routine)
{
	static const char *const port[] = {"port", "port.v", "port"};

	S("%s %sr%u(", c_result(routine, false), routine->server_prefix, routine->number);
	put_parameters(g.server, routine, false);
	S(")\n{\n\tconst enum fate fate = begin_work(%u, %u);\n\n", routine->number, possible_fates(routine));
	for (unsigned i = 0; i < routine->arguments; i++) {
		const struct argument *a = &routine->argument[i];

		if (in_memory(a) && goes_in(a))
			put_memory(routine, i, "In", 0);
		if (in_memory(a) && comes_out(a))
			put_memory(routine, i, "Out", 1);
	}
	S("\t(void)fate;\n\texpect(lb_object(%s) != 0, %u, 0, \"no request port\");\n",
		port[routine->request_port_kind], routine->number);
	if (routine->request_port_kind == 2)
		S("\texpect(portPoly == MACH_MSG_TYPE_PORT_SEND, %u, 0, \"other disposition\");\n", routine->number);
	if (routine->kind == REPLY) {
		S("\tif (fate == FAILS) {\n");
		for (unsigned i = 0; i < routine->arguments; i++)
			put_nothing(routine, i);
		S("\t}\n");
		for (unsigned i = 0; i < routine->arguments; i++) {
			if (routine->argument[i].flags & RETCODE)
				put_look(routine, i);
		}
		S("\tif (fate == FAILS)\n\t\treturn KERN_SUCCESS;\n");
	}
	for (unsigned i = 0; i < routine->arguments; i++) {
		if ((routine->argument[i].flags & RETCODE) == 0)
			put_look(routine, i);
	}
	if (routine->kind == ROUTINE || routine->kind == SIMPLE)
		S("\tif (fate == FAILS)\n\t\treturn error_of(%u);\n", routine->number);
	for (unsigned i = 0; i < routine->arguments; i++)
		put_release(routine, i);
	for (unsigned i = 0; i < routine->arguments; i++)
		put_answer(routine, i);
	put_result(routine);
	S("}\n\n");
}
