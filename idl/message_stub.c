/* Server stubs of buffered routines. */
#include "descriptors.h"
#include "indefinite.h"
#include "server.h"
#include "trailer.h"

#include <string.h>

/* Whether the work function's out argument is a variable of the stub's, not a field of the reply. */
bool is_local(const struct item *item)
{
	const struct type *type = item->argument->type;

	return item->kind == ITEM_PORT || item->kind == ITEM_OOL || item->kind == ITEM_OOL_PORTS ||
	       (item->kind == ITEM_DATA && (type->intran != NULL || type->outtran != NULL));
}

static void put_variables(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const struct item *item;
	unsigned part;

	for (part = 0; part < routine->request.parts; part++)
		put(output, "\t%s *%s%s;\n", part_struct(output, "request", routine, part),
			part_variable(output, "request", part),
			part != 0        ? ""
			: output->kernel ? " = (void *)ipc_kmsg_header(mig_in)"
					 : " = (void *)mig_in");
	for (part = 0; !routine->simple && part < routine->reply.parts; part++) {
		put(output, "\t%s *%s", part_struct(output, "reply", routine, part),
			part_variable(output, "reply", part));
		if (part == 0)
			put(output,
				output->kernel ? " = (void *)ipc_kmsg_header(mig_out);\n" : " = (void *)mig_out;\n");
		else
			put(output, " = (void *)(%s + 1);\n", part_variable(output, "reply", part - 1));
	}
	if (message_varies(&routine->request))
		put(output, "\tsize_t mig_left;\n\tsize_t mig_used;\n");
	put(output, "\tkern_return_t mig_result = MIG_BAD_ARGUMENTS;\n");
	if (routine->retcode != NULL)
		put(output, "\tkern_return_t mig_retcode = KERN_SUCCESS;\n");
	/* Of this call only: a work function may write into what it is given. */
	for (part = 0; routine->retcode != NULL && part < routine->request.parts; part++)
		put(output, "\t%s mig_nothing%u;\n", part_struct(output, "request", routine, part), part);
	for (item = routine->request.items; routine->retcode != NULL && item != NULL; item = item->next) {
		if (is_array_in_memory(item))
			put(output, "\tmach_port_t mig_no_%s[%llu];\n", item->argument->name,
				(unsigned long long)item->argument->type->bytes / 4);
	}
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;
		const char *name = argument->name;
		bool in_translated = argument->in && type->intran != NULL;

		if (!argument->server || argument->trailer != TRAILER_NONE)
			continue;
		if (argument == routine->request_port) {
			put(output, "\t%s %s;\n", c_seen_type(output, argument), name);
			continue;
		}
		item = argument->out ? find_item(&routine->reply, argument) : NULL;
		if (item != NULL && is_array_in_memory(item))
			put_memory_variable(output, argument);
		else if ((item != NULL && is_local(item)) || (argument->in && !argument->out && in_translated))
			put(output, "\t%s %s;\n", c_seen_type(output, argument), name);
		if (item == NULL)
			continue;
		if (is_descriptor_array(item->kind))
			put_array_variable(output, argument);
		if (has_count(argument))
			put(output, "\tmach_msg_type_number_t %sCnt;\n", name);
		if (type->send_name == IPC_POLYMORPHIC || type->recv_name == IPC_POLYMORPHIC)
			put(output, "\tmach_msg_type_name_t %sPoly;\n", name);
		if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
			put(output, "\tboolean_t %sDealloc;\n", name);
	}
	if (routine->server_trailer)
		put_trailer_variables(output, routine);
	/* Arrays of rights or memory are handed over as arrays of what their descriptors have. */
	for (item = routine->request.items; item != NULL; item = item->next) {
		if (is_descriptor_array(item->kind) && !item->argument->out)
			put_array_variable(output, item->argument);
	}
}

/* The disposition of an out argument before the work function says it: what came in, else a send right. */
static void put_poly(struct output *output, const struct argument *argument, const struct item *in)
{
	const char *name = argument->name;

	if (in == NULL)
		put(output, "\t%sPoly = MACH_MSG_TYPE_MOVE_SEND;\n", name);
	else
		put(output, "\t%sPoly = %s.disposition;\n", name, first_descriptor(output, in, "request"));
}

