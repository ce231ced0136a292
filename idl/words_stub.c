/* Server stubs of register routines and of system calls. */
#include "server.h"

void put_destructors(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		bool port = argument == routine->request_port;

		if (argument->type->destructor != NULL && argument->server &&
			((argument->in && !argument->out) || port))
			put(output, "\t%s(%s);\n", argument->type->destructor, argument->name);
	}
}

const char *request_port_value(struct output *output, const struct routine *routine, bool words)
{
	const struct type *type = routine->request_port->type;
	const char *port = words            ? "(mig_port_t)mig_label"
			   : output->kernel ? "mig_in->remote_port"
					    : "mig_in->msgh_local_port";
	const char *payload =
		words ? "mig_label"
		      : "((mach_msg_trailer_t *)((char *)mig_in + ((mig_in->msgh_size + 7) & ~7u)))->msgh_payload";
	struct arena *arena = &output->compiler->arena;

	if (type->intran_payload != NULL && !output->kernel) {
		if (type->intran == NULL)
			return arena_printf(arena, "%s(%s)", type->intran_payload, payload);
		/*
		 * A label is a payload if it cannot be a name, which has 32 bits. So in a trailer, too: that of a
		 * short message which the server's loop got in registers has the label.
		 */
		return arena_printf(arena, "%s > UINT32_MAX ? %s(%s) : %s(%s)", payload, type->intran_payload, payload,
			type->intran, port);
	}
	return type->intran != NULL ? arena_printf(arena, "%s(%s)", type->intran, port) : port;
}

static void put_input(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *name = argument->name;
	const char *c = c_type(output, type);
	unsigned word = argument->in_word;

	switch (type->shape) {
	case SHAPE_SCALAR:
		if (type->intran != NULL)
			put(output, "\t%s = %s((%s)mig_word[%u]);\n", name, type->intran, c, word);
		else
			put(output, "\t%s = (%s)mig_word[%u];\n", name, c, word);
		break;
	case SHAPE_ARRAY:
		put(output, "\tmemcpy(%s, &mig_word[%u], sizeof %s);\n", name, word, name);
		break;
	default:
		if (type->intran != NULL)
			put(output,
				"\t%s mig_%sIn;\n\tmemcpy(&mig_%sIn, &mig_word[%u], sizeof mig_%sIn);\n"
				"\t%s = %s(mig_%sIn);\n",
				c, name, name, word, name, name, type->intran, name);
		else
			put(output, "\tmemcpy(&%s, &mig_word[%u], sizeof %s);\n", name, word, name);
		break;
	}
}

static void put_output(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *name = argument->name;
	unsigned word = argument->out_word;

	if (type->outtran != NULL && type->shape == SHAPE_SCALAR) {
		name = arena_printf(&output->compiler->arena, "%s(%s)", type->outtran, name);
	} else if (type->outtran != NULL) {
		put(output, "\tconst %s mig_%sOut = %s(%s);\n", c_type(output, type), name, type->outtran, name);
		name = arena_printf(&output->compiler->arena, "mig_%sOut", name);
	}
	switch (type->shape) {
	case SHAPE_SCALAR:
		put(output, "\tmig_word[%u] = (uint64_t)%s;\n", word, name);
		break;
	case SHAPE_STRING:
		put(output, "\t%s[%llu] = '\\0';\n", name, (unsigned long long)type->count - 1);
		put(output, "\tmemcpy(&mig_word[%u], %s, %llu);\n", word, name, (unsigned long long)type->count);
		break;
	default:
		put(output, "\tmemcpy(&mig_word[%u], %s%s, %llu);\n", word, type->shape == SHAPE_ARRAY ? "" : "&", name,
			(unsigned long long)type->bytes);
		break;
	}
}

static void put_local(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *element;

	if (type->shape == SHAPE_STRING) {
		put(output, "\tchar %s[%llu]%s;\n", argument->name, (unsigned long long)type->count,
			argument->in ? "" : " = {0}");
	} else if (type->shape == SHAPE_ARRAY && (element = c_element(output, type)) != NULL) {
		put(output, "\t%s %s[%llu]", element, argument->name, (unsigned long long)type->count);
		put(output, argument->in ? ";\n" : " = {0};\n");
	} else {
		put(output, "\t%s %s;\n", c_seen_type(output, argument), argument->name);
	}
}

