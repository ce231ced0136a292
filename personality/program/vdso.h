/* The object in every process that reads the clock without a system call (vdso/). */
#ifndef PERSONALITY_VDSO_H
#define PERSONALITY_VDSO_H

#include <stdint.h>

struct address_space;

/* Makes it, after the file systems are mounted. Without it programs make system calls. Server locked; may release the
 * lock. */
void vdso_start(void);
/* Maps it into a new program; *header: for AT_SYSINFO_EHDR, 0 without it. 0, -ENOMEM. */
int vdso_map(struct address_space *space, uint64_t *header);
/* The time has been set. */
void vdso_time_was_set(void);

#endif
