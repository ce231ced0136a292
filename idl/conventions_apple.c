/* What callers of Apple's and of OSF's stubs expect besides. */
#include "conventions.h"

#include <string.h>

/* The subsystem's name in structures and unions: with the prefix of its side. */
static const char *full_name(struct output *output, bool server)
{
	const struct compiler *compiler = output->compiler;
	const char *prefix = server ? compiler->server_prefix : compiler->user_prefix;

	return arena_printf(&output->compiler->arena, "%s%s", prefix != NULL ? prefix : "", compiler->interface.name);
}

void put_hook(struct output *output, const char *when, const char *side, const struct routine *routine)
{
	if (!like_apple(output) || (output->kernel && strcmp(side, "Send") == 0))
		return;
	put(output, "\t__%s%s%s(%lld, \"%s\")\n", when, side, routine->simple ? "Simple" : "Rpc",
		(long long)routine->id, routine->name);
}

void put_hook_defaults(struct output *output, const char *side)
{
	static const char *const when[] = {"Declare", "Before", "After"};
	static const char *const kinds[] = {"Rpc", "Simple"};
	unsigned i;

	for (i = 0; like_apple(output) && i < 6; i++)
		put(output, "#ifndef __%s%s%s\n#define __%s%s%s(id, name)\n#endif\n", when[i % 3], side, kinds[i / 3],
			when[i % 3], side, kinds[i / 3]);
}

void put_header_hook(struct output *output, const char *when)
{
	const char *side = output->server ? "Server" : "User";

	if (like_apple(output))
		put(output, "#ifdef __%sMig%sHeader\n__%sMig%sHeader\n#endif\n\n", when, side, when, side);
}

/* How many ids, and which name has which. */
static void put_name_map(struct output *output)
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

/* Bytes of the largest message of a routine. */
static uint64_t message_bytes(const struct routine *routine, bool reply)
{
	uint64_t size = 24 + 8 * (reply ? routine->reply_words : routine->request_words);

	if (!routine->registers)
		size = reply && !routine->simple ? routine->reply.max_size + routine->reply_room
						 : routine->request.max_size;
	if (reply && (routine->simple || size < 40))
		size = 40;
	return size;
}

/*
 * The messages as types large enough for them; unions as large as any of them, whose fields are called like the
 * client's functions on its side, and like the routines on the server's.
 */
static void put_message_types(struct output *output, bool reply)
{
	const char *kind = reply ? "Reply" : "Request";
	const char *name = output->compiler->interface.name;
	const char *full = full_name(output, output->server);
	const struct routine *routine;

	put(output, "#ifndef __%s__%s_subsystem__defined\n#define __%s__%s_subsystem__defined\n\n", kind, name, kind,
		name);
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		uint64_t size = message_bytes(routine, reply);

		if (routine->skip)
			continue;
		put(output, "typedef struct {\n\tmach_msg_header_t Head;\n");
		if (size > 24)
			put(output, "\tuint64_t Body[%llu];\n", (unsigned long long)(size - 24) / 8);
		put(output, "} __%s__%s_t;\n", kind, routine->name);
	}
	put(output, "#endif\n\n#ifndef __%sUnion__%s_subsystem__defined\n#define __%sUnion__%s_subsystem__defined\n",
		kind, full, kind, full);
	put(output, "union __%sUnion__%s_subsystem {\n", kind, full);
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "\t__%s__%s_t %s_%s;\n", kind, routine->name, kind,
				output->server ? routine->name : routine->user_name);
	}
	put(output, "\tmach_msg_header_t Head;\n};\n#endif\n\n");
}

/* The description's type, with an array as long as the subsystem. */
static void put_description_type(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const char *full = full_name(output, true);

	put(output, "#ifndef __%s_subsystem__defined\n#define __%s_subsystem__defined\nstruct %s_subsystem {\n", full,
		full, full);
	put(output, output->compiler->dialect == DIALECT_OSF ? "\tstruct subsystem *subsystem; /* null */\n"
							     : "\tmig_server_routine_t server;\n");
	put(output,
		"\tmach_msg_id_t start;\n\tmach_msg_id_t end; /* the last and 1 */\n"
		"\tunsigned int maxsize; /* of a reply */\n\tvm_address_t %s; /* 0 */\n"
		"\tstruct routine_descriptor routine[%lld];\n};\n#endif\n",
		output->compiler->dialect == DIALECT_OSF ? "base_addr" : "reserved",
		(long long)(interface->slots > 0 ? interface->slots : 1));
	put(output, "extern const struct %s_subsystem %s_subsystem;\n\n", full, full);
}

static unsigned argument_count(const struct routine *routine)
{
	const struct argument *argument;
	unsigned count = 0;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server)
			count += has_count(argument) ? 2 : 1;
	}
	return count;
}

static void put_description(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const char *full = full_name(output, true);
	const struct routine *routine;

	put(output, "/* The subsystem, as its family's servers know it. */\n");
	put(output, "const struct %s_subsystem %s_subsystem = {\n", full, full);
	if (output->compiler->dialect != DIALECT_OSF)
		put(output, "\t.server = %s_routine,\n", demux_name(output));
	put(output, "\t.start = %lld,\n\t.end = %lld,\n\t.maxsize = sizeof(union mig_largest_reply),\n\t.routine = {\n",
		(long long)interface->base, (long long)(interface->base + interface->slots));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		put(output,
			"\t\t[%lld] = {\n\t\t\t.stub_routine = _X%s,\n\t\t\t.argc = %u,\n"
			"\t\t\t.descr_count = %llu,\n",
			(long long)(routine->id - interface->base), routine->name, argument_count(routine),
			(unsigned long long)routine->request.descriptors);
		if (routine->registers || routine->simple)
			put(output, "\t\t\t.max_reply_msg = %llu,\n\t\t},\n",
				(unsigned long long)message_bytes(routine, true));
		else
			put(output, "\t\t\t.max_reply_msg = mig_reply_%s_size%s,\n\t\t},\n", routine->name,
				reply_room(output, routine));
	}
	put(output, "\t},\n};\n\n");
}

void put_apple_header(struct output *output)
{
	put_name_map(output);
	if (!output->kernel) {
		put_message_types(output, false);
		put_message_types(output, true);
	}
	if (!output->server)
		return;
	put(output, "mig_external mig_routine_t %s_routine(mach_msg_header_t *in);\n\n", demux_name(output));
	put_description_type(output);
}

void put_apple_server(struct output *output)
{
	put(output, "mig_external mig_routine_t %s_routine(mach_msg_header_t *in);\n\n", demux_name(output));
	put_description_type(output);
	put_description(output);
	put_routine_of_message(output, "mig_external ", "mach_msg_header_t",
		arena_printf(
			&output->compiler->arena, "%s_subsystem.routine[index].stub_routine", full_name(output, true)));
	put_convention_demux(output);
}
