/* The page allocator and the kernel's allocators, by chance: no page twice, blocks aligned, everything comes back. */
#include "../kernel-support/support.h"
#include <kern/kalloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <vm/vm_page.h>

#define HELD 400

struct held {
	char *bytes;
	uint64_t physical;
	unsigned pages;
	size_t size; /* kalloc's; 0: pages */
	char mark;
};

static struct held held[HELD];

kern_return_t vm_page_wait(const struct account *account)
{
	(void)account;
	return KERN_RESOURCE_SHORTAGE;
}

static void give_back(struct held *at)
{
	size_t bytes = at->size != 0 ? at->size : at->pages * VM_PAGE_SIZE;

	for (size_t i = 0; i < bytes; i += 97)
		if (!CHECK_EQUAL(at->bytes[i], at->mark))
			break;
	if (at->size != 0)
		kfree(&kernel_account, at->bytes, at->size);
	else
		vm_page_release_kernel(at->physical, at->pages);
	at->bytes = NULL;
}

static void take(struct held *at)
{
	unsigned what = (unsigned)host_random(3);

	*at = (struct held){.mark = (char)(1 + host_random(100))};
	if (what == 0) {
		at->pages = 1;
		at->physical = vm_page_grab_kernel(VM_PAGE_FOR_KERNEL);
	} else if (what == 1) {
		unsigned align = 1;
		uint64_t limit = host_random(2) == 0 ? UINT64_MAX : 0x200000 + (16 << 20);

		at->pages = 1 + (unsigned)host_random(host_random(4) == 0 ? 512 : 20);
		at->physical = vm_page_grab_contiguous(VM_PAGE_FOR_KERNEL, at->pages, limit);
		while (align < at->pages)
			align *= 2;
		CHECK_EQUAL(at->physical % (align * VM_PAGE_SIZE), 0);
		CHECK(at->physical + at->pages * VM_PAGE_SIZE <= limit);
	} else {
		at->size = 1 + host_random(host_random(10) == 0 ? 100000 : 3000);
		at->bytes = kalloc(&kernel_account, at->size);
		for (size_t i = 0; at->bytes != NULL && i < at->size; i++)
			if (!CHECK_EQUAL(at->bytes[i], 0))
				break;
		CHECK_EQUAL((uintptr_t)at->bytes % 16, 0);
	}
	if (at->physical != 0)
		at->bytes = physical_to_virtual(at->physical);
	if (at->bytes != NULL)
		memset(at->bytes, at->mark, at->size != 0 ? at->size : at->pages * VM_PAGE_SIZE);
}

int main(void)
{
	uint64_t free_before, taken = 0;

	host_start(32 << 20);
	/* The caches of sizes keep the pages they took: fill each once. */
	host_seed(5);
	for (unsigned round = 0; round < 2; round++) {
		free_before = vm_page_counts.free;
		for (unsigned i = 0; i < 40000; i++) {
			struct held *at = &held[host_random(HELD)];

			if (at->bytes != NULL)
				give_back(at);
			else
				take(at);
		}
		for (unsigned i = 0; i < HELD; i++)
			if (held[i].bytes != NULL)
				give_back(&held[i]);
		host_seed(5);
	}
	CHECK_EQUAL(vm_page_counts.free, free_before);
	host_report("pages, blocks and kernel memory are given once and come back");

	/* All single pages, then a block of 2 MiB once they are back. */
	while (vm_page_grab_for(&kernel_account, VM_PAGE_FOR_USER, false) != NULL)
		taken++;
	CHECK(vm_page_counts.free > 0 && vm_page_grab_for(&kernel_account, VM_PAGE_FOR_SERVER, false) != NULL);
	CHECK(taken < vm_page_counts.total);
	host_report("users leave a reserve to servers and the kernel");
	return host_result();
}
