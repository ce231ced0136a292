/* Times and clocks of OSF's and Apple's programs. */
#ifndef MACH_CLOCK_TYPES_H
#define MACH_CLOCK_TYPES_H

#include <mach/port.h>
#include <mach/std_words.h>

typedef int alarm_type_t;
typedef int sleep_type_t;
typedef int clock_id_t;
typedef int clock_flavor_t;
typedef int *clock_attr_t;
typedef int clock_res_t;
typedef mach_port_t clock_serv_t;
typedef mach_port_t clock_ctrl_t;
typedef mach_port_t clock_reply_t;
typedef mach_port_t alarm_port_t;

struct mach_timespec {
	unsigned int tv_sec;
	clock_res_t tv_nsec;
};
typedef struct mach_timespec mach_timespec_t;
typedef mach_timespec_t tvalspec_t;

#define SYSTEM_CLOCK   0 /* from boot, */
#define CALENDAR_CLOCK 1 /* from 1970, */
#define REALTIME_CLOCK SYSTEM_CLOCK

#define TIME_ABSOLUTE      0
#define TIME_RELATIVE      1
#define BAD_ALRMTYPE(type) (((type) & ~1) != 0)
#define ALRMTYPE           0xff

#define CLOCK_GET_TIME_RES   1 /* ns between two values that clock_get_time can return */
#define CLOCK_ALARM_CURRES   3 /* ns between two alarms */
#define CLOCK_ALARM_MINRES   4
#define CLOCK_ALARM_MAXRES   5

#define NSEC_PER_USEC 1000ull
#define USEC_PER_SEC  1000000ull
#define NSEC_PER_SEC  1000000000ull
#define NSEC_PER_MSEC 1000000ull

#define BAD_MACH_TIMESPEC(t) ((t)->tv_nsec < 0 || (t)->tv_nsec >= (long)NSEC_PER_SEC)
#define CMP_MACH_TIMESPEC(a, b)                                                                                        \
	((a)->tv_sec > (b)->tv_sec   ? +1                                                                              \
	 : (a)->tv_sec < (b)->tv_sec ? -1                                                                              \
				     : (int)((a)->tv_nsec > (b)->tv_nsec) - (int)((a)->tv_nsec < (b)->tv_nsec))
#define ADD_MACH_TIMESPEC(to, by)                                                                                      \
	do {                                                                                                           \
		(to)->tv_sec += (by)->tv_sec;                                                                          \
		if (((to)->tv_nsec += (by)->tv_nsec) >= (clock_res_t)NSEC_PER_SEC) {                                   \
			(to)->tv_nsec -= (clock_res_t)NSEC_PER_SEC;                                                    \
			(to)->tv_sec++;                                                                                \
		}                                                                                                      \
	} while (0)
#define SUB_MACH_TIMESPEC(from, by)                                                                                    \
	do {                                                                                                           \
		(from)->tv_sec -= (by)->tv_sec;                                                                        \
		if (((from)->tv_nsec -= (by)->tv_nsec) < 0) {                                                          \
			(from)->tv_nsec += (clock_res_t)NSEC_PER_SEC;                                                  \
			(from)->tv_sec--;                                                                              \
		}                                                                                                      \
	} while (0)

#endif
