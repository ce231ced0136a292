/* Memory in pieces that goes back to the kernel when it is no longer used. */
#ifndef PERSONALITY_SLAB_H
#define PERSONALITY_SLAB_H

#include <stddef.h>

/* Aligned to 16 bytes, zeroed. Null: no memory. */
void *slab_alloc(size_t size);
/* The same, contents undefined. */
void *slab_take(size_t size);
/* size: as it was asked for. */
void slab_free(void *memory, size_t size);

#endif
