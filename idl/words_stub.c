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
	const char *port = words            ? "mig_call->port"
			   : output->kernel ? "mig_in->remote_port"
					    : "mig_in->msgh_local_port";
	const char *payload =
		words ? "mig_call->payload"
		      : "((mach_msg_trailer_t *)((char *)mig_in + ((mig_in->msgh_size + 7) & ~7u)))->msgh_payload";
	struct arena *arena = &output->compiler->arena;

	if (type->intran_payload != NULL && !output->kernel) {
		if (type->intran == NULL)
			return arena_printf(arena, "%s(%s)", type->intran_payload, payload);
		return arena_printf(arena,
			words ? "%s != %s ? %s(%s) : %s(%s)" : "%s != 0 && %s != 0 ? %s(%s) : %s(%s)", payload,
			words ? port : payload, type->intran_payload, payload, type->intran, port);
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
			put(output, "\t%s = %s((%s)mig_call->word[%u]);\n", name, type->intran, c, word);
		else
			put(output, "\t%s = (%s)mig_call->word[%u];\n", name, c, word);
		break;
	case SHAPE_STRING:
		put(output, "\tmemcpy(%s, &mig_call->word[%u], %llu);\n", name, word, (unsigned long long)type->count);
		put(output,
			"\tif (memchr(%s, 0, %llu) == NULL) {\n\t\tmig_end_call(mig_call, "
			"MIG_BAD_ARGUMENTS);\n\t\treturn;\n\t}\n",
			name, (unsigned long long)type->count);
		break;
	case SHAPE_ARRAY:
		put(output, "\tmemcpy(%s, &mig_call->word[%u], sizeof %s);\n", name, word, name);
		break;
	default:
		put(output, "\tmemcpy(&%s, &mig_call->word[%u], sizeof %s);\n", name, word, name);
		break;
	}
}

static void put_output(struct output *output, const struct argument *argument)
{
	const struct type *type = argument->type;
	const char *name = argument->name;
	unsigned word = argument->out_word;

	if (type->outtran != NULL)
		name = arena_printf(&output->compiler->arena, "%s(%s)", type->outtran, name);
	switch (type->shape) {
	case SHAPE_SCALAR:
		put(output, "\tmig_call->word[%u] = (uint64_t)%s;\n", word, name);
		break;
	case SHAPE_STRING:
		put(output, "\t%s[%llu] = '\\0';\n", name, (unsigned long long)type->count - 1);
		put(output, "\tmemcpy(&mig_call->word[%u], %s, %llu);\n", word, name, (unsigned long long)type->count);
		break;
	default:
		put(output, "\tmemcpy(&mig_call->word[%u], %s%s, %llu);\n", word, type->shape == SHAPE_ARRAY ? "" : "&",
			name, (unsigned long long)type->bytes);
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

static void put_work_call(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const char *separator = "";

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

static bool zeroed_outs(const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->out && !argument->in)
			return true;
	}
	return false;
}

/* Word 0 and those beyond what the routine answers are zero; the outs overwrite theirs. */
static void put_answer(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	put(output, "\tmemset(mig_call->word, 0, sizeof mig_call->word);\n");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->out)
			put_output(output, argument);
	}
	put(output, "\tmig_call->count = %u;\n\tmig_call->disposition = KERN_SUCCESS;\n", routine->reply_words);
}

void put_words_stub(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	const char *port = routine->request_port->name;

	put(output, "static void mig_words_%s(struct mig_call *mig_call)\n{\n", routine->name);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server)
			put_local(output, argument);
	}
	put(output, "\tkern_return_t mig_result;\n\n");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->server)
			put_size_assertion(output, argument);
	}
	put(output, "\tif (mig_call->count != %u) {\n\t\tmig_end_call(mig_call, %s);\n\t\treturn;\n\t}\n",
		routine->request_words, routine->simple ? "MIG_NO_REPLY" : "MIG_BAD_ARGUMENTS");
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->in)
			put_input(output, argument);
	}
	if (zeroed_outs(routine)) {
		for (argument = routine->arguments; argument != NULL; argument = argument->next) {
			if (argument->out && !argument->in && argument->type->shape != SHAPE_ARRAY &&
				argument->type->shape != SHAPE_STRING)
				put(output, "\tmemset(&%s, 0, sizeof %s);\n", argument->name, argument->name);
		}
	}
	put(output, "\t%s = %s;\n", port, request_port_value(output, routine, true));
	if (routine->request_port->type->recv_name == IPC_POLYMORPHIC)
		put(output, "\tconst mach_msg_type_name_t %sPoly = MACH_MSG_TYPE_PORT_SEND;\n", port);
	put(output, "\tmig_result = ");
	put_work_call(output, routine);
	put_destructors(output, routine);
	if (routine->simple) {
		put(output,
			"\tmig_end_call(mig_call, mig_result == KERN_RESTART ? KERN_RESTART : MIG_NO_REPLY);\n}\n\n");
		return;
	}
	put(output, "\tif (mig_result != KERN_SUCCESS) {\n\t\tmig_end_call(mig_call, mig_result);\n\t\treturn;\n\t}\n");
	put_answer(output, routine);
	put(output, "}\n\n");
}

void put_foreign_stub(struct output *output, const struct routine *routine)
{
	const struct argument *argument;
	unsigned word = 0;

	put(output, "static void mig_words_%s(struct mig_call *mig_call)\n{\n", routine->name);
	put(output, "\tint64_t mig_result = %s(mig_call->word[6]", routine->server_name);
	for (argument = routine->arguments; argument != NULL; argument = argument->next)
		put(output, ", (%s)mig_call->word[%u]", c_type(output, argument->type), word++);
	put(output, ");\n\n");
	put(output, "\tmig_call->word[0] = (uint64_t)mig_result;\n\tmig_call->count = 1;\n"
		    "\tmig_call->disposition = mig_result == MIG_FOREIGN_NO_REPLY ? MIG_NO_REPLY :\n"
		    "\t\tmig_result == MIG_FOREIGN_KEEP ? MIG_REPLY_KEEP : KERN_SUCCESS;\n}\n\n");
}
