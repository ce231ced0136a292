/* What a server leaves to the next instance of itself (restart=yes): ports with all that is queued, and memory. */
#ifndef MACH_KEEP_H
#define MACH_KEEP_H

#include <mach/mach.h>

/* The receive right outlives this task: the next instance gets it, with the payload that it has when the task ends. */
kern_return_t mach_keep_port(mach_port_t port);
/* It is the task's own again: to be said before it is destroyed. */
kern_return_t mach_unkeep_port(mach_port_t port);
/*
 * The next of the receive rights that the instance before had kept, and its payload. KERN_INVALID_NAME: no more. What
 * was sent to it and not received is in its queue; it has no payload any more. Keep it again.
 */
kern_return_t mach_kept_port(mach_port_t *port, uint64_t *payload);
/* A send right outlives this task, and is found by the next instance (KERN_INVALID_NAME: none of that name). */
kern_return_t mach_keep_right(const char *name, mach_port_t right);
kern_return_t mach_kept_right(const char *name, mach_port_t *right);
/*
 * Memory of at least `size` bytes that outlives this task, zeroed at first, mapped at *address. *old: an instance
 * before used it. Needs privileges=host.
 */
kern_return_t mach_keep_memory(const char *name, vm_size_t size, void **address, boolean_t *old);

#endif
