/* Server stubs of buffered routines: the reply, after the work function has succeeded. */
#include "server.h"

static const struct item *last_item(const struct message *message)
{
	const struct item *item = message->items;

	while (item != NULL && item->next != NULL)
		item = item->next;
	return item;
}

static void reply_descriptor(struct output *output, const struct item *item)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *name = argument->name;
	const char *value =
		type->outtran != NULL ? arena_printf(&output->compiler->arena, "%s(%s)", type->outtran, name) : name;
	const char *disposition = send_disposition(output, argument);
	const char *at = item->kind == ITEM_PORTS ? "[mig_i]" : "";
	unsigned long long i = item->descriptor;

	switch (item->kind) {
	case ITEM_PORT:
		if (output->kernel) {
			put(output, "\tipc_kmsg_put_port(mig_out, %llu, %s, %s);\n", i, value, disposition);
			return;
		}
		put(output, "\tmig_reply->%s.name = %s;\n\tmig_reply->%s.disposition = (uint8_t)%s;\n", name, value,
			name, disposition);
		put(output, "\tmig_reply->%s.type = MACH_MSG_PORT_DESCRIPTOR;\n", name);
		break;
	case ITEM_PORTS:
		put(output, "\tfor (unsigned mig_i = 0; mig_i < %llu; mig_i++)%s\n", (unsigned long long)type->count,
			output->kernel ? "" : " {");
		if (type->variable)
			value = arena_printf(&output->compiler->arena, "mig_i < %sCnt ? %s[mig_i] : %s",
				counted_by(argument)->name, name, output->kernel ? "NULL" : "MACH_PORT_NULL");
		else
			value = arena_printf(&output->compiler->arena, "%s[mig_i]", name);
		if (output->kernel) {
			put(output, "\t\tipc_kmsg_put_port(mig_out, %llu + mig_i, %s, %s);\n", i, value, disposition);
			return;
		}
		put(output, "\t\tmig_reply->%s%s.name = %s;\n\t\tmig_reply->%s%s.disposition = (uint8_t)%s;\n", name,
			at, value, name, at, disposition);
		put(output, "\t\tmig_reply->%s%s.type = MACH_MSG_PORT_DESCRIPTOR;\n\t}\n", name, at);
		break;
	default:
		if (output->kernel) {
			if (item->kind == ITEM_OOL)
				put(output, "\tipc_kmsg_put_copy(mig_out, %llu, %s, %s);\n", i, value,
					ool_size(output, argument));
			else
				put(output, "\tipc_kmsg_put_ports(mig_out, %llu, %s, %s, %s);\n", i, value,
					ool_size(output, argument), disposition);
			return;
		}
		put(output, "\tmig_reply->%s.address = (void *)(uintptr_t)%s;\n", name, value);
		if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
			put(output, "\tmig_reply->%s.deallocate = %sDealloc != 0;\n", name, name);
		else
			put(output, "\tmig_reply->%s.deallocate = %d;\n", name,
				(argument->flags & FLAG_NOTDEALLOC) == 0 &&
					((argument->flags & FLAG_DEALLOC) != 0 || type->dealloc));
		put(output, "\tmig_reply->%s.copy = %s;\n", name,
			(argument->flags & FLAG_PHYSICALCOPY) != 0 ? "MACH_MSG_PHYSICAL_COPY"
								   : "MACH_MSG_VIRTUAL_COPY");
		if (item->kind == ITEM_OOL_PORTS)
			put(output, "\tmig_reply->%s.disposition = (uint8_t)%s;\n", name, disposition);
		put(output, "\tmig_reply->%s.type = %s;\n\tmig_reply->%s.%s = %s;\n", name,
			item->kind == ITEM_OOL ? "MACH_MSG_OOL_DESCRIPTOR" : "MACH_MSG_OOL_PORTS_DESCRIPTOR", name,
			item->kind == ITEM_OOL ? "size" : "count", ool_size(output, argument));
		break;
	}
}

