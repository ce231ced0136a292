/* The command line: both families' options. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#ifndef PACKAGE_VERSION
#define PACKAGE_VERSION "0"
#endif

static const char usage[] =
	"Usage: mig [options] [FILE.defs... | -]\n"
	"Compiles an interface to client stubs, server stubs and headers.\n\n"
	"  -user F  -server F        client and server stubs (SUBSYSTEMUser.c, SUBSYSTEMServer.c)\n"
	"  -header F  -sheader F     client header (SUBSYSTEM.h), server header (none)\n"
	"  -iheader F  -dheader F    header of internal names; of ids\n"
	"                            /dev/null: none; -: standard output\n"
	"  -i PREFIX                 a client file PREFIXROUTINE.c per routine\n"
	"  -list F                   ids: subsystem base routine index request reply\n"
	"  -n                        only the files named (not with --dialect apple or osf)\n"
	"  -prefix P  -subrprefix P  before each routine's name; before what stubs call\n"
	"  -s  -S                    a symbol table in the server file; none\n"
	"  -R  -r                    send and receive by two calls; by one\n"
	"  -b  -B                    __counted_by in prototypes; none\n"
	"  -maxonstack N             larger messages are allocated\n"
	"  -max_descrs N  -max_reply_descrs N    more descriptors than that are an error\n"
	"  --dialect D               gnu, apple, osf, cmu, portolan, or auto (as the file looks): what callers see\n"
	"  -D -U -I -include -isystem -imacros -isysroot -A -F -C -dD ... -MD -M...    for the preprocessor\n"
	"  -cc CMD                   the preprocessor's compiler (or $MIGCC; \"cat\": input is preprocessed)\n"
	"  --depfile F               dependencies for make\n"
	"  --explain                 how each routine travels, and why\n"
	"  --dump json               the interface as JSON\n"
	"  -v -V  -q -Q              what was made of the file, on standard error; no warnings\n"
	"  -Werror  -fmax-errors=N   diagnostics\n"
	"  --help  --version\n"
	"Taken, and changing nothing here (mig(1) says why): -k -K -l -L -N -t -T -X -split -novouchers -mach_msg2 "
	"-cpp,\n"
	"-arch A, -migcom CMD.\n";

/* The value of the option at hand: the next word. */
static const char *value_of(int argc, char **argv, int *at)
{
	if (*at + 1 < argc)
		return argv[++*at];
	fprintf(stderr, "mig: %s needs a value\n", argv[*at]);
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
		fprintf(stderr, "mig: no dialect '%s': gnu, apple, osf, cmu, portolan or auto\n", name);
	return false;
}

static bool number_of(const char *option, const char *text, unsigned *number)
{
	char *end;
	unsigned long value;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || value > INT32_MAX) {
		fprintf(stderr, "mig: %s takes a number, not '%s'\n", option, text);
		return false;
	}
	*number = (unsigned)value;
	return true;
}

/* An option that takes one word; 1 if it was one, 0 if not, -1 if its word is missing. */
static int valued_option(struct options *options, int argc, char **argv, int *at)
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
		{"-migcom", &ignored},
		{"-arch", &ignored},
		{"-target", &options->target},
		{"-cc", &options->cc},
		{"--depfile", &options->depfile},
	};
	const struct {
		const char *name;
		unsigned *slot;
	} numbers[] = {
		{"-maxonstack", &options->max_on_stack},
		{"-max_descrs", &options->max_descriptors},
		{"-max_reply_descrs", &options->max_reply_descriptors},
	};
	const char *word = argv[*at];
	const char *value;
	size_t i;

	for (i = 0; i < sizeof valued / sizeof valued[0]; i++) {
		if (strcmp(word, valued[i].name) == 0) {
			*valued[i].slot = value_of(argc, argv, at);
			return *valued[i].slot == NULL ? -1 : 1;
		}
	}
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		if (strcmp(word, numbers[i].name) == 0) {
			value = value_of(argc, argv, at);
			return value == NULL || !number_of(word, value, numbers[i].slot) ? -1 : 1;
		}
	}
	return 0;
}

