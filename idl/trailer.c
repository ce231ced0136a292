/*
 * Arguments that come with the trailer: sequence number, sender, payload, tokens. They are no part of the message: the
 * kernel writes them behind it. What a side needs must have been asked for when it received; if the trailer is
 * shorter, the answer is MIG_TRAILER_ERROR.
 */
#include "trailer.h"

static const char *const fields[] = {"", "msgh_seqno", "msgh_sender_id", "msgh_context", "msgh_sender", "msgh_audit"};

static bool wanted(const struct argument *argument, bool server)
{
	return argument->trailer != TRAILER_NONE && (server ? argument->server : argument->user);
}

/* The last field that this side wants: fields are in the order of the trailer. */
static enum trailer_field last_field(const struct routine *routine, bool server)
{
	const struct argument *argument;
	enum trailer_field last = TRAILER_NONE;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (wanted(argument, server) && argument->trailer > last)
			last = argument->trailer;
	}
	return last;
}

static bool wants(const struct routine *routine, bool server, enum trailer_field field)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (wanted(argument, server) && argument->trailer == field)
			return true;
	}
	return false;
}

const char *trailer_option(const struct routine *routine, bool server)
{
	if (last_field(routine, server) >= TRAILER_SECURITY)
		return wants(routine, server, TRAILER_SENDER_ID) ? "MACH_RCV_TRAILER_AUDIT" : "MACH_RCV_TRAILER_TOKENS";
	return wants(routine, server, TRAILER_SENDER_ID) ? "MACH_RCV_TRAILER_SENDER" : NULL;
}

const char *trailer_type(const struct routine *routine, bool server)
{
	return last_field(routine, server) >= TRAILER_SECURITY ? "mach_msg_audit_trailer_t" : "mach_msg_trailer_t";
}

/* Whether the argument is a number, which C converts, and not a struct, which is copied. */
static bool is_number(const struct argument *argument)
{
	return argument->type->shape == SHAPE_SCALAR && argument->trailer < TRAILER_SECURITY;
}

void put_trailer_variables(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	if (output->server && output->kernel)
		put(output, "\tmach_msg_audit_trailer_t mig_trailer_room = {.msgh_trailer_size = sizeof "
			    "mig_trailer_room};\n"
			    "\tconst mach_msg_audit_trailer_t *mig_trailer = &mig_trailer_room;\n");
	else
		put(output, "\tconst mach_msg_audit_trailer_t *mig_trailer;\n");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (wanted(argument, output->server) && output->server && !is_number(argument))
			put(output, "\t%s %s;\n", c_type(output, argument->type), argument->name);
	}
}

/* In the kernel nothing was written: the message itself knows. */
static void put_kernel_trailer(struct output *output)
{
	put(output, "\tmig_trailer_room.msgh_seqno = mig_in->seqno;\n"
		    "\tmig_trailer_room.msgh_sender_id = mig_in->sender_id;\n"
		    "\tmig_trailer_room.msgh_context = mig_in->payload;\n"
		    "\tif (mig_in->tokens != NULL) {\n"
		    "\t\tmig_trailer_room.msgh_sender = mig_in->tokens->security;\n"
		    "\t\tmig_trailer_room.msgh_audit = mig_in->tokens->audit;\n\t}\n");
}

void put_trailer_check(struct output *output, const struct routine *routine, const char *label)
{
	const enum trailer_field last = last_field(routine, output->server);
	const char *message = output->server ? "mig_in" : "(&mig_reply->Head)";

	if (output->server && output->kernel) {
		put_kernel_trailer(output);
		return;
	}
	put(output, "\tmig_trailer = (const void *)((const char *)%s + ((%s->msgh_size + 7) & ~7u));\n", message,
		message);
	put(output,
		"\tif (mig_trailer->msgh_trailer_size < offsetof(mach_msg_audit_trailer_t, %s) + sizeof "
		"mig_trailer->%s)",
		fields[last], fields[last]);
	/* The code of a trailer's error is also a work function's, so it is set here. */
	if (output->server && !routine->simple)
		put(output,
			" {\n\t\tmig_end_message(mig_in, mig_out, MIG_BAD_ARGUMENTS);\n"
			"\t\t((mig_reply_error_t *)(void *)mig_out)->RetCode = MIG_TRAILER_ERROR;\n\t\treturn;\n\t}\n");
	else
		put(output, "\n\t\tgoto %s;\n", label);
}

void put_trailer_values(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const char *field = fields[argument->trailer];
		const char *name = argument->name;

		if (!wanted(argument, output->server))
			continue;
		if (is_number(argument)) {
			if (!output->server)
				put(output, "\t*%s = (%s)mig_trailer->%s;\n", name, c_type(output, argument->type),
					field);
			continue;
		}
		put(output, "\t_Static_assert(sizeof(%s) == sizeof mig_trailer->%s, \"%s has its size\");\n",
			c_type(output, argument->type), field, name);
		put(output, "\tmemcpy(%s%s, &mig_trailer->%s, sizeof mig_trailer->%s);\n", output->server ? "&" : "",
			name, field, field);
	}
}

const char *trailer_value(struct output *output, const struct argument *argument)
{
	if (!is_number(argument))
		return argument->name;
	return arena_printf(&output->compiler->arena, "(%s)mig_trailer->%s", c_type(output, argument->type),
		fields[argument->trailer]);
}
