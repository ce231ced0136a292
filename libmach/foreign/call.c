/* The table of foreign calls that a server's C library makes, and their answers. */
#include "handler.h"

/* Numbers of the calls (Linux x86-64 ABI). */
enum {
	CALL_READ = 0,
	CALL_WRITE = 1,
	CALL_OPEN = 2,
	CALL_CLOSE = 3,
	CALL_FSTAT = 5,
	CALL_LSEEK = 8,
	CALL_MMAP = 9,
	CALL_MPROTECT = 10,
	CALL_MUNMAP = 11,
	CALL_BRK = 12,
	CALL_RT_SIGACTION = 13,
	CALL_RT_SIGPROCMASK = 14,
	CALL_IOCTL = 16,
	CALL_WRITEV = 20,
	CALL_ACCESS = 21,
	CALL_SCHED_YIELD = 24,
	CALL_MADVISE = 28,
	CALL_NANOSLEEP = 35,
	CALL_GETPID = 39,
	CALL_CLONE = 56,
	CALL_EXIT = 60,
	CALL_KILL = 62,
	CALL_READLINK = 89,
	CALL_GETTIMEOFDAY = 96,
	CALL_SYSINFO = 99,
	CALL_GETUID = 102,
	CALL_GETGID = 104,
	CALL_GETEUID = 107,
	CALL_GETEGID = 108,
	CALL_SIGALTSTACK = 131,
	CALL_ARCH_PRCTL = 158,
	CALL_GETTID = 186,
	CALL_TIME = 201,
	CALL_TKILL = 200,
	CALL_FUTEX = 202,
	CALL_SET_TID_ADDRESS = 218,
	CALL_FADVISE = 221,
	CALL_CLOCK_GETTIME = 228,
	CALL_CLOCK_GETRES = 229,
	CALL_CLOCK_NANOSLEEP = 230,
	CALL_EXIT_GROUP = 231,
	CALL_TGKILL = 234,
	CALL_OPENAT = 257,
	CALL_NEWFSTATAT = 262,
	CALL_SET_ROBUST_LIST = 273,
	CALL_GETRANDOM = 318,
};

enum {
	ARCH_SET_FS = 0x1002,
	TCGETS = 0x5401,
	TERMIOS_SIZE = 36, /* the kernel's struct termios */
	STAT_SIZE = 144,
	STAT_MODE = 24,
	STAT_RDEV = 40,
	MODE_CHARACTER_DEVICE = 0020620,
	SYSINFO_SIZE = 112,
	SYSINFO_TOTAL = 32,
	SYSINFO_UNIT = 104,
	TIMER_ABSTIME = 1,
	CLOCK_REAL = 0,
	CLOCK_MONOTONIC = 1,
	PROCESS_ID = 1,
};
/* What sysinfo reports, so that qsort sorts in memory. */
#define MEMORY_REPORTED (64ull << 20)

static bool is_console(uint64_t descriptor)
{
	return descriptor <= 2;
}

static bool has_rdrand(void)
{
	uint32_t a = 1, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return c & 1u << 30;
}

static uint64_t random_word(bool rdrand)
{
	static uint64_t state;
	uint64_t value = 0;
	uint8_t ok = 0;
	uint32_t low, high;

	for (int tries = 0; rdrand && !ok && tries < 10; tries++)
		__asm__ volatile("rdrand %0; setc %1" : "=r"(value), "=q"(ok) : : "cc");
	if (ok)
		return value;
	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	/* splitmix64 over the time: no secret is made of it here. */
	value = __atomic_add_fetch(&state, 0x9e3779b97f4a7c15ull, __ATOMIC_RELAXED) ^ ((uint64_t)high << 32 | low);
	value = (value ^ value >> 30) * 0xbf58476d1ce4e5b9ull;
	value = (value ^ value >> 27) * 0x94d049bb133111ebull;
	return value ^ value >> 31;
}

static int64_t getrandom(uint8_t *to, uint64_t size)
{
	bool rdrand = has_rdrand();

	for (uint64_t done = 0; done < size;) {
		uint64_t word = random_word(rdrand);

		for (unsigned i = 0; i < 8 && done < size; i++)
			to[done++] = (uint8_t)(word >> (8 * i));
	}
	return (int64_t)size;
}

/* Standard input, output and errors are a character device. */
static int64_t stat_console(uint64_t descriptor, uint8_t *to)
{
	if (!is_console(descriptor))
		return -LINUX_EBADF;
	__builtin_memset(to, 0, STAT_SIZE);
	*(uint32_t *)(to + STAT_MODE) = MODE_CHARACTER_DEVICE;
	*(uint64_t *)(to + STAT_RDEV) = 5 << 8 | 1; /* Linux's number of /dev/console */
	return 0;
}

static int64_t writev(uint64_t descriptor, const uint64_t (*vector)[2], uint64_t count)
{
	int64_t done = 0;

	for (uint64_t i = 0; i < count; i++) {
		int64_t result = foreign_write(descriptor, (const char *)vector[i][0], vector[i][1]);

		if (result < 0)
			return done ? done : result;
		done += result;
	}
	return done;
}

