/* The command line. */
#ifndef IDL_OPTIONS_H
#define IDL_OPTIONS_H

#include "compiler.h"

struct options {
	const char *input; /* null or "-": standard input */
	const char *user;
	const char *server;
	const char *header;
	const char *server_header;
	const char *internal_header; /* -iheader */
	const char *defines_header;  /* -dheader */
	const char *individual;      /* -i: prefix of one client file per routine */
	const char *prefix;
	const char *subr_prefix;
	const char *list;
	const char *depfile;
	const char *cc;
	const char **cpp; /* options for the preprocessor */
	size_t cpp_count;
	enum dialect dialect;
	unsigned max_errors;
	bool only_named; /* GNU -n: no output that was not asked for */
	bool quiet;
	bool warnings_are_errors;
	bool explain;
	bool dump_json;
	bool done; /* --help or --version was answered */
};

/* Reads the arguments; complains and returns false when they are wrong. `options->cpp` is malloced. */
bool options_parse(struct options *options, int argc, char **argv);

#endif
