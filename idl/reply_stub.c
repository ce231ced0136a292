/* Server stubs of buffered routines: the reply, after the work function has succeeded. */
#include "descriptors.h"
#include "indefinite.h"
#include "server.h"

static const struct item *last_item(const struct message *message)
{
	const struct item *item = message->items;

	while (item != NULL && item->next != NULL)
		item = item->next;
	return item;
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

/* Whether an item is memory of which there can be too much. */
static bool is_limited(const struct item *item)
{
	return item->kind < ITEM_DATA && is_memory(item->kind) && memory_type(item->argument)->variable &&
	       memory_limit(item->argument) < UINT32_MAX;
}

/*
 * A work function that says it returns more memory than there can be is wrong too: nothing of it is sent. Arrays that
 * only travel in memory are as those in the message.
 */
static void put_reply_limits(struct output *output, const struct item *item)
{
	const struct argument *argument = item->argument;
	const char *name = argument->name;
	unsigned long long limit;

	if (!is_limited(item))
		return;
	limit = memory_limit(argument);
	if (is_array_in_memory(item)) {
		put(output, "\tif (%sCnt > %llu)\n\t\t%sCnt = %llu;\n", counted_by(argument)->name, limit,
			counted_by(argument)->name, limit);
		return;
	}
	if (!is_descriptor_array(item->kind)) {
		put(output, "\tif (%sCnt > %llu)\n\t\tmig_result = MIG_ARRAY_TOO_LARGE;\n", counted_by(argument)->name,
			limit);
		return;
	}
	begin_descriptors(output, item);
	if (argument->type->variable)
		put(output, "\t\tif (mig_i >= %sCnt)\n\t\t\tbreak;\n", counted_by(argument)->name);
	put(output, "\t\tif (%sSubs[mig_i] > %llu)\n\t\t\tmig_result = MIG_ARRAY_TOO_LARGE;\n", name, limit);
	end_descriptors(output, item);
}

/* Ends the call with that error. What the request had is the work function's, which has run. */
static void put_limited_reply(struct output *output, const struct routine *routine)
{
	const struct item *item;
	bool any = false;

	for (item = routine->reply.items; item != NULL; item = item->next) {
		any = any || (is_limited(item) && !is_array_in_memory(item));
		put_reply_limits(output, item);
	}
	if (!any)
		return;
	put(output, "\tif (mig_result != KERN_SUCCESS) {\n");
	if (!output->kernel)
		put(output, "\t\tmig_in->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;\n");
	put(output, "\t\tgoto mig_end;\n\t}\n");
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
		else if (item->kind == ITEM_DATA && is_local(item) && type->shape == SHAPE_ARRAY)
			put(output,
				type->outtran != NULL ? "\tmemcpy(%s->%s, %s(%s), %llu);\n"
						      : "\tmemcpy(%s->%s, %s%s, %llu);\n",
				part_variable(output, "reply", item->part), item->argument->name,
				type->outtran != NULL ? type->outtran : "", item->argument->name,
				(unsigned long long)type->bytes);
		else if (item->kind == ITEM_DATA && is_local(item))
			put(output, type->outtran != NULL ? "\t%s->%s = %s(%s);\n" : "\t%s->%s = %s%s;\n",
				part_variable(output, "reply", item->part), item->argument->name,
				type->outtran != NULL ? type->outtran : "", item->argument->name);
		else if (item->kind == ITEM_DATA && type->shape == SHAPE_STRING)
			put(output, "\t%s->%s[%llu] = '\\0';\n", part_variable(output, "reply", item->part),
				item->argument->name, (unsigned long long)type->count - 1);
	}
	put_limited_reply(output, routine);
	for (item = routine->reply.items; item != NULL; item = item->next) {
		if (item->kind < ITEM_DATA)
			put_descriptor(output, item, "reply");
		if (item->kind < ITEM_DATA && item->argument->has_room)
			put_room_descriptor(output, routine, item);
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
