/* The C types of times.defs. */
#ifndef TIMES_TYPES_H
#define TIMES_TYPES_H

#include <mach/boolean.h>
#include <mach/message.h>
#include <stdint.h>

typedef char *data_t;

#endif
