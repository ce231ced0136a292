/* The page allocator and the kernel's allocators, by chance: no page twice, blocks aligned, everything comes back. */
#include "../kernel-support/support.h"
#include <kern/kalloc.h>
#include <kern/page.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELD 400
/* What the 14 caches of sizes may keep. */
#define KEPT_PAGES (14 * 2 * 65536 / VM_PAGE_SIZE)

struct held {
	char *bytes;
	uint64_t physical;
	unsigned pages;
	size_t size; /* kalloc's; 0: pages */
	char mark;
};

static struct held held[HELD];

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

/* --- Caches that give pages back. */

#define OBJECTS 20000
#define SIZE    200

static struct kcache cache = KCACHE(SIZE);
static void *object[OBJECTS];
static unsigned between;

/* In the middle of kalloc_trim others use the cache. */
static void use_cache(void)
{
	char *one = kcache_alloc(&cache, &kernel_account), *other = kcache_alloc(&cache, &kernel_account);

	CHECK(one != NULL && other != NULL);
	memset(one, 1, SIZE);
	memset(other, 2, SIZE);
	kcache_free(&cache, &kernel_account, one);
	CHECK_EQUAL(other[0], 2);
	CHECK_EQUAL(other[SIZE - 1], 2);
	kcache_free(&cache, &kernel_account, other);
	between++;
}

static void check_objects(void)
{
	for (unsigned i = 0; i < OBJECTS; i++)
		if (object[i] != NULL)
			for (unsigned at = 0; at < SIZE; at += 8)
				if (!CHECK(memcmp((char *)object[i] + at, &i, sizeof(i)) == 0))
					return;
}

static void free_objects(unsigned from, unsigned step)
{
	for (unsigned i = from; i < OBJECTS; i += step)
		if (object[i] != NULL) {
			kcache_free(&cache, &kernel_account, object[i]);
			object[i] = NULL;
		}
}

static void caches_give_back(void)
{
	uint64_t before = vm_page_counts.free, surplus = 3, most;

	for (unsigned i = 0; i < OBJECTS; i++) {
		object[i] = kcache_alloc(&cache, &kernel_account);
		for (unsigned at = 0; at < SIZE; at += 8)
			memcpy((char *)object[i] + at, &i, sizeof(i));
	}
	most = vm_page_counts.free;
	CHECK(before - most >= OBJECTS * SIZE / VM_PAGE_SIZE);
	kalloc_trim_wanted = false;
	/* One in each few stays: no slab is free, nothing goes and nothing breaks. */
	for (unsigned i = 0; i < OBJECTS; i++)
		if (i % 10 != 0) {
			kcache_free(&cache, &kernel_account, object[i]);
			object[i] = NULL;
		}
	CHECK(kalloc_trim_wanted);
	host_piece = use_cache;
	kalloc_trim(false);
	host_piece = NULL;
	CHECK(between > 1000);
	CHECK(!kalloc_trim_wanted);
	CHECK(vm_page_counts.free <= most + surplus);
	check_objects();
	/* All of the upper half goes: its slabs do, the others stay. */
	free_objects(OBJECTS / 2, 1);
	kalloc_trim(true);
	check_objects();
	CHECK(vm_page_counts.free >= most + (before - most) / 2 - surplus && vm_page_counts.free < before - 100);
	kalloc_trim_wanted = false;
	free_objects(0, 1);
	CHECK(kalloc_trim_wanted);
	kalloc_trim(false);
	CHECK(vm_page_counts.free + surplus >= before);
	CHECK_EQUAL(cache.in_use, 0);
	/* Not for a few objects more or less. */
	for (unsigned i = 0; i < VM_PAGE_SIZE / SIZE - 1; i++)
		object[i] = kcache_alloc(&cache, &kernel_account);
	free_objects(0, 1);
	CHECK(!kalloc_trim_wanted);
	host_report("a cache gives back the pages of which all objects are free, but for a surplus");
}

static void free_the_rest(void)
{
	free_objects(0, 1);
}

