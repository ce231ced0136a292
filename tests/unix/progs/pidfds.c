/* Descriptors of processes, and memory of other processes; kcmp. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <linux/kcmp.h>
#include <poll.h>
#include <sched.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/uio.h>

#include "sysvipc.h"

#ifndef P_PIDFD
#define P_PIDFD 3
#endif
#ifndef CLONE_PIDFD
#define CLONE_PIDFD 0x1000
#endif
#ifndef MADV_COLD
#define MADV_COLD 20
#endif
#define PAGE 4096

static int pidfd_of(pid_t pid, unsigned flags)
{
	return (int)syscall(SYS_pidfd_open, pid, flags);
}

static long send(int fd, int signal, siginfo_t *info, unsigned flags)
{
	return syscall(SYS_pidfd_send_signal, fd, signal, info, flags);
}

static int ready(int fd)
{
	struct pollfd one = {.fd = fd, .events = POLLIN};

	return poll(&one, 1, 0) == 1 ? one.revents & ~POLLHUP : 0;
}

static void descriptors(void)
{
	struct epoll_event event = {.events = EPOLLIN};
	siginfo_t info = {.si_signo = SIGTERM, .si_code = SI_QUEUE};
	int fd, other, set = epoll_create1(0), ends[2];
	char line[64], path[64];
	FILE *file;
	pid_t child;

	show("of nobody", pidfd_of(0, 0));
	show("of no process", pidfd_of(32760, 0));
	show("with flags", pidfd_of(getpid(), 1));
	pipe(ends);
	child = fork();
	if (child == 0) {
		close(ends[1]);
		read(ends[0], line, 1);
		_exit(7);
	}
	close(ends[0]);
	fd = pidfd_of(child, 0);
	show("made", fd >= 0 ? 0 : -1);
	show("closed by exec", fcntl(fd, F_GETFD));
	show("read", read(fd, line, 1));
	snprintf(path, sizeof path, "/proc/self/fdinfo/%d", fd);
	file = fopen(path, "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		if (strncmp(line, "Pid:", 4) == 0)
			show("fdinfo", atoi(line + 4) == child);
	}
	if (file != NULL)
		fclose(file);
	show("not ready", ready(fd));
	show("signal 0", send(fd, 0, NULL, 0));
	show("no signal", send(fd, 65, NULL, 0));
	show("flags", send(fd, 0, NULL, 8));
	show("no descriptor of a process", send(ends[1], 0, NULL, 0));
	show("no descriptor", send(99, 0, NULL, 0));
	show("another signal's", send(fd, SIGUSR1, &info, 0));
	info.si_code = SI_USER;
	show("as if by kill", send(fd, SIGTERM, &info, 0));
	show("nothing yet", waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOHANG));
	other = pidfd_of(child, O_NONBLOCK);
	show("without waiting", waitid(P_PIDFD, (id_t)other, &info, WEXITED));
	epoll_ctl(set, EPOLL_CTL_ADD, fd, &event);
	close(ends[1]);
	show("waited", epoll_wait(set, &event, 1, -1));
	show("ready", ready(fd));
	show("kept", waitid(P_PIDFD, (id_t)fd, &info, WEXITED | WNOWAIT));
	show("signal to a zombie", send(fd, SIGTERM, NULL, 0));
	show("reaped", waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	show("who", info.si_pid == child);
	show("its code", info.si_status);
	show("again", waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	show("ready still", ready(fd));
	show("signal", send(fd, SIGTERM, NULL, 0));
	show("wait by something else", waitid(P_PIDFD, (id_t)set, &info, WEXITED));
	show("wait by nothing", waitid(P_PIDFD, 99, &info, WEXITED));
	close(fd);
	close(other);
	close(set);
	/* Of a process that is not our child. */
	fd = pidfd_of(getppid(), 0);
	show("no child", waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	close(fd);
}

