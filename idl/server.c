/* The server's stubs, its table and its dispatcher. */
#include "emit.h"
#include "server.h"

#include <string.h>

static void put_helpers(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	bool messages = false;

	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		messages = messages || !routine->registers;
	}
	if (messages && output->kernel)
		put(output, "/* Makes `out` the reply that says only how the routine ended. */\n"
			    "static void mig_end_message(const struct ipc_kmsg *in, struct ipc_kmsg *out, "
			    "kern_return_t result)\n{\n"
			    "\tmig_reply_error_t *reply = (void *)ipc_kmsg_header(out);\n\n"
			    "\tmemset(reply, 0, sizeof *reply);\n"
			    "\treply->Head.msgh_size = sizeof *reply;\n"
			    "\treply->Head.msgh_id = in->header.msgh_id + 100;\n"
			    "\treply->NDR = NDR_record;\n\treply->RetCode = result;\n}\n\n");
	if (messages && !output->kernel) {
		put(output, "/* The head of the answer to `in`. */\n"
			    "static MIG_NO_VECTORS void mig_start_reply(const mach_msg_header_t *in, mach_msg_header_t "
			    "*out, "
			    "mach_msg_bits_t complex,\n"
			    "\tmach_msg_size_t size)\n{\n"
			    "\tout->msgh_bits = MACH_MSGH_BITS(MACH_MSGH_BITS_REMOTE(in->msgh_bits), 0) | complex;\n"
			    "\tout->msgh_size = size;\n\tout->msgh_remote_port = in->msgh_remote_port;\n"
			    "\tout->msgh_local_port = MACH_PORT_NULL;\n\tout->msgh_reserved = 0;\n"
			    "\tout->msgh_id = in->msgh_id + 100;\n}\n\n");
		put(output, "/*\n * Makes `out` the reply that says only how the routine ended. Unless the work "
			    "function has them, the rights and memory\n"
			    " * of the request die here; the reply port stays the caller's, unless the function wants "
			    "no answer at "
			    "all.\n */\n"
			    "static void mig_end_message(mach_msg_header_t *in, mach_msg_header_t *out, kern_return_t "
			    "result)\n{\n"
			    "\tmig_reply_error_t *reply = (void *)out;\n\n"
			    "\tmemset(reply, 0, sizeof *reply);\n"
			    "\tmig_start_reply(in, out, 0, sizeof *reply);\n"
			    "\treply->NDR = NDR_record;\n\treply->RetCode = result;\n"
			    "\tif (result == MIG_DESTROY_REQUEST) {\n"
			    "\t\treply->RetCode = MIG_NO_REPLY;\n"
			    "\t\tin->msgh_bits &= ~MACH_MSGH_BITS_LOCAL_MASK;\n"
			    "\t\tmach_msg_destroy(in);\n\t\treturn;\n\t}\n"
			    "\tif (result != MIG_NO_REPLY && (in->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0) {\n"
			    "\t\tin->msgh_bits = MACH_MSGH_BITS_COMPLEX;\n"
			    "\t\tin->msgh_remote_port = MACH_PORT_NULL;\n\t\tin->msgh_local_port = MACH_PORT_NULL;\n"
			    "\t\tmach_msg_destroy(in);\n\t}\n}\n\n");
	}
}

/* --- Deferred replies. */

