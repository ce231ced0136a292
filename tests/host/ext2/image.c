/* An image file made by mke2fs, as the device of pagers/ext2. */
#include "tests/host/ext2/image.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

char image_directory[] = "/tmp/portolan-ext2.XXXXXX";
char image_path[64];

void image_begin(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (!mkdtemp(image_directory))
		exit(1);
	snprintf(image_path, sizeof(image_path), "%s/image", image_directory);
}

void image_end(void)
{
	image_command("rm -rf %s", image_directory);
}

static int image_read(struct ext2_device *device, uint64_t offset, size_t size, void *buffer)
{
	return pread(((struct image *)device)->fd, buffer, size, (off_t)offset) == (ssize_t)size ? 0 : EIO;
}

static int image_read_pages(struct ext2_device *device, uint64_t offset, size_t size, void **pages)
{
	*pages = pk_pages_allocate(size);
	if (!*pages)
		return ENOMEM;
	if (image_read(device, offset, size, *pages) == 0)
		return 0;
	pk_pages_free(*pages, size);
	return EIO;
}

static int image_write(struct ext2_device *device, uint64_t offset, size_t size, const void *data)
{
	return pwrite(((struct image *)device)->fd, data, size, (off_t)offset) == (ssize_t)size ? 0 : EIO;
}

static int image_flush(struct ext2_device *device)
{
	(void)device;
	return 0;
}

int image_command(const char *format, ...)
{
	char line[512];
	va_list arguments;
	int status;

	va_start(arguments, format);
	vsnprintf(line, sizeof(line), format, arguments);
	va_end(arguments);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

void make_image(const char *options, unsigned kilobytes)
{
	unlink(image_path);
	/* The seed of the hash decides how names spread over an index, and so its depth: the same in every run. */
	if (image_command("PATH=$PATH:/sbin:/usr/sbin mke2fs -q -F -E hash_seed=6d7a2f10-93c4-4be1-8a55-0e1f2c3d4b5a %s %s %uk >/dev/null 2>&1", options, image_path, kilobytes))
		check(false, "mke2fs %s works", options);
}

void open_image(struct image *image)
{
	memset(image, 0, sizeof(*image));
	image->fd = open(image_path, O_RDWR);
	image->device.size = (uint64_t)lseek(image->fd, 0, SEEK_END);
	image->device.read = image_read;
	image->device.read_pages = image_read_pages;
	image->device.write = image_write;
	image->device.flush = image_flush;
}

struct ext2_volume *open_volume(struct image *image)
{
	struct ext2_volume *volume = NULL;
	char message[256];

	open_image(image);
	if (ext2_open(&image->device, 0, &volume, message, sizeof(message)) || message[0])
		check(false, "the image opens (%s)", message);
	return volume;
}

void close_volume(struct image *image, struct ext2_volume *volume)
{
	ext2_close(volume);
	close(image->fd);
}

void check_clean(const char *what)
{
	check(image_command("PATH=$PATH:/sbin:/usr/sbin e2fsck -fn %s >%s/fsck 2>&1 || { cat %s/fsck; false; }", image_path,
		      image_directory, image_directory) == 0,
		"ext2: e2fsck finds nothing: %s", what);
}
