/* Room for mappings: writing to pages of a sparse file takes space, one page each; where there is none it is SIGBUS.
 * In the folder named, whose file system has a few MiB free. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define MANY 64ul /* pages */

static sigjmp_buf back;
static volatile int code;
static char *volatile address;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	code = info->si_code;
	address = info->si_addr;
	siglongjmp(back, 1);
}

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

static unsigned long free_pages(void)
{
	struct statfs about;

	if (statfs(".", &about) < 0)
		say("statfs", -1);
	return about.f_bavail * (unsigned long)about.f_bsize / PAGE;
}

/* How many of what was free before are not: on another processor a file may still be going. */
static unsigned long missing(unsigned long before)
{
	for (int i = 0; i < 1000 && free_pages() != before; i++)
		usleep(10000);
	return before - free_pages();
}

/* Writes to a page; false: SIGBUS. */
static int touch(char *page)
{
	if (sigsetjmp(back, 1))
		return 0;
	*(volatile char *)page = 'x';
	return 1;
}

static int look(const char *page)
{
	if (sigsetjmp(back, 1))
		return -1;
	return *(const volatile char *)page;
}

static char *map(int fd, unsigned long pages)
{
	return mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void one_by_one(void)
{
	int fd = open("sparse", O_RDWR | O_CREAT | O_TRUNC, 0600);
	unsigned long before = free_pages(), i, sum = 0;
	char *memory, byte;

	say("ftruncate", ftruncate(fd, (off_t)(16 * MANY * PAGE)));
	memory = map(fd, 16 * MANY);
	for (i = 0; i < 16 * MANY; i++)
		sum += (unsigned long)look(memory + i * PAGE);
	printf("reading sees %lu and takes %lu pages\n", sum, before - free_pages());
	for (i = 0; i < MANY; i++)
		touch(memory + 16 * i * PAGE);
	printf("writing to every sixteenth takes %lu\n", before - free_pages());
	for (i = 0; i < MANY; i++)
		touch(memory + 16 * i * PAGE + 1);
	printf("once: %lu\n", before - free_pages());
	say("pread", pread(fd, &byte, 1, (off_t)(16 * PAGE)));
	printf("what it reads %c\n", byte);
	if (fork() == 0) {
		touch(memory + PAGE);
		_exit(0);
	}
	wait(NULL);
	printf("a child's %lu\n", before - free_pages());
	say("pread into a hole", pread(fd, memory + 7 * PAGE, PAGE, 0));
	printf("one more %lu\n", before - free_pages());
	say("ftruncate", ftruncate(fd, (off_t)(16 * MANY * PAGE / 2)));
	printf("half of it is back %lu\n", before - free_pages());
	say("msync", msync(memory, 8 * MANY * PAGE, MS_SYNC));
	munmap(memory, 16 * MANY * PAGE);
	memory = mmap(NULL, 16 * MANY * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	touch(memory + 5 * PAGE);
	printf("a private mapping's pages are not the file's %lu\n", before - free_pages());
	munmap(memory, 16 * MANY * PAGE);
	close(fd);
	unlink("sparse");
	printf("all is back %lu\n", missing(before));
}

static void until_full(void)
{
	int fd = open("large", O_RDWR | O_CREAT | O_TRUNC, 0600), other;
	unsigned long before = free_pages(), size = before + MANY, i, zeros = 0;
	static char page[PAGE];
	char *memory, *private;

	say("ftruncate", ftruncate(fd, (off_t)(size * PAGE)));
	memory = map(fd, size);
	for (i = 0; i < size && touch(memory + i * PAGE); i++)
		;
	printf("all but %lu pages were written\n", before - i);
	printf("code %d, address %d\n", code, address == memory + i * PAGE);
	printf("free %lu\n", free_pages());
	printf("another %d\n", touch(memory + (size - 1) * PAGE));
	printf("one that is there %d\n", touch(memory + (i - 1) * PAGE));
	printf("reading a hole: %d\n", look(memory + i * PAGE));
	for (; i < size; i++)
		zeros += look(memory + i * PAGE) == 0;
	printf("all %d\n", zeros == size - before);
	say("pread of a hole", pread(fd, page, 1, (off_t)((size - 1) * PAGE)));
	say("pwrite into a hole", pwrite(fd, page, 1, (off_t)((size - 1) * PAGE)));
	say("pread into a hole", pread(fd, memory + (size - 1) * PAGE, 1, 0));
	say("pwrite where there is room", pwrite(fd, page, 1, 0));
	other = open("small", O_RDWR | O_CREAT, 0600);
	say("write to another", write(other, page, 1));
	private = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, (off_t)((size - 1) * PAGE));
	printf("a private mapping needs none %d\n", touch(private));
	munmap(private, PAGE);
	say("truncate", ftruncate(fd, (off_t)PAGE));
	printf("now there is room %d\n", free_pages() == before - 1);
	say("write to another", write(other, page, 1));
	printf("beyond the end %d\n", touch(memory + 2 * PAGE));
	unlink("small");
	unlink("large");
	close(other);
	close(fd);
	munmap(memory, size * PAGE);
	printf("all is back %lu\n", missing(before));
}

/* A process that has filled it all and ends leaves nothing behind. */
static void killed(void)
{
	unsigned long before = free_pages(), i;
	int status;

	if (fork() == 0) {
		int fd = open(".", O_TMPFILE | O_RDWR, 0600);
		char *memory;

		if (fd < 0) {
			fd = open("hidden", O_RDWR | O_CREAT, 0600);
			unlink("hidden");
		}
		if (ftruncate(fd, 1l << 40) < 0)
			_exit(1);
		memory = map(fd, 1ul << 28);
		signal(SIGBUS, SIG_DFL);
		for (i = 0;; i++)
			memory[i * PAGE] = 'x';
	}
	wait(&status);
	printf("ended by %d\n", WTERMSIG(status));
	printf("left behind %lu\n", missing(before));
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};

	sigaction(SIGBUS, &action, NULL);
	if (argc < 2 || chdir(argv[1]) < 0)
		return 1;
	one_by_one();
	until_full();
	killed();
	return 0;
}
