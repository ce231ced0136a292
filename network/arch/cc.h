/* lwIP's view of the compiler and the C library. */
#ifndef NETWORK_CC_H
#define NETWORK_CC_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "network/hooks.h"

#define LWIP_ERRNO_STDINCLUDE 1
#define LWIP_RAND()           network_random()
#define LWIP_PLATFORM_DIAG(x)                                                                                          \
	do {                                                                                                           \
		printf x;                                                                                              \
	} while (0)
#define LWIP_PLATFORM_ASSERT(x)                                                                                        \
	do {                                                                                                           \
		fprintf(stderr, "lwIP: %s, %s:%d\n", x, __FILE__, __LINE__);                                           \
		abort();                                                                                               \
	} while (0)
#define LWIP_NO_UNISTD_H 1

#endif
