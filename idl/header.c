/* The client's and the server's header. */
#include "conventions.h"

static void put_prologue(struct output *output, const char *kind)
{
	const struct interface *interface = &output->compiler->interface;

	put(output, "/* Subsystem %s as its %s sees it; made by mig. */\n", interface->name, kind);
	put(output, "#ifndef _%s_%s_\n#define _%s_%s_\n\n", interface->name, kind, interface->name, kind);
	put_imports(output, !output->server, output->server, true);
	put(output, "#include <mach/boolean.h>\n#include <mach/mig.h>\n");
	if (has_conventions(output))
		put(output, "#include <mach/mig_compat.h>\n");
	put(output, "\n");
	put_header_hook(output, "Before");
}

static void user_header(struct output *output)
{
	const struct routine *routine;

	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (routine->skip || output->compiler->interface.foreign || (output->kernel && !routine->simple))
			continue;
		put_declaration(output, routine);
		put_prototype(output, external_linkage(output), routine->user_name, routine, PARAMETERS_CLIENT);
		put(output, ";\n\n");
	}
}

static void server_header(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		put_declaration(output, routine);
		put_prototype(output, external_linkage(output), routine->server_name, routine, PARAMETERS_WORK);
		put(output, ";\n\n");
		if (interface->deferred && !interface->foreign && !routine->simple) {
			put(output, "/* Answers it later; consumes the reply port. */\n");
			put_prototype(output, "", arena_printf(&output->compiler->arena, "%s_reply", routine->name),
				routine, PARAMETERS_REPLY);
			put(output, ";\n\n");
		}
	}
	put(output, "extern const struct mig_subsystem %s;\n", table_name(output));
	if (interface->foreign)
		put(output, "extern const struct mig_trace_table %s_trace_table;\n", interface->name);
	else if (!output->kernel || like_apple(output) || output->compiler->dialect == DIALECT_CMU)
		put(output,
			"\n/* Serves one message; false when its id is none of ours (`out` is MIG_BAD_ID then). */\n"
			"%sboolean_t %s(%s *in, %s *out);\n",
			external_linkage(output), demux_name(output), message_type(output), message_type(output));
}

static void put_ids(struct output *output)
{
	const struct routine *routine;

	put(output, "enum {\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "\tMIG_ID_%s = %lld,\n", routine->name, (long long)routine->id);
	}
	put(output, "};\n\n");
}

void generate_header(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	bool any = false;

	put_prologue(output, output->server ? "server" : "user");
	if (interface->foreign && output->server)
		put(output, "#include <mach/foreign.h>\n#include <mach/mig_trace.h>\n\n");
	put(output, "/* Message ids; a reply's is 100 more. */\n");
	put(output, "#ifndef _%s_ids_\n#define _%s_ids_\n", interface->name, interface->name);
	for (routine = interface->routines; routine != NULL; routine = routine->next)
		any = any || !routine->skip;
	if (any)
		put_ids(output);
	put(output, "#endif\n\n");
	if (output->server)
		server_header(output);
	else
		user_header(output);
	put_header_conventions(output);
	put_header_hook(output, "After");
	put(output, "#endif\n");
}

void generate_internal_header(struct output *output)
{
	const struct routine *routine;

	put(output, "/* Names of subsystem %s inside the kernel; made by mig. */\n", output->compiler->interface.name);
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "#define %s %s_external\n", routine->user_name, routine->user_name);
	}
}

void generate_defines_header(struct output *output)
{
	const struct routine *routine;

	put(output, "/* Message ids of subsystem %s; made by mig. */\n", output->compiler->interface.name);
	put(output, "#ifndef _%s_defines\n#define _%s_defines\n\n", output->compiler->interface.name,
		output->compiler->interface.name);
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		const char *name;

		if (routine->skip)
			continue;
		name = upper_case(output, routine->name);
		put(output, "#define MACH_ID_%s %lld\n", name, (long long)routine->id);
		if (!routine->simple)
			put(output, "#define MACH_ID_%s_REPLY %lld\n", name, (long long)routine->id + 100);
	}
	put(output, "\n#endif\n");
}
