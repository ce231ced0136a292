/* One of the processes of compose: performs what it is asked to and says what came of it. */
#include "compose.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define PAGE 4096

static int slot[SLOTS]; /* descriptors, -1: none */

/* A new descriptor takes the slot's place. */
static int keep(int number, int fd)
{
	if (fd < 0)
		return -1;
	if (slot[number] >= 0)
		close(slot[number]);
	slot[number] = fd;
	return 0;
}

static void describe(const struct stat *st, struct answer *answer)
{
	answer->more[0] = (int)st->st_mode;
	answer->more[1] = (int)st->st_uid;
	answer->more[2] = (int)st->st_gid;
	/* Of directories the size is the file system's affair. */
	answer->more[3] = S_ISREG(st->st_mode) ? (int)st->st_size : 0;
}

/* Bits 0 and 1: effective uid (0, 1000, 1001, other); 2 and 3: effective gid (0, 500, 1000, other); 4: AT_SECURE's
 * sign. */
int report_identity(void)
{
	uid_t uid = geteuid();
	gid_t gid = getegid();
	int status = uid == 0 ? 0 : uid == 1000 ? 1 : uid == 1001 ? 2 : 3;

	status |= (gid == 0 ? 0 : gid == 500 ? 1 : gid == 1000 ? 2 : 3) << 2;
	status |= (prctl(PR_GET_DUMPABLE) == 0) << 4;
	status |= (getuid() == 0) << 5;
	return status;
}

static int run_copy(const char *path, int *status)
{
	char *arguments[] = {(char *)(uintptr_t) "compose", (char *)(uintptr_t) "identity", NULL}, *none[] = {NULL};
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child == 0) {
		execve(path, arguments, none);
		_exit(200 + (errno == EACCES) + 2 * (errno == ENOENT) + 4 * (errno == ENOEXEC) + 8 * (errno == EPERM));
	}
	if (waitpid(child, status, 0) != child)
		return -1;
	return WIFSIGNALED(*status) ? 1000 + WTERMSIG(*status) : WEXITSTATUS(*status);
}

/* Another process with this one's identity: whether it reads the first byte. */
static int read_in_child(const char *path)
{
	int status;
	pid_t child = fork();

	if (child < 0)
		return -1;
	if (child == 0) {
		char byte;
		int fd = open(path, O_RDONLY | O_NONBLOCK);

		_exit(fd >= 0 ? read(fd, &byte, 1) == 1 ? 2 : 1 : errno == EACCES ? 3 : 4);
	}
	return waitpid(child, &status, 0) == child ? WEXITSTATUS(status) : -1;
}

static int map_and_write(int fd, int value, struct answer *answer)
{
	struct stat st;
	char *memory;

	if (fstat(fd, &st) != 0)
		return -1;
	memory = mmap(NULL, PAGE, value & 1 ? PROT_READ | PROT_WRITE : PROT_READ, value & 2 ? MAP_SHARED : MAP_PRIVATE,
		fd, 0);
	if (memory == MAP_FAILED)
		return -1;
	if (S_ISREG(st.st_mode) && st.st_size > 0) {
		answer->more[0] = memory[0];
		if (value & 1)
			memory[0] = (char)('a' + value % 26);
	}
	/* More than it was mapped with is not to be had when the descriptor does not give it. */
	answer->more[1] = mprotect(memory, PAGE, PROT_READ | PROT_WRITE) == 0;
	munmap(memory, PAGE);
	return 0;
}

static int list(const char *path)
{
	DIR *directory = opendir(path);
	int entries = 0;

	if (directory == NULL)
		return -1;
	while (readdir(directory) != NULL)
		entries++;
	closedir(directory);
	return entries;
}

/* The soft one: it can be changed again. */
static int change_limit(int which, rlim_t value)
{
	struct rlimit limit;

	if (getrlimit(which, &limit) != 0)
		return -1;
	limit.rlim_cur = value;
	return setrlimit(which, &limit);
}

static int record_lock(int fd, int value)
{
	struct flock lock = {.l_type = (short)(value & 1   ? F_WRLCK
					       : value & 2 ? F_RDLCK
							   : F_UNLCK),
		.l_whence = SEEK_SET,
		.l_start = value / 4 % 8,
		.l_len = 4};

	return fcntl(fd, value & 64 ? F_OFD_SETLK : F_SETLK, &lock);
}

