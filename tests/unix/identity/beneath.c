/*
 * beneath MODE: what a Mach program under Unix may do to itself, and what it may not keep.
 *
 *   task        ends its task
 *   thread      ends its only thread
 *   second      its second thread ends itself; then it ends with 7 if Unix has seen that
 *   suspended   suspends its task, for ever
 *   keep SETUID FILE   as uid 1000: makes a task that makes system calls in its name and writes into FILE (two words:
 * how many were answered, how many of them said root), and executes SETUID
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <mach/foreign.h>
#include <mach/mach.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { STACK_SIZE = 65536, LOOKS = 2000 };

static void *ends_itself(void *nothing)
{
	(void)nothing;
	thread_terminate((mach_port_t)mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0));
	return NULL;
}

static int threads_here(void)
{
	DIR *directory = opendir("/proc/self/task");
	struct dirent *entry;
	int count = 0;

	while (directory != NULL && (entry = readdir(directory)) != NULL)
		count += entry->d_name[0] != '.';
	if (directory != NULL)
		closedir(directory);
	return count;
}

static int second(void)
{
	pthread_t thread;
	int i;

	if (pthread_create(&thread, NULL, ends_itself, NULL) != 0)
		return 1;
	for (i = 0; i < LOOKS && threads_here() != 1; i++)
		usleep(1000);
	return threads_here() == 1 ? 7 : 2;
}

static volatile long *answered, *root;

/* The helper's only thread: no C library, no stack but what it is given. */
__attribute__((noreturn)) static void call_for_ever(void)
{
	for (;;) {
		long result;

		__asm__ volatile("syscall" : "=a"(result) : "a"((long)SYS_geteuid) : "rcx", "r11", "memory");
		if (result >= 0)
			++*answered;
		if (result == 0)
			++*root;
	}
}

static int keep(const char *set_uid, const char *path)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;
	foreign_bitmap_t none = {0};
	x86_thread_state64_t state;
	mach_port_t task, thread, port;
	int fd = open(path, O_RDWR), i;
	volatile long *words = mmap(NULL, sizeof(long[2]), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);

	if (fd < 0 || words == MAP_FAILED || setresuid(1000, 1000, 1000) != 0)
		return 1;
	answered = words;
	root = words + 1;
	if (task_get_special_port(mach_task_self(), TASK_EXCEPTION_PORT, &port) != KERN_SUCCESS ||
		task_create(mach_task_self(), TRUE, &task) != KERN_SUCCESS ||
		task_set_foreign(task, FOREIGN_PORT, 0, port, none) != KERN_SUCCESS ||
		thread_create(task, &thread) != KERN_SUCCESS ||
		thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &count) != KERN_SUCCESS)
		return 2;
	state.rip = (uint64_t)(uintptr_t)call_for_ever;
	state.rsp = (uint64_t)(uintptr_t)(stack + sizeof stack - 8);
	/* The word by which the server knows this process's first thread. */
	if (thread_set_word(thread, (uint64_t)getpid()) != KERN_SUCCESS ||
		thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, count) != KERN_SUCCESS ||
		thread_resume(thread) != KERN_SUCCESS)
		return 3;
	for (i = 0; i < LOOKS && *answered < 10; i++)
		usleep(1000);
	if (*answered < 10)
		return 4;
	execl(set_uid, "identity", "report", NULL);
	return 5;
}

int main(int argc, char **argv)
{
	const char *mode = argc > 1 ? argv[1] : "";

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	if (strcmp(mode, "task") == 0)
		task_terminate(mach_task_self());
	else if (strcmp(mode, "thread") == 0)
		ends_itself(NULL);
	else if (strcmp(mode, "suspended") == 0)
		task_suspend(mach_task_self());
	else if (strcmp(mode, "second") == 0)
		return second();
	else if (strcmp(mode, "keep") == 0 && argc == 4)
		return keep(argv[2], argv[3]);
	return 99;
}
