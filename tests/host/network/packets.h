/* Frames for the network server: valid ones, ones with bytes changed, ones cut off, and noise, of IPv4 and IPv6. */
#ifndef TESTS_HOST_NETWORK_PACKETS_H
#define TESTS_HOST_NETWORK_PACKETS_H

#include <stdint.h>

/* The server's addresses are 10.0.2.15 and fec0::f, its ports of interest 1000 to 1007. At most 2048 bytes; the size. */
unsigned make_frame(uint8_t *at);

#endif
