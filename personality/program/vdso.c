/*
 * The object in every process that reads the clock without a system call: two pages of memory that are mapped
 * by all and written by the server alone.
 */
#include "program/vdso.h"

#include <errno.h>
#include <mach/mach.h>
#include <mach/task_info.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "base/rights.h"
#include "memory/mm.h"
#include "program/vdso/vdso.h"

enum { PAGES = 2 }; /* the clock's, and the code's */
#define SIZE (PAGES * (uint64_t)VM_PAGE_SIZE)

extern const char vdso_image[], vdso_image_end[];

static mach_port_t object;
static struct vdso_clock *clock_page;

static bool read_kernel_clock(struct vdso_clock *clock)
{
	struct portolan_host_info info;
	mach_msg_type_number_t words = PORTOLAN_HOST_INFO_COUNT;

	if (portolan_host_info(mach_host_self(), PORTOLAN_HOST_INFO, (uint64_t *)&info, &words) != KERN_SUCCESS)
		return false;
	clock->tsc_base = info.tsc_base;
	clock->ns_per_tick = info.ns_per_tick;
	clock->boot_ns = info.boot_ns;
	return true;
}

void vdso_start(void)
{
	size_t size = (size_t)(vdso_image_end - vdso_image);
	struct vdso_clock clock;
	vm_address_t pages = 0;
	mach_port_t made = MACH_PORT_NULL;
	kern_return_t result = KERN_FAILURE;

	if (size <= SIZE - VM_PAGE_SIZE && read_kernel_clock(&clock) &&
		host_memory(host_privileged(), SIZE, &made) == KERN_SUCCESS) {
		/* Wired: no program loses its clock to page-out. */
		result = vm_map(mach_task_self(), &pages, SIZE, 0, TRUE, made, 0, FALSE, VM_PROT_DEFAULT,
			VM_PROT_DEFAULT, VM_INHERIT_NONE);
		if (result == KERN_SUCCESS)
			result = vm_wire(host_privileged(), mach_task_self(), pages, SIZE, VM_PROT_DEFAULT);
		if (result == KERN_SUCCESS) {
			memcpy((void *)pages, &clock, sizeof clock);
			memcpy((char *)pages + VM_PAGE_SIZE, vdso_image, size);
		}
	}
	if (result != KERN_SUCCESS) {
		fprintf(stderr, "unix: programs read the clock by system calls: no memory to share with them\n");
		return;
	}
	clock_page = (struct vdso_clock *)pages;
	object = made;
}

int vdso_map(struct address_space *space, uint64_t *header)
{
	uint64_t at;
	int error;

	*header = 0;
	if (object == MACH_PORT_NULL)
		return 0;
	at = address_space_find(space, SIZE);
	if (at == 0)
		return -ENOMEM;
	error = address_space_map(
		space, at, SIZE, PROT_READ | PROT_EXEC, PROT_READ | PROT_EXEC, MAP_SHARED, NULL, object, 0, "[vdso]");
	if (error == 0)
		*header = at + VM_PAGE_SIZE;
	/* The tmpfs's pager is dead: those who have the pages keep them, new programs read the clock by system calls.
	 */
	return error == -EIO ? 0 : error;
}

void vdso_time_was_set(void)
{
	struct vdso_clock clock;

	/* Relaxed: who reads while the time is being set may get the old one. */
	if (clock_page != NULL && read_kernel_clock(&clock))
		__atomic_store_n(&clock_page->boot_ns, clock.boot_ns, __ATOMIC_RELAXED);
}
