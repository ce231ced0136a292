/* Who a program is: the credentials, the port and the sharing that exec gives it. */
#ifndef PERSONALITY_IDENTITY_H
#define PERSONALITY_IDENTITY_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

#include "process/proc.h"

struct vnode;

/*
 * An exec's new identity. Until identity_take the process keeps the old one, for its other threads run on while the
 * program is loaded.
 */
struct exec_identity {
	struct credentials credentials;
	bool secure;              /* the program must not trust its environment (AT_SECURE) */
	bool gained;              /* it has ids that its caller did not have */
	bool dumpable;            /* its caller's user may look into it */
	mach_port_t port;         /* receive right: calls and exceptions, in place of the old program's */
	uint64_t serial;          /* its payload */
	struct file_table *files; /* reference: the process's, or a copy when that is shared with others */
};

/* What the program's file and the caller say it will be. 0, or -EPERM: capabilities that it needs cannot be had;
 * -errno. May release the lock. */
int identity_plan(struct call *call, struct vnode *program, struct exec_identity *identity);
/*
 * Makes what may fail, once the process has no other thread; the lock stays held from here to identity_take. 0,
 * -ENOMEM, -EAGAIN (who would gain ids began to share with others meanwhile).
 */
int identity_make(struct call *call, struct exec_identity *identity);
/* The process becomes it. What was sent to the old port is destroyed, rights to it are dead. Releases the lock. */
void identity_take(struct process *process, struct exec_identity *identity);
/* Gives back what identity_make has made. */
void identity_drop(struct exec_identity *identity);

#endif
