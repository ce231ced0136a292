/* A process's own properties: ids, prctl, priorities, scheduling, usage, names of the host. Arguments in each manual
 * page's order. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/ioprio.h>
#include <linux/mempolicy.h>
#include <linux/seccomp.h>

#include <sched.h>
#include <signal.h>
#include <sys/personality.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/times.h>
#include <sys/utsname.h>

#include "say.h"

/* struct sched_attr: its header cannot stand beside <sched.h>. */
struct sched_attr {
	unsigned size, sched_policy;
	unsigned long long sched_flags;
	int sched_nice;
	unsigned sched_priority;
	unsigned long long sched_runtime, sched_deadline, sched_period;
	unsigned sched_util_min, sched_util_max;
};

#define OTHER     54321
#define NOBODY_ID 99999999 /* no process */

static void ids(void)
{
	gid_t many[70000];

	SAY(setuid(-1));
	SAY(setgid(-1));
	SAY(setresuid(-1, -1, -1));
	SAY(setreuid(-1, -1));
	memset(many, 0, sizeof many);
	SAY(syscall(SYS_setgroups, 65537, many));
	SAY(syscall(SYS_setgroups, 65536, many));
	SAY(syscall(SYS_getgroups, 3, many));
	SAY(syscall(SYS_setgroups, 3, NOWHERE));
	many[0] = 3, many[1] = 1, many[2] = 2;
	SAY(syscall(SYS_setgroups, 3, many));
	SAY(syscall(SYS_getgroups, 0, many));
	SAY(syscall(SYS_getgroups, 2, many));
	SAY(syscall(SYS_getgroups, -1, many));
	SAY(syscall(SYS_getgroups, 3, NOWHERE));
	SAY(syscall(SYS_getgroups, 5, many));
	printf("%u %u %u\n", many[0], many[1], many[2]);
	SAY(syscall(SYS_getresuid, NOWHERE, many, many));
	SAY(syscall(SYS_getresgid, many, NOWHERE, many));
	SAY(syscall(SYS_setfsuid, -1));
	SAY(syscall(SYS_setfsuid, OTHER));
	SAY(syscall(SYS_setfsuid, -1));
	SAY(syscall(SYS_setfsuid, 0));
	SAY(syscall(SYS_setfsgid, OTHER));
	SAY(syscall(SYS_setfsgid, 0));
	SAY(setpgid(-1, 0));
	SAY(setpgid(0, -1));
	SAY(setpgid(NOBODY_ID, 0));
	SAY(setpgid(1, 1));
	SAY(getpgid(-1));
	SAY(getpgid(NOBODY_ID));
	SAY(getsid(NOBODY_ID));
	SAY(getsid(-5));
	CHILD(SAY(setsid() > 0), SAY(setsid()), SAY(setpgid(0, 0)));
	CHILD(setgroups(0, NULL); SAY(setresuid(OTHER, OTHER, 0)); SAY(setuid(1)); SAY(setresuid(-1, 0, -1));
		SAY(setuid(OTHER)); SAY(setuid(0)));
	CHILD(setgroups(0, NULL); SAY(setresgid(OTHER, OTHER, OTHER)); SAY(setresuid(OTHER, OTHER, OTHER));
		SAY(setgid(0)); SAY(setgid(OTHER)); SAY(setuid(0)); SAY(setreuid(0, -1)); SAY(setreuid(-1, OTHER));
		SAY(setregid(-1, 0)); SAY(setresgid(0, -1, -1)); SAY(setgroups(0, NULL)); SAY(syscall(SYS_setfsuid, 0));
		SAY(syscall(SYS_setfsuid, -1)); SAY(setgroups(99999, NULL)));
	CHILD(SAY(setreuid(OTHER, -1)); uid_t r; uid_t e; uid_t s; getresuid(&r, &e, &s);
		printf("%u %u %u\n", r, e, s));
	CHILD(SAY(setreuid(-1, OTHER)); uid_t r; uid_t e; uid_t s; getresuid(&r, &e, &s);
		printf("%u %u %u\n", r, e, s));
}

