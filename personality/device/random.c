/* Random bytes: ChaCha20 (RFC 8439) keyed from the processor's RDSEED/RDRAND and clocks, with a new key after every
 * use. */
#include "device/random.h"

#include <cpuid.h>
#include <immintrin.h>
#include <mach/mach.h>
#include <string.h>
#include <sys/random.h>

#include "call/call.h"
#include "unix_server.h"

#define RANDOM_CHUNK 4096u
#define REQUEST_MAX  0x1ffffffu

static uint32_t key[8];
static bool keyed;

static inline uint32_t rotate(uint32_t value, unsigned by)
{
	return value << by | value >> (32 - by);
}

static void quarter(uint32_t *state, unsigned a, unsigned b, unsigned c, unsigned d)
{
	state[a] += state[b];
	state[d] = rotate(state[d] ^ state[a], 16);
	state[c] += state[d];
	state[b] = rotate(state[b] ^ state[c], 12);
	state[a] += state[b];
	state[d] = rotate(state[d] ^ state[a], 8);
	state[c] += state[d];
	state[b] = rotate(state[b] ^ state[c], 7);
}

static void block(uint64_t counter, uint32_t out[16])
{
	static const uint32_t constant[4] = {0x61707865, 0x3320646e, 0x79622d32, 0x6b206574};
	uint32_t start[16];
	unsigned i;

	memcpy(start, constant, sizeof constant);
	memcpy(start + 4, key, sizeof key);
	start[12] = (uint32_t)counter;
	start[13] = (uint32_t)(counter >> 32);
	start[14] = start[15] = 0;
	memcpy(out, start, sizeof start);
	for (i = 0; i < 10; i++) {
		quarter(out, 0, 4, 8, 12);
		quarter(out, 1, 5, 9, 13);
		quarter(out, 2, 6, 10, 14);
		quarter(out, 3, 7, 11, 15);
		quarter(out, 0, 5, 10, 15);
		quarter(out, 1, 6, 11, 12);
		quarter(out, 2, 7, 8, 13);
		quarter(out, 3, 4, 9, 14);
	}
	for (i = 0; i < 16; i++)
		out[i] += start[i];
}

__attribute__((target("rdrnd"))) static uint64_t hardware(void)
{
	unsigned a, b, c, d;
	unsigned long long value = 0;

	if (__get_cpuid(1, &a, &b, &c, &d) && (c & bit_RDRND))
		_rdrand64_step(&value);
	return value;
}

static void make_key(void)
{
	unsigned i;

	for (i = 0; i < 8; i++) {
		uint64_t mixed = hardware() ^ __builtin_ia32_rdtsc() * 0x9e3779b97f4a7c15ull ^ mach_clock_real();

		key[i] ^= (uint32_t)(mixed ^ mixed >> 32);
	}
	keyed = true;
}

void random_bytes(void *buffer, uint64_t size)
{
	char *at = buffer;
	uint32_t out[16];
	uint64_t counter = 1;

	if (!keyed)
		make_key();
	while (size > 0) {
		uint64_t part = size < sizeof out ? size : sizeof out;

		block(counter++, out);
		memcpy(at, out, part);
		at += part;
		size -= part;
	}
	/* The next use has another key: what was given out cannot be computed from the server's memory. */
	block(0, out);
	memcpy(key, out, sizeof key);
	memset(out, 0, sizeof out);
}

int64_t sys_getrandom(uint64_t caller, uint64_t address, uint64_t size, unsigned flags)
{
	struct call *call = call_of(caller);
	char chunk[RANDOM_CHUNK];

	if (flags & ~(unsigned)(GRND_NONBLOCK | GRND_RANDOM | GRND_INSECURE) ||
		(flags & (GRND_RANDOM | GRND_INSECURE)) == (GRND_RANDOM | GRND_INSECURE))
		return -EINVAL;
	if (size > REQUEST_MAX)
		size = REQUEST_MAX;
	while (call->progress < size) {
		uint64_t part = size - call->progress < sizeof chunk ? size - call->progress : sizeof chunk;
		int error;

		random_bytes(chunk, part);
		error = copy_out(call, address + call->progress, chunk, part);
		if (error != 0)
			return error == -EFAULT && call->progress > 0 ? (int64_t)call->progress : call_result(error);
		call->progress += part;
	}
	return (int64_t)size;
}
