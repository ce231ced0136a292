/* pagers/ext2 over image files made by mke2fs: the model, e2fsck, a full disk, times, links, damaged images. */
#include "tests/host/ext2/image.h"
#include "tests/host/files/model.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static void run(const char *name, const char *options, unsigned kilobytes, unsigned operations)
{
	struct image image;
	struct ext2_volume *volume;
	unsigned round;

	make_image(options, kilobytes);
	volume = open_volume(&image);
	model_seed(kilobytes);
	model_begin(&volume->base);
	for (round = 0; round < 3; round++) {
		check(model_run(operations) == 0, "ext2 %s: %u operations agree with the model", name, operations);
		check(model_compare() == 0, "ext2 %s: the tree is the model's", name);
		if (round == 1)
			model_drop_open();
		if (round == 1) {
			close_volume(&image, volume);
			check_clean(name);
			volume = open_volume(&image);
			model_reopen(&volume->base);
			check(model_compare() == 0, "ext2 %s: the tree is the same when opened again", name);
		}
	}
	model_drop_open();
	model_end();
	close_volume(&image, volume);
	check_clean(name);
}

static void full(const char *name, const char *options)
{
	struct file_attributes values = {.mode = LINUX_S_IFREG | 0644}, a;
	struct file_system_info before, after;
	struct image image;
	struct ext2_volume *volume;
	struct fk_volume *base;
	static char data[300000];
	uint64_t inode, victim, offset = 0, made = 0;
	char file[32];
	int error;

	make_image(options, 4096);
	volume = open_volume(&image);
	base = &volume->base;
	base->operations->info(base, &before);
	base->operations->create(base, 2, "full", &values, &inode);
	while ((error = model_write(base, inode, offset, data, sizeof(data))) == 0)
		offset += sizeof(data);
	check(error == ENOSPC && offset > 1000000, "ext2 %s: a full disk says ENOSPC", name);
	check(base->operations->get_attributes(base, inode, &a) == 0 && a.size == offset,
		"ext2 %s: the size is what fitted", name);
	do {
		snprintf(file, sizeof(file), "name-of-a-file-%u", (unsigned)made);
		error = base->operations->symlink(base, 2, file, data[0] ? "x" : image_path, 0, 0, &victim);
	} while (error == 0 && ++made < 20000);
	check(error == ENOSPC, "ext2 %s: no more files: ENOSPC", name);
	check(base->operations->unlink(base, 2, "full", 0, &victim) == 0 && victim == inode,
		"ext2 %s: a full disk can be emptied", name);
	base->operations->forget(base, victim);
	while (made--) {
		snprintf(file, sizeof(file), "name-of-a-file-%u", (unsigned)made);
		base->operations->unlink(base, 2, file, 0, &victim);
		base->operations->forget(base, victim);
	}
	base->operations->info(base, &after);
	/* The root directory has grown, nothing else stays. */
	check(after.files_free == before.files_free && after.blocks_free + 64 > before.blocks_free,
		"ext2 %s: the space is free again", name);
	close_volume(&image, volume);
	check_clean(name);
}

/* A file without a name that is open when the file system is stopped, as at a power cut, is freed by the next. */
static void unnamed(void)
{
	struct file_attributes values = {.mode = LINUX_S_IFREG | 0600}, a;
	struct file_system_info before, after;
	struct image image;
	struct ext2_volume *volume;
	struct fk_volume *base;
	uint64_t inode;
	char data[20000] = {1};

	make_image("-t ext4 -b 4096", 8192);
	volume = open_volume(&image);
	base = &volume->base;
	base->operations->info(base, &before);
	check(base->operations->create(base, 2, "", &values, &inode) == 0 &&
			base->operations->get_attributes(base, inode, &a) == 0 && a.links == 0,
		"ext2: a file is made without a name");
	check(model_write(base, inode, 0, data, sizeof(data)) == 0, "ext2: and written");
	base->operations->commit(base);
	close_volume(&image, volume);
	volume = open_volume(&image);
	base = &volume->base;
	base->operations->info(base, &after);
	check(after.files_free == before.files_free && after.blocks_free == before.blocks_free,
		"ext2: who opens the file system again frees it");
	close_volume(&image, volume);
	check_clean("a file without a name");
}

