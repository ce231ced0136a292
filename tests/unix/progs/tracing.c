/* ptrace: stops for calls, signals, events; registers and memory; attaching, and how it ends. */
#define _GNU_SOURCE
#include <elf.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/user.h>

#include "sysvipc.h"

#ifndef __WALL
#define __WALL 0x40000000
#endif

static volatile long number = 42;

/* What wait says, without ids. */
static int told(pid_t pid, const char *what)
{
	int status = 0;
	pid_t got = waitpid(pid, &status, __WALL);

	if (got < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else if (WIFSTOPPED(status))
		printf("%s: stopped, %d event %d\n", what, WSTOPSIG(status), status >> 16);
	else if (WIFEXITED(status))
		printf("%s: exited %d\n", what, WEXITSTATUS(status));
	else
		printf("%s: killed by %d\n", what, WTERMSIG(status));
	fflush(stdout);
	return status;
}

/* A child that is traced and has stopped. */
static pid_t traced(void (*run)(void))
{
	pid_t pid;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		ptrace(PTRACE_TRACEME, 0, 0, 0);
		raise(SIGSTOP);
		run();
		_exit(0);
	}
	told(pid, "begins");
	return pid;
}

static void few_calls(void)
{
	syscall(SYS_getppid);
	syscall(SYS_close, 77);
	syscall(SYS_lseek, 88, 1, 2);
	_exit(9);
}

static void calls(void)
{
	pid_t pid = traced(few_calls);
	struct user_regs_struct registers;
	int status;

	show("options", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL));
	show("unknown options", ptrace(PTRACE_SETOPTIONS, pid, 0, 1 << 30));
	for (int i = 0;; i++) {
		struct __ptrace_syscall_info info;
		siginfo_t why;

		show("on", ptrace(PTRACE_SYSCALL, pid, 0, 0));
		status = told(pid, "call");
		if (!WIFSTOPPED(status))
			break;
		ptrace(PTRACE_GETREGS, pid, 0, &registers);
		ptrace(PTRACE_GETSIGINFO, pid, 0, &why);
		printf("%lld, %s, why %d\n", (long long)registers.orig_rax,
			i % 2 == 0 ? ((long long)registers.rax == -ENOSYS ? "begins" : "?") : "ends", why.si_code);
		if (i % 2 == 1 && registers.orig_rax != SYS_getppid)
			printf("result %lld\n", (long long)registers.rax);
		show("information", ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info));
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_lseek) {
			printf("arguments %lld %lld %lld\n", (long long)info.entry.args[0], (long long)info.entry.args[1],
				(long long)info.entry.args[2]);
			/* Another call: a result that is nobody's. */
			registers.orig_rax = ~0ull;
			registers.rax = 55;
			show("none", ptrace(PTRACE_SETREGS, pid, 0, &registers));
		}
		if (info.op == PTRACE_SYSCALL_INFO_ENTRY && info.entry.nr == SYS_close) {
			registers.rdi = 99;
			ptrace(PTRACE_SETREGS, pid, 0, &registers);
		}
		if (info.op == PTRACE_SYSCALL_INFO_EXIT)
			printf("error %d\n", info.exit.is_error);
	}
}

static void result_changed(void)
{
	_exit(syscall(SYS_getpgid, 0) == 12345 ? 3 : 4);
}

static void results(void)
{
	pid_t pid = traced(result_changed);
	struct user_regs_struct registers;

	for (int i = 0; i < 2; i++) {
		ptrace(PTRACE_SYSCALL, pid, 0, 0);
		told(pid, "call");
	}
	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	registers.rax = 12345;
	show("set", ptrace(PTRACE_SETREGS, pid, 0, &registers));
	show("on", ptrace(PTRACE_CONT, pid, 0, 0));
	told(pid, "end");
}

static void handler(int signal)
{
	number += signal;
}

static void signals_come(void)
{
	signal(SIGUSR1, handler);
	signal(SIGUSR2, SIG_IGN);
	raise(SIGUSR1);
	if (number != 42 + SIGUSR1)
		_exit(1);
	raise(SIGUSR1);
	if (number != 42 + SIGUSR1)
		_exit(2);
	raise(SIGUSR2);
	raise(SIGTERM);
	if (number != 42 + 2 * SIGUSR1)
		_exit(3);
	raise(SIGCHLD);
	raise(SIGTERM);
}

