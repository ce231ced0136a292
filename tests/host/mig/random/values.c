/* Random values: numbers, counts, dispositions, and how calls end. */
#include "values.h"

kern_return_t last_error;
int seen_alive;

/* Calls that the work functions have seen. */
static unsigned served;

/* No byte of it is LB_PAINT. */
uint64_t value(unsigned routine, unsigned argument, unsigned side, unsigned index)
{
	uint64_t x = routine * 0x9e3779b97f4a7c15u + argument * 0xc2b2ae3d27d4eb4fu + side * 0x165667b19e3779f9u +
		     (index + 1) * 0x27d4eb2f165667c5u + round_number * 0x85ebca77c2b2ae63u;

	x ^= x >> 29;
	x *= 0xbf58476d1ce4e5b9u;
	x ^= x >> 32;
	return x & 0x5f5f5f5f5f5f5f5fu;
}

/* A number that is no byte of an argument. */
static unsigned number(unsigned routine, unsigned argument, unsigned side, unsigned index)
{
	uint64_t x = value(routine, argument, side + 8, index + 1000);

	return (unsigned)(x ^ x >> 23 ^ x >> 41) & 0xffffff;
}

void expect(int ok, unsigned routine, unsigned argument, const char *what)
{
	if (ok || wrong++ >= 10)
		return;
	printf("  round %u, routine %u, argument %u: %s\n", round_number, routine, argument, what);
	/* A server has no end. */
	fflush(stdout);
}

enum fate fate_of(unsigned routine, unsigned mask)
{
	const unsigned chosen = number(routine, 99, 0, 0) % 12;

	return chosen <= HAS_LITTLE_ROOM && (mask & 1u << chosen) != 0 ? (enum fate)chosen : SUCCEEDS;
}

kern_return_t error_of(unsigned routine)
{
	static const kern_return_t errors[] = {KERN_FAILURE, KERN_NO_SPACE, MIG_BAD_ARGUMENTS, MIG_TYPE_ERROR,
		MIG_BAD_ID, MIG_ARRAY_TOO_LARGE, -1, 123456, KERN_INVALID_ARGUMENT};

	return errors[number(routine, 98, 0, 0) % (sizeof errors / sizeof errors[0])];
}

unsigned count_of(unsigned routine, unsigned argument, unsigned side, unsigned limit)
{
	switch (number(routine, argument, side, 1) % 9) {
	case 0:
		return 0;
	case 1:
		return limit > 1;
	case 2:
		return limit;
	case 3:
		return limit > 0 ? limit - 1 : 0;
	default:
		return number(routine, argument, side, 2) % (limit + 1);
	}
}

unsigned in_count(const struct call *call, unsigned argument, unsigned limit)
{
	return call->fate == IS_TOO_LARGE ? limit + 1 : count_of(call->routine, argument, GOES_IN, limit);
}

unsigned room_of(enum fate fate, unsigned routine, unsigned argument, unsigned limit)
{
	if (fate == HAS_LITTLE_ROOM)
		return count_of(routine, argument, ROOM, limit);
	return limit + (number(routine, argument, ROOM, 5) % 4 == 0 ? 3 : 0);
}

unsigned told_room(enum fate fate, unsigned routine, unsigned argument, unsigned limit)
{
	const unsigned room = room_of(fate, routine, argument, limit);

	return room < limit ? room : limit;
}

boolean_t dealloc_of(unsigned routine, unsigned argument, unsigned side)
{
	return number(routine, argument, side, 3) % 2;
}

boolean_t null_of(unsigned routine, unsigned argument, unsigned side, unsigned index)
{
	return number(routine, argument, side, 10 + index) % 6 == 0;
}

unsigned poly_of(unsigned routine, unsigned argument, unsigned side)
{
	static const unsigned choices[] = {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND,
		MACH_MSG_TYPE_MAKE_SEND_ONCE};

	return choices[number(routine, argument, side, 4) % 4];
}

unsigned send_of(unsigned routine, unsigned argument, unsigned side)
{
	static const unsigned choices[] = {MACH_MSG_TYPE_COPY_SEND, MACH_MSG_TYPE_MOVE_SEND, MACH_MSG_TYPE_MAKE_SEND};

	return choices[number(routine, argument, side, 4) % 3];
}

