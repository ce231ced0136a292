/*
 * A user who cannot raise a limit tries to pass it, by every call that could: each is refused with the error and the
 * signal of setrlimit(2), what is refused leaves nothing behind, and what is given back can be had again.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <sys/inotify.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum { PAGE = 4096, MIB = 1 << 20, SIZE = 2 * PAGE, FILES = 24, PROCESSES = 12, SIGNALS = 5, LOCKED = 4 * PAGE };

static const char *self;

/* Soft and hard: there is no way back. */
static void limit(int resource, unsigned long value)
{
	if (setrlimit(resource, &(struct rlimit){value, value}) != 0)
		attack_check("a limit is set", false);
}

static bool fails(long result, int error)
{
	return result == -1 && errno == error;
}

/* Of calls that not every system has. */
static bool fails_or_is_not(long result, int error)
{
	return result == -1 && (errno == error || errno == ENOSYS || errno == EOPNOTSUPP);
}

/* In a process of its own, which keeps the limits that it sets. The status it shall end with. */
static void apart(const char *what, void (*act)(void), int wanted)
{
	int status = -1;
	pid_t child = fork();

	if (child == 0) {
		attack_successes = 0;
		alarm(10);
		act();
		_exit(attack_successes != 0);
	}
	waitpid(child, &status, 0);
	if (status != wanted)
		printf("# %s: status %#x\n", what, status);
	attack_check(what, status == wanted);
}

/* --- Sizes of files. */

static volatile sig_atomic_t heard;

static void hear(int signal)
{
	(void)signal;
	heard++;
}

static int from_fd; /* a file of three times the size, beside the one that is written */
static const char *place;
static char block[3 * SIZE];

/* Refused, with one signal, and the file is no larger. */
static void too_large(const char *call, int fd, long result)
{
	int error = errno;
	struct stat about;
	char what[128];

	snprintf(what, sizeof what, "%s past the size of files in %s", call, place);
	fstat(fd, &about);
	if (result != -1 || error != EFBIG || heard != 1 || about.st_size != SIZE)
		printf("# %s: %ld %s, %d signals, %ld bytes\n", what, result, strerror(error), (int)heard,
			(long)about.st_size);
	attack_check(what, result == -1 && error == EFBIG && heard == 1 && about.st_size == SIZE);
	heard = 0;
}

/* As much as there is room for; what goes in pieces (splice, sendfile) may have tried another. */
static void in_part(const char *call, long result, int fd)
{
	char what[128];

	snprintf(what, sizeof what, "%s up to the size of files in %s", call, place);
	if (result != PAGE || heard > 1)
		printf("# %s: %ld %s\n", what, result, result < 0 ? strerror(errno) : "");
	attack_check(what, result == PAGE && heard <= 1);
	if (ftruncate(fd, PAGE) != 0 || lseek(fd, PAGE, SEEK_SET) != PAGE)
		attack_check("half of a file", false);
	heard = 0;
}

static int full_pipe(void)
{
	int pipes[2];

	if (pipe(pipes) != 0 || write(pipes[1], block, 2 * SIZE) != 2 * SIZE)
		attack_check("a pipe", false);
	close(pipes[1]);
	return pipes[0];
}

static long in_vfork(int fd)
{
	static volatile int error;
	static volatile long result;
	pid_t child = vfork();

	if (child == 0) {
		result = pwrite(fd, block, 1, SIZE);
		error = errno;
		_exit(0);
	}
	waitpid(child, NULL, 0);
	errno = error;
	return result;
}

