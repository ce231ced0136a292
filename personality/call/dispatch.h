/* The dispatcher: threads of the server, calls that run again. */
#ifndef PERSONALITY_DISPATCH_H
#define PERSONALITY_DISPATCH_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

struct call;

#define SERVER_THREADS 8

/* Payloads that are not processes' (proc.h: those are larger): interrupts' begin at 0. */
#define PAYLOAD_DEATHS (1ull << 31)

/* The port set that all of the server's receive rights are in. */
extern mach_port_t server_port_set;

/* A new receive right in the set, with a payload. MACH_PORT_NULL: no memory. */
mach_port_t server_port_create(uint64_t payload);
void server_port_destroy(mach_port_t port);

/* The payload of the port by which the message came that the calling thread serves. */
uint64_t request_payload(void);

/* Goes on with the calls and fibers that have become ready, then releases the lock: the end of every thread's turn
 * outside a call. */
void server_leave(void);

/* A ready call of a process that was stopped goes on. */
void call_resume_ready(struct call *call);

/* Runs function in a new thread of the server; failing ends the server. */
void server_thread_start(void *(*function)(void *));
/* The same; false: it could not be started. */
bool server_thread_try(void *(*function)(void *));

/* Runs the function on a fiber, and serves calls on the port set with SERVER_THREADS threads, one of them the calling
 * one. */
_Noreturn void dispatch_run(void (*first)(void *argument));

/* Interrupts: what device_interrupt messages at `port` call, with the lock held. */
void interrupt_register(mach_port_t port, void (*handler)(void));

#endif
