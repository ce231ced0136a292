/* Registers of a traced thread, as its tracer sees and sets them. */
#ifndef PERSONALITY_TRACEREGS_H
#define PERSONALITY_TRACEREGS_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

struct thread;
struct call;

/* tracee.shown: rax is shown as it is. */
#define TRACE_SHOWN_AS_IS INT64_MAX

/* The thread's, while it is stopped. False: it is gone. */
bool trace_get_registers(struct thread *thread, x86_thread_state64_t *registers);
bool trace_set_registers(struct thread *thread, const x86_thread_state64_t *registers);
/* Whether it stops again after one instruction. */
void trace_set_step(struct thread *thread, bool step);

/* PTRACE_GETREGS and its kin, by note types of core files; `size` bytes at most. Bytes that there are, or -errno. */
int64_t trace_read_registers(struct call *call, struct thread *thread, int kind, uint64_t to, uint64_t size);
int64_t trace_write_registers(struct call *call, struct thread *thread, int kind, uint64_t from, uint64_t size);
/* A word of struct user. 0 or -EIO. */
int trace_peek_user(struct thread *thread, uint64_t offset, uint64_t *value);
int trace_poke_user(struct thread *thread, uint64_t offset, uint64_t value);

#endif
