/* Assertions and panic: both mean that the kernel itself is wrong. */
#ifndef KERN_ASSERT_H
#define KERN_ASSERT_H

#include <stdbool.h>
#include <stdint.h>

_Noreturn void panic(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* A line for the kernel's console; %s %d %u %x %lx %lu %ld %p, widths, zeros before numbers, and %.Ns. */
void kprintf(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* `quiet` on the command line: only panics are printed. */
extern bool console_quiet;

/* Printed by panic after the message: registers and the chain of callers (x86_64/backtrace.c). */
void machine_print_state(void);
/* The end of a panic. */
_Noreturn void machine_stop(void);

/* Checked in every build. */
#define assert(condition) ((condition) ? (void)0 : panic("%s:%d: assertion failed: %s", __FILE__, __LINE__, #condition))

/* Checked in debug builds. */
#ifdef PORTOLAN_DEBUG
#define debug_assert(condition) assert(condition)
/* True one in so many times where several processors run: what may happen here is to happen. In kern/lock.c. */
bool debug_chance(uint32_t one_in);
#else
#define debug_assert(condition) ((void)sizeof(condition))
#define debug_chance(one_in)    false
#endif

#endif
