/* --trace syscalls: one line per call, as strace prints it. */
#ifndef PERSONALITY_TRACE_H
#define PERSONALITY_TRACE_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct thread;

extern bool trace_enabled;

void trace_begin(struct call *call);
void trace_end(struct call *call, int64_t result);
void trace_drop(struct call *call);
/* A line that is no call: a signal, an end. */
void trace_note(struct thread *thread, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* A call that is not served: says so once for each number, in debug builds and when calls are traced. -ENOSYS. */
int64_t trace_unknown(const struct call *call);

#endif
