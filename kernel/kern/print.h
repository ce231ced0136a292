/* What the machine's code and the console need of printing besides kprintf and panic (kern/assert.h). */
#ifndef KERN_PRINT_H
#define KERN_PRINT_H

#include <stdbool.h>

/* `quiet` on the command line: only panics are printed. */
extern bool console_quiet;

/* Printed by panic after the message: registers and the chain of callers (x86_64/backtrace.c). */
void machine_print_state(void);
/* The end of a panic. */
_Noreturn void machine_stop(void);

#endif
