/*
 * Values of random interfaces: both sides compute the same ones from routine, argument, side and round. A right, a
 * count, or how a whole call is to end is such a value too.
 */
#ifndef RANDOM_VALUES_H
#define RANDOM_VALUES_H

#include "loopback.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern unsigned round_number;
extern unsigned wrong;
/* A receive right of the task, and a send right to it. */
extern mach_port_t known_port, known_right, server;
extern const struct mig_subsystem *const random_table;
extern boolean_t (*const random_dispatcher)(mach_msg_header_t *in, mach_msg_header_t *out);
void call_all(void);
/* What a procedure's or function's client stub was told; translations that no destructor has seen. */
extern kern_return_t last_error;
extern int seen_alive;
void an_error(kern_return_t error);
void another_error(kern_return_t error);

/* Whose value: what goes in, what comes out, what a variable has that nobody sets; how much room there is. */
enum { GOES_IN, COMES_OUT, UNTOUCHED, ROOM };
#define UNTOUCHED_NAME 0x5f5f5f5fu

/* An element: its bytes that are no padding, or how many rights it is. */
struct layout {
	unsigned size, rights, spans;
	unsigned span[40][2];
};

/* Out-of-line memory of one argument. */
struct memory {
	const struct layout *layout;
	unsigned most;    /* elements in one piece */
	unsigned fixed;   /* always so many */
	boolean_t moves;  /* the sender gives it away */
	unsigned sent_as; /* rights */
};

/* How a call is to end; the masks say what may happen to a routine. */
enum fate { SUCCEEDS, FAILS, IS_NOT_SENT, IS_TOO_LARGE, HAS_LITTLE_ROOM };
enum {
	MAY_FAIL = 1 << FAILS,
	MAY_BE_TOO_LARGE = 1 << IS_TOO_LARGE,
	MAY_HAVE_LITTLE_ROOM = 1 << HAS_LITTLE_ROOM,
	MAY_NOT_BE_SENT = 1 << IS_NOT_SENT
};
/* What the routine is, for the end of a call. */
enum { ONE_WAY = 1, RETCODE_FIRST = 2, CONSUMED_ON_TIMEOUT = 4, CONSUMED_ON_ERROR = 8 };

struct call {
	unsigned routine;
	enum fate fate;
	bool ok;       /* answers came */
	bool consumed; /* what the request moved is gone */
	unsigned rights, regions, served;
};

uint64_t value(unsigned routine, unsigned argument, unsigned side, unsigned index);
void expect(int ok, unsigned routine, unsigned argument, const char *what);

enum fate fate_of(unsigned routine, unsigned mask);
kern_return_t error_of(unsigned routine);
/* 0 to limit, often at an edge; what a client says that is too much on purpose. */
unsigned count_of(unsigned routine, unsigned argument, unsigned side, unsigned limit);
unsigned in_count(const struct call *call, unsigned argument, unsigned limit);
/* The client's room for an answer, which may be more than can come; and what a server hears of it. */
unsigned room_of(enum fate fate, unsigned routine, unsigned argument, unsigned limit);
unsigned told_room(enum fate fate, unsigned routine, unsigned argument, unsigned limit);
boolean_t dealloc_of(unsigned routine, unsigned argument, unsigned side);
boolean_t null_of(unsigned routine, unsigned argument, unsigned side, unsigned index);
unsigned poly_of(unsigned routine, unsigned argument, unsigned side);
unsigned send_of(unsigned routine, unsigned argument, unsigned side);
unsigned received_as(unsigned disposition);

struct call begin_call(unsigned routine, unsigned mask);
/* `cut`: more came than there was room for. */
void end_call(struct call *call, kern_return_t result, bool cut, unsigned what);
/* After the client has given everything back. */
void check_call(const struct call *call);
/* Begins a work function. */
enum fate begin_work(unsigned routine, unsigned mask);
/* Memory that a work function keeps and its reply only shows; and its end. */
void *lend(size_t size);
void release_lent(void);

/* Elements, rights or data, at an address. */
void write_content(void *to, const struct layout *layout, unsigned count, unsigned sent_as, unsigned routine,
	unsigned argument, unsigned side);
void check_content(const void *at, const struct layout *layout, unsigned count, unsigned sent_as, unsigned routine,
	unsigned argument, unsigned side);
void release_content(const void *at, const struct layout *layout, unsigned count);
/* The client's rights after a call: those that it sent and that have not gone. */
void unsend_content(const void *at, const struct layout *layout, unsigned count, unsigned sent_as, bool consumed);
void check_zero(const void *at, const struct layout *layout, unsigned count, unsigned routine, unsigned argument);

/* `pieces` is an array of pointers; `counts` has the elements of each, unless they are fixed. */
void piece_counts(mach_msg_type_number_t *counts, unsigned pieces, const struct memory *memory, unsigned routine,
	unsigned argument, unsigned side);
void check_piece_counts(const mach_msg_type_number_t *counts, unsigned pieces, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side);
void write_memory(void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side);
void check_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	unsigned routine, unsigned argument, unsigned side);
/* The receiver's; memory under `auto` is not its own. */
void release_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	bool only_rights);
void unsend_memory(const void *pieces, const mach_msg_type_number_t *counts, unsigned n, const struct memory *memory,
	bool consumed);

void write_string(char *to, unsigned size, unsigned routine, unsigned argument, unsigned side);
void check_string(const char *at, unsigned size, unsigned routine, unsigned argument, unsigned side);
/* A string that the call will refuse. */
void write_long_string(char *to, unsigned size);

/* Memory as large as it must be and no larger, so that the sanitizer sees each byte too many. */
static inline void *exactly(size_t size)
{
	return calloc(1, size != 0 ? size : 1);
}

static inline bool same_token(const void *a, const void *b, size_t size)
{
	return memcmp(a, b, size) == 0;
}

static inline bool is_reply_right(mach_port_t name)
{
	return lb_object(name) != 0 && lb_right(name) == MACH_PORT_RIGHT_SEND_ONCE;
}

#endif
