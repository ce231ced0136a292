/* Getting the text of an interface: through the C preprocessor, or as it is. */
#ifndef IDL_PREPROCESS_H
#define IDL_PREPROCESS_H

#include "options.h"

/*
 * The preprocessed text of `count` files, malloced and followed by a null byte; null when the preprocessor failed (it
 * has said why). With `depfile` the preprocessor writes there, as a rule for make, what DEPENDENCIES_TARGET depends on.
 */
char *preprocess(
	const struct options *options, const char *const *inputs, size_t count, const char *depfile, size_t *length);

#endif
