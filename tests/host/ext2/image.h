/* An image file made by mke2fs, as the device of pagers/ext2. */
#ifndef TESTS_HOST_EXT2_IMAGE_H
#define TESTS_HOST_EXT2_IMAGE_H

#include "pagers/ext2/ext2.h"
#include "tests/host/files/model.h"

struct image {
	struct ext2_device device;
	int fd;
	bool quiet; /* in children: no message */
};

/* The one image's file, in a folder of its own between begin and end. */
extern char image_directory[], image_path[64];
void image_begin(void);
void image_end(void);
/* A shell's line; its status. */
int image_command(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* These fail the test when they do not succeed. */
void make_image(const char *options, unsigned kilobytes);
void open_image(struct image *image);
struct ext2_volume *open_volume(struct image *image);
void close_volume(struct image *image, struct ext2_volume *volume);
void check_clean(const char *what);

#endif
