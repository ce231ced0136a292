/* System V semaphores: sets, operations at once, their order, undoing, permissions, ends. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/sem.h>
#include <sys/syscall.h>
#include <time.h>

#include "sysvipc.h"

#ifndef SEM_STAT_ANY
#define SEM_STAT_ANY 20
#endif

union argument {
	int value;
	struct semid_ds *state;
	unsigned short *values;
	struct seminfo *info;
};

static long control(int id, int number, int command, uintptr_t argument)
{
	return syscall(SYS_semctl, id, number, command, argument);
}

static int one(int id, int number, int by, int flags)
{
	struct sembuf operation = {(unsigned short)number, (short)by, (short)flags};

	return semop(id, &operation, 1);
}

static int value(int id, int number)
{
	return (int)control(id, number, GETVAL, 0);
}

static void getting(void)
{
	const key_t key = 0x5e310000 ^ getpid();
	struct semid_ds state;
	int id, other, third;

	show("no key", semget(key, 1, 0));
	show("none of none", semget(IPC_PRIVATE, 0, 0600));
	show("a negative number", semget(IPC_PRIVATE, -1, 0600));
	show("too many", semget(IPC_PRIVATE, 32001, 0600));
	id = semget(key, 3, IPC_CREAT | IPC_EXCL | 0640);
	show("made", id >= 0 ? 0 : -1);
	show("again", semget(key, 3, IPC_CREAT | IPC_EXCL | 0640));
	show("the same", semget(key, 2, 0) == id);
	show("without a number", semget(key, 0, 0600) == id);
	show("more than it has", semget(key, 4, 0));
	other = semget(IPC_PRIVATE, 1, 0600);
	third = semget(IPC_PRIVATE, 1, 0600);
	show("a private one is another", other != id && other != third && third >= 0);
	show("removed", control(third, 0, IPC_RMID, 0));
	show("state", control(id, 0, IPC_STAT, (uintptr_t)&state));
	show("its number", (long)state.sem_nsems);
	show("its mode", state.sem_perm.mode);
	show("its key", state.sem_perm.__key == key);
	show("its owner", state.sem_perm.uid == geteuid() && state.sem_perm.cuid == geteuid());
	show("never used", (long)state.sem_otime);
	show("changed", state.sem_ctime > 1000000);
	state.sem_perm.mode = 0604;
	state.sem_perm.uid = 77;
	show("set", control(id, 0, IPC_SET, (uintptr_t)&state));
	show("state", control(id, 0, IPC_STAT, (uintptr_t)&state));
	show("its mode", state.sem_perm.mode);
	show("its owner", state.sem_perm.uid);
	show("state of nothing", control(id, 0, IPC_STAT, 8));
	show("no command", control(id, 0, 99, 0));
	show("no id", control(-1, 0, IPC_STAT, (uintptr_t)&state));
	show("another id", control(id + (1 << 15), 0, GETVAL, 0) == -1 && (errno == EIDRM || errno == EINVAL));
	show("removed", control(id, 0, IPC_RMID, 0));
	show("removed again", control(id, 0, IPC_RMID, 0));
	show("its key", semget(key, 0, 0));
	show("other removed", control(other, 0, IPC_RMID, 0));
}

static void operations(void)
{
	int id = semget(IPC_PRIVATE, 3, 0600);
	struct sembuf three[3] = {{0, 2, 0}, {1, 3, 0}, {0, -1, IPC_NOWAIT}};
	struct timespec tenth = {0, 20000000}, none = {0, 0}, wrong = {0, 1000000000};
	unsigned short values[3];
	struct sembuf many[501];
	struct semid_ds state;

	memset(many, 0, sizeof many);
	show("three at once", semop(id, three, 3));
	show("first", value(id, 0));
	show("second", value(id, 1));
	show("who", control(id, 1, GETPID, 0) == getpid());
	show("nobody", control(id, 2, GETPID, 0));
	three[2].sem_op = -4;
	show("one cannot", semop(id, three, 3));
	show("first is as it was", value(id, 0));
	show("second too", value(id, 1));
	three[2] = (struct sembuf){2, 32767, 0};
	show("the most", semop(id, three, 3));
	show("more than that", semop(id, three, 3));
	show("first is as it was", value(id, 0));
	show("zero of nothing", one(id, 2, 0, IPC_NOWAIT));
	show("not there", one(id, 3, 1, 0));
	show("none", syscall(SYS_semop, id, three, 0));
	show("too many", semop(id, many, 501));
	for (unsigned i = 0; i < 500; i++)
		many[i].sem_op = i % 2 == 0 ? 1 : -1;
	show("many", semop(id, many, 500));
	show("left", value(id, 0));
	show("from nowhere", syscall(SYS_semop, id, 8, 1));
	show("of nothing", one(-1, 0, 1, 0));
	show("not in time", semtimedop(id, &(struct sembuf){0, -30, 0}, 1, &tenth));
	show("no time", semtimedop(id, &(struct sembuf){0, -30, 0}, 1, &none));
	show("wrong time", semtimedop(id, &(struct sembuf){0, -1, 0}, 1, &wrong));
	show("waits for no more", control(id, 0, GETNCNT, 0));
	show("all", control(id, 0, GETALL, (uintptr_t)values));
	printf("%u %u %u\n", values[0], values[1], values[2]);
	values[1] = 32768;
	show("too large", control(id, 0, SETALL, (uintptr_t)values));
	values[1] = 7;
	show("set all", control(id, 0, SETALL, (uintptr_t)values));
	show("second", value(id, 1));
	show("set one", control(id, 1, SETVAL, 5));
	show("second", value(id, 1));
	show("to less than nothing", control(id, 1, SETVAL, (uintptr_t)-1));
	show("one that is not there", control(id, 3, SETVAL, 5));
	show("value of one that is not", control(id, -1, GETVAL, 0));
	show("all to nowhere", control(id, 0, GETALL, 8));
	show("state", control(id, 0, IPC_STAT, (uintptr_t)&state));
	show("used", state.sem_otime > 1000000);
	show("removed", control(id, 0, IPC_RMID, 0));
}

/* A child that makes one operation and ends with the code, or with the error's. */
static pid_t waiter(int id, int number, int by, int code)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(one(id, number, by, 0) == 0 ? code : errno);
	return pid;
}

