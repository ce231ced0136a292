/* The C types that the other dialects use for more.defs, where Portolan's uses elements. */
#ifndef MORE_DIALECTS_H
#define MORE_DIALECTS_H

#include "more_types.h"
typedef const char *const_data_t;
typedef const int32_t *const_numbers_t, *const_loose_t;
typedef const mach_port_t *const_ports_t;
typedef char *text_t;
typedef const char *const_text_t;
typedef const int64_t *const_wide_t;
typedef const int32_t *const_flags_t;
typedef int64_t *big_t;
typedef const int64_t *const_big_t;
typedef int32_t *keys_t;
typedef const int32_t *const_keys_t;
typedef char *bytes_t;
typedef const char *const_bytes_t;
typedef mach_port_t *port_list_t;
typedef const mach_port_t *const_port_list_t;
typedef int32_t vector_t[3];
typedef char label_t[12];
typedef const char *const_label_t;

#endif
