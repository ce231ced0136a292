/* The console: which of interactive and command mode the system is in, and what pid 1 talks through. */
#ifndef PERSONALITY_CONSOLE_H
#define PERSONALITY_CONSOLE_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct file;

/* Takes the serial lines and reads what the host says (fw_cfg). Once, before anything is printed. */
void console_start(void);

/* What the host says; interactive without it. */
extern bool console_command_mode;
extern bool console_trace, console_verbose;
extern char console_term[32];
extern char *console_command; /* of command mode, terminated */

/* Makes a file the console's: it becomes nobody's controlling terminal by that, and no hang-up ends it. */
void console_attach(struct file *file);
/* The three files of pid 1: the terminal, or in command mode the channels. 0 or -errno. */
int console_open_standard(struct file *files[3]);
/* Pid 1 has ended with this status: the host is told, in command mode. */
void console_init_ended(int status);
/* Bytes on the wire before the power goes. */
void console_flush(void);
/* A line of the trace, with its newline. */
void console_trace_line(const char *line, size_t size);

#endif
