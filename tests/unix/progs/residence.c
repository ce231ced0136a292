/* What is in memory: mincore, smaps, pagemap; and the links of /proc/PID/ns. */
#define _GNU_SOURCE
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PAGE = 4096 };

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static void resident(const char *what, void *memory, unsigned pages)
{
	unsigned char vector[128];

	if (mincore(memory, pages * PAGE, vector) != 0) {
		say(what, -1);
		return;
	}
	printf("%s: ", what);
	for (unsigned i = 0; i < pages; i++)
		putchar(vector[i] & 1 ? '#' : '.');
	putchar('\n');
}

/* A figure of the area in smaps, in kB. */
static long figure(const char *file, const void *area, const char *name)
{
	char line[400], range[40];
	FILE *smaps = fopen(file, "r");
	int inside = area == NULL;
	long value = -1;

	snprintf(range, sizeof range, "%lx-", (unsigned long)(uintptr_t)area);
	while (value < 0 && fgets(line, sizeof line, smaps) != NULL) {
		if (area != NULL && strncmp(line, range, strlen(range)) == 0)
			inside = 1;
		if (inside && strncmp(line, name, strlen(name)) == 0 && line[strlen(name)] == ':')
			value = strtol(line + strlen(name) + 1, NULL, 10);
	}
	fclose(smaps);
	return value;
}

static void show(const char *what, const void *area)
{
	static const char *const names[] = {"Size", "Rss", "Anonymous", "Swap", "Locked", "Private_Dirty"};

	printf("%s:", what);
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++)
		printf(" %s %ld", names[i], figure("/proc/self/smaps", area, names[i]));
	putchar('\n');
}

static void map(const char *what, int pagemap, const void *area, unsigned pages)
{
	uint64_t words[64];

	printf("%s:", what);
	if (pread(pagemap, words, pages * 8, (off_t)((uintptr_t)area / PAGE * 8)) != pages * 8)
		printf(" short");
	for (unsigned i = 0; i < pages; i++)
		printf(" %d%d", (int)(words[i] >> 63), (int)(words[i] >> 61 & 1));
	putchar('\n');
}

int main(int argc, char **argv)
{
	static const char *const names[] = {"cgroup", "ipc", "mnt", "net", "pid", "user", "uts"};
	int pagemap = open("/proc/self/pagemap", O_RDONLY), fd, status;
	char *memory, *shared, *file, path[64], link[64], other[64];
	char *populated;
	unsigned char vector[4];
	ssize_t size;

	if (argc < 2 || chdir(argv[1]) != 0)
		return 1;
	/* Apart from what else is mapped, so that it is an area of its own. */
	memory = mmap(NULL, 34 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	memory += PAGE;
	mprotect(memory, 32 * PAGE, PROT_READ | PROT_WRITE);
	resident("untouched", memory, 32);
	memory[0] = memory[7 * PAGE] = memory[31 * PAGE] = 1;
	resident("three touched", memory, 32);
	show("three touched", memory);
	map("three touched", pagemap, memory, 9);
	madvise(memory, 8 * PAGE, MADV_DONTNEED);
	resident("two given back", memory, 32);
	mlock(memory, 32 * PAGE);
	resident("locked", memory, 32);
	munlock(memory, 32 * PAGE);
	populated = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	resident("populated", populated, 16);
	populated = mmap(NULL, 16 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0);
	resident("mapped and locked", populated, 16);
	fflush(stdout);
	if (fork() == 0) {
		resident("of the parent's", memory, 32);
		_exit(0);
	}
	wait(&status);
	shared = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared[2 * PAGE] = 1;
	resident("shared", shared, 8);
	show("shared", shared);
	fd = open("residence.tmp", O_RDWR | O_CREAT | O_TRUNC, 0600);
	for (int i = 0; i < 8; i++)
		write(fd, memory, PAGE);
	file = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	resident("a file that was written", file, 8);
	SAY(figure("/proc/self/smaps", file, "Size"));
	SAY(figure("/proc/self/smaps", file, "Anonymous"));
	unlink("residence.tmp");
	SAY(mincore(memory + 1, PAGE, vector));
	SAY(mincore(memory, PAGE, (unsigned char *)8));
	munmap(shared, 8 * PAGE);
	SAY(mincore(shared, 8 * PAGE, vector));
	SAY(figure("/proc/self/smaps_rollup", NULL, "Rss") > 0);
	SAY(figure("/proc/self/smaps_rollup", NULL, "Size"));
	SAY(pread(pagemap, vector, 4, 0));
	SAY(pread(pagemap, path, 8, 4));
	for (unsigned i = 0; i < sizeof names / sizeof names[0]; i++) {
		snprintf(path, sizeof path, "/proc/self/ns/%s", names[i]);
		size = readlink(path, link, sizeof link - 1);
		link[size > 0 ? size : 0] = 0;
		snprintf(path, sizeof path, "/proc/%d/ns/%s", getppid(), names[i]);
		size = readlink(path, other, sizeof other - 1);
		other[size > 0 ? size : 0] = 0;
		printf("%.*s as the parent's: %d\n", (int)strcspn(link, "["), link, strcmp(link, other) == 0);
	}
	fd = open("/proc/self/ns/pid", O_RDONLY);
	SAY(read(fd, link, 1));
	return 0;
}