/* Another processor gives back what is left while one looks through the cache. */
static void caches_give_back_what_comes_meanwhile(void)
{
	uint64_t before = vm_page_counts.free, surplus = 3;

	for (unsigned i = 0; i < OBJECTS; i++)
		object[i] = kcache_alloc(&cache, &kernel_account);
	kalloc_trim_wanted = false;
	free_objects(0, 2);
	CHECK(kalloc_trim_wanted);
	host_piece = free_the_rest;
	while (kalloc_trim_wanted)
		kalloc_trim(false);
	host_piece = NULL;
	CHECK_EQUAL(cache.in_use, 0);
	CHECK(vm_page_counts.free + surplus >= before);
	host_report("a cache gives back, too, what comes back while it is looked through");
}

/*
 * Two processors give back and take pages in turns. What each keeps is bounded, is free to who asks, and is there for
 * the other when nothing else is.
 */
static void processors_keep_few(void)
{
	enum { PAGES = 500, MOST = 32 };
	static struct vm_page *pages[PAGES];
	uint64_t free_before = vm_page_counts.free, taken = 0;
	struct list all = LIST_INIT(all), *link;
	struct vm_page *page;

	processors_online = 2;
	for (unsigned round = 0; round < 20; round++) {
		for (unsigned i = 0; i < PAGES; i++) {
			host_processor->id = host_random(2);
			pages[i] = vm_page_grab_for(&kernel_account, VM_PAGE_FOR_USER, false);
			CHECK(pages[i] != NULL);
		}
		CHECK_EQUAL(vm_page_counts.free + vm_page_magazines(), free_before - PAGES);
		for (unsigned i = 0; i < PAGES; i++) {
			host_processor->id = host_random(2);
			vm_page_free(pages[i]);
		}
		CHECK_EQUAL(vm_page_counts.free + vm_page_magazines(), free_before);
		CHECK(vm_page_magazines() != 0 && vm_page_magazines() <= 2 * MOST);
	}
	host_processor->id = 0;
	while ((page = vm_page_grab_for(&kernel_account, VM_PAGE_FOR_KERNEL, false)) != NULL) {
		list_add_tail(&all, &page->link);
		taken++;
	}
	CHECK_EQUAL(taken, free_before);
	while ((link = list_pop_head(&all)) != NULL)
		vm_page_free(container_of(link, struct vm_page, link));
	CHECK_EQUAL(vm_page_counts.free + vm_page_magazines(), free_before);
	processors_online = 1;
	host_report("what a processor keeps of free pages is little, counted, and anybody's when there is no other");
}

int main(void)
{
	uint64_t free_before, taken = 0;

	host_start(32 << 20);
	host_seed(5);
	free_before = vm_page_counts.free;
	for (unsigned round = 0; round < 2; round++) {
		for (unsigned i = 0; i < 40000; i++) {
			struct held *at = &held[host_random(HELD)];

			if (at->bytes != NULL)
				give_back(at);
			else
				take(at);
			if (host_random(3000) == 0)
				kalloc_trim(true);
		}
		for (unsigned i = 0; i < HELD; i++)
			if (held[i].bytes != NULL)
				give_back(&held[i]);
		kalloc_trim(true);
	}
	CHECK(vm_page_counts.free <= free_before && vm_page_counts.free + KEPT_PAGES >= free_before);
	host_report("pages, blocks and kernel memory are given once and come back");

	caches_give_back();
	caches_give_back_what_comes_meanwhile();
	processors_keep_few();
	/* All single pages, then a block of 2 MiB once they are back. */
	while (vm_page_grab_for(&kernel_account, VM_PAGE_FOR_USER, false) != NULL)
		taken++;
	CHECK(vm_page_counts.free > 0 && vm_page_grab_for(&kernel_account, VM_PAGE_FOR_SERVER, false) != NULL);
	CHECK(taken < vm_page_counts.total);
	host_report("users leave a reserve to servers and the kernel");
	return host_result();
}
