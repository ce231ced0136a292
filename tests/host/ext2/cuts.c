/*
 * The power goes while pagers/ext2 writes, the disk fails, is full or damaged: what was promised is there, and all is whole.
 *
 * cuts [power|faults|full|damaged [TIMES]]
 */
#define _GNU_SOURCE /* memfd_create */
#include "pagers/ext2/ext2.h"
#include "tests/cuts/check.h"
#include "tests/cuts/device.h"
#include "tests/host/files/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { STOP_EVERY = 90, FSCK_EVERY = 5, NESTED_EVERY = 4, COMPARE_EVERY = 9, SEED = 11 };

static char log_path[] = "/tmp/portolan-cuts.XXXXXX";
static int file;
static char *made, *image; /* as mke2fs made it; what is looked at */
static uint64_t size;
static unsigned times = 1; /* so much more than a check has time for */

/* The tools of ext2 look at a file in memory. */
static int command(const char *what)
{
	char line[512];
	int status;

	snprintf(line, sizeof(line), "PATH=$PATH:/sbin:/usr/sbin; %s /proc/%d/fd/%d >%s 2>&1", what, (int)getpid(), file,
		log_path);
	status = system(line);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

static void show_log(void)
{
	char line[128];

	snprintf(line, sizeof(line), "head -n 12 %s", log_path);
	fflush(stdout);
	if (system(line))
		puts("no log");
}

static void put_image(const char *from)
{
	if (pwrite(file, from, size, 0) != (ssize_t)size)
		abort();
}

static void get_image(char *to)
{
	if (pread(file, to, size, 0) != (ssize_t)size)
		abort();
}

static bool make_image(const char *options, unsigned kilobytes)
{
	char line[256];

	size = kilobytes * 1024ull;
	if (ftruncate(file, 0) || ftruncate(file, (off_t)size))
		return false;
	snprintf(line, sizeof(line), "mke2fs -q -F %s", options);
	if (command(line))
		return false;
	made = realloc(made, size);
	image = realloc(image, size);
	get_image(made);
	return true;
}

static struct ext2_volume *open_volume(struct cuts_device *device, const char *when)
{
	struct ext2_volume *volume = NULL;
	char message[256];

	if (ext2_open(&device->device, 0, &volume, message, sizeof(message)) || message[0])
		printf("  %s: %s\n", when, message);
	return volume;
}

static void mark(struct cuts_history *history, uint32_t number)
{
	char text[16];

	cuts_note(history, LOSING_MARK, 0, text, (uint32_t)sprintf(text, "%u\n", number));
}

/* Does the plan from operation `first` to `last`; stops at the first error. *reached: the last that was begun. */
static int work(struct cuts_device *device, uint64_t seed, uint32_t first, uint32_t last, uint32_t *reached)
{
	struct ext2_volume *volume = open_volume(device, "at the start");
	int error = !volume ? EIO : first == 1 ? cuts_begin_plan(&volume->base, EXT2_ROOT_INO) : 0;

	if (!error)
		mark(device->history, 0);
	for (*reached = first; volume && !error; ++*reached) {
		const struct cuts_operation o = cuts_operation(seed, *reached);

		error = cuts_do(&volume->base, EXT2_ROOT_INO, seed, *reached);
		if (error)
			break;
		if (cuts_promises(&o))
			mark(device->history, *reached);
		if (*reached == last)
			break;
	}
	if (volume) {
		volume->read_only |= error != 0; /* as the power goes then */
		ext2_close(volume);
	}
	if (!error)
		mark(device->history, last);
	return error;
}

struct found {
	unsigned cuts, refused, wrong, unclean, orphans, stopped, compared, different;
};

/* The file system in `image` after a cut: it opens by itself, has what was promised, keeps no file without a name, and is whole. */
static void look(struct found *f, uint64_t seed, uint32_t promised, uint32_t last, bool fsck)
{
	struct cuts_device device;
	struct ext2_volume *volume;

	f->cuts++;
	cuts_device_init(&device, image, size, NULL);
	volume = open_volume(&device, "after the cut");
	if (!volume || volume->read_only) {
		f->refused++;
		if (volume)
			ext2_close(volume);
		return;
	}
	f->orphans += volume->fs->super->s_last_orphan != 0;
	f->wrong += cuts_check(&volume->base, EXT2_ROOT_INO, seed, promised, last) != 0;
	ext2_close(volume);
	if (!fsck)
		return;
	put_image(image);
	if (command("e2fsck -fn") != 0 && f->unclean++ < 2)
		show_log();
}

/* Where the journal is: its superblock says so of itself. */
static uint64_t find_journal(const char *in)
{
	for (uint64_t at = 1024; at < size; at += 1024) {
		const struct jbd2_header *header = (const void *)(in + at);

		if (jbd2_get(header->magic) == JBD2_MAGIC && jbd2_get(header->type) == JBD2_SUPERBLOCK_V2)
			return at;
	}
	return 0;
}

/* The log in `image` put into its place by us; false: there is none, or the superblock is torn. */
static bool replay(char *in)
{
	struct cuts_device device;
	struct ext2_journal *journal;
	ext2_filsys fs;
	const char *why;
	bool done;

	cuts_device_init(&device, in, size, NULL);
	ext2_io_set_device(&device.device);
	if (ext2fs_open2("device", NULL, EXT2_FLAG_64BITS, 0, 0, &ext2_io_manager, &fs))
		return false;
	done = ext2fs_has_feature_journal_needs_recovery(fs->super) &&
	       ext2_journal_open(&device.device, fs, &journal, &why) == 0;
	if (done) {
		done = ext2_journal_replay(journal, &why) == 0;
		ext2_journal_free(journal);
	}
	ext2fs_free(fs);
	return done;
}

/* e2fsck makes the same of it; the two superblocks say when and by whom. */
static void compare_replay(struct found *f)
{
	char *ours = malloc(size), *theirs = malloc(size);
	const uint64_t journal = find_journal(image);

	memcpy(ours, image, size);
	if (replay(ours)) {
		put_image(image);
		command("e2fsck -y -E journal_only");
		get_image(theirs);
		memset(ours + SUPERBLOCK_OFFSET, 0, 1024);
		memset(theirs + SUPERBLOCK_OFFSET, 0, 1024);
		memset(ours + journal, 0, 1024);
		memset(theirs + journal, 0, 1024);
		f->compared++;
		f->different += memcmp(ours, theirs, size) != 0;
	}
	free(ours);
	free(theirs);
}

/* A cut while the file system is opened after a cut. */
static void cut_again(struct found *f, uint64_t seed, uint32_t promised, uint32_t last)
{
	struct cuts_history history = {0};
	struct cuts_device device;
	struct ext2_volume *volume;
	struct cuts_medium medium = {.history = &history, .durable = malloc(size)};
	char *work_on = malloc(size);

	memcpy(medium.durable, image, size);
	memcpy(work_on, image, size);
	cuts_device_init(&device, work_on, size, &history);
	volume = open_volume(&device, "between two cuts");
	if (volume)
		ext2_close(volume);
	cuts_image(&medium, model_random((uint32_t)history.count + 1), model_random(1u << 30), image, size);
	look(f, seed, promised, last, true);
	free(medium.durable);
	free(work_on);
	cuts_forget(&history);
}

static int compare(const void *a, const void *b)
{
	const size_t x = *(const size_t *)a, y = *(const size_t *)b;

	return x < y ? -1 : x > y;
}

static void say(const char *name, const char *what, const struct found *f)
{
	check(f->refused == 0, "%s: %s: it opens for writing each time (%u)", name, what, f->cuts);
	check(f->wrong == 0, "%s: %s: what was promised is there, and nothing of another's", name, what);
	check(f->orphans == 0, "%s: %s: what was open without a name is gone", name, what);
	check(f->unclean == 0, "%s: %s: e2fsck finds nothing", name, what);
}

static void power(const char *name, const char *options, unsigned kilobytes, uint32_t operations, unsigned cuts)
{
	struct cuts_history history = {0};
	struct cuts_device device;
	struct cuts_medium medium = {.history = &history};
	struct found found = {0};
	size_t *at = calloc(cuts, sizeof(*at));
	char *memory;
	uint32_t reached = 0;
	int error = 0;

	if (!make_image(options, kilobytes)) {
		check(false, "%s: mke2fs works", name);
		return;
	}
	memory = malloc(size);
	memcpy(memory, made, size);
	medium.durable = malloc(size);
	memcpy(medium.durable, made, size);
	cuts_device_init(&device, memory, size, &history);
	for (uint32_t k = 1; k <= operations && !error; k += STOP_EVERY)
		error = work(&device, SEED, k, k + STOP_EVERY - 1 < operations ? k + STOP_EVERY - 1 : operations, &reached);
	check(error == 0, "%s: %u operations are done (%zu events)", name, operations, history.count);
	memcpy(image, memory, size);
	look(&found, SEED, operations, operations, true);
	for (unsigned i = 0; i < cuts; i++)
		at[i] = model_random((uint32_t)history.count);
	qsort(at, cuts, sizeof(*at), compare);
	for (unsigned i = 0; i < cuts; i++) {
		const uint32_t promised = cuts_promised(&history, at[i]);

		cuts_image(&medium, at[i], model_random(1u << 30), image, size);
		/* Before the folders are promised there is nothing to look for. */
		if (!promised)
			continue;
		if (i % COMPARE_EVERY == 0)
			compare_replay(&found);
		if (i % NESTED_EVERY == 0)
			cut_again(&found, SEED, promised, operations);
		else
			look(&found, SEED, promised, operations, i % FSCK_EVERY == 0);
	}
	say(name, "the power goes", &found);
	check(found.different == 0 && found.compared > cuts / COMPARE_EVERY / 2, "%s: e2fsck replays the same (%u times)", name,
		found.compared);
	free(at);
	free(memory);
	free(medium.durable);
	cuts_forget(&history);
}

/* --- A disk that fails. */

/* The plan on a disk of which one request fails, or all from then on; then the power goes. */
static void fault(struct found *f, size_t counter, uint64_t nth, bool on, char *memory, char *durable, uint32_t operations)
{
	struct cuts_history history = {0};
	struct cuts_device device;
	struct cuts_medium medium = {.history = &history, .durable = durable};
	uint32_t reached = 0, promised;

	memcpy(memory, made, size);
	memcpy(durable, made, size);
	cuts_device_init(&device, memory, size, &history);
	*(uint64_t *)(void *)((char *)&device + counter) = nth;
	device.fail_on = on;
	work(&device, SEED, 1, operations, &reached);
	f->stopped += device.failed;
	promised = cuts_promised(&history, history.count);
	cuts_image(&medium, history.count, model_random(1u << 30), image, size);
	if (promised)
		look(f, SEED, promised, reached, true);
	cuts_forget(&history);
}

static void disk_faults(const char *name, const char *options, unsigned kilobytes, uint32_t operations, unsigned turns)
{
	static const struct {
		const char *name;
		size_t nth, seen;
	} kinds[] = {
		{"reads", offsetof(struct cuts_device, fail_read), offsetof(struct cuts_device, reads)},
		{"writes", offsetof(struct cuts_device, fail_write), offsetof(struct cuts_device, writes)},
		{"flushes", offsetof(struct cuts_device, fail_flush), offsetof(struct cuts_device, flushes)},
	};
	struct cuts_history unused = {0};
	struct cuts_device device;
	char *memory, *durable;
	uint32_t reached;

	if (!make_image(options, kilobytes))
		return;
	memory = malloc(size);
	durable = malloc(size);
	memcpy(memory, made, size);
	cuts_device_init(&device, memory, size, &unused);
	check(work(&device, SEED, 1, operations, &reached) == 0, "%s: %u operations are done", name, operations);
	cuts_forget(&unused);
	for (unsigned k = 0; k < 3; k++) {
		const uint64_t total = *(uint64_t *)(void *)((char *)&device + kinds[k].seen);
		struct found found = {0};

		for (unsigned i = 0; i < turns; i++)
			fault(&found, kinds[k].nth,
				1 + model_random((uint32_t)total), i % 2, memory,
				durable, operations);
		check(found.stopped >= turns / 2, "%s: %s fail (%u of %u times)", name, kinds[k].name, found.stopped,
			turns);
		say(name, kinds[k].name, &found);
	}
	free(memory);
	free(durable);
}

/* --- A disk that is full. */

/* Links, each of which takes a block, until there is no more; then `room` of them go. */
static void fill(struct ext2_volume *volume, unsigned room)
{
	char target[80], name[32];
	uint64_t inode, victim;
	unsigned links = 0;

	memset(target, 't', sizeof(target));
	target[sizeof(target) - 1] = 0;
	do
		snprintf(name, sizeof(name), "filler-%u", links);
	while (ext2_symlink(&volume->base, EXT2_ROOT_INO, name, target, 0, 0, &inode) == 0 && ++links);
	volume->base.operations->commit(&volume->base);
	while (room-- && links--) {
		snprintf(name, sizeof(name), "filler-%u", links);
		if (ext2_unlink(&volume->base, EXT2_ROOT_INO, name, 0, &victim) == 0)
			ext2_forget(&volume->base, victim);
		volume->base.operations->commit(&volume->base);
	}
}

static void full(const char *name, const char *options, unsigned kilobytes, unsigned turns)
{
	struct cuts_device device;
	struct found found = {0};
	char *memory;
	uint32_t reached = 0;
	unsigned ended = 0;

	if (!make_image(options, kilobytes))
		return;
	memory = malloc(size);
	for (unsigned i = 0; i < turns; i++) {
		struct ext2_volume *volume;
		uint32_t promised = 0;
		int error = 0;

		memcpy(memory, made, size);
		cuts_device_init(&device, memory, size, NULL);
		volume = open_volume(&device, "to be filled");
		if (!volume || cuts_begin_plan(&volume->base, EXT2_ROOT_INO))
			break;
		fill(volume, i * 3);
		for (reached = 1; reached < 200 && !error; reached++) {
			const struct cuts_operation o = cuts_operation(SEED + i, reached);

			error = cuts_do(&volume->base, EXT2_ROOT_INO, SEED + i, reached);
			if (!error && cuts_promises(&o))
				promised = reached;
		}
		ended += error == ENOSPC;
		ext2_close(volume);
		memcpy(image, memory, size);
		look(&found, SEED + i, promised, reached, true);
	}
	check(ended > turns / 2, "%s: there is no room (%u of %u times)", name, ended, turns);
	say(name, "a full disk", &found);
	free(memory);
}

/* --- A disk that is damaged. */

/* In a process of its own: 0, 1 when a file shows what is another's; or a signal. */
static int look_at_damaged(uint32_t last, bool compare_it)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct cuts_device device;
		struct ext2_volume *volume;
		char message[256];
		unsigned strangers = 0;

		alarm(60);
		cuts_device_init(&device, image, size, NULL);
		if (ext2_open(&device.device, 0, &volume, message, sizeof(message)) == 0) {
			strangers = cuts_check_strangers(&volume->base, EXT2_ROOT_INO, SEED, last);
			model_abuse(&volume->base, 20);
			ext2_close(volume);
		}
		fflush(stdout);
		_exit(compare_it && strangers != 0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

static void damaged(const char *name, const char *options, unsigned kilobytes, unsigned block_size, unsigned images,
	bool checksums)
{
	struct cuts_history history = {0};
	struct cuts_device device;
	struct cuts_medium medium = {.history = &history};
	unsigned crashed = 0, strangers = 0;
	uint32_t reached;
	uint64_t journal;
	char *memory;

	if (!make_image(options, kilobytes))
		return;
	memory = malloc(size);
	medium.durable = malloc(size);
	memcpy(memory, made, size);
	memcpy(medium.durable, made, size);
	journal = find_journal(made);
	cuts_device_init(&device, memory, size, &history);
	work(&device, SEED, 1, 120, &reached);
	for (unsigned i = 0; i < images; i++) {
		unsigned count = 1 + model_random(i % 4 ? 12 : 200);
		int status;

		cuts_image(&medium, history.count / 2 + i * history.count / 3 / images, 8, image, size);
		while (count--) {
			const uint64_t at = model_random(3) ? journal + model_random(80 * block_size)
							    : model_random(200 << 10);

			image[at] = model_random(4) ? (char)model_random(256) : (char)(image[at] ^ 1 << model_random(8));
		}
		status = look_at_damaged(120, checksums);
		crashed += !WIFEXITED(status) || WEXITSTATUS(status) > 1;
		strangers += WIFEXITED(status) && WEXITSTATUS(status) == 1;
	}
	check(crashed == 0, "%s: %u damaged disks with a journal: no crash and no hang", name, images);
	if (checksums)
		check(strangers == 0, "%s: and no file shows what is another's", name);
	free(memory);
	free(medium.durable);
	cuts_forget(&history);
}

static const char *only;

static bool wanted(const char *part)
{
	return !only || strcmp(only, part) == 0;
}

int main(int argc, char **argv)
{
	only = argc > 1 ? argv[1] : NULL;
	times = argc > 2 ? (unsigned)atoi(argv[2]) : 1;
	model_seed(5);
	file = memfd_create("image", 0);
	if (file < 0 || mkstemp(log_path) < 0)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (wanted("faults"))
		disk_faults("ext4", "-t ext4 -b 4096", 16384, 80, 12 * times);
	if (wanted("full"))
		full("ext4", "-t ext4 -b 1024", 6144, 12 * times);
	if (wanted("damaged")) {
		damaged("ext4", "-t ext4 -b 1024", 8192, 1024, 120 * times, true);
		damaged("ext4 without checksums", "-t ext4 -b 1024 -O ^metadata_csum", 8192, 1024, 80 * times,
			false);
	}
	if (wanted("power"))
		power("ext4", "-t ext4 -b 4096", 16384, 360, 110 * times);
	if (wanted("power"))
		power("ext4 with small blocks", "-t ext4 -b 1024", 16384, 300, 80 * times);
	if (wanted("power"))
		power("ext3", "-t ext3 -b 1024", 16384, 240, 50 * times);
	unlink(log_path);
	return failures != 0;
}