static void signals(void)
{
	pid_t pid = traced(signals_come);
	siginfo_t info;

	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "first");
	show("information", ptrace(PTRACE_GETSIGINFO, pid, 0, &info));
	printf("%d by %d %d\n", info.si_signo, info.si_code, info.si_pid == pid);
	ptrace(PTRACE_CONT, pid, 0, SIGUSR1);
	told(pid, "second");
	show("suppressed", ptrace(PTRACE_CONT, pid, 0, 0));
	told(pid, "ignored");
	ptrace(PTRACE_CONT, pid, 0, SIGUSR2);
	told(pid, "to end it");
	show("another instead", ptrace(PTRACE_CONT, pid, 0, SIGUSR1));
	told(pid, "that is nothing");
	show("no signal", ptrace(PTRACE_CONT, pid, 0, 99));
	ptrace(PTRACE_CONT, pid, 0, SIGCHLD);
	told(pid, "to end it");
	ptrace(PTRACE_CONT, pid, 0, SIGTERM);
	told(pid, "end");
}

static char area[4096] __attribute__((aligned(4096)));

static void touches(void)
{
	__asm__ volatile("int3");
	__asm__ volatile("nop; nop");
	*(volatile int *)0 = 1;
}

static void memory(void)
{
	pid_t pid = traced(touches);
	struct user_regs_struct registers, after;
	struct user_fpregs_struct floats;
	struct iovec vector = {&registers, sizeof registers};
	long before;
	char many[4096];
	siginfo_t info;

	show("peek", ptrace(PTRACE_PEEKDATA, pid, &number, 0));
	show("poke", ptrace(PTRACE_POKEDATA, pid, &number, 43));
	show("peek", ptrace(PTRACE_PEEKTEXT, pid, &number, 0));
	show("own", number);
	errno = 0;
	show("peek at nothing", ptrace(PTRACE_PEEKDATA, pid, 8, 0));
	show("poke at nothing", ptrace(PTRACE_POKEDATA, pid, 8, 0));
	before = ptrace(PTRACE_PEEKTEXT, pid, touches, 0);
	show("text", ptrace(PTRACE_POKETEXT, pid, touches, before));
	memset(area, 1, sizeof area);
	show("into memory of ours", ptrace(PTRACE_PEEKDATA, pid, area, 0));
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "breakpoint");
	ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
	show("its code", info.si_code == SI_KERNEL || info.si_code == TRAP_BRKPT);
	show("registers", ptrace(PTRACE_GETREGSET, pid, NT_PRSTATUS, &vector));
	show("as many", vector.iov_len == sizeof registers);
	show("in no call", registers.orig_rax == ~0ull);
	show("one word", ptrace(PTRACE_PEEKUSER, pid, offsetof(struct user, regs.rip), 0) == (long)registers.rip);
	show("code segment", (long)registers.cs);
	show("floats", ptrace(PTRACE_GETFPREGS, pid, 0, &floats));
	show("control word", floats.cwd);
	vector = (struct iovec){many, sizeof many};
	show("all floats", ptrace(PTRACE_GETREGSET, pid, NT_X86_XSTATE, &vector));
	show("more than the old", vector.iov_len > 512);
	floats.xmm_space[0] = 0x1234;
	show("set", ptrace(PTRACE_SETFPREGS, pid, 0, &floats));
	floats.xmm_space[0] = 0;
	ptrace(PTRACE_GETFPREGS, pid, 0, &floats);
	show("is", floats.xmm_space[0]);
	show("a step", ptrace(PTRACE_SINGLESTEP, pid, 0, 0));
	told(pid, "stepped");
	ptrace(PTRACE_GETREGS, pid, 0, &after);
	show("by one", (long)(after.rip - registers.rip));
	show("flag", (long)(after.eflags & 0x100));
	ptrace(PTRACE_SINGLESTEP, pid, 0, 0);
	told(pid, "stepped");
	ptrace(PTRACE_GETREGS, pid, 0, &after);
	show("by two", (long)(after.rip - registers.rip));
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "fault");
	ptrace(PTRACE_GETSIGINFO, pid, 0, &info);
	printf("%d at %p\n", info.si_code, info.si_addr);
	ptrace(PTRACE_CONT, pid, 0, SIGSEGV);
	told(pid, "end");
}

static void makes_others(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(5);
	waitpid(pid, NULL, 0);
	execl("/proc/self/exe", "tracing", "child", NULL);
	_exit(99);
}

