/* Checks, memory and rights of the files of calls. */
#include "calls.h"

#include <stdio.h>
#include <string.h>

mach_port_t server, object_server, stranger, kept, kept_send;
bool calls_bad;

void calls_check(bool ok, const char *what, const char *file, int line)
{
	const char *base = strrchr(file, '/');

	if (!ok) {
		printf("  %s:%d: %s\n", base ? base + 1 : file, line, what);
		calls_bad = true;
	}
}

void *memory_of(const void *bytes, size_t size)
{
	vm_address_t address = 0;

	if (size == 0)
		return NULL;
	mig_allocate(&address, size);
	memcpy((void *)address, bytes, size);
	return (void *)address;
}

void give_back(void *memory, size_t size)
{
	if (size != 0)
		mig_deallocate((vm_address_t)memory, size);
}

void drop(mach_port_t name)
{
	CHECK(lb_object(name) != 0);
	lb_drop(name);
}
