/*
 * Which family a file was written for, when nobody says it.
 *
 * Each construct that not all originals take is evidence against those that would refuse the file. The dialect is the
 * one with the least evidence against it; where several have as little, the first of gnu, apple, cmu, osf. A construct
 * that only Portolan has settles it. The text is read as tokens only, before the grammar sees it, so that the dialect
 * is known from the first statement on, and also when the file has errors.
 */
#include "recognise.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { GNU = 1 << DIALECT_GNU, APPLE = 1 << DIALECT_APPLE, OSF = 1 << DIALECT_OSF, CMU = 1 << DIALECT_CMU };

struct token {
	const char *text;
	size_t length;
	const char *file; /* not terminated; ends at a quote */
	size_t file_length;
	unsigned line;
};

/* What the scanner remembers: the last tokens, newest first. */
enum { BACK = 4 };
struct reader {
	struct compiler *compiler;
	const char *p;
	struct token token[BACK];
	const char *file;
	size_t file_length;
	unsigned line;
	bool subsystem; /* was seen */
	bool early;     /* a type before it was noted */
	unsigned defined;
	unsigned marks[DIALECT_AUTO]; /* evidence against each */
	bool portolan;
};

static bool is(const struct token *token, const char *word)
{
	return token->text != NULL && strlen(word) == token->length &&
	       strncasecmp(token->text, word, token->length) == 0;
}

static bool is_name(const struct token *token)
{
	return token->text != NULL && (isalpha((unsigned char)token->text[0]) || token->text[0] == '_');
}

static bool is_number(const struct token *token)
{
	return token->text != NULL && isdigit((unsigned char)token->text[0]);
}

/* Keeps the first piece of evidence against each dialect, for people. */
static void note(struct reader *reader, const struct token *where, unsigned takers, const char *what)
{
	struct compiler *compiler = reader->compiler;
	unsigned dialect;

	for (dialect = DIALECT_GNU; dialect <= DIALECT_CMU; dialect++) {
		if ((takers & (1u << dialect)) != 0 || reader->marks[dialect]++ != 0)
			continue;
		compiler->against[dialect] = arena_printf(
			&compiler->arena, "%s (%.*s:%u)", what, (int)where->file_length, where->file, where->line);
	}
}

/* `# 12 "file"`: the next line is line 12 of file. */
static void line_mark(struct reader *reader)
{
	const char *p = reader->p + 1;

	p += strspn(p, " \t");
	if (strncmp(p, "line", 4) == 0)
		p += 4 + strspn(p + 4, " \t");
	if (isdigit((unsigned char)*p)) {
		reader->line = (unsigned)strtoul(p, NULL, 10) - 1;
		p += strspn(p, "0123456789 \t");
		if (*p == '"') {
			reader->file = p + 1;
			reader->file_length = strcspn(p + 1, "\"\n");
		}
	}
	reader->p += strcspn(reader->p, "\n");
}

/* Skips blanks, comments and directives. */
static void skip_blanks(struct reader *reader)
{
	for (;;) {
		const char *p = reader->p;

		if (*p == '\n') {
			reader->line++;
			reader->p++;
		} else if (isspace((unsigned char)*p)) {
			reader->p++;
		} else if (*p == '#') {
			line_mark(reader);
		} else if (p[0] == '/' && p[1] == '/') {
			reader->p += strcspn(p, "\n");
		} else if (p[0] == '/' && p[1] == '*') {
			for (p += 2; *p != '\0' && !(p[0] == '*' && p[1] == '/'); p++)
				reader->line += *p == '\n';
			reader->p = *p == '\0' ? p : p + 2;
		} else {
			return;
		}
	}
}

/* Moves to the next token; false at the end of the text. */
static bool next_token(struct reader *reader)
{
	struct token *token = &reader->token[0];
	const char *p;

	memmove(reader->token + 1, reader->token, (BACK - 1) * sizeof *token);
	skip_blanks(reader);
	p = reader->p;
	*token = (struct token){p, 1, reader->file, reader->file_length, reader->line};
	if (*p == '\0') {
		token->text = NULL;
		return false;
	}
	if (isalnum((unsigned char)*p) || *p == '_') {
		for (p++; isalnum((unsigned char)*p) || *p == '_'; p++)
			continue;
	} else if (*p == '"') {
		p += 1 + strcspn(p + 1, "\"\n");
		p += *p == '"';
	} else {
		p++;
	}
	token->length = (size_t)(p - reader->p);
	reader->p = p;
	return true;
}

