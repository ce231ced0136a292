/* Writes a random interface with a client that calls it and a server that answers: SEED ROUTINES [DIALECT [guest]],
 * files random*.{defs,h,c} and random.options, what mig is to be told. */
#include "generate.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

struct generator g;

static const char *const dialects[] = {"portolan", "gnu", "apple", "osf", "cmu"};

unsigned pick(unsigned below)
{
	g.state = g.state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(g.state >> 33) % below;
}

bool rarely(unsigned often)
{
	return pick(often) == 0;
}

const char *text(const char *format, ...)
{
	static char room[16][400];
	static unsigned next;
	char *at = room[next++ % 16];
	va_list args;

	va_start(args, format);
	vsnprintf(at, sizeof room[0], format, args);
	va_end(args);
	return at;
}

static void choose_prefixes(void)
{
	if (rarely(6)) {
		snprintf(g.server_prefix, sizeof g.server_prefix, "%s", pick(2) ? "s_" : "work_");
		fprintf(g.defs, "serverprefix %s;\n", g.server_prefix);
	}
	if (rarely(6)) {
		snprintf(g.user_prefix, sizeof g.user_prefix, "%s", pick(2) ? "u_" : "call_");
		fprintf(g.defs, "userprefix %s;\n", g.user_prefix);
	}
}

/* Statements between the routines. */
static void choose_statements(void)
{
	static const char *const consume[] = {"None", "Timeout", "Any"};
	static const char *const others[] = {"waittime 300000;", "nowaittime;", "nowaittime;", "sendtime 400000;",
		"nosendtime;", "nosendtime;", "msgoption MACH_MSG_OPTION_NONE;", "skip;", "skip 2;",
		"UseSpecialReplyPort 1;", "UseSpecialReplyPort 0;", "UseSpecialReplyPort 0;", "OnStackLimit 200;",
		"OnStackLimit 2000;", "OnStackLimit 1000000;", "UserTypeLimit 100;", "error an_error;",
		"error another_error;", "msgoption MACH_SEND_INTERRUPT | MACH_RCV_INTERRUPT;"};

	choose_prefixes();
	if (rarely(5)) {
		g.consume = (enum consume)pick(3);
		fprintf(g.defs, "ConsumeOnSendError %s;\n", consume[g.consume]);
	}
	if (rarely(3))
		fprintf(g.defs, "%s\n", others[pick(sizeof others / sizeof others[0] - g.guest)]);
}

static void put_flags(unsigned flags)
{
	static const struct {
		unsigned flag;
		const char *word;
	} words[] = {{DEALLOC, "dealloc"}, {NOTDEALLOC, "notdealloc"}, {DEALLOC_ARG, "dealloc[]"},
		{COUNTINOUT, "CountInOut"}, {SAMECOUNT, "samecount"}, {OVERWRITE, "overwrite"}, {AUTO, "auto"},
		{CONST, "const"}, {SERVERCOPY, "ServerCopy"}, {PHYSICALCOPY, "PhysicalCopy"}, {ISLONG, "IsLong"},
		{ISNOTLONG, "IsNotLong"}, {RETCODE, "retcode"}};

	for (unsigned i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (flags & words[i].flag)
			fprintf(g.defs, ", %s", words[i].word);
	}
}

