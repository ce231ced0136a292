/* How each routine travels: in registers when it fits, else in messages whose items are put in order here. */
#include "indefinite.h"
#include "routines.h"

#include <string.h>

enum { WORDS = 8, HEADER = 24, BODY = 8, DESCRIPTOR = 16, NDR = 8 };

/* What the kernel takes in one message. */
#define DESCRIPTORS_MAX 256u

static bool fits_words(const struct type *type)
{
	switch (type->shape) {
	case SHAPE_SCALAR:
	case SHAPE_REAL:
	case SHAPE_STRING:
		return true;
	case SHAPE_STRUCT:
	case SHAPE_ARRAY:
		return type_rights(type) == 0;
	default:
		return false;
	}
}

static const char *why_buffered(struct compiler *compiler, struct routine *routine)
{
	const struct argument *argument;
	uint64_t in = 0;
	uint64_t out = 1;

	if (routine->request_port != NULL && routine->request_port->type->send_name != IPC_COPY_SEND &&
		routine->request_port->type->send_name != IPC_MOVE_SEND_ONCE)
		return arena_printf(&compiler->arena, "the request port is not used by copy send or move send-once");
	if (routine->reply_port != NULL || routine->server_reply != NULL)
		return "it names its reply port";
	if (routine->waittime != NULL || routine->default_waittime != NULL || routine->sendtime != NULL ||
		routine->default_sendtime != NULL)
		return "it has a timeout";
	if (routine->msgoption != NULL || routine->default_msgoption != NULL)
		return "it has message options";
	if (routine->retcode != NULL)
		return arena_printf(&compiler->arena, "'%s' says how something ended", routine->retcode->name);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->direction == DIR_REQUEST_PORT && argument != routine->request_port)
			return "it has two request ports";
	}
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		uint64_t words = (argument->type->bytes + 7) / 8;

		if (argument->trailer != TRAILER_NONE)
			return arena_printf(&compiler->arena, "'%s' is in the trailer", argument->name);
		if (!argument->in && !argument->out)
			continue;
		if (argument->type->shape == SHAPE_PORT)
			return arena_printf(&compiler->arena, "'%s' is a right", argument->name);
		if (type_in_descriptors(argument->type))
			return arena_printf(&compiler->arena, "'%s' is %s", argument->name,
				type_in_memory(argument->type) ? "out of line" : "rights");
		if ((argument->type->shape == SHAPE_ARRAY || argument->type->shape == SHAPE_STRING) &&
			(argument->type->intran != NULL || argument->type->outtran != NULL))
			return arena_printf(&compiler->arena, "'%s' is a translated array", argument->name);
		if (!fits_words(argument->type))
			return arena_printf(&compiler->arena, "the length of '%s' %s", argument->name,
				argument->type->variable ? "varies" : "is known to C only");
		in += argument->in ? words : 0;
		out += argument->out ? words : 0;
	}
	if (in > WORDS)
		return arena_printf(&compiler->arena, "the request has %llu words", (unsigned long long)in);
	if (out > WORDS && !routine->simple)
		return arena_printf(&compiler->arena, "the reply has %llu words", (unsigned long long)out);
	return NULL;
}

static void lay_out_words(struct routine *routine)
{
	struct argument *argument;
	unsigned in = 0;
	unsigned out = 1;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (!argument->in && !argument->out)
			continue;
		argument->words = (unsigned)((argument->type->bytes + 7) / 8);
		argument->in_word = in;
		argument->out_word = out;
		in += argument->in ? argument->words : 0;
		out += argument->out ? argument->words : 0;
	}
	routine->request_words = in;
	routine->reply_words = routine->simple ? 0 : out;
}

static enum item_kind item_of(const struct routine *routine, const struct type *type)
{
	const enum item_kind rights = routine->rights_in_memory ? ITEM_OOL_PORTS : ITEM_PORTS;

