/* The pretend machine on which the kernel's portable code runs on the build host: memory, page tables, threads that
 * wait. */
#ifndef TESTS_KERNEL_SUPPORT_H
#define TESTS_KERNEL_SUPPORT_H

#include <kern/thread.h>
#include <setjmp.h>
#include <stdbool.h>
#include <stdint.h>
#include <vm/vm.h>

struct task;

/*
 * One processor, one current thread at a time, which the test chooses. Files to link: support.c (assertions, processor,
 * memory, failure of allocations, reports), wait.c (the waiting part of kern/thread.h), pmap.c (page tables that check
 * what they are told) and kalloc.c (the kernel's allocators over malloc, so that AddressSanitizer sees every object),
 * or kernel/kern/kalloc.c instead of it.
 */

/* First call of every test program: bytes of pretend physical memory (0: none, no vm_ functions are linked in). */
void host_start(uint64_t memory);

/* --- Reports. A failed check prints where and counts; the test goes on. */
#define CHECK(condition)  host_check((condition), #condition, __FILE__, __LINE__)
#define CHECK_EQUAL(a, b) host_check_equal((long long)(a), (long long)(b), #a " == " #b, __FILE__, __LINE__)
bool host_check(bool good, const char *text, const char *file, int line);
bool host_check_equal(long long a, long long b, const char *text, const char *file, int line);
/* Prints "PASS name" or "FAIL name" by the checks since the last call. */
void host_report(const char *name);
/* For main's return: 0 when all passed. */
int host_result(void);

/* --- Chance that repeats: a generator seeded by the test. */
void host_seed(uint64_t seed);
uint64_t host_random(uint64_t below);

/* --- Allocations that fail: the next `after` succeed, then `count` fail. SIZE_MAX never. Pages count as well. */
extern size_t host_fail_after, host_fail_count;
bool host_allocation_fails(void);
/* Objects of kalloc and caches that are in use, for leak checks. */
extern size_t host_kalloc_used;

/* Called whenever long work ends a piece (kern/piece.h): at every turn of each such loop, locks held. */
extern void (*host_piece)(void);

/* --- Threads. */

extern uint64_t host_now; /* ns: what machine_now() says */
/* A thread of a task that waits for nothing; zeroed otherwise. */
struct thread *host_thread(struct task *task);
void host_set_current(struct thread *thread);
/* The one made last: a kernel thread that the code under test has made. */
struct thread *host_last_thread(void);
/* Whether it waits (on an event or, by thread_will_wait, elsewhere). */
bool host_waits(const struct thread *thread);
/* Runs the waits whose deadline is host_now or earlier. */
void host_expire(void);

/*
 * Calls fn(argument) for the current thread. True if it returned, false if it blocked or left the kernel: what it gave
 * to thread_block, or null, is then in host_continuation; the thread that a hand-off named in host_handoff.
 */
bool host_call(void (*fn)(void *argument), void *argument);
extern continuation_t host_continuation;
extern struct thread *host_handoff;

/* --- The pretend page tables (pmap.c), besides vm/pmap.h. */

/*
 * What a program's access does: looks the address up, sets the referenced and modified bits. Null: a page fault (not
 * present, or not allowed). The bytes lie in one page.
 */
void *pmap_host_access(struct pmap *pmap, vm_address_t address, vm_prot_t access);
size_t pmap_host_count(void); /* pmaps that exist */

#endif
