/*
 * watch [-m] [-s] [-e] SECONDS MIB PROGRAM [ARGUMENT]... : runs an attack as one ordinary user, for at most so long,
 * while another user's shell goes on; says how the attack ended, how long that shell's slowest command took before,
 * during and after it, and whether all memory is back but 1 % of the machine's MIB. With -m the attack is a Mach
 * program: it has the kernel's traps. With -s a copy of it beside it is root's and set-uid; ATTACK_SETUID in its
 * environment names it. With -e the program with each argument is an attack of its own, one after the other; memory is
 * compared with that before the first.
 *
 * Of time that is counted by instructions (run --icount) a command of the other user may take one and a half seconds,
 * and as much longer as its disk is slow, which the rounds before the attack show.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <servers/unix.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	ATTACKER = 1000,
	BYSTANDER = 1001,
	ALONE_ROUNDS = 5,
	AFTER_ROUNDS = 5,
	ANSWER_MS = 1500,
	ANSWER_FACTOR = 20, /* of the slowest command of an idle machine */
	PAUSE_MS = 50,
	ATTACKS_MAX = 32,
};

static bool mach;
static long allowed; /* KiB that may be lost */

/* Shared with the bystander. */
static struct notes {
	volatile int phase;        /* 0 alone; then of each attack: attacked, afterwards; -1 the end */
	volatile bool rest, rests; /* it is to, and does nothing */
	struct {
		volatile unsigned rounds, failures;
		volatile long slowest_ms;
	} of[1 + 2 * ATTACKS_MAX];
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
	int phase;

	become(BYSTANDER);
	while ((phase = notes->phase) >= 0) {
		long start = now_ms(), took;

		if (!one_command())
			notes->of[phase].failures++;
		took = now_ms() - start;
		notes->of[phase].rounds++;
		/* One that lasts into another phase counts there, too. */
		for (; phase <= notes->phase; phase++)
			if (took > notes->of[phase].slowest_ms)
				notes->of[phase].slowest_ms = took;
		while ((notes->rests = notes->rest))
			pause_ms(1);
		pause_ms(PAUSE_MS);
	}
	_exit(0);
}

static void bystander_rests(bool rest)
{
	notes->rest = rest;
	while (notes->rests != rest)
		pause_ms(1);
}

/* Until the bystander has done so many rounds of this phase. False: it did not within the time. */
static bool rounds_done(unsigned rounds, long limit_ms)
{
	long start = now_ms();

	while (notes->of[notes->phase].rounds < rounds) {
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

/* What is available, or in files in memory, where everybody sees it and its owner or root can remove it. */
static long memory_not_lost(void)
{
	static const char *const places[] = {"/tmp", "/dev/shm"};
	long sum = memory("MemAvailable:");
	struct statvfs fs;

	for (unsigned i = 0; i < sizeof places / sizeof places[0]; i++)
		if (statvfs(places[i], &fs) == 0)
			sum += (long)((fs.f_blocks - fs.f_bfree) * fs.f_bsize / 1024);
	return sum;
}

/* Says whether what is available comes back to what it was, within the time. */
static void memory_back(long before, long least, long limit_ms)
{
	long start = now_ms(), lost;

	while ((lost = before - memory_not_lost()) > allowed && now_ms() - start < limit_ms)
		pause_ms(PAUSE_MS);
	printf("memory: %ld of %ld KiB taken, afterwards %ld KiB less than before\n", before - least, before, lost);
	printf("memory: %s\n", lost <= allowed ? "is back" : "is lost");
}

/* Ends all of the attacker's processes. */
static void end_all(void)
{
	pid_t killer = fork(), ended;

	if (killer == 0) {
		become(ATTACKER);
		while (kill(-1, SIGKILL) == 0)
			pause_ms(1);
		_exit(0);
	}
	while ((ended = waitpid(-1, NULL, 0)) > 0 && ended != killer)
		;
}

/* A copy of the program that runs as root whoever runs it; its name is in the environment. */
static bool install_set_uid(const char *program)
{
	static char bytes[65536], name[256];
	int from = open(program, O_RDONLY), to;
	ssize_t size;

	snprintf(name, sizeof name, "%s-setuid", program);
	to = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0700);
	if (from < 0 || to < 0)
		return false;
	while ((size = read(from, bytes, sizeof bytes)) > 0)
		if (write(to, bytes, (size_t)size) != size)
			return false;
	close(from);
	return size == 0 && fchown(to, 0, 0) == 0 && fchmod(to, 04755) == 0 && close(to) == 0 &&
	       setenv("ATTACK_SETUID", name, 1) == 0;
}

/* The attack's wait status; -1 when it was still running at its end. All of it has ended then. */
static int attack(char **arguments, long limit_ms, long *least_memory)
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
	/* What it has left behind is part of the attack, up to here. */
	*least_memory = memory_not_lost();
	end_all();
	return status;
}

/* One attack and what became of it. Memory was `before` KiB. */
static void watch(char **arguments, long limit_ms, long before)
{
	long alone_ms = notes->of[0].slowest_ms, limit = ANSWER_MS + ANSWER_FACTOR * alone_ms, least;
	int attacked = ++notes->phase, status = attack(arguments, limit_ms, &least), after = ++notes->phase;
	bool alive = rounds_done(AFTER_ROUNDS, limit);

	if (status == -1)
		printf("attack: runs to the end of its time\n");
	else if (WIFEXITED(status))
		printf("attack: status %d\n", WEXITSTATUS(status));
	else
		printf("attack: ended by signal %d\n", WTERMSIG(status));
	printf("bystander: slowest command %ld ms alone, %ld attacked (%u commands), %ld afterwards\n", alone_ms,
		notes->of[attacked].slowest_ms, notes->of[attacked].rounds, notes->of[after].slowest_ms);
	printf("bystander: %s\n", !alive                                                         ? "does not answer"
				  : notes->of[attacked].failures + notes->of[after].failures > 0 ? "commands fail"
				  : notes->of[attacked].slowest_ms > limit ? "too slow during the attack"
				  : notes->of[after].slowest_ms > limit    ? "too slow afterwards"
									   : "well");
	if (alive) {
		bystander_rests(true);
		memory_back(before, least, limit);
		bystander_rests(false);
	}
}

int main(int argc, char **argv)
{
	bool each = false, set_uid = false;
	long before, limit_ms;
	int option, i;

	while ((option = getopt(argc, argv, "+mse")) != -1) {
		if (option == '?')
			return 2;
		*(option == 'm' ? &mach : option == 's' ? &set_uid : &each) = true;
	}
	argc -= optind;
	argv += optind;
	if (argc < 3 || argc - 3 > ATTACKS_MAX)
		return 2;
	if (set_uid && !install_set_uid(argv[2]))
		return 2;
	limit_ms = atol(argv[0]) * 1000;
	allowed = atol(argv[1]) * 1024 / 100;
	setvbuf(stdout, NULL, _IOLBF, 0);
	notes = mmap(NULL, sizeof *notes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (notes == MAP_FAILED)
		return 2;
	/* What attacks leave behind is this process's to wait for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	if (fork() == 0)
		bystander();
	if (!rounds_done(ALONE_ROUNDS, ANSWER_MS * ANSWER_FACTOR))
		return 2;
	bystander_rests(true);
	before = memory_not_lost();
	bystander_rests(false);
	if (!each)
		watch(argv + 2, limit_ms, before);
	for (i = 3; each && i < argc; i++) {
		printf("with %s:\n", argv[i]);
		watch((char *[]){argv[2], argv[i], NULL}, limit_ms, before);
	}
	notes->phase = -1;
	return 0;
}
