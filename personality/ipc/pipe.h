/* Pipes as others see them. */
#ifndef PERSONALITY_PIPE_H
#define PERSONALITY_PIPE_H

#include <stdbool.h>
#include <stdint.h>

struct file;
struct io;
struct wait_queue;
struct process;

#define PIPE_SIZE_DEFAULT 65536u

/* --- A buffer with two ends, which pipes, FIFOs and stream sockets are made of. */
struct pipe;
struct pipe *pipe_create(void);
/* The same, its pages counted for the user who makes it (/proc/sys/fs/pipe-user-pages-*). Null: too many, too. */
struct pipe *pipe_create_counted(void);
void pipe_free(struct pipe *pipe);
void pipe_add_end(struct pipe *pipe, bool write);
/* False: it was the last end of all. */
bool pipe_drop_end(struct pipe *pipe, bool write);
/* As file_ops read and write: bytes, 0, -EAGAIN, -EPIPE (with SIGPIPE unless quiet), CALL_RESTART. */
int64_t pipe_read(struct pipe *pipe, struct io *io, bool no_wait);
/* The same, and the bytes stay. */
int64_t pipe_peek(struct pipe *pipe, struct io *io, bool no_wait);
int64_t pipe_write(struct pipe *pipe, struct io *io, bool no_wait, bool quiet);
unsigned pipe_poll_read(struct pipe *pipe);
unsigned pipe_poll_write(struct pipe *pipe);
uint64_t pipe_used(struct pipe *pipe);
struct wait_queue *pipe_queue(struct pipe *pipe);

#endif
