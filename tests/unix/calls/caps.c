/* Capabilities and seccomp: what a process keeps, gives up and gains, by calls, ids and programs. Arguments: a folder
 * for files. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/audit.h>
#include <linux/capability.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <pthread.h>
#include <signal.h>
#include <stddef.h>
#include <sys/fsuid.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/xattr.h>
#include <time.h>

#include "say.h"

#define OTHER  54321
#define BIT(n) (1ull << (n))
/* Of these the program speaks; a container's root may lack others. */
#define SOME                                                                                                           \
	(BIT(CAP_CHOWN) | BIT(CAP_DAC_OVERRIDE) | BIT(CAP_DAC_READ_SEARCH) | BIT(CAP_FOWNER) | BIT(CAP_FSETID) |       \
		BIT(CAP_KILL) | BIT(CAP_SETUID) | BIT(CAP_SETGID) | BIT(CAP_SETPCAP) | BIT(CAP_SETFCAP) |              \
		BIT(CAP_SYS_CHROOT) | BIT(CAP_SYS_NICE) | BIT(CAP_MKNOD))

static const char *folder = "/tmp";

struct sets {
	unsigned long long e, p, i;
};

static long get(struct sets *sets)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2];
	long result = syscall(SYS_capget, &header, data);

	sets->e = data[0].effective | (unsigned long long)data[1].effective << 32;
	sets->p = data[0].permitted | (unsigned long long)data[1].permitted << 32;
	sets->i = data[0].inheritable | (unsigned long long)data[1].inheritable << 32;
	return result;
}

static long set(unsigned long long e, unsigned long long p, unsigned long long i)
{
	struct __user_cap_header_struct header = {_LINUX_CAPABILITY_VERSION_3, 0};
	struct __user_cap_data_struct data[2] = {{(unsigned)e, (unsigned)p, (unsigned)i},
		{(unsigned)(e >> 32), (unsigned)(p >> 32), (unsigned)(i >> 32)}};

	return syscall(SYS_capset, &header, data);
}

static void show(const char *what)
{
	struct sets now;
	unsigned long long ambient = 0, bounding = 0;

	get(&now);
	for (int i = 0; i <= CAP_LAST_CAP; i++) {
		ambient |= prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, i, 0, 0) > 0 ? BIT(i) : 0;
		bounding |= prctl(PR_CAPBSET_READ, i) > 0 ? BIT(i) : 0;
	}
	printf("%s: e %llx p %llx i %llx a %llx b %llx s %x dump %d\n", what, now.e & SOME, now.p & SOME, now.i & SOME,
		ambient & SOME, bounding & SOME, prctl(PR_GET_SECUREBITS), prctl(PR_GET_DUMPABLE));
}

static void calls(void)
{
	struct __user_cap_header_struct header = {0, 0};
	struct __user_cap_data_struct data[2];

	SAY(syscall(SYS_capget, &header, data));
	printf("%#x\n", header.version);
	header.version = 1;
	SAY(syscall(SYS_capget, &header, NULL));
	SAY(syscall(SYS_capset, &header, NULL));
	printf("%#x\n", header.version);
	SAY(syscall(SYS_capget, NOWHERE, data));
	SAY(syscall(SYS_capget, &header, NOWHERE));
	SAY(syscall(SYS_capset, &header, NOWHERE));
	header.pid = -1;
	SAY(syscall(SYS_capget, &header, data));
	SAY(syscall(SYS_capset, &header, data));
	header.pid = 99999999;
	SAY(syscall(SYS_capget, &header, data));
	SAY(syscall(SYS_capset, &header, data));
	header.pid = 1;
	SAY(syscall(SYS_capget, &header, data));
	SAY(syscall(SYS_capset, &header, data));
	header.pid = getpid();
	header.version = _LINUX_CAPABILITY_VERSION_1;
	SAY(syscall(SYS_capget, &header, data));
	header.version = _LINUX_CAPABILITY_VERSION_2;
	SAY(syscall(SYS_capget, &header, data));
	show("at first");
	SAY(set(SOME, SOME, 0));
	show("some");
	SAY(set(SOME, SOME, SOME));
	SAY(set(SOME, SOME, BIT(CAP_SYS_TIME)));
	SAY(set(0, SOME, BIT(CAP_CHOWN)));
	show("none in effect");
	SAY(setuid(OTHER));
	SAY(set(SOME, SOME, BIT(CAP_CHOWN)));
	SAY(set(SOME & ~BIT(CAP_SETPCAP), SOME & ~BIT(CAP_SETPCAP), BIT(CAP_CHOWN)));
	SAY(set(BIT(CAP_SETPCAP), BIT(CAP_SETPCAP), 0));
	SAY(set(BIT(CAP_CHOWN) | BIT(CAP_KILL), BIT(CAP_CHOWN), 0));
	SAY(prctl(PR_CAPBSET_DROP, CAP_CHOWN));
	SAY(prctl(PR_SET_SECUREBITS, 1));
	SAY(prctl(PR_SET_KEEPCAPS, 1));
	SAY(prctl(PR_GET_SECUREBITS));
	SAY(set(0, BIT(CAP_CHOWN), BIT(CAP_CHOWN)));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0));
	show("ambient");
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_LOWER, CAP_CHOWN, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_CHOWN, 0, 0));
	SAY(set(0, 0, 0));
	show("nothing left");
}

