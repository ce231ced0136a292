/* Checking a message that was received: descriptors, counts, terminators, sizes. */
#include "emit.h"

static void check_disposition(
	struct output *output, const struct argument *argument, const char *field, const char *label)
{
	if (argument->type->recv_name != IPC_POLYMORPHIC)
		put(output, "\tif (%s != %s)\n\t\tgoto %s;\n", field, disposition_text(argument->type->recv_name),
			label);
}

static void check_descriptor(
	struct output *output, const struct item *item, const char *var, const char *kind, const char *label)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *name = argument->name;
	struct arena *arena = &output->compiler->arena;
	const char *carry = arena_printf(arena, "mig_in->carry[%llu]", (unsigned long long)item->descriptor);
	const char *field = arena_printf(arena, "%s->%s", var, name);
	bool kernel = output->kernel;

	(void)kind;
	switch (item->kind) {
	case ITEM_PORT:
		put(output, "\tif (%s.type != MACH_MSG_PORT_DESCRIPTOR)\n\t\tgoto %s;\n", field, label);
		check_disposition(
			output, argument, arena_printf(arena, "%s.disposition", kernel ? carry : field), label);
		break;
	case ITEM_PORTS:
		put(output, "\tfor (unsigned mig_i = 0; mig_i < %llu; mig_i++) {\n", (unsigned long long)type->count);
		put(output, "\t\tif (%s[mig_i].type != MACH_MSG_PORT_DESCRIPTOR", field);
		if (type->recv_name != IPC_POLYMORPHIC) {
			if (kernel)
				put(output, " || mig_in->carry[%llu + mig_i].disposition != %s",
					(unsigned long long)item->descriptor, disposition_text(type->recv_name));
			else
				put(output, " || %s[mig_i].disposition != %s", field,
					disposition_text(type->recv_name));
		}
		put(output, ")\n\t\t\tgoto %s;\n\t}\n", label);
		break;
	case ITEM_OOL:
		put(output, "\tif (%s.type != MACH_MSG_OOL_DESCRIPTOR)\n\t\tgoto %s;\n", field, label);
		if (!type->variable)
			put(output, "\tif (%s.size != %s)\n\t\tgoto %s;\n", kernel ? carry : field,
				ool_size(output, argument), label);
		else if (type->element->bytes > 1)
			put(output, "\tif (%s.size %% %llu != 0)\n\t\tgoto %s;\n", kernel ? carry : field,
				(unsigned long long)type->element->bytes, label);
		break;
	case ITEM_OOL_PORTS:
		put(output, "\tif (%s.type != MACH_MSG_OOL_PORTS_DESCRIPTOR)\n\t\tgoto %s;\n", field, label);
		if (!type->variable)
			put(output, "\tif (%s.count != %s)\n\t\tgoto %s;\n", kernel ? carry : field,
				ool_size(output, argument), label);
		check_disposition(
			output, argument, arena_printf(arena, "%s.disposition", kernel ? carry : field), label);
		break;
	default:
		break;
	}
}

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
	struct arena *arena = &output->compiler->arena;
	const struct item *item = message->items;
	const char *at;

	while (item->argument != argument)
		item = item->next;
	if (item->kind != ITEM_OOL && item->kind != ITEM_OOL_PORTS)
		return count_field(output, message, kind, argument);
	at = output->kernel ? arena_printf(arena, "mig_in->carry[%llu]", (unsigned long long)item->descriptor)
			    : arena_printf(arena, "mig_%s->%s", kind, argument->name);
	if (item->kind == ITEM_OOL_PORTS)
		return arena_printf(arena, "%s.count", at);
	return arena_printf(arena, "%s.size / %llu", at, (unsigned long long)argument->type->element->bytes);
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

/* Rights beyond the count would be nobody's: none may be there. */
static void check_unused_rights(
	struct output *output, const struct message *message, const char *kind, const char *label)
{
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		const struct argument *argument = item->argument;

		if (item->kind != ITEM_PORTS || !argument->type->variable)
			continue;
		put(output, "\tfor (mach_msg_type_number_t mig_i = %s; mig_i < %llu; mig_i++) {\n",
			count_field(output, message, kind, argument), (unsigned long long)argument->type->count);
		if (output->kernel)
			put(output, "\t\tif (mig_in->carry[%llu + mig_i].port != NULL)\n",
				(unsigned long long)item->descriptor);
		else
			put(output, "\t\tif (mig_%s->%s[mig_i].name != MACH_PORT_NULL)\n", kind, argument->name);
		put(output, "\t\t\tgoto %s;\n\t}\n", label);
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
			if (item->argument->type->element->shape == SHAPE_PORT)
				put(output, "\tif (%s->%sCnt > %llu)\n\t\tgoto %s;\n", var, item->argument->name,
					(unsigned long long)item->argument->type->count, label);
			break;
		default:
			check_descriptor(output, item, var, kind, label);
			break;
		}
	}
	if (varies && last != NULL && last->kind == ITEM_VARIABLE)
		put(output, "\tif (mig_left != 0)\n\t\tgoto %s;\n", label);
	check_unused_rights(output, message, kind, label);
	check_same_counts(output, message, kind, label);
}