/* The types that GNU's mig has from the start, and refuses to see defined. */
static unsigned predefined(const struct token *token)
{
	static const char *const names[] = {"char", "short", "int", "int64", "uintptr_t", "intptr_t"};
	unsigned i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if (token->length == strlen(names[i]) && strncmp(token->text, names[i], token->length) == 0)
			return 1u << i;
	}
	return 0;
}

struct evidence {
	const char *word;
	unsigned takers;
};

static void look_up(
	struct reader *reader, const struct token *token, const struct evidence *table, size_t count, const char *kind)
{
	size_t i;

	for (i = 0; i < count; i++) {
		if (is(token, table[i].word))
			note(reader, token, table[i].takers,
				arena_printf(&reader->compiler->arena, "%s '%s'", kind, table[i].word));
	}
}

#define LOOK_UP(reader, token, table, kind) look_up(reader, token, table, sizeof(table) / sizeof((table)[0]), kind)

/* The first word of a statement, at `word`; `after` follows it. */
static void statement(struct reader *reader, const struct token *word, const struct token *after)
{
	static const struct evidence statements[] = {
		{"sendtime", APPLE},
		{"nosendtime", APPLE},
		{"usespecialreplyport", APPLE},
		{"consumeonsenderror", APPLE},
		{"usertypelimit", APPLE},
		{"onstacklimit", APPLE},
		{"iimport", APPLE},
		{"dimport", APPLE},
		{"procedure", CMU},
		{"simpleprocedure", CMU},
		{"function", CMU},
		{"error", APPLE | OSF | CMU},
	};

	if (is(word, "deferred") && is(after, ";"))
		reader->portolan = true;
	if (is(word, "skip") && is_number(after))
		note(reader, word, GNU, "'skip' with a number");
	if (is(word, "type") && is_name(after)) {
		unsigned bit = predefined(after);

		if (!reader->subsystem && !reader->early) {
			reader->early = true;
			note(reader, word, APPLE | OSF | CMU, "a type before the subsystem");
		}
		if (bit != 0)
			note(reader, after, APPLE | OSF | CMU,
				arena_printf(&reader->compiler->arena, "a definition of '%.*s'", (int)after->length,
					after->text));
		reader->defined |= bit;
	}
	if (is(word, "subsystem") && reader->subsystem)
		note(reader, word, APPLE | OSF | CMU, "a second subsystem");
	if (is(word, "subsystem"))
		reader->subsystem = true;
	else
		LOOK_UP(reader, word, statements, "the statement");
}

/* A word that may be a type: after ':', '=', 'of' or '^', unless a C name stands there. */
static void type_word(struct reader *reader)
{
	static const struct evidence types[] = {
		{"MACH_MSG_TYPE_REAL_32", APPLE | OSF},
		{"MACH_MSG_TYPE_REAL_64", APPLE | OSF},
		{"MACH_MSG_TYPE_REAL", GNU | CMU},
		{"MACH_MSG_TYPE_STRING", GNU | CMU},
		{"MACH_MSG_TYPE_STRING_C", GNU | CMU},
		{"MACH_MSG_TYPE_PROTECTED_PAYLOAD", GNU | CMU},
	};
	static const char *const c_names[] = {
		"ctype", "cusertype", "cservertype", "intran", "outtran", "destructor", "intranpayload", "intranerror"};
	static const char old[] = "MSG_TYPE_"; /* Mach 2.5's names */
	const struct token *token = &reader->token[0];
	unsigned bit = predefined(token);
	size_t i;

	LOOK_UP(reader, token, types, "the type");
	if (is_name(token) && token->length > strlen(old) && memcmp(token->text, old, strlen(old)) == 0)
		note(reader, token, CMU,
			arena_printf(&reader->compiler->arena, "the type '%.*s'", (int)token->length, token->text));
	if (bit == 0 || (reader->defined & bit) != 0)
		return;
	if (!is(&reader->token[1], ":") && !is(&reader->token[1], "=") && !is(&reader->token[1], "of") &&
		!is(&reader->token[1], "^"))
		return;
	for (i = 0; i < sizeof c_names / sizeof c_names[0]; i++) {
		if (is(&reader->token[2], c_names[i]))
			return;
	}
	note(reader, token, GNU,
		arena_printf(&reader->compiler->arena, "'%.*s' without a definition", (int)token->length, token->text));
}

