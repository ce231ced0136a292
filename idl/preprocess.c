/* Getting the text of an interface: through the C preprocessor, or as it is. */
#include "preprocess.h"
#include "dependencies.h"

#include <errno.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ;

enum { INPUT_MAX = 256 << 20 };

/* All that `stream` has, followed by a null byte. */
static char *read_all(int stream, size_t *length)
{
	size_t room = 65536;
	char *text = malloc(room);

	*length = 0;
	while (text != NULL) {
		ssize_t got = read(stream, text + *length, room - *length - 1);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0) {
			perror("mig: read");
			break;
		}
		if (got == 0) {
			text[*length] = '\0';
			return text;
		}
		*length += (size_t)got;
		if (*length > INPUT_MAX) {
			fputs("mig: the input is too large\n", stderr);
			break;
		}
		if (room - *length < 4096) {
			char *more = realloc(text, room * 2);

			if (more == NULL)
				break;
			text = more;
			room *= 2;
		}
	}
	free(text);
	return NULL;
}

/* Splits a command at its blanks; `words` has room for `room`. */
static size_t split(char *command, const char **words, size_t room)
{
	size_t count = 0;
	char *word;

	for (word = strtok(command, " \t"); word != NULL && count < room; word = strtok(NULL, " \t"))
		words[count++] = word;
	return count;
}

static char *run(const char **argv, size_t *length)
{
	posix_spawn_file_actions_t actions;
	int ends[2];
	int status = 1;
	pid_t child;
	char *text = NULL;
	int failed;

	if (pipe(ends) != 0) {
		perror("mig: pipe");
		return NULL;
	}
	posix_spawn_file_actions_init(&actions);
	posix_spawn_file_actions_adddup2(&actions, ends[1], 1);
	posix_spawn_file_actions_addclose(&actions, ends[0]);
	posix_spawn_file_actions_addclose(&actions, ends[1]);
	failed = posix_spawnp(&child, argv[0], &actions, NULL, (char *const *)argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	close(ends[1]);
	if (failed != 0) {
		fprintf(stderr, "mig: %s: %s\n", argv[0], strerror(failed));
	} else {
		text = read_all(ends[0], length);
		while (waitpid(child, &status, 0) < 0 && errno == EINTR)
			;
	}
	close(ends[0]);
	if (status != 0) {
		free(text);
		text = NULL;
	}
	return text;
}

/* clang has -target; others would refuse it, and there is one target for them. */
static bool knows_target(const char *compiler)
{
	const char *name = strrchr(compiler, '/');

	return strncmp(name != NULL ? name + 1 : compiler, "clang", 5) == 0;
}

static size_t add_dependencies(const char **argv, const char *depfile)
{
	argv[0] = "-MD";
	argv[1] = "-MP";
	argv[2] = "-MF";
	argv[3] = depfile;
	argv[4] = "-MT";
	argv[5] = DEPENDENCIES_TARGET;
	return 6;
}

char *preprocess(const struct options *options, const char *const *inputs, size_t input_count, const char *depfile,
	size_t *length)
{
	char *command = strdup(options->cc);
	const char **argv = calloc(options->cpp_count + input_count + 64, sizeof *argv);
	size_t count;
	char *text = NULL;

	if (command == NULL || argv == NULL) {
		free(command);
		free(argv);
		return NULL;
	}
	count = split(command, argv, 16);
	if (count != 1 || strcmp(argv[0], "cat") != 0) {
		argv[count++] = "-E";
		argv[count++] = "-x";
		argv[count++] = "c";
		argv[count++] = "-std=c11";          /* without names like unix and linux */
		argv[count++] = "-Wno-endif-labels"; /* old files name the condition behind #else and #endif */
		if (options->target != NULL && knows_target(argv[0])) {
			argv[count++] = "-target";
			argv[count++] = options->target;
		}
		if (options->dialect == DIALECT_APPLE || options->dialect == DIALECT_OSF)
			argv[count++] = "-D__MACH30__";
		if (depfile != NULL)
			count += add_dependencies(argv + count, depfile);
		memcpy(argv + count, options->cpp, options->cpp_count * sizeof *argv);
		count += options->cpp_count;
	}
	memcpy(argv + count, inputs, input_count * sizeof *argv);
	text = run(argv, length);
	free(command);
	free(argv);
	return text;
}
