/* The command line: both families' options. */
#include "options.h"

#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const char usage[] =
	"Usage: mig [options] [FILE.defs | -]\n"
	"Compiles an interface to client stubs, server stubs and headers.\n\n"
	"  -user F  -server F        client and server stubs (SUBSYSTEMUser.c, SUBSYSTEMServer.c)\n"
	"  -header F  -sheader F     client header (SUBSYSTEM.h), server header (none)\n"
	"  -iheader F  -dheader F    header of internal names; of ids\n"
	"                            /dev/null: none; -: standard output\n"
	"  -i PREFIX                 a client file PREFIXROUTINE.c per routine\n"
	"  -list F                   ids: subsystem base routine index request reply\n"
	"  -n                        only the files named (not in Apple's dialect)\n"
	"  -prefix P  -subrprefix P  before each routine's name; before what stubs call\n"
	"  --dialect D               portolan, gnu, apple, osf, cmu or auto: what callers see\n"
	"  -D -U -I -include -isystem -imacros -M...    for the preprocessor\n"
	"  -cc CMD                   the preprocessor's compiler (or $MIGCC; \"cat\": input is preprocessed)\n"
	"  --depfile F               dependencies for make\n"
	"  --explain                 how each routine travels, and why\n"
	"  --dump json               the interface as JSON\n"
	"  -q  -v  -Werror  -fmax-errors=N       diagnostics\n"
	"  --help  --version\n"
	"Taken and without effect: -b -B -k -K -l -L -N -Q -r -s -S -t -T -V -X, -maxonstack N, -max_descrs N,\n"
	"-max_reply_descrs N, -split, -novouchers, -mach_msg2, -cpp, -arch A, -target T, -migcom CMD.\n";

struct reader {
	int argc;
	char **argv;
	int at;
};

/* The value of the option at hand: the rest of its word after `skip` characters, or the next word. */
static const char *value_of(struct reader *reader, size_t skip)
{
	const char *word = reader->argv[reader->at];

	if (word[skip] != '\0')
		return word + skip;
	if (reader->at + 1 < reader->argc)
		return reader->argv[++reader->at];
	fprintf(stderr, "mig: %s needs a value\n", word);
	return NULL;
}

static bool dialect_of(const char *name, enum dialect *dialect)
{
	static const char *const names[] = {"portolan", "gnu", "apple", "osf", "cmu", "auto"};
	unsigned i;

	for (i = 0; name != NULL && i < sizeof names / sizeof names[0]; i++) {
		if (strcmp(name, names[i]) == 0) {
			*dialect = (enum dialect)i;
			return true;
		}
	}
	if (name != NULL)
		fprintf(stderr, "mig: no dialect '%s': portolan, gnu, apple, osf, cmu or auto\n", name);
	return false;
}

/* An option that takes one word; 1 if it was one, 0 if not, -1 if its word is missing. */
static int valued_option(struct options *options, struct reader *reader)
{
	const char *ignored = NULL;
	const struct {
		const char *name;
		const char **slot;
	} valued[] = {
		{"-user", &options->user},
		{"-server", &options->server},
		{"-header", &options->header},
		{"-sheader", &options->server_header},
		{"-iheader", &options->internal_header},
		{"-dheader", &options->defines_header},
		{"-i", &options->individual},
		{"-prefix", &options->prefix},
		{"-subrprefix", &options->subr_prefix},
		{"-list", &options->list},
		{"-maxonstack", &ignored},
		{"-max_descrs", &ignored},
		{"-max_reply_descrs", &ignored},
		{"-migcom", &ignored},
		{"-arch", &ignored},
		{"-target", &ignored},
		{"-cc", &options->cc},
		{"--depfile", &options->depfile},
	};
	const char *word = reader->argv[reader->at];
	size_t i;

	for (i = 0; i < sizeof valued / sizeof valued[0]; i++) {
		if (strcmp(word, valued[i].name) == 0) {
			*valued[i].slot = value_of(reader, strlen(word));
			return *valued[i].slot == NULL ? -1 : 1;
		}
	}
	return 0;
}

