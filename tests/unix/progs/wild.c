/* Wild numbers, pointers and sizes in every call: the program may get errors, the system goes on. */
#define _GNU_SOURCE
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define ROUNDS 12

static unsigned long state = 12345;

static unsigned long next(void)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

static const unsigned long words[] = {0, 1, 2, 3, 7, 8, 4095, 4096, 4097, 0x7fffffff, 0x80000000, 0xffffffff,
	0x100000000, 0x7fffffffe000, 0x7ffffffff000, 0x800000000000, 0xffff800000000000, 0xffffffff80000000,
	0x7fffffffffffffff, 0x8000000000000000, ~0ul, ~0ul - 4095};

/* Calls that end, stop or block the caller for good, or the machine. */
static int left_out(long number)
{
	switch (number) {
	case SYS_exit:
	case SYS_exit_group:
	case SYS_reboot:
	case SYS_pause:
	case SYS_rt_sigreturn:
	case SYS_kill:
	case SYS_tkill:
	case SYS_tgkill:
	case SYS_rt_sigqueueinfo:
	case SYS_rt_tgsigqueueinfo:
	case SYS_fork:
	case SYS_vfork:
	case SYS_clone:
	case SYS_clone3:
	case SYS_umount2:
	case SYS_chroot:
	case SYS_sethostname:
	case SYS_setdomainname:
	case SYS_settimeofday:
	case SYS_clock_settime:
	case SYS_rt_sigsuspend:
		return 1;
	default:
		return 0;
	}
}

int main(void)
{
	long number;
	int round, i, status;

	for (number = 0; number < 450; number++) {
		if (left_out(number))
			continue;
		if (fork() == 0) {
			char *buffer = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

			munmap(buffer + 4096, 4096);
			alarm(1);
			for (round = 0; round < ROUNDS; round++) {
				unsigned long argument[6];

				for (i = 0; i < 6; i++) {
					unsigned long choice = next();

					argument[i] = choice % 4 == 0
							      ? (unsigned long)buffer + choice / 4 % 8192
							      : words[choice / 4 % (sizeof words / sizeof words[0])];
				}
				syscall(number, argument[0], argument[1], argument[2], argument[3], argument[4],
					argument[5]);
			}
			_exit(0);
		}
		next();
		wait(&status);
	}
	puts("still alive");
	return 0;
}