static void prctls(void)
{
	char name[32];
	int value = 77;

	SAY(prctl(9999));
	SAY(prctl(-1));
	SAY(prctl(PR_SET_PDEATHSIG, 65));
	SAY(prctl(PR_SET_PDEATHSIG, -1));
	SAY(prctl(PR_SET_PDEATHSIG, SIGUSR1));
	SAY(prctl(PR_GET_PDEATHSIG, &value));
	NUM(value);
	SAY(prctl(PR_GET_PDEATHSIG, NOWHERE));
	CHILD(SAY(prctl(PR_GET_PDEATHSIG, &value)), NUM(value));
	SAY(prctl(PR_SET_PDEATHSIG, 0));
	SAY(prctl(PR_SET_DUMPABLE, 2));
	SAY(prctl(PR_SET_DUMPABLE, -1));
	SAY(prctl(PR_SET_DUMPABLE, 1));
	SAY(prctl(PR_GET_DUMPABLE));
	SAY(prctl(PR_SET_DUMPABLE, 0));
	SAY(prctl(PR_GET_DUMPABLE));
	SAY(prctl(PR_SET_DUMPABLE, 1));
	SAY(prctl(PR_SET_KEEPCAPS, 2));
	SAY(prctl(PR_SET_KEEPCAPS, 1));
	SAY(prctl(PR_GET_KEEPCAPS));
	SAY(prctl(PR_SET_KEEPCAPS, 0));
	SAY(prctl(PR_GET_KEEPCAPS));
	SAY(prctl(PR_SET_NAME, NOWHERE));
	SAY(prctl(PR_SET_NAME, "a name that is too long"));
	SAY(prctl(PR_GET_NAME, name));
	printf("%s\n", name);
	SAY(prctl(PR_GET_NAME, NOWHERE));
	SAY(prctl(PR_SET_TIMING, 1));
	SAY(prctl(PR_SET_TIMING, 0));
	SAY(prctl(PR_GET_TIMING));
	SAY(prctl(PR_SET_SECUREBITS, 0));
	SAY(prctl(PR_GET_SECUREBITS));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_SET_TIMERSLACK, 70000));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_SET_TIMERSLACK, 0));
	SAY(prctl(PR_GET_TIMERSLACK));
	SAY(prctl(PR_SET_CHILD_SUBREAPER, 1));
	SAY(prctl(PR_GET_CHILD_SUBREAPER, &value));
	NUM(value);
	SAY(prctl(PR_GET_CHILD_SUBREAPER, NOWHERE));
	SAY(prctl(PR_SET_CHILD_SUBREAPER, 0));
	SAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_GET_NO_NEW_PRIVS, 1, 0, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 1, 0, 0));
	SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 1, 0));
	CHILD(SAY(prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)), SAY(prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0)));
	SAY(prctl(PR_GET_TID_ADDRESS, NOWHERE));
	SAY(prctl(PR_SET_THP_DISABLE, 0, 0, 1, 0));
	SAY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0));
	SAY(prctl(PR_GET_THP_DISABLE, 1, 0, 0, 0));
	CHILD(SAY(prctl(PR_SET_THP_DISABLE, 1, 0, 0, 0)), SAY(prctl(PR_GET_THP_DISABLE, 0, 0, 0, 0)));
	SAY(prctl(PR_CAP_AMBIENT, 99, 0, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 99, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_IS_SET, 0, 1, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 1, 0, 0));
	SAY(prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0));
	SAY(prctl(PR_CAPBSET_READ, 0));
	SAY(prctl(PR_CAPBSET_READ, 41));
	SAY(prctl(PR_CAPBSET_READ, -1));
	SAY(prctl(PR_CAPBSET_DROP, 41));
	SAY(prctl(PR_SET_UNALIGN, 0));
	SAY(prctl(PR_SET_FPEMU, 0));
	SAY(prctl(PR_SET_ENDIAN, 0));
	SAY(prctl(PR_GET_TSC, &value));
	NUM(value);
	SAY(prctl(PR_SET_TSC, 0));
	SAY(prctl(PR_TASK_PERF_EVENTS_DISABLE));
	SAY(prctl(PR_MCE_KILL, 5, 0, 0, 0));
	SAY(prctl(PR_MCE_KILL_GET, 0, 0, 0, 0));
	SAY(prctl(PR_GET_SECCOMP));
	SAY(prctl(PR_SET_SECCOMP, 0, 0));
	SAY(prctl(PR_SET_SECCOMP, 5, 0));
	SAY(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, NOWHERE));
	SAY(prctl(PR_GET_SPECULATION_CTRL, 99, 0, 0, 0));
}

