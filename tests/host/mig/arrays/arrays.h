/* What the client's tests and the work functions of arrays.defs share. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include "arrays_types.h"
#include "arrays_server.h"
#include "arrays_user.h"
#include "calls.h"

#include <string.h>

/* The count with which `take` says that it has more memory than there can be. */
enum { TAKE_TOO_MUCH = 4 };

/* What the work functions tell: how often one of the like_ routines ran, what the last one-way routine was given. */
extern struct arrays_told {
	unsigned served;
	int32_t noted;
} arrays_told;

/* `count` send rights in memory that can be moved. */
static inline mach_port_t *rights_of(unsigned count)
{
	mach_port_t *rights;
	vm_address_t address = 0;

	if (count == 0)
		return NULL;
	mig_allocate(&address, count * sizeof *rights);
	rights = (mach_port_t *)address;
	for (unsigned i = 0; i < count; i++)
		rights[i] = lb_send_right(kept);
	return rights;
}

/* Releases rights, and says how many of them were to the port that it should be. */
static inline int32_t release_all(const mach_port_t *rights, unsigned count)
{
	int32_t good = 0;

	for (unsigned i = 0; i < count; i++) {
		good += lb_object(rights[i]) == lb_object(kept);
		lb_drop(rights[i]);
	}
	return good;
}

static inline int32_t release_memory(mach_port_t *rights, unsigned count)
{
	int32_t good = release_all(rights, count);

	give_back(rights, count * sizeof *rights);
	return good;
}

/* many.c: structs and large arrays of rights, bounded and large memory. */
void test_structs(void);
void test_put_crowd(void);
void test_take_crowd(void);
void test_turn_crowd(void);
void test_any_crowd(void);
void test_done_crowd(void);
void test_bounded(void);
void test_large(void);
void test_in_line(void);

#endif
