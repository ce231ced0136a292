/*
 * A Mach program of an ordinary user (attack-mach: 1) puts memory whose pager never answers beneath its Unix processes,
 * and lets each of them make a call with it, of every kind that reads or writes the caller's memory; others read their
 * command lines, or end in it. All of them wait, nobody else does, and each dies at once when it is killed. Then it
 * sends the Unix server requests whose answers there is no room for. (attack-seconds: 60)
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <mach/mach.h>
#include <mach/mach_port_user.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/time.h>
#include <sys/times.h>
#include <sys/uio.h>
#include <sys/utsname.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
	PAGE = 4096,
	PAGES = 16,
	DIES_WITHIN_MS = 500,
	CALL_WITHIN_MS = 200, /* of another process of this user's */
	FULL = 200,           /* requests whose answers have no room */
	LINGER_MS = 1000,
};

static char *deaf; /* PAGES of it */

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

/* --- What a process does with such memory; whoever comes back was not held up, which is no harm. */

static int file(void)
{
	return open("/tmp/waiting", O_RDWR | O_CREAT | O_TRUNC, 0600);
}

static int full_pipe(int end)
{
	int fd[2];

	if (pipe(fd) != 0 || write(fd[1], deaf - PAGE, PAGE) != PAGE)
		_exit(1);
	return fd[end];
}

static void call(long number, long a, long b, long c, long d, long e, long f)
{
	syscall(number, a, b, c, d, e, f);
}

#define CALL(name, number, a, b, c, d, e, f)                                                                           \
	static void name(void)                                                                                         \
	{                                                                                                              \
		call(number, (long)(a), (long)(b), (long)(c), (long)(d), (long)(e), (long)(f));                        \
	}

