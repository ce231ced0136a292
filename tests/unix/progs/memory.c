/* brk, mmap, mprotect, mremap, madvise, shared and private, files. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul

static void result(const char *what, void *address)
{
	if (address == MAP_FAILED)
		printf("%s %s\n", what, strerrorname_np(errno));
	else
		printf("%s done\n", what);
}

int main(void)
{
	const char *name = "/tmp/memory-test";
	char *map, *more, *file_map, *private_map, *break_start = sbrk(0), buffer[16] = {0};
	int fd, status, i;
	long sum = 0;

	setvbuf(stdout, NULL, _IOLBF, 0);
	printf("brk %d\n", brk(break_start + 10 * PAGE));
	memset(break_start, 1, 10 * PAGE);
	printf("brk back %d\n", brk(break_start));
	printf("brk again %d\n", brk(break_start + 10 * PAGE));
	for (i = 0; i < 10; i++)
		sum += break_start[i * PAGE];
	printf("zeros %ld\n", sum);

	map = mmap(NULL, 64 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	result("anonymous", map);
	memset(map, 7, 64 * PAGE);
	printf("munmap middle %d\n", munmap(map + 10 * PAGE, PAGE));
	printf("mprotect over the hole %d %s\n", mprotect(map, 20 * PAGE, PROT_READ), strerrorname_np(errno));
	printf("mprotect %d\n", mprotect(map + 11 * PAGE, 5 * PAGE, PROT_READ | PROT_WRITE));
	result("fixed",
		mmap(map + 10 * PAGE, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0));
	printf("fixed is zero %d\n", map[10 * PAGE]);
	result("no replace", mmap(map, PAGE, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0));
	printf("dontneed %d\n", madvise(map + 20 * PAGE, PAGE, MADV_DONTNEED));
	printf("dropped %d kept %d\n", map[20 * PAGE], map[21 * PAGE]);
	more = mremap(map + 21 * PAGE, 40 * PAGE, 200 * PAGE, MREMAP_MAYMOVE);
	result("mremap", more);
	printf("moved %d %d\n", more[0], more[100 * PAGE]);
	more = mremap(more, 200 * PAGE, PAGE, 0);
	result("shrink", more);
	result("length 0", mmap(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	result("no kind", mmap(NULL, PAGE, PROT_READ, MAP_ANONYMOUS, -1, 0));
	result("bad descriptor", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 99, 0));
	result("too large", mmap(NULL, 1ul << 60, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
	result("odd offset", mmap(NULL, PAGE, PROT_READ, MAP_PRIVATE, 0, 5));
	printf("munmap odd %d %s\n", munmap((void *)5, PAGE), strerrorname_np(errno));
	result("reserve", mmap(NULL, 1ul << 36, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0));

	/* Shared over fork, private not. */
	more = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	mprotect(map, PAGE, PROT_READ | PROT_WRITE);
	map[0] = 1;
	if (fork() == 0) {
		more[0] = 5;
		map[0] = 5;
		_exit(0);
	}
	wait(&status);
	printf("shared %d private %d\n", more[0], map[0]);

	/* A file: mapping, read and write agree. */
	fd = open(name, O_RDWR | O_CREAT | O_TRUNC, 0600);
	write(fd, "hello, file\n", 12);
	file_map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private_map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	result("file", file_map);
	printf("file says %.11s, beyond %d\n", file_map, file_map[100]);
	private_map[1] = 'U';
	file_map[0] = 'J';
	pread(fd, buffer, 5, 0);
	printf("read says %.5s\n", buffer);
	pwrite(fd, "WORLD", 5, 7);
	printf("map says %.12s", file_map);
	printf("private says %.5s\n", private_map);
	printf("msync %d\n", msync(file_map, PAGE, MS_SYNC));
	printf("grow %d\n", ftruncate(fd, 3 * PAGE));
	file_map = mremap(file_map, PAGE, 3 * PAGE, MREMAP_MAYMOVE);
	result("mremap file", file_map);
	file_map[2 * PAGE + 5] = 'z';
	pread(fd, buffer, 1, 2 * PAGE + 5);
	printf("far %c first %c\n", buffer[0], file_map[0]);
	close(fd);
	fd = open(name, O_RDONLY);
	result("read-only shared write", mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0));
	file_map = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	printf("mprotect read-only %d %s\n", mprotect(file_map, PAGE, PROT_READ | PROT_WRITE), strerrorname_np(errno));
	unlink(name);
	printf("unlinked %.5s\n", file_map);
	fd = open("/dev/zero", O_RDWR);
	map = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	printf("zero %d\n", map[17]);
	return 0;
}
