/*
 * Any pager through the whole protocol: it, the kit and a pretended kernel, over disks that lose what was not flushed.
 * Requests, writes, returns by cleaning and for want of memory, refusals, flushes and messages that are lies come at
 * random; accesses below fail now and then; each instance ends by a power cut at any access, or dies. What is read is
 * what was written last; at the next start a page is as it was flushed, or as it was written since.
 *
 * Compiled once for each pager, with BENCH_FILE (its main.c), BENCH_PROGRAM (its struct pk_program), BENCH_ARGUMENTS,
 * DISKS, and BENCH_TORN: a page that was written and not flushed may be an error or anything after a cut, for one that
 * promises no more: 1, when accesses fail as well; 2, always. Each instance is a process of its own, so that it begins
 * as the program does.
 */
enum { DISK_PAGES = 120, PAGES = 2 * DISK_PAGES, OBJECT_PAGES = PAGES, ROUNDS = 400, STEPS = 120, CUT = 3 };
#define DISKS_CUT() _exit(CUT)
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "tests/host/pagers/disks.h"

#include "tests/host/kit/kernel.h"

#include <pthread.h>
/* What a pager does in the background is done at its start. */
#define pthread_create(thread, attributes, function, argument) ((void)(thread), (void)function(argument), 0)
#define crypt                                                  crypt_program /* libc has one */
#include BENCH_FILE

/* What outlives an instance, beside the disks. */
static struct {
	bool may_be[PAGES][256];
	bool torn[PAGES];  /* it may be an error, or anything */
	bool doubt[PAGES]; /* a flush failed after it was written, which was said; so the next one does not speak of it
			    */
	bool power_lost;   /* before this instance */
	unsigned cuts, deaths, errors, flushes, requests, refused;
} * model;

static struct pk_object object;
static unsigned object_pages;
static int known[PAGES]; /* the byte of what the page has; -1: it is an error until it is written */
static bool faulty;      /* accesses fail in this round */

static bool is_dirty(unsigned page)
{
	return resident[page].state == PRESENT && resident[page].dirty;
}

/* At a start: what each page has become. */
static void check_all(void)
{
	for (unsigned i = 0; i < object_pages; i++) {
		int error = reach(i, VM_PROT_READ);
		unsigned char byte = error ? 0 : (unsigned char)resident[i].data[0];
		bool good = !error && is_filled((unsigned char *)resident[i].data) && model->may_be[i][byte];

		CHECK(good || model->torn[i]);
		known[i] = good ? byte : -1;
		/* Without a power cut the disks have still to lose what they were not told to keep. */
		if (!model->power_lost)
			continue;
		memset(model->may_be[i], 0, sizeof(model->may_be[i]));
		if (good)
			model->may_be[i][byte] = true;
		model->torn[i] = !good;
		model->doubt[i] = false;
	}
}

static void write_page(unsigned i)
{
	unsigned char byte = (unsigned char)pick(256);

	if (reach(i, VM_PROT_WRITE) != 0) {
		CHECK(faulty || known[i] < 0);
		model->errors++;
		/* Who cannot read it writes all of it. */
		if (resident[i].state == PRESENT)
			return;
		resident[i] = (struct page){.state = PRESENT};
	}
	fill(resident[i].data, byte);
	resident[i].dirty = true;
	known[i] = byte;
	model->may_be[i][byte] = true;
	model->doubt[i] = false;
	model->torn[i] |= BENCH_TORN == 2 || (BENCH_TORN == 1 && faulty);
}

static void read_page_at(unsigned i)
{
	int error = reach(i, VM_PROT_READ);

	CHECK(!error || faulty || known[i] < 0);
	model->errors += error != 0;
	if (!error && known[i] >= 0)
		CHECK((unsigned char)resident[i].data[0] == known[i] && is_filled((unsigned char *)resident[i].data));
}

static void flush(void)
{
	int error = pk_flush(&object);

	CHECK(!error || faulty || error == ENOSPC);
	model->errors += error != 0;
	for (unsigned i = 0; i < object_pages && error; i++)
		model->doubt[i] |= BENCH_TORN == 2 && model->torn[i];
	if (error)
		return;
	model->flushes++;
	for (unsigned i = 0; i < object_pages; i++) {
		CHECK(!is_dirty(i));
		if (known[i] < 0 || model->doubt[i])
			continue;
		memset(model->may_be[i], 0, sizeof(model->may_be[i]));
		model->may_be[i][known[i]] = true;
		model->torn[i] = false;
	}
}

