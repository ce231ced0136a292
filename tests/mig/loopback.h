/* What the tests of tests/host/mig need of the host's loop-back, with the machine's own rights instead. */
#ifndef LOOPBACK_H
#define LOOPBACK_H

#include <mach/mach.h>
#include <stdbool.h>

/* 1 if the name stands for a send or send-once right, or a receive right. */
unsigned lb_object(mach_port_t name);
/* Which right: MACH_PORT_RIGHT_*, the receive right if it is one of several; -1: none. */
int lb_right(mach_port_t name);
/* A new port with its receive right. No subsystem serves it. */
mach_port_t lb_port(const struct mig_subsystem *subsystem, uint64_t payload);
/* One more send right to a port whose receive right is ours. */
mach_port_t lb_send_right(mach_port_t receive);
/* Names in the task's space; user references of its send rights. */
unsigned lb_rights(void);
unsigned lb_references(void);
/* Bytes mapped in the task. */
uint64_t lb_memory(void);

static inline void lb_release(mach_port_t name)
{
	mach_port_deallocate(mach_task_self(), name);
}

/* Gives back one right, of whatever kind. */
kern_return_t lb_drop(mach_port_t name);

/* Switches the machine off. */
void lb_power_off(void);

/* Fills the stack below with old bytes. */
static inline void lb_paint(void)
{
	volatile unsigned char space[8192];

	for (unsigned i = 0; i < sizeof space; i++)
		space[i] = 0xa5;
}

#endif
