/* The part of the command line that is the preprocessor's. */
#include "options.h"

#include <string.h>

static void pass_on(struct options *options, const char *word)
{
	options->cpp[options->cpp_count++] = word;
}

/* The word after the one at hand, which needs it. */
static const char *following(int argc, char **argv, int *at)
{
	if (*at + 1 < argc)
		return argv[++*at];
	fprintf(stderr, "mig: %s needs a value\n", argv[*at]);
	return NULL;
}

/* What has its value in the next word; -D, -U, -I, -A and -F in the same one too. */
static int with_value(struct options *options, int argc, char **argv, int *at)
{
	static const char *const separate[] = {"-D", "-U", "-I", "-include", "-isystem", "-imacros", "-isysroot",
		"-iquote", "-idirafter", "-MT", "-MQ", "-A", "-F"};
	const char *word = argv[*at];
	size_t i;

	for (i = 0; i < sizeof separate / sizeof separate[0]; i++) {
		if (strcmp(word, separate[i]) == 0) {
			const char *value = following(argc, argv, at);

			if (value == NULL)
				return -1;
			pass_on(options, word);
			pass_on(options, value);
			return 1;
		}
	}
	return 0;
}

/* Dependencies: what -MD and -MF ask of the preprocessor is asked of us, with the outputs as targets. */
static int dependency_option(struct options *options, int argc, char **argv, int *at)
{
	const char *word = argv[*at];

	if (strcmp(word, "-MD") == 0 || strcmp(word, "-MMD") == 0) {
		options->dependencies = true;
		return 1;
	}
	if (strcmp(word, "-MP") == 0)
		return 1; /* always so */
	if (strncmp(word, "-MF", 3) != 0)
		return 0;
	options->depfile = word[3] != '\0' ? word + 3 : following(argc, argv, at);
	return options->depfile == NULL ? -1 : 1;
}

int options_preprocessor(struct options *options, int argc, char **argv, int *at)
{
	static const char *const whole[] = {"-undef", "-ansi", "-nostdinc", "-w", "-P", "-m32", "-m64", "-C", "-CC",
		"-dD", "-traditional-cpp", "-trigraphs"};
	static const char *const beginnings[] = {
		"-D", "-U", "-I", "-MT", "-MQ", "-std=", "-W", "-isystem", "-imacros", "-A", "-F"};
	const char *word = argv[*at];
	int taken = dependency_option(options, argc, argv, at);
	size_t i;

	if (taken == 0)
		taken = with_value(options, argc, argv, at);
	if (taken != 0)
		return taken;
	for (i = 0; i < sizeof whole / sizeof whole[0]; i++)
		taken = taken || strcmp(word, whole[i]) == 0;
	for (i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++)
		taken = taken || strncmp(word, beginnings[i], strlen(beginnings[i])) == 0;
	if (taken != 0)
		pass_on(options, word);
	return taken;
}
