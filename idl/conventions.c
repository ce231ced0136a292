/* What each family's callers expect of headers and server files, besides the stubs. */
#include "emit.h"

#include <ctype.h>
#include <string.h>

static const char *upper(struct output *output, const char *name)
{
	char *copy = arena_string(&output->compiler->arena, name, strlen(name));
	char *p;

	for (p = copy; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* GNU: a macro per routine says that it exists, and its ids. */
static void gnu_macros(struct output *output)
{
	const struct routine *routine;

	put(output, "\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		const char *name;

		if (routine->skip)
			continue;
		name = upper(output, routine->user_name);
		put(output, "#ifndef MIG_RPC_HAVE_%s\n#define MIG_RPC_HAVE_%s 1\n#define MIG_RPC_REQUEST_ID_%s %lld\n",
			name, name, name, (long long)routine->id);
		if (!routine->simple)
			put(output, "#define MIG_RPC_REPLY_ID_%s %lld\n", name, (long long)routine->id + 100);
		put(output, "#endif\n");
	}
	put(output, "\n");
}

/* GNU and CMU: the table of stubs, and the stub of a message. */
static void routine_of_message(struct output *output, bool definition)
{
	const struct interface *interface = &output->compiler->interface;
	const char *demux = demux_name(output);

	if (output->kernel || interface->foreign)
		return;
	put(output, "\n#ifndef _mig_routine_t_\n#define _mig_routine_t_\n"
		    "typedef void (*mig_routine_t)(mach_msg_header_t *in, mach_msg_header_t *out);\n#endif\n");
	if (output->compiler->dialect != DIALECT_GNU) {
		put(output, "mig_routine_t %s_routine(const mach_msg_header_t *in);\n", demux);
		return;
	}
	if (!definition)
		put(output,
			"extern const mig_routine_t %s_routines[];\n\n"
			"/* The stub that serves a message; null for an id that is none of ours. */\n"
			"static inline mig_routine_t %s_routine(const mach_msg_header_t *in)\n{\n"
			"\tconst mach_msg_id_t index = in->msgh_id - %lld;\n\n"
			"\treturn index >= 0 && index < %lld ? %s_routines[index] : NULL;\n}\n\n",
			demux, demux, (long long)interface->base, (long long)interface->slots, demux);
}

/* One function per stub, for tables of functions that take two messages. */
static void put_message_functions(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put(output, "\n");
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output,
				"static void _X%s(mach_msg_header_t *in, mach_msg_header_t *out)\n{\n"
				"\t(void)mig_server_dispatch(&%s_subsystem, in, out);\n}\n\n",
				routine->name, interface->name);
	}
}

static void put_function_table(struct output *output, const char *linkage)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put(output, "%sconst mig_routine_t %s_routines[%lld] = {\n", linkage, demux_name(output),
		(long long)(interface->slots > 0 ? interface->slots : 1));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "\t[%lld] = _X%s,\n", (long long)(routine->id - interface->base), routine->name);
	}
	put(output, "};\n");
}

/* GNU: work functions that are not there answer MIG_EOPNOTSUPP, when the file is compiled with that macro. */
static void weak_functions(struct output *output)
{
	const struct routine *routine;

	put(output, "\n#ifdef MIG_EOPNOTSUPP\n#pragma GCC diagnostic push\n"
		    "#pragma GCC diagnostic ignored \"-Wunused-parameter\"\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (routine->skip || routine->kind != KIND_ROUTINE)
			continue;
		put_prototype(output, "__attribute__((weak)) ", routine->server_name, routine, PARAMETERS_WORK);
		put(output, "\n{\n\treturn MIG_EOPNOTSUPP;\n}\n\n");
	}
	put(output, "#pragma GCC diagnostic pop\n#endif\n");
}

void put_server_conventions(struct output *output)
{
	const enum dialect dialect = output->compiler->dialect;

	if (dialect == DIALECT_PORTOLAN || output->kernel)
		return;
	routine_of_message(output, true);
	put_message_functions(output);
	if (dialect == DIALECT_GNU) {
		put(output, "extern const mig_routine_t %s_routines[];\n", demux_name(output));
		put_function_table(output, "");
		weak_functions(output);
		return;
	}
	put_function_table(output, "static ");
	put(output,
		"\n/* The stub that serves a message; null for an id that is none of ours. */\n"
		"mig_routine_t %s_routine(const mach_msg_header_t *in)\n{\n"
		"\tconst mach_msg_id_t index = in->msgh_id - %lld;\n\n"
		"\treturn index >= 0 && index < %lld ? %s_routines[index] : NULL;\n}\n",
		demux_name(output), (long long)output->compiler->interface.base,
		(long long)output->compiler->interface.slots, demux_name(output));
}

/* Apple and OSF: how many ids, and which name has which. */
static void name_map(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	const char *separator = "";

	put(output, "\n#ifndef %s_MSG_COUNT\n#define %s_MSG_COUNT %lld\n#endif\n", interface->name, interface->name,
		(long long)interface->slots);
	put(output, "\n#ifndef subsystem_to_name_map_%s\n#define subsystem_to_name_map_%s", interface->name,
		interface->name);
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		put(output, "%s \\\n\t{\"%s\", %lld}", separator, routine->name, (long long)routine->id);
		separator = ",";
	}
	put(output, "\n#endif\n\n");
}

/* Apple: the messages' structures in the headers, and unions as large as any of them. */
static void message_types(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	int reply;

	put(output, "#ifndef __%s_message_types__\n#define __%s_message_types__\n\n", interface->name, interface->name);
	for (reply = 0; reply < 2; reply++) {
		const char *kind = reply != 0 ? "Reply" : "Request";

		for (routine = interface->routines; routine != NULL; routine = routine->next) {
			uint64_t size = 24 + 8 * (reply != 0 ? routine->reply_words : routine->request_words);

			if (routine->skip)
				continue;
			if (!routine->registers)
				size = reply != 0 && !routine->simple ? routine->reply.max_size
								      : routine->request.max_size;
			if (reply != 0 && (routine->simple || size < 40))
				size = 40;
			put(output, "typedef struct {\n\tmach_msg_header_t Head;\n");
			if (size > 24)
				put(output, "\tuint64_t Body[%llu];\n", (unsigned long long)(size - 24) / 8);
			put(output, "} __%s__%s_t;\n", kind, routine->name);
		}
		put(output, "union __%sUnion__%s_subsystem {\n", kind, interface->name);
		for (routine = interface->routines; routine != NULL; routine = routine->next) {
			if (!routine->skip)
				put(output, "\t__%s__%s_t %s_%s;\n", kind, routine->name, kind, routine->name);
		}
		put(output, "\tmach_msg_header_t Head;\n};\n\n");
	}
	put(output, "#endif\n\n");
}

void put_header_conventions(struct output *output)
{
	const enum dialect dialect = output->compiler->dialect;

	if (dialect == DIALECT_PORTOLAN || output->compiler->interface.foreign)
		return;
	if (dialect == DIALECT_GNU)
		gnu_macros(output);
	if (dialect == DIALECT_APPLE || dialect == DIALECT_OSF) {
		name_map(output);
		message_types(output);
	}
	if (output->server)
		routine_of_message(output, false);
}
