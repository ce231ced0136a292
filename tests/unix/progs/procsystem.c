/* Files of /proc that libraries and run times read: their contents where these are the same everywhere, else their
 * form. */
#define _GNU_SOURCE
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static char text[65536];

static ssize_t contents(const char *path)
{
	int fd = open(path, O_RDONLY);
	ssize_t size = fd < 0 ? -1 : read(fd, text, sizeof text - 1);

	text[size < 0 ? 0 : size] = 0;
	if (size < 0)
		printf("%s: %s\n", path, strerrorname_np(errno));
	close(fd);
	return size;
}

static void same_everywhere(void)
{
	static const char *const paths[] = {"/proc/self/loginuid", "/proc/self/sessionid", "/proc/self/personality",
		"/proc/self/uid_map", "/proc/self/gid_map", "/proc/self/setgroups", "/proc/self/oom_score_adj",
		"/proc/self/wchan", "/proc/sys/kernel/core_pattern", "/proc/sys/fs/pipe-max-size",
		"/proc/sys/net/core/somaxconn", "/proc/sys/kernel/cap_last_cap"};
	unsigned i;

	for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
		if (contents(paths[i]) >= 0)
			printf("%s: %s\n", paths[i], text);
	}
}

/* The first line of each, and whether files that say numbers say one. */
static void forms(void)
{
	static const char *const heads[] = {"/proc/self/net/dev", "/proc/net/unix", "/proc/net/tcp", "/proc/net/udp",
		"/proc/partitions", "/proc/devices"};
	static const char *const numbers[] = {"/proc/sys/kernel/threads-max", "/proc/sys/fs/file-max",
		"/proc/sys/fs/nr_open", "/proc/sys/vm/overcommit_memory"};
	char *end;
	unsigned i;

	for (i = 0; i < sizeof heads / sizeof heads[0]; i++) {
		contents(heads[i]);
		printf("%s: %.*s|\n", heads[i], (int)strcspn(text, "\n"), text);
	}
	for (i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
		contents(numbers[i]);
		printf("%s: %d", numbers[i], strtoull(text, &end, 10) < UINT64_MAX);
		printf(" %d\n", strcmp(end, "\n"));
	}
	contents("/proc/self/cgroup");
	printf("cgroup %d\n", strstr(text, "0::/") != NULL);
	contents("/proc/vmstat");
	printf("vmstat %d %d\n", strstr(text, "nr_free_pages ") != NULL, strstr(text, "\npgfault ") != NULL);
	contents("/proc/devices");
	printf("devices %d\n", strstr(text, "\n  1 mem\n") != NULL);
}

static void auxiliary_vector(void)
{
	const Elf64_auxv_t *entry = (const void *)text;
	ssize_t size = contents("/proc/self/auxv"), i;
	int ended = 0, wrong = 0;

	for (i = 0; i < size / (ssize_t)sizeof *entry && !ended; i++) {
		ended = entry[i].a_type == AT_NULL;
		if (!ended && getauxval(entry[i].a_type) != entry[i].a_un.a_val)
			wrong++;
	}
	printf("auxv: ends %d, wrong %d\n", ended, wrong);
}

static void descriptors(void)
{
	char path[64], target[256];
	int fd = open("procsystem.file", O_RDWR | O_CREAT | O_TRUNC | O_APPEND | O_CLOEXEC, 0600), pair[2], again;
	ssize_t size;
	struct stat facts;

	(void)!write(fd, "0123", 4);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	contents(path);
	printf("%.*s\n", (int)(strstr(text, "mnt_id:") - text), text);
	printf("mnt_id %d ino %d\n", strstr(text, "\nmnt_id:\t") != NULL, strstr(text, "\nino:\t") != NULL);
	fcntl(fd, F_SETFD, 0);
	lseek(fd, 1, SEEK_SET);
	contents(path);
	printf("%.*s\n", (int)(strstr(text, "mnt_id:") - text), text);
	printf("mode %o\n", stat("/proc/self/fdinfo", &facts) == 0 ? facts.st_mode : 0);
	printf("mode %o\n", stat(path, &facts) == 0 ? facts.st_mode : 0);
	contents("/proc/self/fdinfo/999");
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	unlink("procsystem.file");
	size = readlink(path, target, sizeof target - 1);
	target[size < 0 ? 0 : size] = 0;
	printf("%s\n", size > 15 ? target + size - 25 : "?");
	again = open(path, O_RDONLY);
	printf("again %zd\n", read(again, target, 4));
	close(again);
	close(fd);
	(void)!pipe(pair);
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", pair[1]);
	contents(path);
	printf("%.*s\n", (int)(strstr(text, "mnt_id:") - text), text);
	close(pair[0]);
	close(pair[1]);
}

