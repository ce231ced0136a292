/* Arithmetic on sizes, addresses and indexes that came from outside: true when the result fits. */
#ifndef KERN_CHECKED_H
#define KERN_CHECKED_H

#include <mach/vm_types.h>
#include <stdbool.h>

static inline bool checked_add(uint64_t a, uint64_t b, uint64_t *sum)
{
	return !__builtin_add_overflow(a, b, sum);
}

/* The page-aligned range that covers address .. address + size - 1, within 64 bits. */
static inline bool checked_page_range(uint64_t address, uint64_t size, uint64_t *start, uint64_t *end)
{
	uint64_t last;

	if (!checked_add(address, size, &last) || last > UINT64_MAX - VM_PAGE_MASK)
		return false;
	*start = trunc_page(address);
	*end = round_page(last);
	return true;
}

/*
 * An index that was checked to be below size (at least 1), for use: 0 while the processor guesses that it is when it is
 * not (Spectre, variant 1; doc/security.md).
 */
static inline uint64_t index_within(uint64_t index, uint64_t size)
{
#ifdef PORTOLAN_HOST
	return index < size ? index : 0;
#else
	uint64_t mask;

	__asm__("cmpq %2, %1; sbbq %0, %0" : "=r"(mask) : "r"(index), "rm"(size) : "cc");
	return index & mask;
#endif
}

#endif
