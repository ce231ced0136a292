/* Checking a message that was received: descriptors, counts, terminators, sizes. */
#include "descriptors.h"
#include "types.h"

/* One variable item: its count, its terminator, and where the next part begins. */
static void check_variable(struct output *output, const struct routine *routine, const struct message *message,
	const struct item *item, const char *kind, const char *label)
{
	const struct type *type = item->argument->type;
	const char *name = item->argument->name;
	const char *var = part_variable(output, kind, item->part);
	const char *structure = part_struct(output, kind, routine, item->part);

	put(output, "\tif (mig_left < offsetof(%s, %s))\n\t\tgoto %s;\n", structure, name, label);
	put(output, "\tif (%s->%sCnt > %llu%s", var, name, (unsigned long long)type->count,
		type->shape == SHAPE_VSTRING ? "" : ")\n");
	if (type->shape == SHAPE_VSTRING)
		put(output, " || %s->%sCnt == 0)\n", var, name);
	put(output, "\t\tgoto %s;\n", label);
	put(output, "\tmig_used = (offsetof(%s, %s) + %s->%sCnt * sizeof %s->%s[0] + 7) & ~(size_t)7;\n", structure,
		name, var, name, var, name);
	put(output, "\tif (mig_left < mig_used)\n\t\tgoto %s;\n", label);
	if (type->shape == SHAPE_VSTRING)
		put(output, "\tif (memchr(%s->%s, 0, %s->%sCnt) != %s->%s + %s->%sCnt - 1)\n\t\tgoto %s;\n", var, name,
			var, name, var, name, var, name, label);
	put(output, "\tmig_left -= mig_used;\n");
	if (item->part + 1 < message->parts)
		put(output, "\t%s = (void *)((char *)%s + mig_used);\n", part_variable(output, kind, item->part + 1),
			var);
}

const char *received_count(
	struct output *output, const struct message *message, const char *kind, const struct argument *argument)
{
	const struct item *item = message->items;

	while (item->argument != argument)
		item = item->next;
	if (item->kind != ITEM_OOL && item->kind != ITEM_OOL_PORTS)
		return count_field(output, message, kind, argument);
	return received_elements(output, item, kind);
}

/* samecount: both counts are in the message, and must be the same. */
static void check_same_counts(struct output *output, const struct message *message, const char *kind, const char *label)
{
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		const struct argument *argument = item->argument;

		if (argument->same_count == NULL || item->kind == ITEM_COUNT)
			continue;
		put(output, "\tif (%s != %s)\n\t\tgoto %s;\n", received_count(output, message, kind, argument),
			received_count(output, message, kind, argument->same_count), label);
	}
}

void put_checks(struct output *output, const struct routine *routine, const struct message *message, const char *kind,
	const char *label)
{
	const char *var = part_variable(output, kind, 0);
	const bool varies = message_varies(message);
	const struct item *item;
	const struct item *last = NULL;
	unsigned part = 0;

	put(output, "\tif ((%s->Head.msgh_bits & MACH_MSGH_BITS_COMPLEX) %s 0)\n\t\tgoto %s;\n", var,
		message->descriptors != 0 ? "==" : "!=", label);
	if (!varies)
		put(output, "\tif (%s->Head.msgh_size != sizeof(%s))\n\t\tgoto %s;\n", var,
			part_struct(output, kind, routine, 0), label);
	else
		put(output, "\tmig_left = %s->Head.msgh_size;\n", var);
	for (item = message->items; varies && item != NULL && item->part == 0; item = item->next) {
		if (item->kind == ITEM_VARIABLE)
			put(output, "\tif (mig_left < offsetof(%s, %s))\n\t\tgoto %s;\n",
				part_struct(output, kind, routine, 0), item->argument->name, label);
	}
	if (message->descriptors != 0)
		put(output, "\tif (%s->Body.msgh_descriptor_count != %llu)\n\t\tgoto %s;\n", var,
			(unsigned long long)message->descriptors, label);
	for (item = message->items; item != NULL; last = item, item = item->next) {
		if (item->part != part) {
			part = item->part;
			var = part_variable(output, kind, part);
			if (part == message->parts - 1) {
				const struct item *tail = item;

				while (tail->next != NULL)
					tail = tail->next;
				if (tail->kind != ITEM_VARIABLE)
					put(output, "\tif (mig_left != sizeof(%s))\n\t\tgoto %s;\n",
						part_struct(output, kind, routine, part), label);
			}
		}
		switch (item->kind) {
		case ITEM_VARIABLE:
			check_variable(output, routine, message, item, kind, label);
			break;
		case ITEM_DATA:
			if (item->argument->type->shape == SHAPE_STRING)
				put(output, "\tif (memchr(%s->%s, 0, sizeof %s->%s) == NULL)\n\t\tgoto %s;\n", var,
					item->argument->name, var, item->argument->name, label);
			break;
		case ITEM_COUNT:
			/* A client's room may be larger than what an out array holds. */
			if (type_in_descriptors(item->argument->type) &&
				(message == &routine->reply || item->argument->in))
				put(output, "\tif (%s->%sCnt > %llu)\n\t\tgoto %s;\n", var, item->argument->name,
					(unsigned long long)item->argument->type->count, label);
			break;
		default:
			check_descriptor(output, item, kind, label);
			break;
		}
	}
	if (varies && last != NULL && last->kind == ITEM_VARIABLE)
		put(output, "\tif (mig_left != 0)\n\t\tgoto %s;\n", label);
	for (item = message->items; item != NULL; item = item->next) {
		if (is_descriptor_array(item->kind) && item->argument->type->variable)
			check_unused(output, message, item, kind, label);
	}
	check_same_counts(output, message, kind, label);
}
