/* The space of files: what is punched, set to zero, kept; where contents is and where none; files without a name. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

enum { PAGE = 4096 };

static char bytes[8 * PAGE], got[8 * PAGE];

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

/* The same by a mapping as was read. On a tmpfs who touches a hole gives it a page, so that only contents are looked at. */
static int is_mapped_so(const char *map, ssize_t size, int fd)
{
	struct statfs fs;

	fstatfs(fd, &fs);
	for (ssize_t i = 0; i < size; i++)
		if ((got[i] != 0 || fs.f_type != TMPFS_MAGIC) && map[i] != got[i])
			return 0;
	return 1;
}

/* What the file has, as stretches of equal bytes, by read and by a mapping. */
static void show(const char *what, int fd)
{
	struct stat st;
	ssize_t size = pread(fd, got, sizeof got, 0), i, from;
	char *map;

	fstat(fd, &st);
	printf("%s: size %ld:", what, (long)st.st_size);
	for (i = 0; i < size; i = from) {
		for (from = i; from < size && got[from] == got[i]; from++)
			;
		printf(" %ld*%c", (long)(from - i), got[i] != 0 ? got[i] : '0');
	}
	map = mmap(NULL, sizeof got, PROT_READ, MAP_SHARED, fd, 0);
	printf("%s\n", map == MAP_FAILED || !is_mapped_so(map, size, fd) ? ", mapped otherwise" : "");
	munmap(map, sizeof got);
}

static void fill(int fd)
{
	ftruncate(fd, 0);
	for (int i = 0; i < 6; i++)
		memset(bytes + i * PAGE, 'a' + i, PAGE);
	pwrite(fd, bytes, 6 * PAGE, 0);
}

static long blocks(int fd)
{
	struct stat st;

	fsync(fd);
	fstat(fd, &st);
	return st.st_blocks / 8;
}

enum { PUNCH = FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE };

static void punch(int fd)
{
	char *map;

	fill(fd);
	SAY(fallocate(fd, PUNCH, PAGE, 2 * PAGE));
	show("two pages", fd);
	SAY(blocks(fd));
	fill(fd);
	SAY(fallocate(fd, PUNCH, 100, 50));
	SAY(fallocate(fd, PUNCH, PAGE - 10, 20));
	SAY(fallocate(fd, PUNCH, 3 * PAGE - 5, PAGE + 10));
	show("with odd ends", fd);
	SAY(fallocate(fd, PUNCH, 5 * PAGE + 100, 10 * PAGE));
	show("beyond the end", fd);
	SAY(fallocate(fd, PUNCH, 100 * PAGE, PAGE));
	show("behind the end", fd);
	fill(fd);
	map = mmap(NULL, 6 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	map[2 * PAGE] = 'x';
	SAY(fallocate(fd, PUNCH, PAGE, 3 * PAGE));
	printf("in the mapping: %d %d %d %c\n", map[PAGE], map[2 * PAGE], map[4 * PAGE - 1], map[4 * PAGE]);
	map[2 * PAGE + 1] = 'y';
	show("written again", fd);
	fsync(fd);
	show("and synced", fd);
	munmap(map, 6 * PAGE);
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE, 0, PAGE));
	SAY(fallocate(fd, PUNCH, 0, 0));
	SAY(fallocate(fd, PUNCH, -1, PAGE));
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 0, PAGE));
	SAY(fallocate(-1, PUNCH, 0, PAGE));
}

static void zero(int fd)
{
	fill(fd);
	SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE, PAGE / 2, 3 * PAGE));
	show("zeros", fd);
	SAY(blocks(fd));
	SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE, 5 * PAGE, 2 * PAGE));
	show("zeros beyond the end", fd);
	SAY(fallocate(fd, FALLOC_FL_ZERO_RANGE | FALLOC_FL_KEEP_SIZE, 6 * PAGE, 5 * PAGE));
	show("and the size kept", fd);
}

static void holes(int fd)
{
	ftruncate(fd, 0);
	ftruncate(fd, 64 * PAGE);
	SAY(lseek(fd, 0, SEEK_DATA));
	SAY(lseek(fd, 0, SEEK_HOLE));
	pwrite(fd, "x", 1, 10 * PAGE);
	pwrite(fd, "y", 1, 20 * PAGE + 5);
	SAY(lseek(fd, 0, SEEK_DATA));
	SAY(lseek(fd, 10 * PAGE + 7, SEEK_DATA));
	SAY(lseek(fd, 10 * PAGE, SEEK_HOLE));
	SAY(lseek(fd, 11 * PAGE, SEEK_DATA));
	SAY(lseek(fd, 21 * PAGE, SEEK_DATA));
	SAY(lseek(fd, 21 * PAGE, SEEK_HOLE));
	SAY(lseek(fd, 64 * PAGE, SEEK_DATA));
	SAY(lseek(fd, 64 * PAGE, SEEK_HOLE));
	SAY(lseek(fd, -1, SEEK_DATA));
	SAY(fallocate(fd, PUNCH, 10 * PAGE, PAGE));
	SAY(lseek(fd, 0, SEEK_DATA));
	SAY(lseek(fd, 0, SEEK_CUR));
}

static void unnamed(const char *folder)
{
	struct stat st;
	char path[64];
	int fd, other;

	SAY(open(folder, O_TMPFILE | O_RDONLY, 0600));
	SAY(open(folder, O_TMPFILE | O_RDWR | O_CREAT, 0600));
	SAY(open("named", O_TMPFILE | O_RDWR, 0600));
	SAY(open("nowhere", O_TMPFILE | O_RDWR, 0600));
	umask(022);
	fd = open(folder, O_TMPFILE | O_RDWR, 0666);
	fstat(fd, &st);
	printf("unnamed: links %ld mode %o size %ld\n", (long)st.st_nlink, st.st_mode, (long)st.st_size);
	SAY(write(fd, "contents", 8));
	sprintf(path, "/proc/self/fd/%d", fd);
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "named", AT_SYMLINK_FOLLOW));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "given", AT_SYMLINK_FOLLOW));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "given again", AT_SYMLINK_FOLLOW));
	fstat(fd, &st);
	printf("named: links %ld\n", (long)st.st_nlink);
	SAY(unlink("given"));
	SAY(unlink("given again"));
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "too late", AT_SYMLINK_FOLLOW));
	other = open(path, O_RDONLY);
	SAY(read(other, got, 8));
	close(other);
	close(fd);
	fd = open(folder, O_TMPFILE | O_RDWR | O_EXCL, 0600);
	sprintf(path, "/proc/self/fd/%d", fd);
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "never", AT_SYMLINK_FOLLOW));
	close(fd);
	fd = open(folder, O_TMPFILE | O_WRONLY, 0600);
	write(fd, "kept", 4);
	sprintf(path, "/proc/self/fd/%d", fd);
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "kept", AT_SYMLINK_FOLLOW));
	close(fd);
	fd = open("kept", O_RDONLY);
	SAY(read(fd, got, 8));
	close(fd);
	unlink("kept");
}

int main(int argc, char **argv)
{
	char folder[64] = "space.XXXXXX";
	int fd, reader;

	if (argc < 2 || chdir(argv[1]) != 0 || mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 1;
	fd = open("named", O_RDWR | O_CREAT, 0600);
	reader = open("named", O_RDONLY);
	punch(fd);
	SAY(fallocate(reader, PUNCH, 0, PAGE));
	zero(fd);
	holes(fd);
	close(fd);
	unnamed(".");
	unlink("named");
	chdir("..");
	return rmdir(folder);
}
