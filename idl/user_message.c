/* Client stubs of buffered routines. */
#include "descriptors.h"
#include "trailer.h"
#include "user.h"

#include <string.h>

/* The message's bits; the kernel's request carries its ports beside it. */
static void put_head(struct output *output, const struct routine *routine)
{
	const char *local = "0";
	const char *var = "mig_request";

	if (routine->reply_port != NULL)
		local = send_disposition(output, routine->reply_port);
	else if (!routine->simple)
		local = "MACH_MSG_TYPE_MAKE_SEND_ONCE";
	put(output, "\t%s->Head.msgh_bits = MACH_MSGH_BITS(%s, %s)%s;\n", var,
		send_disposition(output, routine->request_port), local,
		routine->request.descriptors != 0 ? " | MACH_MSGH_BITS_COMPLEX" : "");
	put(output, "\t%s->Head.msgh_id = %lld;\n", var, (long long)routine->id);
	if (message_varies(&routine->request)) {
		const struct item *last = routine->request.items;

		while (last->next != NULL)
			last = last->next;
		if (last->kind != ITEM_VARIABLE)
			put(output, "\tmig_size += sizeof(%s);\n", part_struct(output, "request", routine, last->part));
		put(output, "\t%s->Head.msgh_size = (mach_msg_size_t)mig_size;\n", var);
	} else {
		put(output, "\t%s->Head.msgh_size = sizeof(%s);\n", var, part_struct(output, "request", routine, 0));
	}
}

/* Ports, times and options that were said again, and a send time beside a time to wait. */
static void put_unused(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const bool used = argument == routine->waittime ||
				  (argument == routine->sendtime && uses_send_time(output, routine)) ||
				  argument == routine->msgoption || argument == routine->request_port ||
				  argument == routine->reply_port;

		if (argument->user && !used && argument->direction >= DIR_REQUEST_PORT &&
			argument->direction <= DIR_MSGOPTION)
			put(output, "\t(void)%s;\n", argument->name);
	}
}

void put_kernel_client(struct output *output, const struct routine *routine)
{
	put_client_head(output, routine);
	put(output, "\n{\n\tstruct ipc_kmsg *mig_kmsg;\n\tstruct mig_request_%s *mig_request;\n\n", routine->name);
	put_unused(output, routine);
	put_limits(output, &routine->request);
	put(output, "\tmig_kmsg = ipc_kmsg_alloc(mig_request_%s_size, %llu);\n", routine->name,
		(unsigned long long)routine->request.descriptors);
	put(output, "\tif (mig_kmsg == NULL)\n\t\treturn MACH_SEND_NO_BUFFER;\n");
	put(output, "\tmig_request = (void *)ipc_kmsg_header(mig_kmsg);\n");
	put_packing(output, routine, &routine->request, "request");
	put_head(output, routine);
	if (routine->reply_port != NULL)
		put(output, "\tmig_kmsg->local_port = %s;\n", routine->reply_port->name);
	put(output, "\treturn ipc_kmsg_send_from_kernel(mig_kmsg, %s, %s, MACH_MSG_OPTION_NONE);\n}\n\n",
		routine->request_port->name, send_disposition(output, routine->request_port));
}

/*
 * The condition under which there is no memory of the caller's for the answer to go into, for it went with the request:
 * "0" (never), "1", or an expression.
 */
static const char *buffer_is_gone(struct output *output, const struct item *item)
{
	return item->argument->in && !is_array_in_memory(item) ? deallocate_text(output, item->argument) : "0";
}

/* Memory that goes into the caller's own, unless that is gone. */
static bool is_overwritten(struct output *output, const struct item *item)
{
	if (is_array_in_memory(item))
		return true;
	return (item->argument->flags & FLAG_OVERWRITE) != 0 &&
	       (item->kind == ITEM_OOL || item->kind == ITEM_OOL_PORTS) &&
	       strcmp(buffer_is_gone(output, item), "1") != 0;
}

/* GNU's and CMU's array[]: the caller's buffer if it is large enough. */
static bool may_fit(struct output *output, const struct item *item)
{
	return item->argument->type->shape == SHAPE_UNBOUNDED && has_count(item->argument) &&
	       has_rooms(output->compiler) && !output->kernel && strcmp(buffer_is_gone(output, item), "1") != 0;
}

/* What came goes where the caller wants it, and is given back; or, when there is `elsewhere`, it is the caller's. */
static void unpack_into_buffer(
	struct output *output, const struct routine *routine, const struct item *item, const char *elsewhere)
{
	const char *name = item->argument->name;
	const char *count = memory_field(item);
	const char *size = item->kind == ITEM_OOL_PORTS ? "count * sizeof(mach_port_t)" : "size";
	const char *room = is_array_in_memory(item) ? "" : "(void *)(uintptr_t)*";

