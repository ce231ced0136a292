/*
 * What the families' callers expect besides the stubs, and what is common to the families: linkage, rcsid, functions
 * and tables by id, symbol tables. conventions_gnu.c and conventions_apple.c have what is one family's.
 */
#include "conventions.h"

bool has_conventions(const struct output *output)
{
	return output->compiler->dialect != DIALECT_PORTOLAN && !output->compiler->interface.foreign;
}

bool like_apple(const struct output *output)
{
	return has_conventions(output) &&
	       (output->compiler->dialect == DIALECT_APPLE || output->compiler->dialect == DIALECT_OSF);
}

const char *external_linkage(const struct output *output)
{
	return has_conventions(output) ? "mig_external " : "";
}

const char *table_name(struct output *output)
{
	return arena_printf(&output->compiler->arena, like_apple(output) ? "%s_mig_subsystem" : "%s_subsystem",
		output->compiler->interface.name);
}

const char *message_type(const struct output *output)
{
	return output->kernel ? "mig_message_t" : "mach_msg_header_t";
}

void put_convention_includes(struct output *output)
{
	if (has_conventions(output) || output->compiler->symbol_table)
		put(output, "#include <mach/mig_compat.h>\n");
}

/* --- One function per stub, for tables of functions that take two messages. */

static void put_message_function(struct output *output, const struct routine *routine)
{
	const char *type = message_type(output);

	put(output, "mig_internal void _X%s(%s *in, %s *out)\n{\n", routine->name, type, type);
	put_hook(output, "Declare", "Rcv", routine);
	put_hook(output, "Before", "Rcv", routine);
	if (!output->kernel)
		put(output, "\t(void)mig_server_dispatch(&%s, in, out);\n", table_name(output));
	else if (routine->registers)
		put(output,
			"\tstatic const struct mig_routine words = {\n"
			"\t\t.request_words = %u, .reply_words = %u, .words = mig_words_%s};\n\n"
			"\tmig_serve_words(&words, in, out);\n",
			routine->request_words, routine->reply_words, routine->name);
	else
		put(output, "\tmig_message_%s(in, out);\n", routine->name);
	put_hook(output, "After", "Rcv", routine);
	put(output, "}\n\n");
}

/* In the kernel: a register routine's request in a buffer, and its reply likewise. */
static void put_serve_words(struct output *output)
{
	put(output, "/* Serves a message with the function that serves its words. */\n"
		    "static void mig_serve_words(\n"
		    "\tconst struct mig_routine *routine, const struct ipc_kmsg *in, struct ipc_kmsg *out)\n{\n"
		    "\tconst uint32_t body = in->header.msgh_size - (uint32_t)sizeof in->header;\n"
		    "\tmach_msg_header_t *reply = ipc_kmsg_header(out);\n"
		    "\tkern_return_t result = MIG_BAD_ARGUMENTS;\n"
		    "\tuint64_t word[8];\n\tuint32_t count;\n\n"
		    "\tif (body == 8 * routine->request_words) {\n\t\tmemcpy(word, &in->header + 1, body);\n"
		    "\t\tresult = routine->words(word, (uintptr_t)in->remote_port);\n\t}\n"
		    "\tmemset(reply, 0, sizeof(mig_reply_error_t));\n"
		    "\treply->msgh_id = in->header.msgh_id + 100;\n"
		    "\tif (result == KERN_RESTART || !mig_answers(result)) {\n"
		    "\t\treply->msgh_size = sizeof(mig_reply_error_t);\n"
		    "\t\t((mig_reply_error_t *)(void *)reply)->RetCode =\n"
		    "\t\t\tresult == KERN_RESTART ? KERN_RESTART : MIG_NO_REPLY;\n\t\treturn;\n\t}\n"
		    "\tcount = mig_answer(routine, result, word);\n"
		    "\treply->msgh_size = (mach_msg_size_t)(sizeof *reply + 8 * count);\n"
		    "\tmemcpy(reply + 1, word, 8 * count);\n}\n\n");
}

static void put_message_functions(struct output *output)
{
	const struct routine *routine;
	bool registers = false;

	put(output, "\n");
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next)
		registers = registers || (!routine->skip && routine->registers);
	if (registers && output->kernel)
		put_serve_words(output);
	for (routine = output->compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put_message_function(output, routine);
	}
}