static void ids(void)
{
	SAY(set(SOME, SOME, 0));
	CHILD(SAY(setresuid(OTHER, OTHER, OTHER)); show("another user"));
	CHILD(SAY(prctl(PR_SET_KEEPCAPS, 1)); SAY(setresuid(OTHER, OTHER, OTHER)); show("keeping");
		SAY(set(BIT(CAP_SETUID), SOME, 0)); SAY(setresuid(7, 8, 9)); show("still"));
	CHILD(SAY(seteuid(OTHER)); show("effective"); SAY(seteuid(0)); show("and back"));
	CHILD(SAY(setfsuid(OTHER)); show("files"); SAY(setfsuid(0)); show("and back"));
	CHILD(SAY(prctl(PR_SET_SECUREBITS, 4)); SAY(setresuid(OTHER, OTHER, OTHER)); show("no fixup"));
	CHILD(SAY(prctl(PR_SET_SECUREBITS, 8 | 4)); SAY(prctl(PR_SET_SECUREBITS, 4)); SAY(prctl(PR_SET_SECUREBITS, 8));
		SAY(prctl(PR_SET_SECUREBITS, 0x100)));
	CHILD(SAY(prctl(PR_SET_SECUREBITS, 32)); SAY(prctl(PR_SET_KEEPCAPS, 1)));
	CHILD(SAY(prctl(PR_SET_SECUREBITS, 64)); set(SOME, SOME, BIT(CAP_KILL));
		SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0)));
	CHILD(SAY(prctl(PR_CAPBSET_DROP, CAP_KILL)); show("bounded"); SAY(set(SOME, SOME, BIT(CAP_KILL)));
		SAY(set(SOME, SOME & ~BIT(CAP_KILL), 0)));
}

static char at[256];

static const char *path(const char *name)
{
	snprintf(at, sizeof at, "%s/%s", folder, name);
	return at;
}

/* Of files: root without a capability is a user whose id is 0. */
static void files(void)
{
	char name[256];
	struct stat about;
	int fd;

	set(SOME, SOME, 0);
	strcpy(name, path("caps.file"));
	unlink(name);
	fd = open(name, O_RDWR | O_CREAT, 0600);
	SAY(fchown(fd, OTHER, OTHER));
	SAY(write(fd, "hello", 5));
	CHILD(SAY(set(0, SOME, 0)); OK(open(name, O_RDONLY)); SAY(access(name, R_OK));
		SAY(faccessat(AT_FDCWD, name, R_OK, AT_EACCESS)); SAY(chmod(name, 0644)); SAY(chown(name, 0, 0));
		OK(open(path("caps.made"), O_RDWR | O_CREAT, 0600)); SAY(unlink(path("caps.made")));
		SAY(kill(getppid(), 0)); SAY(chroot("/")); SAY(mknod(path("caps.node"), S_IFCHR | 0600, 0x103));
		SAY(setgroups(0, NULL)); SAY(setuid(5)));
	CHILD(SAY(set(BIT(CAP_DAC_READ_SEARCH), SOME, 0)); OK(open(name, O_RDONLY)); OK(open(name, O_RDWR));
		SAY(faccessat(AT_FDCWD, name, X_OK, AT_EACCESS)));
	CHILD(SAY(set(BIT(CAP_DAC_OVERRIDE), SOME, 0)); OK(open(name, O_RDWR));
		SAY(faccessat(AT_FDCWD, name, X_OK, AT_EACCESS)); SAY(chmod(name, 0644)));
	CHILD(SAY(set(BIT(CAP_FOWNER), SOME, 0)); SAY(chmod(name, 02755)); SAY(stat(name, &about));
		printf("%o\n", about.st_mode); OK(open(name, O_RDWR)); OK(open(name, O_RDONLY | O_NOATIME)));
	CHILD(SAY(set(BIT(CAP_FOWNER) | BIT(CAP_FSETID), SOME, 0)); SAY(chmod(name, 02755)); SAY(stat(name, &about));
		printf("%o\n", about.st_mode));
	CHILD(SAY(set(BIT(CAP_CHOWN), SOME, 0)); SAY(chown(name, 1, 2)); SAY(stat(name, &about));
		printf("%o %d %d\n", about.st_mode, about.st_uid, about.st_gid));
	close(fd);
	unlink(name);
}

