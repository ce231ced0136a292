/*
 * watch [-m] SECONDS PROGRAM [ARGUMENT]... : runs an attack as one ordinary user, for at most so long, while another
 * user's shell goes on; says how the attack ended, how long that shell's slowest command took before, during and after
 * it, and whether all memory is back. With -m the attack is a Mach program: it has the kernel's traps.
 *
 * What this program says of time is relative: a command of the other user may take two seconds, and as much longer as
 * the machine is slow, which the rounds before the attack show.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <grp.h>
#include <servers/unix.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ATTACKER = 1000,
	BYSTANDER = 1001,
	ALONE_ROUNDS = 5,
	AFTER_ROUNDS = 5,
	ANSWER_MS = 2000,
	ANSWER_FACTOR = 20, /* of the slowest command of an idle machine */
	PAUSE_MS = 50,
	LOST_PER_CENT = 1, /* of the machine's memory, at most, */
	LOST_KIB = 2048,   /* beside what the caches of the kernel and the servers keep for the next time */
};

static bool mach;

/* Shared with the bystander. */
static struct notes {
	volatile int phase; /* 0 alone, 1 attacked, 2 afterwards, 3 the end */
	volatile unsigned rounds[3], failures;
	volatile long slowest_ms[3];
	volatile long under_way_since; /* ms; 0: none */
} * notes;

static long now_ms(void)
{
	struct timespec time;

	clock_gettime(CLOCK_MONOTONIC, &time);
	return time.tv_sec * 1000 + time.tv_nsec / 1000000;
}

static void pause_ms(long ms)
{
	struct timespec time = {ms / 1000, ms % 1000 * 1000000};

	while (nanosleep(&time, &time) != 0 && errno == EINTR)
		;
}

static void become(unsigned id)
{
	if (setgroups(0, NULL) != 0 || setresgid(id, id, id) != 0 || setresuid(id, id, id) != 0)
		_exit(125);
	setenv("HOME", "/tmp", 1);
	(void)!chdir("/tmp");
}

/* One command of the other user's: a shell that starts programs, reads the disk, writes to /tmp. */
static bool one_command(void)
{
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		execl("/bin/sh", "sh", "-c",
			"ls /bin >/dev/null && echo well >/tmp/bystander && test \"$(cat /tmp/bystander | tr a-z "
			"A-Z)\" = WELL",
			(char *)NULL);
		_exit(127);
	}
	return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

static _Noreturn void bystander(void)
{
	become(BYSTANDER);
	while (notes->phase < 3) {
		int phase = notes->phase;
		long start = now_ms(), took;

		notes->under_way_since = start;
		if (!one_command())
			notes->failures++;
		took = now_ms() - start;
		notes->under_way_since = 0;
		if (took > notes->slowest_ms[phase])
			notes->slowest_ms[phase] = took;
		notes->rounds[phase]++;
		pause_ms(PAUSE_MS);
	}
	_exit(0);
}

/* Until the bystander has done so many rounds of the phase. False: it did not within the time. */
static bool rounds_done(int phase, unsigned rounds, long limit_ms)
{
	long start = now_ms();

	while (notes->rounds[phase] < rounds) {
		if (now_ms() - start > limit_ms * (long)(rounds + 1))
			return false;
		pause_ms(PAUSE_MS);
	}
	return true;
}

/* KiB, of /proc/meminfo. */
static long memory(const char *key)
{
	char line[128];
	FILE *file = fopen("/proc/meminfo", "r");
	long value = -1;

	while (file != NULL && value < 0 && fgets(line, sizeof line, file) != NULL)
		if (strncmp(line, key, strlen(key)) == 0)
			value = atol(line + strlen(key));
	if (file != NULL)
		fclose(file);
	return value;
}

/* Says whether the memory that is available comes back to what it was, within the time. */
static void memory_back(long before, long limit_ms)
{
	long start = now_ms(), allowed = LOST_KIB + memory("MemTotal:") * LOST_PER_CENT / 100, lost;

	while ((lost = before - memory("MemAvailable:")) > allowed && now_ms() - start < limit_ms)
		pause_ms(PAUSE_MS);
	printf("memory: %ld KiB less than before\n", lost);
	printf("memory: %s\n", lost <= allowed ? "is back" : "is lost");
}

/* The attack's wait status; -1 when it was still running at its end. */
static int attack(char **arguments, long limit_ms)
{
	long start = now_ms();
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		setpgid(0, 0);
		if (mach && prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_TRAPS, 0, 0, 0) != 0)
			_exit(126);
		become(ATTACKER);
		execv(arguments[0], arguments);
		_exit(127);
	}
	while (waitpid(child, &status, WNOHANG) != child) {
		if (now_ms() - start > limit_ms) {
			status = -1;
			break;
		}
		pause_ms(PAUSE_MS);
	}
	/* All of the attacker's: what it has left behind is part of the attack, up to here. */
	if (fork() == 0) {
		become(ATTACKER);
		kill(-1, SIGKILL);
		_exit(0);
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
	return status;
}

int main(int argc, char **argv)
{
	long limit, before;
	bool alive;
	int status;

	if (argc > 1 && strcmp(argv[1], "-m") == 0) {
		mach = true;
		argc--;
		argv++;
	}
	if (argc < 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED)
		return 2;
	if (fork() == 0)
		bystander();
	if (!rounds_done(0, ALONE_ROUNDS, ANSWER_MS * ANSWER_FACTOR))
		return 2;
	limit = ANSWER_MS + ANSWER_FACTOR * notes->slowest_ms[0];
	before = memory("MemAvailable:");
	notes->phase = 1;
	status = attack(argv + 2, atol(argv[1]) * 1000);
	notes->phase = 2;
	alive = rounds_done(2, AFTER_ROUNDS, limit);
	notes->phase = 3;
	if (status == -1)
		printf("attack: runs to the end of its time\n");
	else if (WIFEXITED(status))
		printf("attack: status %d\n", WEXITSTATUS(status));
	else
		printf("attack: ended by signal %d\n", WTERMSIG(status));
	printf("bystander: slowest command %ld ms alone, %ld attacked (%u commands), %ld afterwards\n",
		notes->slowest_ms[0], notes->slowest_ms[1], notes->rounds[1], notes->slowest_ms[2]);
	printf("bystander: %s\n", !alive                         ? "does not answer"
				  : notes->failures > 0          ? "commands fail"
				  : notes->slowest_ms[1] > limit ? "too slow during the attack"
				  : notes->slowest_ms[2] > limit ? "too slow afterwards"
								 : "well");
	memory_back(before, limit);
	return 0;
}
