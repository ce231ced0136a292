/* Getting the text of an interface: through the C preprocessor, or as it is. */
#ifndef IDL_PREPROCESS_H
#define IDL_PREPROCESS_H

#include "options.h"

/* The preprocessed text, malloced and followed by a null byte; null when the preprocessor failed (it has said why). */
char *preprocess(const struct options *options, const char *const *targets, size_t *length);

#endif
