/* Confinement of threads to some calls: seccomp.c. */
#ifndef PERSONALITY_SECCOMP_H
#define PERSONALITY_SECCOMP_H

#include <stdbool.h>
#include <stdint.h>

struct call;
struct seccomp_filter;
struct thread;

/* The first run of a call of a confined thread: lets it run (routine: call_let_run), or ends it. */
int64_t seccomp_run(struct call *call, int64_t (*run)(struct call *call));
/* A new thread is confined as the one that makes it. */
void seccomp_inherit(struct thread *thread, const struct thread *from);
void seccomp_release(struct thread *thread);
/* Of /proc: SECCOMP_MODE_*, and how many filters. */
int seccomp_mode(const struct thread *thread);
/* prctl(PR_SET_SECCOMP). */
int64_t seccomp_prctl(struct call *call, uint64_t mode, uint64_t argument);

#endif
