/* pagers/ext2 is killed at any moment: the next program finds what was completed, all of it and nothing else. */
#define _GNU_SOURCE /* asprintf */
#include "pagers/ext2/ext2.h"
#include "tests/host/files/model.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	ROUNDS = 120,
	STOP_EVERY = 20,
	NAMES = 14,
	DIRECTORIES = 4,
	LIST_SIZE = 1 << 16,
	KILL_US = 12000,
	WAIT_US = 200,
	OPERATIONS_MOST = 4, /* that are waited for in a round */
	IMAGE_KB = 16384
};
enum { CONTENTS_MAX = 90000 };
enum { TRUNCATE = 8 }; /* of the kinds of operations */

struct image {
	struct ext2_device device;
	int fd;
};

/* What the program that is killed and the one that checks it both see. */
static struct shared {
	volatile unsigned completed; /* operations */
	int error;
	char list[LIST_SIZE];
} * shared;

static char directory[] = "/tmp/portolan-killed.XXXXXX";
static char path[2][64];

static int image_read(struct ext2_device *device, uint64_t offset, size_t size, void *buffer)
{
	return pread(((struct image *)device)->fd, buffer, size, (off_t)offset) == (ssize_t)size ? 0 : EIO;
}

static int image_read_pages(struct ext2_device *device, uint64_t offset, size_t size, void **pages)
{
	*pages = pk_pages_allocate(size);
	return *pages ? image_read(device, offset, size, *pages) : ENOMEM;
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

static struct ext2_volume *open_image(const char *name, void *kept)
{
	static struct image image[2];
	struct image *i = &image[kept == NULL];
	struct ext2_volume *volume = NULL;
	char message[256];

	i->fd = open(name, O_RDWR);
	i->device = (struct ext2_device){.size = (uint64_t)lseek(i->fd, 0, SEEK_END),
		.kept = kept,
		.read = image_read,
		.read_pages = image_read_pages,
		.write = image_write,
		.flush = image_flush};
	if (ext2_open(&i->device, 0, &volume, message, sizeof(message)) || message[0])
		printf("%s: %s\n", name, message);
	return volume;
}

/* --- Operations: the number of one says all of what it does. */

struct choice {
	uint64_t state;
};

static unsigned choose(struct choice *c, unsigned below)
{
	c->state = c->state * 6364136223846793005ull + 1442695040888963407ull;
	return (unsigned)(c->state >> 33) % below;
}

static uint64_t directory_of(struct fk_volume *v, unsigned number)
{
	char name[8];
	uint64_t inode = v->operations->root;

	sprintf(name, "d%u", number);
	if (number)
		v->operations->look_up(v, v->operations->root, name, &inode);
	return inode;
}

static void lost(struct fk_volume *v, uint64_t victim)
{
	if (victim)
		v->operations->forget(v, victim);
}

static void write_file(struct fk_volume *v, uint64_t inode, struct choice *c, unsigned number)
{
	static char contents[CONTENTS_MAX];
	size_t size = choose(c, CONTENTS_MAX);

	for (size_t i = 0; i < size; i++)
		contents[i] = (char)(number + i * 7);
	model_write(v, inode, 0, contents, size);
}

/* In two operations, as the kit does it: between them the kernel drops its pages. */
static void truncate_file(struct fk_volume *v, uint64_t inode, uint64_t size)
{
	struct file_attributes old;

	if (v->operations->get_attributes(v, inode, &old) || v->operations->set_size(v, inode, size))
		return;
	v->operations->commit(v);
	v->operations->trim(v, inode, size <= old.size);
}

/* again: only what a client asks for again when it has no answer. */
static void operate(struct fk_volume *v, unsigned number, bool again)
{
	const struct fk_operations *o = v->operations;
	struct choice c = {number * 0x9e3779b97f4a7c15ull + 1};
	struct file_attributes values = {.mode = LINUX_S_IFREG | 0644};
	unsigned at = choose(&c, DIRECTORIES), to = choose(&c, DIRECTORIES);
	uint64_t from_directory, to_directory, inode, victim = 0;
	char name[64], other[64];
	unsigned what;

	sprintf(name, "%s%u", choose(&c, 3) ? "f" : "a-rather-long-name-for-a-file-", choose(&c, NAMES));
	sprintf(other, "f%u", choose(&c, NAMES));
	from_directory = directory_of(v, at);
	to_directory = directory_of(v, to);
	what = choose(&c, 12);
	if (again && what != TRUNCATE)
		return;
	switch (what) {
	case 0:
		values.mode = LINUX_S_IFDIR | 0755;
		sprintf(name, "d%u", at);
		o->create(v, o->root, name, &values, &inode);
		break;
	case 1:
		sprintf(name, "d%u", at);
		if (o->unlink(v, o->root, name, 1, &victim) == 0)
			lost(v, victim);
		break;
	case 2:
		o->symlink(v, from_directory, name,
			"a target that is too long to stand in the inode, by a few bytes more", 0, 0, &inode);
		break;
	case 3:
	case 4:
		if (o->rename(v, from_directory, name, to_directory, other, 0, &victim) == 0)
			lost(v, victim);
		break;
	case 5:
		if (o->look_up(v, from_directory, name, &inode) == 0)
			o->link(v, inode, to_directory, other);
		break;
	case 6:
	case 7:
		if (o->unlink(v, from_directory, name, 0, &victim) == 0)
			lost(v, victim);
		break;
	case TRUNCATE:
		if (o->look_up(v, from_directory, name, &inode) == 0)
			truncate_file(v, inode, choose(&c, CONTENTS_MAX));
		break;
	case 9:
		o->sync(v);
		break;
	default:
		/* Only of a new file: what is written over is not undone, nobody promises that. */
		if (o->create(v, from_directory, name, &values, &inode) == 0)
			write_file(v, inode, &c, number);
	}
	o->commit(v);
}

/* --- What is there. */

static int compare_lines(const void *a, const void *b)
{
	return strcmp(*(char *const *)a, *(char *const *)b);
}

static unsigned sum_of(struct fk_volume *v, uint64_t inode, uint64_t size)
{
	static char contents[2 * CONTENTS_MAX];
	unsigned sum = 0;

	if (size > sizeof(contents) || model_read(v, inode, 0, size, contents))
		return ~0u;
	for (uint64_t i = 0; i < size; i++)
		sum = sum * 31 + (unsigned char)contents[i];
	return sum;
}

/* A line for each entry, sorted. */
static void list(struct fk_volume *v, char *out, bool close)
{
	static char buffer[FILE_ENTRIES_SIZE];
	char *line[1024];
	unsigned lines = 0;

	for (unsigned d = 0; d < DIRECTORIES; d++) {
		uint64_t inode = directory_of(v, d), cookie = 0;
		size_t used;

		if (d && inode == v->operations->root)
			continue;
		while (v->operations->read_directory(v, inode, cookie, buffer, sizeof(buffer), &used) == 0 && used)
			for (size_t at = 0; at < used;) {
				struct file_entry *e = (struct file_entry *)(void *)(buffer + at);
				struct file_attributes a = {0};
				int error = v->operations->get_attributes(v, e->inode, &a);
				bool file = LINUX_S_ISREG(a.mode);

				if (asprintf(&line[lines++], "%u/%s: mode %llo links %llu size %llu error %d sum %x\n",
					    d, e->name, (unsigned long long)a.mode, (unsigned long long)a.links,
					    file ? (unsigned long long)a.size : 0, error,
					    file ? sum_of(v, e->inode, a.size) : 0) < 0)
					abort();
				/* Nobody has it open any more: what a cut left beyond the end goes. */
				if (file && close)
					v->operations->forget(v, e->inode);
				cookie = e->cookie;
				at += e->length;
			}
	}
	qsort(line, lines, sizeof(line[0]), compare_lines);
	*out = 0;
	for (unsigned i = 0; i < lines; i++) {
		strcat(out, line[i]);
		free(line[i]);
	}
}

/* --- Rounds. */

static void *kept;

/* A program that goes on until it is killed. */
static void kill_one(const char *image)
{
	const unsigned enough = shared->completed + (unsigned)model_random(OPERATIONS_MOST);
	pid_t child = fork();

	if (child == 0) {
		struct ext2_volume *volume = open_image(image, kept);

		if (volume && shared->completed)
			operate(&volume->base, shared->completed - 1, true);
		for (unsigned i = shared->completed; volume; shared->completed = ++i)
			operate(&volume->base, i, false);
		_exit(1);
	}
	/* After so many operations at least, however slow the machine is, and at any moment of the next. */
	while (shared->completed < enough && waitpid(child, NULL, WNOHANG) == 0)
		usleep(WAIT_US);
	usleep(model_random(KILL_US));
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
}

/* Another one, which only looks, and stops the file system if it is told to. */
static bool look(const char *image, bool stop)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct ext2_volume *volume = open_image(image, kept);

		if (!volume || volume->read_only)
			_exit(1);
		list(&volume->base, shared->list, stop);
		if (stop)
			ext2_close(volume);
		_exit(0);
	}
	waitpid(child, &status, 0);
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static int command(const char *what, const char *image)
{
	char line[256];
	int status;

	snprintf(line, sizeof(line), "PATH=$PATH:/sbin:/usr/sbin; %s %s >%s.log 2>&1", what, image, image);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void run(const char *kind, const char *options)
{
	static char expected[LIST_SIZE], line[160];
	struct ext2_volume *reference;
	unsigned done = 0, wrong = 0, unclean = 0, ahead = 0, refused = 0;

	for (int i = 0; i < 2; i++) {
		snprintf(line, sizeof(line), "mke2fs -q -F %s", options);
		truncate(path[i], 0);
		check(creat(path[i], 0600) >= 0 && truncate(path[i], IMAGE_KB * 1024) == 0 &&
				command(line, path[i]) == 0,
			"%s: mke2fs", kind);
	}
	memset(kept, 0, EXT2_KEPT_SIZE);
	shared->completed = 0;
	reference = open_image(path[0], NULL);
	for (unsigned round = 1; round <= ROUNDS; round++) {
		bool stop = round % STOP_EVERY == 0;

		kill_one(path[1]);
		while (done < shared->completed)
			operate(&reference->base, done++, false);
		list(&reference->base, expected, false);
		if (!look(path[1], stop)) {
			refused++;
			break;
		}
		if (strcmp(shared->list, expected) != 0) {
			/* The next had been completed before it was counted. */
			operate(&reference->base, done++, false);
			shared->completed = done;
			list(&reference->base, expected, false);
			ahead++;
			if (strcmp(shared->list, expected) != 0 && wrong++ == 0)
				printf("operation %u, wanted:\n%sgot:\n%s", done, expected, shared->list);
		}
		if (stop && command("e2fsck -fn", path[1]) != 0 && unclean++ == 0) {
			snprintf(line, sizeof(line), "cat %s.log", path[1]);
			system(line);
		}
	}
	check(refused == 0, "%s: killed %u times, it opens for writing each time", kind, ROUNDS);
	check(wrong == 0, "%s: after %u operations all that was completed is there and nothing else", kind, done);
	check(unclean == 0, "%s: and e2fsck finds it clean when it is stopped", kind);
	check(done > ROUNDS && ahead < ROUNDS / 2, "%s: operations are done (%u) and undone", kind, done);
	ext2_close(reference);
}

int main(void)
{
	model_seed(7);
	if (!mkdtemp(directory))
		return 1;
	snprintf(path[0], sizeof(path[0]), "%s/reference", directory);
	snprintf(path[1], sizeof(path[1]), "%s/killed", directory);
	kept = mmap(NULL, EXT2_KEPT_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	run("ext4", "-t ext4 -b 4096");
	run("ext2 with small blocks", "-t ext2 -b 1024");
	{
		char line[64];

		snprintf(line, sizeof(line), "rm -r %s", directory);
		system(line);
	}
	return failures != 0;
}
