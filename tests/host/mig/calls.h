/*
 * What files of calls share. They call every routine of an interface and look at what came of it: over the loop-back of
 * the host, client and server in one program, and between two tasks in QEMU (tests/mig). What only the loop-back can
 * know is looked at by CHECK_LOOPBACK.
 */
#ifndef CALLS_H
#define CALLS_H

#include "loopback.h"

#include <stddef.h>

/* The interface's server; a port of the same server with a payload, OBJECT_PAYLOAD + 99; one that serves no such id. */
extern mach_port_t server, object_server, stranger;
/* Payloads of objects are above what a name can be. */
#define OBJECT_PAYLOAD 0x100000000ull
/* A port of one's own to which rights are sent: of either side (over the loop-back it is the same). */
extern mach_port_t kept, kept_send;

struct calls {
	const char *name;
	void (*test)(void);
};
/* The interface's calls; a null name ends them. */
extern const struct calls calls[];

/* What the work functions tell of themselves beside their answers: the server's, fetched by lb_ask. */
extern void *const calls_told;
extern const size_t calls_told_size;
/* Done in the server when a client says lb_in_server. */
void calls_in_server(int what);

/* Notes that a check failed; says which. */
extern bool calls_bad;
void calls_check(bool ok, const char *what, const char *file, int line);
#define CHECK(condition) calls_check(condition, #condition, __FILE__, __LINE__)
#ifdef LB_HOST
#define CHECK_LOOPBACK(condition) CHECK(condition)
#else
#define CHECK_LOOPBACK(condition) ((void)0)
#endif
/* Every call begins on a painted stack, so that a byte nobody wrote shows in the message. */
#define CALL(call) (lb_paint(), (call))
#define OK(call)   CHECK(CALL(call) == KERN_SUCCESS)

/* Memory that can be moved: `size` bytes, copied from `bytes`; null if there are none. */
void *memory_of(const void *bytes, size_t size);
void give_back(void *memory, size_t size);
/* Gives back a right, which must be one. */
void drop(mach_port_t name);

#endif
