/* Pipes as others see them. */
#ifndef PERSONALITY_PIPE_H
#define PERSONALITY_PIPE_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct file;
struct io;
struct wait_queue;
struct process;

#define PIPE_SIZE_DEFAULT 65536u
#define PIPE_SIZE_MAX     1048576u

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
/* Of a pipe's or FIFO's file; null: it is none. */
struct pipe *pipe_of_file(const struct file *file);

/*
 * --- For moving bytes between a pipe and another file. Who holds a side of a pipe is alone in moving bytes there, also
 * while the server's lock is released, until it lets go; others wait.
 *
 * from: 1, and it is held: there are bytes; 0: at its end; -EAGAIN, CALL_RESTART.
 */
int64_t pipe_hold_from(struct pipe *pipe, struct call *call, bool no_wait);
/* A copy of up to `size` bytes from the one at `from` on; how many. They stay until they are taken. */
uint32_t pipe_look(struct pipe *pipe, uint32_t from, void *to, uint32_t size);
void pipe_take(struct pipe *pipe, uint32_t size);
void pipe_let_go_from(struct pipe *pipe, bool taken);
/* to: 1, and it is held: there is room; -EPIPE (with SIGPIPE), -ENOMEM, -EAGAIN, CALL_RESTART. */
int64_t pipe_hold_to(struct pipe *pipe, struct call *call, bool no_wait);
uint32_t pipe_room(struct pipe *pipe);
/* At most so much. */
void pipe_put(struct pipe *pipe, const void *from, uint32_t size);
void pipe_let_go_to(struct pipe *pipe, bool put);

#endif
