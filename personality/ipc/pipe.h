/* Pipes as others see them. */
#ifndef PERSONALITY_PIPE_H
#define PERSONALITY_PIPE_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct file;

#define PIPE_SIZE_DEFAULT 65536u
#define PIPE_SIZE_MAX     1048576u

struct pipe;
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
