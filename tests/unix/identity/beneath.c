/*
 * beneath MODE: what a Mach program under Unix may do to itself, and what it may not keep.
 *
 *   task        ends its task
 *   thread      ends its only thread
 *   second      its second thread ends itself; then it ends with 7 if Unix has seen that
 *   suspended   suspends its task, for ever
 *   keep SETUID FILE   as uid 1000: makes a task that makes system calls in its name, and executes SETUID, which lets
 * that task call again once it runs. FILE is what all of them share (lent.h).
 *
 * The server answers a thread's word only while that thread is in no call of its own, so whoever lends its name waits
 * without calling.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <mach/foreign.h>
#include <mach/mach.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lent.h"

enum { STACK_SIZE = 65536, LOOKS = 2000, CALLS = 10 };

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

static volatile struct lent *lent;

static inline long effective_user(void)
{
	long result;

	__asm__ volatile("syscall" : "=a"(result) : "a"((long)SYS_geteuid) : "rcx", "r11", "memory");
	return result;
}

/* The helper's only thread: no C library, no stack but what it is given. */
__attribute__((noreturn)) static void call_for_another(void)
{
	while (lent->answered < CALLS) {
		if (effective_user() == 0)
			lent->root++;
		lent->answered++;
	}
	while (lent->executed == 0)
		;
	lent->tried = 1;
	for (;;) {
		if (effective_user() == 0)
			lent->root++;
		lent->answered++;
	}
}

static int keep(const char *set_uid, const char *path)
{
	static char stack[STACK_SIZE] __attribute__((aligned(16)));
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;
	foreign_bitmap_t none = {0};
	x86_thread_state64_t state;
	mach_port_t task, thread, port;

	lent = lent_of(path);
	if (lent == NULL || setresuid(1000, 1000, 1000) != 0)
		return 1;
	if (task_get_special_port(mach_task_self(), TASK_EXCEPTION_PORT, &port) != KERN_SUCCESS ||
		task_create(mach_task_self(), TRUE, &task) != KERN_SUCCESS ||
		task_set_foreign(task, FOREIGN_PORT, 0, port, none) != KERN_SUCCESS ||
		thread_create(task, &thread) != KERN_SUCCESS ||
		portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, &count) != KERN_SUCCESS)
		return 2;
	state.rip = (uint64_t)(uintptr_t)call_for_another;
	state.rsp = (uint64_t)(uintptr_t)(stack + sizeof stack - 8);
	/* The word by which the server knows this process's first thread. */
	if (thread_set_word(thread, (uint64_t)getpid()) != KERN_SUCCESS ||
		portolan_thread_set_state(thread, x86_THREAD_STATE64, (uint64_t *)&state, count) != KERN_SUCCESS ||
		thread_resume(thread) != KERN_SUCCESS)
		return 3;
	if (!comes_to(&lent->answered, CALLS, 5000))
		return 4;
	execl(set_uid, "identity", "report", path, NULL);
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
