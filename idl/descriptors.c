/*
 * Descriptors: rights and out-of-line memory. An item has one, or is an array with one for each of its rights or pieces
 * of memory: then the code runs in a loop over mig_i. Of an array whose length varies the unused ones are empty.
 */
#include "descriptors.h"
#include "types.h"

#include <string.h>

bool is_memory(enum item_kind kind)
{
	return kind == ITEM_OOL || kind == ITEM_OOL_PORTS || kind == ITEM_OOL_ARRAY || kind == ITEM_OOL_PORTS_ARRAY;
}

bool carries_rights(enum item_kind kind)
{
	return kind != ITEM_OOL && kind != ITEM_OOL_ARRAY;
}

bool is_array_in_memory(const struct item *item)
{
	return item->kind == ITEM_OOL_PORTS && !type_in_memory(item->argument->type);
}

/* The C type of what such an array's pointer points to: an element, or the whole. */
static const char *pointed_type(struct output *output, const struct type *type, bool *whole)
{
	const char *element = c_element(output, type);

	*whole = element == NULL;
	return *whole ? c_type(output, type) : element;
}

void put_memory_variable(struct output *output, const struct argument *argument)
{
	bool whole;

	put(output, "\t%s *%s;\n", pointed_type(output, argument->type, &whole), argument->name);
}

const char *memory_value(struct output *output, const struct argument *argument, const char *pointer)
{
	bool whole;
	const char *type = pointed_type(output, argument->type, &whole);

	return arena_printf(&output->compiler->arena, whole ? "*(%s *)%s" : "(%s *)%s", type, pointer);
}

const struct type *memory_type(const struct argument *argument)
{
	return argument->type->shape == SHAPE_OOL_ARRAY ? argument->type->element : argument->type;
}

uint64_t memory_unit(const struct argument *argument)
{
	const struct type *element = memory_type(argument)->element;

	return type_rights(element) != 0 ? type_rights(element) : element->bytes;
}

const char *begin_descriptors(struct output *output, const struct item *item)
{
	if (!is_descriptor_array(item->kind))
		return "\t";
	put(output, "\tfor (unsigned mig_i = 0; mig_i < %llu; mig_i++) {\n", (unsigned long long)item->descriptors);
	return "\t\t";
}

void end_descriptors(struct output *output, const struct item *item)
{
	if (is_descriptor_array(item->kind))
		put(output, "\t}\n");
}

const char *descriptor_index(struct output *output, const struct item *item)
{
	return arena_printf(&output->compiler->arena, is_descriptor_array(item->kind) ? "%llu + mig_i" : "%llu",
		(unsigned long long)item->descriptor);
}

const char *descriptor_image(struct output *output, const struct item *item, const char *kind)
{
	return arena_printf(&output->compiler->arena, "mig_%s->%s%s", kind, item->argument->name,
		is_descriptor_array(item->kind) ? "[mig_i]" : "");
}

const char *received_descriptor(struct output *output, const struct item *item, const char *kind)
{
	return output->kernel
		       ? arena_printf(&output->compiler->arena, "mig_in->carry[%s]", descriptor_index(output, item))
		       : descriptor_image(output, item, kind);
}

const char *descriptor_type(const struct item *item)
{
	return !is_memory(item->kind)       ? "MACH_MSG_PORT_DESCRIPTOR"
	       : carries_rights(item->kind) ? "MACH_MSG_OOL_PORTS_DESCRIPTOR"
					    : "MACH_MSG_OOL_DESCRIPTOR";
}

const char *memory_field(const struct item *item)
{
	return carries_rights(item->kind) ? "count" : "size";
}

const char *array_limit(struct output *output, const struct argument *argument, const char *count)
{
	const uint64_t rights = type_rights(argument->type->element);

	return rights > 1 ? arena_printf(&output->compiler->arena, "%s * %llu", count, (unsigned long long)rights)
			  : count;
}