static int64_t sysinfo(uint8_t *to)
{
	__builtin_memset(to, 0, SYSINFO_SIZE);
	*(uint64_t *)(to + SYSINFO_TOTAL) = MEMORY_REPORTED;
	*(uint32_t *)(to + SYSINFO_UNIT) = 1;
	return 0;
}

static int64_t gettimeofday(int64_t *to)
{
	struct linux_timespec now;

	foreign_clock_gettime(CLOCK_REAL, &now);
	if (to) {
		to[0] = now.seconds;
		to[1] = now.nanoseconds / 1000;
	}
	return 0;
}

int64_t foreign_call(struct foreign_frame *f)
{
	struct foreign_thread *self = (struct foreign_thread *)f->save_area;

	if (!self)
		self = foreign_main_thread();
	switch (f->number) {
	case CALL_READ:
		return is_console(f->rdi) ? 0 : -LINUX_EBADF;
	case CALL_WRITE:
		return foreign_write(f->rdi, (const char *)f->rsi, f->rdx);
	case CALL_WRITEV:
		return writev(f->rdi, (const uint64_t(*)[2])f->rsi, f->rdx);
	case CALL_CLOSE:
		return is_console(f->rdi) ? 0 : -LINUX_EBADF;
	case CALL_FSTAT:
		return stat_console(f->rdi, (uint8_t *)f->rsi);
	case CALL_NEWFSTATAT:
		/* fstat of the C library is this with an empty path. */
		return *(const char *)f->rsi ? -LINUX_ENOENT : stat_console(f->rdi, (uint8_t *)f->rdx);
	case CALL_IOCTL:
		if (!is_console(f->rdi))
			return -LINUX_EBADF;
		if (f->rsi != TCGETS)
			return -LINUX_EINVAL;
		__builtin_memset((void *)f->rdx, 0, TERMIOS_SIZE);
		return 0;
	case CALL_LSEEK:
		return is_console(f->rdi) ? -LINUX_ESPIPE : -LINUX_EBADF;
	case CALL_OPEN:
	case CALL_OPENAT:
	case CALL_ACCESS:
	case CALL_READLINK:
		return -LINUX_ENOENT;

	case CALL_MMAP:
		return foreign_mmap(f->rdi, f->rsi, f->rdx, f->r10);
	case CALL_MUNMAP:
		return foreign_munmap(f->rdi, f->rsi);
	case CALL_MPROTECT:
		return foreign_mprotect(f->rdi, f->rsi, f->rdx);
	case CALL_BRK:
		/* No such memory: malloc uses mmap. */
		return 0;
	case CALL_MADVISE:
	case CALL_FADVISE:
		return 0;

	case CALL_RT_SIGACTION:
	case CALL_RT_SIGPROCMASK:
	case CALL_SIGALTSTACK:
	case CALL_SET_ROBUST_LIST:
		return 0;
	case CALL_KILL:
	case CALL_TKILL:
		foreign_exit_task(0, (int)f->rsi);
	case CALL_TGKILL:
		foreign_exit_task(0, (int)f->rdx);

	case CALL_GETPID:
		return PROCESS_ID;
	case CALL_GETTID:
		return self->tid;
	case CALL_GETUID:
	case CALL_GETGID:
	case CALL_GETEUID:
	case CALL_GETEGID:
		return 0;
	case CALL_SYSINFO:
		return sysinfo((uint8_t *)f->rdi);
	case CALL_GETRANDOM:
		return getrandom((uint8_t *)f->rdi, f->rsi);

	case CALL_CLONE:
		return foreign_clone(f);
	case CALL_SET_TID_ADDRESS:
		self->clear_tid = (uint32_t *)f->rdi;
		return self->tid;
	case CALL_ARCH_PRCTL:
		if (f->rdi != ARCH_SET_FS)
			return -LINUX_EINVAL;
		return mach_set_fs_base(f->rsi) == KERN_SUCCESS ? 0 : -LINUX_EPERM;
	case CALL_FUTEX:
		return foreign_futex(
			(uint32_t *)f->rdi, f->rsi, (uint32_t)f->rdx, f->r10, (uint32_t *)f->r8, (uint32_t)f->r9);
	case CALL_SCHED_YIELD:
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
		return 0;
	case CALL_EXIT:
		foreign_exit_thread(self);
	case CALL_EXIT_GROUP:
		foreign_exit_task((int)f->rdi, 0);

	case CALL_CLOCK_GETTIME:
		return foreign_clock_gettime(f->rdi, (struct linux_timespec *)f->rsi);
	case CALL_CLOCK_GETRES:
		if (f->rsi)
			*(struct linux_timespec *)f->rsi = (struct linux_timespec){0, 1};
		return 0;
	case CALL_GETTIMEOFDAY:
		return gettimeofday((int64_t *)f->rdi);
	case CALL_TIME: {
		int64_t now[2];

		gettimeofday(now);
		if (f->rdi)
			*(int64_t *)f->rdi = now[0];
		return now[0];
	}
	case CALL_NANOSLEEP:
		return foreign_sleep(CLOCK_MONOTONIC, false, (const struct linux_timespec *)f->rdi);
	case CALL_CLOCK_NANOSLEEP:
		return foreign_sleep(f->rdi, f->rsi & TIMER_ABSTIME, (const struct linux_timespec *)f->rdx);
	default:
		return -LINUX_ENOSYS;
	}
}
