/* mig: compiles Mach interfaces. */
#include "dependencies.h"
#include "emit.h"
#include "listings.h"
#include "options.h"
#include "outputs.h"
#include "preprocess.h"

#include <stdlib.h>
#include <string.h>

static bool wanted(const char *file)
{
	return file != NULL && strcmp(file, "/dev/null") != 0;
}

static bool generate_one(struct outputs *outputs, struct compiler *compiler, const char *file, bool server,
	void (*generator)(struct output *), const struct routine *only)
{
	struct output output = {.compiler = compiler,
		.server = server,
		.only = only,
		.kernel = server ? compiler->interface.kernel_server : compiler->interface.kernel_user};

	if (!wanted(file))
		return true;
	output.file = begin_output(outputs, file, false);
	if (output.file == NULL)
		return false;
	generator(&output);
	return end_output(outputs);
}

static bool generate(struct outputs *outputs, struct compiler *compiler, const char *file, bool server,
	void (*generator)(struct output *))
{
	return generate_one(outputs, compiler, file, server, generator, NULL);
}

static const char *individual_name(
	struct compiler *compiler, const struct options *options, const struct routine *routine)
{
	return arena_printf(&compiler->arena, "%s%s.c", options->individual, routine->name);
}

/* -i: one client file per routine, instead of one for all. */
static bool generate_users(struct outputs *outputs, struct compiler *compiler, const struct options *options)
{
	const struct routine *routine;

	if (options->individual == NULL || !wanted(options->user))
		return generate(outputs, compiler, options->user, false, generate_user);
	for (routine = compiler->interface.routines; routine != NULL; routine = routine->next) {
		const char *file;

		if (routine->skip)
			continue;
		file = individual_name(compiler, options, routine);
		if (!generate_one(outputs, compiler, file, false, generate_user, routine))
			return false;
	}
	return true;
}

/* -n is GNU's; in Apple's family, if it was said that the file is theirs, it asks for something else. */
static bool only_named(const struct options *options)
{
	return options->only_named && options->dialect != DIALECT_APPLE && options->dialect != DIALECT_OSF;
}

/* Names that were not given follow from the subsystem's. */
static void default_names(struct options *options, struct compiler *compiler)
{
	const char *name = compiler->interface.name;
	struct arena *arena = &compiler->arena;

	if (only_named(options) || options->explain || options->dump_json)
		return;
	if (options->user == NULL)
		options->user = arena_printf(arena, "%sUser.c", name);
	if (options->server == NULL)
		options->server = arena_printf(arena, "%sServer.c", name);
	if (options->header == NULL)
		options->header = arena_printf(arena, "%s.h", name);
}

/* The outputs that a dependency file is for. */
static const char *const *find_targets(const struct options *options, struct compiler *compiler)
{
	const bool each = options->individual != NULL && wanted(options->user);
	const char *const outputs[] = {each ? NULL : options->user, options->server, options->header,
		options->server_header, options->internal_header, options->defines_header, options->list};
	const size_t room = sizeof outputs / sizeof outputs[0] + (each ? (size_t)compiler->interface.slots : 0) + 1;
	const char **targets = arena_alloc(&compiler->arena, room * sizeof *targets);
	const struct routine *routine;
	size_t count = 0;
	size_t i;

	for (routine = compiler->interface.routines; each && routine != NULL; routine = routine->next) {
		if (!routine->skip)
			targets[count++] = individual_name(compiler, options, routine);
	}
	for (i = 0; i < sizeof outputs / sizeof outputs[0]; i++) {
		if (wanted(outputs[i]) && strcmp(outputs[i], "-") != 0)
			targets[count++] = outputs[i];
	}
	return targets;
}

/* The input's name without folders and ending. */
static const char *base_name(struct compiler *compiler, const char *input)
{
	const char *name = strrchr(input, '/') != NULL ? strrchr(input, '/') + 1 : input;
	const char *dot = strrchr(name, '.');

	if (strcmp(input, "-") == 0)
		return "stdin";
	return arena_string(&compiler->arena, name, dot != NULL ? (size_t)(dot - name) : strlen(name));
}

/* A listing goes to standard output. */
static bool list(
	struct outputs *outputs, struct compiler *compiler, void (*listing)(struct compiler *compiler, FILE *file))
{
	FILE *file = begin_output(outputs, "-", false);

	if (file == NULL)
		return false;
	listing(compiler, file);
	return end_output(outputs);
}