/* Options that are passed on to the preprocessor. */
static int cpp_option(struct options *options, struct reader *reader)
{
	static const char *const separate[] = {
		"-include", "-isystem", "-imacros", "-isysroot", "-MF", "-MT", "-MQ", "-idirafter"};
	const char *word = reader->argv[reader->at];
	size_t i;

	for (i = 0; i < sizeof separate / sizeof separate[0]; i++) {
		if (strcmp(word, separate[i]) == 0) {
			options->cpp[options->cpp_count++] = word;
			options->cpp[options->cpp_count] = value_of(reader, strlen(word));
			return options->cpp[options->cpp_count++] == NULL ? -1 : 1;
		}
	}
	if (strcmp(word, "-MD") == 0 || strcmp(word, "-MMD") == 0 || strcmp(word, "-MP") == 0) {
		options->cpp[options->cpp_count++] = word;
		return 1;
	}
	if (word[0] != '-' || word[1] == '\0' || strchr("DUI", word[1]) == NULL)
		return 0;
	options->cpp[options->cpp_count++] = word;
	if (word[2] == '\0') {
		options->cpp[options->cpp_count] = value_of(reader, 2);
		return options->cpp[options->cpp_count++] == NULL ? -1 : 1;
	}
	return 1;
}

/* What the originals take and what changes nothing here: see doc/mig.md. */
static bool is_ignored(const char *word)
{
	static const char *const words[] = {"-b", "-B", "-k", "-K", "-l", "-L", "-N", "-Q", "-v", "-r", "-s", "-S",
		"-t", "-T", "-V", "-X", "-split", "-novouchers", "-mach_msg2", "-cpp"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(word, words[i]) == 0)
			return true;
	}
	return false;
}

static bool other_option(struct options *options, struct reader *reader)
{
	const char *word = reader->argv[reader->at];

	if (strcmp(word, "-n") == 0) {
		options->only_named = true;
	} else if (strcmp(word, "-q") == 0) {
		options->quiet = true;
	} else if (strcmp(word, "-Werror") == 0) {
		options->warnings_are_errors = true;
	} else if (strncmp(word, "-fmax-errors=", 13) == 0) {
		options->max_errors = (unsigned)strtoul(word + 13, NULL, 10);
	} else if (strcmp(word, "--explain") == 0) {
		options->explain = true;
	} else if (strcmp(word, "--dialect") == 0) {
		return dialect_of(value_of(reader, strlen(word)), &options->dialect);
	} else if (strncmp(word, "--dialect=", 10) == 0) {
		return dialect_of(word + 10, &options->dialect);
	} else if (strcmp(word, "--dump") == 0) {
		const char *what = value_of(reader, strlen(word));

		options->dump_json = what != NULL && strcmp(what, "json") == 0;
		if (what != NULL && !options->dump_json)
			fprintf(stderr, "mig: --dump knows json only\n");
		return options->dump_json;
	} else if (strcmp(word, "-R") == 0 || strcmp(word, "-x") == 0) {
		fprintf(stderr, "mig: %s (%s) is not provided\n", word,
			word[1] == 'R' ? "send and receive stubs apart" : "trap stubs");
		return false;
	} else if (!is_ignored(word)) {
		fprintf(stderr, "mig: unknown option '%s' (try --help)\n", word);
		return false;
	}
	return true;
}

bool options_parse(struct options *options, int argc, char **argv)
{
	struct reader reader = {.argc = argc, .argv = argv, .at = 1};

	*options = (struct options){.max_errors = 20};
	options->cpp = calloc((size_t)argc + 1, 2 * sizeof *options->cpp);
	if (options->cpp == NULL)
		return false;
	options->cc = getenv("MIGCC");
	for (; reader.at < argc; reader.at++) {
		const char *word = argv[reader.at];
		int known;

		if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0 || strcmp(word, "-version") == 0) {
			if (word[2] == 'h')
				fputs(usage, stdout);
			else
				printf("mig (Portolan) %s\n", PACKAGE_VERSION);
			options->done = true;
			return true;
		}
		if (word[0] != '-' || word[1] == '\0') {
			if (options->input != NULL) {
				fprintf(stderr, "mig: a second input '%s'\n", word);
				return false;
			}
			options->input = word;
			continue;
		}
		known = valued_option(options, &reader);
		if (known == 0)
			known = cpp_option(options, &reader);
		if (known < 0 || (known == 0 && !other_option(options, &reader)))
			return false;
	}
	return true;
}