unsigned received_as(unsigned disposition)
{
	switch (disposition) {
	case MACH_MSG_TYPE_MOVE_RECEIVE:
		return MACH_MSG_TYPE_PORT_RECEIVE;
	case MACH_MSG_TYPE_MOVE_SEND_ONCE:
	case MACH_MSG_TYPE_MAKE_SEND_ONCE:
		return MACH_MSG_TYPE_PORT_SEND_ONCE;
	default:
		return MACH_MSG_TYPE_PORT_SEND;
	}
}

/* --- Calls. */

#ifdef ON_HOST
static const kern_return_t send_errors[] = {MACH_SEND_INVALID_DEST, MACH_SEND_TIMED_OUT};

static kern_return_t send_error_of(unsigned routine)
{
	return send_errors[number(routine, 97, 0, 0) % 2];
}

static void begin_count(struct call *call)
{
	call->rights = lb_rights();
	call->regions = lb_regions();
	if (call->fate == IS_NOT_SENT)
		lb_fail_send = send_error_of(call->routine);
}

void check_call(const struct call *call)
{
	const bool arrives = call->fate != IS_NOT_SENT && call->fate != IS_TOO_LARGE;

	release_lent();
	expect(lb_rights() == call->rights, call->routine, 0, "rights left over");
	expect(lb_regions() == call->regions, call->routine, 0, "memory left over");
	expect(lb_rooms == 0, call->routine, 0, "a message's room left over");
	expect(seen_alive == 0, call->routine, 0, "a translation left over");
	expect(lb_fail_send == 0, call->routine, 0, "nothing was sent");
	expect(served == call->served + arrives, call->routine, 0, "not served once");
}
#else
static kern_return_t send_error_of(unsigned routine)
{
	(void)routine;
	return KERN_SUCCESS;
}

static void begin_count(struct call *call)
{
	(void)call;
}

void check_call(const struct call *call)
{
	(void)call;
}
#endif

struct call begin_call(unsigned routine, unsigned mask)
{
	struct call call = {.routine = routine, .fate = fate_of(routine, mask), .served = served};

	last_error = KERN_SUCCESS;
	begin_count(&call);
	return call;
}

void end_call(struct call *call, kern_return_t result, bool cut, unsigned what)
{
	const kern_return_t send_error = send_error_of(call->routine);
	kern_return_t wanted = KERN_SUCCESS;

	call->consumed = true;
	switch (call->fate) {
	case FAILS:
		wanted = what & ONE_WAY ? KERN_SUCCESS : error_of(call->routine);
		call->consumed = (what & RETCODE_FIRST) == 0;
		break;
	case IS_NOT_SENT:
		wanted = send_error;
		call->consumed = (what & CONSUMED_ON_ERROR) != 0 ||
				 ((what & CONSUMED_ON_TIMEOUT) != 0 && send_error == MACH_SEND_TIMED_OUT);
		break;
	case IS_TOO_LARGE:
		wanted = MIG_ARRAY_TOO_LARGE;
		call->consumed = false;
		break;
	default:
		wanted = cut ? MIG_ARRAY_TOO_LARGE : KERN_SUCCESS;
		break;
	}
	if (result != wanted && wrong < 10)
		printf("  round %u, routine %u: result %d, not %d\n", round_number, call->routine, result, wanted);
	wrong += result != wanted;
	call->ok = result == KERN_SUCCESS && wanted == KERN_SUCCESS && (what & ONE_WAY) == 0;
}

/* --- The server's side. */

static void *lent[64];
static unsigned lent_count;

void release_lent(void)
{
	while (lent_count != 0)
		free(lent[--lent_count]);
}

void *lend(size_t size)
{
	if (lent_count == sizeof lent / sizeof lent[0])
		abort();
	lent[lent_count] = exactly(size);
	return lent[lent_count++];
}

enum fate begin_work(unsigned routine, unsigned mask)
{
	served++;
	release_lent();
	return fate_of(routine, mask);
}
