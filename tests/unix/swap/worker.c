/* Memory larger than the machine's: what was written is there, in one process and in several. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096ul
#define WORDS (PAGE / sizeof(uint64_t))

static uint64_t word(uint64_t seed, uint64_t page, uint64_t i)
{
	return (seed * 0x9e3779b97f4a7c15ull + page) * 0xbf58476d1ce4e5b9ull + i;
}

/* A few words of each page, of which every pass moves on to others. */
static void write_page(uint64_t *memory, uint64_t seed, uint64_t page)
{
	for (uint64_t i = 0; i < WORDS; i += 64)
		memory[page * WORDS + i] = word(seed, page, i);
}

static uint64_t wrong_words(const uint64_t *memory, uint64_t seed, uint64_t page)
{
	uint64_t wrong = 0;

	for (uint64_t i = 0; i < WORDS; i += 64)
		wrong += memory[page * WORDS + i] != word(seed, page, i);
	return wrong;
}

static uint64_t *allocate(uint64_t pages, int flags)
{
	void *memory = mmap(NULL, pages * PAGE, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);

	if (memory == MAP_FAILED) {
		perror("mmap");
		exit(1);
	}
	return memory;
}

/* Writes all, reads all, writes every third page again, reads at random. */
static uint64_t fill(uint64_t *memory, uint64_t pages, uint64_t seed)
{
	uint64_t wrong = 0, at = seed;

	for (uint64_t page = 0; page < pages; page++)
		write_page(memory, seed, page);
	for (uint64_t page = 0; page < pages; page++)
		wrong += wrong_words(memory, seed, page);
	for (uint64_t page = 0; page < pages; page += 3)
		write_page(memory, seed + 1000, page);
	for (uint64_t i = 0; i < pages / 4; i++) {
		at = at * 6364136223846793005ull + 1442695040888963407ull;
		uint64_t page = (at >> 33) % pages;

		wrong += wrong_words(memory, page % 3 == 0 ? seed + 1000 : seed, page);
	}
	return wrong;
}

static int collect(int children)
{
	int bad = 0, status;

	while (children-- > 0 && wait(&status) > 0) {
		if (WIFSIGNALED(status))
			printf("a child ended by signal %d\n", WTERMSIG(status));
		bad += status != 0;
	}
	return bad;
}

/* fill MIB PROCESSES: each has as much. */
static int filling(uint64_t pages, int processes)
{
	for (int i = 0; i < processes; i++)
		if (fork() == 0) {
			uint64_t wrong = fill(allocate(pages, MAP_PRIVATE), pages, (uint64_t)i + 1);

			if (wrong != 0)
				printf("process %d: %llu words are wrong\n", i, (unsigned long long)wrong);
			fflush(stdout);
			_exit(wrong != 0);
		}
	return collect(processes);
}

/* fork MIB: children see what was there at each fork, whoever writes later, though most of it is out. */
static int forking(uint64_t pages)
{
	uint64_t *memory = allocate(pages, MAP_PRIVATE), wrong = 0;

	for (uint64_t page = 0; page < pages; page++)
		write_page(memory, 1, page);
	for (uint64_t i = 0; i < 3; i++) {
		if (fork() == 0) {
			for (uint64_t page = i; page < pages; page += 4)
				write_page(memory, 50 + i, page);
			for (uint64_t page = 0; page < pages; page++)
				wrong += wrong_words(memory, page % 4 == i ? 50 + i : page % 4 < i ? 2 + page % 4 : 1, page);
			if (wrong != 0)
				printf("child %d: %llu words are wrong\n", (int)i, (unsigned long long)wrong);
			fflush(stdout);
			_exit(wrong != 0);
		}
		for (uint64_t page = i; page < pages; page += 4)
			write_page(memory, 2 + i, page);
	}
	for (uint64_t page = 0; page < pages; page++)
		wrong += wrong_words(memory, page % 4 < 3 ? 2 + page % 4 : 1, page);
	if (wrong != 0)
		printf("the parent: %llu words are wrong\n", (unsigned long long)wrong);
	return collect(3) + (wrong != 0);
}

/* shared MIB: what one process writes another sees, also when it was out between. */
static int sharing(uint64_t pages)
{
	uint64_t *memory = allocate(pages, MAP_SHARED), wrong = 0;

	if (fork() == 0) {
		for (uint64_t page = 0; page < pages; page++)
			write_page(memory, 7, page);
		_exit(0);
	}
	if (collect(1) != 0)
		return 1;
	for (uint64_t page = 0; page < pages; page++) {
		wrong += wrong_words(memory, 7, page);
		write_page(memory, 8, page);
	}
	if (fork() == 0) {
		for (uint64_t page = 0; page < pages; page++)
			wrong += wrong_words(memory, 8, page);
		_exit(wrong != 0);
	}
	return collect(1) + (wrong != 0);
}

/* hold MIB: has it and waits for a line, then looks at it. */
static int holding(uint64_t pages)
{
	uint64_t *memory = allocate(pages, MAP_PRIVATE), wrong = 0;

	for (uint64_t page = 0; page < pages; page++)
		write_page(memory, 3, page);
	puts("held");
	fflush(stdout);
	if (getchar() == EOF)
		return 1;
	for (uint64_t page = 0; page < pages; page++)
		wrong += wrong_words(memory, 3, page);
	return wrong != 0;
}

int main(int argc, char **argv)
{
	const char *what = argc > 2 ? argv[1] : "";
	uint64_t pages = argc > 2 ? strtoull(argv[2], NULL, 0) * 256 : 0;
	int bad;

	if (strcmp(what, "fill") == 0)
		bad = filling(pages, argc > 3 ? atoi(argv[3]) : 1);
	else if (strcmp(what, "fork") == 0)
		bad = forking(pages);
	else if (strcmp(what, "shared") == 0)
		bad = sharing(pages);
	else if (strcmp(what, "hold") == 0)
		bad = holding(pages);
	else
		return 2;
	printf("%s %s: %s\n", what, argv[2], bad == 0 ? "right" : "WRONG");
	return bad != 0;
}
