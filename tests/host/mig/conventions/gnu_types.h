/* The typedefs that GNU's stubs leave to their callers. */
#ifndef GNU_TYPES_H
#define GNU_TYPES_H

#include <mach/port.h>
#include <stdint.h>

typedef char string_t[1024];
typedef const char *const_string_t;
typedef char *data_t;
typedef const char *const_data_t;
typedef int fixed_t[4];
typedef int *list_t;
typedef char text_t[40];
typedef const char *const_text_t;
typedef int *memory_t;
typedef int *numbers_t;
typedef mach_port_t *rights_t;
typedef const mach_port_t *const_rights_t;
typedef struct {
	int first;
	int64_t second;
} pair_t;

#endif
