/* What poll, select and epoll have in common. */
#ifndef PERSONALITY_POLL_H
#define PERSONALITY_POLL_H

#include "call/call.h"

struct file;

/* POLL* bits that hold for a file now. */
unsigned file_poll(struct file *file);
/* Makes the call wait for changes of the file. 0 or -ENOMEM. */
int file_poll_wait(struct call *call, struct file *file);
/* A deadline from the caller's struct timespec; address 0: none. 0 or -errno. */
int deadline_from_timespec(struct call *call, uint64_t address);
/* The mask of ppoll, pselect, epoll_pwait for the time of the call; address 0: none. 0 or -errno. */
int temporary_mask(struct call *call, uint64_t address, uint64_t size);

#endif
