/* Work that waits until no locks are held. */
#ifndef KERN_DEFERRED_H
#define KERN_DEFERRED_H

#include <kern/list.h>
#include <stdint.h>

/* In the order in which they are done. */
enum deferred_class {
	DEFERRED_SEND,    /* messages of the kernel's */
	DEFERRED_DESTROY, /* messages that nobody will receive */
	DEFERRED_FREE,    /* ports and sets */
	DEFERRED_END,     /* tasks out of reach */
	DEFERRED_CLASSES,
};

/* One for each processor. */
struct deferred {
	bool pending, running;
	bool ready; /* deferred_init has been called */
	uint32_t held;
	struct list lists[DEFERRED_CLASSES];
};

typedef void (*deferred_fn)(struct list *link);

void deferred_init(void);
/* Who does what of a class is deferred; before any is. */
void deferred_handler(enum deferred_class class, deferred_fn fn);

/* Any locks. The link is free again when the handler is called. */
void defer(enum deferred_class class, struct list *link);

/* While held, nothing is run: it waits for the next run. */
void deferred_hold(void);
void deferred_unhold(void);

/* Does all that waits (deferred_run: kern/processor.h). */
void deferred_run_pending(struct deferred *d);

#endif
