/* The calls that run without the server's lock. What such a call may do: doc/unix-locks.md. */
#include "dispatch/run.h"

const bool unlocked_calls[] = {
	/* Of the caller and its process alone. */
	[MIG_ID_getpid] = true,
	[MIG_ID_gettid] = true,
	[MIG_ID_getuid] = true,
	[MIG_ID_geteuid] = true,
	[MIG_ID_getgid] = true,
	[MIG_ID_getegid] = true,
	[MIG_ID_rt_sigprocmask] = true,
	[MIG_ID_sigaltstack] = true,
	[MIG_ID_getrlimit] = true,
	[MIG_ID_prlimit64] = true,
	[MIG_ID_arch_prctl] = true,
	[MIG_ID_sched_yield] = true,
	[MIG_ID_set_tid_address] = true,
	[MIG_ID_set_robust_list] = true,
	/* Of an open file. */
	[MIG_ID_read] = true,
	[MIG_ID_write] = true,
	[MIG_ID_pread64] = true,
	[MIG_ID_pwrite64] = true,
	[MIG_ID_readv] = true,
	[MIG_ID_writev] = true,
	[MIG_ID_preadv] = true,
	[MIG_ID_pwritev] = true,
	[MIG_ID_lseek] = true,
	[MIG_ID_futex] = true,
	/* Of nobody. */
	[MIG_ID_clock_gettime] = true,
	[MIG_ID_clock_getres] = true,
	[MIG_ID_gettimeofday] = true,
	[MIG_ID_time] = true,
	[MIG_ID_rseq] = true,
	[MIG_ID_membarrier] = true,
	[MIG_ID_personality] = true,
};

const unsigned unlocked_calls_end = sizeof unlocked_calls / sizeof unlocked_calls[0];
