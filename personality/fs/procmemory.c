/* What of a process's memory is where: /proc/PID/smaps, smaps_rollup, pagemap. */
#include <errno.h>
#include <mach/mach.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "file/file.h"
#include "fs/procfs.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "vfs/vfs.h"

#define KB(pages) ((unsigned long long)(pages) * (VM_PAGE_SIZE / 1024))

/* Pages of an area, or of several. */
struct sums {
	uint64_t size, resident, referenced, anonymous, swapped, locked;
	uint64_t clean[2], dirty[2]; /* [1]: of a copy that is not made yet, so others see them, too */
};

static void add_page(struct sums *sums, const struct vm_area *area, unsigned page)
{
	const bool shared = (page & VM_PAGE_QUERY_PAGE_COPIED) != 0;

	sums->swapped += (page & VM_PAGE_QUERY_PAGE_PAGED_OUT) != 0;
	if (!(page & VM_PAGE_QUERY_PAGE_MAPPED))
		return;
	sums->resident++;
	sums->referenced += (page & VM_PAGE_QUERY_PAGE_REF) != 0;
	sums->anonymous += !(page & VM_PAGE_QUERY_PAGE_EXTERNAL) && !(area->flags & MAP_SHARED);
	sums->locked += (area->flags & MAP_LOCKED) != 0;
	/* An anonymous page has nowhere to be clean. */
	if (page & VM_PAGE_QUERY_PAGE_DIRTY || !(page & VM_PAGE_QUERY_PAGE_EXTERNAL))
		sums->dirty[shared]++;
	else
		sums->clean[shared]++;
}

static void sum_up(struct sums *sums, const struct address_space *space, const struct vm_area *area)
{
	page_query_t pages;

	sums->size += (area->end - area->start) / VM_PAGE_SIZE;
	for (uint64_t at = area->start; at < area->end; at += sizeof pages / sizeof pages[0] * VM_PAGE_SIZE) {
		mach_msg_type_number_t count = VM_PAGE_QUERY_MAX;

		if (vm_page_range_query(space->task, at, pages, &count) != KERN_SUCCESS)
			return;
		for (uint64_t i = 0; i < count && at + i * VM_PAGE_SIZE < area->end; i++)
			add_page(sums, area, (unsigned)pages[i]);
	}
}

static void say(struct text *text, const char *what, uint64_t pages)
{
	text_add(text, "%-15s %8llu kB\n", what, KB(pages));
}

static void say_sums(struct text *text, const struct sums *sums)
{
	/* Nobody counts how many see a page: a proportional share is that of one. */
	say(text, "Rss:", sums->resident);
	say(text, "Pss:", sums->resident);
	say(text, "Pss_Dirty:", sums->dirty[0] + sums->dirty[1]);
	say(text, "Shared_Clean:", sums->clean[1]);
	say(text, "Shared_Dirty:", sums->dirty[1]);
	say(text, "Private_Clean:", sums->clean[0]);
	say(text, "Private_Dirty:", sums->dirty[0]);
	say(text, "Referenced:", sums->referenced);
	say(text, "Anonymous:", sums->anonymous);
	say(text, "LazyFree:", 0);
	say(text, "AnonHugePages:", 0);
	say(text, "ShmemPmdMapped:", 0);
	say(text, "FilePmdMapped:", 0);
	say(text, "Shared_Hugetlb:", 0);
	say(text, "Private_Hugetlb:", 0);
	say(text, "Swap:", sums->swapped);
	say(text, "SwapPss:", sums->swapped);
	say(text, "Locked:", sums->locked);
}

static void say_flags(struct text *text, const struct vm_area *area)
{
	text_add(text, "THPeligible:           0\nVmFlags:%s%s%s%s%s%s%s%s\n", area->protection & PROT_READ ? " rd" : "",
		area->protection & PROT_WRITE ? " wr" : "", area->protection & PROT_EXEC ? " ex" : "",
		area->flags & MAP_SHARED ? " sh" : "", area->maximum & PROT_READ ? " mr" : "",
		area->maximum & PROT_WRITE ? " mw" : "", area->maximum & PROT_EXEC ? " me" : "",
		area->flags & MAP_LOCKED ? " lo" : "");
}

