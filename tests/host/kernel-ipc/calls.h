/* The tests of this program, one function each. */
#ifndef KERNEL_IPC_CALLS_H
#define KERNEL_IPC_CALLS_H

void test_calls(void);
void test_deaths(void);
void test_foreign(void);
void test_priorities(void);
void test_sent_by_interrupts(void);
void test_queues(void);
void test_rights(void);
void test_messages(void);
void test_handed(void);
void test_failures(void);
void test_interrupts(void);

#endif
