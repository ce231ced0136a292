/* mig: compiles Mach interfaces. */
#include "emit.h"
#include "listings.h"
#include "options.h"
#include "preprocess.h"

#include <stdlib.h>
#include <string.h>

static bool wanted(const char *file)
{
	return file != NULL && strcmp(file, "/dev/null") != 0;
}

/* Writes one output in full or complains. */
static bool write_file(const char *file, const char *text, size_t size)
{
	FILE *stream = strcmp(file, "-") == 0 ? stdout : fopen(file, "w");
	bool ok;

	if (stream == NULL) {
		perror(file);
		return false;
	}
	ok = fwrite(text, 1, size, stream) == size;
	if (stream == stdout ? fflush(stream) != 0 : fclose(stream) != 0)
		ok = false;
	if (!ok)
		perror(file);
	return ok;
}

static bool generate_one(struct compiler *compiler, const char *file, bool server, void (*generator)(struct output *),
	const struct routine *only)
{
	struct output output = {.compiler = compiler,
		.server = server,
		.only = only,
		.kernel = server ? compiler->interface.kernel_server : compiler->interface.kernel_user};
	char *text = NULL;
	size_t size = 0;
	bool ok;

	if (!wanted(file))
		return true;
	output.file = open_memstream(&text, &size);
	if (output.file == NULL) {
		perror("mig");
		return false;
	}
	generator(&output);
	ok = fclose(output.file) == 0 && write_file(file, text, size);
	free(text);
	return ok;
}

static bool generate(struct compiler *compiler, const char *file, bool server, void (*generator)(struct output *))
{
	return generate_one(compiler, file, server, generator, NULL);
}

/* -i: one client file per routine, instead of one for all. */
static bool generate_users(struct compiler *compiler, const struct options *options)
{
	const struct routine *routine;

	if (options->individual == NULL || !wanted(options->user))
		return generate(compiler, options->user, false, generate_user);
	for (routine = compiler->interface.routines; routine != NULL; routine = routine->next) {
		const char *file;

		if (routine->skip)
			continue;
		file = arena_printf(&compiler->arena, "%s%s.c", options->individual, routine->name);
		if (!generate_one(compiler, file, false, generate_user, routine))
			return false;
	}
	return true;
}

/* Names that were not given follow from the subsystem's. */
static void default_names(struct options *options, struct compiler *compiler)
{
	const char *name = compiler->interface.name;
	struct arena *arena = &compiler->arena;

	if ((options->only_named && options->dialect != DIALECT_APPLE) || options->explain || options->dump_json)
		return;
	if (options->user == NULL)
		options->user = arena_printf(arena, "%sUser.c", name);
	if (options->server == NULL)
		options->server = arena_printf(arena, "%sServer.c", name);
	if (options->header == NULL)
		options->header = arena_printf(arena, "%s.h", name);
}

static bool compile(struct options *options, struct compiler *compiler)
{
	if (!compiler_parse(compiler))
		return false;
	default_names(options, compiler);
	if (options->explain)
		print_explanation(compiler, stdout);
	if (options->dump_json)
		print_json(compiler, stdout);
	return generate_users(compiler, options) && generate(compiler, options->server, true, generate_server) &&
	       generate(compiler, options->header, false, generate_header) &&
	       generate(compiler, options->server_header, true, generate_header) &&
	       generate(compiler, options->internal_header, true, generate_internal_header) &&
	       generate(compiler, options->defines_header, false, generate_defines_header) &&
	       generate(compiler, options->list, false, generate_list);
}

int main(int argc, char **argv)
{
	struct options options;
	struct compiler compiler;
	const char *targets[5] = {0};
	size_t count = 0;
	size_t length = 0;
	char *text;
	bool ok;

	if (!options_parse(&options, argc, argv) || options.done) {
		ok = options.done;
		free(options.cpp);
		return ok ? 0 : 1;
	}
	if (wanted(options.user))
		targets[count++] = options.user;
	if (wanted(options.server))
		targets[count++] = options.server;
	if (wanted(options.header))
		targets[count++] = options.header;
	if (wanted(options.server_header))
		targets[count++] = options.server_header;
	text = preprocess(&options, targets, &length);
	if (text == NULL) {
		free(options.cpp);
		return 1;
	}
	compiler_init(&compiler, text, length, options.input != NULL ? options.input : "<stdin>");
	compiler.dialect = options.dialect;
	compiler.prefix = options.prefix;
	compiler.subr_prefix = options.subr_prefix;
	compiler.max_errors = options.max_errors;
	compiler.warnings_are_errors = options.warnings_are_errors;
	compiler.quiet = options.quiet;
	ok = compile(&options, &compiler);
	compiler_free(&compiler);
	free(text);
	free(options.cpp);
	return ok ? 0 : 1;
}
