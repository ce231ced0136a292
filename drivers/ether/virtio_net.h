/* One virtio network card (virtio 1.1: 5.1): frames in and out. */
#ifndef DRIVERS_VIRTIO_NET_H
#define DRIVERS_VIRTIO_NET_H

#include "drivers/pci.h"

#define VIRTIO_NET_FRAME 1514u /* bytes of the longest frame: header and 1500 */

/* Whether the function is one, of the modern kind. */
bool virtio_net_matches(const struct pci_function *f);
/*
 * Starts it; called once at most. received is called by a thread of the card's own with each frame that comes in, which is
 * borrowed, and with null behind the last of those that came together. Null, or why it does not start.
 */
const char *virtio_net_start(
	const struct pci_function *f, mach_port_t device_master, void (*received)(const void *frame, unsigned size));
/* Its address, six bytes. */
const uint8_t *virtio_net_address(void);
/* Waits until the card has room for it; one that it does not take for a second is dropped. Any thread. */
void virtio_net_send(const void *frame, unsigned size);

#endif
