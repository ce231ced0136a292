/* One compilation from text to a checked interface. */
#include "compiler.h"
#include "parser-glue.h"
#include "recognise.h"
#include "routines.h"

#include <string.h>

int yylex_init_extra(struct compiler *compiler, void **scanner);
int yylex_destroy(void *scanner);
void *yy_scan_bytes(const char *bytes, int length, void *scanner);

void compiler_init(struct compiler *compiler, const char *source, size_t length, const char *file)
{
	memset(compiler, 0, sizeof *compiler);
	compiler->source = source;
	compiler->source_length = length;
	compiler->line_start = source;
	compiler->file = file;
	compiler->line = 1;
	compiler->diagnostics = stderr;
	compiler->max_errors = 20;
	compiler->error_procedure = "MsgError";
	compiler->interface.types_end = &compiler->interface.types;
	compiler->interface.routines_end = &compiler->interface.routines;
	compiler->interface.imports_end = &compiler->interface.imports;
	compiler->last = (struct loc){.file = file, .text = source, .line = 1, .column = 1};
}

void compiler_free(struct compiler *compiler)
{
	close_shown_file(compiler);
	arena_free(&compiler->arena);
}

/* -max_descrs and -max_reply_descrs. */
static void check_descriptors(struct compiler *compiler)
{
	const struct routine *routine;

	for (routine = compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (compiler->max_descriptors != 0 && routine->request.descriptors > compiler->max_descriptors)
			error_at(compiler, &routine->loc, NULL,
				"the request of '%s' has %llu descriptors, more than %u", routine->name,
				(unsigned long long)routine->request.descriptors, compiler->max_descriptors);
		if (compiler->max_reply_descriptors != 0 &&
			routine->reply.descriptors > compiler->max_reply_descriptors)
			error_at(compiler, &routine->loc, NULL, "the reply of '%s' has %llu descriptors, more than %u",
				routine->name, (unsigned long long)routine->reply.descriptors,
				compiler->max_reply_descriptors);
	}
}

bool compiler_parse(struct compiler *compiler)
{
	void *scanner = NULL;
	const struct loc start = {.file = compiler->file, .line = 1, .column = 1};

	if (compiler->source_length > INT32_MAX / 2 || yylex_init_extra(compiler, &scanner) != 0) {
		error_at(compiler, &compiler->last, NULL, "the input is too large");
		return false;
	}
	if (compiler->dialect == DIALECT_AUTO) {
		compiler->recognised = true;
		compiler->dialect = recognise(compiler);
	}
	types_init(compiler);
	yy_scan_bytes(compiler->source, (int)compiler->source_length, scanner);
	yyparse(scanner, compiler);
	yylex_destroy(scanner);
	if (!compiler->interface.declared && compiler->errors == 0)
		error_at(compiler, &start, "begin the file with `subsystem NAME BASE;`", "no subsystem is declared");
	if (compiler->errors == 0)
		finish_routines(compiler);
	check_descriptors(compiler);
	return compiler->errors == 0;
}