static void events(void)
{
	pid_t pid = traced(makes_others), child;
	unsigned long message;
	int status;

	ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACEFORK | PTRACE_O_TRACEEXEC | PTRACE_O_TRACEEXIT | PTRACE_O_TRACECLONE);
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "fork");
	show("message", ptrace(PTRACE_GETEVENTMSG, pid, 0, &message));
	child = (pid_t)message;
	told(child, "the child");
	show("on", ptrace(PTRACE_CONT, child, 0, 0));
	show("on", ptrace(PTRACE_CONT, pid, 0, 0));
	told(child, "the child");
	ptrace(PTRACE_GETEVENTMSG, child, 0, &message);
	show("with", (long)message);
	ptrace(PTRACE_CONT, child, 0, 0);
	told(child, "the child");
	for (;;) {
		status = told(pid, "then");
		if (!WIFSTOPPED(status) || status >> 16 == PTRACE_EVENT_EXEC)
			break;
		ptrace(PTRACE_CONT, pid, 0, WSTOPSIG(status) == SIGTRAP ? 0 : WSTOPSIG(status));
	}
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	show("same", message == (unsigned long)pid);
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "exit");
	ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
	show("with", (long)message);
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "end");
}

/* Three calls that a filter leaves to a tracer, one of them refused when it has become another one. */
static void filtered_calls(void)
{
#define CALL(number, answer) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, number, 0, 1), BPF_STMT(BPF_RET | BPF_K, answer)
	struct sock_filter rules[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		CALL(SYS_getppid, SECCOMP_RET_TRACE | 7),
		CALL(SYS_close, SECCOMP_RET_TRACE | 8),
		CALL(SYS_getpgid, SECCOMP_RET_TRACE | 9),
		CALL(SYS_getsid, SECCOMP_RET_ERRNO | EDOM),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof rules / sizeof rules[0], rules};

	prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
	if (prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program) != 0)
		_exit(1);
	raise(SIGUSR1);
	/* Not asked for: as without a tracer. */
	if (syscall(SYS_getppid) != -1 || errno != ENOSYS)
		_exit(2);
	raise(SIGUSR1);
	if (syscall(SYS_getppid) != getpid() || syscall(SYS_close, 77) != 55)
		_exit(3);
	if (syscall(SYS_getpgid, 0) != -1 || errno != EDOM)
		_exit(4);
	_exit(10);
}

static void filtered(void)
{
	pid_t pid = traced(filtered_calls);
	struct user_regs_struct registers;
	struct __ptrace_syscall_info info;
	unsigned long message;
	int status;

	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "filter set");
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "nobody asked");
	show("asks", ptrace(PTRACE_SETOPTIONS, pid, 0, PTRACE_O_TRACESECCOMP | PTRACE_O_TRACESYSGOOD));
	ptrace(PTRACE_CONT, pid, 0, 0);
	while (status = told(pid, "filtered"), WIFSTOPPED(status)) {
		ptrace(PTRACE_GETREGS, pid, 0, &registers);
		ptrace(PTRACE_GETEVENTMSG, pid, 0, &message);
		memset(&info, 0, sizeof info);
		show("size", ptrace(PTRACE_GET_SYSCALL_INFO, pid, sizeof info, &info));
		printf("call %lld op %d\n", (long long)registers.orig_rax, info.op);
		if (info.op == PTRACE_SYSCALL_INFO_SECCOMP)
			printf("message %lu: call %d, rax %lld, data %u\n", message, (int)info.seccomp.nr,
				(long long)registers.rax, info.seccomp.ret_data);
		else
			printf("its own %d\n", (pid_t)registers.rax == pid);
		if (status >> 16 == PTRACE_EVENT_SECCOMP) {
			/* Another call; none, with a result; another that the filter refuses. */
			if (message == 8)
				registers.rax = 55;
			registers.orig_rax = message == 7 ? SYS_getpid : message == 8 ? ~0ull : SYS_getsid;
			ptrace(PTRACE_SETREGS, pid, 0, &registers);
		}
		/* The first one's end is wanted, too. */
		ptrace(message == 7 && status >> 16 != 0 ? PTRACE_SYSCALL : PTRACE_CONT, pid, 0, 0);
	}
}