/* fd: an empty file, open for reading and writing. */
static void sizes_of(int fd)
{
	struct iovec pieces[2] = {{block, PAGE}, {block, SIZE}};
	char path[32];
	char *memory;
	int again;

	(void)!ftruncate(fd, PAGE);
	lseek(fd, PAGE, SEEK_SET);
	in_part("write", write(fd, block, SIZE), fd);
	in_part("pwrite", pwrite(fd, block, SIZE, PAGE), fd);
	in_part("writev", writev(fd, pieces, 2), fd);
	in_part("pwritev", pwritev(fd, pieces, 2, PAGE), fd);
	in_part("sendfile", sendfile(fd, from_fd, &(off_t){0}, SIZE), fd);
	in_part("copy_file_range", copy_file_range(from_fd, &(off_t){0}, fd, NULL, SIZE, 0), fd);
	again = full_pipe();
	in_part("splice", splice(again, NULL, fd, NULL, SIZE, 0), fd);
	close(again);
	if (write(fd, block, PAGE) != PAGE)
		attack_check("a file as large as may be", false);
	heard = 0;
	too_large("write", fd, write(fd, block, 1));
	too_large("pwrite", fd, pwrite(fd, block, 1, 100 * (off_t)MIB));
	too_large("writev", fd, writev(fd, pieces, 2));
	too_large("pwritev", fd, pwritev(fd, pieces, 2, SIZE + 1));
	too_large("ftruncate", fd, ftruncate(fd, SIZE + 1));
	too_large("fallocate", fd, fallocate(fd, 0, 0, SIZE + 1));
	too_large("sendfile", fd, sendfile(fd, from_fd, &(off_t){0}, PAGE));
	too_large("copy_file_range", fd, copy_file_range(from_fd, &(off_t){0}, fd, NULL, PAGE, 0));
	too_large("copy_file_range in the file", fd, copy_file_range(fd, &(off_t){0}, fd, &(off_t){SIZE}, 10, 0));
	again = full_pipe();
	too_large("splice", fd, splice(again, NULL, fd, NULL, PAGE, 0));
	close(again);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
	too_large("truncate", fd, truncate(path, SIZE + 1));
	again = open(path, O_WRONLY | O_APPEND);
	too_large("an appending write", fd, write(again, block, 1));
	close(again);
	too_large("a write by a child of vfork", fd, in_vfork(fd));
	attack_check("a write of nothing past the size of files", pwrite(fd, block, 0, 10 * SIZE) == 0 && heard == 0);
	/* A mapping has no room behind the file. */
	memory = mmap(NULL, 4 * SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (fork() == 0) {
		memory[2 * SIZE] = 1;
		_exit(0);
	}
	wait(&again);
	attack_check("a store past the size of files", WIFSIGNALED(again) && WTERMSIG(again) == SIGBUS);
	munmap(memory, 4 * SIZE);
}

static void sizes(void)
{
	static const char *const places[] = {"/var/tmp", "/tmp"};
	struct rlimit more = {2 * SIZE, 2 * SIZE};
	char path[64];
	int fd, from[3];

	for (unsigned i = 0; i < 3; i++) {
		from[i] = i < 2 ? open(places[i], O_TMPFILE | O_RDWR, 0600) : memfd_create("from", 0);
		if (write(from[i], block, sizeof block) != sizeof block)
			attack_check("a file to copy from", false);
	}
	signal(SIGXFSZ, hear);
	limit(RLIMIT_FSIZE, SIZE);
	for (unsigned i = 0; i < 2; i++) {
		place = places[i];
		from_fd = from[i];
		snprintf(path, sizeof path, "%s/limits.XXXXXX", place);
		fd = mkstemp(path);
		unlink(path);
		sizes_of(fd);
		close(fd);
	}
	place = "memory";
	from_fd = from[2];
	fd = memfd_create("limits", 0);
	sizes_of(fd);
	attack_check("the limit is raised", fails(setrlimit(RLIMIT_FSIZE, &more), EPERM));
	/* Nor does who has more give it back. */
	signal(SIGXFSZ, SIG_DFL);
	(void)!pwrite(fd, block, 1, SIZE);
}

/* --- Descriptors. */

static int link_pair[2], listener;

/* Connections wait at `listener`, a descriptor in a message at link_pair[0]. */
static void prepare_sockets(void)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	char room[CMSG_SPACE(sizeof(int))] = {0};
	struct msghdr message = {.msg_iov = &(struct iovec){block, 1},
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof room};
	struct cmsghdr *header = CMSG_FIRSTHDR(&message);
	int client = socket(AF_UNIX, SOCK_STREAM, 0);

	listener = socket(AF_UNIX, SOCK_STREAM, 0);
	snprintf(name.sun_path + 1, sizeof name.sun_path - 1, "limits.%d", getpid());
	bind(listener, (struct sockaddr *)&name, sizeof name);
	listen(listener, 5);
	if (connect(client, (struct sockaddr *)&name, sizeof name) != 0 ||
		socketpair(AF_UNIX, SOCK_STREAM, 0, link_pair) != 0)
		attack_check("sockets", false);
	header->cmsg_level = SOL_SOCKET;
	header->cmsg_type = SCM_RIGHTS;
	header->cmsg_len = CMSG_LEN(sizeof(int));
	memcpy(CMSG_DATA(header), &listener, sizeof listener);
	sendmsg(link_pair[1], &message, 0);
}

