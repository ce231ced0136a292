/*
 * turncoat UID MIB [threads] [sparse]: takes a user's ids, with threads not alone, says what it still has, and fills so much memory;
 * of sparse memory one page in each two MiB, which has a page table of the kernel's for each.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static volatile sig_atomic_t signals;
static __thread int own = 7;
static volatile double half = 0.5;

static void caught(int signal)
{
	signals += signal == SIGUSR1;
}

static int wrong(const char *what)
{
	printf("%s is wrong after setuid\n", what);
	return 1;
}

static void *idle(void *argument)
{
	for (;;)
		pause();
	return argument;
}

int main(int count, char **arguments)
{
	pthread_t thread;
	uid_t uid = count > 2 ? (uid_t)atoi(arguments[1]) : 0;
	size_t size = count > 2 ? (size_t)atoi(arguments[2]) << 20 : 0;
	char *private = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	int *shared = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ends[2];
	pid_t self = getpid();
	double quarter = half * half;
	char *memory, text[2];

	if (private == MAP_FAILED || shared == MAP_FAILED || pipe(ends) != 0 || write(ends[1], "x", 2) != 2)
		return 2;
	strcpy(private, "here");
	mprotect(private + 4096, 4096, PROT_NONE);
	signal(SIGUSR1, caught);
	alarm(1000);
	pid_t child = fork();
	if (child == 0) {
		while (__atomic_load_n(shared, __ATOMIC_SEQ_CST) == 0)
			usleep(1000);
		__atomic_store_n(shared, 2, __ATOMIC_SEQ_CST);
		_exit(0);
	}
	const int sparse = count > 3 && strcmp(arguments[count - 1], "sparse") == 0;

	if (count > 3 + sparse && pthread_create(&thread, NULL, idle, NULL) != 0)
		return wrong("a thread");
	if (setuid(uid) != 0)
		return wrong("setuid");
	if (getuid() != uid || geteuid() != uid || getpid() != self || own != 7 || quarter != half * half)
		return wrong("who it is");
	if (strcmp(private, "here") != 0 || (private[0] = 't') != 't')
		return wrong("private memory");
	__atomic_store_n(shared, 1, __ATOMIC_SEQ_CST);
	for (int i = 0; i < 10000 && __atomic_load_n(shared, __ATOMIC_SEQ_CST) == 1; i++)
		usleep(1000);
	if (*shared != 2)
		return wrong("shared memory");
	if (raise(SIGUSR1) != 0 || signals != 1 || alarm(0) == 0)
		return wrong("signals");
	if (read(ends[0], text, 2) != 2 || strcmp(text, "x") != 0)
		return wrong("an open file");
	memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (memory == MAP_FAILED)
		return wrong("mmap");
	if (!sparse)
		memset(memory, 1, size);
	for (size_t at = 0; at < size && sparse; at += 2 << 20)
		memory[at] = 1;
	return 0;
}
