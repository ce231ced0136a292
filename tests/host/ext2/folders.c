/* Directories of pagers/ext2 that grow: the index, its splits, and listing meanwhile; e2fsck knows the hashes. */
#include "tests/host/ext2/image.h"
#include "tests/host/files/model.h"

#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { NAMES = 65000 }; /* links of one file: it can have no more */

static unsigned char there[NAMES], seen[NAMES];
static int shortest; /* of the names */

static void name_of(unsigned number, char *name)
{
	/* Of every length, and many that begin alike. */
	const int begin = sprintf(name, "%u-", number), end = shortest + begin + (int)(number * 7 % (200 - (unsigned)shortest));

	memset(name + begin, 'a' + (int)(number % 26), (size_t)(end - begin));
	name[end] = 0;
}

/*
 * The library's function, unless names are to collide: then it has sixteen hashes for all of them. (Names that collide by
 * themselves would have to be searched for; e2fsck does not take these.)
 */
static bool collide;

errcode_t ext2fs_dirhash(int version, const char *name, int length, const __u32 *seed, ext2_dirhash_t *hash,
	ext2_dirhash_t *minor)
{
	errcode_t (*real)(int, const char *, int, const __u32 *, ext2_dirhash_t *, ext2_dirhash_t *) =
		(errcode_t(*)(int, const char *, int, const __u32 *, ext2_dirhash_t *, ext2_dirhash_t *))dlsym(
			RTLD_NEXT, "ext2fs_dirhash");
	errcode_t error = real(version, name, length, seed, hash, minor);

	if (collide)
		*hash &= 0x1e000000;
	return error;
}

static struct fk_volume *volume;
static uint64_t folder, file;

static int add(unsigned number)
{
	char name[256];

	name_of(number, name);
	return volume->operations->link(volume, file, folder, name);
}

static int take_away(unsigned number)
{
	uint64_t victim;
	char name[256];

	name_of(number, name);
	return volume->operations->unlink(volume, folder, name, 0, &victim);
}

static bool has(unsigned number)
{
	uint64_t inode;
	char name[256];

	name_of(number, name);
	return volume->operations->look_up(volume, folder, name, &inode) == 0 && inode == file;
}

/* Lists in pieces of a size; between two of them names are added, as long as there are. Counts each in seen. */
static unsigned list(size_t size, unsigned add_from, unsigned add_to)
{
	static char buffer[4096];
	uint64_t cookie = 0;
	unsigned count = 0;
	size_t used, at;

	memset(seen, 0, sizeof(seen));
	while (volume->operations->read_directory(volume, folder, cookie, buffer, size, &used) == 0 && used) {
		for (at = 0; at < used;) {
			const struct file_entry *entry = (const struct file_entry *)(const void *)(buffer + at);

			if (entry->name[0] != '.')
				seen[strtoul(entry->name, NULL, 10) % NAMES]++;
			count++;
			cookie = entry->cookie;
			at += entry->length;
		}
		for (unsigned i = 0; i < 40 && add_from < add_to; i++)
			if (add(add_from++) == 0)
				there[add_from - 1] = 1;
	}
	return count;
}

/* levels: those of the index above its leaves; 0 for none. */
static void grow(const char *kind, const char *options, unsigned kilobytes, unsigned names, unsigned levels)
{
	struct file_attributes values = {.mode = LINUX_S_IFDIR | 0755};
	struct image image;
	unsigned wrong = 0, count, i;
	char index[64];

	make_image(options, kilobytes);
	volume = &open_volume(&image)->base;
	memset(there, 0, sizeof(there));
	volume->operations->create(volume, volume->operations->root, "folder", &values, &folder);
	values.mode = LINUX_S_IFREG | 0644;
	volume->operations->create(volume, volume->operations->root, "file", &values, &file);
	for (i = 0; i < names; i++)
		wrong += (there[i] = add(i) == 0) != 1;
	check(wrong == 0, "%s: %u names go into a folder (%u do not)", kind, names, wrong);
	for (i = wrong = 0; i < names; i++)
		wrong += !has(i) || has(i + names);
	check(wrong == 0, "%s: each is found, and no other (%u wrong)", kind, wrong);
	count = list(4096, 0, 0);
	for (i = wrong = 0; i < names; i++)
		wrong += seen[i] != 1;
	check(wrong == 0 && count == names + 2, "%s: each is listed once (%u wrong, %u listed)", kind, wrong, count);
	for (i = wrong = 0; i < names; i += 1 + i % 3) {
		wrong += take_away(i) != 0;
		there[i] = 0;
	}
	for (i = 0; i < names; i++)
		wrong += has(i) != there[i];
	check(wrong == 0, "%s: what is taken away is gone, the rest is there (%u wrong)", kind, wrong);
	close_volume(&image, ext2_volume(volume));
	if (!collide)
		check_clean(kind);
	sprintf(index, levels ? "Indirect levels: %u" : "Not a hash-indexed directory", levels - 1);
	check(image_command("PATH=$PATH:/sbin:/usr/sbin debugfs -R 'htree_dump /folder' %s 2>&1 | grep -q '%s'", image_path,
		      index) == 0,
		"%s: the index has %u levels", kind, levels);
	volume = &open_volume(&image)->base;
	volume->operations->look_up(volume, volume->operations->root, "folder", &folder);
	volume->operations->look_up(volume, volume->operations->root, "file", &file);
	for (i = wrong = 0; i < names; i++)
		if (i % 2 && !there[i]) {
			wrong += add(i) != 0;
			there[i] = 1;
		}
	for (i = 0; i < names; i++)
		wrong += has(i) != there[i];
	check(wrong == 0, "%s: opened again it has what it had, and takes more (%u wrong)", kind, wrong);
	close_volume(&image, ext2_volume(volume));
	if (!collide)
		check_clean(kind);
}

