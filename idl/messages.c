/* Messages as C: their structures, filling them, checking them. */
#include "descriptors.h"
#include "types.h"

#include <string.h>

const char *part_variable(struct output *output, const char *kind, unsigned part)
{
	return part == 0 ? arena_printf(&output->compiler->arena, "mig_%s", kind)
			 : arena_printf(&output->compiler->arena, "mig_%s%u", kind, part);
}

const char *part_struct(struct output *output, const char *kind, const struct routine *routine, unsigned part)
{
	return part == 0 ? arena_printf(&output->compiler->arena, "struct mig_%s_%s", kind, routine->name)
			 : arena_printf(&output->compiler->arena, "struct mig_%s%u_%s", kind, part, routine->name);
}

const char *count_field(
	struct output *output, const struct message *message, const char *kind, const struct argument *argument)
{
	const struct item *item = message->items;

	while (item->argument != argument || (item->kind != ITEM_COUNT && item->kind != ITEM_VARIABLE))
		item = item->next;
	return arena_printf(
		&output->compiler->arena, "%s->%sCnt", part_variable(output, kind, item->part), argument->name);
}

bool message_varies(const struct message *message)
{
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		if (item->kind == ITEM_VARIABLE)
			return true;
	}
	return false;
}

static void put_field(struct output *output, const struct item *item, const char *align)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *element;

	switch (item->kind) {
	default:
		put(output, "\t%smach_msg_%s_descriptor_t %s", align,
			!is_memory(item->kind)       ? "port"
			: carries_rights(item->kind) ? "ool_ports"
						     : "ool",
			argument->name);
		put(output, is_descriptor_array(item->kind) ? "[%llu];\n" : ";\n",
			(unsigned long long)item->descriptors);
		break;
	case ITEM_COUNT:
		put(output, "\t%smach_msg_type_number_t %sCnt;\n", align, argument->name);
		break;
	case ITEM_DATA:
	case ITEM_VARIABLE:
		if (item->kind == ITEM_VARIABLE) {
			put(output, "\t%smach_msg_type_number_t %sCnt;\n", align, argument->name);
			align = "";
		}
		element = type->shape == SHAPE_STRUCT ? NULL : c_element(output, type);
		if (type->shape == SHAPE_OPTIONAL)
			put(output, "\t%s%s %s[1];\n", align, c_type(output, type), argument->name);
		else if (element != NULL)
			put(output, "\t%s%s %s[%llu];\n", align, element, argument->name,
				(unsigned long long)type->count);
		else
			put(output, "\t%s%s %s;\n", align, c_type(output, type), argument->name);
		break;
	}
}

/* The size that the file declares must be the one that C sees. */
static void put_assertion(struct output *output, const struct item *item, const char *structure)
{
	const struct type *type = item->argument->type;

	if (item->kind == ITEM_PORTS && type->shape == SHAPE_STRUCT && !output->kernel)
		put(output, "_Static_assert(sizeof(%s) == %llu, \"%s has %llu bytes\");\n", c_type(output, type),
			(unsigned long long)type->bytes, item->argument->name, (unsigned long long)type->bytes);
	if ((item->kind != ITEM_DATA && item->kind != ITEM_VARIABLE) || type_is_native(type))
		return;
	put(output, "_Static_assert(sizeof(((%s *)0)->%s) == %llu, \"%s has %llu bytes\");\n", structure,
		item->argument->name, (unsigned long long)type->bytes, item->argument->name,
		(unsigned long long)type->bytes);
}

/* Where things are in a message (doc/wire.md), and that the places of its parts, multiples of 8, suffice for C. */
static void put_layout_assertions(struct output *output, const struct routine *routine, const struct message *message,
	const char *kind, unsigned part)
{
	const char *structure = part_struct(output, kind, routine, part);
	const unsigned long long data = 24 + (message->descriptors != 0 ? 8 + 16 * message->descriptors : 0);

	put(output, "_Static_assert(_Alignof(%s) == 8, \"no argument is aligned to more than 8 bytes\");\n", structure);
	if (part != 0)
		return;
	if (message->descriptors != 0)
		put(output, "_Static_assert(offsetof(%s, %s) == 32, \"descriptors follow the body\");\n", structure,
			message->items->argument->name);
	if (message->has_data)
		put(output, "_Static_assert(offsetof(%s, NDR) == %llu, \"data follows the descriptors\");\n", structure,
			data);
}