static void put_size_assertion(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;

	if (type->shape == SHAPE_SCALAR || type->shape == SHAPE_REAL || type->shape == SHAPE_STRUCT)
		put(output, "\t_Static_assert(sizeof(%s) == %llu, \"%s has %llu bytes\");\n", c_type(output, type),
			(unsigned long long)type->bytes, argument->name, (unsigned long long)type->bytes);
	else if (type->shape == SHAPE_ARRAY)
		put(output, "\t_Static_assert(sizeof %s == %llu, \"%s has %llu bytes\");\n", argument->name,
			(unsigned long long)type->bytes, argument->name, (unsigned long long)type->bytes);
}

void put_refusals(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server && argument->type->intran_error != NULL &&
			(argument->in || argument == routine->request_port))
			put(output, "!%s ? %s : ", argument->name, argument->type->intran_error);
	}
}

static void put_work_call(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const char *separator = "";

	put_refusals(output, routine);
	put(output, "%s(", work_name(output, routine));
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		bool pointer =
			argument->out && argument->type->shape != SHAPE_ARRAY && argument->type->shape != SHAPE_STRING;

		if (!argument->server)
			continue;
		put(output, "%s%s%s", separator, pointer ? "&" : "", argument->name);
		separator = ", ";
	}
	put(output, ");\n");
}

/* The answer's words but the first, which is the caller's. */
static void put_answer(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->out)
			put_output(output, argument);
	}
}

static void put_string_check(struct output *output, const struct argument *argument)
{
	unsigned long long count = (unsigned long long)argument->type->count;

	put(output, "\tmemcpy(%s, &mig_word[%u], %llu);\n", argument->name, argument->in_word, count);
	put(output, "\tif (memchr(%s, 0, %llu) == NULL)\n\t\treturn MIG_BAD_ARGUMENTS;\n", argument->name, count);
}

/* Strings are looked at before anything is translated: a translation may make references. */
void put_words_stub(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const char *port = routine->request_port->name;

	put(output, "static kern_return_t mig_words_%s(uint64_t mig_word[8], uint64_t mig_label)\n{\n", routine->name);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server)
			put_local(output, argument);
	}
	put(output, "\tkern_return_t mig_result;\n\n");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server)
			put_size_assertion(output, argument);
	}
	if (routine->request_words == 0 && routine->reply_words <= 1)
		put(output, "\t(void)mig_word;\n");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->in && argument->type->shape == SHAPE_STRING)
			put_string_check(output, argument);
	}
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->in && argument->type->shape != SHAPE_STRING)
			put_input(output, argument);
	}
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->out && !argument->in && argument->type->shape != SHAPE_ARRAY &&
			argument->type->shape != SHAPE_STRING)
			put(output, "\tmemset(&%s, 0, sizeof %s);\n", argument->name, argument->name);
	}
	put(output, "\t%s = %s;\n", port, request_port_value(output, routine, true));
	if (routine->request_port->type->recv_name == IPC_POLYMORPHIC)
		put(output, "\tconst mach_msg_type_name_t %sPoly = MACH_MSG_TYPE_PORT_SEND;\n", port);
	put(output, "\tmig_result = ");
	put_work_call(output, routine);
	put_destructors(output, routine);
	if (routine->simple) {
		put(output, "\treturn mig_result == KERN_RESTART ? KERN_RESTART : MIG_NO_REPLY;\n}\n\n");
		return;
	}
	if (routine->reply_words > 1) {
		put(output, "\tif (mig_result != KERN_SUCCESS)\n\t\treturn mig_result;\n");
		put_answer(output, routine);
	}
	put(output, "\treturn mig_result;\n}\n\n");
}

void put_foreign_stub(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	unsigned word = 0;

	put(output, "static int64_t mig_call_%s(const uint64_t mig_word[7])\n{\n", routine->name);
	put(output, "\treturn %s(mig_word[6]", routine->server_name);
	for (argument = routine->arguments; argument != NULL; argument = argument->next)
		put(output, ", (%s)mig_word[%u]", c_type(output, argument->type), word++);
	put(output, ");\n}\n\n");
}
