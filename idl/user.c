/* The client's stubs. */
#include "conventions.h"
#include "user.h"

#include <string.h>

/* One argument into or out of words, when it is more than one scalar. */
static bool is_scalar(const struct type *type)
{
	return type->shape == SHAPE_SCALAR;
}

static void put_string_limits(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->in && argument->type->shape == SHAPE_STRING)
			put(output, "\tif (memchr(%s, 0, %llu) == NULL)\n\t\treturn MIG_ARRAY_TOO_LARGE;\n",
				argument->name, (unsigned long long)argument->type->count);
	}
}

static void pack_words(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	put_string_limits(output, routine);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;
		const char *name = argument->name;

		if (!argument->in)
			continue;
		if (is_scalar(type))
			put(output, "\tmig_word[%u] = (uint64_t)%s%s;\n", argument->in_word, argument->out ? "*" : "",
				name);
		else if (type->shape == SHAPE_STRING)
			put(output, "\tmemcpy(&mig_word[%u], %s, strlen(%s));\n", argument->in_word, name, name);
		else
			put(output, "\tmemcpy(&mig_word[%u], %s%s, %llu);\n", argument->in_word,
				type->shape == SHAPE_ARRAY || argument->out ? "" : "&", name,
				(unsigned long long)type->bytes);
	}
}

static void unpack_words(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;

		if (!argument->out)
			continue;
		if (is_scalar(type))
			put(output, "\t*%s = (%s)mig_word[%u];\n", argument->name, c_type(output, type),
				argument->out_word);
		else
			put(output, "\tmemcpy(%s, &mig_word[%u], %llu);\n", argument->name, argument->out_word,
				(unsigned long long)type->bytes);
		if (type->shape == SHAPE_STRING)
			put(output, "\t%s[%llu] = '\\0';\n", argument->name, (unsigned long long)type->count - 1);
	}
}

/* C's sizes of what travels in words must be the declared ones. */
static void put_word_assertions(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;

		if ((!argument->in && !argument->out) || type->shape == SHAPE_STRING || type->shape == SHAPE_ARRAY)
			continue;
		put(output, "\t_Static_assert(sizeof(%s) == %llu, \"%s has %llu bytes\");\n", c_type(output, type),
			(unsigned long long)type->bytes, argument->name, (unsigned long long)type->bytes);
	}
}

/* A request by registers that has no reply. */
static void one_way_words(struct output *output, const struct routine *routine)
{
	const bool hooks = like_apple(output);

	put_hook(output, "Before", "Send", routine);
	put(output, "\t%s mach_send_words(%s, %lld, mig_word, %u);\n", hooks ? "mig_result =" : "return",
		routine->request_port->name, (long long)routine->id, routine->request_words);
	put_hook(output, "After", "Send", routine);
	put(output, "%s}\n\n", hooks ? "\treturn mig_result;\n" : "");
}

void put_client_head(struct output *output, const struct routine *routine)
{
	if (routine->kind == KIND_ROUTINE)
		put_prototype(output, external_linkage(output), routine->user_name, routine, PARAMETERS_CLIENT);
	else
		put_inner_prototype(output, stub_name(output, routine), NULL, routine, PARAMETERS_CLIENT);
}

static void register_stub(struct output *output, const struct routine *routine)
{
	const char *port = routine->request_port->name;

	put_client_head(output, routine);
	put(output, "\n{\n");
	put_word_assertions(output, routine);
	put(output, "\tuint64_t mig_word[8] = {0};\n");
	if (!routine->simple || (like_apple(output) && !output->kernel))
		put(output, "\tkern_return_t mig_result;\n");
	put_hook(output, "Declare", "Send", routine);
	put(output, "\n");
	pack_words(output, routine);
	if (routine->simple) {
		if (output->kernel)
			put(output, "\treturn ipc_send_words_from_kernel(%s, %s, %lld, mig_word, %u);\n}\n\n", port,
				send_disposition(output, routine->request_port), (long long)routine->id,
				routine->request_words);
		else
			one_way_words(output, routine);
		return;
	}
	put_hook(output, "Before", "Send", routine);
	put(output, "\tmig_result = mach_call_words(%s, %lld, mig_word, %u);\n", port, (long long)routine->id,
		routine->request_words);
	put_hook(output, "After", "Send", routine);
	put(output, "\tif (mig_result != KERN_SUCCESS)\n\t\treturn mig_result;\n");
	put(output, "\tmig_result = (kern_return_t)mig_word[0];\n");
	put(output, "\tif (mig_result != KERN_SUCCESS)\n\t\treturn mig_result;\n");
	unpack_words(output, routine);
	put(output, "\treturn KERN_SUCCESS;\n}\n\n");
}

void generate_user(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;
	const char *linkage;
	bool registers = false;
	bool messages = false;

	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		registers = registers || (!routine->skip && routine->registers);
		messages = messages || (!routine->skip && !routine->registers);
	}
	put(output, "/* Client stubs of subsystem %s; made by mig. */\n", interface->name);
	put_runtime_prefix(output);
	put_imports(output, true, false, false);
	put(output, "#include <mach/mig.h>\n");
	if (output->kernel)
		put(output, "#include <ipc/ipc.h>\n#include <ipc/ipc_kmsg.h>\n");
	else if (registers)
		put(output, "#include <mach/register.h>\n");
	if (!output->kernel)
		put(output, "#include <mach/mig_support.h>\n");
	put(output, "#include <stddef.h>\n#include <string.h>\n");
	put_convention_includes(output);
	put_hook_defaults(output, "Send");
	put(output, "\n");
	put_rcsid(output, "user");
	if (interface->foreign)
		return;
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip || (output->kernel && !routine->simple) ||
			(output->only != NULL && output->only != routine))
			continue;
		if (!routine->registers) {
			put_message_structs(output, routine, &routine->request, "request");
			if (!routine->simple)
				put_message_structs(output, routine, &routine->reply, "reply");
		}
		linkage = arena_printf(
			&output->compiler->arena, "%s%s", stub_attribute(output, routine), external_linkage(output));
		put_prototype(output, linkage, routine->user_name, routine, PARAMETERS_CLIENT);
		put(output, ";\n\n");
		put_declaration(output, routine);
		if (routine->registers)
			register_stub(output, routine);
		else if (output->kernel)
			put_kernel_client(output, routine);
		else
			put_message_client(output, routine);
		if (routine->kind != KIND_ROUTINE)
			put_procedure(output, routine);
	}
}
