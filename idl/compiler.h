/* One compilation: its input, settings, diagnostics and result. */
#ifndef IDL_COMPILER_H
#define IDL_COMPILER_H

#include "arena.h"
#include "model.h"

#include <stdio.h>

enum dialect { DIALECT_PORTOLAN, DIALECT_GNU, DIALECT_APPLE, DIALECT_OSF, DIALECT_CMU, DIALECT_AUTO };

enum { TYPE_BUCKETS = 1024 };

struct compiler {
	struct arena arena;
	struct interface interface;
	enum dialect dialect;
	const char *prefix;       /* of every routine's name; null: none */
	const char *subr_prefix;  /* of what the generated code calls */
	bool symbol_table;        /* -s */
	bool send_receive;        /* -R: a client's stub sends and receives by two calls */
	bool annotate_counts;     /* -b */
	unsigned max_descriptors; /* of a request, of a reply; 0: any number */
	unsigned max_reply_descriptors;

	unsigned max_on_stack;    /* bytes of a client's message on the stack; 0: not said */
	uint64_t user_type_limit; /* bytes of what only C knows; 0: not said, it may be anything */

	/* Input: preprocessed text, and where the scanner is in it. */
	const char *source;
	size_t source_length;
	size_t position;
	const char *line_start;
	const char *file;
	unsigned line;
	struct loc last;    /* the token last read */
	struct loc nobodys; /* the last word that no dialect has, though it looks like one */
	bool option_word;   /* the next token is what waittime, sendtime or msgoption say */
	int around_comment; /* what the scanner goes back to */

	/* What DIALECT_AUTO became, and the first thing in the file that each original would have refused. */
	bool recognised;
	const char *against[DIALECT_AUTO];

	/* State of the statements read so far. */
	const char *server_prefix;
	const char *user_prefix;
	const char *waittime;
	const char *sendtime;
	const char *msgoption;
	const char *error_procedure;
	enum consume consume;
	bool special_reply_port;
	bool broken_arguments; /* of the routine being read */

	struct type *hash[TYPE_BUCKETS];
	struct routine *routine_hash[TYPE_BUCKETS];
	struct import *import_hash[TYPE_BUCKETS];
	struct type error_type;

	/* Diagnostics. */
	FILE *diagnostics;
	unsigned errors;
	unsigned warnings;
	unsigned max_errors; /* 0: no limit */
	bool warnings_are_errors;
	bool quiet;
	bool stopped;  /* max_errors reached */
	bool no_files; /* show lines of the input only, not of the files it came from */
	struct {
		const char *file;
		FILE *stream; /* null: none is open */
		unsigned line;
		long start; /* of that line, in the file */
	} shown;            /* the file a line of which was shown last: the next is mostly further on */
};

/* Prepares for the text of one interface, which must be followed by a null byte and outlive the compilation. */
void compiler_init(struct compiler *compiler, const char *source, size_t length, const char *file);
void compiler_free(struct compiler *compiler);

/* Reads and checks the text. Returns whether no error was found. */
bool compiler_parse(struct compiler *compiler);

/* Whether the work functions of the dialect's servers get room for an out array[]. */
static inline bool has_rooms(const struct compiler *compiler)
{
	return compiler->dialect == DIALECT_GNU || compiler->dialect == DIALECT_CMU;
}

/* Whether GNU's refusals count: its dialect was asked for, not only taken for want of another. */
static inline bool gnu_refuses(const struct compiler *compiler)
{
	return compiler->dialect == DIALECT_GNU && !compiler->recognised;
}

/* diagnostics.c: closes the file it shows lines of, if any. */
void close_shown_file(struct compiler *compiler);
/* Diagnostics: `where` and the message, the source line with a caret, and a hint unless it is null. */
void error_at(struct compiler *compiler, const struct loc *where, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));
void warning_at(struct compiler *compiler, const struct loc *where, const char *hint, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

#endif
