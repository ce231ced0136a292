/* Files from the host (QEMU's fw_cfg). */
#ifndef PERSONALITY_CONSOLE_FWCFG_H
#define PERSONALITY_CONSOLE_FWCFG_H

#include <stdbool.h>
#include <stddef.h>

/* Whether the device is there. */
bool fwcfg_start(void);
/* The file's bytes with a NUL after them, to be freed; null when there is none. */
char *fwcfg_read(const char *name, size_t *size);

#endif