/* Until so many wait for more (or for zero) of it. */
static void until(int id, int number, int command, int count)
{
	while (control(id, number, command, 0) != count)
		rest(1);
}

static void waiting(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600), i;
	pid_t child[4];

	/* Each is served before a later one that wants as much, and what it gets is not taken by others. */
	for (i = 0; i < 3; i++) {
		child[i] = waiter(id, 0, -1, 10 + i);
		until(id, 0, GETNCNT, i + 1);
	}
	for (i = 0; i < 3; i++) {
		int status;
		pid_t first;

		one(id, 0, 1, 0);
		show("taken at once", one(id, 0, -1, IPC_NOWAIT));
		first = wait(&status);
		printf("ended: %d, in order: %d\n", WEXITSTATUS(status), first == child[i]);
	}
	/* A large one does not stop a small one. */
	child[0] = waiter(id, 0, -5, 20);
	until(id, 0, GETNCNT, 1);
	child[1] = waiter(id, 0, -2, 21);
	until(id, 0, GETNCNT, 2);
	one(id, 0, 2, 0);
	show("small", ended(child[1]));
	show("large waits", control(id, 0, GETNCNT, 0));
	one(id, 0, 5, 0);
	show("large", ended(child[0]));
	/* Zero. */
	control(id, 1, SETVAL, 2);
	child[0] = waiter(id, 1, 0, 30);
	until(id, 1, GETZCNT, 1);
	one(id, 1, -1, 0);
	show("not zero", control(id, 1, GETZCNT, 0));
	one(id, 1, -1, 0);
	show("zero", ended(child[0]));
	/* Both: waits first for one, then for the other. */
	child[0] = fork();
	if (child[0] == 0) {
		struct sembuf both[2] = {{0, -1, 0}, {1, -1, 0}};

		_exit(semop(id, both, 2) == 0 ? 40 : errno);
	}
	until(id, 0, GETNCNT, 1);
	one(id, 0, 1, 0);
	until(id, 1, GETNCNT, 1);
	show("has taken neither", value(id, 0));
	show("waits no more for the first", control(id, 0, GETNCNT, 0));
	one(id, 1, 1, 0);
	show("both", ended(child[0]));
	show("left", value(id, 0) + value(id, 1));
	/* One that gives to the next. */
	child[0] = fork();
	if (child[0] == 0) {
		struct sembuf pass[2] = {{0, -1, 0}, {1, 1, 0}};

		_exit(semop(id, pass, 2) == 0 ? 50 : errno);
	}
	until(id, 0, GETNCNT, 1);
	child[1] = waiter(id, 1, -1, 51);
	until(id, 1, GETNCNT, 1);
	one(id, 0, 1, 0);
	show("passed", ended(child[0]));
	show("on", ended(child[1]));
	/* Signals and the end. */
	on_signal(SIGUSR1);
	child[0] = waiter(id, 0, -1, 60);
	until(id, 0, GETNCNT, 1);
	kill(child[0], SIGUSR1);
	show("interrupted", ended(child[0]) == EINTR);
	show("does not wait", control(id, 0, GETNCNT, 0));
	child[0] = waiter(id, 0, -1, 61);
	until(id, 0, GETNCNT, 1);
	kill(child[0], SIGKILL);
	show("killed", ended(child[0]));
	show("does not wait", control(id, 0, GETNCNT, 0));
	child[0] = waiter(id, 0, -1, 62);
	until(id, 0, GETNCNT, 1);
	show("removed", control(id, 0, IPC_RMID, 0));
	show("its waiter hears of it", ended(child[0]) == EIDRM);
}

