/* What strace and gdb look at: calls, a child, a signal, a thread, an end. */
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile int counter;

static void handler(int signal)
{
	counter += signal;
}

static int twice(int value)
{
	int result = value * 2;

	return result;
}

static void *other(void *argument)
{
	counter += *(int *)argument;
	return NULL;
}

int main(int argc, char **argv)
{
	int value = 21, status;
	pthread_t thread;

	signal(SIGUSR1, handler);
	counter = twice(value);
	(void)!write(1, "hello\n", 6);
	open("/nowhere/at/all", O_RDONLY);
	if (argc > 1 && strcmp(argv[1], "thread") == 0) {
		pthread_create(&thread, NULL, other, &value);
		pthread_join(thread, NULL);
		return counter == 63 ? 0 : 1;
	}
	raise(SIGUSR1);
	if (argc > 1) {
		if (fork() == 0)
			_exit(3);
		wait(&status);
		if (fork() == 0) {
			execl(argv[0], argv[0], NULL);
			_exit(99);
		}
		wait(&status);
	}
	return counter == 42 + SIGUSR1 ? 0 : 1;
}
