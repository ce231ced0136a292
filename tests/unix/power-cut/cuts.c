/*
 * cuts BASE LOG FOLDER SEED LAST COUNT [IMAGE]: what power cuts would have left of the root disk BASE, to which
 * losing-disk has noted in LOG what was written: COUNT of them. Each is opened and checked as the pager does it, and by
 * e2fsck. The last goes to IMAGE as it is.
 *
 * cuts IMAGE FOLDER SEED PROMISED LAST: looks at a disk as it is.
 */
#define _GNU_SOURCE
#include "pagers/ext2/ext2.h"
#include "tests/cuts/check.h"
#include "tests/cuts/device.h"
#include "tests/host/files/model.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PARTITION = 1 << 20 };

static uint64_t size; /* of the file system */
static const char *folder;

static char *load(const char *path)
{
	int fd = open(path, O_RDONLY);
	struct stat st;
	char *data;

	if (fd < 0 || fstat(fd, &st) || st.st_size <= PARTITION)
		return NULL;
	size = (uint64_t)st.st_size - PARTITION;
	data = malloc(size);
	for (uint64_t at = 0; data && at < size;) {
		ssize_t n = pread(fd, data + at, size - at, (off_t)(PARTITION + at));

		if (n <= 0)
			return NULL;
		at += (uint64_t)n;
	}
	close(fd);
	return data;
}

static bool is_whole(const char *image)
{
	static int file = -1;
	char line[160];
	int status;

	if (file < 0)
		file = memfd_create("image", 0);
	if (pwrite(file, image, size, 0) != (ssize_t)size)
		return false;
	snprintf(line, sizeof(line), "PATH=$PATH:/sbin:/usr/sbin; e2fsck -fn /proc/%d/fd/%d >fsck 2>&1", (int)getpid(),
		file);
	status = system(line);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* Opens, compares, stops; false: it does not open for writing. */
static bool look(char *image, uint64_t seed, uint32_t promised, uint32_t last, unsigned *wrong)
{
	struct cuts_device device;
	struct ext2_volume *volume;
	char message[256];
	uint64_t root;

	cuts_device_init(&device, image, size, NULL);
	if (ext2_open(&device.device, 0, &volume, message, sizeof(message)) || volume->read_only) {
		printf("  promised %u: %s\n", promised, message);
		return false;
	}
	if (ext2_look_up(&volume->base, EXT2_ROOT_INO, folder, &root))
		*wrong += 1;
	else
		*wrong += cuts_check(&volume->base, root, seed, promised, last) != 0;
	ext2_close(volume);
	return true;
}

static bool store(const char *base, const char *path, const char *image)
{
	char line[512];
	int fd;

	snprintf(line, sizeof(line), "cp --sparse=always '%s' '%s'", base, path);
	if (system(line) || (fd = open(path, O_WRONLY)) < 0)
		return false;
	return pwrite(fd, image, size, PARTITION) == (ssize_t)size && close(fd) == 0;
}

static int compare(const void *a, const void *b)
{
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

int main(int argc, char **argv)
{
	struct cuts_history history = {0};
	struct cuts_medium medium = {.history = &history};
	unsigned wrong = 0, unclean = 0, refused = 0, count, done = 0;
	uint64_t seed;
	uint32_t last;
	char *image;
	size_t *at, first = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	if (argc == 6) {
		folder = argv[2];
		image = load(argv[1]);
		if (!image)
			return 2;
		check(is_whole(image), "the disk is whole");
		check(look(image, strtoull(argv[3], NULL, 10), (uint32_t)atoi(argv[4]), (uint32_t)atoi(argv[5]), &wrong) &&
				!wrong,
			"the disk has what was promised");
		return failures != 0;
	}
	if (argc < 7)
		return 2;
	folder = argv[3];
	seed = strtoull(argv[4], NULL, 10);
	last = (uint32_t)atoi(argv[5]);
	count = (unsigned)atoi(argv[6]);
	medium.durable = load(argv[1]);
	image = malloc(size);
	at = calloc(count, sizeof(*at));
	if (!medium.durable || !cuts_load(&history, argv[2]))
		return 2;
	for (size_t i = 0; i < history.count; i++)
		if (history.events[i].kind == LOSING_WRITE)
			history.events[i].offset -= PARTITION;
	/* Before the first mark there is nothing to look for. */
	while (first < history.count && history.events[first].kind != LOSING_MARK)
		first++;
	if (first == history.count)
		return 2;
	model_seed(seed);
	for (unsigned i = 0; i < count; i++)
		at[i] = first + 1 + model_random((uint32_t)(history.count - first));
	qsort(at, count, sizeof(*at), compare);
	for (unsigned i = 0; i < count; i++, done++) {
		const uint32_t promised = cuts_promised(&history, at[i]);

		cuts_image(&medium, at[i], model_random(1u << 30), image, size);
		if (i + 1 == count && argc > 7 && !store(argv[1], argv[7], image))
			return 2;
		if (i + 1 == count)
			fprintf(stderr, "%u\n", promised);
		if (!look(image, seed, promised, last, &wrong))
			refused++;
		else if (!is_whole(image))
			unclean++;
	}
	printf("%zu events, of them %zu before the plan\n", history.count, first);
	check(refused == 0, "%u power cuts: it opens for writing each time", done);
	check(wrong == 0, "%u power cuts: what was promised is there, and nothing of another's", done);
	check(unclean == 0, "%u power cuts: e2fsck finds nothing", done);
	return failures != 0;
}