static void attributes(void)
{
	struct file_attributes values = {.mode = LINUX_S_IFREG | 0644}, a;
	struct image image;
	struct ext2_volume *volume;
	struct fk_volume *base;
	uint64_t inode, other, victim;
	static char data[20000], got[20000];
	unsigned i;
	static const int64_t times[] = {0, 1, 999999999, 1700000000123456789, 2147483648000000001, 4294967296000000002,
		-1, -1000000000000000000, 8589934592000000003};

	make_image("-t ext4 -b 4096", 8192);
	volume = open_volume(&image);
	base = &volume->base;
	base->operations->create(base, 2, "times", &values, &inode);
	for (i = 0; i < sizeof(times) / sizeof(times[0]); i++) {
		values.modify_time = times[i];
		values.access_time = times[i];
		base->operations->set_attributes(base, inode, FILE_SET_MODIFY_TIME | FILE_SET_ACCESS_TIME, &values);
		base->operations->get_attributes(base, inode, &a);
		check(a.modify_time == times[i] && a.access_time == times[i], "ext2: the time %lld ns is kept",
			(long long)times[i]);
	}
	check(base->operations->allocate(base, inode, 0, 1 << 20, 0) == 0, "ext2: space can be kept beyond the size");
	base->operations->get_attributes(base, inode, &a);
	check(a.size == 0 && a.blocks == 2048, "ext2: what is kept does not change the size");
	base->operations->forget(base, inode);
	base->operations->get_attributes(base, inode, &a);
	check(a.blocks == 0, "ext2: what was kept is given back");
	/* A page from the disk that is written in part, cut, and extended again. */
	memset(data, 'd', sizeof(data));
	model_write(base, inode, 0, data, sizeof(data));
	model_truncate(base, inode, 5000);
	model_truncate(base, inode, 20000);
	check(model_read(base, inode, 0, sizeof(got), got) == 0 && memcmp(got, data, 5000) == 0 && got[5000] == 0 &&
			memcmp(got + 5000, got + 5001, sizeof(got) - 5001) == 0,
		"ext2: growing again shows zeros");
	check(base->operations->rename(base, 2, "times", 2, "times", 0, &victim) == 0, "ext2: a name for itself");
	check(base->operations->rename(base, 2, ".", 2, "x", 0, &victim) == EBUSY, "ext2: . cannot be renamed");
	check(base->operations->link(base, inode, 2, "link") == 0 &&
			base->operations->rename(base, 2, "link", 2, "times", 0, &victim) == 0 &&
			base->operations->look_up(base, 2, "link", &other) == 0,
		"ext2: two links of a file: rename does nothing");
	check(base->operations->look_up(base, 2, "none", &other) == ENOENT, "ext2: no such name");
	memset(got, 'n', 256);
	got[256] = 0;
	check(base->operations->create(base, 2, got, &values, &other) == ENAMETOOLONG, "ext2: a name of 256 bytes");
	check(base->operations->look_up(base, inode, "x", &other) == ENOTDIR, "ext2: a file is no directory");
	close_volume(&image, volume);
	check(image_command("PATH=$PATH:/sbin:/usr/sbin debugfs -R 'cat /times' %s 2>/dev/null | head -c 5000 | cmp -s - "
		      "%s/wanted",
		      image_path, image_directory) != 0,
		"ext2: the comparison can fail");
	check(image_command("head -c 5000 /dev/zero | tr '\\0' d >%s/wanted; PATH=$PATH:/sbin:/usr/sbin debugfs -R 'cat "
		      "/times' %s "
		      "2>/dev/null | head -c 5000 | cmp - %s/wanted",
		      image_directory, image_path, image_directory) == 0,
		"ext2: debugfs reads what was written");
	check_clean("attributes");
}

static void refused(const char *what, const char *options, const char *change, const char *said, bool opens)
{
	struct image image;
	struct ext2_volume *volume = NULL;
	char message[256];
	int error;

	make_image(options, 4096);
	if (change)
		image_command("PATH=$PATH:/sbin:/usr/sbin %s %s >/dev/null 2>&1", change, image_path);
	open_image(&image);
	error = ext2_open(&image.device, 0, &volume, message, sizeof(message));
	check(!error == opens && strstr(message, said), "ext2: %s: says \"%s\"", what, message);
	if (!error) {
		check(volume->read_only, "ext2: %s: nothing is written", what);
		close_volume(&image, volume);
	} else {
		close(image.fd);
	}
}

