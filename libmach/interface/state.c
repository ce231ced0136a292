/* Thread states in the flavours of Apple's and GNU's programs, from the kernel's. */
#include <mach/mach.h>
#include <stddef.h>
#include <string.h>

#define FXSAVE_WORDS 64u

_Static_assert(sizeof(x86_float_state64_t) == 524, "two reserved words, FXSAVE's area, one more");
_Static_assert(offsetof(x86_float_state64_t, fpu_rsrv4) + 96 == 8 + 512, "FXSAVE's area");
_Static_assert(x86_FLOAT_STATE64_COUNT <= THREAD_STATE_MAX, "a state fits an array of it");

static const int flavors[] = {x86_THREAD_STATE64, x86_FLOAT_STATE64, x86_THREAD_STATE, i386_THREAD_STATE,
	i386_REGS_SEGS_STATE, i386_FLOAT_STATE, i386_FSGS_BASE_STATE};
#define FLAVORS ((mach_msg_type_number_t)(sizeof(flavors) / sizeof(*flavors)))

/* Words of 32 bits; 0: not served. */
static mach_msg_type_number_t count_of(int flavor)
{
	switch (flavor) {
	case x86_THREAD_STATE64:
		return x86_THREAD_STATE64_COUNT;
	case x86_THREAD_STATE:
		return x86_THREAD_STATE_COUNT;
	case x86_FLOAT_STATE64:
		return x86_FLOAT_STATE64_COUNT;
	case i386_THREAD_STATE:
	case i386_REGS_SEGS_STATE:
		return i386_THREAD_STATE_COUNT;
	case i386_FLOAT_STATE:
		return i386_FLOAT_STATE_COUNT;
	case i386_FSGS_BASE_STATE:
		return i386_FSGS_BASE_STATE_COUNT;
	default:
		return 0;
	}
}

static kern_return_t get_registers(thread_t thread, x86_thread_state64_t *state)
{
	mach_msg_type_number_t words = x86_THREAD_STATE64_WORDS;

	return portolan_thread_get_state(thread, x86_THREAD_STATE64, (uint64_t *)state, &words);
}

static kern_return_t set_registers(thread_t thread, const x86_thread_state64_t *state)
{
	return portolan_thread_set_state(thread, x86_THREAD_STATE64, (const uint64_t *)state, x86_THREAD_STATE64_WORDS);
}

/* GNU's structure and the kernel's have these by the same names. */
#define EACH_SHARED(X)                                                                                                 \
	X(r8)                                                                                                          \
	X(r9) X(r10) X(r11) X(r12) X(r13) X(r14) X(r15) X(rdi) X(rsi) X(rbp) X(rbx) X(rdx) X(rcx) X(rax) X(rip) X(cs)
#define USER_SS 0x1b /* the one stack segment there is (kernel/x86_64/cpu.h) */

static void to_gnu(const x86_thread_state64_t *from, struct i386_thread_state *to)
{
#define PUT(name) to->name = from->name;
	EACH_SHARED(PUT)
	to->rsp = 0;
	to->rfl = from->rflags;
	to->ursp = from->rsp;
	to->ss = USER_SS;
}

static void from_gnu(const struct i386_thread_state *from, x86_thread_state64_t *to)
{
#define TAKE(name) to->name = from->name;
	EACH_SHARED(TAKE)
	to->rflags = from->rfl;
	to->rsp = from->ursp;
}

static kern_return_t get_floats(thread_t thread, void *fxsave)
{
	uint64_t area[THREAD_STATE_MAX];
	mach_msg_type_number_t words = THREAD_STATE_MAX;
	kern_return_t result = portolan_thread_get_state(thread, x86_XSAVE_STATE64, area, &words);

	if (result == KERN_SUCCESS)
		memcpy(fxsave, area, FXSAVE_WORDS * 8);
	return result;
}

static kern_return_t set_floats(thread_t thread, const void *fxsave)
{
	uint64_t area[FXSAVE_WORDS];

	memcpy(area, fxsave, sizeof(area));
	return portolan_thread_set_state(thread, x86_XSAVE_STATE64, area, FXSAVE_WORDS);
}

