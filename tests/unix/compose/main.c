/*
 * compose SEED STEPS DIRECTORY: several processes of different users compose valid operations on files, descriptors,
 * identities and each other, at random but always the same way for a seed. One line a step says what came of it, so
 * that two systems can be compared step by step. What no system may allow is checked here: see `watch`.
 */
#include "compose.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static const char *const operation_name[] = {
#define X(name) #name,
	OPERATIONS(X)
#undef X
};

const char *const path_name[PATHS] = {"a", "b", "c", "d", "a/x", "a/y", "a/su", "b/x", "b/y", "b/sub", "b/sub/z", "c/x",
	"c/y", "c/su", "c/link", "c/sub", "c/sub/z", "d/x", "d/y", "d/sub", "d/sub/z", "d/su", "a/link", "b/link",
	"c/..", "c/../d/x", "secret", "c/fifo"};

#define ROUND 1000 /* steps until all begins anew: a world wears out */

/* Who an actor begins as. */
static const struct identity {
	uid_t uid, euid;
	gid_t gid, group; /* group: a supplementary one, or 0 */
} identity[ACTORS] = {
	{0, 0, 0, 0},
	{1000, 1000, 1000, 0},
	{1000, 1000, 1000, 500},
	{1001, 1001, 1001, 500},
	{0, 1000, 1000, 0}, /* root who walks as another: may go back */
	{1001, 1001, 500, 0},
};

static int control[ACTORS]; /* to the actor */
static pid_t pid[ACTORS];

/* xorshift64: Marsaglia, Journal of Statistical Software 8 (2003). */
static uint64_t state;

static unsigned pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % below;
}

static _Noreturn void stop(const char *what)
{
	fprintf(stderr, "compose: %s: %s\n", what, strerror(errno));
	for (int i = 0; i < ACTORS; i++)
		if (pid[i] > 0)
			kill(pid[i], SIGKILL);
	exit(2);
}

static void become(const struct identity *who)
{
	if (setgroups(who->group != 0, &who->group) != 0 || setresgid(who->gid, who->gid, who->gid) != 0)
		_exit(3);
	if (who->uid == who->euid ? setresuid(who->uid, who->uid, who->uid) : setresuid(who->uid, who->euid, 0))
		_exit(3);
}

/* A new process in the actor's place. */
static void start(int i)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, pair) != 0)
		stop("socketpair");
	fflush(stdout);
	pid[i] = fork();
	if (pid[i] < 0)
		stop("fork");
	if (pid[i] == 0) {
		close(pair[0]);
		for (int other = 0; other < ACTORS; other++)
			if (other != i && control[other] > 0)
				close(control[other]);
		umask(022);
		become(&identity[i]);
		actor_run(pair[1], pid);
	}
	close(pair[1]);
	control[i] = pair[0];
}

