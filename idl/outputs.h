/* The outputs of one run, kept in memory until all of them are known to be right. */
#ifndef IDL_OUTPUTS_H
#define IDL_OUTPUTS_H

#include <stdbool.h>
#include <stdio.h>

struct pending;

struct outputs {
	struct pending *first;
	struct pending *last;
};

/*
 * A stream for the text of one output, to be ended by end_output; null, having complained, if there is no memory. The
 * name is copied; "-" is standard output, which several may have. What is `shared` follows what was shared of that
 * name.
 */
FILE *begin_output(struct outputs *outputs, const char *name, bool shared);
bool end_output(struct outputs *outputs);

/*
 * Writes all of them, or complains. If one cannot be opened, if two are the same file, or if one that is no regular
 * file (a device, a pipe) cannot be written, every regular file is as it was. If writing a regular file fails, that
 * file is removed, and those that come after it are as they were.
 */
bool write_outputs(struct outputs *outputs);
void free_outputs(struct outputs *outputs);

#endif
