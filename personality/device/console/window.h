/* Memory that the host lends for standard input (doc/channels.md). */
#ifndef PERSONALITY_CONSOLE_WINDOW_H
#define PERSONALITY_CONSOLE_WINDOW_H

#include <stddef.h>
#include <stdint.h>

/* Maps what the host's file opt/portolan/window names; returns its start and sets *size. Null: there is none. */
const uint8_t *window_map(size_t *size);

#endif
