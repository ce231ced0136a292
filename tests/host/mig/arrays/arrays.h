/* What the client's tests and the work functions of arrays.defs share. */
#ifndef ARRAYS_H
#define ARRAYS_H

#include "arrays_types.h"
#include "arrays_server.h"
#include "arrays_user.h"
#include "loopback.h"

#include <string.h>

extern mach_port_t arrays_kept;

/* The count with which `take` says that it has more memory than there can be. */
enum { TAKE_TOO_MUCH = 4 };

/* How often a work function of the like_ routines ran, and what the last one-way routine was given. */
extern unsigned arrays_served;
extern int32_t arrays_noted;

/* Memory that can be moved: `size` bytes, copied from `bytes`. */
static inline void *memory_of(const void *bytes, size_t size)
{
	vm_address_t address = 0;

	if (size == 0)
		return NULL;
	mig_allocate(&address, size);
	memcpy((void *)address, bytes, size);
	return (void *)address;
}

static inline void give_back(void *memory, size_t size)
{
	if (size != 0)
		mig_deallocate((vm_address_t)memory, size);
}

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
		rights[i] = lb_send_right(arrays_kept);
	return rights;
}

/* Releases rights, and says how many of them were to the port that it should be. */
static inline int32_t release_all(const mach_port_t *rights, unsigned count)
{
	int32_t good = 0;

	for (unsigned i = 0; i < count; i++) {
		good += lb_object(rights[i]) == lb_object(arrays_kept);
		lb_release(rights[i]);
	}
	return good;
}

static inline int32_t release_memory(mach_port_t *rights, unsigned count)
{
	int32_t good = release_all(rights, count);

	give_back(rights, count * sizeof *rights);
	return good;
}

#endif
