/* The types of apple.defs and osf.defs. */
#ifndef APPLE_TYPES_H
#define APPLE_TYPES_H

#include <stdint.h>

typedef char apple_name_t[128];
typedef uint8_t *apple_data_t;
typedef int32_t *apple_list_t;

#endif
