/* Mach's two words, and the number of things in a message. */
#ifndef MACH_STD_WORDS_H
#define MACH_STD_WORDS_H

#include <stdint.h>

typedef unsigned int natural_t;
typedef int integer_t;
typedef uint64_t long_natural_t;
typedef int64_t long_integer_t;
typedef uint64_t rpc_long_natural_t;
typedef int64_t rpc_long_integer_t;
typedef uint32_t mach_msg_type_number_t;

#endif