static bool compile(struct outputs *outputs, struct options *options, struct compiler *compiler)
{
	if (!compiler_parse(compiler))
		return false;
	default_names(options, compiler);
	if (options->verbose)
		print_explanation(compiler, stderr);
	return (!options->explain || list(outputs, compiler, print_explanation)) &&
	       (!options->dump_json || list(outputs, compiler, print_json)) &&
	       generate_users(outputs, compiler, options) &&
	       generate(outputs, compiler, options->server, true, generate_server) &&
	       generate(outputs, compiler, options->header, false, generate_header) &&
	       generate(outputs, compiler, options->server_header, true, generate_header) &&
	       generate(outputs, compiler, options->internal_header, true, generate_internal_header) &&
	       generate(outputs, compiler, options->defines_header, false, generate_defines_header) &&
	       generate(outputs, compiler, options->list, false, generate_list);
}

static void set_up(struct compiler *compiler, const struct options *options)
{
	compiler->dialect = options->dialect;
	compiler->prefix = options->prefix;
	compiler->subr_prefix = options->subr_prefix;
	compiler->symbol_table = options->symbol_table;
	compiler->send_receive = options->send_receive;
	compiler->annotate_counts = options->annotate_counts;
	compiler->max_on_stack = options->max_on_stack; /* the statement OnStackLimit changes it */
	compiler->max_descriptors = options->max_descriptors;
	compiler->max_reply_descriptors = options->max_reply_descriptors;
	compiler->max_errors = options->max_errors;
	compiler->warnings_are_errors = options->warnings_are_errors;
	compiler->quiet = options->quiet;
}

/* Where the dependencies go: --depfile, -MF, or called after the input, as in the scripts of both; null: nowhere. */
static const char *depfile_name(const struct options *options, struct compiler *compiler, const char *base)
{
	const char *file = options->depfile;

	if (file == NULL && options->dependencies)
		file = arena_printf(&compiler->arena, options->dialect == DIALECT_GNU ? "%s-mig.d" : "%s.d", base);
	return wanted(file) ? file : NULL;
}

static bool save_dependencies(struct outputs *outputs, const struct options *options, struct compiler *compiler,
	const char *temporary, const char *const *inputs, size_t count)
{
	const char *base = base_name(compiler, inputs[count - 1]);
	const char *file = depfile_name(options, compiler, base);
	const struct dependencies dependencies = {.targets = find_targets(options, compiler),
		.nothing = arena_printf(&compiler->arena, "%s.o", base),
		.inputs = inputs,
		.input_count = count};

	FILE *stream;

	if (temporary == NULL)
		return true;
	stream = begin_output(outputs, file, true);
	return stream != NULL && put_dependencies(temporary, stream, &dependencies) && end_output(outputs);
}

/* One interface, from `count` inputs. */
static bool compile_inputs(
	struct outputs *outputs, const struct options *options, const char *const *inputs, size_t count)
{
	const bool depends = wanted(options->depfile) || (options->depfile == NULL && options->dependencies);
	struct options own = *options;
	struct compiler compiler;
	char *temporary = NULL;
	size_t length = 0;
	char *text = NULL;
	bool ok = false;

	if (depends)
		temporary = begin_dependencies();
	if (!depends || temporary != NULL)
		text = preprocess(options, inputs, count, temporary, &length);
	if (text != NULL) {
		compiler_init(&compiler, text, length, strcmp(inputs[0], "-") != 0 ? inputs[0] : "<stdin>");
		set_up(&compiler, options);
		ok = compile(outputs, &own, &compiler) &&
		     save_dependencies(outputs, &own, &compiler, temporary, inputs, count);
		compiler_free(&compiler);
	}
	end_dependencies(temporary);
	free(text);
	return ok;
}

static bool put_text(struct outputs *outputs, const char *text)
{
	FILE *file = begin_output(outputs, "-", false);

	return file != NULL && fputs(text, file) >= 0 && end_output(outputs);
}

/* The inputs one after the other; what is said of them in JSON is one document, an array if they are several. */
static bool compile_each(struct outputs *outputs, const struct options *options)
{
	const bool array = options->dump_json && options->input_count > 1;
	bool ok = true;
	size_t i;

	for (i = 0; ok && i < options->input_count; i++)
		ok = (!array || put_text(outputs, i == 0 ? "[\n" : ",\n")) &&
		     compile_inputs(outputs, options, &options->inputs[i], 1);
	return ok && (!array || put_text(outputs, "]\n"));
}

int main(int argc, char **argv)
{
	struct outputs outputs = {NULL, NULL};
	struct options options;
	bool together = false;
	bool ok;
	size_t i;

	ok = options_parse(&options, argc, argv);
	if (ok && !options.done) {
		/* Standard input is read together with what is named beside it: `mig -cc cat - /dev/null`. */
		for (i = 0; i < options.input_count; i++)
			together = together || strcmp(options.inputs[i], "-") == 0;
		if (together)
			ok = compile_inputs(&outputs, &options, options.inputs, options.input_count);
		else
			ok = compile_each(&outputs, &options);
		ok = ok && write_outputs(&outputs);
		free_outputs(&outputs);
	}
	options_free(&options);
	return ok ? 0 : 1;
}
