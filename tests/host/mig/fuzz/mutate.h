/* Changes an interface file as its language is made, so that most results are still nearly interfaces. */
#ifndef FUZZ_MUTATE_H
#define FUZZ_MUTATE_H

#include <stddef.h>

/* One change of the `size` bytes in `text`, which has `room`; returns the new size. The seed says which change. */
size_t mutate_text(char *text, size_t size, size_t room, unsigned seed);

#endif
