/* The C types of arrays.defs. */
#ifndef ARRAYS_TYPES_H
#define ARRAYS_TYPES_H

#include <mach/boolean.h>
#include <mach/message.h>
#include <stdint.h>

typedef char *data_t;
typedef char *given_t;
typedef int32_t *numbers_t;
typedef int32_t *four_t;
typedef mach_port_t *ports_t;
typedef mach_port_t *onces_t;
typedef mach_port_t *two_ports_t;
typedef mach_port_t pair_t[2];
typedef pair_t *page_of_pairs_t;
typedef void *loose_t[2];
typedef struct {
	mach_port_t one, two;
} couple_t;
typedef couple_t *page_of_couples_t;
typedef int32_t *few_numbers_t;
typedef mach_port_t *few_ports_t;
typedef unsigned char *large_t, *large_room_t;

#endif