static void deferred_words(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	put(output, "\tuint64_t mig_word[8] = {(uint64_t)(int64_t)mig_result};\n\n");
	put(output,
		"\tif (mig_result != KERN_SUCCESS)\n\t\treturn mach_send_words(mig_reply_port, %lld, mig_word, 1);\n",
		(long long)routine->id + 100);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;
		const char *name = argument->name;

		if (!argument->out)
			continue;
		if (type->outtran != NULL && type->shape == SHAPE_SCALAR) {
			name = arena_printf(&output->compiler->arena, "%s(%s)", type->outtran, name);
		} else if (type->outtran != NULL) {
			put(output, "\tconst %s mig_%sOut = %s(%s);\n", c_type(output, type), name, type->outtran,
				name);
			name = arena_printf(&output->compiler->arena, "mig_%sOut", name);
		}
		if (type->shape == SHAPE_SCALAR)
			put(output, "\tmig_word[%u] = (uint64_t)%s;\n", argument->out_word, name);
		else if (type->shape == SHAPE_STRING)
			put(output,
				"\tif (memchr(%s, 0, %llu) == NULL)\n\t\treturn MIG_ARRAY_TOO_LARGE;\n"
				"\tmemcpy(&mig_word[%u], %s, strlen(%s));\n",
				name, (unsigned long long)type->count, argument->out_word, name, name);
		else
			put(output, "\tmemcpy(&mig_word[%u], %s%s, %llu);\n", argument->out_word,
				type->shape == SHAPE_ARRAY ? "" : "&", name, (unsigned long long)type->bytes);
	}
	put(output, "\treturn mach_send_words(mig_reply_port, %lld, mig_word, %u);\n}\n\n",
		(long long)routine->id + 100, routine->reply_words);
}

static void deferred_message(struct output *output, const struct routine *routine)
{
	const struct item *last = routine->reply.items;

	put(output,
		"\tunion {\n\t\t_Alignas(8) unsigned char bytes[mig_reply_%s_size];\n\t\tmig_reply_error_t error;\n"
		"\t} mig_message;\n",
		routine->name);
	put(output, "\tstruct mig_reply_%s *mig_reply = (void *)&mig_message;\n\n", routine->name);
	put(output,
		"\tif (mig_result != KERN_SUCCESS) {\n\t\tmemset(&mig_message.error, 0, sizeof mig_message.error);\n"
		"\t\tmig_message.error.NDR = NDR_record;\n\t\tmig_message.error.RetCode = mig_result;\n"
		"\t\tmig_reply->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0);\n"
		"\t\tmig_reply->Head.msgh_size = sizeof mig_message.error;\n"
		"\t\tmig_reply->Head.msgh_remote_port = mig_reply_port;\n"
		"\t\tmig_reply->Head.msgh_id = %lld;\n"
		"\t\treturn mach_msg(&mig_reply->Head, MACH_SEND_MSG, mig_reply->Head.msgh_size, 0, MACH_PORT_NULL,\n"
		"\t\t\tMACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);\n\t}\n",
		(long long)routine->id + 100);
	put_limits(output, &routine->reply);
	put_packing(output, routine, &routine->reply, "reply");
	while (last != NULL && last->next != NULL)
		last = last->next;
	if (message_varies(&routine->reply)) {
		if (last->kind != ITEM_VARIABLE)
			put(output, "\tmig_size += sizeof(%s);\n", part_struct(output, "reply", routine, last->part));
		put(output, "\tmig_reply->Head.msgh_size = (mach_msg_size_t)mig_size;\n");
	} else {
		put(output, "\tmig_reply->Head.msgh_size = sizeof(%s);\n", part_struct(output, "reply", routine, 0));
	}
	put(output, "\tmig_reply->Head.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_MOVE_SEND_ONCE, 0)%s;\n",
		routine->reply.descriptors != 0 ? " | MACH_MSGH_BITS_COMPLEX" : "");
	put(output, "\tmig_reply->Head.msgh_remote_port = mig_reply_port;\n\tmig_reply->Head.msgh_id = %lld;\n",
		(long long)routine->id + 100);
	put(output, "\treturn mach_msg(&mig_reply->Head, MACH_SEND_MSG, mig_reply->Head.msgh_size, 0, MACH_PORT_NULL,\n"
		    "\t\tMACH_MSG_TIMEOUT_NONE, MACH_PORT_NULL);\n}\n\n");
}

