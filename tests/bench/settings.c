/* The three ways in which a task's foreign system call is answered (mach/foreign.h), each with the least that a server
 * can do: the rows foreign-emulation, foreign-port and foreign-exception. */
#include "../interface/test.h"
#include "measure.h"
#include "settings.h"

#include <mach/exc_server.h>
#include <mach/foreign.h>
#include <mach/server.h>

enum { MANY = 500, NULL_CALL = 39, LAST_CALL = 99, ANSWER = 42 };

/* Shared with the caller, which is another task. */
struct measured {
	volatile uint64_t ticks, wrong;
};
static struct measured *measured;

static uint64_t foreign(uint64_t number)
{
	__asm__ volatile("syscall" : "+a"(number) : : "rcx", "r11", "memory");
	return number;
}

static void null_call(void)
{
	if (foreign(NULL_CALL) != ANSWER)
		measured->wrong++;
}

static void caller(uint64_t unused)
{
	(void)unused;
	measured->ticks = least_ticks(MANY, null_call);
	foreign(LAST_CALL);
	for (;;)
		nap(1000);
}

/* Emulation: the handler in the caller's own task. */
void settings_handler(void);
__asm__("settings_handler:\n"
	"	movl $42, %eax\n"
	"	jmp *%rcx\n");

/* Exception: Mach's way. The server fetches the caller's state, sets it with the result, and lets it go on. */
kern_return_t S_exception_raise(
	mach_port_t port, mach_port_t thread, mach_port_t task, int exception, int64_t code, int64_t subcode)
{
	x86_thread_state64_t state;
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;
	kern_return_t result = thread_get_state_trap(thread, x86_THREAD_STATE64, (uint64_t *)&state, &words);

	(void)port, (void)code, (void)subcode;
	state.rax = ANSWER;
	if (result == KERN_SUCCESS && exception == EXC_SYSCALL)
		result = thread_set_state_trap(thread, x86_THREAD_STATE64, (uint64_t *)&state, words);
	mach_port_deallocate(mach_task_self(), thread);
	mach_port_deallocate(mach_task_self(), task);
	return result;
}

/* Port: a register message and its answer, until the last call. */
static void serve(mach_port_t port)
{
	struct mach_delivery d = {0};
	char buffer[256];
	kern_return_t result = mach_reply_wait_words(port, REPLY_NONE, 0, buffer, sizeof buffer, &d);

	while (result == KERN_SUCCESS && DELIVERED_ID(d.kind) != LAST_CALL)
		result = mach_answer_wait(port, 0, ANSWER, buffer, sizeof buffer, &d);
}

static void one_setting(const char *name, int setting)
{
	static const struct mig_subsystem *const subsystems[] = {&exc_subsystem, NULL};
	foreign_bitmap_t none = {0};
	mach_port_t port = new_port();
	struct child child;

	measured->ticks = measured->wrong = 0;
	if (!child_create(&child, caller, 0, MACH_PORT_NULL))
		return;
	task_set_foreign(child.task, setting, setting == FOREIGN_EMULATION ? (vm_address_t)settings_handler : 0,
		setting == FOREIGN_PORT ? port : MACH_PORT_NULL, none);
	if (setting == FOREIGN_EXCEPTION) {
		task_set_special_port(child.task, TASK_EXCEPTION_PORT, port);
		mach_server_start_threads(port, subsystems, 1);
	}
	thread_resume(child.thread);
	if (setting == FOREIGN_PORT)
		serve(port);
	while (measured->ticks == 0)
		nap(1);
	if (measured->wrong != 0)
		printf("failed %s\n", name);
	else
		printf("row %s %llu\n", name, (unsigned long long)measured->ticks);
	child_end(&child);
}

void setting_rows(void)
{
	vm_address_t shared = 0;

	vm_allocate(mach_task_self(), &shared, VM_PAGE_SIZE, TRUE);
	vm_inherit(mach_task_self(), shared, VM_PAGE_SIZE, VM_INHERIT_SHARE);
	measured = (struct measured *)shared;
	one_setting("foreign-emulation", FOREIGN_EMULATION);
	one_setting("foreign-port", FOREIGN_PORT);
	one_setting("foreign-exception", FOREIGN_EXCEPTION);
}
