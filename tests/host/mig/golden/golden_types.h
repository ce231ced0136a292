/* The C types of golden.defs. */
#ifndef GOLDEN_TYPES_H
#define GOLDEN_TYPES_H

#include <mach/boolean.h>
#include <mach/message.h>
#include <stdint.h>

typedef struct {
	int32_t x, y;
} point_t;
typedef struct {
	uint64_t a[16];
} block_t;
typedef struct {
	char tag;
	int16_t number;
	int64_t wide;
	point_t where;
} record_t;
typedef int32_t vector_t[3];
typedef int16_t matrix_t[2][3];
typedef char name_t[16];
typedef char *data_t;
typedef int32_t *numbers_t;
typedef int64_t *wide_t;
typedef mach_port_t *ports_t;
typedef int handle_t;

/* Translations of golden.defs. */
handle_t handle_of_port(mach_port_t port);
handle_t handle_of_payload(uint64_t payload);
handle_t handle_of_number(int32_t number);
mach_port_t port_of_handle(handle_t handle);
void handle_release(handle_t handle);
int celsius_of_wire(int32_t value);
int32_t wire_of_celsius(int value);

#endif