CALL(a_write, SYS_write, file(), deaf, 2 * PAGE, 0, 0, 0)
CALL(a_read, SYS_read, open("/bin/busybox", O_RDONLY), deaf, 2 * PAGE, 0, 0, 0)
CALL(pipe_write, SYS_write, full_pipe(1), deaf, PAGE, 0, 0, 0)
CALL(pipe_read, SYS_read, full_pipe(0), deaf, PAGE, 0, 0, 0)
CALL(a_writev, SYS_writev, file(), deaf, 3, 0, 0, 0)
CALL(a_readv, SYS_readv, open("/bin/busybox", O_RDONLY), deaf, 3, 0, 0, 0)
CALL(a_pread, SYS_pread64, open("/dev/zero", O_RDONLY), deaf, PAGE, 0, 0, 0)
CALL(an_open, SYS_open, deaf, O_RDONLY, 0, 0, 0, 0)
CALL(a_rename, SYS_rename, "/tmp/waiting", deaf, 0, 0, 0, 0)
CALL(a_stat, SYS_stat, "/", deaf, 0, 0, 0, 0)
CALL(a_statfs, SYS_statfs, "/", deaf, 0, 0, 0, 0)
CALL(an_access, SYS_access, deaf, R_OK, 0, 0, 0, 0)
CALL(a_readlink, SYS_readlink, "/proc/self/exe", deaf, PAGE, 0, 0, 0)
CALL(a_getcwd, SYS_getcwd, deaf, PAGE, 0, 0, 0, 0)
CALL(a_getdents, SYS_getdents64, open("/bin", O_RDONLY), deaf, PAGE, 0, 0, 0)
CALL(an_exec_path, SYS_execve, deaf, 0, 0, 0, 0, 0)
CALL(an_exec_arguments, SYS_execve, "/bin/true", deaf, deaf, 0, 0, 0)
CALL(an_action, SYS_rt_sigaction, SIGUSR1, deaf, 0, 8, 0, 0)
CALL(a_mask, SYS_rt_sigprocmask, SIG_BLOCK, deaf, 0, 8, 0, 0)
CALL(a_suspend, SYS_rt_sigsuspend, deaf, 8, 0, 0, 0, 0)
CALL(an_alternate_stack, SYS_sigaltstack, deaf, 0, 0, 0, 0, 0)
CALL(a_pipe, SYS_pipe, deaf, 0, 0, 0, 0, 0)
CALL(a_poll, SYS_poll, deaf, 10, 1000, 0, 0, 0)
CALL(a_select, SYS_select, 20, deaf, 0, 0, 0, 0)
CALL(an_epoll_ctl, SYS_epoll_ctl, epoll_create1(0), EPOLL_CTL_ADD, 0, deaf, 0, 0)
CALL(a_futex, SYS_futex, deaf, FUTEX_WAIT, 0, 0, 0, 0)
CALL(a_private_futex, SYS_futex, deaf, FUTEX_WAIT | FUTEX_PRIVATE_FLAG, 0, 0, 0, 0)
CALL(a_futex_wake, SYS_futex, deaf, FUTEX_WAKE, 1, 0, 0, 0)
CALL(a_futex_operation, SYS_futex, deaf - PAGE, FUTEX_WAKE_OP, 1, 1, deaf, FUTEX_OP(FUTEX_OP_SET, 1, 0, 0))
CALL(a_requeue, SYS_futex, deaf, FUTEX_CMP_REQUEUE, 1, 1, deaf + PAGE, 0)
CALL(a_nap, SYS_nanosleep, deaf, 0, 0, 0, 0, 0)
CALL(a_time, SYS_clock_gettime, CLOCK_REALTIME, deaf, 0, 0, 0, 0)
CALL(a_timer, SYS_timer_create, CLOCK_REALTIME, deaf, deaf, 0, 0, 0)
CALL(an_interval, SYS_setitimer, ITIMER_REAL, deaf, 0, 0, 0, 0)
CALL(a_name, SYS_uname, deaf, 0, 0, 0, 0, 0)
CALL(a_sysinfo, SYS_sysinfo, deaf, 0, 0, 0, 0, 0)
CALL(a_usage, SYS_getrusage, RUSAGE_SELF, deaf, 0, 0, 0, 0)
CALL(a_limit, SYS_setrlimit, RLIMIT_CORE, deaf, 0, 0, 0, 0)
CALL(groups, SYS_getgroups, 0x10000, deaf, 0, 0, 0, 0)
CALL(a_wait, SYS_wait4, -1, deaf, WNOHANG, deaf, 0, 0)
CALL(a_socket_address, SYS_bind, socket(AF_UNIX, SOCK_STREAM, 0), deaf, 20, 0, 0, 0)
CALL(a_pair, SYS_socketpair, AF_UNIX, SOCK_STREAM, 0, deaf, 0, 0)
CALL(a_lock, SYS_fcntl, file(), F_SETLK, deaf, 0, 0, 0)
CALL(a_msync, SYS_msync, deaf, PAGE, MS_SYNC, 0, 0, 0)
CALL(a_move, SYS_mremap, deaf, PAGE, 4 * PAGE, MREMAP_MAYMOVE, 0, 0)
CALL(a_mlock, SYS_mlock, deaf, PAGE, 0, 0, 0, 0)
CALL(a_random, SYS_getrandom, deaf, PAGE, 0, 0, 0, 0)
CALL(a_signal_with_words, SYS_rt_sigqueueinfo, getpid(), SIGCHLD, deaf, 0, 0, 0)
CALL(affinity, SYS_sched_getaffinity, 0, PAGE, deaf, 0, 0, 0)

static void a_message(void)
{
	struct iovec part = {deaf, PAGE};
	struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0)
		sendmsg(fd[0], &message, 0);
}

static void a_control_message(void)
{
	struct msghdr message = {.msg_control = deaf, .msg_controllen = 64};
	int fd[2];

	if (socketpair(AF_UNIX, SOCK_STREAM, 0, fd) == 0)
		sendmsg(fd[0], &message, 0);
}

/* The child's number is written there as it begins, and zero as it ends. */
static void a_child(void)
{
	if (syscall(SYS_clone, CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD, 0, NULL, deaf, 0) > 0)
		wait(NULL);
}

static void a_childs_number(void)
{
	if (syscall(SYS_clone, CLONE_PARENT_SETTID | SIGCHLD, 0, deaf, NULL, 0) > 0)
		wait(NULL);
}