/* An option that is on or off, or one of the originals' that has nothing to do here. */
static bool switch_option(struct options *options, const char *word)
{
	bool nothing;
	const struct {
		const char *name;
		bool *slot;
		bool value;
	} switches[] = {
		{"-n", &options->only_named, true},
		{"-s", &options->symbol_table, true},
		{"-S", &options->symbol_table, false},
		{"-R", &options->send_receive, true},
		{"-r", &options->send_receive, false},
		{"-b", &options->annotate_counts, true},
		{"-B", &options->annotate_counts, false},
		{"-q", &options->quiet, true},
		{"-Q", &options->quiet, false},
		{"-v", &options->verbose, true},
		{"-V", &options->verbose, false},
		{"-Werror", &options->warnings_are_errors, true},
		{"--explain", &options->explain, true},
		{"-k", &nothing, false},
		{"-K", &nothing, false},
		{"-l", &nothing, false},
		{"-L", &nothing, false},
		{"-N", &nothing, false},
		{"-t", &nothing, false},
		{"-T", &nothing, false},
		{"-X", &nothing, false},
		{"-split", &nothing, false},
		{"-novouchers", &nothing, false},
		{"-mach_msg2", &nothing, false},
		{"-cpp", &nothing, false},
	};
	size_t i;

	for (i = 0; i < sizeof switches / sizeof switches[0]; i++) {
		if (strcmp(word, switches[i].name) == 0) {
			*switches[i].slot = switches[i].value;
			return true;
		}
	}
	return false;
}

static bool other_option(struct options *options, int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (strncmp(word, "-fmax-errors=", 13) == 0) {
		return number_of("-fmax-errors", word + 13, &options->max_errors);
	} else if (strcmp(word, "--dialect") == 0) {
		return dialect_of(value_of(argc, argv, at), &options->dialect);
	} else if (strncmp(word, "--dialect=", 10) == 0) {
		return dialect_of(word + 10, &options->dialect);
	} else if (strcmp(word, "--dump") == 0) {
		const char *what = value_of(argc, argv, at);

		options->dump_json = what != NULL && strcmp(what, "json") == 0;
		if (what != NULL && !options->dump_json)
			fprintf(stderr, "mig: --dump knows json only\n");
		return options->dump_json;
	} else if (strcmp(word, "-x") == 0) {
		fprintf(stderr,
			"mig: -x (stubs that trap) is obsolete: what fits into registers travels in them without being "
			"asked to\n");
		return false;
	}
	fprintf(stderr, "mig: unknown option '%s' (try --help)\n", word);
	return false;
}

/* The environment's preprocessor: that of Apple's script, then those of GNU's. */
static const char *default_compiler(void)
{
	static const char *const names[] = {"MIGCC", "CPP", "CC"};
	size_t i;

	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		const char *value = getenv(names[i]);

		if (value != NULL && value[0] != '\0')
			return value;
	}
	return "cc";
}

static bool answer(const char *word)
{
	if (word[2] == 'h')
		fputs(usage, stdout);
	else
		printf("mig (Portolan) %s\n", PACKAGE_VERSION);
	if (fflush(stdout) == 0)
		return true;
	perror("standard output");
	return false;
}

bool options_parse(struct options *options, int argc, char **argv)
{
	int at;

	*options = (struct options){.max_errors = 20, .dialect = DIALECT_AUTO};
	options->cpp = calloc((size_t)argc + 1, sizeof *options->cpp);
	options->inputs = calloc((size_t)argc + 1, sizeof *options->inputs);
	if (options->cpp == NULL || options->inputs == NULL)
		return false;
	options->cc = default_compiler();
	for (at = 1; at < argc; at++) {
		const char *word = argv[at];
		int known;

		if (strcmp(word, "--help") == 0 || strcmp(word, "--version") == 0 || strcmp(word, "-version") == 0) {
			options->done = true;
			return answer(word);
		}
		if (word[0] != '-' || word[1] == '\0') {
			options->inputs[options->input_count++] = word;
			continue;
		}
		known = valued_option(options, argc, argv, &at);
		if (known == 0 && !switch_option(options, word))
			known = options_preprocessor(options, argc, argv, &at);
		else if (known == 0)
			known = 1;
		if (known < 0 || (known == 0 && !other_option(options, argc, argv, &at)))
			return false;
	}
	if (options->explain && options->dump_json) {
		fputs("mig: --explain and --dump json both go to standard output: ask for one of them\n", stderr);
		return false;
	}
	if (options->input_count == 0)
		options->inputs[options->input_count++] = "-";
	return true;
}

void options_free(struct options *options)
{
	free(options->cpp);
	free(options->inputs);
}