	switch (type->shape) {
	case SHAPE_PORT:
		return ITEM_PORT;
	case SHAPE_ARRAY:
	case SHAPE_VARRAY:
		if (type_rights(type->element) != 0)
			return rights;
		return type->shape == SHAPE_ARRAY ? ITEM_DATA : ITEM_VARIABLE;
	case SHAPE_OOL:
	case SHAPE_UNBOUNDED:
		return type_rights(type->element) != 0 ? ITEM_OOL_PORTS : ITEM_OOL;
	case SHAPE_OOL_ARRAY:
		return type_rights(type->element->element) != 0 ? ITEM_OOL_PORTS_ARRAY : ITEM_OOL_ARRAY;
	case SHAPE_STRUCT:
		return type_rights(type) != 0 ? ITEM_PORTS : ITEM_DATA;
	case SHAPE_VSTRING:
	case SHAPE_OPTIONAL:
		return ITEM_VARIABLE;
	default:
		return ITEM_DATA;
	}
}

struct layout {
	struct compiler *compiler;
	const struct routine *routine;
	struct message *message;
	struct item **end;
	uint64_t least; /* bytes so far when everything variable is empty, and when it is full */
	uint64_t most;
};

static struct item *add_item(struct layout *layout, enum item_kind kind, struct argument *argument)
{
	struct item *item = arena_alloc(&layout->compiler->arena, sizeof *item);

	item->kind = kind;
	item->argument = argument;
	item->part = layout->message->parts - 1;
	*layout->end = item;
	layout->end = &item->next;
	return item;
}

static void take(struct layout *layout, uint64_t bytes, unsigned align)
{
	layout->least = (layout->least + align - 1) / align * align + bytes;
	layout->most = (layout->most + align - 1) / align * align + bytes;
}

static void add_descriptors(struct layout *layout, struct argument *argument)
{
	enum item_kind kind = item_of(layout->routine, argument->type);
	struct item *item;

	if (kind == ITEM_DATA || kind == ITEM_VARIABLE)
		return;
	item = add_item(layout, kind, argument);
	item->descriptor = layout->message->descriptors;
	item->descriptors = kind == ITEM_PORTS          ? argument->type->count * type_rights(argument->type->element)
			    : is_descriptor_array(kind) ? argument->type->count
							: 1;
	layout->message->descriptors += item->descriptors;
}

static void add_data(struct layout *layout, struct argument *argument)
{
	const struct type *type = argument->type;
	enum item_kind kind = item_of(layout->routine, type);

	if (is_descriptor_array(kind) && type->variable) {
		add_item(layout, ITEM_COUNT, argument);
		take(layout, 4, 4);
	} else if (kind == ITEM_DATA) {
		add_item(layout, kind, argument);
		take(layout, type->bytes, type->align);
	} else if (kind == ITEM_VARIABLE) {
		unsigned align = type->shape == SHAPE_VARRAY ? type->element->align : type->align;

		add_item(layout, kind, argument);
		take(layout, 4, 4);
		take(layout, 0, align);
		layout->most += type->bytes;
		take(layout, 0, 8);
		layout->message->parts++;
	}
}

static void lay_out_message(struct compiler *compiler, struct routine *routine, struct message *message, bool reply)
{
	struct layout layout = {.compiler = compiler, .routine = routine, .message = message, .end = &message->items};
	struct argument *argument;
	const struct item *last;

	message->parts = 1;
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (reply ? argument->out : argument->in)
			add_descriptors(&layout, argument);
	}
	layout.least = layout.most =
		HEADER + (message->descriptors != 0 ? BODY + DESCRIPTOR * message->descriptors : 0);
	message->result = reply || routine->retcode != NULL;
	message->has_data = message->result && message->descriptors == 0;
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		bool counted = !reply && argument->out && !argument->in && (argument->flags & FLAG_COUNTINOUT) != 0 &&
			       argument->type->shape == SHAPE_VARRAY;
		enum item_kind kind = item_of(routine, argument->type);

		if ((reply ? argument->out : argument->in) &&
			(kind == ITEM_DATA || kind == ITEM_VARIABLE ||
				(is_descriptor_array(kind) && argument->type->variable)))
			message->has_data = true;
		else if (counted)
			message->has_data = true;
	}
	if (message->has_data)
		take(&layout, NDR, 1);
	if (message->result && message->descriptors == 0)
		take(&layout, 4, 4);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (reply ? argument->out : argument->in) {
			add_data(&layout, argument);
		} else if (!reply && argument->out && (argument->flags & FLAG_COUNTINOUT) != 0 &&
			   argument->type->shape == SHAPE_VARRAY) {
			add_item(&layout, ITEM_COUNT, argument);
			take(&layout, 4, 4);
		}
	}
	/* A part that nothing follows into does not exist. */
	for (last = message->items; last != NULL && last->next != NULL; last = last->next)
		;
	if (message->parts > 1 && last != NULL && last->kind == ITEM_VARIABLE)
		message->parts--;
	take(&layout, 0, 8);
	message->min_size = layout.least;
	message->max_size = layout.most;
	if (message->max_size + (reply ? routine->reply_room : 0) > 1u << 20)
		error_at(compiler, &routine->loc, "pass the large arguments out of line: ^array[] of ...",
			"the %s of '%s' can have %llu bytes; a message has at most %u", reply ? "reply" : "request",
			routine->name, (unsigned long long)message->max_size + (reply ? routine->reply_room : 0),
			1u << 20);
	if (message->descriptors > DESCRIPTORS_MAX)
		error_at(compiler, &routine->loc, "pass an out-of-line array: ^array[] of ...",
			"the %s of '%s' has %llu descriptors; a message has at most %u", reply ? "reply" : "request",
			routine->name, (unsigned long long)message->descriptors, DESCRIPTORS_MAX);
}

