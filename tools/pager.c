/*
 * pager start NAME FILE [ARGUMENT]... and so on: pagers while the system runs. Root's: it makes itself a Mach program
 * with the Unix server's bootstrap port (servers/unix.h), by which bootstrap starts the program and this one finds it
 * (servers/start.defs); then its object is mounted as a file.
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mach/mach.h>
#include <servers/file_types.h>
#include <servers/pager_user.h>
#include <servers/start_user.h>
#include <servers/unix.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

enum { STATUS_FAILED = 1, STATUS_USAGE = 2 };

#define FOLDER      "/run/pager"      /* what /pager leads to */
#define PROGRAMS    "/usr/lib/pagers" /* where a FILE without a slash is */
#define IS_MACH     "PORTOLAN_PAGER_COMMAND"
#define PATIENCE_MS 5000 /* for a pager that was started to serve */

static mach_port_t bootstrap;

static int usage(void)
{
	fprintf(stderr, "usage: pager start NAME FILE [lower=PATH] [key=PATH] [channel=NAME] [memory=MIB] [ARGUMENT]...\n"
			"       pager replace NAME FILE [lower=PATH] [key=PATH] [channel=NAME] [memory=MIB] [ARGUMENT]...\n"
			"       pager stop [-f] NAME\n"
			"       pager list\n"
			"       pager stats NAME\n"
			"A FILE without a slash is in " PROGRAMS "; the pager's object is /pager/NAME.\n");
	return STATUS_USAGE;
}

static int failed(const char *what, const char *why)
{
	fprintf(stderr, "pager: %s: %s\n", what, why);
	return STATUS_FAILED;
}

static const char *words(kern_return_t result)
{
	switch (result) {
	case KERN_NO_ACCESS:
		return "this system's configuration does not allow it (starts= of the Unix server)";
	case KERN_NAME_EXISTS:
		return "there is a server of that name";
	case KERN_INVALID_NAME:
		return "there is no such pager";
	case KERN_INVALID_ARGUMENT:
		return "the program or its arguments are not possible; the console says more";
	case KERN_ABSENT:
		return "it does not serve yet";
	case KERN_PROTECTION_FAILURE:
		return "another pager is over it";
	case KERN_TERMINATED:
		return "it has died; stop it and start it again";
	default:
		return FILE_ERRNO(result) != EIO ? strerror(FILE_ERRNO(result)) : mach_error_string(result);
	}
}

/* --- Rights. */

/* Executes itself once more, as a Mach program. */
static int become_mach(char **argv)
{
	if (getenv(IS_MACH))
		return failed("start", "there are no rights to the kernel");
	if (prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_TRAPS | PORTOLAN_MACH_BOOTSTRAP, 0, 0, 0) != 0)
		return failed(argv[1], strerror(errno));
	setenv(IS_MACH, "1", 1);
	execv("/proc/self/exe", argv);
	return failed("/proc/self/exe", strerror(errno));
}

static bool has_rights(void)
{
	if (!getenv(IS_MACH))
		return false;
	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	return task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) == KERN_SUCCESS &&
	       MACH_PORT_VALID(bootstrap);
}

/* --- The line of the configuration's language that says what is started. */

static void add(server_line_t line, const char *format, const char *text)
{
	size_t used = strlen(line);

	snprintf(line + used, sizeof(server_line_t) - used, format, text);
}

/*
 * What serves the file, and the path there, from the list of mounts: "SERVICE/PATH". False: nobody outside the Unix
 * server does. What is no path of Unix is a service already.
 */
static bool lower_name(const char *path, char *name, size_t size)
{
	char real[PATH_MAX], line[PATH_MAX + 256], source[128], target[PATH_MAX], type[32];
	size_t longest = 0;
	FILE *mounts;

	if (path[0] != '/')
		return snprintf(name, size, "%s", path) < (int)size;
	if (!realpath(path, real) || !(mounts = fopen("/proc/mounts", "r")))
		return false;
	while (fgets(line, sizeof line, mounts)) {
		size_t length;

		if (sscanf(line, "%127s %4095s %31s", source, target, type) != 3)
			continue;
		length = strcmp(target, "/") == 0 ? 0 : strlen(target);
		if (strncmp(real, target, length) != 0 || (real[length] != '/' && real[length] != '\0') ||
			(length < longest))
			continue;
		longest = length;
		/* Other types are the Unix server's own. */
		if (strcmp(type, "ext4") == 0 || strcmp(type, "pager") == 0 || strcmp(type, "served") == 0)
			snprintf(name, size, "%s%s", source, real + length);
		else
			*name = '\0';
	}
	fclose(mounts);
	return *name != '\0';
}