	if (strcmp(elsewhere, "0") != 0)
		put(output, "\tif (%s)\n\t\t*%s = (%s)(uintptr_t)mig_reply->%s.address;\n\telse ", elsewhere, name,
			c_type(output, item->argument->type), name);
	else
		put(output, "\t");
	put(output, "if (mig_reply->%s.%s != 0) {\n", name, count);
	put(output, "\t\tmemcpy(%s%s, mig_reply->%s.address, mig_reply->%s.%s);\n", room, name, name, name, size);
	put(output, "\t\tmig_deallocate((uintptr_t)mig_reply->%s.address, mig_reply->%s.%s);\n\t}\n", name, name, size);
	if (has_count(item->argument))
		put(output, "\t*%sCnt = %s;\n", name, received_count(output, &routine->reply, "reply", item->argument));
}

/* Room for the answer is checked before any right or memory is handed over. */
static void put_capacity_checks(struct output *output, const struct routine *routine)
{
	const struct item *item;

	for (item = routine->reply.items; item != NULL; item = item->next) {
		const char *count = counted_by(item->argument)->name;
		const char *gone = "0";
		const char *came;

		if (is_array_in_memory(item) && item->argument->in)
			continue;
		if (is_overwritten(output, item) && item->argument->type->variable) {
			came = received_count(output, &routine->reply, "reply", item->argument);
			gone = buffer_is_gone(output, item);
		} else if (item->argument->type->shape != SHAPE_VSTRING &&
			   (item->kind == ITEM_VARIABLE || item->kind == ITEM_COUNT) && !item->argument->in)
			came = arena_printf(&output->compiler->arena, "%s->%sCnt",
				part_variable(output, "reply", item->part), item->argument->name);
		else
			continue;
		put(output, "\tif (%s%s%s > *%sCnt) {\n", strcmp(gone, "0") != 0 ? "!(" : "",
			strcmp(gone, "0") != 0 ? arena_printf(&output->compiler->arena, "%s) && ", gone) : "", came,
			count);
		put(output, "\t\t*%sCnt = %s;\n", count, came);
		put(output, "\t\tmach_msg_destroy(&mig_reply->Head);\n\t\treturn MIG_ARRAY_TOO_LARGE;\n\t}\n");
	}
}

static void unpack_descriptor(struct output *output, const struct routine *routine, const struct item *item)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *name = argument->name;
	const char *indent;

	switch (item->kind) {
	case ITEM_PORT:
		put(output, "\t*%s = mig_reply->%s.name;\n", name, name);
		break;
	case ITEM_PORTS:
	case ITEM_OOL_ARRAY:
	case ITEM_OOL_PORTS_ARRAY:
		indent = begin_descriptors(output, item);
		if (type->variable)
			put(output, "\t\tif (mig_i >= %s)\n\t\t\tbreak;\n",
				array_limit(output, argument, count_field(output, &routine->reply, "reply", argument)));
		put(output, "%s%s = %s;\n", indent, array_element(output, argument, false),
			received_value(output, item, "reply"));
		if (has_subs(argument))
			put(output, "%s%sSubs[mig_i] = %s;\n", indent, name, received_elements(output, item, "reply"));
		end_descriptors(output, item);
		if (has_count(argument))
			put(output, "\t*%sCnt = %s;\n", name, count_field(output, &routine->reply, "reply", argument));
		break;
	default:
		if (is_overwritten(output, item)) {
			unpack_into_buffer(output, routine, item, buffer_is_gone(output, item));
			break;
		}
		if (may_fit(output, item)) {
			const char *gone = buffer_is_gone(output, item);

			unpack_into_buffer(output, routine, item,
				arena_printf(&output->compiler->arena, "%s%s%s > *%sCnt",
					strcmp(gone, "0") != 0 ? gone : "", strcmp(gone, "0") != 0 ? " || " : "",
					received_elements(output, item, "reply"), name));
			break;
		}
		put(output, "\t*%s = (%s)(uintptr_t)mig_reply->%s.address;\n", name, c_type(output, type), name);
		if (has_count(argument))
			put(output, "\t*%sCnt = %s;\n", name, received_elements(output, item, "reply"));
		break;
	}
	if (type->recv_name == IPC_POLYMORPHIC)
		put(output, "\t*%sPoly = %s.disposition;\n", name, first_descriptor(output, item, "reply"));
}

