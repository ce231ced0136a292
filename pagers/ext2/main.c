/* The ext2 pager: ext2 [device=disk0] [disk=disk] [service=ext2] [read-only]. */
#include "pagers/ext2/disk.h"
#include "pagers/ext2/ext2.h"
#include "pagers/filekit/filekit.h"

#include <mach/keep.h>
#include <stdio.h>
#include <string.h>

/* The value of "name=value", or null. */
static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);

	return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

int main(int argc, char **argv)
{
	const char *name = "disk0", *disk = "disk", *service = "ext2", *value;
	struct ext2_device *device;
	struct ext2_volume *volume;
	char message[256], partition[32];
	kern_return_t result;
	boolean_t old = FALSE;
	int i, read_only = 0;

	for (i = 1; i < argc; i++) {
		if ((value = value_of(argv[i], "device")))
			name = value;
		else if ((value = value_of(argv[i], "disk")))
			disk = value;
		else if ((value = value_of(argv[i], "service")))
			service = value;
		else if (strcmp(argv[i], "read-only") == 0)
			read_only = 1;
		else
			pk_log("the argument %s is not known; there are device= disk= service= and read-only", argv[i]);
	}
	/* Of a whole disk the first partition; a disk without partitions may be a file system itself. */
	if (!strchr(name, 'p') && (size_t)snprintf(partition, sizeof(partition), "%sp1", name) < sizeof(partition) &&
		disk_open(disk, partition, &device) == KERN_SUCCESS) {
		name = partition;
	} else {
		result = disk_open(disk, name, &device);
		if (result != KERN_SUCCESS) {
			pk_log("ext2: the device %s cannot be opened: %s", name, mach_error_string(result));
			return 1;
		}
		if (name != partition && !strchr(name, 'p'))
			pk_log("ext2: %s has no first partition; trying the disk itself", name);
	}
	if (mach_keep_memory("blocks", EXT2_KEPT_SIZE, &device->kept, &old) != KERN_SUCCESS)
		pk_log("ext2: nothing outlives this server: give it privileges=host");
	/* What the instance before had sent to the disk is done before anything is read. */
	if (device->kept && old)
		device->flush(device);
	i = ext2_open(device, read_only, &volume, message, sizeof(message));
	if (message[0])
		pk_log("ext2 on %s: %s", name, message);
	if (i)
		return 1;
	volume->base.lasting = device->kept != NULL;
	fk_serve(&volume->base, service);
	return 1;
}