/* Descriptors that an array of rights would have, one for each right. */
static uint64_t rights_in_arrays(const struct argument *argument)
{
	const struct type *type = argument->type;

	if (type->shape == SHAPE_VARRAY)
		return type->count * type_rights(type->element);
	return type->shape == SHAPE_ARRAY ? type_rights(type) : 0;
}

/*
 * Rights of arrays have descriptors of their own if that many fit into a message, beside all others. Else the arrays of
 * the routine are one descriptor each, for memory. The kernel's stubs have no such memory.
 */
static void put_rights_in_memory(const struct compiler *compiler, struct routine *routine)
{
	const struct argument *argument;
	uint64_t in = 0;
	uint64_t out = 0;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		uint64_t own = rights_in_arrays(argument);

		if (own == 0 && type_in_descriptors(argument->type))
			own = argument->type->shape == SHAPE_OOL_ARRAY ? argument->type->count
			      : argument->type->shape == SHAPE_STRUCT  ? type_rights(argument->type)
								       : 1;
		in += argument->in ? own : 0;
		out += argument->out ? own : 0;
	}
	if ((in <= DESCRIPTORS_MAX && out <= DESCRIPTORS_MAX) || compiler->interface.kernel_server ||
		compiler->interface.kernel_user)
		return;
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		routine->rights_in_memory = routine->rights_in_memory || rights_in_arrays(argument) != 0;
		if (argument->out)
			routine->reply_room += (rights_in_arrays(argument) + 1) / 2 * 8;
	}
}

/* The most that a message can have, as far as the file says: natives count as UserTypeLimit, or as anything. */
static uint64_t size_for_stack(const struct routine *routine, const struct message *message)
{
	const struct item *item;
	uint64_t size = message->max_size;

	for (item = message->items; item != NULL; item = item->next) {
		if (!type_is_native(item->argument->type))
			continue;
		if (routine->user_type_limit == 0)
			return UINT64_MAX;
		size += routine->user_type_limit;
	}
	return size;
}

void lay_out_routine(struct compiler *compiler, struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->type->bad)
			return;
	}
	if (compiler->interface.foreign) {
		routine->registers = true;
		lay_out_words(routine);
		return;
	}
	routine->reason = why_buffered(compiler, routine);
	routine->registers = routine->reason == NULL;
	if (routine->registers) {
		lay_out_words(routine);
		return;
	}
	put_rights_in_memory(compiler, routine);
	make_room(compiler, routine);
	lay_out_message(compiler, routine, &routine->request, false);
	if (!routine->simple)
		lay_out_message(compiler, routine, &routine->reply, true);
	routine->allocated = routine->on_stack_limit != 0 &&
			     (size_for_stack(routine, &routine->request) > routine->on_stack_limit ||
				     size_for_stack(routine, &routine->reply) > routine->on_stack_limit);
}
