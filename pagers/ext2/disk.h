/* Devices that the disk server has. */
#ifndef EXT2_DISK_H
#define EXT2_DISK_H

#include "pagers/ext2/device.h"

#include <mach/kern_return.h>

/* Opens a device, "disk0p1", of the server that is registered under `service`. */
kern_return_t disk_open(const char *service, const char *name, struct ext2_device **device);

#endif
