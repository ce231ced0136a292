/* churn FOLDER SEED FIRST LAST: does these operations of a plan (tests/cuts/plan.h), and says each number whose
 * promise holds. */
#define _GNU_SOURCE
#include "tests/cuts/plan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

static char buffer[CUTS_SIZE_MAX + 16];

static void fail(const char *what, uint32_t number)
{
	fprintf(stderr, "churn: operation %u: %s: %s\n", number, what, strerror(errno));
	exit(1);
}

static void sync_folder(const struct cuts_operation *o)
{
	char name[16];
	int fd;

	snprintf(name, sizeof(name), "d%u", o->folder);
	fd = open(name, O_RDONLY | O_DIRECTORY);
	if (fd < 0 || fsync(fd))
		fail("fsync of the folder", o->number);
	close(fd);
}

/* By write or by a mapping. */
static void write_cells(int fd, const struct cuts_operation *o, uint32_t from, uint32_t size)
{
	cuts_fill(buffer, cuts_owner(o), o->number, from, o->size);
	if (o->number % 4) {
		if (pwrite(fd, buffer, o->size, from) != (ssize_t)o->size)
			fail("write", o->number);
	} else {
		const uint32_t end = from + o->size > size ? from + o->size : size;
		char *mapped = ftruncate(fd, end) ? MAP_FAILED
						  : mmap(NULL, end, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

		if (mapped == MAP_FAILED)
			fail("mmap", o->number);
		memcpy(mapped + from, buffer, o->size);
		munmap(mapped, end);
	}
}

static void replace(const struct cuts_operation *o)
{
	char temporary[32], name[32];
	int fd;

	snprintf(temporary, sizeof(temporary), "d%u/t%u", o->folder, o->number);
	snprintf(name, sizeof(name), "d%u/r%u", o->folder, o->slot);
	if (o->kind == CUTS_REMOVE) {
		if (unlink(name) && errno != ENOENT)
			fail("unlink", o->number);
		sync_folder(o);
		return;
	}
	fd = open(temporary, O_RDWR | O_CREAT | O_TRUNC, 0644);
	if (fd < 0)
		fail("open", o->number);
	write_cells(fd, o, 0, 0);
	if (o->number % 2 ? fdatasync(fd) : fsync(fd))
		fail("fsync", o->number);
	close(fd);
	if (rename(temporary, name))
		fail("rename", o->number);
	sync_folder(o);
}

static void change(const struct cuts_operation *o)
{
	char name[32];
	struct stat st;
	uint32_t size;
	int fd;

	snprintf(name, sizeof(name), "d%u/o%u", o->folder, o->slot);
	fd = open(name, O_RDWR | O_CREAT, 0644);
	if (fd < 0 || fstat(fd, &st))
		fail("open", o->number);
	size = (uint32_t)st.st_size;
	if (o->kind == CUTS_CUT && ftruncate(fd, cuts_size_after(o, size)))
		fail("ftruncate", o->number);
	if (o->kind == CUTS_OVERWRITE || (o->kind == CUTS_APPEND && cuts_size_after(o, size) != size))
		write_cells(fd, o, cuts_begin(o, size), size);
	if (o->kind != CUTS_CUT && o->number % 2 ? fdatasync(fd) : fsync(fd))
		fail("fsync", o->number);
	close(fd);
	if (size == 0)
		sync_folder(o);
}

static bool find(uint32_t other, char *path)
{
	for (uint32_t i = 0; i < CUTS_FOLDERS; i++) {
		sprintf(path, "d%u/u%u", i, other);
		if (access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* Whether one of these succeeds does not matter. */
static void scratch(const struct cuts_operation *o)
{
	char from[32], to[32];
	const bool found = find(o->other, from);
	int fd, result = 0;

	switch (o->kind) {
	case CUTS_WRITE:
		snprintf(to, sizeof(to), "d%u/u%u", o->folder, o->number);
		fd = open(to, O_RDWR | O_CREAT, 0644);
		if (fd < 0)
			fail("open", o->number);
		write_cells(fd, o, 0, 0);
		close(fd);
		break;
	case CUTS_LINK:
		snprintf(to, sizeof(to), "d%u/h%u", o->folder, o->other);
		result = found && link(from, to);
		break;
	case CUTS_MOVE:
		snprintf(to, sizeof(to), "d%u/u%u", o->folder, o->other);
		result = found && rename(from, to);
		break;
	case CUTS_UNLINK:
		fd = found ? open(from, O_RDONLY) : -1;
		result = found && unlink(from);
		if (fd >= 0 && o->number % 5) /* some stay open, without a name */
			close(fd);
		break;
	case CUTS_SHRINK:
		result = found && truncate(from, o->size / 2 / 16 * 16);
		break;
	case CUTS_FOLDER:
		snprintf(to, sizeof(to), "d%u/x%u", o->folder, o->number % 7);
		result = mkdir(to, 0755) && rmdir(to);
		break;
	default:
		snprintf(to, sizeof(to), "d%u/l%u", o->folder, o->number % 5);
		result = symlink("a target that is longer than what an inode has room for, by some bytes", to) &&
			 unlink(to);
	}
	(void)result;
}

int main(int argc, char **argv)
{
	uint64_t seed;

	if (argc != 5)
		return 2;
	seed = strtoull(argv[2], NULL, 10);
	if (mkdir(argv[1], 0755) == 0 && chdir(argv[1]) == 0) {
		for (unsigned i = 0; i < CUTS_FOLDERS; i++) {
			char name[16];

			snprintf(name, sizeof(name), "d%u", i);
			if (mkdir(name, 0755))
				fail("mkdir", 0);
		}
		sync();
		puts("0");
	} else if (chdir(argv[1])) {
		fail("chdir", 0);
	}
	for (uint32_t k = (uint32_t)atoi(argv[3]); k <= (uint32_t)atoi(argv[4]); k++) {
		const struct cuts_operation o = cuts_operation(seed, k);

		if (o.kind <= CUTS_REMOVE)
			replace(&o);
		else if (o.kind <= CUTS_CUT)
			change(&o);
		else if (o.kind == CUTS_SYNC)
			sync();
		else
			scratch(&o);
		if (cuts_promises(&o)) {
			printf("%u\n", k);
			fflush(stdout);
		}
	}
	puts("end");
	return 0;
}
