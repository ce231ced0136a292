/* The classic packet filter's machine, as seccomp(2) uses it: checked before it runs, so that it ends and reads nothing
 * else. */
#ifndef PERSONALITY_BPF_H
#define PERSONALITY_BPF_H

#include <linux/filter.h>
#include <stdbool.h>
#include <stdint.h>

#define BPF_DATA_WORDS 16 /* struct seccomp_data */

/* What a program reads: a word of its data. Index below BPF_DATA_WORDS. */
typedef uint32_t (*bpf_load)(void *context, unsigned index);

/*
 * Whether the program may run: it has known instructions only, jumps forward and to what exists, reads words of its
 * data at their places and no cell of its memory that it may not have written, divides by no constant 0, and ends in a
 * return.
 */
bool bpf_check(const struct sock_filter *program, unsigned length);
/* Runs one that has been checked. */
uint32_t bpf_run(const struct sock_filter *program, bpf_load load, void *context);

#endif
