/* Arguments of routines, as the statements need them. */
#ifndef IDL_ARGUMENTS_H
#define IDL_ARGUMENTS_H

#include "compiler.h"

/* What the argument's direction means for the routine; complains about types that do not fit it. */
void sort_argument(struct compiler *compiler, struct routine *routine, struct argument *argument);
/* Flags that mean nothing for this argument, or contradict each other. */
void check_flags(struct compiler *compiler, const struct argument *argument, bool simple);
/* retcode: a one-way routine that is the reply of another has the result there where replies have it. */
void find_retcode(struct compiler *compiler, struct routine *routine);
/* samecount: the argument before, or the one that it shares its count with, lends the count. */
void share_counts(struct compiler *compiler, struct routine *routine);
/* Names in C: the arguments', and those of the arguments that they bring along. */
void check_names(struct compiler *compiler, struct routine *routine);
bool is_c_keyword(const char *name);

#endif