void put_message_structs(
	struct output *output, const struct routine *routine, const struct message *message, const char *kind)
{
	const struct item *item = message->items;
	const struct item *first;
	unsigned part;

	for (part = 0; part < message->parts; part++) {
		const char *align = "_Alignas(8) ";

		put(output, "%s {\n", part_struct(output, kind, routine, part));
		first = item;
		if (part == 0) {
			put(output, "\t%smach_msg_header_t Head;\n", align);
			if (message->descriptors != 0)
				put(output, "\tmach_msg_body_t Body;\n");
			for (; item != NULL && item->kind < ITEM_DATA; item = item->next)
				put_field(output, item, "");
			if (message->has_data)
				put(output, "\tNDR_record_t NDR;\n");
			if (message->result && message->descriptors == 0)
				put(output, "\tkern_return_t RetCode;\n");
			align = "";
		}
		for (; item != NULL && item->part == part; item = item->next) {
			put_field(output, item, align);
			align = "";
		}
		put(output, "} __attribute__((__may_alias__));\n");
		put_layout_assertions(output, routine, message, kind, part);
		for (; first != item; first = first->next)
			put_assertion(output, first, part_struct(output, kind, routine, part));
	}
	put(output, "enum { mig_%s_%s_size = sizeof(%s)", kind, routine->name, part_struct(output, kind, routine, 0));
	for (part = 1; part < message->parts; part++)
		put(output, " + sizeof(%s)", part_struct(output, kind, routine, part));
	put(output, " };\n\n");
}

const char *reply_room(struct output *output, const struct routine *routine)
{
	return routine->reply_room == 0
		       ? ""
		       : arena_printf(&output->compiler->arena, " + %llu", (unsigned long long)routine->reply_room);
}

const char *value_of(struct output *output, const struct argument *argument, const char *suffix)
{
	bool array = argument->type->shape == SHAPE_ARRAY || argument->type->shape == SHAPE_VARRAY ||
		     argument->type->shape == SHAPE_OOL_ARRAY;
	bool address = !output->server && argument->in && argument->out && !(array && suffix[0] == '\0');

	if (strcmp(suffix, "Cnt") == 0)
		argument = counted_by(argument);
	return arena_printf(&output->compiler->arena, "%s%s%s", address ? "*" : "", argument->name, suffix);
}

static void put_too_large(struct output *output, const char *indent)
{
	put(output, "%s\treturn MIG_ARRAY_TOO_LARGE;\n", indent);
}

void put_limits(struct output *output, const struct message *message)
{
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		const struct argument *argument = item->argument;
		const struct type *type = argument->type;

		if (item->kind == ITEM_VARIABLE && type->shape == SHAPE_VSTRING) {
			put(output, "\tconst char *mig_%sEnd = memchr(%s, 0, %llu);\n", argument->name, argument->name,
				(unsigned long long)type->count);
			put(output, "\tif (mig_%sEnd == NULL)\n", argument->name);
			put_too_large(output, "\t");
		} else if (item->kind == ITEM_DATA && type->shape == SHAPE_STRING) {
			put(output, "\tconst char *mig_%sEnd = memchr(%s, 0, %llu);\n", argument->name, argument->name,
				(unsigned long long)type->count);
			put(output, "\tif (mig_%sEnd == NULL)\n", argument->name);
			put_too_large(output, "\t");
		} else if (item->kind == ITEM_VARIABLE && type->shape != SHAPE_OPTIONAL) {
			put(output, "\tif (%s > %llu)\n", value_of(output, argument, "Cnt"),
				(unsigned long long)type->count);
			put_too_large(output, "\t");
		} else if (item->kind < ITEM_DATA) {
			put_descriptor_limits(output, item);
		}
	}
}