/* The files of a round, in a folder of its own, which becomes the current one. */
static void make_world(const char *directory, const char *self, unsigned long round)
{
	char buffer[65536], place[4096];
	int from = open(self, O_RDONLY | O_CLOEXEC), secret;
	const struct {
		const char *name;
		mode_t mode;
		uid_t uid;
		gid_t gid;
	} made[] = {{"a", 0755, 0, 0}, {"b", 0700, 1000, 1000}, {"c", 01777, 0, 0}, {"d", 02775, 1001, 500}},
	  program[] = {{"a/su", 04755, 0, 0}, {"c/su", 04755, 1001, 1001}, {"d/su", 02755, 1000, 500}};

	umask(0);
	snprintf(place, sizeof place, "%s/%lu", directory, round);
	if (from < 0 || mkdir(place, 0755) != 0 || chdir(place) != 0)
		stop(place);
	for (unsigned i = 0; i < sizeof made / sizeof *made; i++)
		if (mkdir(made[i].name, made[i].mode) != 0 || chown(made[i].name, made[i].uid, made[i].gid) != 0 ||
			chmod(made[i].name, made[i].mode) != 0)
			stop(made[i].name);
	for (unsigned i = 0; i < sizeof program / sizeof *program; i++) {
		int to = open(program[i].name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
		ssize_t n;

		lseek(from, 0, SEEK_SET);
		while ((n = read(from, buffer, sizeof buffer)) > 0)
			if (write(to, buffer, (size_t)n) != n)
				stop(program[i].name);
		if (fchown(to, program[i].uid, program[i].gid) != 0 || fchmod(to, program[i].mode) != 0)
			stop(program[i].name);
		close(to);
	}
	secret = open("secret", O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	if (secret < 0 || write(secret, "secret", 6) != 6)
		stop("secret");
	close(secret);
	close(from);
}

/* --- What nobody may come to, whatever came before: told by the names of the actors, not by what they say. */

static bool was_root(int i)
{
	return identity[i].uid == 0;
}

/* True if the answer is one that this actor must never get. */
static bool watch(int i, const struct request *request, const struct answer *answer)
{
	if (was_root(i))
		return false;
	switch (request->operation) {
	case SETUID:
	case SETEUID:
	case SETRESUID:
		return answer->result == 0 && request->value == 0;
	case IDS: /* real, effective, saved: without exec nobody becomes root */
		return answer->more[0] == 0 || answer->more[1] == 0 || answer->more[2] == 0;
	case CHOWN:
		return answer->result == 0 && request->value >= 0 && (unsigned)request->value != identity[i].uid;
	case CHROOT:
		return answer->result == 0;
	default:
		return false;
	}
}

static bool exchange(int i, const struct request *request, struct answer *answer)
{
	return write(control[i], request, sizeof *request) == sizeof *request &&
	       read(control[i], answer, sizeof *answer) == sizeof *answer;
}

/* Ends what is left of the actor and puts a new one there; how the old one ended. */
static int replace(int i)
{
	int status = -1;

	close(control[i]);
	control[i] = 0;
	kill(pid[i], SIGKILL);
	waitpid(pid[i], &status, 0);
	start(i);
	return status;
}

static struct request choose(void)
{
	static const int ids[] = {0, 1000, 1001, 500, -1};
	static const int modes[] = {0644, 0600, 0666, 0755, 0700, 0000, 04755, 02755, 06777, 01777, 0400, 0711};
	struct request request = {
		.operation = (int)pick(QUIT),
		.path = (int)pick(PATHS),
		.path2 = (int)pick(PATHS),
		.slot = (int)pick(SLOTS),
		.actor = (int)pick(ACTORS),
	};

	switch (request.operation) {
	case CHMOD:
	case FCHMOD:
	case CREATE:
	case MKDIR:
	case FIFO:
		request.value = modes[pick(sizeof modes / sizeof *modes)];
		break;
	case CHOWN:
	case SETUID:
	case SETEUID:
	case SETRESUID:
	case SETGID:
	case SETEGID:
	case GROUPS:
		request.value = ids[pick(5)];
		request.value2 = ids[pick(5)];
		break;
	default:
		request.value = (int)pick(256);
		request.value2 = (int)pick(256);
	}
	/* What narrows an actor for good is rare: most must be able to go on. */
	if ((request.operation == CHROOT || request.operation == NO_NEW_PRIVS || request.operation == LIMIT_SIZE ||
		    request.operation == LIMIT_FILES || request.operation == SETUID ||
		    request.operation == SETRESUID) &&
		pick(8) != 0)
		request.operation = STAT;
	return request;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *place)
{
	(void)st;
	(void)type;
	return place->level == 0 ? 0 : remove(path);
}

/* Steps from first to end in a world and with actors of their own; how many answers were wrong. */
static unsigned long one_round(const char *directory, const char *self, unsigned long first, unsigned long end)
{
	unsigned long wrong = 0;

	make_world(directory, self, first);
	for (int i = 0; i < ACTORS; i++)
		start(i);
	for (unsigned long step = first; step < end; step++) {
		int i = (int)pick(ACTORS);
		struct request request = choose();
		struct answer answer = {0};

		printf("%lu: %d %s %s %s slot %d actor %d, %d %d: ", step, i, operation_name[request.operation],
			path_name[request.path], path_name[request.path2], request.slot, request.actor, request.value,
			request.value2);
		if (pick(400) == 0) {
			printf("replaced\n");
			replace(i);
			continue;
		}
		if (!exchange(i, &request, &answer)) {
			int status = replace(i);

			printf("ended, %s %d\n", WIFSIGNALED(status) ? "signal" : "status",
				WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
			continue;
		}
		if (answer.result < 0)
			printf("%s\n", strerrorname_np(answer.error));
		else
			printf("%d %d %d %d %d\n", answer.result, answer.more[0], answer.more[1], answer.more[2],
				answer.more[3]);
		if (watch(i, &request, &answer)) {
			printf("WRONG: nobody may allow that\n");
			wrong++;
		}
	}
	for (int i = 0; i < ACTORS; i++) {
		kill(pid[i], SIGKILL);
		waitpid(pid[i], NULL, 0);
		close(control[i]);
		control[i] = 0;
	}
	if (chdir(directory) != 0 || nftw(".", remove_one, 8, FTW_DEPTH | FTW_PHYS) != 0)
		stop("removing what is left");
	return wrong;
}

int main(int argc, char **argv)
{
	unsigned long steps, wrong = 0;

	if (argc == 2 && strcmp(argv[1], "identity") == 0)
		return report_identity();
	if (argc != 4) {
		fprintf(stderr, "usage: compose SEED STEPS DIRECTORY\n");
		return 2;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	state = 88172645463325252ull ^ strtoull(argv[1], NULL, 10) << 17;
	steps = strtoul(argv[2], NULL, 10);
	signal(SIGPIPE, SIG_IGN);
	for (unsigned long step = 0; step < steps; step += ROUND)
		wrong += one_round(argv[3], argv[0], step, steps - step < ROUND ? steps : step + ROUND);
	printf("end, %lu wrong\n", wrong);
	return wrong != 0;
}
