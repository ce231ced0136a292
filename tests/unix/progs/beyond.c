/* Pages beyond the end of a file, and what a change of its size does to mappings: on the disk and in memory. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

enum { PAGE = 4096, PAGES = 40 };

static sigjmp_buf back;

static void on_bus(int signal)
{
	(void)signal;
	siglongjmp(back, 1);
}

/* What a byte is; -1: SIGBUS. */
static int look(const volatile char *at)
{
	return sigsetjmp(back, 1) == 0 ? *at & 0xff : -1;
}

static int put(volatile char *at, char byte)
{
	if (sigsetjmp(back, 1) != 0)
		return -1;
	*at = byte;
	return 0;
}

static void tell(const char *what, long result)
{
	printf("%s: %ld%s%s\n", what, result, result < 0 ? " " : "", result < 0 ? strerrorname_np(errno) : "");
}

static void in(const char *folder)
{
	char path[64], bytes[PAGE];
	char *shared, *private;
	int fd, copy, i;

	snprintf(path, sizeof path, "%s/beyond.%d", folder, (int)getpid());
	fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	strcat(path, "2");
	copy = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	if (fd < 0 || copy < 0 || write(fd, "0123456789abcdef", 16) != 16)
		return;
	shared = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	private = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	printf("in the last page: %d %d, behind it: %d %d, private: %d %d\n", look(shared + 3), look(shared + 20),
		look(shared + PAGE), look(shared + 39 * PAGE), look(private + 3), look(private + 2 * PAGE));
	printf("writing behind it: %d %d\n", put(shared + PAGE, 'x'), put(private + PAGE, 'x'));
	tell("written from there", write(copy, shared + PAGE, 10));
	tell("read to there", pread(fd, shared + PAGE, 10, 0));
	tell("longer", ftruncate(fd, 3 * PAGE + 100));
	printf("now: %d %d %d, behind it: %d\n", look(shared + PAGE), look(private + PAGE), look(shared + 3 * PAGE + 200),
		look(shared + 4 * PAGE));
	for (i = 4; i < PAGES; i++) {
		/* The page that was refused a moment ago is there as soon as the file has it. */
		tell("one page more", pwrite(fd, "y", 1, i * PAGE) + look(shared + i * PAGE));
		if (i % 13 == 0 && i + 1 < PAGES)
			printf("behind it: %d\n", look(shared + (i + 1) * PAGE));
	}
	memset(bytes, 'z', sizeof bytes);
	tell("a page of z", pwrite(fd, bytes, PAGE, PAGE));
	tell("shorter", ftruncate(fd, PAGE + 50));
	printf("before the cut %d, after it %d, behind it: %d %d, private: %d\n", look(shared + PAGE + 49),
		look(shared + PAGE + 50), look(shared + 2 * PAGE), look(shared + 20 * PAGE), look(private + 5 * PAGE));
	tell("longer again", ftruncate(fd, 8 * PAGE));
	printf("what was cut off is zeros: %d %d %d\n", look(shared + PAGE + 50), look(shared + 2 * PAGE), look(shared + 5 * PAGE));
	tell("nothing", ftruncate(fd, 0));
	printf("of nothing: %d %d\n", look(shared), look(private));
	tell("written from it", write(copy, shared, 10));
	unlink(path);
	path[strlen(path) - 1] = 0;
	unlink(path);
	munmap(shared, PAGES * PAGE);
	munmap(private, PAGES * PAGE);
	close(fd);
	close(copy);
}

int main(void)
{
	struct sigaction action = {.sa_handler = on_bus};

	sigaction(SIGBUS, &action, NULL);
	in(".");
	in("/tmp");
	return 0;
}