const char *array_element(struct output *output, const struct argument *argument, bool constant)
{
	const struct type *type = argument->type->element;
	const bool is_struct = argument->type->shape == SHAPE_STRUCT;
	struct arena *arena = &output->compiler->arena;

	if (!is_struct && (type->shape == SHAPE_PORT || type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED))
		return arena_printf(arena, "%s[mig_i]", argument->name);
	while (type->shape != SHAPE_PORT)
		type = type->element;
	return arena_printf(arena, "((%s%s *)%s%s)[mig_i]", constant ? "const " : "", c_type(output, type),
		is_struct && (output->server || !argument->out) ? "&" : "", argument->name);
}

void put_array_variable(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *element = type->shape == SHAPE_STRUCT ? NULL : c_element(output, type);

	if (element != NULL)
		put(output, "\t%s %s[%llu];\n", element, argument->name, (unsigned long long)type->count);
	else
		put(output, "\t%s %s;\n", c_type(output, type), argument->name);
	if (has_subs(argument))
		put(output, "\tmach_msg_type_number_t %sSubs[%llu];\n", argument->name,
			(unsigned long long)type->count);
}

/* --- Filling them. */

uint64_t memory_limit(const struct argument *argument)
{
	const struct type *type = memory_type(argument);

	if (type->shape == SHAPE_VARRAY)
		return type->count;
	return type->bound != 0 ? type->bound : UINT32_MAX / memory_unit(argument);
}

const char *memory_size(struct output *output, const struct argument *argument)
{
	struct arena *arena = &output->compiler->arena;
	const struct type *memory = memory_type(argument);
	const unsigned long long unit = memory_unit(argument);
	const char *count;

	if (!memory->variable)
		return arena_printf(arena, "%llu", (unsigned long long)memory->count * unit);
	count = memory == argument->type ? value_of(output, argument, "Cnt")
					 : arena_printf(arena, "%sSubs[mig_i]", argument->name);
	return unit == 1 ? count : arena_printf(arena, "%s * %llu", count, unit);
}

const char *deallocate_text(struct output *output, const struct argument *argument)
{
	if (!type_in_memory(argument->type))
		return "0";
	if ((argument->flags & FLAG_DEALLOC_ARG) != 0)
		return arena_printf(&output->compiler->arena, "%sDealloc != 0", argument->name);
	if ((argument->flags & FLAG_NOTDEALLOC) != 0)
		return "0";
	return (argument->flags & FLAG_DEALLOC) != 0 || argument->type->dealloc ? "1" : "0";
}

/* Where a right's disposition comes from: a constant, or the argument's Poly. */
static const char *sent_as(struct output *output, const struct argument *argument)
{
	return argument->type->send_name == IPC_POLYMORPHIC ? value_of(output, argument, "Poly")
							    : disposition_text(argument->type->send_name);
}

/* What is sent: the variable, or an array's element as far as there are that many. */
static const char *sent_value(struct output *output, const struct item *item, const char *empty)
{
	const struct argument *argument = item->argument;
	struct arena *arena = &output->compiler->arena;
	const char *value;

	if (!is_descriptor_array(item->kind)) {
		value = value_of(output, argument, "");
		return output->server && argument->type->outtran != NULL
			       ? arena_printf(arena, "%s(%s)", argument->type->outtran, value)
			       : value;
	}
	value = array_element(output, argument, true);
	if (!argument->type->variable)
		return value;
	return arena_printf(arena, "mig_i < %s ? %s : %s",
		array_limit(output, argument, value_of(output, argument, "Cnt")), value, empty);
}

static const char *sent_size(struct output *output, const struct item *item)
{
	const char *size = memory_size(output, item->argument);

	if (!is_descriptor_array(item->kind) || !item->argument->type->variable)
		return size;
	return arena_printf(
		&output->compiler->arena, "mig_i < %s ? %s : 0", value_of(output, item->argument, "Cnt"), size);
}

