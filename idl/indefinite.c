/*
 * array[] as the servers of the four families have it. What comes in is the stub's again after the call, unless
 * servercopy tells the work function that it was out of line. For what goes out GNU's and CMU's give it room of 2048
 * bytes, which it may leave for memory of its own; here the room is behind the reply, where it stays until that is
 * sent.
 */
#include "indefinite.h"
#include "descriptors.h"
#include "types.h"

#define ROOM 2048u

static bool is_indefinite(const struct compiler *compiler, const struct argument *argument)
{
	return argument->type->shape == SHAPE_UNBOUNDED && !compiler->interface.kernel_server &&
	       !compiler->interface.kernel_user && compiler->dialect != DIALECT_PORTOLAN;
}

bool stub_frees(const struct output *output, const struct item *item)
{
	const struct argument *argument = item->argument;

	if (!is_memory(item->kind))
		return false;
	if (!carries_rights(item->kind) && (argument->flags & FLAG_AUTO) != 0)
		return true;
	return is_indefinite(output->compiler, argument) && argument->in && !argument->out &&
	       (argument->flags & FLAG_SERVERCOPY) == 0;
}

void make_room(const struct compiler *compiler, struct routine *routine)
{
	struct argument *argument;

	if (!has_rooms(compiler))
		return;
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		argument->has_room = is_indefinite(compiler, argument) && argument->out && !argument->in &&
				     argument->same_count == NULL;
		argument->room = routine->reply_room;
		if (argument->has_room)
			routine->reply_room += ROOM;
	}
}

/* Elements that fit, and what the descriptor says of them. */
static unsigned long long room_elements(const struct argument *argument)
{
	const uint64_t rights = type_rights(argument->type->element);

	return rights != 0 ? ROOM / (sizeof(uint32_t) * rights) : ROOM / argument->type->element->bytes;
}

static const char *room(struct output *output, const struct routine *routine, const struct argument *argument)
{
	return arena_printf(&output->compiler->arena, "(void *)((char *)mig_out + mig_reply_%s_size + %llu)",
		routine->name, (unsigned long long)argument->room);
}

void put_room(struct output *output, const struct routine *routine, const struct argument *argument)
{
	put(output, "\t%s = %s;\n\t%sCnt = %llu;\n", argument->name, room(output, routine, argument), argument->name,
		room_elements(argument));
}

void put_room_descriptor(struct output *output, const struct routine *routine, const struct item *item)
{
	const struct argument *argument = item->argument;
	const char *field = descriptor_image(output, item, "reply");
	const unsigned long long most = room_elements(argument) * memory_unit(argument);

	put(output,
		"\tif ((void *)%s == %s) {\n\t\t%s.deallocate = 0;\n\t\tif (%s.%s > %llu)\n\t\t\t%s.%s = %llu;\n\t}\n",
		argument->name, room(output, routine, argument), field, field, memory_field(item), most, field,
		memory_field(item), most);
}