static void put_declaration(const struct routine *routine)
{
	static const char *const kinds[] = {
		"routine", "simpleroutine", "procedure", "simpleprocedure", "function", "simpleroutine"};
	static const char *const ports[] = {"port_t", "seen_port_t", "any_port_t"};
	static const char *const words[] = {"in ", "out ", "inout "};
	char spec[ARGUMENTS][200];

	for (unsigned i = 0; i < routine->arguments; i++)
		declare_argument_type(routine, i, spec[i]);
	fprintf(g.defs, "%s r%u(", kinds[routine->kind], routine->number);
	for (unsigned i = 0; i <= routine->arguments; i++) {
		const struct argument *a = &routine->argument[i];
		const char *end = i == routine->arguments || (i + 1 == routine->arguments && routine->request_port <= i)
					  ? ""
					  : "; ";

		if (i == routine->request_port)
			fprintf(g.defs, "%sport: %s%s", routine->request_port_said ? "requestport " : "",
				ports[routine->request_port_kind], i == routine->arguments ? "" : "; ");
		if (i == routine->arguments)
			break;
		fprintf(g.defs, "%s",
			a->shape == SPECIAL                                           ? a->special->word
			: a->direction == IN && pick(2) && i >= routine->request_port ? ""
										      : words[a->direction]);
		fprintf(g.defs, " %s: %s", a->name, spec[i]);
		put_flags(a->flags);
		fprintf(g.defs, "%s", end);
	}
	fprintf(g.defs, routine->kind == FUNCTION ? "): %s;\n" : ");\n",
		routine->kind == FUNCTION ? routine->value->name : "");
}

static void one_routine(unsigned number)
{
	static const enum routine_kind kinds[] = {SIMPLE, SIMPLE, PROCEDURE, SIMPLE_PROCEDURE, FUNCTION, REPLY};
	struct routine routine = {.number = number, .kind = rarely(3) ? kinds[pick(6)] : ROUTINE};

	choose_statements();
	choose_arguments(&routine);
	memcpy(routine.user_prefix, g.user_prefix, sizeof g.user_prefix);
	memcpy(routine.server_prefix, g.server_prefix, sizeof g.server_prefix);
	routine.consume = g.consume;
	routine.request_port_kind = rarely(3) ? pick(3) : 0;
	do
		routine.value = rarely(3) ? pick_right(false, false) : pick_data(true);
	while (routine.value->one_way || (routine.value->rights != 0 && routine.value->sent_as == NULL));
	put_declaration(&routine);
	put_work(&routine);
	put_call(&routine);
}

/* What stands at the beginning of every file. */
static void begin_files(void)
{
	static const char *const imports[] = {"import \"random_types.h\";\n", "uimport \"random_for_user.h\";\n",
		"simport \"random_for_server.h\";\n", "iimport \"random_inside.h\";\n", "dimport <stdint.h>;\n"};

	fprintf(g.types, "#pragma once\n#include <mach/boolean.h>\n#include <mach/message.h>\n#include <stdint.h>\n"
			 "typedef uint64_t mach_port_context_t;\ntypedef struct {\n\tmach_port_t v;\n} seen_port_t;\n"
			 "seen_port_t in_port(mach_port_t port);\nvoid end_port(seen_port_t port);\n");
	fprintf(g.layouts, "#include \"values.h\"\n#include \"random_types.h\"\n\n");
	fprintf(g.client, "#include \"random_user.h\"\n#include \"random_layouts.h\"\n\n#include <stddef.h>\n\n"
			  "#if !defined(RANDOM_FOR_USER) || defined(RANDOM_FOR_SERVER) || defined(RANDOM_INSIDE)\n"
			  "#error imports\n#endif\n\n");
	fprintf(g.server,
		"#include \"random_server.h\"\n#include \"random_layouts.h\"\n\n#include <stddef.h>\n\n"
		"#if defined(RANDOM_FOR_USER) || !defined(RANDOM_FOR_SERVER) || defined(RANDOM_INSIDE)\n"
		"#error imports\n#endif\n\n"
		"seen_port_t in_port(mach_port_t port)\n{\n\tseen_alive++;\n\treturn (seen_port_t){port};\n}\n\n"
		"void end_port(seen_port_t port)\n{\n\t(void)port;\n\tseen_alive--;\n}\n\n");
	fprintf(g.defs, "/* Ids of which no byte is the loop-back's paint. */\nsubsystem random 4262;\n");
	for (unsigned i = 0; i < 5; i++)
		fprintf(g.defs, "%s", imports[i]);
	if (pick(2))
		fprintf(g.defs, "rcsid \"$Id: random $\";\n");
	fprintf(g.defs, "type security_token_t = struct[2] of MACH_MSG_TYPE_INTEGER_32;\n"
			"type audit_token_t = struct[8] of MACH_MSG_TYPE_INTEGER_32;\n"
			"type mach_port_context_t = MACH_MSG_TYPE_INTEGER_64;\n"
			"type mach_port_seqno_t = MACH_MSG_TYPE_INTEGER_32;\n"
			"type port_t = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;\n"
			"type any_port_t = polymorphic ctype: mach_port_t;\n"
			"type reply_t = MACH_MSG_TYPE_MAKE_SEND_ONCE ctype: mach_port_t;\n"
			"type seen_port_t = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t intran: seen_port_t "
			"in_port(mach_port_t)\n"
			"\tdestructor: end_port(seen_port_t);\n");
}

