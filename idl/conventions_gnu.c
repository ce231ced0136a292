/* What callers of GNU's and of CMU's stubs expect besides. */
#include "conventions.h"

/* A macro per routine says that it exists, and its ids. */
static void put_macros(struct output *output)
{
	const struct routine *routine;

	put(output, "\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		const char *name;

		if (routine->skip)
			continue;
		name = upper_case(output, output->server ? routine->server_name : routine->user_name);
		put(output, "#ifndef MIG_RPC_HAVE_%s\n#define MIG_RPC_HAVE_%s 1\n#define MIG_RPC_REQUEST_ID_%s %lld\n",
			name, name, name, (long long)routine->id);
		if (!routine->simple)
			put(output, "#define MIG_RPC_REPLY_ID_%s %lld\n", name, (long long)routine->id + 100);
		put(output, "#endif\n");
	}
	put(output, "\n");
}

void put_gnu_header(struct output *output)
{
	put_macros(output);
	if (!output->server)
		return;
	put(output, "extern mig_routine_t %s_routines[];\n\n", demux_name(output));
	put_routine_of_message(output, "static inline ", "const mach_msg_header_t",
		arena_printf(&output->compiler->arena, "%s_routines[index]", demux_name(output)));
}

/* Work functions that are not there answer MIG_EOPNOTSUPP, when the file is compiled with that macro. */
static void put_weak_functions(struct output *output)
{
	const struct routine *routine;

	put(output, "#ifdef MIG_EOPNOTSUPP\n#pragma GCC diagnostic push\n"
		    "#pragma GCC diagnostic ignored \"-Wunused-parameter\"\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (routine->skip || routine->kind != KIND_ROUTINE)
			continue;
		put_prototype(output, "__attribute__((weak)) ", routine->server_name, routine, PARAMETERS_WORK);
		put(output, "\n{\n\treturn MIG_EOPNOTSUPP;\n}\n\n");
	}
	put(output, "#pragma GCC diagnostic pop\n#endif\n\n");
}

/* In the kernel there is the table only: the kernel joins those of all its subsystems. */
void put_gnu_server(struct output *output)
{
	put_weak_functions(output);
	put(output, "extern mig_routine_t %s_routines[];\n", demux_name(output));
	put_function_table(output, "");
	if (output->kernel)
		return;
	put_routine_of_message(output, "static inline ", "const mach_msg_header_t",
		arena_printf(&output->compiler->arena, "%s_routines[index]", demux_name(output)));
	put_convention_demux(output);
}

void put_cmu_header(struct output *output)
{
	put(output, "mig_external mig_routine_t %s_routine(const mach_msg_header_t *in);\n\n", demux_name(output));
}

void put_cmu_server(struct output *output)
{
	put_cmu_header(output);
	put_function_table(output, "static const ");
	put_routine_of_message(output, "mig_external ", "const mach_msg_header_t",
		arena_printf(&output->compiler->arena, "%s_routines[index]", demux_name(output)));
	put_convention_demux(output);
}
