/* A device in memory that notes what it is told, and may fail. */
#include "tests/cuts/device.h"
#include "pagers/filekit/backend.h"

#include <errno.h>
#include <string.h>

static bool fails(struct cuts_device *d, uint64_t number, uint64_t wanted)
{
	const bool now = wanted && (d->fail_on ? number >= wanted : number == wanted);

	d->failed |= now;
	return now;
}

static int device_read(struct ext2_device *device, uint64_t offset, size_t size, void *buffer)
{
	struct cuts_device *d = (struct cuts_device *)device;

	if (fails(d, ++d->reads, d->fail_read) || offset > device->size || size > device->size - offset)
		return EIO;
	memcpy(buffer, d->memory + offset, size);
	return 0;
}

static int device_read_pages(struct ext2_device *device, uint64_t offset, size_t size, void **pages)
{
	*pages = pk_pages_allocate(size);
	if (!*pages)
		return ENOMEM;
	if (device_read(device, offset, size, *pages) == 0)
		return 0;
	pk_pages_free(*pages, size);
	return EIO;
}

static int device_write(struct ext2_device *device, uint64_t offset, size_t size, const void *data)
{
	struct cuts_device *d = (struct cuts_device *)device;

	if (fails(d, ++d->writes, d->fail_write) || offset > device->size || size > device->size - offset)
		return EIO;
	memcpy(d->memory + offset, data, size);
	if (d->history)
		cuts_note(d->history, LOSING_WRITE, offset, data, (uint32_t)size);
	return 0;
}

static int device_flush(struct ext2_device *device)
{
	struct cuts_device *d = (struct cuts_device *)device;

	if (fails(d, ++d->flushes, d->fail_flush))
		return EIO;
	if (d->history)
		cuts_note(d->history, LOSING_FLUSH, 0, NULL, 0);
	return 0;
}

void cuts_device_init(struct cuts_device *d, char *memory, uint64_t size, struct cuts_history *history)
{
	*d = (struct cuts_device){.memory = memory, .history = history};
	d->device.size = size;
	d->device.read = device_read;
	d->device.read_pages = device_read_pages;
	d->device.write = device_write;
	d->device.flush = device_flush;
}
