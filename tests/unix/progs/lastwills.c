/* What is done for a process or thread when it has ended: its robust locks are marked, its children get the signal that they asked for. */
#define _GNU_SOURCE
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

static pthread_mutex_t *mutex;

static void *holder(void *argument)
{
	pthread_mutex_lock(mutex);
	return argument;
}

/* Who comes next is told, and makes it good. */
static void next_owner(const char *what)
{
	int error = pthread_mutex_lock(mutex);

	printf("%s: %s", what, error == 0 ? "0" : strerrorname_np(error));
	printf(", made good %d", pthread_mutex_consistent(mutex));
	printf(", given back %d", pthread_mutex_unlock(mutex));
	printf(", taken again %d\n", pthread_mutex_lock(mutex));
	pthread_mutex_unlock(mutex);
	fflush(stdout);
}

static void robust(void)
{
	pthread_mutexattr_t attributes;
	int ready[2], status;
	pthread_t thread;
	pid_t child;
	char byte;

	mutex = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	pthread_mutexattr_init(&attributes);
	pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(mutex, &attributes);
	pthread_create(&thread, NULL, holder, NULL);
	pthread_join(thread, NULL);
	next_owner("a thread ended");
	if (fork() == 0) {
		pthread_mutex_lock(mutex);
		_exit(0);
	}
	wait(&status);
	next_owner("a process ended");
	if (pipe(ready) < 0)
		return;
	child = fork();
	if (child == 0) {
		pthread_mutex_lock(mutex);
		(void)!write(ready[1], "r", 1);
		for (;;)
			pause();
	}
	(void)!read(ready[0], &byte, 1);
	/* It waits for the lock, or comes right after the end: told in both cases. */
	if (fork() == 0) {
		usleep(1000);
		kill(child, SIGKILL);
		_exit(0);
	}
	next_owner("a process was killed");
	while (wait(&status) > 0)
		;
}

static void death_signal(void)
{
	int ready[2], told[2], status;
	char byte = 0;

	if (pipe(ready) < 0 || pipe(told) < 0)
		return;
	if (fork() == 0) {
		if (fork() == 0) {
			sigset_t set;
			int signal = 0;

			sigemptyset(&set);
			sigaddset(&set, SIGUSR2);
			sigprocmask(SIG_BLOCK, &set, NULL);
			prctl(PR_SET_PDEATHSIG, SIGUSR2);
			(void)!write(ready[1], "r", 1);
			sigwait(&set, &signal);
			(void)!write(told[1], signal == SIGUSR2 ? "y" : "n", 1);
			_exit(0);
		}
		(void)!read(ready[0], &byte, 1);
		_exit(0);
	}
	wait(&status);
	(void)!read(told[0], &byte, 1);
	printf("told of the parent's end: %c\n", byte);
}

int main(void)
{
	robust();
	death_signal();
	return 0;
}
