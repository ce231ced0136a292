/*
 * The model of memory objects: which pages the kernel has, what they hold, who waits for them, what the kernel says to
 * their pager, which is this program. pagers.c follows them; paging.c has the operations.
 */
#ifndef COMPOSE_MACH_PAGERS_H
#define COMPOSE_MACH_PAGERS_H

#include "compose.h"

#define OBJECTS      2
#define OBJECT_PAGES 16u
#define OBJECT_SIZE  (OBJECT_PAGES * VM_PAGE_SIZE)

/*
 * A page: ABSENT; REQUESTED, when the kernel has asked for it; RESIDENT; FAILED, until it is flushed, if somebody waited for it
 * when its error came.
 */
struct object_page {
	enum { ABSENT, REQUESTED, RESIDENT, FAILED } state;
	bool wanted, unlocking, dirty, precious;
	bool returning; /* the kernel must send it now: what it sends is `value` and `tail` */
	vm_prot_t lock; /* accesses that the kernel has to ask for */
	uint64_t value, tail; /* the first and the last of its words */
};

/* A page of a private mapping: once it was written through that it is its own, and keeps what it held. */
struct own_page {
	bool is;
	uint64_t value, tail;
};

struct object {
	mach_port_name_t port; /* 0: there is none, or it has died */
	struct port *control;  /* of the kernel's; null: it does not know the object */
	mach_port_name_t control_name;
	enum { NEW, READY, DEAD } state;
	bool may_cache;
	bool beginning, ending; /* the kernel must say so now */
	struct object_page page[OBJECT_PAGES];
	bool mapped[SPACES];
	vm_prot_t protection[SPACES];
	bool private[SPACES];
	struct own_page own[SPACES][OBJECT_PAGES];
};
extern struct object objects[OBJECTS];

/* The second thread of a space stands at a page. */
struct touch {
	enum { NO_TOUCH, LOADS, STORES, PROBES } kind; /* PROBES: in a trap, which can fail */
	struct object *object;
	unsigned page;
	struct own_page *own; /* where its mapping is private */
	uint64_t value;       /* that it stores */
};
extern struct touch touches[SPACES];

/* What the kernel must answer to the request that was just made; id 0: nothing. */
struct object_answer {
	mach_msg_id_t id;
	uint64_t word[4];
};
extern struct object_answer object_answer;
mach_port_name_t answer_port(void);

vm_address_t address_of_object(const struct object *object);
unsigned object_maps(const struct object *object);

/* What the routines of the same names do to pages first to end - 1. */
void pages_supplied(struct object *object, unsigned first, unsigned end, vm_prot_t lock, bool precious, uint64_t value);
void pages_unavailable(struct object *object, unsigned first, unsigned end);
void pages_fail(struct object *object, unsigned first, unsigned end);
void pages_locked(struct object *object, unsigned first, unsigned end, memory_object_return_t what, bool flush, vm_prot_t lock);
/* All that were asked for are asked for again. */
void pages_forgotten(struct object *object);
/* Nothing more comes of the pager. destroyed: what is there goes, too. */
void object_dies(struct object *object, bool destroyed);
void object_mapped(struct object *object, int space, vm_prot_t protection, bool private);
void object_unmapped(struct object *object, int space);
/* The kernel lets go of an object that nobody has mapped and that it may not keep: its pages go back, and its control port dies. */
void object_let_go(struct object *object);

/* Whether somebody waits for a page of the range who would get an error and cannot, or for the object. */
void object_port_dies(struct object *object);
bool errors_would_kill(const struct object *object, unsigned first, unsigned end);

#endif