/* Words inside a statement, known by what stands around them; the newest token follows them. */
static void inner(struct reader *reader)
{
	static const struct evidence directions[] = {
		{"sendtime", APPLE},
		{"sectoken", APPLE | OSF},
		{"serversectoken", APPLE | OSF},
		{"usersectoken", APPLE | OSF},
		{"audittoken", APPLE},
		{"serveraudittoken", APPLE},
		{"useraudittoken", APPLE},
		{"servercontexttoken", APPLE},
		{"serverimpl", APPLE | OSF},
		{"userimpl", APPLE | OSF},
	};
	static const struct evidence flags[] = {
		{"servercopy", GNU | CMU},
		{"islong", GNU | CMU},
		{"isnotlong", GNU | CMU},
		{"samecount", APPLE | OSF},
		{"physicalcopy", APPLE | OSF},
		{"overwrite", APPLE | OSF},
		{"auto", APPLE | OSF},
		{"const", APPLE | OSF},
	};
	static const struct evidence natives[] = {
		{"PointerTo", APPLE | OSF}, {"PointerToIfNot", APPLE | OSF}, {"ValueOf", APPLE | OSF}};
	const struct token *next = &reader->token[0];
	const struct token *word = &reader->token[1];
	const struct token *before = &reader->token[2];

	if (is(next, "{") && is(word, "struct"))
		note(reader, word, GNU, "'struct { }'");
	if (is(next, "^") && is(word, "of"))
		note(reader, next, APPLE | OSF, "an array of out-of-line memory");
	if (is(next, ":") && is(word, "intranpayload"))
		note(reader, word, GNU, "'intranpayload'");
	if (is(next, "("))
		LOOK_UP(reader, word, natives, "the type");
	if (is_number(next) && is(word, ",") && is_name(before) &&
		(is(&reader->token[3], "(") || is(&reader->token[3], "|")))
		note(reader, before, GNU | CMU, "a type with its size in bits");
	if (is_name(next) && (is(before, "(") || is(before, ";")))
		LOOK_UP(reader, word, directions, "an argument that is");
	if (is(before, ",") && (is(next, ";") || is(next, ",") || is(next, ")")))
		LOOK_UP(reader, word, flags, "the flag");
	if (is(word, "foreign") && is(before, "subsystem") && is_name(next))
		reader->portolan = true;
}

enum dialect recognise(struct compiler *compiler)
{
	static const enum dialect order[] = {DIALECT_GNU, DIALECT_APPLE, DIALECT_CMU, DIALECT_OSF};
	struct reader reader = {.compiler = compiler, .p = compiler->source, .line = 1};
	enum dialect best = DIALECT_GNU;
	unsigned depth = 0;
	size_t i;

	reader.file = compiler->file;
	reader.file_length = strlen(compiler->file);
	while (next_token(&reader)) {
		const struct token *newest = &reader.token[0];
		const struct token *word = &reader.token[1];
		const struct token *before = &reader.token[2];

		if (is(newest, "(") || is(newest, "{"))
			depth++;
		else if ((is(newest, ")") || is(newest, "}")) && depth > 0)
			depth--;
		if (is_name(newest))
			type_word(&reader);
		if (depth == 0 && is_name(word) && (before->text == NULL || is(before, ";")))
			statement(&reader, word, newest);
		inner(&reader);
	}
	if (reader.portolan)
		return DIALECT_PORTOLAN;
	for (i = 1; i < sizeof order / sizeof order[0]; i++) {
		if (reader.marks[order[i]] < reader.marks[best])
			best = order[i];
	}
	return best;
}

const char *dialect_name(enum dialect dialect)
{
	static const char *const names[] = {"portolan", "gnu", "apple", "osf", "cmu", "auto"};

	return names[dialect];
}

void print_dialect(const struct compiler *compiler, FILE *file)
{
	const enum dialect chosen = compiler->dialect;
	const char *reason = NULL;
	unsigned dialect;

	fprintf(file, "dialect %s", dialect_name(chosen));
	if (!compiler->recognised) {
		fputs(", as the command line says\n", file);
		return;
	}
	if (chosen == DIALECT_PORTOLAN) {
		fputs(": 'foreign' and 'deferred' are Portolan's only\n", file);
		return;
	}
	for (dialect = DIALECT_GNU; dialect <= DIALECT_CMU; dialect++) {
		reason = compiler->against[dialect];
		if (reason != NULL)
			fprintf(file, "\n    not %s's: %s", dialect_name(dialect), reason);
	}
	if (chosen == DIALECT_GNU && compiler->against[DIALECT_APPLE] == NULL)
		fputs(": nothing in the file is against it", file);
	fputc('\n', file);
}
