/* Registers of traced threads: between the kernel's form of them and <sys/user.h>'s. */
#include "signal/traceregs.h"

#include <elf.h>
#include <errno.h>
#include <mach/mach.h>
#include <stdlib.h>
#include <string.h>
#include <sys/user.h>

#include "call/call.h"
#include "process/proc.h"
#include "process/ptrace.h"

#define RFLAGS_TF       0x100ull
#define SEGMENT_CODE    0x33 /* what selectors of a 64-bit program are on Linux */
#define SEGMENT_STACK   0x2b
#define FXSAVE_SIZE     512u
#define AVX_END         832u
#define XSAVE_HEADER    512u /* XSTATE_BV stands there, */
#define XSAVE_AVAILABLE 464u /* and here, in bytes that are the program's, what the system saves (Linux's ptrace) */

bool trace_get_registers(struct thread *thread, x86_thread_state64_t *registers)
{
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;

	return thread_get_state_trap(thread->port, x86_THREAD_STATE64, (uint64_t *)registers, &count) == KERN_SUCCESS;
}

bool trace_set_registers(struct thread *thread, const x86_thread_state64_t *registers)
{
	x86_thread_state64_t copy = *registers;

	return thread_set_state_trap(thread->port, x86_THREAD_STATE64, (uint64_t *)&copy, x86_THREAD_STATE64_WORDS) ==
	       KERN_SUCCESS;
}

void trace_set_step(struct thread *thread, bool step)
{
	x86_thread_state64_t registers;

	if (!trace_get_registers(thread, &registers) || ((registers.rflags & RFLAGS_TF) != 0) == step)
		return;
	registers.rflags ^= RFLAGS_TF;
	trace_set_registers(thread, &registers);
}

/* --- General registers. */

static bool in_call(const struct tracee *trace)
{
	return trace->call != NULL && trace->shown != TRACE_SHOWN_AS_IS;
}

static bool get_user(struct thread *thread, struct user_regs_struct *out)
{
	const struct tracee *trace = thread->trace;
	x86_thread_state64_t in;

	if (!trace_get_registers(thread, &in))
		return false;
	*out = (struct user_regs_struct){
		.r15 = in.r15,
		.r14 = in.r14,
		.r13 = in.r13,
		.r12 = in.r12,
		.rbp = in.rbp,
		.rbx = in.rbx,
		.r11 = in.r11,
		.r10 = in.r10,
		.r9 = in.r9,
		.r8 = in.r8,
		.rax = in.rax,
		.rcx = in.rcx,
		.rdx = in.rdx,
		.rsi = in.rsi,
		.rdi = in.rdi,
		.orig_rax = ~0ull,
		.rip = in.rip,
		.cs = SEGMENT_CODE,
		.eflags = in.rflags,
		.rsp = in.rsp,
		.ss = SEGMENT_STACK,
		.fs_base = in.fs_base,
		.gs_base = in.gs_base,
	};
	out->orig_rax = (uint64_t)trace->number;
	if (in_call(trace)) {
		out->rax = (uint64_t)trace->shown;
		/* As the instruction leaves them. */
		out->rcx = in.rip;
		out->r11 = in.rflags;
	}
	return true;
}

/* At a call's begin it is the call that changes; else the thread goes on with these. */
static bool set_user(struct thread *thread, const struct user_regs_struct *in)
{
	struct tracee *trace = thread->trace;
	x86_thread_state64_t out;
	uint64_t *argument;

	if (!trace_get_registers(thread, &out) || in->fs_base >> 47 != 0 || in->gs_base >> 47 != 0)
		return false;
	out.r15 = in->r15, out.r14 = in->r14, out.r13 = in->r13, out.r12 = in->r12;
	out.rbp = in->rbp, out.rbx = in->rbx, out.r11 = in->r11, out.r10 = in->r10;
	out.r9 = in->r9, out.r8 = in->r8, out.rcx = in->rcx, out.rdx = in->rdx;
	out.rsi = in->rsi, out.rdi = in->rdi, out.rip = in->rip, out.rflags = in->eflags;
	out.rsp = in->rsp, out.fs_base = in->fs_base, out.gs_base = in->gs_base;
	out.rax = in->rax;
	if ((trace->where == TRACE_ENTRY || trace->where == TRACE_FILTERED) && trace->call != NULL) {
		argument = trace->call->kept_argument;
		argument[0] = in->rdi, argument[1] = in->rsi, argument[2] = in->rdx;
		argument[3] = in->r10, argument[4] = in->r8, argument[5] = in->r9;
		trace->number = (int64_t)in->orig_rax < 0 ? -1 : (int64_t)(uint32_t)in->orig_rax;
		trace->call->number = (uint64_t)trace->number;
		trace->shown = (int64_t)in->rax;
		out.rax = trace->call->number;
	} else {
		trace->number = (int64_t)in->orig_rax < 0 ? -1 : (int64_t)(uint32_t)in->orig_rax;
		trace->shown = TRACE_SHOWN_AS_IS;
		trace->changed = true;
	}
	return trace_set_registers(thread, &out);
}

