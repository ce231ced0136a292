/* Mach's times: seconds with microseconds, and in 64 bits with nanoseconds. */
#ifndef MACH_TIME_VALUE_H
#define MACH_TIME_VALUE_H
#include <stdint.h>

typedef struct time_value64 {
	int64_t seconds;
	int64_t nanoseconds;
} time_value64_t;

#ifndef PORTOLAN_KERNEL
typedef struct time_value {
	int seconds;
	int microseconds;
} time_value_t;
#define TIME_MICROS_MAX 1000000

/* Of values whose microseconds are below TIME_MICROS_MAX. */
#define time_value_add_usec(value, micros)                                                                             \
	do {                                                                                                           \
		if (((value)->microseconds += (micros)) >= TIME_MICROS_MAX) {                                          \
			(value)->microseconds -= TIME_MICROS_MAX;                                                      \
			(value)->seconds++;                                                                            \
		}                                                                                                      \
	} while (0)
#define time_value_add(result, addend)                                                                                 \
	do {                                                                                                           \
		(result)->seconds += (addend)->seconds;                                                                \
		time_value_add_usec(result, (addend)->microseconds);                                                   \
	} while (0)
#endif
#endif