/*
 * An array of rights that travels in memory: the work function gets room behind the reply, where it stays until that is
 * sent. The memory that an inout one came in is freed as that of those that only go in.
 */
static void put_array_in_memory(
	struct output *output, const struct routine *routine, const struct argument *argument, const struct item *in)
{
	const struct argument *before;
	const unsigned long long bytes = argument->type->bytes;
	const char *name = argument->name;
	uint64_t offset = 0;

	for (before = routine->arguments; before != argument; before = before->next) {
		if (before->out && find_item(&routine->reply, before) != NULL &&
			is_array_in_memory(find_item(&routine->reply, before)))
			offset += (before->type->bytes + 7) / 8 * 8;
	}
	put(output, "\t%s = (void *)((char *)mig_out + mig_reply_%s_size + %llu);\n", name, routine->name,
		(unsigned long long)offset);
	put(output, "\tmemset(%s, 0, %llu);\n", name, bytes);
	if (in != NULL)
		put(output,
			"\tif (mig_request->%s.count != 0)\n\t\tmemcpy(%s, mig_request->%s.address, "
			"mig_request->%s.count * sizeof(mach_port_t));\n",
			name, name, name, name);
}

/* Translations and values the work function takes by address, before it runs. */
static void put_inputs(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const struct item *item;

	for (item = routine->request.items; item != NULL; item = item->next) {
		const char *name = item->argument->name;
		const struct type *type = item->argument->type;

		if (is_descriptor_array(item->kind)) {
			begin_descriptors(output, item);
			put(output, "\t\t%s = %s;\n", array_element(output, item->argument, false),
				received_value(output, item, "request"));
			if (has_subs(item->argument))
				put(output, "\t\t%sSubs[mig_i] = (mach_msg_type_number_t)(%s);\n", name,
					received_elements(output, item, "request"));
			end_descriptors(output, item);
		} else if (type->intran != NULL && item->kind != ITEM_COUNT) {
			put(output, "\t%s = %s(%s);\n", name, type->intran, request_value(output, item));
		}
	}
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;
		const char *name = argument->name;
		const struct item *in = argument->in ? find_item(&routine->request, argument) : NULL;
		const char *zero;

		item = argument->out ? find_item(&routine->reply, argument) : NULL;
		if (item == NULL)
			continue;
		if (is_array_in_memory(item))
			put_array_in_memory(output, routine, argument, in);
		if (argument->has_room) {
			put_room(output, routine, argument);
			if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
				put(output, "\t%sDealloc = 0;\n", name);
			if (type->send_name == IPC_POLYMORPHIC || type->recv_name == IPC_POLYMORPHIC)
				put_poly(output, argument, in);
			continue;
		}
		zero = item->kind == ITEM_PORT && !output->kernel && type->outtran == NULL ? "MACH_PORT_NULL" : NULL;
		if (is_descriptor_array(item->kind)) {
			if (in == NULL)
				put(output, "\tmemset(%s%s, 0, sizeof %s);\n", type->shape == SHAPE_STRUCT ? "&" : "",
					name, name);
			if (in == NULL && has_subs(argument))
				put(output, "\tmemset(%sSubs, 0, sizeof %sSubs);\n", name, name);
		} else if (is_array_in_memory(item)) {
			; /* it is behind the reply */
		} else if (is_local(item)) {
			if (in != NULL && type->intran == NULL)
				put(output, "\t%s = %s;\n", name, request_value(output, in));
			else if (in == NULL && zero != NULL)
				put(output, "\t%s = %s;\n", name, zero);
			else if (in == NULL)
				put(output, "\tmemset(&%s, 0, sizeof %s);\n", name, name);
		} else if (in != NULL && (type->shape == SHAPE_ARRAY || type->shape == SHAPE_STRING)) {
			put(output, "\tmemcpy(%s->%s, %s, sizeof %s->%s);\n",
				part_variable(output, "reply", item->part), name, request_value(output, in),
				part_variable(output, "reply", item->part), name);
		} else if (in != NULL) {
			put(output, "\t%s->%s = %s;\n", part_variable(output, "reply", item->part), name,
				request_value(output, in));
		}
		if (has_count(argument)) {
			if (in != NULL && (in->kind == ITEM_OOL || in->kind == ITEM_OOL_PORTS))
				put(output, "\t%sCnt = (mach_msg_type_number_t)(%s);\n", name,
					received_elements(output, in, "request"));
			else if (in == NULL && type->shape == SHAPE_VARRAY && (argument->flags & FLAG_COUNTINOUT) != 0)
				put(output, "\t%sCnt = %s < %llu ? %s : %llu;\n", name,
					count_field(output, &routine->request, "request", argument),
					(unsigned long long)count_limit(routine, argument),
					count_field(output, &routine->request, "request", argument),
					(unsigned long long)count_limit(routine, argument));
			else if (in != NULL && is_descriptor_array(in->kind))
				put(output, "\t%sCnt = %s;\n", name,
					count_field(output, &routine->request, "request", argument));
			else
				put(output, "\t%sCnt = %llu;\n", name,
					(unsigned long long)count_limit(routine, argument));
		}
		if (type->send_name == IPC_POLYMORPHIC || type->recv_name == IPC_POLYMORPHIC)
			put_poly(output, argument, in);
		if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
			put(output, "\t%sDealloc = 0;\n", name);
	}
}

