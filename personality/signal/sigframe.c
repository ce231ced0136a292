/* Filling and reading signal frames: pure functions, tested against <ucontext.h> on the build host. */
#include "signal/sigframe.h"

#include <string.h>

/* What of rflags a frame may bring back: CF PF AF ZF SF TF DF OF RF AC (Intel SDM volume 1, 3.4.3). */
#define RFLAGS_RESTORED 0x50dd5ull
#define RFLAGS_FIXED    0x202ull

struct frame_place frame_place(uint64_t top, uint64_t float_size)
{
	struct frame_place place;

	place.floating = (top - float_size) & ~63ull;
	/* As after a call: rsp + 8 is a multiple of 16. */
	place.frame = ((place.floating - sizeof(struct signal_frame)) & ~15ull) - 8;
	return place;
}

void frame_fill_context(struct frame_context *restrict context, const x86_thread_state64_t *restrict registers,
	uint64_t mask, const struct frame_stack *stack, uint64_t floating)
{
	struct frame_registers *to = &context->registers;

	context->link = 0;
	to->gs = to->fs = 0;
	to->error = to->trap = to->cr2 = 0;
	memset(to->reserved, 0, sizeof to->reserved);
	context->flags = FRAME_CONTEXT_FLAGS;
	context->stack = *stack;
	context->mask = mask;
	to->r8 = registers->r8;
	to->r9 = registers->r9;
	to->r10 = registers->r10;
	to->r11 = registers->r11;
	to->r12 = registers->r12;
	to->r13 = registers->r13;
	to->r14 = registers->r14;
	to->r15 = registers->r15;
	to->rdi = registers->rdi;
	to->rsi = registers->rsi;
	to->rbp = registers->rbp;
	to->rbx = registers->rbx;
	to->rdx = registers->rdx;
	to->rax = registers->rax;
	to->rcx = registers->rcx;
	to->rsp = registers->rsp;
	to->rip = registers->rip;
	to->rflags = registers->rflags;
	to->cs = FRAME_USER_CS;
	to->ss = FRAME_USER_SS;
	to->old_mask = mask;
	to->floating = floating;
}

void frame_restore(const struct frame_context *context, x86_thread_state64_t *registers)
{
	const struct frame_registers *from = &context->registers;

	registers->r8 = from->r8;
	registers->r9 = from->r9;
	registers->r10 = from->r10;
	registers->r11 = from->r11;
	registers->r12 = from->r12;
	registers->r13 = from->r13;
	registers->r14 = from->r14;
	registers->r15 = from->r15;
	registers->rdi = from->rdi;
	registers->rsi = from->rsi;
	registers->rbp = from->rbp;
	registers->rbx = from->rbx;
	registers->rdx = from->rdx;
	registers->rax = from->rax;
	registers->rcx = from->rcx;
	registers->rsp = from->rsp;
	registers->rip = from->rip;
	registers->rflags = (from->rflags & RFLAGS_RESTORED) | RFLAGS_FIXED;
}
