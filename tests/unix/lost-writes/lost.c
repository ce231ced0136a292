/*
 * lost FILE OTHER: writes FILE, of which a block of the disk refuses writing, and says what each of those who have it
 * open is told; OTHER's blocks are well.
 *
 * lost sync FILE: syncs the file's file system.
 *
 * lost map FILE TEXT: writes the text through a mapping, which it keeps.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { SIZE = 8 * 4096 };

static void say(const char *what, int result)
{
	printf("%s: %s\n", what, result == 0 ? "well" : errno == EIO ? "EIO" : strerror(errno));
	fflush(stdout);
}

static int keep_mapped(const char *path, const char *text)
{
	int fd = open(path, O_RDWR | O_CREAT, 0600);
	char *mapped = fd < 0 || ftruncate(fd, 4096) != 0
			       ? MAP_FAILED
			       : mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (mapped == MAP_FAILED)
		return 2;
	strcpy(mapped, text);
	puts("mapped");
	fflush(stdout);
	pause();
	return 0;
}

int main(int argc, char **argv)
{
	static char bytes[SIZE];
	int writer, reader, late, other;
	char *mapped;

	if (argc == 4 && strcmp(argv[1], "map") == 0)
		return keep_mapped(argv[2], argv[3]);
	if (argc == 3 && strcmp(argv[1], "sync") == 0) {
		say("syncfs", syncfs(open(argv[2], O_RDONLY)));
		return 0;
	}
	if (argc != 3)
		return 2;
	writer = open(argv[1], O_RDWR);
	reader = open(argv[1], O_RDONLY);
	other = open(argv[2], O_RDWR);
	mapped = mmap(NULL, SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, writer, 0);
	if (writer < 0 || reader < 0 || other < 0 || mapped == MAP_FAILED)
		return 2;
	memset(bytes, 'B', SIZE);
	if (pwrite(writer, bytes, SIZE, 0) != SIZE || pwrite(other, bytes, SIZE, 0) != SIZE)
		return 2;
	say("fsync of another file", fsync(other));
	say("fsync of who wrote", fsync(writer));
	say("again", fsync(writer));
	say("fsync of who reads", fsync(reader));
	say("again", fsync(reader));
	late = open(argv[1], O_RDONLY);
	say("fsync of who came later", fsync(late));
	say("msync", msync(mapped, SIZE, MS_SYNC));
	say("again", msync(mapped, SIZE, MS_SYNC));
	say("syncfs of who wrote", syncfs(writer));
	say("again", syncfs(writer));
	/* Nobody had been told of the whole mount when it was opened. */
	say("syncfs of who came later", syncfs(late));
	memset(bytes, 0, SIZE);
	printf("what was written is there: %d\n",
		pread(late, bytes, SIZE, 0) == SIZE && bytes[0] == 'B' && memcmp(bytes, bytes + 1, SIZE - 1) == 0);
	return 0;
}
