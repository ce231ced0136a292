/*
 * compose-mach SEED STEPS [show]: a Mach program beneath Unix with some tasks of its own composes valid operations of
 * the kernel's: names and rights, messages, requests, tasks, threads that wait, memory, and processes beside, at random
 * but always the same way for a seed, and follows them in a model (model.h). After each step what it concerns is
 * compared, every few steps everything is. A task has no right that nobody sent it, and at the end of each round
 * everything is given back. With `show` each step is printed.
 *
 * tests/unix/compose is the same for files and identities.
 */
#include "compose.h"

#include <grp.h>
#include <mach/account.h>
#include <servers/unix.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum {
	ROUND = 1000,
	WARM_UP = 300,
	COMPARE_EVERY = 8,
	SETTLING = 3,
	SLACK = 16384 /* page tables of places not used before */,
	TABLE = 600,
	USER = 1000
};

static uint64_t state;
static unsigned long seed;
static bool show;

/* xorshift64: Marsaglia, Journal of Statistical Software 8 (2003). */
unsigned pick(unsigned below)
{
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return (unsigned)(state >> 20) % below;
}

void say(const char *format, ...)
{
	va_list arguments;

	if (!show)
		return;
	printf("%lu: ", step);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
}

void wrong(const char *format, ...)
{
	va_list arguments;

	printf("WRONG: seed %lu, step %lu: ", seed, step);
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	putchar('\n');
	exit(1);
}

void expect(const char *what, int64_t got, int64_t wanted)
{
	if (got != wanted)
		wrong("%s: %lld (%#llx), not %lld (%#llx)", what, (long long)got, (unsigned long long)got,
			(long long)wanted, (unsigned long long)wanted);
}

void nap(uint32_t milliseconds)
{
	mach_trap(TRAP_THREAD_SWITCH, MACH_PORT_NULL, SWITCH_OPTION_WAIT, milliseconds, 0, 0, 0);
}

/* --- A round: all begins anew, and nothing of it is left. */

static void one_step(void)
{
	static const struct {
		unsigned weight;
		void (*run)(void);
	} kinds[] = {{30, rights_operation}, {10, request_operation}, {10, receiver_operation}, {5, task_operation},
		{2, thread_operation}, {30, send_operation}, {25, receive_operation}, {20, memory_operation},
		{16, waiting_operation}, {25, paging_operation}, {1, unix_operation}};
	unsigned all = 0, choice;

	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; i++)
		all += kinds[i].weight;
	choice = pick(all);
	for (unsigned i = 0; i < sizeof kinds / sizeof *kinds; choice -= kinds[i++].weight) {
		if (choice < kinds[i].weight) {
			kinds[i].run();
			return;
		}
	}
}

static void compare(void)
{
	for (int s = 0; s < SPACES; s++) {
		if (task_port[s] == NULL)
			continue;
		compare_rights(s);
		if (s != OWN) {
			compare_memory(s);
			compare_pages(s);
		}
	}
}

static void end_all(void)
{
	for (int s = 1; s < SPACES; s++)
		if (task_port[s] != NULL)
			task_ends(s);
	for (unsigned i = 0; i < NAMES; i++) {
		const mach_port_name_t name = names[OWN][i].name;

		if (name != 0 && !names[OWN][i].pinned) {
			expect("a name goes", mach_port_destroy(mach_task_self(), name), KERN_SUCCESS);
			(void)model_destroy(OWN, name);
		}
	}
}

/* Steps from first to end. */
static void one_round(mach_port_t account, unsigned long first, unsigned long end)
{
	model_reset();
	memory_reset();
	actors_prepare(account);
	pagers_begin();
	for (int s = 0; s < SPACES; s++)
		answers_forget(s);
	task_port[OWN] = model_new_port(-1);
	task_port[OWN]->kernel = true;
	for (step = first; step < end && model_has_room(); step++) {
		one_step();
		waiting_settle();
		if (step % COMPARE_EVERY == 0)
			compare();
	}
	step = end;
	compare();
	end_all();
	pagers_end();
	compare_rights(OWN);
	actors_all_gone();
}

/* --- Who pays. */

struct holdings {
	uint64_t bytes, pages; /* of this program's account */
	uint64_t nobodys;      /* bytes more than at boot that are on the kernel's own */
};

