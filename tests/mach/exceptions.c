/* Exception ports at thread, task and host, in all behaviours, with handlers as Apple's and OSF's programs have them.
 */
#include "cases.h"
#include "exc_server.h"
#include "mach_exc_server.h"

#include <string.h>

#define MARK     0x1234500
#define UD2_SIZE 2
#define KINDS    EXC_TYPES_COUNT

/* What the child found in rbx behind its invalid instruction. */
static volatile uint64_t found;

static void faults(uint64_t unused)
{
	uint64_t value;

	(void)unused;
	__asm__ volatile("xorl %%ebx, %%ebx; ud2; movq %%rbx, %0" : "=r"(value) : : "rbx");
	found = value;
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

/* What the handlers were told last. */
static struct {
	const char *by;
	mach_port_t thread, task;
	int exception;
	int64_t code;
	unsigned code_count, state_count; /* words; of the state without its header */
	kern_return_t answer;
} told;

static void note(const char *by, mach_port_t thread, mach_port_t task, int exception, int64_t code, unsigned count)
{
	told.by = by;
	told.thread = thread;
	told.task = task;
	told.exception = exception;
	told.code = code;
	told.code_count = count;
	if (thread != MACH_PORT_NULL && told.answer == KERN_SUCCESS) {
		mach_port_deallocate(self, thread);
		mach_port_deallocate(self, task);
	}
}

/* Behind the instruction, with a mark in rbx. */
static void go_on(x86_thread_state64_t *state)
{
	state->rip += UD2_SIZE;
	state->rbx = MARK;
}

static void set_behind(thread_t thread)
{
	x86_thread_state64_t state;
	mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;

	thread_get_state(thread, x86_THREAD_STATE64, (thread_state_t)&state, &count);
	go_on(&state);
	thread_set_state(thread, x86_THREAD_STATE64, (natural_t *)&state, count);
}

static void answer_state(
	int flavor, const natural_t *old, unsigned count, natural_t *new, mach_msg_type_number_t *new_count)
{
	x86_thread_state64_t state;
	const unsigned header = flavor == x86_THREAD_STATE ? 2 : 0;

	told.state_count = count - header;
	memcpy(new, old, count * sizeof(*old));
	memcpy(&state, new + header, sizeof(state));
	go_on(&state);
	memcpy(new + header, &state, sizeof(state));
	*new_count = count;
}

kern_return_t catch_mach_exception_raise(mach_port_t port, mach_port_t thread, mach_port_t task,
	exception_type_t exception, mach_exception_data_t code, mach_msg_type_number_t count)
{
	(void)port;
	if (told.answer == KERN_SUCCESS)
		set_behind(thread);
	note("mach_exception_raise", thread, task, exception, code[0], count);
	return told.answer;
}

kern_return_t catch_mach_exception_raise_state(mach_port_t port, exception_type_t exception, mach_exception_data_t code,
	mach_msg_type_number_t count, int *flavor, thread_state_t old, mach_msg_type_number_t old_count,
	thread_state_t new, mach_msg_type_number_t *new_count)
{
	(void)port;
	answer_state(*flavor, old, old_count, new, new_count);
	note("mach_exception_raise_state", MACH_PORT_NULL, MACH_PORT_NULL, exception, code[0], count);
	return told.answer;
}

kern_return_t catch_mach_exception_raise_state_identity(mach_port_t port, mach_port_t thread, mach_port_t task,
	exception_type_t exception, mach_exception_data_t code, mach_msg_type_number_t count, int *flavor,
	thread_state_t old, mach_msg_type_number_t old_count, thread_state_t new, mach_msg_type_number_t *new_count)
{
	(void)port;
	answer_state(*flavor, old, old_count, new, new_count);
	note("mach_exception_raise_state_identity", thread, task, exception, code[0], count);
	return told.answer;
}

kern_return_t catch_exception_raise(mach_port_t port, mach_port_t thread, mach_port_t task, exception_type_t exception,
	exception_data_t code, mach_msg_type_number_t count)
{
	(void)port;
	if (told.answer == KERN_SUCCESS)
		set_behind(thread);
	note("exception_raise", thread, task, exception, code[0], count);
	return told.answer;
}

kern_return_t catch_exception_raise_state(mach_port_t port, exception_type_t exception, exception_data_t code,
	mach_msg_type_number_t count, int *flavor, thread_state_t old, mach_msg_type_number_t old_count,
	thread_state_t new, mach_msg_type_number_t *new_count)
{
	(void)port;
	answer_state(*flavor, old, old_count, new, new_count);
	note("exception_raise_state", MACH_PORT_NULL, MACH_PORT_NULL, exception, code[0], count);
	return told.answer;
}

kern_return_t catch_exception_raise_state_identity(mach_port_t port, mach_port_t thread, mach_port_t task,
	exception_type_t exception, exception_data_t code, mach_msg_type_number_t count, int *flavor,
	thread_state_t old, mach_msg_type_number_t old_count, thread_state_t new, mach_msg_type_number_t *new_count)
{
	(void)port;
	answer_state(*flavor, old, old_count, new, new_count);
	note("exception_raise_state_identity", thread, task, exception, code[0], count);
	return told.answer;
}

static boolean_t serve(mach_msg_header_t *in, mach_msg_header_t *out)
{
	return mach_exc_server(in, out) || exc_server(in, out);
}

enum level { AT_THREAD, AT_TASK, AT_HOST, LEVELS };

/* Each behaviour at each level: the child goes on behind its instruction, with what the handler has put into rbx. */
static void each_behaviour(mach_port_t port)
{
	static const struct {
		unsigned behavior;
		int flavor;
		const char *by;
	} ways[] = {
		{EXCEPTION_DEFAULT, THREAD_STATE_NONE, "exception_raise"},
		{EXCEPTION_STATE, x86_THREAD_STATE64, "exception_raise_state"},
		{EXCEPTION_STATE_IDENTITY, x86_THREAD_STATE, "exception_raise_state_identity"},
		{EXCEPTION_DEFAULT | MACH_EXCEPTION_CODES, x86_THREAD_STATE64, "mach_exception_raise"},
		{EXCEPTION_STATE | MACH_EXCEPTION_CODES, x86_THREAD_STATE, "mach_exception_raise_state"},
		{EXCEPTION_STATE_IDENTITY | MACH_EXCEPTION_CODES, x86_THREAD_STATE64,
			"mach_exception_raise_state_identity"},
	};
	struct child child;

	for (unsigned i = 0; i < LEVELS * sizeof(ways) / sizeof(*ways); i++) {
		const unsigned way = i / LEVELS;
		const exception_behavior_t behavior = (exception_behavior_t)ways[way].behavior;
		const exception_mask_t mask = EXC_MASK_BAD_INSTRUCTION | EXC_MASK_ARITHMETIC;

		if (!child_create(&child, faults, 0, MACH_PORT_NULL))
			return;
		switch ((enum level)(i % LEVELS)) {
		case AT_THREAD:
			CASE(thread_set_exception_ports, (child.thread, mask, port, behavior, ways[way].flavor),
				KERN_SUCCESS, "one behaviour");
			break;
		case AT_TASK:
			CASE(task_set_exception_ports, (child.task, mask, port, behavior, ways[way].flavor),
				KERN_SUCCESS, "one behaviour");
			break;
		default:
			CASE(host_set_exception_ports, (host_priv, mask, port, behavior, ways[way].flavor),
				KERN_SUCCESS, "one behaviour");
		}
		memset(&told, 0, sizeof(told));
		thread_resume(child.thread);
		check_is("a handler is asked", mach_msg_server_once(serve, 8192, port, 0), MACH_MSG_SUCCESS);
		check_is("it is told in its way", told.by != NULL && strcmp(told.by, ways[way].by) == 0, 1);
		check_is("of the kind", told.exception, EXC_BAD_INSTRUCTION);
		check_is("with two codes, the first the trap", told.code_count == 2 && told.code == 6, 1);
		if (strstr(told.by, "state") != NULL)
			check_is("with a state of its flavour's length", told.state_count, x86_THREAD_STATE64_COUNT);
		check_is("of the thread", told.thread,
			strstr(ways[way].by, "identity") || !strstr(ways[way].by, "state") ? child.thread
											   : MACH_PORT_NULL);
		check_is("the thread goes on as the handler says", child_word_not(&child, &found, 0), MARK);
		child_end(&child);
	}
	host_set_exception_ports(host_priv, EXC_MASK_ALL, MACH_PORT_NULL, EXCEPTION_DEFAULT, THREAD_STATE_NONE);
}

/* Who does not handle it passes it on; who answers a state with nonsense has not handled it. */
static void in_turn(mach_port_t port)
{
	struct child child;

	if (!child_create(&child, faults, 0, MACH_PORT_NULL))
		return;
	thread_set_exception_ports(child.thread, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, THREAD_STATE_NONE);
	task_set_exception_ports(child.task, EXC_MASK_ALL, port,
		(exception_behavior_t)(EXCEPTION_STATE | MACH_EXCEPTION_CODES), x86_THREAD_STATE64);
	memset(&told, 0, sizeof(told));
	told.answer = KERN_FAILURE;
	thread_resume(child.thread);
	mach_msg_server_once(serve, 8192, port, 0);
	check_is("the thread's handler is asked first", told.by != NULL && strcmp(told.by, "exception_raise") == 0, 1);
	told.answer = KERN_SUCCESS;
	mach_msg_server_once(serve, 8192, port, 0);
	check_is("then the task's", strcmp(told.by, "mach_exception_raise_state"), 0);
	check_is("the thread goes on as that says", child_word_not(&child, &found, 0), MARK);
	check_is("rights of the request that was refused are gone", refs_of(child.thread, MACH_PORT_RIGHT_SEND), 1);
	child_end(&child);
}

/* --- Answers with registers for one whose wait is aborted at the same time. */

#define RACES 3000

static volatile uint64_t behind; /* the child's: how often it went on behind its instruction */

static void faults_on(uint64_t unused)
{
	(void)unused;
	for (;;) {
		__asm__ volatile("ud2" ::: "rbx");
		behind++;
	}
}

static struct {
	mach_port_t thread;
	uint32_t asked, stop, stopped;
} race;

/* Aborts once for each request, so that no more of them wait than the handler takes. */
static void abort_each(uint64_t unused)
{
	uint32_t seen = 0;

	(void)unused;
	while (__atomic_load_n(&race.stop, __ATOMIC_SEQ_CST) == 0) {
		uint32_t now = __atomic_load_n(&race.asked, __ATOMIC_SEQ_CST);

		if (now == seen)
			thread_switch(MACH_PORT_NULL, SWITCH_OPTION_NONE, 0);
		else
			thread_abort(race.thread);
		seen = now;
	}
	__atomic_store_n(&race.stopped, 1, __ATOMIC_SEQ_CST);
}

static boolean_t serve_raced(mach_msg_header_t *in, mach_msg_header_t *out)
{
	__atomic_fetch_add(&race.asked, 1, __ATOMIC_SEQ_CST);
	return serve(in, out);
}

static void answers_and_aborts(void)
{
	mach_port_t port = new_port(); /* its own: requests that were aborted stay in it */
	struct child child;
	unsigned served = 0;

	if (!child_create(&child, faults_on, 0, MACH_PORT_NULL))
		return;
	task_set_exception_ports(child.task, EXC_MASK_BAD_INSTRUCTION, port,
		(exception_behavior_t)(EXCEPTION_STATE | MACH_EXCEPTION_CODES), x86_THREAD_STATE64);
	memset(&told, 0, sizeof(told));
	race.thread = child.thread;
	thread_resume(child.thread);
	start_thread(abort_each, 0);
	while (served < RACES && mach_msg_server_once(serve_raced, 8192, port, 0) == MACH_MSG_SUCCESS)
		served++;
	check_is("a handler gives registers to one whose wait is aborted", served, RACES);
	check_is("which goes on all the same", child_word_not(&child, &behind, 0) != 0, 1);
	__atomic_store_n(&race.stop, 1, __ATOMIC_SEQ_CST);
	wait_until_is(&race.stopped, 1);
	child_end(&child);
	mach_port_destroy(self, port);
}

static void masks(mach_port_t port)
{
	exception_mask_t masks[KINDS];
	mach_port_t ports[KINDS];
	exception_behavior_t behaviors[KINDS];
	thread_state_flavor_t flavors[KINDS];
	mach_msg_type_number_t count = KINDS;
	struct child child;

	if (!child_create(&child, faults, 0, MACH_PORT_NULL))
		return;
	CASE(task_get_exception_ports, (child.task, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors),
		KERN_SUCCESS, "of a new task");
	check_is("task_get_exception_ports: one entry, of nobody",
		count == 1 && masks[0] == EXC_MASK_ALL && ports[0] == MACH_PORT_NULL, 1);
	task_set_exception_ports(child.task, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, THREAD_STATE_NONE);
	count = KINDS;
	CASE(task_swap_exception_ports,
		(child.task, EXC_MASK_BREAKPOINT, port, EXCEPTION_STATE, x86_THREAD_STATE64, masks, &count, ports,
			behaviors, flavors),
		KERN_SUCCESS, "breakpoints");
	check_is("task_swap_exception_ports: what was there",
		count == 1 && ports[0] == port && behaviors[0] == EXCEPTION_DEFAULT, 1);
	count = KINDS;
	task_get_exception_ports(child.task, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors);
	check_is("task_get_exception_ports: two entries",
		count == 2 && (masks[0] | masks[1]) == EXC_MASK_ALL && masks[1] == EXC_MASK_BREAKPOINT, 1);
	check_is("task_get_exception_ports: a reference for each", refs_of(port, MACH_PORT_RIGHT_SEND), 4);
	mach_port_mod_refs(self, port, MACH_PORT_RIGHT_SEND, -3);
	count = 1;
	CASE(task_get_exception_ports, (child.task, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors),
		KERN_INVALID_ARGUMENT, "too little room");
	check_is("task_get_exception_ports: no reference then", refs_of(port, MACH_PORT_RIGHT_SEND), 1);
	CASE(task_set_exception_ports, (child.task, 1, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT, "no kind");
	CASE(task_set_exception_ports, (child.task, EXC_MASK_ALL, port, 9, 0), KERN_INVALID_ARGUMENT, "no behaviour");
	CASE(task_set_exception_ports, (child.task, EXC_MASK_ALL, port, EXCEPTION_STATE, 99), KERN_INVALID_ARGUMENT,
		"no flavour");
	CASE(task_set_exception_ports, (host, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT,
		"no task");
	CASE(thread_set_exception_ports, (self, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_ARGUMENT,
		"no thread");
	count = KINDS;
	CASE(thread_get_exception_ports, (child.thread, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors),
		KERN_SUCCESS, "of a new thread");
	count = KINDS;
	CASE(thread_swap_exception_ports,
		(child.thread, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0, masks, &count, ports, behaviors, flavors),
		KERN_SUCCESS, "all");
	CASE(host_set_exception_ports, (host, EXC_MASK_ALL, port, EXCEPTION_DEFAULT, 0), KERN_INVALID_HOST,
		"without privilege");
	count = KINDS;
	CASE(host_get_exception_ports, (host_priv, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors),
		KERN_SUCCESS, "of the host");
	count = KINDS;
	CASE(host_get_exception_ports, (host, EXC_MASK_ALL, masks, &count, ports, behaviors, flavors),
		KERN_INVALID_HOST, "without privilege");
	count = KINDS;
	CASE(host_swap_exception_ports,
		(host_priv, EXC_MASK_GUARD, MACH_PORT_NULL, EXCEPTION_DEFAULT, 0, masks, &count, ports, behaviors,
			flavors),
		KERN_SUCCESS, "of what is never raised");
	CASE(thread_abort_safely, (child.thread), KERN_SUCCESS, "one that is in no call");
	CASE(thread_abort_safely, (self), KERN_INVALID_ARGUMENT, "no thread");
	child_end(&child);
}

void test_exceptions_of_mach(void)
{
	mach_port_t port = new_port();
	mach_port_status_t status = {0};

	masks(port);
	each_behaviour(port);
	in_turn(port);
	answers_and_aborts();
	/* What tasks and threads had has gone with them. */
	mach_port_deallocate(self, port);
	for (unsigned i = 0; i < PATIENCE; i++) {
		mach_port_get_receive_status(self, port, &status);
		if (!status.mps_srights)
			break;
		nap(1);
	}
	check_is("no right to a handler is left in the kernel", status.mps_srights, 0);
	mach_port_destroy(self, port);
}