kern_return_t thread_get_state(
	thread_t thread, thread_state_flavor_t flavor, thread_state_t state, mach_msg_type_number_t *count)
{
	const mach_msg_type_number_t wanted = flavor == THREAD_STATE_FLAVOR_LIST ? FLAVORS : count_of(flavor);
	x86_thread_state64_t registers;
	struct i386_thread_state gnu;
	kern_return_t result;

	if (wanted == 0 || *count < wanted)
		return KERN_INVALID_ARGUMENT;
	if (flavor == x86_FLOAT_STATE64) {
		memset(state, 0, sizeof(x86_float_state64_t));
		result = get_floats(thread, (char *)state + offsetof(x86_float_state64_t, fpu_fcw));
	} else if (flavor == i386_FLOAT_STATE) {
		struct i386_float_state floats = {.fpkind = FP_FXSR, .initialized = 1};

		result = get_floats(thread, floats.hw_state);
		memcpy(state, &floats, sizeof(floats));
	} else {
		result = get_registers(thread, &registers);
	}
	if (result != KERN_SUCCESS)
		return result;
	*count = wanted;
	switch (flavor) {
	case THREAD_STATE_FLAVOR_LIST:
		memcpy(state, flavors, sizeof(flavors));
		break;
	case x86_THREAD_STATE64:
		memcpy(state, &registers, sizeof(registers));
		break;
	case x86_THREAD_STATE: {
		x86_thread_state_t both = {
			.tsh = {x86_THREAD_STATE64, (int)x86_THREAD_STATE64_COUNT}, .uts.ts64 = registers};

		memcpy(state, &both, sizeof(both));
		break;
	}
	case i386_THREAD_STATE:
	case i386_REGS_SEGS_STATE:
		to_gnu(&registers, &gnu);
		memcpy(state, &gnu, sizeof(gnu));
		break;
	case i386_FSGS_BASE_STATE: {
		struct i386_fsgs_base_state bases = {registers.fs_base, registers.gs_base};

		memcpy(state, &bases, sizeof(bases));
		break;
	}
	default:
		break;
	}
	return KERN_SUCCESS;
}

kern_return_t thread_set_state(
	thread_t thread, thread_state_flavor_t flavor, const natural_t *state, mach_msg_type_number_t count)
{
	x86_thread_state64_t registers;
	struct i386_thread_state gnu;
	kern_return_t result = KERN_SUCCESS;

	if (count_of(flavor) == 0 || count < count_of(flavor))
		return KERN_INVALID_ARGUMENT;
	switch (flavor) {
	case x86_FLOAT_STATE64:
		return set_floats(thread, (const char *)state + offsetof(x86_float_state64_t, fpu_fcw));
	case i386_FLOAT_STATE:
		return set_floats(thread, (const char *)state + offsetof(struct i386_float_state, hw_state));
	case x86_THREAD_STATE: {
		x86_thread_state_t both;

		memcpy(&both, state, sizeof(both));
		if (both.tsh.flavor != x86_THREAD_STATE64 || both.tsh.count != (int)x86_THREAD_STATE64_COUNT)
			return KERN_INVALID_ARGUMENT;
		registers = both.uts.ts64;
		break;
	}
	case x86_THREAD_STATE64:
		memcpy(&registers, state, sizeof(registers));
		break;
	case i386_FSGS_BASE_STATE: {
		struct i386_fsgs_base_state bases;

		memcpy(&bases, state, sizeof(bases));
		result = get_registers(thread, &registers);
		registers.fs_base = bases.fs_base;
		registers.gs_base = bases.gs_base;
		break;
	}
	default: /* GNU's registers, which have no bases */
		memcpy(&gnu, state, sizeof(gnu));
		result = get_registers(thread, &registers);
		from_gnu(&gnu, &registers);
	}
	return result == KERN_SUCCESS ? set_registers(thread, &registers) : result;
}

kern_return_t thread_create_running(task_t task, thread_state_flavor_t flavor, const natural_t *state,
	mach_msg_type_number_t count, thread_t *thread)
{
	kern_return_t result = thread_create(task, thread);

	if (result != KERN_SUCCESS)
		return result;
	result = thread_set_state(*thread, flavor, state, count);
	if (result == KERN_SUCCESS)
		result = thread_resume(*thread);
	if (result != KERN_SUCCESS) {
		thread_terminate(*thread);
		mach_port_deallocate(mach_task_self(), *thread);
	}
	return result;
}