static bool receives_descriptor(void)
{
	char room[CMSG_SPACE(sizeof(int))] = {0}, byte;
	struct msghdr message = {.msg_iov = &(struct iovec){&byte, 1},
		.msg_iovlen = 1,
		.msg_control = room,
		.msg_controllen = sizeof room};

	return recvmsg(link_pair[0], &message, 0) == 1 &&
	       (message.msg_controllen != 0 || !(message.msg_flags & MSG_CTRUNC));
}

static unsigned open_now(void)
{
	unsigned count = 0;

	for (int fd = 0; fd < 4 * FILES; fd++)
		count += fcntl(fd, F_GETFD) >= 0;
	return count;
}

static void descriptors(void)
{
	struct pollfd many[FILES + 1] = {{0}};
	struct rlimit more = {FILES + 1, FILES + 1};
	struct {
		unsigned long flags, mode, resolve;
	} how = {O_RDONLY, 0, 0};
	sigset_t none;
	char path[] = "/tmp/limits.XXXXXX";
	struct stat about;
	int pipes[2], last;

	sigemptyset(&none);
	last = mkstemp(path);
	if (write(last, "x", 1) != 1)
		attack_check("a file with something in it", false);
	prepare_sockets();
	while (last < FILES - 1)
		last = dup(0);
	limit(RLIMIT_NOFILE, FILES);
	attack_check("open", fails(open("/", O_RDONLY), EMFILE));
	attack_check("openat", fails(openat(AT_FDCWD, "/", O_PATH), EMFILE));
	attack_check("openat2", fails_or_is_not(syscall(SYS_openat2, AT_FDCWD, "/", &how, sizeof how), EMFILE));
	attack_check("creat", fails(creat("/tmp/limits.none", 0600), EMFILE));
	attack_check("a file made though it cannot be opened", access("/tmp/limits.none", F_OK) != 0);
	attack_check("a file emptied though it cannot be opened",
		fails(open(path, O_WRONLY | O_TRUNC), EMFILE) && stat(path, &about) == 0 && about.st_size == 1);
	unlink(path);
	attack_check("O_TMPFILE", fails(open("/tmp", O_TMPFILE | O_RDWR, 0600), EMFILE));
	attack_check("dup", fails(dup(0), EMFILE));
	attack_check("dup2", fails(dup2(0, FILES), EBADF));
	attack_check("dup2 far", fails(dup2(0, 1 << 20), EBADF));
	attack_check("dup3", fails(dup3(0, FILES, O_CLOEXEC), EBADF));
	attack_check("F_DUPFD", fails(fcntl(0, F_DUPFD, 0), EMFILE));
	attack_check("F_DUPFD from the limit", fails(fcntl(0, F_DUPFD, FILES), EINVAL));
	attack_check("F_DUPFD_CLOEXEC", fails(fcntl(0, F_DUPFD_CLOEXEC, 3), EMFILE));
	attack_check("pipe", fails(pipe(pipes), EMFILE));
	attack_check("pipe2", fails(pipe2(pipes, O_CLOEXEC), EMFILE));
	attack_check("socket", fails(socket(AF_UNIX, SOCK_STREAM, 0), EMFILE));
	attack_check("socketpair", fails(socketpair(AF_UNIX, SOCK_STREAM, 0, pipes), EMFILE));
	attack_check("accept", fails(accept(listener, NULL, NULL), EMFILE));
	/* The connection still waits: this does not. */
	attack_check("accept4", fails(accept4(listener, NULL, NULL, SOCK_CLOEXEC), EMFILE));
	attack_check("epoll_create1", fails(epoll_create1(0), EMFILE));
	attack_check("eventfd", fails(eventfd(0, 0), EMFILE));
	attack_check("timerfd_create", fails(timerfd_create(CLOCK_MONOTONIC, 0), EMFILE));
	attack_check("signalfd", fails(signalfd(-1, &none, 0), EMFILE));
	attack_check("inotify_init1", fails(inotify_init1(0), EMFILE));
	attack_check("memfd_create", fails(memfd_create("x", 0), EMFILE));
	attack_check("pidfd_open", fails_or_is_not(syscall(SYS_pidfd_open, getpid(), 0), EMFILE));
	attack_check("userfaultfd", syscall(SYS_userfaultfd, 1) == -1);
	attack_check("io_uring_setup", syscall(SYS_io_uring_setup, 1, block) == -1);
	attack_check("a descriptor in a message", !receives_descriptor());
	attack_check("descriptors that were refused are there", open_now() == FILES);
	/* One place, for what takes two: refused, and it is still there. */
	close(last);
	attack_check("pipe into one place", fails(pipe(pipes), EMFILE));
	attack_check("socketpair into one place", fails(socketpair(AF_UNIX, SOCK_DGRAM, 0, pipes), EMFILE));
	attack_check("the place is there", open_now() == FILES - 1 && dup(0) == last);
	attack_check("poll", fails(poll(many, FILES + 1, 0), EINVAL));
	attack_check("the limit is raised", fails(setrlimit(RLIMIT_NOFILE, &more), EPERM));
	/* What is above a lower limit stays, but moves nowhere. */
	limit(RLIMIT_NOFILE, 3);
	attack_check("a descriptor above the limit works", fcntl(last, F_SETFD, 0) == 0);
	attack_check("and is doubled", fails(dup2(last, last - 1), EBADF) && fails(fcntl(last, F_DUPFD, 0), EMFILE));
	close(0);
	attack_check("below there is room", dup(last) == 0);
}

