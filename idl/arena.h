/* Memory of one compilation: allocated piece by piece, freed all at once. */
#ifndef IDL_ARENA_H
#define IDL_ARENA_H

#include <stddef.h>

struct arena_block;

struct arena {
	struct arena_block *blocks;
};

/* Zeroed memory, aligned for any type; never null (out of memory ends the program). */
void *arena_alloc(struct arena *arena, size_t size);

/* A copy of `length` bytes of `text`, terminated. */
char *arena_string(struct arena *arena, const char *text, size_t length);

/* A formatted string. */
char *arena_printf(struct arena *arena, const char *format, ...) __attribute__((format(printf, 2, 3)));

void arena_free(struct arena *arena);

#endif
