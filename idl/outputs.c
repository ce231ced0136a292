/*
 * Writing the outputs. A file that can be opened now is taken for one that can be written later; so all are looked at,
 * and made if they are not there, before the first is touched. Devices and pipes cannot be tried without being used:
 * they are written first, as long as nothing is lost.
 */
#include "outputs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct pending {
	struct pending *next;
	char *name;
	FILE *stream; /* null once it is ended */
	char *text;
	size_t size;
	bool shared;
	bool regular; /* here and below: known when it was looked at */
	bool follows; /* goes behind what was written to the same name */
	bool made;    /* was not there, is empty until it is written */
	dev_t device;
	ino_t inode;
};

FILE *begin_output(struct outputs *outputs, const char *name, bool shared)
{
	struct pending *pending = calloc(1, sizeof *pending);

	if (pending != NULL) {
		pending->shared = shared;
		pending->name = strdup(name);
		pending->stream = open_memstream(&pending->text, &pending->size);
	}
	if (pending == NULL || pending->name == NULL || pending->stream == NULL) {
		perror("mig");
		if (pending != NULL && pending->stream != NULL)
			fclose(pending->stream);
		if (pending != NULL) {
			free(pending->text);
			free(pending->name);
		}
		free(pending);
		return NULL;
	}
	if (outputs->last != NULL)
		outputs->last->next = pending;
	else
		outputs->first = pending;
	outputs->last = pending;
	return pending->stream;
}

bool end_output(struct outputs *outputs)
{
	const bool failed = ferror(outputs->last->stream) != 0;
	const bool closed = fclose(outputs->last->stream) == 0;

	outputs->last->stream = NULL;
	if (failed || !closed)
		perror("mig");
	return !failed && closed;
}

void free_outputs(struct outputs *outputs)
{
	struct pending *pending = outputs->first;

	while (pending != NULL) {
		struct pending *next = pending->next;

		if (pending->stream != NULL)
			fclose(pending->stream);
		free(pending->text);
		free(pending->name);
		free(pending);
		pending = next;
	}
	*outputs = (struct outputs){NULL, NULL};
}

static bool is_standard_output(const struct pending *pending)
{
	return strcmp(pending->name, "-") == 0;
}

/* Whether the file can be opened for writing; makes it if it is not there. */
static bool look_at(struct pending *pending)
{
	struct stat status;
	int file;

	if (is_standard_output(pending))
		return true;
	if (stat(pending->name, &status) == 0 && !S_ISREG(status.st_mode))
		return true;
	file = open(pending->name, O_WRONLY | O_CLOEXEC);
	if (file < 0 && errno == ENOENT) {
		file = open(pending->name, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
		pending->made = file >= 0;
	}
	if (file < 0 || fstat(file, &status) != 0) {
		perror(pending->name);
		if (file >= 0)
			close(file);
		return false;
	}
	close(file);
	pending->regular = S_ISREG(status.st_mode);
	pending->device = status.st_dev;
	pending->inode = status.st_ino;
	return true;
}

static int compare_files(const void *left, const void *right)
{
	const struct pending *a = *(const struct pending *const *)left;
	const struct pending *b = *(const struct pending *const *)right;

	if (a->device != b->device)
		return a->device < b->device ? -1 : 1;
	return a->inode != b->inode ? (a->inode < b->inode ? -1 : 1) : 0;
}

/* Complains if two outputs are one file, whatever they call it. */
static bool all_differ(const struct outputs *outputs)
{
	struct pending *pending;
	struct pending **files;
	size_t count = 0;
	bool ok = true;
	size_t i;

	for (pending = outputs->first; pending != NULL; pending = pending->next)
		count += pending->regular && !pending->follows;
	files = calloc(count + 1, sizeof(struct pending *));
	if (files == NULL) {
		perror("mig");
		return false;
	}
	count = 0;
	for (pending = outputs->first; pending != NULL; pending = pending->next) {
		if (pending->regular && !pending->follows)
			files[count++] = pending;
	}
	qsort(files, count, sizeof(struct pending *), compare_files);
	for (i = 1; ok && i < count; i++) {
		ok = compare_files(&files[i - 1], &files[i]) != 0;
		if (!ok)
			fprintf(stderr, "mig: %s: two outputs of the same name\n", files[i]->name);
	}
	free(files);
	return ok;
}

/* The dependencies of several inputs go to one file, one after the other. */
static void join_shared(struct outputs *outputs)
{
	const struct pending *before;
	struct pending *pending;

	for (pending = outputs->first; pending != NULL; pending = pending->next) {
		for (before = outputs->first; pending->shared && before != pending; before = before->next)
			pending->follows |= before->shared && strcmp(before->name, pending->name) == 0;
	}
}

static bool write_one(struct pending *pending)
{
	FILE *stream = is_standard_output(pending) ? stdout : fopen(pending->name, pending->follows ? "a" : "w");
	bool ok;

	if (stream == NULL) {
		perror(pending->name);
		return false;
	}
	pending->made = false;
	ok = fwrite(pending->text, 1, pending->size, stream) == pending->size;
	if (stream == stdout ? fflush(stream) != 0 : fclose(stream) != 0)
		ok = false;
	if (!ok) {
		perror(stream == stdout ? "standard output" : pending->name);
		if (pending->regular)
			unlink(pending->name); /* half a file would pass for a whole one */
	}
	return ok;
}

bool write_outputs(struct outputs *outputs)
{
	struct pending *pending;
	bool ok = true;

	join_shared(outputs);
	for (pending = outputs->first; ok && pending != NULL; pending = pending->next)
		ok = look_at(pending);
	ok = ok && all_differ(outputs);
	for (pending = outputs->first; ok && pending != NULL; pending = pending->next)
		ok = pending->regular || write_one(pending);
	for (pending = outputs->first; ok && pending != NULL; pending = pending->next)
		ok = !pending->regular || write_one(pending);
	for (pending = outputs->first; pending != NULL; pending = pending->next) {
		if (pending->made)
			unlink(pending->name);
	}
	return ok;
}
