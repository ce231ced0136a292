/* Random bytes for programs. */
#ifndef PERSONALITY_RANDOM_H
#define PERSONALITY_RANDOM_H

#include <stdint.h>

void random_bytes(void *buffer, uint64_t size);

#endif
