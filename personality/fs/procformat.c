/* Formatting for /proc. */
#include "fs/procformat.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TICK_NS 10000000ull
#define PAGE    4096ull

void text_append(struct text *text, const void *data, size_t size)
{
	if (text->size + size + 1 > text->room) {
		size_t room = (text->room + size + 1) * 2;
		char *bigger = realloc(text->data, room);

		if (bigger == NULL) {
			text->failed = true;
			return;
		}
		text->data = bigger;
		text->room = room;
	}
	memcpy(text->data + text->size, data, size);
	text->size += size;
	text->data[text->size] = 0;
}

void text_add(struct text *text, const char *format, ...)
{
	char line[1024];
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line, sizeof line, format, arguments);
	va_end(arguments);
	if (length > 0)
		text_append(text, line, (size_t)length < sizeof line ? (size_t)length : sizeof line - 1);
}

void text_free(struct text *text)
{
	free(text->data);
	memset(text, 0, sizeof *text);
}

#define U(value) ((unsigned long long)(value))

void format_stat(struct text *text, const struct proc_facts *f)
{
	/* proc(5), in its order: 52 fields. What the system does not count is 0. */
	text_add(text, "%d (%s) %c %d %d %d %d %d %u 0 0 0 0 ", f->thread != 0 ? f->thread : f->id, f->name, f->state, f->parent, f->group,
		f->session, f->terminal, f->foreground == 0 ? -1 : f->foreground, 0u);
	text_add(text, "%llu %llu %llu %llu %d %d %d 0 %llu ", U(f->user_ns / TICK_NS), U(f->system_ns / TICK_NS),
		U(f->children_user_ns / TICK_NS), U(f->children_system_ns / TICK_NS), f->priority, f->nice, f->threads,
		U(f->started_ns / TICK_NS));
	text_add(text, "%llu %llu %llu %llu %llu %llu 0 0 ", U(f->virtual_bytes), U(f->resident_bytes / PAGE), ~0ull,
		U(f->code_start), U(f->code_end), U(f->stack_start));
	text_add(text, "%llu %llu %llu %llu 0 0 0 %d %u 0 0 0 0 0 0 0 0 0 0 0 0 0\n", U(f->pending & 0x7fffffff),
		U(f->blocked & 0x7fffffff), U(f->ignored & 0x7fffffff), U(f->caught & 0x7fffffff), f->exit_signal,
		f->processor);
}

/* "0-2,5" */
static void add_list(struct text *text, uint64_t set)
{
	const char *before = "";

	for (unsigned i = 0, end; i < 64; i = end) {
		for (end = i; end < 64 && set >> end & 1; end++)
			;
		if (end - i > 1)
			text_add(text, "%s%u-%u", before, i, end - 1);
		else if (end > i)
			text_add(text, "%s%u", before, i);
		if (end > i)
			before = ",";
		end += end == i;
	}
}

static const char *state_name(char state)
{
	switch (state) {
	case 'R':
		return "running";
	case 'T':
		return "stopped";
	case 'Z':
		return "zombie";
	default:
		return "sleeping";
	}
}

void format_status(struct text *text, const struct proc_facts *f)
{
	unsigned i;

	text_add(text,
		"Name:\t%s\nUmask:\t%04o\nState:\t%c (%s)\nTgid:\t%d\nNgid:\t0\nPid:\t%d\nPPid:\t%d\nTracerPid:\t0\n",
		f->name, f->umask, f->state, state_name(f->state), f->id, f->thread != 0 ? f->thread : f->id, f->parent);
	text_add(text, "Uid:\t%u\t%u\t%u\t%u\nGid:\t%u\t%u\t%u\t%u\nFDSize:\t%u\nGroups:\t", f->uid[0], f->uid[1],
		f->uid[2], f->uid[3], f->gid[0], f->gid[1], f->gid[2], f->gid[3], f->fd_size);
	for (i = 0; i < f->groups; i++)
		text_add(text, "%u ", f->group_list[i]);
	text_add(text, "\n");
	if (f->state != 'Z')
		text_add(text, "VmSize:\t%8llu kB\nVmRSS:\t%8llu kB\n", U(f->virtual_bytes / 1024),
			U(f->resident_bytes / 1024));
	text_add(text,
		"Threads:\t%d\nSigPnd:\t%016llx\nShdPnd:\t%016llx\nSigBlk:\t%016llx\nSigIgn:\t%016llx\nSigCgt:\t%016llx\n",
		f->threads, 0ull, U(f->pending), U(f->blocked), U(f->ignored), U(f->caught));
	text_add(text, "CapInh:\t%016llx\nCapPrm:\t%016llx\nCapEff:\t%016llx\nCapBnd:\t%016llx\nCapAmb:\t%016llx\n", U(f->capabilities[0]),
		U(f->capabilities[1]), U(f->capabilities[2]), U(f->capabilities[3]), U(f->capabilities[4]));
	text_add(text, "NoNewPrivs:\t%d\nSeccomp:\t%d\nCpus_allowed:\t%llx\nCpus_allowed_list:\t", f->no_new_privileges,
		f->seccomp, U(f->affinity));
	add_list(text, f->affinity);
	text_add(text, "\n");
}

void format_meminfo(struct text *text, const struct memory_facts *f)
{
	text_add(text,
		"MemTotal:       %8llu kB\nMemFree:        %8llu kB\nMemAvailable:   %8llu kB\nBuffers:        %8llu "
		"kB\n",
		U(f->total / 1024), U(f->free / 1024), U((f->free + f->cached) / 1024), 0ull);
	text_add(text,
		"Cached:         %8llu kB\nSwapCached:     %8llu kB\nActive:         %8llu kB\nInactive:       %8llu "
		"kB\n",
		U(f->cached / 1024), 0ull, U(f->active / 1024), U(f->inactive / 1024));
	text_add(text,
		"SwapTotal:      %8llu kB\nSwapFree:       %8llu kB\nShmem:          %8llu kB\nSReclaimable:   %8llu "
		"kB\n",
		U(f->swap / 1024), U((f->swap - f->swap_used) / 1024), 0ull, 0ull);
}

void format_map(struct text *text, const struct map_facts *f)
{
	size_t before = text->size;

	text_add(text, "%llx-%llx %c%c%c%c %08llx %02x:%02x %llu", U(f->start), U(f->end),
		f->protection & 1 ? 'r' : '-', f->protection & 2 ? 'w' : '-', f->protection & 4 ? 'x' : '-',
		f->shared ? 's' : 'p', U(f->offset), f->major, f->minor, U(f->inode));
	if (f->name != NULL && f->name[0] != 0) {
		while (text->size - before < 73 && !text->failed)
			text_append(text, " ", 1);
		text_append(text, f->name, strlen(f->name));
	}
	text_append(text, "\n", 1);
}