/* --- The others. */

/* The XSAVE area; *size bytes. */
static bool get_floating(struct thread *thread, uint64_t state[THREAD_STATE_MAX], uint64_t *size)
{
	mach_msg_type_number_t count = THREAD_STATE_MAX;

	if (thread_get_state_trap(thread->port, x86_XSAVE_STATE64, state, &count) != KERN_SUCCESS)
		return false;
	*size = count * sizeof state[0];
	return true;
}

union registers {
	struct user_regs_struct general;
	uint64_t floating[THREAD_STATE_MAX];
};

static int read_kind(struct thread *thread, int kind, union registers *state, uint64_t *size)
{
	switch (kind) {
	case NT_PRSTATUS:
		*size = sizeof state->general;
		return get_user(thread, &state->general) ? 0 : -ESRCH;
	case NT_PRFPREG:
	case NT_X86_XSTATE:
		if (!get_floating(thread, state->floating, size))
			return -ESRCH;
		if (kind == NT_PRFPREG)
			*size = FXSAVE_SIZE;
		else if (*size > XSAVE_HEADER)
			state->floating[XSAVE_AVAILABLE / 8] = *size >= AVX_END ? 7 : 3; /* x87, SSE, AVX */
		return 0;
	default:
		return -EINVAL;
	}
}

int64_t trace_read_registers(struct call *call, struct thread *thread, int kind, uint64_t to, uint64_t size)
{
	union registers state;
	uint64_t have = 0;
	int error = read_kind(thread, kind, &state, &have);

	if (error == 0)
		error = copy_out(call, to, &state, size < have ? size : have);
	return error != 0 ? call_result(error) : (int64_t)(size < have ? size : have);
}

int64_t trace_write_registers(struct call *call, struct thread *thread, int kind, uint64_t from, uint64_t size)
{
	union registers state;
	uint64_t have = 0;
	int error = read_kind(thread, kind, &state, &have);

	if (error == 0)
		error = copy_in(call, &state, from, size < have ? size : have);
	if (error != 0)
		return call_result(error);
	if (kind == NT_PRSTATUS) {
		if (!set_user(thread, &state.general))
			return -EIO;
	} else {
		memset((char *)state.floating + XSAVE_AVAILABLE, 0, FXSAVE_SIZE - XSAVE_AVAILABLE);
		if (thread_set_state_trap(thread->port, x86_XSAVE_STATE64, state.floating, (unsigned)have / 8) !=
			KERN_SUCCESS)
			return -EINVAL;
	}
	return (int64_t)(size < have ? size : have);
}

int trace_peek_user(struct thread *thread, uint64_t offset, uint64_t *value)
{
	struct user_regs_struct general;

	if (offset % 8 != 0 || offset > sizeof(struct user) - 8)
		return -EIO;
	*value = 0; /* debug registers are nobody's, and the rest is of no use any more */
	if (offset < sizeof general) {
		if (!get_user(thread, &general))
			return -ESRCH;
		memcpy(value, (const char *)&general + offset, sizeof *value);
	}
	return 0;
}

int trace_poke_user(struct thread *thread, uint64_t offset, uint64_t value)
{
	struct user_regs_struct general;

	/* There are no debug registers to set: debuggers do without. */
	if (offset % 8 != 0 || offset >= sizeof general)
		return -EIO;
	if (!get_user(thread, &general))
		return -ESRCH;
	memcpy((char *)&general + offset, &value, sizeof value);
	return set_user(thread, &general) ? 0 : -EIO;
}