/* What the kernel's message carries, and the image's descriptor that says its kind. */
static void put_carried(struct output *output, const struct item *item, const char *kind)
{
	const struct argument *argument = item->argument;
	const char *message = strcmp(kind, "reply") == 0 ? "mig_out" : "mig_kmsg";
	const char *indent = begin_descriptors(output, item);
	const char *value = sent_value(output, item, "NULL");

	put(output, "%sipc_kmsg_put_%s(%s, %s, %s", indent,
		!is_memory(item->kind)       ? "port"
		: carries_rights(item->kind) ? "ports"
					     : "copy",
		message, descriptor_index(output, item), value);
	if (is_memory(item->kind))
		put(output, ", %s", sent_size(output, item));
	if (carries_rights(item->kind))
		put(output, ", %s", sent_as(output, argument));
	put(output, ");\n");
	end_descriptors(output, item);
}

void put_descriptor(struct output *output, const struct item *item, const char *kind)
{
	const struct argument *argument = item->argument;
	const char *field = descriptor_image(output, item, kind);
	const char *indent;

	if (output->kernel) {
		put_carried(output, item, kind);
		return;
	}
	indent = begin_descriptors(output, item);
	if (!is_memory(item->kind)) {
		put(output, "%s%s.name = %s;\n", indent, field, sent_value(output, item, "MACH_PORT_NULL"));
	} else {
		const bool varies = is_descriptor_array(item->kind) && argument->type->variable;

		put(output,
			varies ? "%s%s.address = (void *)(uintptr_t)(%s);\n"
			       : "%s%s.address = (void *)(uintptr_t)%s;\n",
			indent, field, sent_value(output, item, "NULL"));
		put(output, "%s%s.deallocate = %s;\n", indent, field, deallocate_text(output, argument));
		put(output, "%s%s.copy = %s;\n", indent, field,
			(argument->flags & FLAG_PHYSICALCOPY) != 0 ? "MACH_MSG_PHYSICAL_COPY"
								   : "MACH_MSG_VIRTUAL_COPY");
		put(output, "%s%s.%s = %s;\n", indent, field, memory_field(item), sent_size(output, item));
	}
	if (carries_rights(item->kind))
		put(output, "%s%s.disposition = (uint8_t)%s;\n", indent, field, sent_as(output, argument));
	put(output, "%s%s.type = %s;\n", indent, field, descriptor_type(item));
	end_descriptors(output, item);
}

void put_descriptor_limits(struct output *output, const struct item *item)
{
	const struct argument *argument = item->argument;
	const struct type *type = argument->type;
	const char *count = value_of(output, argument, "Cnt");

	if (is_descriptor_array(item->kind) && type->variable)
		put(output, "\tif (%s > %llu)\n\t\treturn MIG_ARRAY_TOO_LARGE;\n", count,
			(unsigned long long)type->count);
	if (!is_memory(item->kind) || !memory_type(argument)->variable || memory_limit(argument) == UINT32_MAX)
		return;
	if (!is_descriptor_array(item->kind)) {
		put(output, "\tif (%s > %llu)\n\t\treturn MIG_ARRAY_TOO_LARGE;\n", count,
			(unsigned long long)memory_limit(argument));
		return;
	}
	if (!type->variable)
		count = arena_printf(&output->compiler->arena, "%llu", (unsigned long long)type->count);
	put(output,
		"\tfor (unsigned mig_i = 0; mig_i < %s; mig_i++) {\n\t\tif (%sSubs[mig_i] > %llu)\n"
		"\t\t\treturn MIG_ARRAY_TOO_LARGE;\n\t}\n",
		count, argument->name, (unsigned long long)memory_limit(argument));
}

/* --- Checking what came. */

