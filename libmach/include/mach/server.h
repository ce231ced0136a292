/* The server loop: any number of subsystems, register and buffered messages alike, any number of threads. */
#ifndef MACH_SERVER_H
#define MACH_SERVER_H

#include <mach/mach.h>

/*
 * Serves a port or port set for ever with the subsystems of a null-ended list (generated: SUBSYSTEM_subsystem). Several
 * threads may run it on one port. Every reply is sent as the caller expects it; a request of no subsystem is destroyed
 * and answered by MIG_BAD_ID, a foreign call by FOREIGN_NOT_SERVED. Returns only when receiving itself fails: with that
 * error. If a routine looks at the trailer (MIG_ROUTINE_TRAILER), messages come with trailers that say all; calls by
 * registers are served as fast as without.
 *
 * A work function may keep a reply for later: the routine takes an sreplyport (buffered routines), or it calls
 * mach_reply_defer() (register routines); it then returns MIG_NO_REPLY.
 */
kern_return_t mach_server_run(mach_port_t receive, const struct mig_subsystem *const subsystems[]);
/* Starts `count` further threads that run it. KERN_RESOURCE_SHORTAGE: fewer could be started. */
kern_return_t mach_server_start_threads(
	mach_port_t receive, const struct mig_subsystem *const subsystems[], unsigned count);

/* Of the request that the calling thread is serving: the payload of its port (else the port's name). */
extern __thread uint64_t mach_request_payload_;
static inline uint64_t mach_request_payload(void)
{
	return mach_request_payload_;
}
/* The same for ports made by mach_server_port: the object. */
static inline void *mach_request_object(void)
{
	return (void *)(uintptr_t)mach_request_payload_;
}

/* A new receive right whose payload is the object, in the set (unless null). */
kern_return_t mach_server_port(mach_port_t set, void *object, mach_port_t *port);
/* Asks that S_mach_notify_no_senders be served at the port itself when no send right is left, now or later. */
kern_return_t mach_server_notify_no_senders(mach_port_t port);
/* Asks for S_mach_notify_dead_name at `notify` (a receive right of ours) when the named send right dies. */
kern_return_t mach_server_notify_dead_name(mach_port_t name, mach_port_t notify);

#endif