static void made_with(void)
{
	int fd = -1, status;
	long child = syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, &fd, NULL, NULL);
	siginfo_t info;

	if (child == 0)
		_exit(fd == -1 ? 3 : 4);
	show("a descriptor with the child", fd >= 0);
	show("waited", waitid(P_PIDFD, (id_t)fd, &info, WEXITED));
	show("who", info.si_pid == child);
	show("its code", info.si_status);
	close(fd);
	show("two words in one place", syscall(SYS_clone, CLONE_PIDFD | CLONE_PARENT_SETTID | SIGCHLD, NULL, &fd, NULL, NULL));
	show("to nowhere", syscall(SYS_clone, CLONE_PIDFD | SIGCHLD, NULL, 8, NULL, NULL));
	show("no child", wait(&status));
}

static void taking(void)
{
	int here[2], there[2], fd, got;
	char text[8] = "";
	pid_t child;

	pipe(here);
	pipe(there);
	child = fork();
	if (child == 0) {
		/* One that only the child has. */
		int mine[2];

		close(there[0]);
		pipe(mine);
		write(mine[1], "mine", 5);
		write(there[1], &mine[0], sizeof mine[0]);
		read(here[0], text, 1);
		_exit(0);
	}
	read(there[0], &got, sizeof got);
	fd = pidfd_of(child, 0);
	show("flags", syscall(SYS_pidfd_getfd, fd, got, 1));
	show("none", syscall(SYS_pidfd_getfd, fd, 999, 0));
	show("of no process", syscall(SYS_pidfd_getfd, here[0], 0, 0));
	got = (int)syscall(SYS_pidfd_getfd, fd, got, 0);
	show("taken", got >= 0 ? 0 : -1);
	show("closed by exec", fcntl(got, F_GETFD));
	show("read", read(got, text, sizeof text));
	puts(text);
	show("the same file", syscall(SYS_kcmp, getpid(), child, KCMP_FILE, here[0], here[0]));
	show("another", syscall(SYS_kcmp, getpid(), child, KCMP_FILE, here[0], here[1]) > 0);
	show("no file", syscall(SYS_kcmp, getpid(), child, KCMP_FILE, 999, 0));
	show("memory", syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0) > 0);
	show("own memory", syscall(SYS_kcmp, getpid(), getpid(), KCMP_VM, 0, 0));
	show("files", syscall(SYS_kcmp, getpid(), child, KCMP_FILES, 0, 0) > 0);
	show("folder", syscall(SYS_kcmp, getpid(), child, KCMP_FS, 0, 0) > 0);
	show("one order", syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0) + syscall(SYS_kcmp, child, getpid(), KCMP_VM, 0, 0));
	show("no process", syscall(SYS_kcmp, getpid(), 32760, KCMP_VM, 0, 0));
	show("no kind", syscall(SYS_kcmp, getpid(), child, 99, 0, 0));
	fflush(stdout);
	if (fork() == 0) {
		be(1234);
		show("taken by others", syscall(SYS_pidfd_getfd, fd, 0, 0));
		show("compared by others", syscall(SYS_kcmp, getpid(), child, KCMP_VM, 0, 0));
		show("signal by others", send(fd, SIGKILL, NULL, 0));
		_exit(0);
	}
	wait(NULL);
	write(here[1], "x", 1);
	close(here[0]);
	close(here[1]);
	close(got);
	show("child", ended(child));
	show("gone", syscall(SYS_pidfd_getfd, fd, 0, 0));
	close(fd);
	close(there[0]);
	close(there[1]);
}

