/* Exceptions: from the fault to the handler's answer. */
#ifndef KERN_EXCEPTION_H
#define KERN_EXCEPTION_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>

/*
 * A handler's answer came to the thread's exception reply port (IKOT_EXCEPTION_REPLY), or the right to answer died:
 * any result but KERN_SUCCESS. No locks held.
 */
void exception_reply_received(struct thread *thread, kern_return_t result);

#endif