static void an_end_that_is_told(void)
{
	syscall(SYS_set_tid_address, deaf);
	/* Told only if others have the memory, too. */
	if (syscall(SYS_clone, CLONE_VM, deaf - PAGE + 2048, NULL, NULL, 0) == 0)
		for (;;)
			;
}

static void robust_locks(void)
{
	syscall(SYS_set_robust_list, deaf, 24);
}

static void handler(int signal)
{
	(void)signal;
}

static void a_signal_frame(void)
{
	stack_t stack = {.ss_sp = deaf, .ss_size = PAGES * PAGE};
	struct sigaction action = {.sa_handler = handler, .sa_flags = SA_ONSTACK};

	sigaltstack(&stack, NULL);
	sigaction(SIGUSR1, &action, NULL);
	raise(SIGUSR1);
}

/* Whoever asks for its command line finds this. */
static void its_arguments(void)
{
	extern char **environ;
	char *page = (char *)((unsigned long)environ[0] & -PAGE);

	if (mremap(deaf, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, page) == MAP_FAILED)
		_exit(1);
	for (;;)
		pause();
}

static void a_thread_in_it(void)
{
	static pthread_t thread;

	pthread_create(&thread, NULL, (void *(*)(void *))a_write, NULL);
	pause_ms(10);
	_exit(0);
}

static void (*const waits[])(void) = {a_write, a_read, pipe_write, pipe_read, a_writev, a_readv, a_pread, an_open,
	a_rename, a_stat, a_statfs, an_access, a_readlink, a_getcwd, a_getdents, an_exec_path, an_exec_arguments,
	an_action, a_mask, a_suspend, an_alternate_stack, a_pipe, a_poll, a_select, an_epoll_ctl, a_futex,
	a_private_futex, a_futex_wake, a_futex_operation, a_requeue, a_nap, a_time, a_timer, an_interval, a_name,
	a_sysinfo, a_usage, a_limit, groups, a_wait, a_socket_address, a_pair, a_lock, a_msync, a_move, a_mlock,
	a_random, a_signal_with_words, affinity, a_message, a_control_message, a_child, a_childs_number,
	an_end_that_is_told, robust_locks, a_signal_frame, its_arguments, a_thread_in_it};
enum { WAITS = sizeof waits / sizeof waits[0] };

/* --- Who is not held up. */

static const char *of_process(pid_t pid, const char *what)
{
	static char path[64];

	snprintf(path, sizeof path, "/proc/%d/%s", (int)pid, what);
	return path;
}

static void read_all(const char *path)
{
	char data[512];
	int fd = open(path, O_RDONLY);

	while (fd >= 0 && read(fd, data, sizeof data) > 0)
		;
	close(fd);
}

/* What ps and top ask of every process. */
static void look_at(pid_t pid)
{
	static const char *const what[] = {"stat", "status", "maps", "comm", "cmdline", "environ"};

	for (unsigned i = 0; i < sizeof what / sizeof what[0]; i++)
		read_all(of_process(pid, what[i]));
}

/* A fork, a file, a pipe; how long that takes, at the worst of several. */
static long slowest_call_ms(void)
{
	long worst = 0;

	for (unsigned i = 0; i < 20; i++) {
		long start = now_ms(), took;
		int fd[2];
		pid_t child = fork();

		if (child == 0)
			_exit(0);
		waitpid(child, NULL, 0);
		close(file());
		if (pipe(fd) == 0) {
			(void)!write(fd[1], "x", 1);
			close(fd[0]);
			close(fd[1]);
		}
		took = now_ms() - start;
		if (took > worst)
			worst = took;
		pause_ms(5);
	}
	return worst;
}

/* True once all of them have ended. */
static bool ended(pid_t *pids, unsigned count, long within_ms)
{
	long start = now_ms();
	unsigned left;

	do {
		left = 0;
		for (unsigned i = 0; i < count; i++) {
			if (pids[i] > 0 && waitpid(pids[i], NULL, WNOHANG) == pids[i])
				pids[i] = 0;
			left += pids[i] > 0;
		}
		if (left == 0)
			return true;
		pause_ms(5);
	} while (now_ms() - start < within_ms);
	for (unsigned i = 0; i < count; i++)
		if (pids[i] > 0)
			printf("number %u is still there\n", i);
	return false;
}