/* False, with a message: an argument that cannot be. */
static bool make_line(server_line_t line, const char *name, int argc, char **argv)
{
	server_line_t arguments = "", lowers = "";

	strcpy(line, "server");
	add(line, " %s restart=yes", name);
	add(line, " service=%s", name);
	for (int i = 0; i < argc; i++) {
		char lower[PATH_MAX] = "";

		if (strpbrk(argv[i], " \t\r\n#\\"))
			return failed(argv[i], "an argument has no blanks, and none of # and \\"), false;
		if (strncmp(argv[i], "memory=", 7) == 0) {
			add(line, " %s", argv[i]);
		} else if (strncmp(argv[i], "lower=", 6) == 0 || strncmp(argv[i], "key=/", 5) == 0) {
			char *value = strchr(argv[i], '=') + 1;

			if (!lower_name(value, lower, sizeof lower))
				return failed(value, "no such file, or nobody serves it"), false;
			*value = '\0';
			add(arguments, " %s", argv[i]);
			add(arguments, "%s", lower);
			/* A file that the pager shall read, data or a key: it may look up who serves it. */
			lower[strcspn(lower, ":/")] = '\0';
			add(lowers, " looks-up=%s", lower);
		} else {
			if (strncmp(argv[i], "channel=", 8) == 0)
				add(lowers, " looks-up=%s", "channel");
			add(arguments, " %s", argv[i]);
		}
	}
	add(line, "%s", lowers);
	add(line, " args=service=%s", name);
	add(line, "%s", arguments);
	return strlen(line) < sizeof(server_line_t) - 1 || (failed(name, "too many arguments"), false);
}

/* --- The commands. */

static char *read_program(const char *file, size_t *size)
{
	char path[PATH_MAX];
	char *data = malloc(SERVER_PROGRAM_MAX + 1);
	ssize_t n = 0;
	int fd;

	snprintf(path, sizeof path, "%s%s", strchr(file, '/') ? "" : PROGRAMS "/", file);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	*size = 0;
	while (fd >= 0 && data && *size <= SERVER_PROGRAM_MAX &&
		(n = read(fd, data + *size, SERVER_PROGRAM_MAX + 1 - *size)) > 0)
		*size += (size_t)n;
	if (fd < 0 || !data || n < 0 || *size > SERVER_PROGRAM_MAX) {
		failed(path, *size > SERVER_PROGRAM_MAX ? "too long" : strerror(errno));
		free(data);
		data = NULL;
	}
	if (fd >= 0)
		close(fd);
	return data;
}

static void nap(void)
{
	nanosleep(&(struct timespec){.tv_nsec = 10000000}, NULL);
}

/* The object as a file. */
static int make_file(const char *name)
{
	char path[PATH_MAX];
	int fd;

	snprintf(path, sizeof path, FOLDER "/%s", name);
	if (mkdir(FOLDER, 0755) != 0 && errno != EEXIST)
		return failed(FOLDER, strerror(errno));
	fd = open(path, O_CREAT | O_RDONLY | O_CLOEXEC, 0);
	if (fd < 0)
		return failed(path, strerror(errno));
	close(fd);
	if (mount(name, path, "pager", 0, NULL) == 0)
		return 0;
	failed(path, strerror(errno));
	unlink(path);
	return STATUS_FAILED;
}

/* What bootstrap says of a pager: how often it was started, and whether it serves; false: there is none. */
static bool look(const char *name, unsigned *state, unsigned *starts)
{
	server_line_t line;
	size_t length = strlen(name);

	for (unsigned number = 0; start_next(bootstrap, &number, line, state, starts) == KERN_SUCCESS; number++)
		if (strncmp(line + strlen("server "), name, length) == 0 && line[strlen("server ") + length] == ' ')
			return true;
	return false;
}

/* The instance after that many. */
static int wait_until_it_serves(const char *name, unsigned before)
{
	unsigned state = SERVER_DEAD, starts = 0;

	for (int waited = 0; waited < PATIENCE_MS; waited += 10) {
		/* A replacement that did not serve is one start more, and what it was before is the next. */
		if (!look(name, &state, &starts) || state == SERVER_DEAD || (before && starts > before + 1))
			return failed(name, "it ended before it served; the console says why");
		if (state == SERVER_SERVES && starts > before)
			return 0;
		nap();
	}
	return failed(name, "it does not serve within five seconds");
}

