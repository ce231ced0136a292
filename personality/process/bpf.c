/* The classic packet filter's machine for seccomp: check and run. Two registers, 16 cells of memory, jumps forward
 * only. */
#include "process/bpf.h"

#include <stdlib.h>
#include <string.h>

#define CELLS     BPF_MEMWORDS
#define DATA_SIZE (BPF_DATA_WORDS * 4u)

static bool is_arithmetic(uint16_t code)
{
	const uint16_t operation = BPF_OP(code);

	return (code & ~0xffu) == 0 && (operation <= BPF_XOR) && operation != BPF_MOD;
}

/* The instruction alone, at its place in the program. */
static bool check_one(const struct sock_filter *at, unsigned place, unsigned length)
{
	const unsigned after = length - place - 1;

	switch (at->code) {
	case BPF_RET | BPF_K:
	case BPF_RET | BPF_A:
	case BPF_LD | BPF_IMM:
	case BPF_LDX | BPF_IMM:
	case BPF_LD | BPF_W | BPF_LEN:
	case BPF_LDX | BPF_W | BPF_LEN:
	case BPF_MISC | BPF_TAX:
	case BPF_MISC | BPF_TXA:
		return true;
	case BPF_LD | BPF_W | BPF_ABS:
		return at->k < DATA_SIZE && at->k % 4 == 0;
	case BPF_LD | BPF_MEM:
	case BPF_LDX | BPF_MEM:
	case BPF_ST:
	case BPF_STX:
		return at->k < CELLS;
	case BPF_JMP | BPF_JA:
		return at->k < after;
	case BPF_JMP | BPF_JEQ | BPF_K:
	case BPF_JMP | BPF_JEQ | BPF_X:
	case BPF_JMP | BPF_JGE | BPF_K:
	case BPF_JMP | BPF_JGE | BPF_X:
	case BPF_JMP | BPF_JGT | BPF_K:
	case BPF_JMP | BPF_JGT | BPF_X:
	case BPF_JMP | BPF_JSET | BPF_K:
	case BPF_JMP | BPF_JSET | BPF_X:
		return at->jt < after && at->jf < after;
	case BPF_ALU | BPF_DIV | BPF_K:
		return at->k != 0;
	case BPF_ALU | BPF_LSH | BPF_K:
	case BPF_ALU | BPF_RSH | BPF_K:
		return at->k < 32;
	default:
		return BPF_CLASS(at->code) == BPF_ALU && is_arithmetic(at->code);
	}
}

/* No cell is read that is not written on every way there: a bit for each cell, by what jumps bring along. */
static bool check_cells(const struct sock_filter *program, unsigned length)
{
	uint16_t *known = malloc(length * sizeof *known), now = 0;
	bool good = known != NULL;

	if (good)
		memset(known, 0xff, length * sizeof *known);
	for (unsigned i = 0; i < length && good; i++) {
		const struct sock_filter *at = &program[i];

		now &= known[i];
		switch (at->code) {
		case BPF_ST:
		case BPF_STX:
			now |= (uint16_t)(1u << at->k);
			break;
		case BPF_LD | BPF_MEM:
		case BPF_LDX | BPF_MEM:
			good = (now >> at->k & 1) != 0;
			break;
		case BPF_JMP | BPF_JA:
			known[i + 1 + at->k] &= now;
			now = 0xffff;
			break;
		default:
			if (BPF_CLASS(at->code) == BPF_JMP) {
				known[i + 1 + at->jt] &= now;
				known[i + 1 + at->jf] &= now;
				now = 0xffff;
			}
		}
	}
	free(known);
	return good;
}

bool bpf_check(const struct sock_filter *program, unsigned length)
{
	if (length == 0 || length > BPF_MAXINSNS || BPF_CLASS(program[length - 1].code) != BPF_RET)
		return false;
	for (unsigned i = 0; i < length; i++) {
		if (!check_one(&program[i], i, length))
			return false;
	}
	return check_cells(program, length);
}

static uint32_t arithmetic(uint16_t operation, uint32_t a, uint32_t b)
{
	switch (operation) {
	case BPF_ADD:
		return a + b;
	case BPF_SUB:
		return a - b;
	case BPF_MUL:
		return a * b;
	case BPF_DIV:
		return a / b;
	case BPF_OR:
		return a | b;
	case BPF_AND:
		return a & b;
	case BPF_XOR:
		return a ^ b;
	case BPF_LSH:
		return a << (b & 31);
	case BPF_RSH:
		return a >> (b & 31);
	default:
		return -a; /* BPF_NEG */
	}
}

static bool holds(uint16_t operation, uint32_t a, uint32_t b)
{
	return operation == BPF_JEQ   ? a == b
	       : operation == BPF_JGT ? a > b
	       : operation == BPF_JGE ? a >= b
				      : (a & b) != 0;
}

uint32_t bpf_run(const struct sock_filter *program, bpf_load load, void *context)
{
	uint32_t a = 0, x = 0, cell[CELLS] = {0};

	for (const struct sock_filter *at = program;; at++) {
		const uint32_t operand = BPF_SRC(at->code) == BPF_X ? x : at->k;

		switch (at->code) {
		case BPF_RET | BPF_K:
			return at->k;
		case BPF_RET | BPF_A:
			return a;
		case BPF_LD | BPF_W | BPF_ABS:
			a = load(context, at->k / 4);
			break;
		case BPF_LD | BPF_W | BPF_LEN:
			a = DATA_SIZE;
			break;
		case BPF_LDX | BPF_W | BPF_LEN:
			x = DATA_SIZE;
			break;
		case BPF_LD | BPF_IMM:
			a = at->k;
			break;
		case BPF_LDX | BPF_IMM:
			x = at->k;
			break;
		case BPF_LD | BPF_MEM:
			a = cell[at->k];
			break;
		case BPF_LDX | BPF_MEM:
			x = cell[at->k];
			break;
		case BPF_ST:
			cell[at->k] = a;
			break;
		case BPF_STX:
			cell[at->k] = x;
			break;
		case BPF_MISC | BPF_TAX:
			x = a;
			break;
		case BPF_MISC | BPF_TXA:
			a = x;
			break;
		case BPF_JMP | BPF_JA:
			at += at->k;
			break;
		default:
			if (BPF_CLASS(at->code) == BPF_JMP) {
				at += holds(BPF_OP(at->code), a, operand) ? at->jt : at->jf;
			} else {
				/* As a program that divides by nothing ends: with 0, which kills. */
				if (BPF_OP(at->code) == BPF_DIV && operand == 0)
					return 0;
				a = arithmetic(BPF_OP(at->code), a, operand);
			}
		}
	}
}
