/* The flavours of thread_get_state and thread_set_state in the standard form: 32-bit words, structures as programs know them. */
#ifndef MACH_THREAD_FLAVORS_H
#define MACH_THREAD_FLAVORS_H

#include <mach/std_words.h>
#include <stdint.h>

typedef natural_t *thread_state_t;
typedef natural_t thread_state_data_t[THREAD_STATE_MAX];
typedef int thread_state_flavor_t;
typedef thread_state_flavor_t *thread_state_flavor_array_t;

/* In place of a flavour: which there are, as an array of integers. */
#define THREAD_STATE_FLAVOR_LIST 0
#define THREAD_STATE_NONE        13

/* Apple's. x86_THREAD_STATE64: mach/thread_status.h. */
#define x86_FLOAT_STATE64     5
#define x86_EXCEPTION_STATE64 6
#define x86_DEBUG_STATE64     11
#define x86_AVX_STATE64       17

#define x86_THREAD_STATE64_COUNT ((mach_msg_type_number_t)(sizeof(x86_thread_state64_t) / sizeof(int)))

/* FXSAVE's area: SDM volume 1, 10.5. */
typedef struct {
	int fpu_reserved[2];
	uint16_t fpu_fcw, fpu_fsw;
	uint8_t fpu_ftw, fpu_rsrv1;
	uint16_t fpu_fop;
	uint32_t fpu_ip;
	uint16_t fpu_cs, fpu_rsrv2;
	uint32_t fpu_dp;
	uint16_t fpu_ds, fpu_rsrv3;
	uint32_t fpu_mxcsr, fpu_mxcsrmask;
	uint8_t fpu_stmm[8][16];
	uint8_t fpu_xmm[16][16];
	uint8_t fpu_rsrv4[6 * 16];
	int fpu_reserved1;
} x86_float_state64_t;
#define x86_FLOAT_STATE64_COUNT ((mach_msg_type_number_t)(sizeof(x86_float_state64_t) / sizeof(int)))

/* A flavour and its state in one. */
typedef struct {
	int flavor;
	int count;
} x86_state_hdr_t;
typedef struct {
	x86_state_hdr_t tsh;
	union {
		x86_thread_state64_t ts64;
	} uts;
} x86_thread_state_t;
#define x86_THREAD_STATE_COUNT    ((mach_msg_type_number_t)(sizeof(x86_thread_state_t) / sizeof(int)))
#define MACHINE_THREAD_STATE       x86_THREAD_STATE
#define MACHINE_THREAD_STATE_COUNT x86_THREAD_STATE_COUNT

/* GNU's for x86-64. The numbers are our own, for some of GNU's are Apple's for something else. */
#define i386_THREAD_STATE    101
#define i386_REGS_SEGS_STATE 102
#define i386_FLOAT_STATE     103
#define i386_FSGS_BASE_STATE 107

struct i386_thread_state {
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rdi, rsi, rbp, rsp, rbx, rdx, rcx, rax;
	uint64_t rip, cs, rfl, ursp, ss; /* ursp is the stack pointer */
};
#define i386_THREAD_STATE_COUNT    ((mach_msg_type_number_t)(sizeof(struct i386_thread_state) / sizeof(int)))
#define i386_REGS_SEGS_STATE_COUNT i386_THREAD_STATE_COUNT

struct i386_fsgs_base_state {
	unsigned long fs_base, gs_base;
};
#define i386_FSGS_BASE_STATE_COUNT ((mach_msg_type_number_t)(sizeof(struct i386_fsgs_base_state) / sizeof(int)))

#define FP_NO   0
#define FP_387  3
#define FP_FXSR 4
struct i386_float_state {
	int fpkind; /* FP_FXSR */
	int initialized;
	unsigned char hw_state[512]; /* FXSAVE's area */
	int exc_status;
};
#define i386_FLOAT_STATE_COUNT ((mach_msg_type_number_t)(sizeof(struct i386_float_state) / sizeof(int)))

#endif
