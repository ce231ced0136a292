/* The command line. */
#ifndef IDL_OPTIONS_H
#define IDL_OPTIONS_H

#include "compiler.h"

struct options {
	const char **inputs; /* "-": standard input, which goes before the file beside it */
	size_t input_count;
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
	const char *target; /* -target, for compilers that know it */
	const char **cpp;   /* options for the preprocessor */
	size_t cpp_count;
	enum dialect dialect;
	unsigned max_errors;
	unsigned max_on_stack; /* 0: not said, here and below */
	unsigned max_descriptors;
	unsigned max_reply_descriptors;
	bool dependencies; /* -MD */
	bool only_named;   /* -n: no output that was not asked for */
	bool symbol_table;
	bool send_receive;
	bool annotate_counts;
	bool quiet;
	bool verbose;
	bool warnings_are_errors;
	bool explain;
	bool dump_json;
	bool done; /* --help or --version was answered */
};

/* Reads the arguments; complains and returns false when they are wrong. `inputs` and `cpp` are malloced. */
bool options_parse(struct options *options, int argc, char **argv);
void options_free(struct options *options);

/* options-cpp.c: whether the word at argv[*at] is for the preprocessor. 1: taken; 0: no; -1: its value is missing. */
int options_preprocessor(struct options *options, int argc, char **argv, int *at);

#endif
