/* Memory that cannot be had, for the page-out that could not make room. */
#ifndef KERN_SHORTAGE_H
#define KERN_SHORTAGE_H

#include <kern/kernel_types.h>

/*
 * Whether a thread that wants memory on the account may hope that somebody is ended for it, and so should try again
 * soon: if it is the current thread's own account, a user's, and there is a policy, which is going to be told. Locks
 * at most of maps and objects; wake page-out.
 */
bool shortage_may_end(const struct account *account, bool at_limit);
/* Tells the policy, and ports what there was no memory to tell them: true if that is still so. No locks held. */
bool shortage_tell(void);

#endif
