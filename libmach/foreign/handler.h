/* Between the parts of the handler: a foreign call of this task, answered inside it. */
#ifndef FOREIGN_HANDLER_H
#define FOREIGN_HANDLER_H

#include <mach/mach.h>
#include <stdbool.h>

/*
 * The handler is one relocatable object with no other link to the program than its two entries (see Makefile.inc):
 * it is built with general registers only, has no thread-local storage (it works before the C library has set any up,
 * and in threads made by clone), brings its own memcpy, and its own copy of the generated stubs.
 */

/* Registers of the caller, as entry.S pushes them. */
struct foreign_frame {
	uint64_t save_area; /* r11 */
	uint64_t rip;       /* rcx */
	uint64_t number;    /* rax */
	uint64_t rdi, rsi, rdx, r10, r8, r9;
	uint64_t rbx, rbp, r12, r13, r14, r15;
};

#define FOREIGN_RED_ZONE 128
/* The caller's stack pointer. */
static inline uint64_t foreign_frame_rsp(const struct foreign_frame *frame)
{
	return (uint64_t)(frame + 1) + FOREIGN_RED_ZONE;
}

/* A thread's save area (r11). */
struct foreign_thread {
	struct foreign_thread *next_free;
	uint32_t *clear_tid; /* cleared and woken when the thread has ended */
	uint32_t tid;
};

/* Linux's error numbers, as far as the handler gives them. */
enum {
	LINUX_EPERM = 1,
	LINUX_ENOENT = 2,
	LINUX_EINTR = 4,
	LINUX_EBADF = 9,
	LINUX_EAGAIN = 11,
	LINUX_ENOMEM = 12,
	LINUX_EFAULT = 14,
	LINUX_ENODEV = 19,
	LINUX_EINVAL = 22,
	LINUX_ESPIPE = 29,
	LINUX_ENOSYS = 38,
	LINUX_ETIMEDOUT = 110,
};

struct linux_timespec {
	int64_t seconds;
	int64_t nanoseconds;
};

/* A lock on a word: 0 free, 1 held, 2 held and waited for. */
void foreign_lock(uint32_t *word);
void foreign_unlock(uint32_t *word);
/* Guards the reply port of the handler's calls to the kernel, and the save areas. Taken after the console's. */
extern uint32_t foreign_rpc_lock;

/* From entry.S: answers one call; the result goes to rax. */
int64_t foreign_call(struct foreign_frame *frame);
/* From start.S, before the C library: makes this task answer its own calls. */
void foreign_start(void);
/* In entry.S: where the kernel enters. */
void foreign_entry(void);

/* memory.c */
int64_t foreign_mmap(uint64_t address, uint64_t size, uint64_t protection, uint64_t flags);
int64_t foreign_munmap(uint64_t address, uint64_t size);
int64_t foreign_mprotect(uint64_t address, uint64_t size, uint64_t protection);

/* threads.c */
struct foreign_thread *foreign_main_thread(void);
int64_t foreign_clone(const struct foreign_frame *frame);
_Noreturn void foreign_exit_thread(struct foreign_thread *self);
_Noreturn void foreign_exit_task(int status, int signal);
int64_t foreign_futex(
	uint32_t *word, uint64_t operation, uint32_t value, uint64_t fourth, uint32_t *second, uint32_t third);

/* time.c */
int64_t foreign_clock_gettime(uint64_t clock, struct linux_timespec *out);
int64_t foreign_sleep(uint64_t clock, bool absolute, const struct linux_timespec *request);
/* The monotonic time at which a time of the clock is reached. */
uint64_t foreign_deadline(bool real_time, const struct linux_timespec *time);

/* console.c */
int64_t foreign_write(uint64_t descriptor, const char *text, uint64_t size);
void foreign_console_flush(void);
/* A line of the handler's own: text, then the number. */
void foreign_console_say(const char *text, uint64_t number);

#endif
