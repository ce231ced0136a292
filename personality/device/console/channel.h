/* Command mode: pid 1's standard files as frames on COM2 (doc/channels.md). */
#ifndef PERSONALITY_CONSOLE_CHANNEL_H
#define PERSONALITY_CONSOLE_CHANNEL_H

#include <stdbool.h>

struct file;

bool channel_start(void);
/* Makes a file the host's standard input (0), output (1) or errors (2). */
void channel_open(struct file *file, unsigned which);
void channel_exit(int status);

#endif
