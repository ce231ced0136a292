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

/* Gives back one right, of whatever kind. */
kern_return_t lb_drop(mach_port_t name);

/* A send-once right to a port whose receive right is ours. */
mach_port_t lb_send_once_right(mach_port_t receive);
/* The right is to the port, whose receive right is ours: send rights have its name. */
static inline bool lb_same(mach_port_t right, mach_port_t port)
{
	return right == port && lb_object(right) != 0;
}

/* What a client gets whose right to reply is dropped: the kernel tells it. */
#define LB_DROPPED MIG_SERVER_DIED
/* By how much the sequence numbers of two requests differ, one after the other. */
#define LB_SEQNO_STEP 1

/* calls.h: what the server says of itself comes to calls_told; something is done in the server. */
void lb_ask(void);
void lb_in_server(int what);

/* Switches the machine off. */
void lb_power_off(void);

/* Fills the stack below with old bytes. */
void lb_paint(void);

#endif