void check_descriptor(struct output *output, const struct item *item, const char *kind, const char *label)
{
	const struct argument *argument = item->argument;
	const char *image = descriptor_image(output, item, kind);
	const char *at = received_descriptor(output, item, kind);
	const char *indent = begin_descriptors(output, item);
	const char *size = arena_printf(&output->compiler->arena, "%s.%s", at, memory_field(item));

	put(output, "%sif (%s.type != %s)\n%s\tgoto %s;\n", indent, image, descriptor_type(item), indent, label);
	if (is_memory(item->kind) && memory_type(argument)->variable &&
		memory_limit(argument) < UINT32_MAX / memory_unit(argument))
		put(output, "%sif (%s > %llu)\n%s\tgoto %s;\n", indent, size,
			(unsigned long long)(memory_limit(argument) * memory_unit(argument)), indent, label);
	if (is_memory(item->kind) && memory_type(argument)->variable && memory_unit(argument) > 1)
		put(output, "%sif (%s %% %llu != 0)\n%s\tgoto %s;\n", indent, size,
			(unsigned long long)memory_unit(argument), indent, label);
	else if (is_memory(item->kind) && !memory_type(argument)->variable &&
		 !(is_descriptor_array(item->kind) && argument->type->variable))
		put(output, "%sif (%s != %s)\n%s\tgoto %s;\n", indent, size, memory_size(output, argument), indent,
			label);
	if (carries_rights(item->kind) && argument->type->recv_name != IPC_POLYMORPHIC)
		put(output, "%sif (%s.disposition != %s)\n%s\tgoto %s;\n", indent, at,
			disposition_text(argument->type->recv_name), indent, label);
	else if (carries_rights(item->kind) && is_descriptor_array(item->kind))
		put(output, "%sif (%s.disposition != %s.disposition)\n%s\tgoto %s;\n", indent, at,
			first_descriptor(output, item, kind), indent, label);
	end_descriptors(output, item);
}

const char *first_descriptor(struct output *output, const struct item *item, const char *kind)
{
	struct arena *arena = &output->compiler->arena;

	if (output->kernel)
		return arena_printf(arena, "mig_in->carry[%llu]", (unsigned long long)item->descriptor);
	return arena_printf(
		arena, "mig_%s->%s%s", kind, item->argument->name, is_descriptor_array(item->kind) ? "[0]" : "");
}

void check_unused(struct output *output, const struct message *message, const struct item *item, const char *kind,
	const char *label)
{
	const struct argument *argument = item->argument;
	const char *at = received_descriptor(output, item, kind);
	const char *limit = array_limit(output, argument, count_field(output, message, kind, argument));

	begin_descriptors(output, item);
	if (!is_memory(item->kind))
		put(output, "\t\tif (mig_i >= %s && %s.%s != %s)\n", limit, at, output->kernel ? "port" : "name",
			output->kernel ? "NULL" : "MACH_PORT_NULL");
	else if (memory_type(argument)->variable)
		put(output, "\t\tif (mig_i >= %s && %s.%s != 0)\n", limit, at, memory_field(item));
	else
		put(output, "\t\tif (%s.%s != (mig_i < %s ? %s : 0))\n", at, memory_field(item), limit,
			memory_size(output, argument));
	put(output, "\t\t\tgoto %s;\n", label);
	end_descriptors(output, item);
}

const char *received_elements(struct output *output, const struct item *item, const char *kind)
{
	const char *at = received_descriptor(output, item, kind);
	const unsigned long long unit = memory_unit(item->argument);
	struct arena *arena = &output->compiler->arena;

	return unit == 1 ? arena_printf(arena, "%s.%s", at, memory_field(item))
			 : arena_printf(arena, "%s.%s / %llu", at, memory_field(item), unit);
}

const char *received_value(struct output *output, const struct item *item, const char *kind)
{
	struct arena *arena = &output->compiler->arena;
	const char *at = received_descriptor(output, item, kind);
	const struct argument *argument = item->argument;

	if (!is_memory(item->kind))
		return arena_printf(arena, "%s.%s", at, output->kernel ? "port" : "name");
	if (is_array_in_memory(item))
		return memory_value(output, argument, arena_printf(arena, "(uintptr_t)%s.address", at));
	if (output->kernel)
		return arena_printf(arena, "%s.%s", at, carries_rights(item->kind) ? "ports" : "copy");
	return arena_printf(arena, "(%s)(uintptr_t)%s.address", c_type(output, memory_type(argument)), at);
}
