/* The C types that the other dialects use for golden.defs, where Portolan's uses elements. */
#ifndef GOLDEN_DIALECTS_H
#define GOLDEN_DIALECTS_H

#include "golden_types.h"
typedef char fixed_string_t[16];
typedef const char *const_fixed_string_t;
typedef char long_string_t[100];
typedef const char *const_long_string_t;
typedef char *string_t;
typedef const char *const_string_t;
typedef char *bytes_t;
typedef const char *const_bytes_t;
typedef int16_t *shorts_t;
typedef const int16_t *const_shorts_t;
typedef point_t *points_t;
typedef const point_t *const_points_t;
typedef int64_t *big_t;
typedef const int64_t *const_big_t;
typedef const char *const_data_t;
typedef const int32_t *const_numbers_t;
typedef const int64_t *const_wide_t;
typedef const mach_port_t *const_ports_t;
typedef mach_port_t port_pair_t[2];
typedef mach_port_t *port_list_t;
typedef const mach_port_t *const_port_list_t;
typedef mach_port_t crowd_t[300];

#endif