static void deferred_reply(struct output *output, const struct routine *routine)
{
	const char *name = arena_printf(&output->compiler->arena, "%s_reply", routine->name);

	put(output,
		"/* The answer to a %s whose work function returned MIG_NO_REPLY; consumes the reply port when it "
		"succeeds. */\n",
		routine->name);
	put_prototype(output, "", name, routine, PARAMETERS_REPLY);
	put(output, ";\n\n");
	put_prototype(output, "", name, routine, PARAMETERS_REPLY);
	put(output, "\n{\n");
	if (routine->registers)
		deferred_words(output, routine);
	else
		deferred_message(output, routine);
}

/* --- The table and the dispatcher. */

static void put_table_entry(struct output *output, const struct routine *routine)
{
	const bool foreign = output->compiler->interface.foreign;

	put(output, "\t[%lld] = {\n\t\t.name = \"%s\",\n", (long long)(routine->id - output->compiler->interface.base),
		routine->name);
	if (routine->registers) {
		put(output, "\t\t.flags = MIG_ROUTINE_REGISTER%s,\n", routine->simple ? " | MIG_ROUTINE_ONEWAY" : "");
		put(output, "\t\t.request_words = %u,\n\t\t.reply_words = %u,\n", routine->request_words,
			routine->reply_words);
		put(output, "\t\t.max_request_size = %u,\n\t\t.max_reply_size = %u,\n", 24 + 8 * routine->request_words,
			routine->simple ? 40 : 24 + 8 * routine->reply_words);
		put(output, "\t\t.%s = mig_%s_%s,\n\t},\n", foreign ? "foreign" : "words", foreign ? "call" : "words",
			routine->name);
		return;
	}
	if (routine->simple || routine->server_trailer)
		put(output, "\t\t.flags = %s%s%s,\n", routine->simple ? "MIG_ROUTINE_ONEWAY" : "",
			routine->simple && routine->server_trailer ? " | " : "",
			routine->server_trailer ? "MIG_ROUTINE_TRAILER" : "");
	put(output, "\t\t.max_request_size = mig_request_%s_size,\n", routine->name);
	if (routine->simple)
		put(output, "\t\t.max_reply_size = sizeof(mig_reply_error_t),\n");
	else
		put(output, "\t\t.max_reply_size = mig_reply_%s_size%s,\n", routine->name, reply_room(output, routine));
	put(output, "\t\t.message = mig_message_%s,\n\t},\n", routine->name);
}

/* The largest message of a kind, and what belongs to it until it is sent: an array of that many bytes would hold any of
 * them. */
static void put_largest(struct output *output, const char *kind)
{
	const struct interface *interface = &output->compiler->interface;
	const bool reply = strcmp(kind, "reply") == 0;
	const struct routine *routine;
	uint64_t words = 0;

	put(output, "union mig_largest_%s {\n\tmig_reply_error_t mig_error;\n", kind);
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		if (!routine->registers && !(reply && routine->simple))
			put(output, "\tunsigned char %s[mig_%s_%s_size%s];\n", routine->name, kind, routine->name,
				reply ? reply_room(output, routine) : "");
		else if (routine->registers && (reply ? routine->reply_words : routine->request_words) > words)
			words = reply ? routine->reply_words : routine->request_words;
	}
	put(output, "\tunsigned char mig_words[%llu];\n};\n", 24 + 8 * (unsigned long long)words);
}

static void put_table(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put_largest(output, "request");
	put_largest(output, "reply");
	put(output, "\nstatic const struct mig_routine mig_routines[%lld] = {\n",
		(long long)(interface->slots > 0 ? interface->slots : 1));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put_table_entry(output, routine);
	}
	put(output, "};\n\nextern const struct mig_subsystem %s;\n", table_name(output));
	put(output, "const struct mig_subsystem %s = {\n\t.name = \"%s\",\n\t.start = %lld,\n\t.end = %lld,\n",
		table_name(output), interface->name, (long long)interface->base,
		(long long)(interface->base + interface->slots));
	put(output, "\t.max_request_size = sizeof(union mig_largest_request),\n"
		    "\t.max_reply_size = sizeof(union mig_largest_reply),\n\t.routine = mig_routines,\n};\n");
}