/* A table without routines has an entry too, a null one: C knows no empty arrays, nor an index below zero entries. */
static long long table_slots(const struct interface *interface)
{
	return interface->slots > 0 ? (long long)interface->slots : 1;
}

void put_function_table(struct output *output, const char *linkage)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put(output, "%smig_routine_t %s_routines[%lld] = {\n", linkage, demux_name(output), table_slots(interface));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "\t[%lld] = _X%s,\n", (long long)(routine->id - interface->base), routine->name);
	}
	put(output, "};\n\n");
}

void put_routine_of_message(struct output *output, const char *linkage, const char *parameter, const char *entry)
{
	const struct interface *interface = &output->compiler->interface;

	put(output,
		"/* The function that serves a message; null for an id that is none of ours. */\n"
		"%smig_routine_t %s_routine(%s *in)\n{\n\tconst mach_msg_id_t index = in->msgh_id - %lld;\n\n"
		"\treturn index >= 0 && index < %lld ? %s : NULL;\n}\n\n",
		linkage, demux_name(output), parameter, (long long)interface->base, table_slots(interface), entry);
}

void put_convention_demux(struct output *output)
{
	const char *demux = demux_name(output);
	const char *type = message_type(output);

	put(output, "mig_external boolean_t %s(%s *in, %s *out);\n\n", demux, type, type);
	put(output,
		"/* Serves one message; false when its id is none of ours (`out` is MIG_BAD_ID then). */\n"
		"mig_external boolean_t %s(%s *in, %s *out)\n{\n"
		"\tconst mig_routine_t routine = %s_routine(%s);\n\n",
		demux, type, type, demux, output->kernel ? "&in->header" : "in");
	if (output->kernel)
		put(output, "\tif (routine == NULL) {\n"
			    "\t\tmig_reply_error_t *reply = (void *)ipc_kmsg_header(out);\n\n"
			    "\t\tmemset(reply, 0, sizeof *reply);\n\t\treply->Head.msgh_size = sizeof *reply;\n"
			    "\t\treply->Head.msgh_id = in->header.msgh_id + 100;\n\t\treply->NDR = NDR_record;\n"
			    "\t\treply->RetCode = MIG_BAD_ID;\n\t\treturn 0;\n\t}\n");
	else
		put(output, "\tif (routine == NULL)\n\t\treturn mig_server_dispatch(&%s, in, out);\n",
			table_name(output));
	put(output, "\troutine(in, out);\n\treturn 1;\n}\n");
}

/* -s: names, ids and functions. */
static void put_symbol_table(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put(output, "\nextern mig_symtab_t _%sSymTab[];\nextern int _%sSymTabBase;\nextern int _%sSymTabEnd;\n",
		interface->name, interface->name, interface->name);
	put(output, "mig_symtab_t _%sSymTab[%lld] = {\n", interface->name, table_slots(interface));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "\t[%lld] = {\"%s\", %lld, _X%s},\n", (long long)(routine->id - interface->base),
				routine->name, (long long)routine->id, routine->name);
	}
	put(output, "};\nint _%sSymTabBase = %lld;\nint _%sSymTabEnd = %lld;\n", interface->name,
		(long long)interface->base, interface->name, (long long)(interface->base + interface->slots));
}

void put_server_conventions(struct output *output)
{
	const enum dialect dialect = output->compiler->dialect;

	if (output->compiler->interface.foreign || (!has_conventions(output) && !output->compiler->symbol_table))
		return;
	put_message_functions(output);
	if (dialect == DIALECT_GNU)
		put_gnu_server(output);
	else if (like_apple(output))
		put_apple_server(output);
	else if (dialect == DIALECT_CMU)
		put_cmu_server(output);
	if (output->compiler->symbol_table)
		put_symbol_table(output);
}

void put_header_conventions(struct output *output)
{
	if (!has_conventions(output))
		return;
	if (output->compiler->dialect == DIALECT_GNU)
		put_gnu_header(output);
	else if (like_apple(output))
		put_apple_header(output);
	else if (output->server)
		put_cmu_header(output);
}
