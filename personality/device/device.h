/* Special files: which driver a device number leads to. */
#ifndef PERSONALITY_DEVICE_H
#define PERSONALITY_DEVICE_H

#include <stdbool.h>
#include <stdint.h>

/* Numbers as Linux assigns them (its admin-guide/devices). */
enum {
	DEVICE_MEMORY_MAJOR = 1,
	DEVICE_TTYS_MAJOR = 4,
	DEVICE_TTYS_MINOR = 64,
	DEVICE_TTY_MAJOR = 5,
	DEVICE_PTS_MAJOR = 136, /* and the 7 behind */
};

#endif
