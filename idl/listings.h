/* What mig tells about an interface besides C. */
#ifndef IDL_LISTINGS_H
#define IDL_LISTINGS_H

#include "emit.h"

/* --explain: per routine its path, sizes and why. */
void print_explanation(struct compiler *compiler, FILE *file);
/* --dump json. */
void print_json(struct compiler *compiler, FILE *file);
/* -list: subsystem base routine index request reply. */
void generate_list(struct output *output);

#endif
