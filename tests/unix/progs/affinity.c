/* Threads that shall run on some processors only: where they run then, and who else does. On however many there are. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { ROUNDS = 20, MANY = 64, STAT_PROCESSOR = 39 };

static int allowed[MANY], count; /* the processors that we may have */

static void say(const char *what, int good)
{
	printf("%s: %s\n", what, good ? "yes" : "no");
	fflush(stdout);
}

static int bind_to(pid_t pid, int processor)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(processor, &set);
	return sched_setaffinity(pid, sizeof set, &set);
}

/* The only one where the thread may run, or -1. */
static int bound_to(pid_t pid)
{
	cpu_set_t set;

	if (sched_getaffinity(pid, sizeof set, &set) != 0 || CPU_COUNT(&set) != 1)
		return -1;
	for (int i = 0; i < MANY; i++)
		if (CPU_ISSET(i, &set))
			return i;
	return -1;
}

static int here(void)
{
	unsigned processor = 99, node = 99;

	return syscall(SYS_getcpu, &processor, &node, NULL) == 0 && node == 0 ? (int)processor : -1;
}

/* proc(5): field 39. */
static int processor_of(pid_t pid)
{
	char name[32], text[1024], *at;
	FILE *file;
	size_t n;

	snprintf(name, sizeof name, "/proc/%d/stat", pid);
	file = fopen(name, "r");
	if (file == NULL)
		return -1;
	n = fread(text, 1, sizeof text - 1, file);
	fclose(file);
	text[n] = 0;
	at = strrchr(text, ')');
	for (int field = 2; at != NULL && field < STAT_PROCESSOR; field++)
		at = strchr(at + 1, ' ');
	return at != NULL ? atoi(at + 1) : -1;
}

static void work(void)
{
	for (volatile int i = 0; i < 200000; i++)
		;
}

/* Where is it, over a while? */
static int stays_on(int processor)
{
	int good = bound_to(0) == processor;

	for (int i = 0; i < ROUNDS; i++) {
		good &= here() == processor && sched_getcpu() == processor;
		if (i % 4 == 0)
			usleep(1000);
		else
			work();
	}
	return good;
}

static void *thread_stays(void *argument)
{
	return (void *)(long)stays_on(*(int *)argument);
}

static int child_says_yes(pid_t child)
{
	int status;

	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 1;
}

static void inheritance(char *self)
{
	int last = allowed[count - 1], good;
	char number[16];
	pthread_t thread;
	void *result;
	pid_t child;

	bind_to(0, last);
	pthread_create(&thread, NULL, thread_stays, &last);
	pthread_join(thread, &result);
	say("a thread has its maker's", result != NULL);
	child = fork();
	if (child == 0)
		_exit(stays_on(last));
	say("so has a child", child_says_yes(child));
	child = fork();
	if (child == 0) {
		snprintf(number, sizeof number, "%d", last);
		execl(self, self, "stays", number, NULL);
		_exit(9);
	}
	say("and its next program", child_says_yes(child));
	bind_to(0, allowed[0]);
	child = fork();
	if (child == 0) {
		good = bind_to(0, last) == 0 && stays_on(last);
		_exit(good);
	}
	good = child_says_yes(child);
	say("what a child sets is its own", good && stays_on(allowed[0]));
}

/* A process that runs all the time is moved, again and again. */
static void others(void)
{
	int good = 1, dead;
	pid_t child = fork();

	if (child == 0)
		for (;;)
			work();
	for (int i = 0; i < ROUNDS; i++) {
		int wanted = allowed[i % count], is = -1;

		good &= bind_to(child, wanted) == 0 && bound_to(child) == wanted;
		/* It may have to wait for its turn there. */
		for (int wait = 0; wait < 1000 && (is = processor_of(child)) != wanted; wait++)
			usleep(1000);
		good &= is == wanted;
	}
	say("one that runs is moved from outside", good);
	kill(child, SIGKILL);
	waitpid(child, NULL, 0);
	dead = bind_to(child, allowed[0]) == -1 && errno == ESRCH;
	say("one that is gone is not", dead);
	bind_to(0, allowed[0]);
	child = fork();
	if (child == 0) {
		if (setuid(1000) != 0)
			_exit(9);
		_exit(stays_on(allowed[0]));
	}
	say("who becomes another user stays where it was", getuid() != 0 || child_says_yes(child));
}

static void refusals(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	say("no processor: EINVAL", sched_setaffinity(0, sizeof set, &set) == -1 && errno == EINVAL);
	CPU_SET(1000, &set);
	say("one that is not there: EINVAL", sched_setaffinity(0, sizeof set, &set) == -1 && errno == EINVAL);
	CPU_SET(allowed[0], &set);
	say("one of them is there", sched_setaffinity(0, sizeof set, &set) == 0 && bound_to(0) == allowed[0]);
	say("no memory: EFAULT", syscall(SYS_sched_setaffinity, 0, sizeof set, (void *)8) == -1 && errno == EFAULT);
	say("getcpu without memory: EFAULT", syscall(SYS_getcpu, (void *)8, NULL, NULL) == -1 && errno == EFAULT);
}

int main(int argc, char **argv)
{
	cpu_set_t before;
	int good = 1;

	if (argc == 3)
		return stays_on(atoi(argv[2]));
	sched_getaffinity(0, sizeof before, &before);
	for (int i = 0; i < MANY; i++)
		if (CPU_ISSET(i, &before))
			allowed[count++] = i;
	for (int i = 0; i < count; i++)
		good &= bind_to(0, allowed[i]) == 0 && stays_on(allowed[i]);
	say("a thread runs where it says", good);
	good = sched_setaffinity(0, sizeof before, &before) == 0;
	say("and anywhere again", good && bound_to(0) == (count == 1 ? allowed[0] : -1));
	inheritance(argv[0]);
	others();
	refusals();
	return 0;
}
