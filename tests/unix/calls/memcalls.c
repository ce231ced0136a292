/* Calls of memory: flags and errors of the manual pages, in the order in which Linux finds them. Argument: a folder. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "say.h"

#define P        4096ul
#define MAP(...) say("mmap" #__VA_ARGS__, mmap(__VA_ARGS__) == MAP_FAILED ? -1 : 0)

static sigjmp_buf back;
static char *base;

static void fault(int number)
{
	siglongjmp(back, number);
}

/* What a touch comes to: 0 or a signal. */
static int touch(volatile char *at, int write)
{
	int number = sigsetjmp(back, 1);

	if (number == 0) {
		if (write)
			*at = 1;
		else
			(void)*at;
	}
	return number;
}

static char *fresh(unsigned pages)
{
	char *at = mmap(NULL, pages * P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned i = 0; i < pages; i++)
		at[i * P] = (char)('a' + i);
	return at;
}

static void maps(int fd, int only, int write_only)
{
	char *at;
	int pipes[2];

	MAP(NULL, 0, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MAP(NULL, P, PROT_READ, MAP_ANONYMOUS, -1, 0);
	MAP(NULL, P, PROT_READ, 0, fd, 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, fd, 1);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, -1, 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, 99, 0);
	MAP(NULL, -1ul, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MAP(NULL, 1ul << 62, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MAP((void *)1, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	MAP((void *)(1ul << 47), P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	MAP((void *)12345, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MAP(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, only, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED, only, 0);
	MAP(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, only, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED, write_only, 0);
	MAP(NULL, P, PROT_WRITE, MAP_SHARED, write_only, 0);
	MAP(NULL, P, PROT_NONE, MAP_PRIVATE, write_only, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED_VALIDATE, fd, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | 0x2000000, fd, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED | 0x10000000, fd, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | MAP_SYNC, fd, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS, -1, 0);
	MAP(NULL, P, PROT_READ, MAP_SHARED_VALIDATE | MAP_ANONYMOUS | 0x2000000, -1, 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, open(".", O_RDONLY), 0);
	(void)!pipe(pipes);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, pipes[0], 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, pipes[1], 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE, fd, -P);
	MAP(NULL, P, 0xff, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	MAP(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, P);
	at = fresh(4);
	MAP(at, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	MAP(at + 1, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	MAP(at, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	NUM(at[0]);
	NUM(at[P]);
	SAY(munmap(at, 0));
	SAY(munmap(at + 1, P));
	SAY(munmap(at, -1ul));
	SAY(munmap((void *)-P, P));
	SAY(munmap(at, P));
	SAY(munmap(at, P));
	NUM(touch(at, 0));
	SAY(munmap(at, 4 * P));
	/* Beyond the end of a file. */
	at = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	NUM(touch(at, 1));
	NUM(touch(at + P, 0));
	munmap(at, 2 * P);
	CHILD(setrlimit(RLIMIT_AS, &(struct rlimit){1 << 20, 1 << 20});
		MAP(NULL, 8 << 20, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0));
}

static void protects(int only)
{
	char *at = fresh(4);

	SAY(mprotect(at + 1, P, PROT_READ));
	SAY(mprotect(at, 0, PROT_READ));
	SAY(mprotect(at, P, 0x100));
	SAY(mprotect(at, P, PROT_GROWSDOWN | PROT_GROWSUP | PROT_READ));
	SAY(mprotect(at, P, PROT_GROWSDOWN | PROT_READ));
	SAY(mprotect(at, P, PROT_GROWSUP | PROT_READ));
	SAY(mprotect(at, -P, PROT_READ));
	SAY(mprotect((void *)(1ul << 46), P, PROT_READ));
	SAY(mprotect(at, P, PROT_READ));
	NUM(touch(at, 1));
	NUM(touch(at, 0));
	SAY(mprotect(at, P, PROT_NONE));
	NUM(touch(at, 0));
	munmap(at + 2 * P, P);
	SAY(mprotect(at, 4 * P, PROT_READ | PROT_WRITE));
	NUM(touch(at, 1));
	NUM(touch(at + 3 * P, 1));
	at = mmap(NULL, P, PROT_READ, MAP_SHARED, only, 0);
	SAY(mprotect(at, P, PROT_READ | PROT_WRITE));
	SAY(mprotect(at, P, PROT_READ | PROT_EXEC));
	at = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_GROWSDOWN, -1, 0);
	NUM(at != MAP_FAILED);
	SAY(mprotect(at, P, PROT_READ | PROT_GROWSDOWN));
}

static void remaps(int fd)
{
	char *at = fresh(4), *to = fresh(8), *moved;

	SAY(mremap(at + 1, P, 2 * P, 0) == MAP_FAILED);
	SAY((long)mremap(at + 1, P, 2 * P, MREMAP_MAYMOVE));
	SAY((long)mremap(at, P, 0, MREMAP_MAYMOVE));
	SAY((long)mremap(at, P, 2 * P, 0x100));
	SAY((long)mremap(at, P, 2 * P, MREMAP_FIXED, to));
	SAY((long)mremap(at, P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to + 1));
	SAY((long)mremap(at, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, at + P));
	SAY((long)mremap((void *)(1ul << 46), P, 2 * P, MREMAP_MAYMOVE));
	SAY((long)mremap(at, -P, 2 * P, MREMAP_MAYMOVE));
	SAY((long)mremap(at, P, -P, MREMAP_MAYMOVE));
	SAY((long)mremap(at, 0, P, MREMAP_MAYMOVE));
	SAY(mremap(at, 4 * P, 2 * P, 0) == at);
	NUM(touch(at + 2 * P, 0));
	NUM(touch(at + P, 0));
	moved = mremap(at, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_FIXED, to);
	NUM(moved == to);
	printf("%c%c%c\n", to[0], to[P], to[2 * P]);
	NUM(touch(at, 0));
	moved = mremap(to, 2 * P, 2 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL);
	NUM(moved != MAP_FAILED && moved != to);
	if (moved != MAP_FAILED)
		printf("%c%c %d %d\n", moved[0], moved[P], to[0], to[P]);
	SAY((long)mremap(to, 2 * P, 3 * P, MREMAP_MAYMOVE | MREMAP_DONTUNMAP, NULL));
	SAY((long)mremap(to, 2 * P, 2 * P, MREMAP_DONTUNMAP, NULL));
	/* Two mappings at once cannot be moved as one. */
	at = fresh(4);
	mprotect(at + P, P, PROT_READ);
	SAY((long)mremap(at, 3 * P, 8 * P, MREMAP_MAYMOVE));
	/* Shared memory gets a second place. */
	at = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	at[0] = 'f';
	moved = mremap(at, 0, P, MREMAP_MAYMOVE);
	NUM(moved != MAP_FAILED && moved[0] == 'f');
}

static void advices(int fd)
{
	static const int all[] = {
		0, 1, 2, 3, 4, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 5, 6, 7, 26, 99, -1};
	char *at = fresh(4), *shared, *file;
	unsigned i;

	for (i = 0; i < sizeof all / sizeof all[0]; i++) {
		if (all[i] == 12 || all[i] == 13) /* only some kernels merge pages */
			continue;
		NUM(all[i]);
		OK(madvise(fresh(2), P, all[i]));
	}
	SAY(madvise(at + 1, P, MADV_NORMAL));
	SAY(madvise(at, 0, MADV_NORMAL));
	SAY(madvise(at, 0, 99));
	SAY(madvise(at, -1ul, MADV_NORMAL));
	SAY(madvise(at, -P, MADV_NORMAL));
	SAY(madvise((void *)(1ul << 46), P, MADV_NORMAL));
	SAY(madvise((void *)(1ul << 46), P, MADV_DONTNEED));
	SAY(madvise(at, P, MADV_DONTNEED));
	printf("%d %c\n", at[0], at[P]);
	munmap(at + 2 * P, P);
	SAY(madvise(at + P, 3 * P, MADV_DONTNEED));
	printf("%d %d\n", at[P], at[3 * P]);
	at = fresh(2);
	SAY(mlock(at, P));
	SAY(madvise(at, P, MADV_DONTNEED));
	SAY(madvise(at, P, MADV_FREE));
	SAY(madvise(at, P, MADV_DONTNEED_LOCKED));
	munlock(at, P);
	at = fresh(2);
	SAY(madvise(at, P, MADV_WIPEONFORK));
	CHILD(printf("%d %c\n", at[0], at[P]); CHILD(printf("%d\n", at[0])));
	SAY(madvise(at, P, MADV_KEEPONFORK));
	CHILD(printf("%c %c\n", at[0], at[P]));
	SAY(madvise(at, P, MADV_DONTFORK));
	CHILD(printf("%d %d\n", touch(at, 0), touch(at + P, 0)));
	SAY(madvise(at, P, MADV_DOFORK));
	CHILD(printf("%d\n", touch(at, 0)));
	shared = mmap(NULL, 2 * P, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	shared[0] = 's';
	SAY(madvise(shared, P, MADV_WIPEONFORK));
	SAY(madvise(shared, P, MADV_FREE));
	SAY(madvise(shared, P, MADV_DONTNEED));
	printf("%c\n", shared[0]);
	SAY(madvise(shared, P, MADV_REMOVE));
	printf("%d\n", shared[0]);
	file = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	file[0] = 'p';
	SAY(madvise(file, P, MADV_WIPEONFORK));
	SAY(madvise(file, P, MADV_DONTNEED));
	printf("%d\n", file[0] == 'p');
	SAY(madvise(file, P, MADV_FREE));
	SAY(madvise(file, P, MADV_REMOVE));
	file = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	file[5] = 'r';
	SAY(madvise(file, P, MADV_REMOVE));
	printf("%d\n", file[5]);
	SAY(madvise(fresh(1), P, MADV_REMOVE));
	at = fresh(2);
	SAY(madvise(at, 2 * P, MADV_POPULATE_READ));
	SAY(madvise(at, 2 * P, MADV_POPULATE_WRITE));
	mprotect(at, P, PROT_READ);
	SAY(madvise(at, 2 * P, MADV_POPULATE_WRITE));
	mprotect(at, P, PROT_NONE);
	SAY(madvise(at, 2 * P, MADV_POPULATE_READ));
}

static void locking(int fd)
{
	char *at = fresh(4);
	unsigned char resident[4];

	SAY(mlock(at + 1, P));
	SAY(mlock((void *)(1ul << 46), P));
	SAY(mlock(at, -1ul));
	SAY(mlock(at, 0));
	SAY(munlock((void *)(1ul << 46), P));
	SAY(munlock(at, 2 * P));
	SAY(mlockall(0));
	SAY(mlockall(8));
	SAY(mlockall(MCL_ONFAULT));
	SAY(mlockall(MCL_FUTURE));
	SAY(munlockall());
	CHILD(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){2 * P, 2 * P}); (void)!setgid(54321); (void)!setuid(54321);
		SAY(mlock(at, P)); SAY(mlock(at, 4 * P)); SAY(mlockall(MCL_CURRENT));
		MAP(NULL, 4 * P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	CHILD(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){0, 0}); (void)!setgid(54321); (void)!setuid(54321);
		SAY(mlock(at, P)); SAY(mlockall(MCL_CURRENT)); SAY(mlockall(MCL_FUTURE));
		MAP(NULL, P, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_LOCKED, -1, 0));
	SAY(mincore(at + 1, P, resident));
	SAY(mincore((void *)(1ul << 46), P, resident));
	SAY(mincore(at, P, NOWHERE));
	SAY(mincore(at, -1ul, resident));
	SAY(mincore(at, 0, resident));
	SAY(mincore(at, 4 * P, resident));
	NUM(resident[0] & 1);
	SAY(msync(at + 1, P, MS_SYNC));
	SAY(msync(at, P, 0));
	SAY(msync(at, P, 8));
	SAY(msync(at, P, MS_SYNC | MS_ASYNC));
	SAY(msync((void *)(1ul << 46), P, MS_ASYNC));
	SAY(msync((void *)(1ul << 46), P, MS_SYNC | MS_ASYNC));
	SAY(msync(at, -1ul, MS_SYNC));
	SAY(msync(at, 0, MS_SYNC));
	mlock(at, P);
	SAY(msync(at, P, MS_INVALIDATE));
	SAY(msync(at, P, MS_SYNC));
	munlock(at, P);
	at = mmap(NULL, P, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	at[0] = 'z';
	SAY(msync(at, P, MS_SYNC | MS_INVALIDATE));
	SAY(brk((void *)1) == 0 ? 0 : -1);
	base = sbrk(0);
	SAY(sbrk(P) == base);
	NUM(touch(base, 1));
	SAY(sbrk(-(long)P) == base + P);
	NUM(touch(base + P, 1));
	SAY(syscall(SYS_brk, 0) == (long)base);
	SAY(syscall(SYS_getrandom, base, 4, 8));
	SAY(syscall(SYS_getrandom, NOWHERE, 4, 0));
	SAY(syscall(SYS_getrandom, &back, 4, 6));
	SAY(syscall(SYS_getrandom, &back, 0, 0));
	SAY(syscall(SYS_getrandom, &back, 256, 1));
}

int main(int argc, char **argv)
{
	struct sigaction action = {.sa_handler = fault};
	int fd, only, write_only;

	setvbuf(stdout, NULL, _IOLBF, 0);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
	if (argc > 1 && chdir(argv[1]) < 0)
		return 1;
	fd = open("memcalls.file", O_RDWR | O_CREAT | O_TRUNC, 0600);
	(void)!write(fd, "hello", 5);
	only = open("memcalls.file", O_RDONLY);
	write_only = open("memcalls.file", O_WRONLY);
	maps(fd, only, write_only);
	protects(only);
	remaps(fd);
	advices(fd);
	locking(fd);
	unlink("memcalls.file");
	return 0;
}