static void memory(void)
{
	char *area = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0), text[64] = "";
	char *big = mmap(NULL, 512 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct iovec local[2] = {{text, 5}, {text + 10, 20}}, remote[3] = {{area, 10}, {area + PAGE, 3}, {area + 2 * PAGE, 20}};
	struct iovec all = {big, 512 * PAGE};
	int fd;
	pid_t child;

	strcpy(area, "0123456789");
	strcpy(area + PAGE, "abcdef");
	munmap(area + 2 * PAGE, PAGE);
	mprotect(area + 3 * PAGE, PAGE, PROT_READ);
	mprotect(area + 4 * PAGE, PAGE, PROT_NONE);
	memset(big, 'x', 512 * PAGE);
	child = fork();
	if (child == 0) {
		pause();
		_exit(area[PAGE]);
	}
	asleep(child);
	memset(area, '-', PAGE);
	memset(big, 0, 512 * PAGE);
	show("read", process_vm_readv(child, local, 2, remote, 2, 0));
	printf("%s %s\n", text, text + 10);
	show("up to what is not there", process_vm_readv(child, local, 2, remote, 3, 0));
	remote[0].iov_base = area + 2 * PAGE;
	show("nothing there", process_vm_readv(child, local, 2, remote, 1, 0));
	remote[0] = (struct iovec){area + PAGE - 5, 10};
	show("across pages", process_vm_readv(child, local, 2, remote, 1, 0));
	remote[0] = (struct iovec){area + 2 * PAGE - 5, 10};
	show("into what is not there", process_vm_readv(child, local, 2, remote, 1, 0));
	show("the whole", process_vm_readv(child, &all, 1, &all, 1, 0));
	show("its end", big[512 * PAGE - 1]);
	show("flags", process_vm_readv(child, local, 2, remote, 1, 1));
	show("no process", process_vm_readv(32760, local, 2, remote, 1, 0));
	show("too many", process_vm_readv(child, local, 1025, remote, 1, 0));
	show("lists from nowhere", process_vm_readv(child, (void *)8, 1, remote, 1, 0));
	local[0].iov_base = (void *)8;
	show("to nowhere", process_vm_readv(child, local, 1, remote, 1, 0));
	show("none", process_vm_readv(child, local, 0, remote, 1, 0));
	local[0] = (struct iovec){"Z", 1};
	remote[0] = (struct iovec){area + PAGE, 1};
	show("written", process_vm_writev(child, local, 1, remote, 1, 0));
	remote[0].iov_base = area + 3 * PAGE;
	show("to what is read only", process_vm_writev(child, local, 1, remote, 1, 0));
	remote[0].iov_base = area + 4 * PAGE;
	show("to what may not be touched", process_vm_writev(child, local, 1, remote, 1, 0));
	fflush(stdout);
	if (fork() == 0) {
		be(1234);
		remote[0].iov_base = area;
		local[0].iov_base = text;
		show("by others", process_vm_readv(child, local, 1, remote, 1, 0));
		/* A child of its own that hides. */
		if ((child = fork()) == 0) {
			prctl(PR_SET_DUMPABLE, 0);
			pause();
		}
		asleep(child);
		show("one that hides", process_vm_readv(child, local, 1, remote, 1, 0));
		kill(child, SIGKILL);
		_exit(0);
	}
	wait(NULL);
	fd = pidfd_of(child, 0);
	remote[0] = (struct iovec){area, 2 * PAGE};
	show("advice", syscall(SYS_process_madvise, fd, remote, 1, MADV_COLD, 0));
	show("flags", syscall(SYS_process_madvise, fd, remote, 1, MADV_COLD, 1));
	show("advice for oneself only", syscall(SYS_process_madvise, fd, remote, 1, MADV_NORMAL, 0));
	remote[0].iov_len = 3 * PAGE;
	show("of what is not there", syscall(SYS_process_madvise, fd, remote, 1, MADV_COLD, 0));
	show("no descriptor", syscall(SYS_process_madvise, 99, remote, 1, MADV_COLD, 0));
	show("released alive", syscall(SYS_process_mrelease, fd, 0));
	show("flags", syscall(SYS_process_mrelease, fd, 1));
	show("no descriptor", syscall(SYS_process_mrelease, 99, 0));
	kill(child, SIGKILL);
	ended(child);
	show("gone", syscall(SYS_process_mrelease, fd, 0));
	close(fd);
}

int main(void)
{
	alarm(60);
	on_signal(SIGUSR1);
	descriptors();
	made_with();
	taking();
	memory();
	return 0;
}
