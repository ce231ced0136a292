/* Who hears by a signal of what becomes of an open file (fcntl(2), "Managing signals"). */
#ifndef PERSONALITY_OWNER_H
#define PERSONALITY_OWNER_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct file;

/* F_SETOWN, F_GETOWN, F_SETOWN_EX, F_GETOWN_EX, F_SETSIG, F_GETSIG. */
int64_t file_owner_control(struct call *call, struct file *file, int command, uint64_t argument);
/* The owner is the caller's process, if there is none. 0 or -ENOMEM. */
int file_owner_default(struct call *call, struct file *file);
/* O_ASYNC is set or cleared, by this descriptor. 0 or -ENOMEM. */
int file_owner_watch(struct call *call, struct file *file, int fd, bool on);
/* The owner hears of a reason (POLL_* of siginfo) soon, though not from in here. */
void file_owner_tell(struct file *file, int fd, int reason);
/* The file goes. */
void file_owner_gone(struct file *file);

#endif