static void put_demux(struct output *output)
{
	const char *demux = demux_name(output);

	put(output, "\nboolean_t %s(mach_msg_header_t *in, mach_msg_header_t *out);\n\n", demux);
	put(output, "/* Serves one message; false when its id is none of ours (`out` is MIG_BAD_ID then). */\n");
	put(output,
		"boolean_t %s(mach_msg_header_t *in, mach_msg_header_t *out)\n{\n"
		"\treturn mig_server_dispatch(&%s, in, out);\n}\n",
		demux, table_name(output));
}

static void put_trace_table(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	const struct argument *argument;
	unsigned count;

	put(output, "\nstatic const struct mig_trace_routine mig_trace_routines[%lld] = {\n",
		(long long)(interface->slots > 0 ? interface->slots : 1));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		put(output, "\t[%lld] = {\n\t\t.name = \"%s\",\n", (long long)(routine->id - interface->base),
			routine->name);
		count = 0;
		for (argument = routine->arguments; argument != NULL; argument = argument->next)
			put(output, "\t\t.argument[%u] = {\"%s\", \"%s\", %llu},\n", count++, argument->name,
				argument->type->name != NULL ? argument->type->name : "",
				(unsigned long long)argument->type->bytes);
		put(output, "\t\t.arguments = %u,\n\t},\n", count);
	}
	put(output, "};\n\nextern const struct mig_trace_table %s_trace_table;\n", interface->name);
	put(output,
		"const struct mig_trace_table %s_trace_table = {\n\t.name = \"%s\",\n\t.start = %lld,\n\t.count = "
		"%lld,\n"
		"\t.routine = mig_trace_routines,\n};\n",
		interface->name, interface->name, (long long)interface->base, (long long)interface->slots);
}

static void put_file_includes(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put(output, "/* Server stubs of subsystem %s; made by mig. */\n", interface->name);
	put_runtime_prefix(output);
	put_imports(output, false, true, false);
	put(output, "#include <mach/boolean.h>\n#include <mach/mig.h>\n");
	if (output->kernel)
		put(output, "#include <ipc/ipc_kmsg.h>\n");
	else
		put(output, "#include <mach/mig_support.h>\n");
	for (routine = interface->routines; routine != NULL && !routine->server_trailer; routine = routine->next)
		;
	if (output->kernel && routine != NULL)
		put(output, "#include <kern/tokens.h>\n");
	if (interface->foreign)
		put(output, "#include <mach/foreign.h>\n#include <mach/mig_trace.h>\n");
	if (interface->deferred && !output->kernel)
		put(output, "#include <mach/register.h>\n");
	put(output, "#include <stddef.h>\n#include <string.h>\n");
	put_convention_includes(output);
	put_hook_defaults(output, "Rcv");
	put(output, "\n");
	put_rcsid(output, "server");
}

void generate_server(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	put_file_includes(output);
	put_helpers(output);
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		put_prototype(output, external_linkage(output), routine->server_name, routine, PARAMETERS_WORK);
		put(output, ";\n\n");
		put_work_adapter(output, routine);
		if (!routine->registers) {
			put_message_structs(output, routine, &routine->request, "request");
			if (!routine->simple)
				put_message_structs(output, routine, &routine->reply, "reply");
		}
		put_declaration(output, routine);
		if (interface->foreign)
			put_foreign_stub(output, routine);
		else if (routine->registers)
			put_words_stub(output, routine);
		else
			put_message_stub(output, routine);
		if (interface->deferred && !interface->foreign && !output->kernel && !routine->simple)
			deferred_reply(output, routine);
	}
	put_table(output);
	if (!interface->foreign && !output->kernel && output->compiler->dialect == DIALECT_PORTOLAN)
		put_demux(output);
	if (interface->foreign)
		put_trace_table(output);
	else
		put_server_conventions(output);
}
