/* Mach's time: seconds and nanoseconds, 64 bits each. */
#ifndef MACH_TIME_VALUE_H
#define MACH_TIME_VALUE_H
#include <stdint.h>
typedef struct time_value64 {
	int64_t seconds;
	int64_t nanoseconds;
} time_value64_t;
#endif
