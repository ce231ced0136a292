/* What lwIP calls of ours. */
#ifndef NETWORK_HOOKS_H
#define NETWORK_HOOKS_H

#include <stdint.h>

/* Of the kernel's randomness. */
uint32_t network_random(void);

struct tcp_pcb;
struct tcp_hdr;
struct pbuf;
/* Of a segment for a connection, its header's numbers in our order: 0, or it is dropped. */
int network_segment(const struct tcp_pcb *tcp, const struct tcp_hdr *header, const struct pbuf *data);

#endif