static void run(const char *program, const char *what)
{
	char *arguments[] = {(char *)program, "shown", (char *)what, NULL}, *none[] = {NULL};

	execve(program, arguments, none);
	printf("exec of %s: %s\n", what, strerrorname_np(errno));
}

static void copy(const char *to)
{
	char buffer[65536];
	ssize_t size;
	int in = open("/proc/self/exe", O_RDONLY), out = open(to, O_WRONLY | O_CREAT | O_TRUNC, 0755);

	while ((size = read(in, buffer, sizeof buffer)) > 0)
		(void)!write(out, buffer, (size_t)size);
	fchmod(out, 0755);
	close(in);
	close(out);
}

static long mark(const char *program, unsigned flags, unsigned long long permitted, unsigned long long inheritable)
{
	struct vfs_cap_data data = {
		VFS_CAP_REVISION_2 | flags, {{(unsigned)permitted, (unsigned)inheritable},
						    {(unsigned)(permitted >> 32), (unsigned)(inheritable >> 32)}}};

	return setxattr(program, "security.capability", &data, sizeof data, 0);
}

static void programs(void)
{
	char program[256], data[64];
	int fd;

	strcpy(program, path("caps.program"));
	copy(program);
	set(SOME, SOME, 0);
	CHILD(run(program, "root"));
	CHILD(setresuid(OTHER, OTHER, OTHER); run(program, "another user"));
	CHILD(set(SOME, SOME, BIT(CAP_KILL)); run(program, "root inherits"));
	CHILD(prctl(PR_SET_SECUREBITS, 1); run(program, "no root"));
	CHILD(prctl(PR_CAPBSET_DROP, CAP_KILL); run(program, "bounded"));
	CHILD(set(SOME, SOME, BIT(CAP_KILL)); prctl(PR_SET_KEEPCAPS, 1); setresuid(OTHER, OTHER, OTHER);
		set(SOME, SOME, BIT(CAP_KILL)); prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
		run(program, "ambient"));
	SAY(setxattr(program, "security.capability", "abc", 3, 0));
	SAY(mark(program, 0, BIT(CAP_KILL) | BIT(CAP_CHOWN), BIT(CAP_SETUID)));
	SAY(getxattr(program, "security.capability", data, sizeof data));
	CHILD(setresuid(OTHER, OTHER, OTHER); run(program, "permitted"));
	CHILD(set(SOME, SOME, BIT(CAP_SETUID)); setresuid(OTHER, OTHER, OTHER);
		run(program, "permitted and inherited"));
	CHILD(setresuid(OTHER, OTHER, OTHER); prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); run(program, "no new ones"));
	CHILD(run(program, "root with file"));
	SAY(mark(program, VFS_CAP_FLAGS_EFFECTIVE, BIT(CAP_KILL) | BIT(CAP_CHOWN), 0));
	CHILD(setresuid(OTHER, OTHER, OTHER); run(program, "effective"));
	CHILD(prctl(PR_CAPBSET_DROP, CAP_KILL); setresuid(OTHER, OTHER, OTHER); run(program, "bounded"));
	CHILD(set(SOME, SOME, BIT(CAP_KILL)); prctl(PR_SET_KEEPCAPS, 1); setresuid(OTHER, OTHER, OTHER);
		set(SOME, SOME, BIT(CAP_KILL)); prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_RAISE, CAP_KILL, 0, 0);
		run(program, "ambient and file"));
	CHILD(SAY(set(SOME & ~BIT(CAP_SETFCAP), SOME, 0)); SAY(mark(program, 0, 0, 0));
		SAY(removexattr(program, "security.capability")));
	/* Who changes the program takes them away. */
	fd = open(program, O_WRONLY);
	SAY(pwrite(fd, "\177", 1, 0));
	close(fd);
	SAY(getxattr(program, "security.capability", data, sizeof data));
	mark(program, 0, BIT(CAP_KILL), 0);
	SAY(chown(program, 0, 0));
	SAY(getxattr(program, "security.capability", data, sizeof data));
	SAY(chmod(program, 04755));
	CHILD(setresuid(OTHER, OTHER, OTHER); run(program, "set-user-id"));
	unlink(program);
}

