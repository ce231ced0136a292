/* In which order those who wait at semaphores and locks come. */
#ifndef MACH_SYNC_POLICY_H
#define MACH_SYNC_POLICY_H

typedef int sync_policy_t;

#define SYNC_POLICY_FIFO           0
#define SYNC_POLICY_FIXED_PRIORITY 1 /* served in order of arrival, too */
#define SYNC_POLICY_REVERSED       2
#define SYNC_POLICY_ORDER_MASK     3

#endif
