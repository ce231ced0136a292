/* Dialects: telling a file's, and their names. */
#ifndef IDL_RECOGNISE_H
#define IDL_RECOGNISE_H

#include "compiler.h"

/* The dialect that the text was written for; fills compiler->against. */
enum dialect recognise(struct compiler *compiler);
const char *dialect_name(enum dialect dialect);
/* Says the dialect, and what spoke against the others if it was recognised. */
void print_dialect(const struct compiler *compiler, FILE *file);

#endif
