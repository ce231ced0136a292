/* A piece of the input as it was written, on one line and with blanks where one puts them. */
#include "parser-glue.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool is_word(int c)
{
	return isalnum(c) || c == '_';
}

/* Goes past blanks, comments, and the preprocessor's lines; `begun` is the beginning of the input. */
static const char *skip_blanks(const char *p, const char *end, const char *begun)
{
	while (p < end) {
		const char *close = NULL;

		if (isspace((unsigned char)*p)) {
			p++;
			continue;
		}
		if (p[0] == '/' && p[1] == '*') {
			close = strstr(p + 2, "*/");
			p = close != NULL ? close + 2 : end;
		} else if ((p[0] == '/' && p[1] == '/') || (p[0] == '#' && (p == begun || p[-1] == '\n'))) {
			close = memchr(p, '\n', (size_t)(end - p));
			p = close != NULL ? close : end;
		} else {
			break;
		}
	}
	return p < end ? p : end;
}

/* Whether a blank goes between two characters that end and begin a token. */
static bool parts(int before, int after, bool in_brackets)
{
	if (before == 0 || strchr(",;:)]", after) != NULL)
		return false;
	if (strchr(",;=|{", before) != NULL || strchr("=|{}", after) != NULL)
		return true;
	if (before == ':')
		return !in_brackets;
	return (is_word(before) || strchr(")]}", before) != NULL) && (is_word(after) || after == '^');
}

/* `of (NAME, bits)`, but PointerTo(T). */
static bool ends_in_of(const char *text, size_t used)
{
	return used >= 3 && text[used - 3] == ' ' && strncasecmp(text + used - 2, "of", 2) == 0;
}

const char *source_text(struct compiler *compiler, const struct loc *first, const struct loc *after)
{
	const char *p = first->text + first->column - 1;
	const char *end = after->text + after->column - 1;
	const size_t room = end > p ? 2 * (size_t)(end - p) + 1 : 1;
	char *text = arena_alloc(&compiler->arena, room);
	unsigned brackets = 0;
	size_t used = 0;
	int before = 0;

	while (end > p && (p = skip_blanks(p, end, compiler->source)) < end) {
		if (parts(before, (unsigned char)*p, brackets != 0) || (*p == '(' && ends_in_of(text, used)))
			text[used++] = ' ';
		if (*p == '[')
			brackets++;
		else if (*p == ']' && brackets != 0)
			brackets--;
		do {
			before = (unsigned char)*p;
			text[used++] = *p++;
		} while (p < end && is_word(before) && is_word((unsigned char)*p));
	}
	text[used] = '\0';
	return text;
}