/* --- seccomp */

static struct sock_filter allow[] = {BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};

static long filter(struct sock_filter *program, unsigned short length, unsigned flags)
{
	struct sock_fprog what = {length, program};

	return syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, flags, &what);
}

#define FILTER(...)                                                                                                    \
	filter((struct sock_filter[]){__VA_ARGS__},                                                                    \
		sizeof((struct sock_filter[]){__VA_ARGS__}) / sizeof(struct sock_filter), 0)
#define NUMBER          BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr))
#define RET(value)      BPF_STMT(BPF_RET | BPF_K, (value))
#define OF(call, value) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (call), 0, 1), RET(value)

static void trapped(int signal, siginfo_t *info, void *context)
{
	ucontext_t *at = context;

	printf("signal %d code %d errno %d call %d arch %x ip %d number %lld\n", signal, info->si_code, info->si_errno,
		info->si_syscall, info->si_arch, (long)info->si_call_addr == at->uc_mcontext.gregs[REG_RIP],
		at->uc_mcontext.gregs[REG_RAX]);
	at->uc_mcontext.gregs[REG_RAX] = 77;
}

static void *thread(void *argument)
{
	SAY(prctl(PR_GET_SECCOMP));
	usleep(100000);
	SAY(getppid());
	return argument;
}

static void checks(void)
{
	unsigned action = SECCOMP_RET_TRAP, wrong = 0x12340000;

	SAY(syscall(SYS_seccomp, 99, 0, NULL));
	SAY(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 1, NULL));
	SAY(syscall(SYS_seccomp, SECCOMP_SET_MODE_STRICT, 0, allow));
	SAY(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, NOWHERE));
	SAY(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0xff00, allow));
	SAY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action));
	SAY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &wrong));
	SAY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 1, &action));
	SAY(syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, NOWHERE));
	SAY(filter(allow, 0, 0));
	SAY(filter(allow, 4097, 0));
	SAY(filter(NOWHERE, 1, 0));
	SAY(FILTER(NUMBER));
	SAY(FILTER(BPF_STMT(0xffff, 0), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 1), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 64), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_H | BPF_ABS, 0), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_IND, 0), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_MEM, 0), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_LD | BPF_MEM, 16), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_ST, 16), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_ALU | BPF_DIV | BPF_K, 0), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_ALU | BPF_MOD | BPF_K, 3), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_ALU | BPF_LSH | BPF_K, 32), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_STMT(BPF_JMP | BPF_JA, 1), RET(SECCOMP_RET_ALLOW)));
	SAY(FILTER(BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0, 0, 1), RET(SECCOMP_RET_ALLOW)));
	/* A cell that one of two ways does not write. */
	SAY(FILTER(NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 1, 0, 1), BPF_STMT(BPF_ST, 3),
		BPF_STMT(BPF_LD | BPF_MEM, 3), RET(SECCOMP_RET_ALLOW)));
	CHILD(SAY(FILTER(BPF_STMT(BPF_ST, 3), BPF_STMT(BPF_LDX | BPF_MEM, 3), BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_ALU | BPF_NEG, 0), RET(SECCOMP_RET_ALLOW)));
		SAY(prctl(PR_GET_SECCOMP)));
	CHILD(setresuid(OTHER, OTHER, OTHER); SAY(FILTER(RET(SECCOMP_RET_ALLOW)));
		SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)); SAY(FILTER(RET(SECCOMP_RET_ALLOW)));
		SAY(prctl(PR_SET_SECCOMP, 1)));
}

