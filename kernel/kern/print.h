/* What the machine's code and the console need of printing besides kprintf and panic (kern/assert.h). */
#ifndef KERN_PRINT_H
#define KERN_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* `quiet` on the command line: only panics are printed. */
extern bool console_quiet;

/* As vsnprintf, with the conversions of kprintf; returns the length written, without the end mark. */
size_t format_text(char *text, size_t size, const char *format, va_list arguments);

/* Printed by panic after the message: registers and the chain of callers (x86_64/backtrace.c). */
void machine_print_state(void);
/* The end of a panic. */
_Noreturn void machine_stop(void);

#endif