static void unpack_data(struct output *output, const struct item *item)
{
	const struct type *type = item->argument->type;
	const char *name = item->argument->name;
	const char *var = part_variable(output, "reply", item->part);

	if (item->kind == ITEM_VARIABLE) {
		put(output, "\tif (%s->%sCnt != 0)\n", var, name);
		put(output, "\t\tmemcpy(%s, %s->%s, (size_t)%s->%sCnt * sizeof %s->%s[0]);\n", name, var, name, var,
			name, var, name);
		if (has_count(item->argument))
			put(output, "\t*%sCnt = %s->%sCnt;\n", name, var, name);
	} else if (type->shape == SHAPE_ARRAY || type->shape == SHAPE_STRING) {
		put(output, "\tmemcpy(%s, %s->%s, sizeof %s->%s);\n", name, var, name, var, name);
	} else {
		put(output, "\t*%s = %s->%s;\n", name, var, name);
	}
}

static void put_reply_variables(struct output *output, const struct routine *routine)
{
	unsigned part;

	for (part = 0; part < routine->reply.parts; part++)
		put(output, "\t%s *%s%s;\n", part_struct(output, "reply", routine, part),
			part_variable(output, "reply", part),
			part != 0            ? ""
			: routine->allocated ? " = (void *)mig_message"
					     : " = (void *)&mig_message");
	if (message_varies(&routine->reply))
		put(output, "\tsize_t mig_left;\n\tsize_t mig_used;\n");
}

static void put_reply(struct output *output, const struct routine *routine)
{
	const char *member = routine->allocated ? "->" : ".";
	const struct item *item;

	put(output, "\tif (mig_reply->Head.msgh_id != %lld) {\n", (long long)routine->id + 100);
	put(output, "\t\tmig_result = mig_reply->Head.msgh_id == 71 /* send-once notification */ ? MIG_SERVER_DIED : "
		    "MIG_REPLY_MISMATCH;\n");
	put(output, "\t\tmach_msg_destroy(&mig_reply->Head);\n\t\treturn mig_result;\n\t}\n");
	put(output,
		"\tif ((mig_reply->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0 &&\n"
		"\t\tmig_reply->Head.msgh_size == sizeof(mig_reply_error_t) && mig_message%serror.RetCode != "
		"KERN_SUCCESS)\n"
		"\t\treturn mig_message%serror.RetCode;\n",
		member, member);
	put_checks(output, routine, &routine->reply, "reply", "mig_bad_reply");
	if (routine->reply.descriptors == 0)
		put(output, "\tif (mig_reply->RetCode != KERN_SUCCESS)\n\t\treturn mig_reply->RetCode;\n");
	if (routine->user_trailer)
		put_trailer_check(output, routine, "mig_bad_trailer");
	put_capacity_checks(output, routine);
	if (routine->user_trailer)
		put_trailer_values(output, routine);
	for (item = routine->reply.items; item != NULL; item = item->next) {
		if (item->kind < ITEM_DATA)
			unpack_descriptor(output, routine, item);
		else if (item->kind != ITEM_COUNT)
			unpack_data(output, item);
	}
	put(output, "\treturn KERN_SUCCESS;\n\n");
	if (routine->user_trailer)
		put(output, "mig_bad_trailer:\n\tmach_msg_destroy(&mig_reply->Head);\n\treturn MIG_TRAILER_ERROR;\n\n");
	put(output, "mig_bad_reply:\n\tmach_msg_destroy(&mig_reply->Head);\n\treturn MIG_TYPE_ERROR;\n");
}

/* A result that is not success goes alone: the other arguments stay the caller's. */
static void put_retcode(struct output *output, const struct routine *routine)
{
	const char *member = routine->allocated ? "->" : ".";
	const char *name = routine->retcode->name;

	put(output, "\tif (%s != KERN_SUCCESS) {\n", name);
	put(output, "\t\tmemset(&mig_message%serror, 0, sizeof mig_message%serror);\n", member, member);
	put(output,
		"\t\tmig_message%serror.NDR = NDR_record;\n\t\tmig_message%serror.RetCode = (kern_return_t)%s;\n"
		"\t\tmig_request->Head.msgh_bits = MACH_MSGH_BITS(%s, %s);\n",
		member, member, name, send_disposition(output, routine->request_port),
		routine->reply_port != NULL ? send_disposition(output, routine->reply_port) : "0");
	put(output,
		"\t\tmig_request->Head.msgh_size = sizeof mig_message%serror;\n"
		"\t\tmig_request->Head.msgh_remote_port = %s;\n\t\tmig_request->Head.msgh_id = %lld;\n",
		member, routine->request_port->name, (long long)routine->id);
	if (routine->reply_port != NULL)
		put(output, "\t\tmig_request->Head.msgh_local_port = %s;\n", routine->reply_port->name);
	put_rpc(output, routine);
	put(output, "\t\treturn mig_result;\n\t}\n");
}

