/* Assertions, reports, the processor, physical memory and allocations that fail. */
#include "support.h"
#include <kern/assert.h>
#include <kern/piece.h>
#include <kern/processor.h>
#include <kern/task.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vm/pmap.h>

#define PHYSICAL_START 0x200000ull

static struct processor the_processor;
struct processor *host_processor = &the_processor;
/* Weak: a test may link the kernel's own scheduler and locks instead. */
struct processor processors[PROCESSORS_MAX] __attribute__((weak));
uint32_t processors_online __attribute__((weak)) = 1;

static char *memory;
static uint64_t memory_size;
static unsigned failures;
static bool any_failed;
static uint64_t random_state = 1;

size_t host_fail_after = SIZE_MAX, host_fail_count;

/* The kernel's page allocator, if it is linked in. */
void vm_page_bootstrap_range(uint64_t start, uint64_t end) __attribute__((weak));
void vm_page_bootstrap_done(void) __attribute__((weak));

void host_start(uint64_t size)
{
	the_processor.self = &the_processor;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (size == 0)
		return;
	memory_size = size;
	memory = aligned_alloc(2 << 20, size);
	if (memory == NULL)
		abort();
	memset(memory, 0xa5, size);
	vm_page_bootstrap_range(PHYSICAL_START, PHYSICAL_START + size);
	vm_page_bootstrap_done();
}

void *physical_to_virtual(uint64_t physical)
{
	if (physical - PHYSICAL_START >= memory_size)
		panic("no such physical address: %lx", (unsigned long)physical);
	return memory + (physical - PHYSICAL_START);
}

/* Objects that malloc made have no physical address; theirs stands for it. */
uint64_t virtual_to_physical(const void *address)
{
	uint64_t offset = (uint64_t)((const char *)address - memory);

	return offset < memory_size ? PHYSICAL_START + offset : (uint64_t)(uintptr_t)address;
}

void panic(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	fprintf(stdout, "FAIL panic: ");
	vfprintf(stdout, format, arguments);
	fprintf(stdout, "\n");
	va_end(arguments);
	abort();
}

void kprintf(const char *format, ...)
{
	va_list arguments;

	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
}

__attribute__((weak)) void lock_contended(struct lock *lock)
{
	panic("deadlock: the lock at %p is held already", (void *)lock);
}

__attribute__((weak)) void machine_relax(void)
{
}

/* Those who link kern/sched.c have the real one. */
void (*host_piece)(void);
__attribute__((weak)) void piece_over(void)
{
	host_processor->piece_left = 0;
	if (host_piece != NULL)
		host_piece();
}

/* --- Reports. */

bool host_check(bool good, const char *text, const char *file, int line)
{
	if (!good) {
		printf("%s:%d: not true: %s\n", file, line, text);
		failures++;
	}
	return good;
}

bool host_check_equal(long long a, long long b, const char *text, const char *file, int line)
{
	if (a != b) {
		printf("%s:%d: not true: %s (%lld, %lld)\n", file, line, text, a, b);
		failures++;
	}
	return a == b;
}

void host_report(const char *name)
{
	printf("%s %s\n", failures == 0 ? "PASS" : "FAIL", name);
	any_failed |= failures != 0;
	failures = 0;
}

int host_result(void)
{
	return any_failed ? 1 : 0;
}

/* --- Chance and failure. */

void host_seed(uint64_t seed)
{
	random_state = seed * 2654435769u + 1;
}

uint64_t host_random(uint64_t below)
{
	random_state ^= random_state << 13;
	random_state ^= random_state >> 7;
	random_state ^= random_state << 17;
	return below == 0 ? random_state : random_state % below;
}

bool host_allocation_fails(void)
{
	if (host_fail_after == SIZE_MAX)
		return false;
	if (host_fail_after > 0) {
		host_fail_after--;
		return false;
	}
	if (host_fail_count == 0) {
		host_fail_after = SIZE_MAX;
		return false;
	}
	host_fail_count--;
	return true;
}