/* A journal in which nothing is, as who has mounted it and written nothing leaves it. */
static void recovered(void)
{
	struct image image;
	struct ext2_volume *volume;

	make_image("-t ext4", 4096);
	image_command("PATH=$PATH:/sbin:/usr/sbin debugfs -w -R 'feature needs_recovery' %s >/dev/null 2>&1", image_path);
	volume = open_volume(&image);
	check(volume && !volume->read_only, "ext2: a journal to recover: it is recovered");
	close_volume(&image, volume);
	check_clean("a journal to recover");
}

/* One damaged image, in a process of its own: it may do what it likes, but not crash and not hang. */
static int abuse(unsigned seed, const char *good)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct image image;
		struct ext2_volume *volume;
		char message[256];
		unsigned i, count;

		alarm(10);
		if (!freopen("/dev/null", "w", stderr))
			_exit(1);
		model_seed(seed);
		image_command("cp %s %s", good, image_path);
		open_image(&image);
		count = 1 + model_random(60);
		for (i = 0; i < count; i++) {
			unsigned char byte = (unsigned char)model_random(256);
			/* The first blocks hold nearly all that matters: superblock, descriptors, inodes, directories.
			 */
			off_t at = (off_t)(model_random(3) ? model_random(200 << 10)
							   : model_random((uint32_t)image.device.size));

			if (pwrite(image.fd, &byte, 1, at) != 1)
				_exit(1);
		}
		if (ext2_open(&image.device, 0, &volume, message, sizeof(message)) == 0) {
			model_abuse(&volume->base, 60);
			ext2_close(volume);
		}
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		return -1;
	return status;
}

static void damaged(const char *name, const char *options, unsigned first, unsigned count)
{
	struct image image;
	struct ext2_volume *volume;
	char good[80];
	unsigned i, bad = 0;

	make_image(options, 2048);
	volume = open_volume(&image);
	model_seed(7);
	model_begin(&volume->base);
	model_run(400);
	model_drop_open();
	model_end();
	close_volume(&image, volume);
	snprintf(good, sizeof(good), "%s/good", image_directory);
	image_command("cp %s %s", image_path, good);
	for (i = first; i < first + count; i++) {
		int status = abuse(i, good);

		if (status != 0) {
			printf("seed %u: status %x\n", i, (unsigned)status);
			bad++;
		}
	}
	check(bad == 0, "ext2 %s: %u damaged images, no crash and no hang", name, count);
}

int main(int argc, char **argv)
{
	image_begin();
	if (argc > 2) {
		damaged("more", "-t ext4 -b 1024 -O ^metadata_csum", (unsigned)atoi(argv[1]), (unsigned)atoi(argv[2]));
		return failures != 0;
	}
	run("ext4 4096", "-t ext4 -b 4096", 24576, 1200);
	run("ext4 1024", "-t ext4 -b 1024", 20480, 800);
	run("ext2 1024", "-t ext2 -b 1024", 20481, 800);
	run("ext2 4096 inodes of 128", "-t ext2 -b 4096 -I 128", 20482, 400);
	run("ext4 small", "-t ext4 -b 1024 -O ^has_journal", 1500, 1500);
	full("full ext4", "-t ext4 -b 4096 -O ^has_journal");
	full("full ext2", "-t ext2 -b 1024");
	attributes();
	unnamed();
	refused("no file system", "-t ext4", "head -c 4194304 /dev/zero | tee", "there is no ext2", false);
	refused("an inline_data file system", "-t ext4 -O inline_data", NULL, "inline_data", false);
	refused("a feature from the future", "-t ext4", "debugfs -w -R 'set_super_value feature_incompat 0x80000242'",
		"does not know", false);
	refused("a journal that is none", "-t ext4", "debugfs -w -R 'set_super_value journal_inum 11'", "the journal cannot be used",
		true);
	recovered();
	refused("a file system that was not stopped", "-t ext4", "debugfs -w -R 'set_super_value state 0'", "e2fsck",
		true);
	refused("a file system cut off", "-t ext4", "truncate -s 2M", "e2fsck", false);
	damaged("without checksums", "-t ext4 -b 1024 -O ^metadata_csum", 290, 60);
	damaged("ext2", "-t ext2 -b 1024", 1, 60);
	damaged("with checksums", "-t ext4 -b 4096", 1, 30);
	image_end();
	return failures != 0;
}