static void scheduling(void)
{
	struct sched_param zero = {0}, one = {1}, huge = {100}, minus = {-1};
	struct sched_attr attr = {.size = sizeof attr};
	struct timespec interval;
	unsigned long mask[16] = {0}, first = 1;
	unsigned cpu = 99, node = 99;

	SAY(sched_getscheduler(0));
	SAY(sched_getscheduler(-1));
	SAY(sched_getscheduler(NOBODY_ID));
	SAY(sched_setscheduler(-1, SCHED_OTHER, &zero));
	SAY(sched_setscheduler(0, SCHED_OTHER, NULL));
	SAY(sched_setscheduler(0, SCHED_OTHER, NOWHERE));
	SAY(sched_setscheduler(0, -1, &zero));
	SAY(sched_setscheduler(0, 4, &zero));
	SAY(sched_setscheduler(0, 99, &zero));
	SAY(sched_setscheduler(NOBODY_ID, 99, &zero));
	SAY(sched_setscheduler(NOBODY_ID, SCHED_OTHER, &zero));
	SAY(sched_setscheduler(NOBODY_ID, SCHED_OTHER, NOWHERE));
	SAY(sched_setscheduler(0, SCHED_OTHER, &one));
	SAY(sched_setscheduler(0, SCHED_FIFO, &zero));
	SAY(sched_setscheduler(0, SCHED_FIFO, &huge));
	SAY(sched_setscheduler(0, SCHED_RR, &minus));
	SAY(sched_setscheduler(0, SCHED_BATCH, &zero));
	SAY(sched_getscheduler(0));
	SAY(sched_setscheduler(0, SCHED_IDLE, &zero));
	SAY(sched_getscheduler(0));
	SAY(sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &zero));
	SAY(sched_getscheduler(0));
	CHILD(SAY(sched_getscheduler(0)));
	SAY(sched_setscheduler(0, SCHED_OTHER, &zero));
	SAY(sched_setparam(0, NULL));
	SAY(sched_setparam(-1, &zero));
	SAY(sched_setparam(0, &one));
	SAY(sched_setparam(0, &zero));
	SAY(sched_setparam(NOBODY_ID, &zero));
	SAY(sched_getparam(0, NULL));
	SAY(sched_getparam(-1, &zero));
	SAY(sched_getparam(NOBODY_ID, &zero));
	SAY(sched_getparam(0, NOWHERE));
	SAY(sched_getparam(0, &zero));
	for (int policy = -1; policy < 7; policy++) {
		SAY(sched_get_priority_max(policy));
		SAY(sched_get_priority_min(policy));
	}
	SAY(sched_rr_get_interval(-1, &interval));
	SAY(sched_rr_get_interval(NOBODY_ID, &interval));
	SAY(sched_rr_get_interval(0, NOWHERE));
	SAY(sched_rr_get_interval(0, &interval));
	SAY(syscall(SYS_sched_getaffinity, 0, 0, mask));
	SAY(syscall(SYS_sched_getaffinity, 0, 7, mask));
	SAY(syscall(SYS_sched_getaffinity, 0, 12, mask));
	SAY(syscall(SYS_sched_getaffinity, NOBODY_ID, 128, mask));
	SAY(syscall(SYS_sched_getaffinity, -1, 128, mask));
	OK(syscall(SYS_sched_getaffinity, 0, 128, mask));
	SAY(syscall(SYS_sched_getaffinity, 0, 128, NOWHERE));
	NUM(mask[0] & 1);
	memset(mask, 0, sizeof mask);
	SAY(syscall(SYS_sched_setaffinity, 0, 128, mask));
	SAY(syscall(SYS_sched_setaffinity, 0, 0, mask));
	SAY(syscall(SYS_sched_setaffinity, 0, 8, NOWHERE));
	SAY(syscall(SYS_sched_setaffinity, NOBODY_ID, 8, &first));
	SAY(syscall(SYS_sched_setaffinity, NOBODY_ID, 8, NOWHERE));
	CHILD(SAY(syscall(SYS_sched_setaffinity, 0, 8, &first)); OK(syscall(SYS_sched_getaffinity, 0, 128, mask));
		NUM(mask[0]); SAY(syscall(SYS_getcpu, &cpu, &node, NULL)); NUM(cpu); NUM(node));
	SAY(syscall(SYS_getcpu, NOWHERE, &node, NULL));
	SAY(syscall(SYS_getcpu, &cpu, NOWHERE, NULL));
	SAY(syscall(SYS_getcpu, NULL, NULL, NULL));
	/* sched_setattr, sched_getattr */
	SAY(syscall(SYS_sched_getattr, 0, NULL, 56, 0));
	SAY(syscall(SYS_sched_getattr, -1, &attr, 56, 0));
	SAY(syscall(SYS_sched_getattr, 0, &attr, 47, 0));
	SAY(syscall(SYS_sched_getattr, 0, &attr, 4097, 0));
	SAY(syscall(SYS_sched_getattr, 0, &attr, 56, 1));
	SAY(syscall(SYS_sched_getattr, NOBODY_ID, &attr, 56, 0));
	SAY(syscall(SYS_sched_getattr, 0, &attr, 48, 0));
	NUM(attr.size);
	SAY(syscall(SYS_sched_getattr, 0, &attr, 56, 0));
	NUM(attr.size);
	NUM(attr.sched_policy);
	NUM(attr.sched_nice);
	NUM(attr.sched_flags);
	NUM(attr.sched_priority);
	SAY(syscall(SYS_sched_setattr, 0, NULL, 0));
	SAY(syscall(SYS_sched_setattr, -1, &attr, 0));
	SAY(syscall(SYS_sched_setattr, 0, &attr, 1));
	SAY(syscall(SYS_sched_setattr, 0, NOWHERE, 0));
	SAY(syscall(SYS_sched_setattr, NOBODY_ID, &attr, 0));
	attr.size = 20;
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	NUM(attr.size);
	attr.size = 5000;
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr = (struct sched_attr){.size = 48, .sched_policy = SCHED_BATCH, .sched_nice = 5};
	CHILD(SAY(syscall(SYS_sched_setattr, 0, &attr, 0)); SAY(sched_getscheduler(0));
		SAY(getpriority(PRIO_PROCESS, 0)));
	attr = (struct sched_attr){.size = 48, .sched_policy = SCHED_OTHER, .sched_nice = 50};
	CHILD(SAY(syscall(SYS_sched_setattr, 0, &attr, 0)); SAY(getpriority(PRIO_PROCESS, 0)));
	attr = (struct sched_attr){.size = 48, .sched_policy = 77};
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr = (struct sched_attr){.size = 48, .sched_policy = SCHED_OTHER, .sched_flags = 1ull << 40};
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr = (struct sched_attr){.size = 48, .sched_policy = SCHED_OTHER, .sched_priority = 4};
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	attr = (struct sched_attr){.size = 48, .sched_policy = SCHED_FIFO, .sched_priority = 0};
	SAY(syscall(SYS_sched_setattr, 0, &attr, 0));
	CHILD(setgroups(0, NULL); SAY(setresuid(OTHER, OTHER, OTHER)); SAY(sched_setscheduler(0, SCHED_FIFO, &one));
		SAY(sched_setscheduler(1, SCHED_OTHER, &zero)); SAY(sched_setscheduler(1, SCHED_OTHER, &one));
		SAY(sched_setparam(1, &zero)); SAY(syscall(SYS_sched_setaffinity, 1, 8, &first));
		SAY(syscall(SYS_sched_getaffinity, 1, 128, NOWHERE)); OK(sched_getscheduler(1)));
}

