/* Dependencies of the outputs, for make. */
#ifndef IDL_DEPENDENCIES_H
#define IDL_DEPENDENCIES_H

#include <stdbool.h>
#include <stddef.h>

/* What the preprocessor is told that the target is called. */
#define DEPENDENCIES_TARGET "mig-outputs"

/* An empty temporary file that the preprocessor writes to; null, with a message, if there is none. Removed by the
 * second. */
char *begin_dependencies(void);
void end_dependencies(char *temporary);

/* What make needs to know, from what the preprocessor wrote. */
struct dependencies {
	const char *file;           /* "-": standard output */
	const char *const *targets; /* the outputs; null at the end */
	const char *nothing;        /* what is said to be made if there is no output */
	const char *const *inputs;  /* if the preprocessor wrote nothing */
	size_t input_count;
};

/* Writes the file; false, with a message, if it cannot. */
bool write_dependencies(const char *temporary, const struct dependencies *dependencies);

#endif
