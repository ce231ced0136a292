/*
 * The file of dependencies for make. The preprocessor writes it before anybody knows what the outputs are called, which
 * the subsystem may decide: into a temporary file, with a word for the outputs, which is replaced here.
 */
#include "dependencies.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

char *begin_dependencies(void)
{
	const char *folder = getenv("TMPDIR");
	const size_t room = (folder != NULL ? strlen(folder) : 0) + 32;
	char *name = malloc(room);
	int file;

	if (name == NULL)
		return NULL;
	snprintf(name, room, "%s/mig-XXXXXX", folder != NULL && folder[0] != '\0' ? folder : "/tmp");
	file = mkstemp(name);
	if (file < 0) {
		perror(name);
		free(name);
		return NULL;
	}
	close(file);
	return name;
}

void end_dependencies(char *temporary)
{
	if (temporary != NULL)
		unlink(temporary);
	free(temporary);
}

/* A name as make reads it. */
static void put_name(FILE *file, const char *name)
{
	for (; *name != '\0'; name++) {
		if (*name == '$')
			putc('$', file);
		else if (*name == ' ' || *name == '#')
			putc('\\', file);
		putc(*name, file);
	}
}

static void put_rule(FILE *from, FILE *to, const struct dependencies *dependencies)
{
	const size_t length = strlen(DEPENDENCIES_TARGET);
	const char *const *target = dependencies->targets;
	char word[sizeof DEPENDENCIES_TARGET] = "";
	const bool written = fread(word, 1, length, from) == length;
	int c = written ? getc(from) : ':';
	size_t i;

	for (; *target != NULL; target++) {
		if (target != dependencies->targets)
			putc(' ', to);
		put_name(to, *target);
	}
	/* Other targets may follow, of an option -MT. */
	if (*dependencies->targets == NULL && c == ':')
		put_name(to, dependencies->nothing);
	if (*dependencies->targets == NULL && c == ' ')
		c = getc(from);
	for (; written && c != EOF; c = getc(from))
		putc(c, to);
	if (written)
		return;
	putc(':', to);
	for (i = 0; i < dependencies->input_count; i++) {
		putc(' ', to);
		put_name(to, dependencies->inputs[i]);
	}
	putc('\n', to);
}

bool put_dependencies(const char *temporary, FILE *to, const struct dependencies *dependencies)
{
	FILE *from = fopen(temporary, "r");
	bool ok = from != NULL;

	if (ok) {
		put_rule(from, to, dependencies);
		ok = !ferror(from);
	}
	if (!ok)
		perror(temporary);
	if (from != NULL)
		fclose(from);
	return ok;
}