/* --- Processes. */

static void *sleeps(void *nothing)
{
	for (;;)
		pause();
	return nothing;
}

static void *ends(void *nothing)
{
	return nothing;
}

static int waits(void *nothing)
{
	(void)nothing;
	for (;;)
		pause();
	return 0;
}

static char child_stack[65536] __attribute__((aligned(16)));

/* How many processes can be made now; all are gone again. */
static unsigned room(void)
{
	pid_t child[2 * PROCESSES];
	unsigned made = 0;

	while (made < 2 * PROCESSES && (child[made] = fork()) >= 0)
		if (child[made++] == 0)
			for (;;)
				pause();
	if (made < 2 * PROCESSES && errno != EAGAIN)
		attack_check("the error of fork", false);
	for (unsigned i = 0; i < made; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	return made;
}

/* What comes and goes again counts no more. */
static void come_and_go(void)
{
	pthread_t thread;
	pid_t child;

	for (volatile unsigned i = 0; i < 3 * PROCESSES; i++) {
		if (pthread_create(&thread, NULL, ends, NULL) == 0)
			pthread_join(thread, NULL);
		child = vfork();
		if (child == 0) {
			execl("/no such program", "no", (char *)NULL);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		child = fork();
		if (child == 0) {
			/* Threads and a grandchild that nobody waits for. */
			pthread_create(&thread, NULL, sleeps, NULL);
			pthread_create(&thread, NULL, sleeps, NULL);
			if (i % 2) {
				execl(self, "limits", "end", (char *)NULL);
				raise(SIGKILL);
			}
			if (fork() == 0)
				_exit(0);
			_exit(0);
		}
		waitpid(child, NULL, 0);
		/* The C library's and the exec's failures. */
		(void)!clone(waits, child_stack + sizeof child_stack, CLONE_THREAD | CLONE_SIGHAND, NULL);
		(void)!setuid(getuid());
		(void)!setresuid(getuid(), getuid(), getuid());
		setsid();
	}
	while (waitpid(-1, NULL, WNOHANG) > 0)
		;
}

static void processes(void)
{
	static struct {
		unsigned long flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls;
	} arguments = {.exit_signal = SIGCHLD};
	pid_t child[2 * PROCESSES], elder;
	pthread_t thread;
	unsigned before, made;
	int status;

	/* Those whose parent has ended are this one's to wait for. */
	prctl(PR_SET_CHILD_SUBREAPER, 1);
	signal(SIGUSR1, hear);
	/* One who has more, and would give. */
	elder = fork();
	if (elder == 0) {
		struct rlimit plenty = {1000, 1000};
		pid_t parent = getppid();

		pause();
		_exit(prlimit(parent, RLIMIT_NPROC, &plenty, NULL) == -1 && errno == EPERM ? 0 : 1);
	}
	limit(RLIMIT_NPROC, PROCESSES);
	before = room();
	attack_check("some can be made, not more", before > 0 && before < PROCESSES);
	come_and_go();
	for (int i = 0; i < 200 && room() != before; i++)
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	attack_check("what has gone counts", room() == before);
	for (made = 0; made < before && (child[made] = fork()) >= 0; made++) {
		if (child[made] == 0) {
			if (made % 2 == 0)
				_exit(0); /* a zombie counts */
			for (;;)
				pause();
		}
	}
	attack_check("fork", fails(fork(), EAGAIN));
	attack_check("vfork", fails(vfork(), EAGAIN));
	attack_check("clone", fails(clone(waits, child_stack + sizeof child_stack, SIGCHLD, NULL), EAGAIN));
	attack_check("clone with all shared",
		fails(clone(waits, child_stack + sizeof child_stack, CLONE_FILES | CLONE_FS | SIGCHLD, NULL), EAGAIN));
	attack_check("clone of a thread",
		fails(clone(waits, child_stack + sizeof child_stack, CLONE_VM | CLONE_SIGHAND | CLONE_THREAD, NULL),
			EAGAIN));
	attack_check("clone3", fails(syscall(SYS_clone3, &arguments, sizeof arguments), EAGAIN));
	attack_check("pthread_create", pthread_create(&thread, NULL, sleeps, NULL) == EAGAIN);
	attack_check("the limit is raised",
		fails(setrlimit(RLIMIT_NPROC, &(struct rlimit){PROCESSES, PROCESSES + 1}), EPERM));
	for (unsigned i = 0; i < made; i++) {
		kill(child[i], SIGKILL);
		waitpid(child[i], NULL, 0);
	}
	kill(elder, SIGUSR1);
	attack_check("another raises it", waitpid(elder, &status, 0) == elder && status == 0);
}

/* --- Memory. */

static void *map(unsigned long size, int protection, int flags)
{
	return mmap(NULL, size, protection, MAP_PRIVATE | MAP_ANONYMOUS | flags, -1, 0);
}

static unsigned long in_use(int field)
{
	unsigned long pages[7] = {0};
	FILE *file = fopen("/proc/self/statm", "r");

	for (int i = 0; file != NULL && i < 7; i++)
		if (fscanf(file, "%lu", &pages[i]) != 1)
			break;
	if (file != NULL)
		fclose(file);
	return pages[field] * PAGE;
}

static bool no_room(void *memory, int error)
{
	return memory == MAP_FAILED && errno == error;
}

/* As many small ones as are to be had, by turns of different kinds. */
static unsigned long fill(int fd, void **piece, unsigned most)
{
	unsigned long size = 64ul << 10;
	unsigned made;

	for (made = 0; made < most; made++) {
		piece[made] = made % 3 == 0   ? map(size, PROT_READ | PROT_WRITE, 0)
			      : made % 3 == 1 ? map(size, PROT_NONE, MAP_NORESERVE)
					      : mmap(NULL, size, PROT_READ, MAP_SHARED, fd, 0);
		if (piece[made] == MAP_FAILED)
			break;
	}
	return made;
}

static void address_space(void)
{
	void *piece[64], *old = map(MIB, PROT_READ | PROT_WRITE, 0);
	int fd = open("/tmp", O_TMPFILE | O_RDWR, 0600);
	unsigned long made, again, most;
	char *end = sbrk(0);
	pthread_t thread;

	(void)!ftruncate(fd, MIB);
	most = in_use(0) + 2 * MIB;
	limit(RLIMIT_AS, most);
	attack_check("mmap", no_room(map(3 * MIB, PROT_READ, 0), ENOMEM));
	attack_check("mmap of nothing", no_room(map(3 * MIB, PROT_NONE, MAP_NORESERVE), ENOMEM));
	attack_check("mmap that grows", no_room(map(3 * MIB, PROT_READ | PROT_WRITE, MAP_GROWSDOWN), ENOMEM));
	attack_check("mmap of a file", no_room(mmap(NULL, 3 * MIB, PROT_READ, MAP_SHARED, fd, 0), ENOMEM));
	attack_check("mmap shared", no_room(mmap(NULL, 3 * MIB, PROT_READ, MAP_SHARED | MAP_ANONYMOUS, -1, 0), ENOMEM));
	attack_check("mmap over what is there",
		no_room(mmap(old, 4 * MIB, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
			ENOMEM) ||
			errno == EEXIST);
	attack_check("mremap", no_room(mremap(old, MIB, 4 * MIB, MREMAP_MAYMOVE), ENOMEM));
	attack_check("brk", fails((long)(intptr_t)sbrk(3 * MIB), ENOMEM) && sbrk(0) == end);
	attack_check("a thread's stack", pthread_create(&thread, NULL, ends, NULL) == EAGAIN);
	made = fill(fd, piece, 64);
	attack_check("many small ones", made > 0 && made <= 32 && in_use(0) <= most);
	for (unsigned i = 0; i < made; i += 2)
		munmap(piece[i], 64ul << 10);
	again = fill(fd, piece, 64);
	attack_check("what is given back, twice", again <= (made + 1) / 2 && in_use(0) <= most);
	attack_check("MREMAP_DONTUNMAP", mremap(old, MIB, MIB, MREMAP_MAYMOVE | MREMAP_DONTUNMAP) == MAP_FAILED);
	attack_check("the limit is raised",
		fails(setrlimit(RLIMIT_AS, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), EPERM));
	if (fork() == 0)
		_exit(map(MIB, PROT_READ, 0) != MAP_FAILED);
	wait(&fd);
	attack_check("a child's share", fd == 0);
}

static void too_little_for_program(void)
{
	limit(RLIMIT_AS, 16 * PAGE);
	execl(self, "limits", "end", (char *)NULL);
	if (errno == ENOMEM)
		raise(SIGSEGV); /* Linux finds out when it is too late to return */
}

static void data(void)
{
	char *readable = map(8 * MIB, PROT_READ, 0), *own = map(MIB, PROT_READ | PROT_WRITE, 0), *end = sbrk(0), *file;
	int fd = open(self, O_RDONLY), changed = 0;

	file = mmap(NULL, 512ul << 10, PROT_READ, MAP_PRIVATE, fd, 0);
	/* What the system counts, and 1 MiB. */
	for (unsigned long most = MIB;; most += 64ul << 10) {
		char *more;

		setrlimit(RLIMIT_DATA, &(struct rlimit){most, RLIM_INFINITY});
		more = map(MIB, PROT_READ | PROT_WRITE, 0);
		if (more != MAP_FAILED) {
			munmap(more, MIB);
			limit(RLIMIT_DATA, most);
			break;
		}
	}
	attack_check("data by mmap", no_room(map(2 * MIB, PROT_READ | PROT_WRITE, 0), ENOMEM));
	attack_check("data by mprotect", fails(mprotect(readable, 2 * MIB, PROT_READ | PROT_WRITE), ENOMEM));
	attack_check("data by mremap", no_room(mremap(own, MIB, 3 * MIB, MREMAP_MAYMOVE), ENOMEM));
	attack_check("data by brk", fails((long)(intptr_t)sbrk(2 * MIB), ENOMEM) && sbrk(0) == end);
	/* Page by page, here and there. */
	while (changed < 1024 && mprotect(readable + 2l * changed * PAGE, PAGE, PROT_READ | PROT_WRITE) == 0)
		changed++;
	attack_check("data by pages", changed > 0 && changed <= 272);
	attack_check("data of a file", fails(mprotect(file, 512ul << 10, PROT_READ | PROT_WRITE), ENOMEM));
	for (int i = 0; i < changed; i++)
		mprotect(readable + 2l * i * PAGE, PAGE, PROT_READ);
	attack_check("data given back", mprotect(readable, 512ul << 10, PROT_READ | PROT_WRITE) == 0);
	attack_check("the limit is raised",
		fails(setrlimit(RLIMIT_DATA, &(struct rlimit){RLIM_INFINITY, RLIM_INFINITY}), EPERM));
}

static void locked(void)
{
	char *area = map(MIB, PROT_READ | PROT_WRITE, 0), *moved, *end;
	int fd = memfd_create("locked", 0);
	char *file;

	(void)!ftruncate(fd, MIB);
	file = mmap(NULL, MIB, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	limit(RLIMIT_MEMLOCK, LOCKED);
	attack_check("mlock", fails(mlock(area, LOCKED + 1), ENOMEM));
	attack_check("mlock2", fails_or_is_not(syscall(SYS_mlock2, area, LOCKED + PAGE, 1), ENOMEM));
	attack_check("mlock of a file in memory", fails(mlock(file, LOCKED + 1), ENOMEM));
	attack_check("mlockall", fails(mlockall(MCL_CURRENT), ENOMEM));
	attack_check("MAP_LOCKED", no_room(map(LOCKED + PAGE, PROT_READ, MAP_LOCKED), EAGAIN));
	attack_check("as much as may be", mlock(area, LOCKED / 2) == 0 && mlock(file, LOCKED / 2) == 0);
	attack_check("mlock of one more", fails(mlock(area + LOCKED / 2, 1), ENOMEM));
	attack_check("MAP_LOCKED of one more", no_room(map(PAGE, PROT_READ, MAP_LOCKED), EAGAIN));
	attack_check("mlock over what is locked", fails(mlock(area, LOCKED / 2 + 1), ENOMEM));
	munmap(area + LOCKED / 2, MIB - LOCKED / 2);
	moved = mremap(area, LOCKED / 2, LOCKED, MREMAP_MAYMOVE);
	attack_check("mremap of what is locked", no_room(moved, EAGAIN));
	moved = mremap(area, LOCKED / 2, LOCKED / 2, MREMAP_MAYMOVE | MREMAP_FIXED, file + MIB / 2);
	attack_check("what has moved is still locked",
		moved == file + MIB / 2 && fails(mlock(file + MIB - PAGE, 1), ENOMEM));
	mmap(moved, LOCKED / 2, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0);
	attack_check("what is mapped over gives its part back", mlock(moved, LOCKED / 2) == 0);
	attack_check("and no more", fails(mlock(file + MIB - PAGE, 1), ENOMEM));
	munlockall();
	attack_check("mlockall for later", mlockall(MCL_FUTURE) == 0);
	attack_check("mmap then", no_room(map(LOCKED + PAGE, PROT_READ, 0), EAGAIN));
	end = sbrk(0);
	attack_check("brk then", (char *)syscall(SYS_brk, end + 2 * LOCKED) == end);
	attack_check(
		"mremap then", map(LOCKED, PROT_READ, 0) != MAP_FAILED && no_room(map(PAGE, PROT_READ, 0), EAGAIN));
	attack_check("the limit is raised", fails(setrlimit(RLIMIT_MEMLOCK, &(struct rlimit){MIB, MIB}), EPERM));
}

/* --- Arguments and stacks. */

static void arguments(void)
{
	static char text[MIB / 16], one[PAGE * 33];
	char *vector[10] = {(char *)"limits", (char *)"end"}, **many;

	memset(text, 'x', sizeof text - 1);
	memset(one, 'x', sizeof one - 1);
	limit(RLIMIT_STACK, MIB);
	for (int i = 2; i < 7; i++)
		vector[i] = text;
	attack_check("arguments", fails(execv(self, vector), E2BIG));
	attack_check("an environment", fails(execve(self, vector, vector + 2), E2BIG));
	vector[2] = NULL;
	attack_check("an environment alone", fails(execve(self, vector, vector + 3), E2BIG) || vector[3] == text);
	vector[2] = one;
	vector[3] = NULL;
	attack_check("one argument", fails(execv(self, vector), E2BIG));
	many = calloc(MIB / 16, sizeof *many);
	for (int i = 0; i < MIB / 16 - 1; i++)
		many[i] = (char *)"";
	attack_check("pointers to nothing", fails(execv(self, many), E2BIG));
	attack_check("the limit is raised", fails(setrlimit(RLIMIT_STACK, &(struct rlimit){8 * MIB, 8 * MIB}), EPERM));
	execl(self, "limits", "deep", (char *)NULL);
}

static int deep(unsigned left)
{
	volatile char here[PAGE];

	here[5] = here[PAGE - 1] = (char)left;
	return left == 0 ? here[5] : deep(left - 1) + here[PAGE - 1];
}

/* --- Signals. */

static unsigned queue(pid_t process)
{
	unsigned made = 0;

	while (made < 4 * SIGNALS && sigqueue(process, SIGRTMIN, (union sigval){0}) == 0)
		made++;
	return made;
}

static void signals(void)
{
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGRTMIN};
	siginfo_t info = {.si_code = SI_QUEUE, .si_signo = SIGRTMIN};
	timer_t timer[4 * SIGNALS];
	unsigned made;
	sigset_t set;
	pid_t child;
	int status;

	sigemptyset(&set);
	sigaddset(&set, SIGRTMIN);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	limit(RLIMIT_SIGPENDING, SIGNALS);
	made = queue(getpid());
	attack_check("signals to oneself", made == SIGNALS && errno == EAGAIN);
	attack_check("rt_sigqueueinfo", fails(syscall(SYS_rt_sigqueueinfo, getpid(), SIGRTMIN, &info), EAGAIN));
	attack_check("rt_tgsigqueueinfo",
		fails(syscall(SYS_rt_tgsigqueueinfo, getpid(), gettid(), SIGRTMIN, &info), EAGAIN));
	attack_check("timer_create", fails(timer_create(CLOCK_MONOTONIC, &event, &timer[0]), EAGAIN));
	child = fork();
	if (child == 0)
		_exit(queue(getpid()) == 0 && errno == EAGAIN ? 0 : 1);
	attack_check("a child's signals", waitpid(child, &status, 0) == child && status == 0);
	attack_check("one that needs no room comes",
		kill(getpid(), SIGUSR1) == 0 && sigtimedwait(&set, NULL, NULL) == SIGUSR1);
	for (made = 0; sigtimedwait(&set, NULL, &(struct timespec){0, 0}) == SIGRTMIN;)
		made++;
	attack_check("none more than were queued", made == SIGNALS);
	/* What a process that ends has in its queue is room again. */
	for (int i = 0; i < 4; i++) {
		child = fork();
		if (child == 0) {
			queue(getpid());
			if (i % 2)
				execl(self, "limits", "end", (char *)NULL);
			_exit(0);
		}
		waitpid(child, NULL, 0);
	}
	for (made = 0; made < 4 * SIGNALS && timer_create(CLOCK_MONOTONIC, &event, &timer[made]) == 0;)
		made++;
	attack_check("timers", made == SIGNALS && errno == EAGAIN);
	attack_check("signals beside timers", queue(getpid()) == 0);
	while (made > 0)
		timer_delete(timer[--made]);
	attack_check("room after timers", queue(getpid()) == SIGNALS);
	attack_check("the limit is raised",
		fails(setrlimit(RLIMIT_SIGPENDING, &(struct rlimit){SIGNALS, SIGNALS + 1}), EPERM));
}

/* --- Processor time: by threads, in calls, over exec, with the signal blocked. */

static void *computes(void *nothing)
{
	for (;;)
		;
	return nothing;
}

static void *calls(void *nothing)
{
	static char room_for[MIB / 4];
	int fd = open("/dev/zero", O_RDONLY);

	while (read(fd, room_for, sizeof room_for) > 0)
		;
	return nothing;
}

static int work(void)
{
	pthread_t thread;

	pthread_create(&thread, NULL, computes, NULL);
	pthread_create(&thread, NULL, calls, NULL);
	usleep(200000);
	execl(self, "limits", "work", (char *)NULL);
	return 1;
}

static void time_of_processor(void)
{
	struct rusage usage;
	sigset_t set;
	int status = 0;
	pid_t child = fork();

	if (child == 0) {
		sigemptyset(&set);
		sigaddset(&set, SIGXCPU);
		sigprocmask(SIG_BLOCK, &set, NULL);
		limit(RLIMIT_CPU, 1);
		work();
		_exit(1);
	}
	wait4(child, &status, 0, &usage);
	attack_check("processor time", WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	attack_check("more of it than 1.5 s", (usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) * 1000000 +
							      usage.ru_utime.tv_usec + usage.ru_stime.tv_usec <
						      1500000);
}

/* --- Others. */

static void remaining(void)
{
	struct rlimit none = {0, 0}, more = {1, 1};
	int status;
	pid_t child;
	struct {
		long flags, most, size, now, none[4];
	} queue_of = {0, 10, 8192, 0, {0}};

	setrlimit(RLIMIT_CORE, &none);
	child = fork();
	if (child == 0) {
		(void)!chdir("/tmp");
		abort();
	}
	attack_check("a core", waitpid(child, &status, 0) == child && WIFSIGNALED(status) && !WCOREDUMP(status));
	attack_check("the limit on cores is raised", fails(setrlimit(RLIMIT_CORE, &more), EPERM));
	limit(RLIMIT_MSGQUEUE, 0);
	attack_check("a message queue",
		fails_or_is_not(syscall(SYS_mq_open, "limits", O_CREAT | O_RDWR, 0600, &queue_of), EMFILE));
	for (int i = 0; i < (int)RLIM_NLIMITS; i++) {
		struct rlimit old, higher;

		prlimit(getppid(), i, NULL, &old);
		if (old.rlim_max == RLIM_INFINITY)
			continue;
		higher = (struct rlimit){old.rlim_cur, old.rlim_max + 1};
		attack_check("a hard limit is raised", fails(setrlimit(i, &higher), EPERM));
		attack_check("a parent's hard limit is raised", fails(prlimit(getppid(), i, &higher, NULL), EPERM));
		attack_check("a limit of pid 1's", fails(prlimit(1, i, NULL, &higher), EPERM));
	}
}

int main(int argc, char **argv)
{
	self = "/proc/self/exe";
	if (argc > 1 && strcmp(argv[1], "end") == 0)
		return 0;
	if (argc > 1 && strcmp(argv[1], "work") == 0)
		return work();
	if (argc > 1 && strcmp(argv[1], "deep") == 0)
		return deep(300);
	setvbuf(stdout, NULL, _IOLBF, 0);
	apart("sizes of files", sizes, SIGXFSZ);
	apart("descriptors", descriptors, 0);
	apart("processes", processes, 0);
	apart("address space", address_space, 0);
	apart("a program larger than the address space", too_little_for_program, SIGSEGV);
	apart("data", data, 0);
	apart("locked memory", locked, 0);
	apart("arguments, and more than a stack", arguments, SIGSEGV);
	apart("signals", signals, 0);
	apart("others", remaining, 0);
	time_of_processor();
	return attack_end();
}