/* A work function that says it wrote more than there was room for is wrong; at least no more than the room is sent. */
static void reply_count(struct output *output, const struct routine *routine, const struct item *item)
{
	const struct argument *argument = item->argument;
	const char *name = argument->name;
	const char *var = part_variable(output, "reply", item->part);
	const unsigned long long limit = count_limit(routine, argument);
	const char *count;

	if (argument->type->shape == SHAPE_VSTRING) {
		put(output, "\t%s->%s[%llu] = '\\0';\n", var, name, (unsigned long long)argument->type->count - 1);
		put(output, "\t%s->%sCnt = (mach_msg_type_number_t)strlen(%s->%s) + 1;\n", var, name, var, name);
		return;
	}
	count = counted_by(argument)->name;
	put(output, "\tif (%sCnt > %llu)\n\t\t%sCnt = %llu;\n", count, limit, count, limit);
	put(output, "\t%s->%sCnt = %sCnt;\n", var, name, count);
}

/* Variable items have their room at first; then each part moves to the end of the one before. */
static void put_compaction(struct output *output, const struct routine *routine)
{
	const struct item *item;

	put(output, "\tsize_t mig_reply_size = 0;\n\tsize_t mig_length;\n");
	for (item = routine->reply.items; item != NULL; item = item->next) {
		const char *var = part_variable(output, "reply", item->part);
		const char *name = item->argument->name;

		if (item->kind != ITEM_VARIABLE)
			continue;
		put(output, "\tmig_length = offsetof(%s, %s) + (size_t)%s->%sCnt * sizeof %s->%s[0];\n",
			part_struct(output, "reply", routine, item->part), name, var, name, var, name);
		put(output, "\tmemset((char *)%s + mig_length, 0, -mig_length & 7);\n", var);
		put(output, "\tmig_length = (mig_length + 7) & ~(size_t)7;\n");
		if (item->part != 0)
			put(output, "\tmemmove((char *)mig_reply + mig_reply_size, %s, mig_length);\n", var);
		put(output, "\tmig_reply_size += mig_length;\n");
	}
	item = last_item(&routine->reply);
	if (item->kind != ITEM_VARIABLE) {
		const char *var = part_variable(output, "reply", item->part);

		put(output, "\tmemmove((char *)mig_reply + mig_reply_size, %s, sizeof *%s);\n", var, var);
		put(output, "\tmig_reply_size += sizeof *%s;\n", var);
	}
}

void put_reply(struct output *output, const struct routine *routine)
{
	const bool complex = routine->reply.descriptors != 0;
	const char *size = "sizeof *mig_reply";
	const struct item *item;

	for (item = routine->reply.items; item != NULL; item = item->next) {
		const struct type *type = item->argument->type;

		if (item->kind == ITEM_VARIABLE || item->kind == ITEM_COUNT)
			reply_count(output, routine, item);
		else if (item->kind == ITEM_DATA && is_local(item))
			put(output, type->outtran != NULL ? "\t%s->%s = %s(%s);\n" : "\t%s->%s = %s%s;\n",
				part_variable(output, "reply", item->part), item->argument->name,
				type->outtran != NULL ? type->outtran : "", item->argument->name);
		else if (item->kind == ITEM_DATA && type->shape == SHAPE_STRING)
			put(output, "\t%s->%s[%llu] = '\\0';\n", part_variable(output, "reply", item->part),
				item->argument->name, (unsigned long long)type->count - 1);
	}
	for (item = routine->reply.items; item != NULL; item = item->next) {
		if (item->kind <= ITEM_OOL_PORTS)
			reply_descriptor(output, item);
	}
	if (complex)
		put(output, "\tmig_reply->Body.msgh_descriptor_count = %llu;\n",
			(unsigned long long)routine->reply.descriptors);
	if (routine->reply.has_data)
		put(output, "\tmig_reply->NDR = NDR_record;\n");
	if (message_varies(&routine->reply)) {
		put_compaction(output, routine);
		size = "(mach_msg_size_t)mig_reply_size";
	}
	if (output->kernel)
		put(output,
			"\tmig_reply->Head.msgh_bits = %s;\n\tmig_reply->Head.msgh_size = %s;\n"
			"\tmig_reply->Head.msgh_id = %lld;\n",
			complex ? "MACH_MSGH_BITS_COMPLEX" : "0", size, (long long)routine->id + 100);
	else
		put(output, "\tmig_start_reply(mig_in, mig_out, %s, %s);\n", complex ? "MACH_MSGH_BITS_COMPLEX" : "0",
			size);
}