static void priorities(void)
{
	SAY(getpriority(3, 0));
	SAY(getpriority(-1, 0));
	SAY(getpriority(PRIO_PROCESS, NOBODY_ID));
	SAY(getpriority(PRIO_PGRP, NOBODY_ID));
	SAY(getpriority(PRIO_USER, NOBODY_ID));
	SAY(getpriority(PRIO_PROCESS, -2));
	SAY(setpriority(3, 0, 0));
	SAY(setpriority(PRIO_PROCESS, NOBODY_ID, 0));
	CHILD(SAY(setpriority(PRIO_PROCESS, 0, 100)); SAY(getpriority(PRIO_PROCESS, 0));
		SAY(setpriority(PRIO_PROCESS, 0, -100)); SAY(getpriority(PRIO_PROCESS, 0)); setpgid(0, 0);
		SAY(setpriority(PRIO_PGRP, 0, 3)); SAY(getpriority(PRIO_PGRP, 0));
		SAY(getpriority(PRIO_PGRP, getpid())); setgroups(0, NULL); SAY(setresuid(OTHER, OTHER, OTHER));
		SAY(setpriority(PRIO_USER, 0, 4)); SAY(getpriority(PRIO_USER, OTHER));
		SAY(setpriority(PRIO_PROCESS, 0, 1)); SAY(setpriority(PRIO_PROCESS, 1, 19)); SAY(nice(2));
		SAY(nice(-2)));
	SAY(syscall(SYS_ioprio_get, 0, 0));
	SAY(syscall(SYS_ioprio_get, 4, 0));
	SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, NOBODY_ID));
	SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_PGRP, NOBODY_ID));
	SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_USER, NOBODY_ID));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(2, 3)));
	SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(3, 7)));
	SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_PROCESS, 0));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(0, 4)));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(4, 0)));
	SAY(syscall(SYS_ioprio_set, 9, 0, IOPRIO_PRIO_VALUE(2, 3)));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, NOBODY_ID, IOPRIO_PRIO_VALUE(2, 3)));
	SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, 0));
	CHILD(setgroups(0, NULL); SAY(setresuid(OTHER, OTHER, OTHER));
		SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 0, IOPRIO_PRIO_VALUE(1, 3)));
		SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_PROCESS, 1, IOPRIO_PRIO_VALUE(2, 3)));
		SAY(syscall(SYS_ioprio_set, IOPRIO_WHO_USER, OTHER, IOPRIO_PRIO_VALUE(2, 3)));
		SAY(syscall(SYS_ioprio_get, IOPRIO_WHO_USER, OTHER)));
}