static void undoing(void)
{
	int id = semget(IPC_PRIVATE, 2, 0600);
	pid_t child, other;

	control(id, 0, SETVAL, 3);
	child = fork();
	if (child == 0) {
		one(id, 0, -2, SEM_UNDO);
		one(id, 1, 4, SEM_UNDO);
		one(id, 1, 1, 0);
		/* A child of its own has none of it to undo; a program that follows has. */
		if (fork() == 0)
			_exit(0);
		wait(NULL);
		_exit(value(id, 0) * 10 + value(id, 1));
	}
	show("before", ended(child));
	show("after", value(id, 0) * 10 + value(id, 1));
	/* What is undone wakes others. */
	control(id, 0, SETVAL, 1);
	child = fork();
	if (child == 0) {
		one(id, 0, -1, SEM_UNDO);
		pause();
	}
	while (value(id, 0) != 0)
		rest(1);
	other = waiter(id, 0, -1, 5);
	until(id, 0, GETNCNT, 1);
	kill(child, SIGKILL);
	show("killed", ended(child));
	show("the next has it", ended(other));
	show("who", control(id, 0, GETPID, 0) == other);
	/* Never below nothing; setting forgets. */
	control(id, 0, SETVAL, 0);
	child = fork();
	if (child == 0) {
		one(id, 0, 5, SEM_UNDO);
		one(id, 1, 5, SEM_UNDO);
		one(id, 0, -3, 0);
		control(id, 1, SETVAL, 9);
		_exit(value(id, 0));
	}
	show("before", ended(child));
	show("after", value(id, 0) * 10 + value(id, 1));
	show("too much to undo", one(id, 0, 32767, SEM_UNDO) == 0 ? one(id, 0, -32767, 0) : -1);
	show("too much to undo", one(id, 0, 32767, SEM_UNDO));
	show("removed", control(id, 0, IPC_RMID, 0));
}

