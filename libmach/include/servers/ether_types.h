/* Types of the interface of network cards. */
#ifndef SERVERS_ETHER_TYPES_H
#define SERVERS_ETHER_TYPES_H

#include <stdint.h>

#define ETHER_FRAMES_SIZE 32768 /* bytes of one message's frames, at most */
#define ETHER_QUEUE       64u   /* messages that may wait at either side */

/* Before each frame of a message. */
struct ether_frame {
	uint16_t size; /* of the frame, Ethernet's header included, its checksum not */
	uint16_t reserved;
};

/* What a frame of that size takes in a message: frames begin at multiples of four. */
#define ETHER_FRAME_SPACE(size) (((unsigned)sizeof(struct ether_frame) + (size) + 3) & ~3u)

#endif