static void beneath_calls(void)
{
	pid_t pids[WAITS], looks[WAITS];
	unsigned waiting = 0;
	long worst;

	for (unsigned i = 0; i < WAITS; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			setpgid(0, 0);
			waits[i]();
			_exit(0);
		}
	}
	pause_ms(200);
	for (unsigned i = 0; i < WAITS; i++) {
		looks[i] = fork();
		if (looks[i] == 0) {
			look_at(pids[i]);
			_exit(0);
		}
	}
	worst = slowest_call_ms();
	pause_ms(LINGER_MS);
	for (unsigned i = 0; i < WAITS; i++) {
		siginfo_t about = {0};

		waiting += waitid(P_PID, (id_t)pids[i], &about, WEXITED | WNOHANG | WNOWAIT) == 0 && about.si_pid == 0;
	}
	printf("%u of %u wait; others' calls took at most %ld ms\n", waiting, WAITS, worst);
	attack_check("too few wait for an attack", waiting >= WAITS / 2);
	attack_check("others of this user wait, too", worst <= CALL_WITHIN_MS);
	for (unsigned i = 0; i < WAITS; i++) {
		kill(-pids[i], SIGKILL);
		kill(looks[i], SIGKILL);
	}
	attack_check("one that waits cannot be killed", ended(pids, WAITS, DIES_WITHIN_MS));
	attack_check("one that looked at these cannot be killed", ended(looks, WAITS, DIES_WITHIN_MS));
}

/* --- Requests to the Unix server itself, each of which asks to be answered where there is no room. */

static void answers_without_room(void)
{
	struct {
		mach_msg_header_t header;
		uint64_t words[32];
	} request;
	mach_port_t unix_port = MACH_PORT_NULL, full = MACH_PORT_NULL;
	unsigned sent = 0;

	task_get_special_port(mach_task_self(), TASK_EXCEPTION_PORT, &unix_port);
	mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &full);
	mach_port_set_qlimit(mach_task_self(), full, 1);
	for (unsigned i = 0; i < FULL; i++) {
		memset(&request, 0, sizeof request);
		request.header = (mach_msg_header_t){
			.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MAKE_SEND),
			.msgh_size = sizeof request.header + 8 * (i % 32),
			.msgh_remote_port = unix_port,
			.msgh_local_port = full,
			/* exception_raise, and numbers around it. */
			.msgh_id = i % 4 == 0 ? 2400 + (int)(i % 7) : 2400};
		sent += mach_msg_trap(&request.header, MACH_SEND_MSG | MACH_SEND_TIMEOUT, request.header.msgh_size, 0,
				0, 100, 0) == MACH_MSG_SUCCESS;
	}
	printf("%u requests without room for their answers\n", sent);
	attack_check("no request is taken, so that it is no attack", sent > 0);
	attack_check("others of this user wait for such an answer", slowest_call_ms() <= CALL_WITHIN_MS);
}

int main(void)
{
	mach_port_t pager = MACH_PORT_NULL;
	vm_address_t address;

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	setvbuf(stdout, NULL, _IOLBF, 0);
	/* The page before it is ordinary memory. */
	deaf = mmap(NULL, (PAGES + 1) * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (deaf == MAP_FAILED)
		return 2;
	deaf += PAGE;
	address = (vm_address_t)deaf;
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &pager) != KERN_SUCCESS ||
		mach_port_insert_right(mach_task_self(), pager, pager, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS ||
		vm_deallocate(mach_task_self(), address, PAGES * PAGE) != KERN_SUCCESS ||
		vm_map(mach_task_self(), &address, PAGES * PAGE, 0, FALSE, pager, 0, FALSE, VM_PROT_DEFAULT,
			VM_PROT_ALL, VM_INHERIT_SHARE) != KERN_SUCCESS)
		return 2;
	beneath_calls();
	answers_without_room();
	return attack_end();
}