static void confined(void)
{
	struct sigaction action = {.sa_sigaction = trapped, .sa_flags = SA_SIGINFO};
	sigset_t all;
	pthread_t other;
	int pipes[2];

	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_ERRNO | 71), RET(SECCOMP_RET_ALLOW))); SAY(getppid());
		CHILD(SAY(getppid()));
		SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_ERRNO | 99), RET(SECCOMP_RET_ALLOW))); SAY(getppid());
		SAY(prctl(PR_GET_SECCOMP)));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_ERRNO | 5000), RET(SECCOMP_RET_ALLOW)));
		long r = syscall(SYS_getppid); printf("%ld %d\n", r, errno));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_TRACE), RET(SECCOMP_RET_ALLOW))); SAY(getppid()));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_KILL_PROCESS), RET(SECCOMP_RET_ALLOW))); getppid();
		printf("not here\n"));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_KILL_THREAD), RET(SECCOMP_RET_ALLOW))); getppid();
		printf("not here\n"));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, 0x50000), RET(SECCOMP_RET_ALLOW))); getppid(); printf("not here\n"));
	CHILD(sigaction(SIGSYS, &action, NULL);
		SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_TRAP | 7), RET(SECCOMP_RET_ALLOW)));
		SAY(syscall(SYS_getppid)));
	CHILD(SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_TRAP | 7), RET(SECCOMP_RET_ALLOW))); getppid();
		printf("not here\n"));
	CHILD(sigaction(SIGSYS, &action, NULL); sigfillset(&all); sigprocmask(SIG_BLOCK, &all, NULL);
		FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_TRAP | 7), RET(SECCOMP_RET_ALLOW)); getppid();
		printf("not here\n"));
	/* An argument's two halves, and the length of the data. */
	CHILD(SAY(FILTER(NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_lseek, 0, 5),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1])),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 5, 0, 3),
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, args[1]) + 4),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 9, 0, 1), RET(SECCOMP_RET_ERRNO | ENOTTY), RET(SECCOMP_RET_ALLOW)));
		SAY(lseek(-1, 5, 0)); SAY(lseek(-1, (9ll << 32) + 5, 0)));
	CHILD(SAY(FILTER(BPF_STMT(BPF_LD | BPF_W | BPF_LEN, 0), BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0xff),
		BPF_STMT(BPF_ALU | BPF_OR | BPF_K, SECCOMP_RET_ERRNO), BPF_STMT(BPF_MISC | BPF_TAX, 0), NUMBER,
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 2), BPF_STMT(BPF_MISC | BPF_TXA, 0),
		BPF_STMT(BPF_RET | BPF_A, 0), RET(SECCOMP_RET_ALLOW)));
		SAY(getppid()));
	/* Of a division by nothing a program dies. */
	CHILD(SAY(FILTER(NUMBER, BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_getppid, 0, 2), BPF_STMT(BPF_LDX | BPF_IMM, 0),
		BPF_STMT(BPF_ALU | BPF_DIV | BPF_X, 0), RET(SECCOMP_RET_ALLOW)));
		getppid(); printf("not here\n"));
	CHILD(SAY(FILTER(NUMBER, OF(999, SECCOMP_RET_ERRNO | 44), RET(SECCOMP_RET_ALLOW))); SAY(syscall(999)));
	/* A call that waits is looked at once. */
	CHILD(SAY(pipe(pipes)); SAY(FILTER(NUMBER, OF(SYS_getppid, SECCOMP_RET_ERRNO | 1), RET(SECCOMP_RET_ALLOW)));
		if (fork() == 0) {
			usleep(50000);
			(void)!write(pipes[1], "x", 1);
			_exit(0);
		} char c;
		SAY(read(pipes[0], &c, 1)));
	fflush(stdout);
	CHILD(pthread_create(&other, NULL, thread, NULL); usleep(30000); SAY(
		filter((struct sock_filter[]){NUMBER, OF(SYS_getppid, SECCOMP_RET_ERRNO | 71), RET(SECCOMP_RET_ALLOW)},
			4, SECCOMP_FILTER_FLAG_TSYNC));
		pthread_join(other, NULL));
	CHILD(SAY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); (void)!write(1, "still\n", 6); syscall(SYS_exit, 5));
	CHILD(SAY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_STRICT)); fflush(stdout); syscall(SYS_getpid);
		(void)!write(1, "no\n", 3));
}

int main(int argc, char **argv)
{
	if (argc > 2 && strcmp(argv[1], "shown") == 0) {
		show(argv[2]);
		return 0;
	}
	setvbuf(stdout, NULL, _IOLBF, 0);
	setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
	if (argc > 1)
		folder = argv[1];
	CHILD(calls());
	CHILD(ids());
	CHILD(files());
	CHILD(programs());
	CHILD(checks());
	CHILD(confined());
	return 0;
}
