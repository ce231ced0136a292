/* Diagnostics: file, line, column, the source line with a caret, and what to do. */
#include "compiler.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>

/*
 * The preprocessor squeezes blanks and drops comments, so a column of its output is not one of the file. Count the
 * characters that matter: both lines must have the same up to the token. Returns the column in `original`, 0 when
 * the lines differ (a macro was expanded).
 */
static unsigned original_column(const char *original, const struct loc *where)
{
	const char *read = where->text;
	const char *end = where->text + where->column - 1;
	const char *p = original;

	for (;;) {
		while (isspace((unsigned char)*p) || (p[0] == '/' && (p[1] == '*' || p[1] == '/'))) {
			const char *close;

			if (*p != '/') {
				p++;
				continue;
			}
			if (p[1] == '/')
				return 0;
			close = strstr(p + 2, "*/");
			if (close == NULL)
				return 0;
			p = close + 2;
		}
		while (read < end && isspace((unsigned char)*read))
			read++;
		if (read >= end)
			break;
		if (*p != *read)
			return 0;
		p++;
		read++;
	}
	return strncmp(p, end, where->length) == 0 ? (unsigned)(p - original) + 1 : 0;
}

void close_shown_file(struct compiler *compiler)
{
	if (compiler->shown.stream != NULL)
		fclose(compiler->shown.stream);
	compiler->shown.stream = NULL;
}

/* The file at the beginning of a line, or null. Goes on from the line shown last if it can. */
static FILE *open_at(struct compiler *compiler, const char *file, unsigned number)
{
	struct stat status;
	int c;

	if (compiler->shown.stream == NULL || number < compiler->shown.line ||
		strcmp(file, compiler->shown.file) != 0) {
		close_shown_file(compiler);
		if (stat(file, &status) != 0 || !S_ISREG(status.st_mode))
			return NULL;
		compiler->shown.stream = fopen(file, "r");
		compiler->shown.file = file;
		compiler->shown.line = 1;
		compiler->shown.start = 0;
	}
	if (compiler->shown.stream == NULL || fseek(compiler->shown.stream, compiler->shown.start, SEEK_SET) != 0)
		return NULL;
	if (compiler->shown.line == number)
		return compiler->shown.stream;
	while (compiler->shown.line < number && (c = getc(compiler->shown.stream)) != EOF)
		compiler->shown.line += c == '\n';
	compiler->shown.start = ftell(compiler->shown.stream);
	if (compiler->shown.line != number || compiler->shown.start < 0)
		close_shown_file(compiler);
	return compiler->shown.stream;
}

/* Reads line `number` of `file` without its newline; false when it cannot. */
static bool read_line(struct compiler *compiler, const char *file, unsigned number, char *line, size_t size)
{
	FILE *stream = open_at(compiler, file, number);
	size_t used = 0;
	int c;

	if (stream == NULL)
		return false;
	while ((c = getc(stream)) != EOF && c != '\n' && used + 1 < size)
		line[used++] = (char)c;
	line[used] = '\0';
	return used + 1 < size;
}

static void show_line(struct compiler *compiler, const char *text, unsigned column, unsigned length)
{
	enum { LONGEST = 300 };
	size_t size = 0;
	unsigned i;

	while (size <= LONGEST && text[size] != '\0' && text[size] != '\n')
		size++;
	if (size > LONGEST)
		return;
	if (size != 0 && text[size - 1] == '\r')
		size--;
	fputs("  ", compiler->diagnostics);
	for (i = 0; i < size; i++)
		putc(isprint((unsigned char)text[i]) || text[i] == '\t' ? text[i] : '?', compiler->diagnostics);
	fputs("\n  ", compiler->diagnostics);
	for (i = 0; i + 1 < column; i++)
		putc(i < size && text[i] == '\t' ? '\t' : ' ', compiler->diagnostics);
	putc('^', compiler->diagnostics);
	for (i = 1; i < length && column + i <= size; i++)
		putc('~', compiler->diagnostics);
	putc('\n', compiler->diagnostics);
}

static void report(struct compiler *compiler, const char *kind, const struct loc *where, const char *hint,
	const char *format, va_list args)
{
	char line[512];
	struct loc shown = *where;
	const char *text = where->text;

	if (where->text != NULL && !compiler->no_files &&
		read_line(compiler, where->file, where->line, line, sizeof line)) {
		unsigned column = original_column(line, where);

		if (column != 0) {
			shown.column = column;
			text = line;
		}
	}
	if (where->line != 0)
		fprintf(compiler->diagnostics, "%s:%u:%u: ", where->file, where->line, shown.column);
	else
		fputs("mig: ", compiler->diagnostics);
	fprintf(compiler->diagnostics, "%s: ", kind);
	vfprintf(compiler->diagnostics, format, args);
	putc('\n', compiler->diagnostics);
	if (text != NULL)
		show_line(compiler, text, shown.column, shown.length);
	if (hint != NULL)
		fprintf(compiler->diagnostics, "  hint: %s\n", hint);
}

/* Whether as many errors as are wanted were shown, and this would be one more. */
static bool enough(struct compiler *compiler)
{
	if (!compiler->stopped && compiler->max_errors != 0 && compiler->errors >= compiler->max_errors) {
		compiler->stopped = true;
		fprintf(compiler->diagnostics, "mig: %u error%s, no more are shown (-fmax-errors)\n", compiler->errors,
			compiler->errors == 1 ? "" : "s");
	}
	return compiler->stopped;
}

void error_at(struct compiler *compiler, const struct loc *where, const char *hint, const char *format, ...)
{
	va_list args;

	if (enough(compiler))
		return;
	compiler->errors++;
	va_start(args, format);
	report(compiler, "error", where, hint, format, args);
	va_end(args);
}

void warning_at(struct compiler *compiler, const struct loc *where, const char *hint, const char *format, ...)
{
	va_list args;

	if (compiler->stopped || (compiler->quiet && !compiler->warnings_are_errors))
		return;
	if (compiler->warnings_are_errors && enough(compiler))
		return;
	if (compiler->warnings_are_errors)
		compiler->errors++;
	else
		compiler->warnings++;
	va_start(args, format);
	report(compiler, compiler->warnings_are_errors ? "error" : "warning", where, hint, format, args);
	va_end(args);
}
