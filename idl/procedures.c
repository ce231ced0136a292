/*
 * CMU's procedures and functions. In C they have no result: a client's function calls the error procedure when the stub
 * has failed, and then returns nothing, or zero; a server's function cannot fail. Inside the generated code they are
 * routines, a function's value being the last out argument.
 */
#include "emit.h"

#include <string.h>

const char *stub_name(struct output *output, const struct routine *routine)
{
	return routine->kind == KIND_ROUTINE ? routine->user_name
					     : arena_printf(&output->compiler->arena, "mig_call_%s", routine->name);
}

/* An argument may be called like the work function, which it then hides in the stub. */
static bool is_hidden(const struct routine *routine)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (strcmp(argument->name, routine->server_name) == 0)
			return true;
	}
	return false;
}

const char *work_name(struct output *output, const struct routine *routine)
{
	return routine->kind == KIND_ROUTINE && !is_hidden(routine)
		       ? routine->server_name
		       : arena_printf(&output->compiler->arena, "mig_work_%s", routine->name);
}

void put_procedure(struct output *output, const struct routine *routine)
{
	const struct argument *value = routine->value;

	put(output, "void %s(kern_return_t mig_error);\n\n", routine->error_procedure);
	put_prototype(output, external_linkage(output), routine->user_name, routine, PARAMETERS_CLIENT);
	put(output, "\n{\n");
	if (value != NULL)
		put(output, "\t%s mig_value;\n", c_type(output, value->type));
	put(output, "\tkern_return_t mig_error;\n\n");
	if (value != NULL)
		put(output, "\tmemset(&mig_value, 0, sizeof mig_value);\n");
	put(output, "\tmig_error = %s(", stub_name(output, routine));
	put_argument_names(output, routine, PARAMETERS_CLIENT, false);
	put(output, "%s);\n\tif (mig_error != KERN_SUCCESS)\n\t\t%s(mig_error);\n", value != NULL ? ", &mig_value" : "",
		routine->error_procedure);
	put(output, "%s}\n\n", value != NULL ? "\treturn mig_value;\n" : "");
}

void put_work_adapter(struct output *output, const struct routine *routine)
{
	const char *name = routine->server_name;

	if (is_hidden(routine)) {
		name = routine->kind == KIND_ROUTINE
			       ? work_name(output, routine)
			       : arena_printf(&output->compiler->arena, "mig_hidden_%s", routine->name);
		put(output, "static __typeof__(%s) *const %s = %s;\n\n", routine->server_name, name,
			routine->server_name);
	}
	if (routine->kind == KIND_ROUTINE)
		return;
	put_inner_prototype(output, work_name(output, routine), NULL, routine, PARAMETERS_WORK);
	put(output, "\n{\n\t%s%s(", routine->value != NULL ? "*mig_value = " : "", name);
	put_argument_names(output, routine, PARAMETERS_WORK, false);
	put(output, ");\n\treturn KERN_SUCCESS;\n}\n\n");
}