/* What is there all the time is listed once, whatever is added meanwhile. */
static void listed_meanwhile(const char *kind, const char *options, size_t piece)
{
	struct file_attributes values = {.mode = LINUX_S_IFDIR | 0755};
	static unsigned char before[NAMES];
	struct image image;
	unsigned wrong = 0, i;

	make_image(options, 16384);
	volume = &open_volume(&image)->base;
	memset(there, 0, sizeof(there));
	volume->operations->create(volume, volume->operations->root, "folder", &values, &folder);
	values.mode = LINUX_S_IFREG | 0644;
	volume->operations->create(volume, volume->operations->root, "file", &values, &file);
	for (unsigned begin = 4; begin <= 400; begin *= 10) {
		for (i = 0; i < begin; i++)
			there[i] = there[i] || add(i) == 0;
		memcpy(before, there, sizeof(before));
		list(piece, begin, begin * 5);
		for (i = 0; i < NAMES; i++)
			wrong += before[i] ? seen[i] != 1 : seen[i] > 1;
	}
	check(wrong == 0, "%s: what is listed while names are added has each name once (%u wrong)", kind, wrong);
	close_volume(&image, ext2_volume(volume));
	check_clean(kind);
}

/* An index of two levels over blocks of 1024 has no more than some 15,000 leaves. */
static void full(void)
{
	struct file_attributes values = {.mode = LINUX_S_IFDIR | 0755};
	unsigned wrong = 0, count = 0, i;
	struct file_system_info info;
	struct image image;
	int error = 0;

	shortest = 199;
	make_image("-t ext4 -b 1024", 65536);
	volume = &open_volume(&image)->base;
	volume->operations->create(volume, volume->operations->root, "folder", &values, &folder);
	values.mode = LINUX_S_IFREG | 0644;
	volume->operations->create(volume, volume->operations->root, "file", &values, &file);
	while (count < NAMES - 1 && (error = add(count)) == 0)
		count++;
	volume->operations->info(volume, &info);
	check(error == ENOSPC && info.blocks_free > 10000, "a full index is ENOSPC (%d after %u names)", error, count);
	for (i = 0; i < NAMES - 1; i++)
		wrong += has(i) != (i < count);
	check(wrong == 0, "a full index has what went in, no more (%u wrong)", wrong);
	close_volume(&image, ext2_volume(volume));
	check_clean("a full index");
	shortest = 0;
}

int main(void)
{
	image_begin();
	grow("indexed, blocks of 4096", "-t ext4 -b 4096", 32768, 9000, 1);
	grow("indexed, blocks of 1024", "-t ext4 -b 1024", 32768, 9000, 2);
	grow("without checksums", "-t ext4 -b 1024 -O ^metadata_csum", 32768, 3000, 2);
	shortest = 190;
	grow("of three levels", "-t ext4 -b 1024 -O large_dir", 49152, 26000, 3);
	shortest = 0;
	collide = true;
	grow("of few hashes", "-t ext4 -b 1024", 32768, 4000, 2);
	collide = false;
	grow("without an index", "-t ext4 -b 1024 -O ^dir_index", 32768, 600, 0);
	listed_meanwhile("blocks of 1024", "-t ext4 -b 1024", 700);
	listed_meanwhile("blocks of 4096", "-t ext4 -b 4096", 1000);
	full();
	image_end();
	return failures != 0;
}
