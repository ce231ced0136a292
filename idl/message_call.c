/* Server stubs of buffered routines: the call of the work function, from the request and into the reply. */
#include "descriptors.h"
#include "server.h"
#include "trailer.h"

const struct item *find_item(const struct message *message, const struct argument *argument)
{
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		if (item->argument == argument && item->kind != ITEM_COUNT)
			return item;
	}
	return NULL;
}

/* The value of an in argument as it stands in the request. */
const char *request_value(struct output *output, const struct item *item)
{
	if (item->kind < ITEM_DATA)
		return received_value(output, item, "request");
	return arena_printf(
		&output->compiler->arena, "%s->%s", part_variable(output, "request", item->part), item->argument->name);
}

/* Counts and dispositions that an in argument brings along, as expressions. */
static void put_call_argument(struct output *output, const struct routine *routine, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *name = argument->name;
	const struct item *in = argument->in ? find_item(&routine->request, argument) : NULL;
	const struct item *out = argument->out ? find_item(&routine->reply, argument) : NULL;

	if (argument->direction == DIR_REQUEST_PORT) {
		put(output, "%s",
			argument == routine->request_port ? name
			: output->kernel                  ? "mig_in->remote_port"
							  : "mig_in->msgh_local_port");
		if (type->recv_name == IPC_POLYMORPHIC)
			put(output, output->kernel ? ", MACH_MSG_TYPE_PORT_SEND"
						   : ", MACH_MSGH_BITS_LOCAL(mig_in->msgh_bits)");
		return;
	}
	if (argument->direction == DIR_REPLY_PORT || argument->direction == DIR_SREPLY_PORT) {
		put(output, output->kernel ? "mig_in->local_port" : "mig_in->msgh_remote_port");
		if (type->recv_name == IPC_POLYMORPHIC)
			put(output, output->kernel ? ", MACH_MSG_TYPE_PORT_SEND_ONCE"
						   : ", MACH_MSGH_BITS_REMOTE(mig_in->msgh_bits)");
		return;
	}
	if (argument == routine->retcode) {
		put(output, "mig_retcode");
		return;
	}
	if (argument->trailer != TRAILER_NONE) {
		put(output, "%s", trailer_value(output, argument));
		return;
	}
	if (out != NULL) {
		bool array = type->shape == SHAPE_ARRAY || type->shape == SHAPE_STRING || type->shape == SHAPE_VARRAY ||
			     type->shape == SHAPE_VSTRING || type->shape == SHAPE_OOL_ARRAY;

		array = array && !is_translated(output, argument);

		if (is_array_in_memory(out))
			put(output, "%s", memory_value(output, argument, name));
		else if (is_local(out) || is_descriptor_array(out->kind))
			put(output, "%s%s", array ? "" : "&", name);
		else
			put(output, "%s%s->%s", array ? "" : "&", part_variable(output, "reply", out->part), name);
		if ((type->send_name == IPC_POLYMORPHIC) || (in != NULL && type->recv_name == IPC_POLYMORPHIC))
			put(output, ", &%sPoly", name);
		if (has_subs(argument))
			put(output, ", %sSubs", name);
		if (has_count(argument))
			put(output, ", &%sCnt", name);
		if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
			put(output, ", &%sDealloc", name);
		if (in != NULL && (argument->flags & FLAG_SERVERCOPY) != 0)
			put(output, ", 0");
		return;
	}
	if (type->intran != NULL || is_descriptor_array(in->kind))
		put(output, "%s", name);
	else if (type->shape == SHAPE_OPTIONAL)
		put(output, "%s->%sCnt != 0 ? %s : %s", part_variable(output, "request", in->part), name,
			request_value(output, in), type->absent);
	else
		put(output, "%s%s", type->shape == SHAPE_POINTER ? "&" : "", request_value(output, in));
	if (type->recv_name == IPC_POLYMORPHIC)
		put(output, ", %s.disposition", first_descriptor(output, in, "request"));
	if (has_subs(argument))
		put(output, ", %sSubs", name);
	if (has_count(argument) && (in->kind == ITEM_OOL || in->kind == ITEM_OOL_PORTS))
		put(output, ", (mach_msg_type_number_t)(%s)", received_elements(output, in, "request"));
	else if (has_count(argument))
		put(output, ", %s", count_field(output, &routine->request, "request", argument));
	if ((argument->flags & FLAG_SERVERCOPY) != 0)
		put(output, ", 0");
}

void put_message_call(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const char *separator = "";

	put(output, "\tmig_result = ");
	put_refusals(output, routine);
	put(output, "%s(", work_name(output, routine));
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (!argument->server)
			continue;
		put(output, "%s", separator);
		put_call_argument(output, routine, argument);
		separator = ", ";
	}
	put(output, ");\n");
}