/* Messages that whoever may map the object can send, too. */
static void lie(void)
{
	vm_offset_t offset = pick(2) ? pick(1 << 20) | 1 : ~(vm_offset_t)0 - PK_PAGE + 1;
	size_t length = pick(3) * PK_PAGE;

	switch (pick(3)) {
	case 0:
		kit->data_request(pager, offset, length + pick(2), VM_PROT_READ);
		break;
	case 1:
		kit->data_unlock(pager, offset, length, VM_PROT_WRITE);
		break;
	default:
		kit->data_return(pager, (PAGES + pick(20)) * PK_PAGE, (vm_address_t)pk_pages_allocate(PK_PAGE), PK_PAGE,
			TRUE, FALSE);
	}
}

static void step(void)
{
	unsigned i = pick(object_pages), n = 1 + pick(8);

	switch (pick(12)) {
	case 0:
		flush();
		break;
	case 1:
		lie();
		break;
	case 2:
	case 3:
		CHECK(pk_clean(&object, i * PK_PAGE, (i + n > object_pages ? object_pages - i : n) * PK_PAGE,
			      pick(2)) == 0);
		/* What could not be written is the kernel's again. */
		for (unsigned j = i; j < i + n && j < object_pages; j++)
			model->refused += is_dirty(j);
		break;
	case 4:
	case 5:
	case 6:
	case 7:
		write_page(i);
		break;
	default:
		read_page_at(i);
	}
}

static void instance(void)
{
	static char arguments[][16] = {BENCH_ARGUMENTS};
	char *argv[sizeof(arguments) / sizeof(arguments[0])];
	struct pk_lower *lowers[PK_LOWERS_MAX];
	int argc = 0;
	uint64_t size = 0;
	void *self = NULL;
	static struct pk_ops ops;

	for (size_t i = 0; i < sizeof(arguments) / sizeof(arguments[0]); i++)
		argv[argc++] = arguments[i];
	for (unsigned i = 0; i < DISKS; i++)
		lowers[i] = &disks[i];
	CHECK(BENCH_PROGRAM.open(argc, argv, lowers, &self, &size) == 0);
	until_cut = 0;
	object_pages = (unsigned)(size / PK_PAGE < PAGES ? size / PK_PAGE : PAGES);
	ops = BENCH_PROGRAM.ops;
	if (!ops.flush)
		ops.flush = flush_disks;
	CHECK(pk_object_init(&object, &ops, self, size, 0, 5, true) == KERN_SUCCESS && object_pages > 0);
	check_all();
	until_cut = 1 + pick(20u << pick(8));
	faulty = pick(3) == 0;
	fails_in = faulty ? 15 + pick(60) : 0;
	for (unsigned n = 0; n < STEPS && object.counters.pages_lost == 0; n++)
		step();
	model->requests += (unsigned)object.counters.requests;
	_exit(0);
}

int main(void)
{
	int status;

	model = mmap(NULL, sizeof(*model), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	CHECK(model != MAP_FAILED && mmap(disks, sizeof(disks), PROT_READ | PROT_WRITE,
					     MAP_SHARED | MAP_ANONYMOUS | MAP_FIXED, -1, 0) == disks);
	for (unsigned i = 0; i < PAGES; i++) {
		model->may_be[i][0] = true;
		model->torn[i] = BENCH_TORN == 2; /* there may be no format */
	}
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		pid_t child = fork();

		if (child == 0) {
			pick_state = round_number * 2654435761u + 1;
			until_cut = round_number && pick(2) ? 1 + pick(300) : 0;
			instance();
		}
		CHECK(child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status));
		CHECK(WEXITSTATUS(status) == 0 || WEXITSTATUS(status) == CUT);
		model->cuts += WEXITSTATUS(status) == CUT;
		model->deaths += WEXITSTATUS(status) == 0;
		model->power_lost = WEXITSTATUS(status) == CUT || pick(2);
		if (model->power_lost)
			lose_power();
	}
	CHECK(model->cuts > ROUNDS / 20 && model->deaths > ROUNDS / 20 && model->flushes > ROUNDS / 4);
	CHECK(model->errors > ROUNDS / 20 && model->requests > ROUNDS);
	printf("PASS %s: through the whole protocol, with %u power cuts, %u deaths, %u errors, %u refusals after %u "
	       "flushes\n",
		BENCH_FILE, model->cuts, model->deaths, model->errors, model->refused, model->flushes);
	return 0;
}