/* Zeroes what the reply holds besides the bytes of variable items. */
static void put_reply_clearing(struct output *output, const struct routine *routine)
{
	unsigned part;
	const struct item *item;

	for (part = 0; part < routine->reply.parts; part++) {
		const char *var = part_variable(output, "reply", part);

		for (item = routine->reply.items; item != NULL; item = item->next) {
			if (item->part == part && item->kind == ITEM_VARIABLE)
				break;
		}
		if (item == NULL)
			put(output, "\tmemset(%s, 0, sizeof *%s);\n", var, var);
		else
			put(output, "\tmemset(%s, 0, offsetof(%s, %s) + %s);\n", var,
				part_struct(output, "reply", routine, part), item->argument->name,
				item->argument->type->shape == SHAPE_VSTRING ? "1" : "0");
	}
}

/* Memory under `auto`, of an array or of array[], is the stub's again after the call; a failed routine's goes with the
 * request. */
static void put_auto(struct output *output, const struct routine *routine)
{
	const struct item *item;
	bool any = false;

	for (item = routine->request.items; item != NULL; item = item->next) {
		const char *at = descriptor_image(output, item, "request");

		if (is_array_in_memory(item)) {
			if (!any)
				put(output, "\tif (mig_result == KERN_SUCCESS || mig_result == MIG_NO_REPLY) {\n");
			any = true;
			put(output,
				"\t\tif (%s.count != 0)\n\t\t\tmig_deallocate((uintptr_t)%s.address, %s.count * "
				"sizeof(mach_port_t));\n",
				at, at, at);
			continue;
		}
		if (!stub_frees(output, item))
			continue;
		if (!any)
			put(output, "\tif (mig_result == KERN_SUCCESS || mig_result == MIG_NO_REPLY) {\n");
		any = true;
		begin_descriptors(output, item);
		put(output, "\t\tif (%s.%s != 0)\n\t\t\tmig_deallocate((uintptr_t)%s.address, %s.%s%s);\n", at,
			memory_field(item), at, at, memory_field(item),
			carries_rights(item->kind) ? " * sizeof(mach_port_t)" : "");
		end_descriptors(output, item);
	}
	if (any)
		put(output, "\t}\n");
}

/* In the kernel the work function has consumed what it was given, untranslated; the rest dies with the request. */
static void put_consumed(struct output *output, const struct routine *routine)
{
	const struct item *item;
	const char *indent;

	for (item = routine->request.items; item != NULL; item = item->next) {
		if (item->argument->type->intran != NULL)
			continue;
		if (item->kind >= ITEM_DATA ||
			(!carries_rights(item->kind) && (item->argument->flags & FLAG_AUTO) != 0))
			continue;
		indent = begin_descriptors(output, item);
		put(output, "%s%s = NULL;\n", indent, received_value(output, item, "request"));
		end_descriptors(output, item);
	}
}

