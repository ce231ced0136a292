/* Virtio console devices, as streams of bytes to and from the host (servers/channel.defs). */
#ifndef DISK_CHANNEL_H
#define DISK_CHANNEL_H

#include "drivers/pci.h"

/* Whether the function is one, of the modern kind. */
bool channel_matches(const struct pci_function *f);
/* Starts it, the next of its kind; null, or why not. Never stopped again. */
const char *channel_start(const struct pci_function *f, mach_port_t device_master);
/* Serves channel.defs by the service "channel", if this server has it: then in threads of its own. */
void channel_serve(mach_port_t bootstrap);

#endif