static void permissions(void)
{
	int id = semget(IPC_PRIVATE, 1, 0604);
	struct semid_ds state;
	const key_t key = 0x5e320000 ^ getpid();
	int keyed = semget(key, 1, IPC_CREAT | 0600);
	pid_t child;

	control(id, 0, IPC_STAT, (uintptr_t)&state);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be(1234);
		show("others read", control(id, 0, GETVAL, 0));
		show("others look at zero", one(id, 0, 0, IPC_NOWAIT));
		show("others change", one(id, 0, 1, 0));
		show("others set", control(id, 0, SETVAL, 1));
		show("others own", control(id, 0, IPC_SET, (uintptr_t)&state));
		show("others remove", control(id, 0, IPC_RMID, 0));
		show("others look", control(id, 0, IPC_STAT, (uintptr_t)&state));
		show("others ask for what they may", semget(key, 1, 0600));
		show("others ask for nothing", semget(key, 1, 0) == keyed);
		show("more than it has, and not theirs", semget(key, 2, 0600));
		show("others look", control(keyed, 0, IPC_STAT, (uintptr_t)&state));
		_exit(0);
	}
	show("child", ended(child));
	/* The owner is another, the maker may still. */
	state.sem_perm.uid = 1234;
	state.sem_perm.mode = 0200;
	control(id, 0, IPC_SET, (uintptr_t)&state);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be(1234);
		show("the owner changes", one(id, 0, 1, 0));
		show("the owner reads", control(id, 0, GETVAL, 0));
		show("the owner removes", control(id, 0, IPC_RMID, 0));
		_exit(0);
	}
	show("child", ended(child));
	show("gone", control(id, 0, IPC_RMID, 0));
	show("removed", control(keyed, 0, IPC_RMID, 0));
}

static void facts(void)
{
	int id = semget(IPC_PRIVATE, 6, 0640), index = -1, highest, i, found = 0;
	struct seminfo limits, use;
	struct semid_ds state;
	char line[256];
	FILE *file;

	one(id, 2, 1, 0);
	highest = (int)control(0, 0, IPC_INFO, (uintptr_t)&limits);
	printf("limits: %d %d %d %d %d %d %d %d %d %d\n", limits.semmap, limits.semmni, limits.semmns, limits.semmnu,
		limits.semmsl, limits.semopm, limits.semume, limits.semusz, limits.semvmx, limits.semaem);
	/* On Linux others have some, too. */
	show("use", control(0, 0, SEM_INFO, (uintptr_t)&use) >= 0);
	show("sets", use.semusz >= 1);
	show("semaphores", use.semaem >= 6);
	for (i = 0; i <= highest; i++) {
		if (control(i, 0, SEM_STAT, (uintptr_t)&state) == id)
			index = i;
	}
	show("found", index >= 0);
	control(index, 0, SEM_STAT, (uintptr_t)&state);
	show("its number", (long)state.sem_nsems);
	show("any", control(index, 0, SEM_STAT_ANY, (uintptr_t)&state) == id);
	show("none", control(30000, 0, SEM_STAT, (uintptr_t)&state));
	file = fopen("/proc/sysvipc/sem", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		int key, number, mode, count, uid;

		if (sscanf(line, "%d %d %o %d %d", &key, &number, (unsigned *)&mode, &count, &uid) == 5 && number == id) {
			printf("line: %d %o %d %zu\n", key, (unsigned)mode, count, strlen(line));
			found++;
		}
		if (strstr(line, "key") != NULL)
			fputs(line, stdout);
	}
	show("lines", found);
	fclose(file);
	file = fopen("/proc/sys/kernel/sem", "r");
	fgets(line, sizeof line, file);
	fputs(line, stdout);
	fclose(file);
	show("removed", control(id, 0, IPC_RMID, 0));
}

int main(void)
{
	alarm(60);
	getting();
	operations();
	waiting();
	undoing();
	permissions();
	facts();
	return 0;
}