static void pack_data(struct output *output, const struct item *item, const char *var)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *name = argument->name;

	switch (type->shape) {
	case SHAPE_STRING:
		put(output, "\tmemcpy(%s->%s, %s, (size_t)(mig_%sEnd - %s));\n", var, name, name, name, name);
		break;
	case SHAPE_ARRAY:
		if (output->server && type->outtran != NULL)
			put(output, "\tmemcpy(%s->%s, %s(%s), sizeof %s->%s);\n", var, name, type->outtran, name, var,
				name);
		else
			put(output, "\tmemcpy(%s->%s, %s, sizeof %s->%s);\n", var, name, name, var, name);
		break;
	case SHAPE_POINTER:
		put(output, "\t%s->%s = *%s;\n", var, name, name);
		break;
	default:
		if (output->server && type->outtran != NULL)
			put(output, "\t%s->%s = %s(%s);\n", var, name, type->outtran, name);
		else
			put(output, "\t%s->%s = %s;\n", var, name, value_of(output, argument, ""));
	}
}

static void pack_variable(struct output *output, const struct routine *routine, const struct message *message,
	const struct item *item, const char *kind, const char *var)
{
	const struct type *type = item->argument->type;
	const char *name = item->argument->name;

	if (type->shape == SHAPE_VSTRING)
		put(output, "\t%s->%sCnt = (mach_msg_type_number_t)(mig_%sEnd - %s) + 1;\n", var, name, name, name);
	else if (type->shape == SHAPE_OPTIONAL)
		put(output, "\t%s->%sCnt = %s != %s;\n", var, name, name, type->absent);
	else
		put(output, "\t%s->%sCnt = %s;\n", var, name, value_of(output, item->argument, "Cnt"));
	put(output, "\tmig_length = (size_t)%s->%sCnt * sizeof %s->%s[0];\n", var, name, var, name);
	put(output, "\tif (mig_length != 0)\n\t\tmemcpy(%s->%s, %s, mig_length);\n", var, name, name);
	put(output, "\tmig_length += offsetof(%s, %s);\n", part_struct(output, kind, routine, item->part), name);
	put(output, "\tmemset((char *)%s + mig_length, 0, -mig_length & 7);\n", var);
	put(output, "\tmig_size += (mig_length + 7) & ~(size_t)7;\n");
	if (item->part + 1 < message->parts) {
		const char *next = part_struct(output, kind, routine, item->part + 1);

		put(output, "\t%s *%s = (void *)((char *)mig_%s + mig_size);\n", next,
			part_variable(output, kind, item->part + 1), kind);
	}
}

/* Zeroes the fixed bytes of a part, padding included. */
static void put_clearing(struct output *output, const struct routine *routine, const struct message *message,
	const char *kind, unsigned part)
{
	const char *var = part_variable(output, kind, part);
	const char *structure = part_struct(output, kind, routine, part);
	const struct item *item;

	for (item = message->items; item != NULL; item = item->next) {
		if (item->part == part && item->kind == ITEM_VARIABLE) {
			put(output, "\tmemset(%s, 0, offsetof(%s, %s));\n", var, structure, item->argument->name);
			return;
		}
	}
	put(output, "\tmemset(%s, 0, sizeof(%s));\n", var, structure);
}

void put_packing(struct output *output, const struct routine *routine, const struct message *message, const char *kind)
{
	const char *var = part_variable(output, kind, 0);
	const struct item *item;
	unsigned part = 0;

	if (message_varies(message))
		put(output, "\tsize_t mig_length;\n\tsize_t mig_size = 0;\n");
	put_clearing(output, routine, message, kind, 0);
	if (message->descriptors != 0)
		put(output, "\t%s->Body.msgh_descriptor_count = %llu;\n", var,
			(unsigned long long)message->descriptors);
	if (message->has_data)
		put(output, "\t%s->NDR = NDR_record;\n", var);
	for (item = message->items; item != NULL; item = item->next) {
		if (item->part != part) {
			part = item->part;
			put_clearing(output, routine, message, kind, part);
		}
		var = part_variable(output, kind, part);
		switch (item->kind) {
		default:
			put_descriptor(output, item, kind);
			break;
		case ITEM_COUNT:
			put(output, "\t%s->%sCnt = %s;\n", var, item->argument->name,
				item->argument->in
					? value_of(output, item->argument, "Cnt")
					: arena_printf(&output->compiler->arena, output->server ? "%sCnt" : "*%sCnt",
						  counted_by(item->argument)->name));
			break;
		case ITEM_DATA:
			pack_data(output, item, var);
			break;
		case ITEM_VARIABLE:
			pack_variable(output, routine, message, item, kind, var);
			break;
		}
	}
}
