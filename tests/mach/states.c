/* Registers of threads in all flavours. */
#include "cases.h"

#include <string.h>

static void spins(uint64_t unused)
{
	(void)unused;
	for (;;)
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, 1000);
}

void test_states_of_mach(void)
{
	struct child child;
	x86_thread_state64_t apple = {0}, again = {0};
	x86_thread_state_t both = {0};
	x86_float_state64_t floats = {0}, floats_again = {0};
	struct i386_thread_state gnu = {0};
	struct i386_float_state gnu_floats = {0};
	struct i386_fsgs_base_state bases = {0x123000, 0x456000};
	natural_t words[THREAD_STATE_MAX];
	mach_msg_type_number_t count = x86_THREAD_STATE64_COUNT;
	thread_t thread = MACH_PORT_NULL;

	if (!child_create(&child, spins, 0, MACH_PORT_NULL))
		return;
	CASE(thread_get_state, (child.thread, x86_THREAD_STATE64, (thread_state_t)&apple, &count), KERN_SUCCESS,
		"Apple's");
	check_is("thread_get_state: it stands at the function", apple.__rip == (uintptr_t)spins, 1);
	count = x86_THREAD_STATE64_COUNT - 1;
	CASE(thread_get_state, (child.thread, x86_THREAD_STATE64, (thread_state_t)&again, &count),
		KERN_INVALID_ARGUMENT, "no room");
	count = THREAD_STATE_MAX;
	CASE(thread_get_state, (child.thread, 99, words, &count), KERN_INVALID_ARGUMENT, "no flavour");
	CASE(thread_get_state, (self, x86_THREAD_STATE64, words, &count), KERN_INVALID_ARGUMENT, "no thread");
	CASE(thread_get_state, (child.thread, THREAD_STATE_FLAVOR_LIST, words, &count), KERN_SUCCESS,
		"which there are");
	for (unsigned i = 0, n = count; i < n; i++) {
		count = THREAD_STATE_MAX;
		check_is("thread_get_state: each flavour that is listed",
			thread_get_state(child.thread, (int)words[i], (natural_t[THREAD_STATE_MAX]){0}, &count),
			KERN_SUCCESS);
	}
	count = i386_THREAD_STATE_COUNT;
	CASE(thread_get_state, (child.thread, i386_THREAD_STATE, (thread_state_t)&gnu, &count), KERN_SUCCESS, "GNU's");
	check_is("thread_get_state: both say the same",
		gnu.rip == apple.rip && gnu.ursp == apple.rsp && gnu.rfl == apple.rflags && gnu.rdi == apple.rdi, 1);
	gnu.rbx = 77;
	CASE(thread_set_state, (child.thread, i386_THREAD_STATE, (natural_t *)&gnu, count), KERN_SUCCESS, "GNU's");
	CASE(thread_set_state, (child.thread, i386_FSGS_BASE_STATE, (natural_t *)&bases, i386_FSGS_BASE_STATE_COUNT),
		KERN_SUCCESS, "bases");
	count = x86_THREAD_STATE_COUNT;
	CASE(thread_get_state, (child.thread, x86_THREAD_STATE, (thread_state_t)&both, &count), KERN_SUCCESS,
		"with its flavour in it");
	again = both.uts.ts64;
	check_is("thread_set_state: what was set is there",
		again.rbx == 77 && again.fs_base == 0x123000 && again.gs_base == 0x456000 && again.rip == apple.rip, 1);
	both.uts.ts64.rbx = 78;
	CASE(thread_set_state, (child.thread, x86_THREAD_STATE, (natural_t *)&both, count), KERN_SUCCESS,
		"with its flavour in it");
	both.tsh.flavor = 3;
	CASE(thread_set_state, (child.thread, x86_THREAD_STATE, (natural_t *)&both, count), KERN_INVALID_ARGUMENT,
		"with a wrong one");
	again.rip = 0xffffffff80000000ull;
	CASE(thread_set_state, (child.thread, x86_THREAD_STATE64, (natural_t *)&again, x86_THREAD_STATE64_COUNT),
		KERN_INVALID_ARGUMENT, "into the kernel");
	CASE(thread_set_state, (child.thread, x86_THREAD_STATE64, (natural_t *)&apple, x86_THREAD_STATE64_COUNT - 1),
		KERN_INVALID_ARGUMENT, "cut off");
	CASE(thread_set_state, (child.thread, 99, (natural_t *)&apple, x86_THREAD_STATE64_COUNT), KERN_INVALID_ARGUMENT,
		"no flavour");
	CASE(thread_set_state, (child.thread, x86_THREAD_STATE64, (natural_t *)&apple, x86_THREAD_STATE64_COUNT),
		KERN_SUCCESS, "Apple's");
	count = x86_FLOAT_STATE64_COUNT;
	CASE(thread_get_state, (child.thread, x86_FLOAT_STATE64, (thread_state_t)&floats, &count), KERN_SUCCESS,
		"floating point");
	check_is("thread_get_state: MXCSR as it begins", floats.fpu_mxcsr, 0x1f80);
	floats.fpu_xmm[3][5] = 42;
	CASE(thread_set_state, (child.thread, x86_FLOAT_STATE64, (natural_t *)&floats, count), KERN_SUCCESS,
		"floating point");
	thread_get_state(child.thread, x86_FLOAT_STATE64, (thread_state_t)&floats_again, &count);
	check_is("thread_set_state: xmm3", floats_again.fpu_xmm[3][5], 42);
	count = i386_FLOAT_STATE_COUNT;
	CASE(thread_get_state, (child.thread, i386_FLOAT_STATE, (thread_state_t)&gnu_floats, &count), KERN_SUCCESS,
		"GNU's floating point");
	check_is("thread_get_state: the same registers", gnu_floats.hw_state[160 + 3 * 16 + 5], 42);
	CASE(thread_set_state, (child.thread, i386_FLOAT_STATE, (natural_t *)&gnu_floats, count), KERN_SUCCESS,
		"GNU's floating point");
	CASE(thread_create_running,
		(child.task, x86_THREAD_STATE64, (natural_t *)&apple, x86_THREAD_STATE64_COUNT, &thread), KERN_SUCCESS,
		"in a child");
	thread_terminate(thread);
	mach_port_deallocate(self, thread);
	CASE(thread_create_running, (child.task, 99, (natural_t *)&apple, 1, &thread), KERN_INVALID_ARGUMENT,
		"no flavour");
	CASE(thread_create_running, (host, x86_THREAD_STATE64, (natural_t *)&apple, x86_THREAD_STATE64_COUNT, &thread),
		KERN_INVALID_ARGUMENT, "in no task");
	child_end(&child);
}
