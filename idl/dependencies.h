/* Dependencies of the outputs, for make. */
#ifndef IDL_DEPENDENCIES_H
#define IDL_DEPENDENCIES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What the preprocessor is told that the target is called. */
#define DEPENDENCIES_TARGET "mig-outputs"

/* An empty temporary file that the preprocessor writes to; null, with a message, if there is none. Removed by the
 * second. */
char *begin_dependencies(void);
void end_dependencies(char *temporary);

/* What make needs to know, from what the preprocessor wrote. */
struct dependencies {
	const char *const *targets; /* the outputs; null at the end */
	const char *nothing;        /* what is said to be made if there is no output */
	const char *const *inputs;  /* if the preprocessor wrote nothing */
	size_t input_count;
};

/* Writes them to `to`; false, with a message, if it cannot read the temporary file. */
bool put_dependencies(const char *temporary, FILE *to, const struct dependencies *dependencies);

#endif
