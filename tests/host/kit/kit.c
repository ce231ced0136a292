/*
 * The pager kit on the build host, between a pretended kernel that keeps pages and a pager whose reads, writes and
 * changes of size fail now and then: what a client wrote is what it reads, errors come to who asked and to nobody else.
 */
#include "pagers/kit/kit.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHECK(good)                                                                                                    \
	do {                                                                                                           \
		if (!(good)) {                                                                                         \
			printf("FAIL %s:%d: not true: %s\n", __FILE__, __LINE__, #good);                               \
			exit(1);                                                                                       \
		}                                                                                                      \
	} while (0)

static void report(const char *claim)
{
	printf("PASS %s\n", claim);
}

enum { PAGES = 96, STEPS = 30000, ROUNDS = 3 };
#include "tests/host/kit/kernel.h"

static unsigned lines;

void pk_log(const char *format, ...)
{
	(void)format;
	lines++;
}

/* --- The pager, and what a client may expect of it. */

struct medium {
	char data[PAGES][PK_PAGE];
	bool bad_read[PAGES], bad_write[PAGES];
	uint64_t size;
	unsigned inside;
	bool full;
};

static struct medium medium;
static struct pk_object object;

static void enter(void)
{
	CHECK(medium.inside++ == 0);
}

static int leave(int error)
{
	medium.inside--;
	return error;
}

static bool any(const bool *bad, uint64_t offset, size_t length)
{
	bool found = false;

	for (uint64_t at = offset; at < offset + length; at += PK_PAGE)
		found |= bad[at / PK_PAGE];
	return found;
}

static int read_medium(void *self, uint64_t offset, void *data, size_t length)
{
	struct medium *m = self;

	enter();
	CHECK(offset % PK_PAGE == 0 && length != 0 && length <= PK_CLUSTER_PAGES * PK_PAGE);
	CHECK(offset + length <= m->size);
	if (any(m->bad_read, offset, length))
		return leave(EIO);
	memcpy(data, m->data[0] + offset, length);
	return leave(0);
}

static int write_medium(void *self, uint64_t offset, const void *data, size_t length)
{
	struct medium *m = self;

	enter();
	CHECK(offset % PK_PAGE == 0 && length != 0 && length <= PK_CLUSTER_PAGES * PK_PAGE);
	if (any(m->bad_write, offset, length))
		return leave(ENOSPC);
	memcpy(m->data[0] + offset, data, length);
	return leave(0);
}

static int resize_medium(void *self, uint64_t size)
{
	struct medium *m = self;

	enter();
	if (m->full && size > m->size)
		return leave(ENOSPC);
	if (size < m->size)
		memset(m->data[0] + size, 0, m->size - size);
	m->size = size;
	return leave(0);
}

static int flush_medium(void *self)
{
	(void)self;
	enter();
	return leave(0);
}

static const struct pk_ops ops = {
	.read = read_medium, .write = write_medium, .resize = resize_medium, .flush = flush_medium};

static char expected[PAGES][PK_PAGE]; /* what was written last */

static bool is_dirty(unsigned page)
{
	return resident[page].state == PRESENT && resident[page].dirty;
}

static void read_page(unsigned page)
{
	uint64_t size;
	int error = reach(page, VM_PROT_READ), wanted;
	unsigned at = (unsigned)rand() % PK_PAGE;

	CHECK(pk_size(&object, &size) == 0);
	wanted = page * PK_PAGE >= size ? EFBIG : medium.bad_read[page] ? EIO : 0;
	/* What is in memory is read, and an error may be an old one. */
	if (!error && page * PK_PAGE < size)
		CHECK(page * PK_PAGE + at >= size || resident[page].data[at] == expected[page][at]);
	else
		CHECK(error == wanted || error == EIO);
}

static void write_page(unsigned page)
{
	uint64_t size;
	int error = reach(page, VM_PROT_WRITE);
	unsigned at = (unsigned)rand() % PK_PAGE;

	CHECK(pk_size(&object, &size) == 0);
	if (error || page * PK_PAGE + at >= size)
		return;
	resident[page].data[at] = expected[page][at] = (char)rand();
	resident[page].dirty = true;
}

/* A flush that says nothing has written all; one that says something keeps what it could not. */
static void flush(void)
{
	bool bad = false;
	int error;

	for (unsigned i = 0; i < PAGES; i++)
		bad |= is_dirty(i) && medium.bad_write[i];
	bad |= object.write_error != 0;
	error = pk_flush(&object);
	CHECK(error == (bad ? ENOSPC : 0));
	for (unsigned i = 0; !bad && i * PK_PAGE < medium.size; i++) {
		size_t inside = medium.size - i * PK_PAGE < PK_PAGE ? medium.size - i * PK_PAGE : PK_PAGE;

		CHECK(memcmp(medium.data[i], expected[i], inside) == 0);
	}
}

static void change_size(void)
{
	uint64_t old = medium.size, size = (uint64_t)rand() % (PAGES * PK_PAGE + 1);
	int error;

	if (rand() % 2)
		size = size / PK_PAGE * PK_PAGE;
	error = pk_resize(&object, size);
	CHECK(error == (size > old && medium.full ? ENOSPC : 0));
	CHECK(medium.size == (error ? old : size));
	if (!error && size < old)
		memset(expected[0] + size, 0, old - size);
}

static void start(const struct pk_ops *of, uint64_t size, unsigned flags)
{
	memset(resident, 0, sizeof resident);
	memset(&medium, 0, sizeof medium);
	memset(expected, 0, sizeof expected);
	medium.size = size;
	CHECK(pk_object_init(&object, of, &medium, size, flags, 5, true) == KERN_SUCCESS);
}

static void at_random(unsigned round)
{
	srand(round);
	start(&ops, 40 * PK_PAGE + 100, 0);
	for (unsigned step = 0; step < STEPS; step++) {
		unsigned page = (unsigned)rand() % PAGES;

		switch (rand() % 16) {
		case 0:
			medium.bad_read[page] = rand() % 8 == 0;
			break;
		case 1:
			medium.bad_write[page] = rand() % 8 == 0;
			break;
		case 2:
			medium.full = rand() % 4 == 0;
			break;
		case 3:
			if (rand() % 8 == 0)
				change_size();
			break;
		case 4:
			flush();
			break;
		case 5:
			/* Under memory pressure, one page. */
			CHECK(pk_clean(&object, page * PK_PAGE, PK_PAGE, true) == 0);
			break;
		case 6:
		case 7:
		case 8:
			write_page(page);
			break;
		default:
			read_page(page);
		}
	}
}

/* --- Single claims. */

static void lies(void)
{
	unsigned before = lines;

	start(&ops, 8 * PK_PAGE, 0);
	kit->data_request(pager, 1, PK_PAGE, VM_PROT_READ);
	kit->data_request(pager, 0, 0, VM_PROT_READ);
	kit->data_request(pager, 0, 100, VM_PROT_READ);
	kit->data_request(pager, ~(vm_offset_t)0 - PK_PAGE + 1, 2 * PK_PAGE, VM_PROT_READ);
	kit->data_unlock(pager, ~(vm_offset_t)0 - PK_PAGE + 1, 2 * PK_PAGE, VM_PROT_WRITE);
	kit->data_return(pager, 5, (vm_address_t)pk_pages_allocate(PK_PAGE), PK_PAGE, TRUE, FALSE);
	for (unsigned i = 0; i < PAGES; i++)
		CHECK(resident[i].state == ABSENT);
	CHECK(lines == before);
	kit->data_return(pager, 90 * PK_PAGE, (vm_address_t)pk_pages_allocate(PK_PAGE), PK_PAGE, TRUE, FALSE);
	CHECK(object.write_error == 0);
	for (unsigned i = 8; i < PAGES; i++)
		CHECK(medium.data[i][0] == 0);
	report("ranges that are none are not answered; pages from behind the end go nowhere");
}

static void read_only(void)
{
	static const struct pk_ops only = {.read = read_medium};

	start(&only, 4 * PK_PAGE, 0);
	memset(medium.data[1], 'x', PK_PAGE);
	CHECK(reach(0, VM_PROT_READ) == 0 && reach(1, VM_PROT_READ) == 0 && resident[1].data[5] == 'x');
	CHECK(reach(1, VM_PROT_WRITE) == EROFS);
	CHECK(reach(1, VM_PROT_READ) == 0 && resident[1].data[5] == 'x');
	CHECK(reach(3, VM_PROT_WRITE) == EROFS && reach(3, VM_PROT_READ) == 0);
	CHECK(pk_resize(&object, 0) == EPERM && pk_flush(&object) == 0);
	report("an object without write() is read, and nobody writes to it");
}

/* A pager of its own pages: holes, which take room when they are written, and no answer at all. */
static bool no_room;

static int answer_holes(void *self, struct pk_answer *answer, uint64_t offset, size_t length)
{
	(void)self;
	if (offset == 6 * PK_PAGE)
		return 0;
	pk_give(answer, offset, PK_HOLE, length);
	return 0;
}

static int reserve(void *self, uint64_t offset, size_t length)
{
	(void)self, (void)offset, (void)length;
	return no_room ? ENOSPC : 0;
}

static int take(void *self, uint64_t offset, void *data, size_t length)
{
	CHECK(offset + length <= ((struct medium *)self)->size);
	pk_pages_free(data, length);
	return 0;
}

static void holes(void)
{
	static const struct pk_ops with_holes = {.answer = answer_holes, .reserve = reserve, .take = take};

	start(&with_holes, 8 * PK_PAGE, 0);
	no_room = true;
	CHECK(reach(0, VM_PROT_READ) == 0 && resident[0].lock == VM_PROT_WRITE);
	CHECK(reach(0, VM_PROT_WRITE) == ENOSPC && reach(0, VM_PROT_READ) == 0);
	no_room = false;
	resident[0].state = ABSENT;
	CHECK(reach(0, VM_PROT_WRITE) == 0 && resident[0].lock == VM_PROT_NONE);
	resident[6].state = ABSENT;
	CHECK(reach(6, VM_PROT_READ) == EIO);
	report("a hole is written when there is room; what a pager does not answer is an error");
}

/* A medium that takes nothing does not fill the memory. */
static void gives_up(void)
{
	start(&ops, PAGES * PK_PAGE, 0);
	for (unsigned i = 0; i < PAGES; i++) {
		medium.bad_write[i] = true;
		CHECK(reach(i, VM_PROT_WRITE) == 0);
		resident[i].dirty = true;
	}
	while (object.counters.pages_lost == 0 && object.counters.write_errors < 1000)
		CHECK(pk_flush(&object) == ENOSPC);
	CHECK(object.counters.pages_lost != 0);
	CHECK(object.counters.write_errors * 16 > 1000 && object.counters.write_errors * 16 < 1200);
	report("a medium that takes nothing is given up after a thousand pages");
}

int main(void)
{
	for (unsigned i = 0; i < ROUNDS; i++)
		at_random(i + 1);
	report("what was written is read, whatever fails");
	lies();
	read_only();
	holes();
	gives_up();
	return 0;
}