void proc_text_smaps(struct text *text, struct process *process, struct call *call)
{
	const struct address_space *space = process->memory;

	if (space == NULL)
		return;
	list_for_each (link, &space->areas.list) {
		const struct vm_area *area = list_entry(link, struct vm_area, link);
		struct sums sums = {0};

		proc_text_area(text, area, call);
		sum_up(&sums, space, area);
		say(text, "Size:", sums.size);
		say(text, "KernelPageSize:", 1);
		say(text, "MMUPageSize:", 1);
		say_sums(text, &sums);
		say_flags(text, area);
	}
}

void proc_text_smaps_rollup(struct text *text, struct process *process, struct call *call)
{
	const struct address_space *space = process->memory;
	struct map_facts facts = {.name = "[rollup]"};
	struct sums sums = {0};

	(void)call;
	if (space == NULL)
		return;
	list_for_each (link, &space->areas.list) {
		const struct vm_area *area = list_entry(link, struct vm_area, link);

		facts.start = facts.end == 0 ? area->start : facts.start;
		facts.end = area->end;
		sum_up(&sums, space, area);
	}
	format_map(text, &facts);
	say_sums(text, &sums);
}

/* --- pagemap: a word for each page, without the number of the page's frame, which is nobody's business. */

#define PAGEMAP_PRESENT (1ull << 63)
#define PAGEMAP_SWAPPED (1ull << 62)
#define PAGEMAP_FILE    (1ull << 61)

static uint64_t pagemap_word(unsigned page)
{
	if (page & VM_PAGE_QUERY_PAGE_PAGED_OUT)
		return PAGEMAP_SWAPPED;
	if (!(page & VM_PAGE_QUERY_PAGE_MAPPED))
		return 0;
	return PAGEMAP_PRESENT | (page & VM_PAGE_QUERY_PAGE_EXTERNAL ? PAGEMAP_FILE : 0);
}

static int64_t pagemap_read(struct file *file, struct io *io, uint64_t *offset)
{
	const struct process *process = process_find((int)(intptr_t)file->data);
	uint64_t words[VM_PAGE_QUERY_MAX], at = *offset / sizeof words[0] * VM_PAGE_SIZE;
	int error = 0;

	if (*offset % sizeof words[0] != 0 || io->total % sizeof words[0] != 0)
		return -EINVAL;
	if (process == NULL || !process_may_inspect(io->call->process, process))
		return process == NULL ? 0 : -EACCES;
	while (error == 0 && io->done < io->total && at < VM_MAX_ADDRESS) {
		mach_msg_type_number_t count = VM_PAGE_QUERY_MAX;
		uint64_t size = io->total - io->done;
		page_query_t pages;

		if (vm_page_range_query(process_task(process), at, pages, &count) != KERN_SUCCESS)
			break;
		for (unsigned i = 0; i < VM_PAGE_QUERY_MAX; i++)
			words[i] = pagemap_word((unsigned)pages[i]);
		if (size > sizeof words)
			size = sizeof words;
		if (size > (VM_MAX_ADDRESS - at) / VM_PAGE_SIZE * sizeof words[0])
			size = (VM_MAX_ADDRESS - at) / VM_PAGE_SIZE * sizeof words[0];
		error = io_copy_out(io, words, size);
		at += size / sizeof words[0] * VM_PAGE_SIZE;
	}
	return error != 0 && io->done == 0 ? call_result(error) : (int64_t)io->done;
}

static int64_t pagemap_seek(struct file *file, int64_t offset, int whence)
{
	if (whence == SEEK_CUR)
		offset += (int64_t)file->position;
	else if (whence != SEEK_SET)
		return -EINVAL;
	if (offset < 0)
		return -EINVAL;
	file->position = (uint64_t)offset;
	return offset;
}

static const struct file_ops pagemap_ops = {.read = pagemap_read, .seek = pagemap_seek};

void proc_open_pagemap(struct file *file, const struct process *process)
{
	file->ops = &pagemap_ops;
	file->data = (void *)(intptr_t)process->id;
	file->seekable = true;
}