static FILE *file(const char *name)
{
	FILE *stream = fopen(name, "w");

	if (stream == NULL)
		exit(1);
	return stream;
}

static void small_file(const char *name, const char *content)
{
	FILE *stream = file(name);

	fputs(content, stream);
	fclose(stream);
}

static void put_options(void)
{
	static const char *const choices[] = {"", " -R", " -s", " -R -s", " -maxonstack 300"};

	small_file("random.options", text("-q --dialect %s%s\n", dialects[g.dialect],
					     g.guest ? "" : choices[pick(sizeof choices / sizeof choices[0])]));
}

/* What main.c and the server's dispatcher need. */
static void end_files(unsigned routines)
{
	const char *demux = rarely(3) ? "random_demux" : "random_server";
	const bool families = g.dialect == APPLE || g.dialect == OSF;

	if (strcmp(demux, "random_demux") == 0)
		fprintf(g.defs, "serverdemux random_demux;\n");
	fprintf(g.client, "void call_all(void)\n{\n");
	for (unsigned r = 0; r < routines; r++)
		fprintf(g.client, "\tcall%u();\n", r);
	fprintf(g.client, "}\n");
	fprintf(g.server,
		"extern const struct mig_subsystem random_%ssubsystem;\n"
		"const struct mig_subsystem *const random_table = &random_%ssubsystem;\n"
		"boolean_t (*const random_dispatcher)(mach_msg_header_t *in, mach_msg_header_t *out) = %s;\n",
		families ? "mig_" : "", families ? "mig_" : "", demux);
}

int main(int argc, char **argv)
{
	const unsigned routines = argc > 2 ? (unsigned)atoi(argv[2]) : 20;

	g.state = argc > 1 ? strtoull(argv[1], NULL, 10) : 1;
	pick(2);
	g.dialect = (enum dialect)pick(DIALECTS);
	for (unsigned i = 0; argc > 3 && i < DIALECTS; i++) {
		if (strcmp(argv[3], dialects[i]) == 0)
			g.dialect = (enum dialect)i;
	}
	g.guest = argc > 4 && strcmp(argv[4], "guest") == 0;
	g.defs = file("random.defs");
	g.types = file("random_types.h");
	g.layouts = file("random_layouts.h");
	g.client = file("random_calls.c");
	g.server = file("random_work.c");
	small_file("random_for_user.h", "#define RANDOM_FOR_USER\n");
	small_file("random_for_server.h", "#define RANDOM_FOR_SERVER\n");
	small_file("random_inside.h", "#define RANDOM_INSIDE\n");
	begin_files();
	make_elements();
	snprintf(g.server_prefix, sizeof g.server_prefix, "s_");
	fprintf(g.defs, "serverprefix s_;\n"
			"routine set_round(server: port_t; number: int);\n"
			"routine get_state(server: port_t; out wrong_values: int; out rights: int);\n");
	for (unsigned r = 0; r < routines; r++)
		one_routine(r);
	end_files(routines);
	put_options();
	return 0;
}