static struct holdings holdings(mach_port_t account, mach_port_t host)
{
	struct account_info info = {0};
	uint64_t memory[HOST_INFO_WORDS_MAX];
	mach_msg_type_number_t count = HOST_INFO_WORDS_MAX;
	const struct host_memory_info *of_host = (const void *)memory;

	expect("an account is told of", account_info(account, (uint64_t *)&info), KERN_SUCCESS);
	expect("the host's memory", portolan_host_info(host, HOST_MEMORY_INFO, memory, &count), KERN_SUCCESS);
	return (struct holdings){info.bytes, info.pages, of_host->kernel_bytes - of_host->kernel_bytes_at_boot};
}

/*
 * What this program itself has at the end of a round. Forks leave its memory in objects behind objects: the next two
 * make one of them again.
 */
static struct holdings settled(mach_port_t account, mach_port_t host)
{
	for (unsigned i = 0; i < 2; i++) {
		mach_port_t task = MACH_PORT_NULL;

		expect("a task is made", task_create(mach_task_self(), TRUE, &task), KERN_SUCCESS);
		expect("it ends", task_terminate(task), KERN_SUCCESS);
		expect("its name goes", mach_port_deallocate(mach_task_self(), task), KERN_SUCCESS);
	}
	return holdings(account, host);
}

/* The table of this program's names does not shrink. */
static void make_table(void)
{
	static mach_port_name_t name[TABLE];

	for (unsigned i = 0; i < TABLE; i++)
		expect("a name is made", mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_DEAD_NAME, &name[i]),
			KERN_SUCCESS);
	for (unsigned i = TABLE; i-- > 0;)
		expect("it goes", mach_port_deallocate(mach_task_self(), name[i]), KERN_SUCCESS);
}

static uint64_t more(uint64_t one, uint64_t other)
{
	return one > other ? one : other;
}

static bool is_more(const struct holdings *now, const struct holdings *most)
{
	return now->bytes > most->bytes + SLACK || now->pages > most->pages || now->nobodys > most->nobodys;
}

/* The same program again, as an ordinary user's that root lets use the kernel's traps. */
static _Noreturn void begin_as_user(char **arguments)
{
	if (prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_TRAPS, 0, 0, 0) == 0 && setgroups(0, NULL) == 0 &&
		setresgid(USER, USER, USER) == 0 && setresuid(USER, USER, USER) == 0)
		execv("/proc/self/exe", arguments);
	perror("compose-mach");
	exit(2);
}

int main(int argc, char **argv)
{
	mach_port_t account = MACH_PORT_NULL, host;
	struct holdings most, now;
	unsigned long steps;

	if (argc == 2 && strcmp(argv[1], "child") == 0)
		return unix_child();
	if (argc < 3) {
		fprintf(stderr, "usage: compose-mach SEED STEPS [show]\n");
		return 2;
	}
	if (getuid() == 0)
		begin_as_user(argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	seed = strtoul(argv[1], NULL, 10);
	steps = strtoul(argv[2], NULL, 10);
	show = argc > 3;
	state = 88172645463325252ull ^ (uint64_t)seed << 17;
	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	host = mach_host_self();
	expect("the account", task_get_account(mach_task_self(), &account), KERN_SUCCESS);
	/* What is kept for the next time is made first. */
	make_table();
	one_round(account, 0, WARM_UP);
	most = settled(account, host);
	for (unsigned long first = 0; first < steps; first += ROUND) {
		one_round(account, first, steps - first < ROUND ? steps : first + ROUND);
		now = settled(account, host);
		say("%llu bytes and %llu pages on the account", (unsigned long long)now.bytes,
			(unsigned long long)now.pages);
		if (first < SETTLING * ROUND)
			most = (struct holdings){more(now.bytes, most.bytes), more(now.pages, most.pages),
				more(now.nobodys, most.nobodys)};
		/* What a task had goes a little after it. */
		for (unsigned naps = 0; naps < PATIENCE && is_more(&now, &most); naps++) {
			nap(1);
			now = holdings(account, host);
		}
		if (is_more(&now, &most))
			wrong("at the end of a round %llu bytes and %llu pages are on the account, at most %llu and "
			      "%llu at "
			      "first; %llu bytes more than at boot on nobody's",
				(unsigned long long)now.bytes, (unsigned long long)now.pages,
				(unsigned long long)most.bytes, (unsigned long long)most.pages,
				(unsigned long long)now.nobodys);
	}
	printf("end, %lu steps\n", steps);
	return 0;
}