static void sockets(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "\0procsystem"};
	int fd = socket(AF_UNIX, SOCK_SEQPACKET, 0);
	char *at, *start, path[64];
	struct stat facts = {0};

	bind(fd, (void *)&name, sizeof(sa_family_t) + 11);
	listen(fd, 1);
	contents("/proc/net/unix");
	at = strstr(text, " @procsystem\n");
	for (start = at; start != NULL && start > text && start[-1] != '\n'; start--)
		;
	/* The address and how many refer to it are the system's. */
	printf("%.25s\n", start == NULL ? "" : start + 27);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	printf("a socket by its link: %d %o, open %s\n", stat(path, &facts), facts.st_mode & S_IFMT,
		open(path, O_RDONLY) < 0 ? strerrorname_np(errno) : "");
	close(fd);
}

static void put(const char *path, const char *what)
{
	int fd = open(path, O_RDWR);
	ssize_t size = fd < 0 ? -1 : write(fd, what, strlen(what));

	printf("%s into %s: %zd %s, ", what, path, size, size < 0 ? strerrorname_np(errno) : "");
	size = pread(fd, text, sizeof text - 1, 0);
	printf("then %.*s\n", (int)size, text);
	close(fd);
}

/* What may be written: the name of a thread, and who is ended first when memory is short. */
static void writes(void)
{
	static const char *const scores[] = {"1500", "-1001", "x", "77 1", "", "77", "78\n"};
	char path[64], name[16];
	pid_t parent = getpid();
	unsigned i;

	put("/proc/self/comm", "a name that is too long");
	put("/proc/self/comm", "short");
	prctl(PR_GET_NAME, name);
	printf("%s; truncate %d; chmod %s\n", name, truncate("/proc/self/comm", 0),
		chmod("/proc/self/comm", 0600) == 0 ? "" : strerrorname_np(errno));
	for (i = 0; i < sizeof scores / sizeof scores[0]; i++)
		put("/proc/self/oom_score_adj", scores[i]);
	fflush(stdout);
	if (fork() == 0) {
		snprintf(path, sizeof path, "/proc/%d/comm", parent);
		put("/proc/self/oom_score_adj", "79");
		printf("a parent's name: %s\n", write(open(path, O_WRONLY), "x", 1) < 0 ? strerrorname_np(errno) : "");
		if (setresuid(1000, 1000, 1000) == 0 && prctl(PR_SET_DUMPABLE, 1) == 0) {
			put("/proc/self/oom_score_adj", "100");
			put("/proc/self/oom_score_adj", "-5");
		}
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
	put("/proc/self/oom_score_adj", "0");
}

/* What a thread's own folder says of it, and the process's of the process. */
static void *thread_files(void *unused)
{
	static const char *const folders[] = {"/proc/self", "/proc/thread-self"};
	char path[64], name[32];
	unsigned i;
	int id;

	(void)unused;
	prctl(PR_SET_NAME, "worker");
	for (i = 0; i < 2; i++) {
		const char *of;

		snprintf(path, sizeof path, "%s/comm", folders[i]);
		contents(path);
		printf("%s: %s", path, text);
		snprintf(path, sizeof path, "%s/stat", folders[i]);
		contents(path);
		if (sscanf(text, "%d (%31[^)])", &id, name) == 2)
			printf("%s: %s of %s\n", path, name, id == getpid() ? "the process" : id == gettid() ? "the thread" : "?");
		snprintf(path, sizeof path, "%s/status", folders[i]);
		contents(path);
		of = strstr(text, "\nPid:");
		printf("%s: %.*s %d %d\n", path, (int)strcspn(text, "\n"), text,
			of != NULL && atoi(of + 5) == (i == 0 ? getpid() : gettid()),
			strstr(text, "\nTgid:") != NULL && atoi(strstr(text, "\nTgid:") + 6) == getpid());
	}
	return NULL;
}

static void threads(void)
{
	pthread_t thread;

	if (pthread_create(&thread, NULL, thread_files, NULL) == 0)
		pthread_join(thread, NULL);
}

static void others(void)
{
	static const char *const paths[] = {"auxv", "fdinfo/0", "personality", "cgroup", "loginuid"};
	char path[64];
	pid_t parent = getpid();
	unsigned i;

	fflush(stdout);
	if (fork() == 0) {
		if (setresgid(1000, 1000, 1000) != 0 || setresuid(1000, 1000, 1000) != 0)
			_exit(0);
		for (i = 0; i < sizeof paths / sizeof paths[0]; i++) {
			snprintf(path, sizeof path, "/proc/%d/%s", parent, paths[i]);
			printf("%s of root's: %s\n", paths[i],
				open(path, O_RDONLY) < 0 ? strerrorname_np(errno) : "open");
		}
		fflush(stdout);
		_exit(0);
	}
	wait(NULL);
}

int main(int argc, char **argv)
{
	if (chdir(argc > 1 ? argv[1] : "/tmp") != 0)
		return 1;
	same_everywhere();
	forms();
	auxiliary_vector();
	descriptors();
	sockets();
	others();
	threads();
	writes();
	return 0;
}