static void emulated_calls(void)
{
	char byte = 'x';

	if (syscall(SYS_write, 1, &byte, 1) != 1234)
		_exit(1);
	_exit(write(1, "made\n", 5) == 5 ? 11 : 2);
}

/* Calls that are the tracer's to make: no call, no stop at its end. */
static void emulated(void)
{
	pid_t pid = traced(emulated_calls);
	struct user_regs_struct registers;

	show("on", ptrace(PTRACE_SYSEMU, pid, 0, 0));
	told(pid, "a call");
	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	show("number", (long)registers.orig_rax);
	show("rax", (long)registers.rax);
	registers.rax = 1234;
	ptrace(PTRACE_SETREGS, pid, 0, &registers);
	show("on", ptrace(PTRACE_SYSEMU, pid, 0, 0));
	told(pid, "the next");
	ptrace(PTRACE_GETREGS, pid, 0, &registers);
	show("bytes", (long)registers.rdx);
	/* Made by itself again, its result put into place. */
	registers.rip -= 2;
	registers.rax = registers.orig_rax;
	ptrace(PTRACE_SETREGS, pid, 0, &registers);
	ptrace(PTRACE_CONT, pid, 0, 0); /* says nothing: the child writes */
	told(pid, "end");
}

static void attaching(void)
{
	pid_t pid, tracer;
	int status;

	fflush(stdout);
	pid = fork();
	if (pid == 0) {
		for (;;)
			pause();
	}
	asleep(pid);
	show("not traced", ptrace(PTRACE_CONT, pid, 0, 0));
	show("attached", ptrace(PTRACE_ATTACH, pid, 0, 0));
	told(pid, "stops");
	show("again", ptrace(PTRACE_ATTACH, pid, 0, 0));
	show("interrupted", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	show("let go", ptrace(PTRACE_DETACH, pid, 0, 0));
	show("not traced", ptrace(PTRACE_CONT, pid, 0, 0));
	show("seized with an address", ptrace(PTRACE_SEIZE, pid, 8, 0));
	show("seized", ptrace(PTRACE_SEIZE, pid, 0, PTRACE_O_TRACESYSGOOD));
	show("runs", waitpid(pid, &status, WNOHANG | __WALL));
	show("not stopped", ptrace(PTRACE_CONT, pid, 0, 0));
	show("interrupted", ptrace(PTRACE_INTERRUPT, pid, 0, 0));
	told(pid, "stops");
	ptrace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGSTOP);
	told(pid, "a signal");
	ptrace(PTRACE_CONT, pid, 0, SIGSTOP);
	told(pid, "stopped by it");
	show("listen", ptrace(PTRACE_LISTEN, pid, 0, 0));
	show("nothing", waitpid(pid, &status, WNOHANG | __WALL));
	kill(pid, SIGCONT);
	told(pid, "continued");
	ptrace(PTRACE_CONT, pid, 0, 0);
	told(pid, "by a signal");
	ptrace(PTRACE_CONT, pid, 0, 0);
	kill(pid, SIGKILL);
	told(pid, "end");
	show("nobody", ptrace(PTRACE_ATTACH, pid, 0, 0));
	show("oneself", ptrace(PTRACE_ATTACH, getpid(), 0, 0));
	/* The tracer ends: one goes on, one ends. */
	for (int kill_it = 0; kill_it < 2; kill_it++) {
		fflush(stdout);
		pid = fork();
		if (pid == 0) {
			on_signal(SIGUSR1);
			pause();
			_exit(6);
		}
		asleep(pid);
		tracer = fork();
		if (tracer == 0) {
			ptrace(PTRACE_SEIZE, pid, 0, kill_it ? PTRACE_O_EXITKILL : 0);
			_exit(0);
		}
		show("tracer", ended(tracer));
		if (!kill_it)
			kill(pid, SIGUSR1);
		told(pid, "what it traced");
	}
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		for (;;)
			pause();
	if (fork() == 0) {
		be(1234);
		show("by others", ptrace(PTRACE_ATTACH, pid, 0, 0));
		show("by others", ptrace(PTRACE_SEIZE, pid, 0, 0));
		_exit(0);
	}
	wait(NULL);
	kill(pid, SIGKILL);
	told(pid, "end");
}

int main(int argc, char **argv)
{
	(void)argv;
	alarm(60);
	if (argc > 1)
		return 8;
	calls();
	results();
	signals();
	memory();
	events();
	filtered();
	emulated();
	attaching();
	return 0;
}
