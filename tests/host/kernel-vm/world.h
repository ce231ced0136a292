/* What the memory tests have instead of ports, tasks and pagers' tasks. */
#ifndef TESTS_KERNEL_VM_WORLD_H
#define TESTS_KERNEL_VM_WORLD_H

#include "../kernel-support/support.h"
#include <ipc/ipc.h>
#include <kern/task.h>
#include <vm/vm_map.h>

/* A port: rights are only counted. */
struct ipc_port {
	enum ipc_kobject_type type;
	void *object;
	bool dead;
	bool no_memory; /* for messages to it */
	int send_rights;
	void (*on_death)(struct ipc_port *port);
	struct pager_message *first, *last; /* what the kernel sent */
};

/* What the kernel said to a pager. */
enum pager_message_kind { PAGER_INIT, PAGER_TERMINATE, PAGER_REQUEST, PAGER_UNLOCK, PAGER_RETURN, PAGER_COMPLETED };
struct pager_message {
	struct pager_message *next;
	enum pager_message_kind kind;
	struct ipc_port *control; /* init: a send right */
	vm_offset_t offset;
	vm_size_t length;
	vm_prot_t access;
	vm_map_copy_t data;
	bool dirty, kernel_copy;
	kern_return_t result;
};

extern struct ipc_port *world_receive_right;                /* what ipc_space_receive_right finds */
struct ipc_port *world_port(void);                          /* with one send right, the test's */
void world_port_die(struct ipc_port *port);                 /* its receiver is gone */
struct pager_message *world_receive(struct ipc_port *port); /* the oldest message, to be freed, or null */

/* A task with an empty map, found by its name in every space. */
struct task *world_task(void);
void world_task_end(struct task *task);

/* The trap registers and names of tests' tasks: the number of a task is its name. */
mach_port_name_t world_name(struct task *task);

/*
 * A program's access to bytes within one page: faults until they are there. Null when a fault failed (*error says why)
 * or waits (KERN_RESTART).
 */
void *world_access(struct task *task, vm_address_t address, vm_prot_t access, kern_return_t *error);

/* Whether somebody may be ended for memory; and the account that memory was wanted for last (kern/account.h). */
extern bool world_policy;
extern uint32_t world_asked;

/* The accounts say what the table of pages says, together all that is in use. */
void world_check_accounts(void);
/* The same when all tasks have ended: nothing is left on any. */
void world_check_no_accounts(void);

/* Whom ports belong to. */
extern struct account *world_pager_account;
extern uint64_t world_pager_bytes; /* what it has at the end */

void world_start(uint64_t memory);

#endif
