/* C types of the interfaces in this folder. */
#ifndef ACCEPT_TYPES_H
#define ACCEPT_TYPES_H

#include <stdint.h>

typedef int64_t wide_t;
typedef char name_str_t[64];
typedef const char *const_name_str_t;
typedef char *inband_t;
typedef const char *const_inband_t;
typedef int *words_t;
typedef const int *const_words_t;
typedef uint8_t *buf_ptr_t;
typedef const uint8_t *const_buf_ptr_t;
typedef struct {
	int first;
	int64_t second;
	short third;
} pair_t;
typedef char *accept_string_t;
typedef const char *const_accept_string_t;
typedef int32_t *info_t;
typedef const int32_t *const_info_t;
typedef int32_t fixed_t[4];
typedef struct {
	int32_t seconds, microseconds;
} times_t;
typedef char text_array_t[80];
typedef const char *const_text_array_t;
typedef int32_t *list_t;
typedef const int32_t *const_list_t;

#endif