static void odds(void)
{
	struct rusage usage;
	struct rlimit limit = {5, 4}, old;
	struct sysinfo info;
	struct utsname name;
	char host[70] = "abc";

	SAY(getrusage(2, &usage));
	SAY(getrusage(-3, &usage));
	SAY(getrusage(RUSAGE_SELF, NOWHERE));
	SAY(getrusage(RUSAGE_SELF, &usage));
	NUM(usage.ru_maxrss > 100);
	SAY(getrusage(RUSAGE_CHILDREN, &usage));
	NUM(usage.ru_maxrss > 100);
	SAY(getrusage(RUSAGE_THREAD, &usage));
	SAY(syscall(SYS_getrlimit, 16, &old));
	SAY(syscall(SYS_getrlimit, -1, &old));
	SAY(syscall(SYS_getrlimit, 0, NOWHERE));
	SAY(syscall(SYS_setrlimit, 16, &old));
	SAY(syscall(SYS_setrlimit, RLIMIT_CORE, &limit));
	SAY(syscall(SYS_setrlimit, RLIMIT_CORE, NOWHERE));
	SAY(syscall(SYS_prlimit64, NOBODY_ID, 0, NULL, &old));
	SAY(syscall(SYS_prlimit64, -1, 0, NULL, &old));
	SAY(syscall(SYS_prlimit64, 0, 16, NULL, &old));
	SAY(syscall(SYS_prlimit64, 0, 0, NOWHERE, &old));
	SAY(syscall(SYS_prlimit64, 0, 0, NULL, NOWHERE));
	SAY(syscall(SYS_times, NULL) >= 0);
	SAY(personality(0xffffffff));
	SAY(personality(PER_LINUX));
	CHILD(SAY(personality(ADDR_NO_RANDOMIZE)); SAY(personality(0xffffffff)); CHILD(SAY(personality(0xffffffff))));
	CHILD(SAY(personality(PER_LINUX32)); uname(&name); printf("%s\n", name.machine));
	SAY(sysinfo(&info));
	NUM(info.mem_unit);
	NUM(info.procs > 0);
	SAY(sysinfo(NOWHERE));
	SAY(uname(NOWHERE));
	SAY(sethostname(host, -1));
	SAY(sethostname(host, 65));
	SAY(sethostname(NOWHERE, 3));
	SAY(setdomainname(host, -1));
	SAY(setdomainname(host, 65));
	SAY(setdomainname(NOWHERE, 3));
	CHILD(setgroups(0, NULL); SAY(setresuid(OTHER, OTHER, OTHER)); SAY(sethostname(host, 65));
		SAY(sethostname(host, 3)); SAY(setdomainname(host, 3)); SAY(syscall(SYS_reboot, 0, 0, 0, 0)););
	SAY(syscall(SYS_reboot, 0, 0, 0, 0));
	SAY(syscall(SYS_reboot, 0xfee1dead, 1, 0, 0));
	SAY(syscall(SYS_reboot, 0xfee1dead, 672274793, 0x12345, 0));
	SAY(syscall(SYS_syslog, -1, host, 3));
	SAY(syscall(SYS_syslog, 11, host, 3));
	SAY(syscall(SYS_syslog, 3, NULL, 3));
	SAY(syscall(SYS_syslog, 3, host, -1));
	SAY(syscall(SYS_syslog, 3, host, 0));
	SAY(syscall(SYS_syslog, 8, host, 9));
	SAY(syscall(SYS_syslog, 8, host, 0));
	OK(syscall(SYS_syslog, 10, NULL, 0));
	SAY(getpid() == syscall(SYS_getpid));
	SAY(syscall(-1));
	SAY(syscall(100000));
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*part)(void);
	} parts[] = {{"ids", ids}, {"prctls", prctls}, {"scheduling", scheduling}, {"priorities", priorities},
		{"odds", odds}};

	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++) {
		if (argc > 1 && strcmp(argv[1], parts[i].name) != 0)
			continue;
		printf("--- %s\n", parts[i].name);
		parts[i].part();
	}
	return 0;
}
