/* What a signal handler finds on its stack: the frame of Linux on x86-64. */
#ifndef PERSONALITY_SIGFRAME_H
#define PERSONALITY_SIGFRAME_H

#include <mach/thread_status.h>
#include <stddef.h>
#include <stdint.h>

#include "process/signal.h"

struct frame_stack {
	uint64_t base;
	int32_t flags;
	int32_t pad;
	uint64_t size;
};

struct frame_registers {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rbx, rdx, rax, rcx, rsp, rip, rflags;
	uint16_t cs, gs, fs, ss;
	uint64_t error, trap, old_mask, cr2;
	uint64_t floating; /* address of the XSAVE area */
	uint64_t reserved[8];
};

struct frame_context {
	uint64_t flags;
	uint64_t link;
	struct frame_stack stack;
	struct frame_registers registers;
	uint64_t mask;
};

struct signal_frame {
	uint64_t return_address; /* SA_RESTORER's */
	struct frame_context context;
	struct signal_info info;
};

/* In the XSAVE area, over bytes the processor leaves alone: says how long the area is. Offset 464. */
struct frame_float_note {
	uint32_t magic1;
	uint32_t extended_size; /* with magic2 after the area */
	uint64_t features;
	uint32_t size;
	uint32_t padding[7];
};

#define FRAME_FLOAT_NOTE_OFFSET 464u
#define FRAME_FLOAT_MAGIC1      0x46505853u
#define FRAME_FLOAT_MAGIC2      0x46505845u
#define FRAME_LEGACY_FLOAT_SIZE 512u
#define FRAME_RED_ZONE          128u
#define FRAME_USER_CS           0x33u
#define FRAME_USER_SS           0x2bu
#define FRAME_CONTEXT_FLAGS     7u /* extended state; ss is saved; and restored */

/*
 * All that a handler is given, as it lies in memory: between the two parts are the bytes that align them, as many as
 * frame_place leaves.
 */
#define FRAME_GAP (((sizeof(struct signal_frame) + 15) & ~15ull) + 8 - sizeof(struct signal_frame))
struct frame_image {
	struct signal_frame frame;
	uint8_t gap[FRAME_GAP];
	uint64_t floating[THREAD_STATE_MAX + 1]; /* as much as there is, and magic2 */
};

/*
 * The same memory on the way from the kernel and back, as x86_CONTEXT_STATE64: the registers lie right before the area,
 * where a frame has the signal's information.
 */
union frame_state {
	struct frame_image image;
	struct {
		uint8_t before[offsetof(struct frame_image, floating) - x86_CONTEXT_REGISTERS * sizeof(uint64_t)];
		uint64_t context[x86_CONTEXT_REGISTERS]; /* and the area */
	};
};

/* Where frame and floating-point area go: below `top`. float_size: bytes of the area. */
struct frame_place {
	uint64_t frame;
	uint64_t floating;
};
struct frame_place frame_place(uint64_t top, uint64_t float_size);

void frame_fill_context(struct frame_context *restrict context, const x86_thread_state64_t *restrict registers,
	uint64_t mask, const struct frame_stack *stack, uint64_t floating);
/* The registers of a context, without cs and the bases. */
void frame_restore(const struct frame_context *context, x86_thread_state64_t *registers);

#endif
