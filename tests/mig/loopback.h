/* What tests/host/mig/random/values.h needs of the host's loop-back, with the machine's own rights instead. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <mach/mach.h>
#include <stdbool.h>

/* 1 if the name stands for a send or send-once right, or a receive right. */
unsigned lb_object(mach_port_t name);
/* One more send right to a port whose receive right is ours. */
mach_port_t lb_send_right(mach_port_t receive);
/* Names in the task's space. */
unsigned lb_rights(void);

static inline void lb_release(mach_port_t name)
{
	mach_port_deallocate(mach_task_self(), name);
}

/* Fills the stack below with old bytes. */
static inline void lb_paint(void)
{
	volatile unsigned char space[8192];

	for (unsigned i = 0; i < sizeof space; i++)
		space[i] = 0xa5;
}

#endif