/* What the stub does once it has room for the message. */
static void put_message_body(struct output *output, const struct routine *routine)
{
	const char *special = routine->special_reply_port ? "special_" : "";

	put(output, "\tstruct mig_request_%s *mig_request = (void *)%smig_message;\n", routine->name,
		routine->allocated ? "" : "&");
	if (!routine->simple)
		put_reply_variables(output, routine);
	if (routine->user_trailer)
		put_trailer_variables(output, routine);
	put(output, "\tkern_return_t mig_result;\n");
	put_hook(output, "Declare", "Send", routine);
	put(output, "\n");
	put_unused(output, routine);
	if (routine->retcode != NULL)
		put_retcode(output, routine);
	put_limits(output, &routine->request);
	put_packing(output, routine, &routine->request, "request");
	put_head(output, routine);
	put(output, "\tmig_request->Head.msgh_remote_port = %s;\n", routine->request_port->name);
	if (routine->reply_port != NULL)
		put(output, "\tmig_request->Head.msgh_local_port = %s;\n", routine->reply_port->name);
	else if (!routine->simple)
		put(output,
			"\tconst mach_port_t mig_reply_port = mig_get_%sreply_port();\n"
			"\tmig_request->Head.msgh_local_port = mig_reply_port;\n",
			special);
	put_rpc(output, routine);
	if (routine->consume != CONSUME_NONE && routine->request.descriptors != 0)
		put(output, "\tif (%s)\n\t\tmach_msg_destroy(&mig_request->Head);\n",
			routine->consume == CONSUME_TIMEOUT
				? "mig_result == MACH_SEND_TIMED_OUT"
				: "mig_result > MACH_SEND_IN_PROGRESS && mig_result < MACH_RCV_IN_PROGRESS");
	if (!routine->simple && routine->reply_port == NULL)
		put(output,
			"\tif (mig_result != MACH_MSG_SUCCESS) {\n\t\tmig_dealloc_%sreply_port(mig_reply_port);\n"
			"\t\treturn mig_result;\n\t}\n%s",
			special, routine->special_reply_port ? "" : "\tmig_put_reply_port(mig_reply_port);\n");
	else if (!routine->simple)
		put(output, "\tif (mig_result != MACH_MSG_SUCCESS)\n\t\treturn mig_result;\n");
	if (routine->simple)
		put(output, "\treturn mig_result;\n");
	else
		put_reply(output, routine);
	put(output, "}\n\n");
}

/* Room for the request and the reply, which comes where the request was. */
static void put_room(struct output *output, const struct routine *routine, const char *tag, const char *indent)
{
	put(output, "%sunion %s{\n%s\t_Alignas(8) unsigned char request[mig_request_%s_size];\n", indent, tag, indent,
		routine->name);
	if (routine->retcode != NULL)
		put(output, "%s\tmig_reply_error_t error;\n", indent);
	if (!routine->simple)
		put(output, "%s\tunsigned char reply[mig_reply_%s_size + sizeof(%s)];\n%s\tmig_reply_error_t error;\n",
			indent, routine->name, trailer_type(routine, false), indent);
	put(output, "%s}", indent);
}

/* OnStackLimit: the stub is given its room by one that allocates it, and frees it however the call ends. */
static void put_allocated_client(struct output *output, const struct routine *routine)
{
	struct arena *arena = &output->compiler->arena;
	const char *within = arena_printf(arena, "mig_within_%s", routine->name);

	put_room(output, routine, arena_printf(arena, "mig_room_%s ", routine->name), "");
	put(output, ";\n\n");
	put_inner_prototype(output, within, arena_printf(arena, "union mig_room_%s *mig_message", routine->name),
		routine, PARAMETERS_CLIENT);
	put(output, "\n{\n");
	put_message_body(output, routine);
	put_client_head(output, routine);
	put(output, "\n{\n\tunion mig_room_%s *mig_message = (void *)mig_user_allocate(sizeof *mig_message);\n",
		routine->name);
	put(output, "\tkern_return_t mig_result;\n\n"
		    "\tif (mig_message == NULL)\n\t\treturn KERN_RESOURCE_SHORTAGE;\n");
	put(output, "\tmig_result = %s(mig_message, ", within);
	put_argument_names(output, routine, PARAMETERS_CLIENT, true);
	put(output,
		");\n\tmig_user_deallocate((char *)mig_message, sizeof *mig_message);\n\treturn mig_result;\n}\n\n");
}

void put_message_client(struct output *output, const struct routine *routine)
{
	if (routine->allocated) {
		put_allocated_client(output, routine);
		return;
	}
	put_client_head(output, routine);
	put(output, "\n{\n");
	put_room(output, routine, "", "\t");
	put(output, " mig_message;\n");
	put_message_body(output, routine);
}