/* A message that says only that something failed is served as one with nothing in it. */
static void put_failed_request(struct output *output, const struct routine *routine)
{
	const struct item *item;
	unsigned part;

	put(output, "\tif ((mig_in->msgh_bits & MACH_MSGH_BITS_COMPLEX) == 0 && mig_in->msgh_size == "
		    "sizeof(mig_reply_error_t) &&\n"
		    "\t\t((mig_reply_error_t *)(void *)mig_in)->RetCode != KERN_SUCCESS) {\n");
	for (part = 0; part < routine->request.parts; part++)
		put(output, "\t\tmemset(&mig_nothing%u, 0, sizeof mig_nothing%u);\n", part, part);
	put(output, "\t\tmig_retcode = ((mig_reply_error_t *)(void *)mig_in)->RetCode;\n");
	for (part = 0; part < routine->request.parts; part++)
		put(output, "\t\t%s = &mig_nothing%u;\n", part_variable(output, "request", part), part);
	for (item = routine->request.items; item != NULL; item = item->next) {
		if (is_array_in_memory(item))
			put(output,
				"\t\tmemset(mig_no_%s, 0, sizeof mig_no_%s);\n"
				"\t\tmig_nothing0.%s.address = mig_no_%s;\n",
				item->argument->name, item->argument->name, item->argument->name, item->argument->name);
	}
	put(output, "\t\tgoto mig_serve;\n\t}\n");
}

void put_message_stub(struct output *output, const struct routine *routine)
{
	put(output, "static %svoid mig_message_%s(mig_message_t *mig_in, mig_message_t *mig_out)\n{\n",
		stub_attribute(output, routine), routine->name);
	put_variables(output, routine);
	put(output, "\n");
	if (routine->retcode != NULL)
		put_failed_request(output, routine);
	put_checks(output, routine, &routine->request, "request", "mig_end");
	if (routine->retcode != NULL && routine->request.descriptors == 0)
		put(output, "\tif (mig_request->RetCode != KERN_SUCCESS)\n\t\tgoto mig_end;\n");
	if (routine->retcode != NULL)
		put(output, "mig_serve:;\n");
	if (routine->server_trailer) {
		put_trailer_check(output, routine, "mig_end");
		put_trailer_values(output, routine);
	}
	if (!routine->simple)
		put_reply_clearing(output, routine);
	put(output, "\t%s = %s;\n", routine->request_port->name, request_port_value(output, routine, false));
	put_inputs(output, routine);
	put_message_call(output, routine);
	put_destructors(output, routine);
	if (!output->kernel)
		put_auto(output, routine);
	if (!routine->simple)
		put(output, "\tif (mig_result != KERN_SUCCESS)\n\t\tgoto mig_end;\n");
	if (output->kernel && routine->request.descriptors != 0) {
		if (routine->simple)
			put(output, "\tif (mig_result != KERN_SUCCESS)\n\t\tgoto mig_end;\n");
		put_consumed(output, routine);
	}
	if (!routine->simple) {
		put_reply(output, routine);
		put(output, "\treturn;\n\n");
		put(output, "mig_end:\n\tmig_end_message(mig_in, mig_out, mig_result);\n}\n\n");
		return;
	}
	if (output->kernel) {
		put(output, "\tmig_result = mig_result == KERN_SUCCESS ? MIG_NO_REPLY : mig_result;\n\n");
		put(output, "mig_end:\n\tmig_end_message(mig_in, mig_out, mig_result);\n}\n\n");
	} else {
		put(output, "\tif (mig_result == KERN_SUCCESS)\n\t\tmig_result = MIG_NO_REPLY;\n"
			    "\telse if (mig_result == MIG_DESTROY_REQUEST)\n\t\tmig_result = KERN_FAILURE;\n\n");
		put(output, "mig_end:\n\tmig_end_message(mig_in, mig_out, mig_result);\n"
			    "\t((mig_reply_error_t *)(void *)mig_out)->RetCode = MIG_NO_REPLY;\n}\n\n");
	}
}