static bool good_name(const char *name)
{
	return *name && *name != '.' && strlen(name) < 32 &&
	       strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.-") == strlen(name);
}

static int start(int argc, char **argv, bool replace)
{
	const char *name = argv[0];
	server_line_t line;
	size_t size;
	char *program;
	kern_return_t result;
	unsigned state, before = 0;
	int status;

	if (argc < 2)
		return usage();
	if (!good_name(name))
		return failed(name, "not a name of a pager");
	if (!make_line(line, name, argc - 2, argv + 2))
		return STATUS_FAILED;
	program = read_program(argv[1], &size);
	if (!program)
		return STATUS_FAILED;
	if (replace)
		look(name, &state, &before);
	result = (replace ? start_replacement : start_server)(
		bootstrap, line, (pointer_t)(uintptr_t)program, (mach_msg_type_number_t)size);
	free(program);
	if (result != KERN_SUCCESS)
		return failed(name, words(result));
	status = wait_until_it_serves(name, before);
	if (replace)
		return status;
	if (status == 0)
		status = make_file(name);
	if (status != 0)
		start_stop(bootstrap, name, TRUE);
	return status;
}

static int stop(int argc, char **argv)
{
	bool force = argc == 2 && strcmp(argv[0], "-f") == 0;
	const char *name = argv[argc - 1];
	char path[PATH_MAX];
	kern_return_t result;

	if (argc != 1 + force)
		return usage();
	snprintf(path, sizeof path, FOLDER "/%s", name);
	/* Writes back what is dirty, and says so if it cannot. */
	if (umount2(path, force ? MNT_FORCE | MNT_DETACH : 0) != 0 && errno != EINVAL && errno != ENOENT)
		return failed(path, strerror(errno));
	result = start_stop(bootstrap, name, force);
	if (result == KERN_PROTECTION_FAILURE)
		mount(name, path, "pager", 0, NULL);
	else
		unlink(path);
	return result == KERN_SUCCESS ? 0 : failed(name, words(result));
}

static int list(void)
{
	static const char *const states[] = {"starting", "serves", "dead"};
	server_line_t line;
	unsigned number = 0, state, starts;

	for (kern_return_t result; (result = start_next(bootstrap, &number, line, &state, &starts)) == KERN_SUCCESS;
		number++) {
		char *name = line + strlen("server "), *arguments = strstr(line, "args="), *end = strchr(name, ' ');

		if (end)
			*end = '\0';
		printf("%-16s %-8s %u %s\n", name, state <= SERVER_DEAD ? states[state] : "?", starts,
			arguments ? arguments + strlen("args=") : "");
	}
	return 0;
}

static int stats(const char *name)
{
	mach_port_t service;
	pager_counters_t c;
	kern_return_t result = start_service(bootstrap, name, &service);

	if (result == KERN_SUCCESS)
		result = pager_counters(service, &c);
	if (result != KERN_SUCCESS)
		return failed(name, words(result));
	printf("size %llu\nrequests %llu\npages_in %llu\npages_forwarded %llu\nread_errors %llu\nreturns "
	       "%llu\npages_out %llu\nwrite_errors "
	       "%llu\n"
	       "pages_lost %llu\nunlocks %llu\nflushes %llu\nslow %llu\nslowest_us %llu\ncontents %llu\nstored %llu\n",
		(unsigned long long)c.size, (unsigned long long)c.requests, (unsigned long long)c.pages_in,
		(unsigned long long)c.pages_forwarded, (unsigned long long)c.read_errors, (unsigned long long)c.returns,
		(unsigned long long)c.pages_out, (unsigned long long)c.write_errors, (unsigned long long)c.pages_lost,
		(unsigned long long)c.unlocks, (unsigned long long)c.flushes, (unsigned long long)c.slow,
		(unsigned long long)c.slowest / 1000, (unsigned long long)c.contents, (unsigned long long)c.stored);
	return 0;
}

int main(int argc, char **argv)
{
	const char *command = argc > 1 ? argv[1] : "";
	bool starts = strcmp(command, "start") == 0, replaces = strcmp(command, "replace") == 0;
	bool stops = strcmp(command, "stop") == 0 && argc > 2, lists = strcmp(command, "list") == 0 && argc == 2;

	if (!starts && !replaces && !stops && !lists && !(strcmp(command, "stats") == 0 && argc == 3))
		return usage();
	if (!has_rights())
		return become_mach(argv);
	if (starts || replaces)
		return start(argc - 2, argv + 2, replaces);
	return stops ? stop(argc - 2, argv + 2) : lists ? list() : stats(argv[2]);
}