static int perform(const struct request *r, const int *pids, struct answer *answer)
{
	static const int flags[] = {O_RDONLY, O_WRONLY, O_RDWR, O_WRONLY | O_TRUNC, O_RDWR | O_APPEND,
		O_RDONLY | O_NOFOLLOW, O_RDONLY | O_DIRECTORY, O_PATH};
	const char *path = path_name[r->path], *path2 = path_name[r->path2];
	const int open_flags = flags[r->value % 8] | O_NONBLOCK | O_CLOEXEC, fd = slot[r->slot];
	const struct timespec times[2] = {{1000000 + r->value, 0}, {2000000, 0}};
	char buffer[64];
	struct stat st;
	gid_t group = (gid_t)r->value;
	int result, status;

	switch (r->operation) {
	case OPEN:
		return keep(r->slot, open(path, open_flags));
	case CREATE:
		return keep(
			r->slot, open(path, O_RDWR | O_CREAT | O_NONBLOCK | O_CLOEXEC | (r->value2 & 1 ? O_EXCL : 0),
					 (mode_t)r->value));
	case CLOSE:
		slot[r->slot] = -1;
		return close(fd);
	case READ:
		result = (int)pread(fd, buffer, sizeof buffer, r->value % 32);
		answer->more[0] = result > 0 ? buffer[0] : 0;
		return result;
	case WRITE:
		memset(buffer, 'a' + r->value % 26, sizeof buffer);
		return (int)pwrite(fd, buffer, (size_t)(r->value % 40), r->value2 % 64);
	case TRUNCATE:
		return truncate(path, r->value);
	case FTRUNCATE:
		return ftruncate(fd, r->value);
	case CHMOD:
		return chmod(path, (mode_t)r->value);
	case FCHMOD:
		return fchmod(fd, (mode_t)r->value);
	case CHOWN:
		return fchownat(AT_FDCWD, path, (uid_t)r->value, (gid_t)r->value2, AT_SYMLINK_NOFOLLOW);
	case LINK:
		return link(path, path2);
	case SYMLINK:
		return symlink(path, path2);
	case RENAME:
		return rename(path, path2);
	case XCHANGE:
		return (int)syscall(SYS_renameat2, AT_FDCWD, path, AT_FDCWD, path2,
			r->value & 1 ? 1 /* NOREPLACE */ : 2 /* EXCHANGE */);
	case UNLINK:
		return unlink(path);
	case MKDIR:
		return mkdir(path, (mode_t)r->value);
	case RMDIR:
		return rmdir(path);
	case FIFO:
		return mkfifo(path, (mode_t)r->value);
	case STAT:
		result = r->value & 1 ? stat(path, &st) : lstat(path, &st);
		if (result == 0)
			describe(&st, answer);
		return result;
	case FSTAT:
		result = fstat(fd, &st);
		if (result == 0)
			describe(&st, answer);
		return result;
	case READLINK:
		return (int)readlink(path, buffer, sizeof buffer);
	case ACCESS:
		return faccessat(AT_FDCWD, path, r->value % 8, r->value2 & 1 ? AT_EACCESS : 0);
	case TIMES:
		return utimensat(AT_FDCWD, path, r->value2 & 1 ? times : NULL, 0);
	case LIST:
		return list(path);
	case SETUID:
		return setuid((uid_t)r->value);
	case SETEUID:
		return seteuid((uid_t)r->value);
	case SETRESUID:
		return setresuid((uid_t)r->value, (uid_t)r->value2, (uid_t)-1);
	case SETGID:
		return setgid((gid_t)r->value);
	case SETEGID:
		return setegid((gid_t)r->value);
	case GROUPS:
		return setgroups(1, &group);
	case IDS: {
		uid_t uid[3];

		result = getresuid(&uid[0], &uid[1], &uid[2]);
		for (int i = 0; i < 3; i++)
			answer->more[i] = (int)uid[i];
		answer->more[3] = (int)getegid();
		return result;
	}
	case UMASK:
		return (int)umask((mode_t)(r->value & 077));
	case KILL:
		return kill(pids[r->actor], r->value & 1 ? 0 : SIGWINCH); /* which nobody minds */
	case PRIORITY:
		return setpriority(PRIO_PROCESS, (id_t)(r->value2 & 1 ? 0 : pids[r->actor]), r->value % 10);
	case SETSID:
		return setsid() < 0 ? -1 : 0;
	case EXEC:
		return run_copy(path, &status);
	case RUN:
		return read_in_child(path);
	case CHROOT:
		return chroot(path);
	case CHDIR:
		return r->value & 1 ? chdir(path) : fchdir(fd);
	case MAP:
		return map_and_write(fd, r->value, answer);
	case DUP:
		return keep(r->value % SLOTS, fcntl(fd, F_DUPFD_CLOEXEC, 0));
	case LOCK:
		return flock(fd, (r->value & 1 ? LOCK_EX : r->value & 2 ? LOCK_SH : LOCK_UN) | LOCK_NB);
	case RECORD_LOCK:
		return record_lock(fd, r->value);
	case OPENAT:
		return keep(r->value2 % SLOTS, openat(fd, r->value2 & 1 ? "x" : "../c/x", open_flags));
	case NO_NEW_PRIVS:
		return prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	case LIMIT_SIZE:
		return change_limit(RLIMIT_FSIZE, (rlim_t)(64 + r->value));
	case LIMIT_FILES:
		return change_limit(RLIMIT_NOFILE, (rlim_t)(24 + r->value % 8));
	default:
		errno = ENOSYS;
		return -1;
	}
}

_Noreturn void actor_run(int socket, const int *pids)
{
	struct request request;

	for (unsigned i = 0; i < SLOTS; i++)
		slot[i] = -1;
	while (read(socket, &request, sizeof request) == sizeof request && request.operation != QUIT) {
		struct answer answer = {0};

		errno = 0;
		answer.result = perform(&request, pids, &answer);
		answer.error = errno;
		if (write(socket, &answer, sizeof answer) != sizeof answer)
			break;
	}
	_exit(0);
}
