/* What the groups of kernel-interface tests share. Each check prints one PASS or FAIL line on the console. */
#ifndef TESTS_INTERFACE_TEST_H
#define TESTS_INTERFACE_TEST_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdio.h>

/* The groups, in the order in which they run. */
void test_ports(void);
void test_messages(void);
void test_registers(void);
void test_memory(void);
void test_sized_memory(void);
void test_pager(void);
void test_tasks(void);
void test_accounts(void);
void test_foreign(void);
void test_set_in_call(void);
void test_dropped_reply(void);
void test_ended_in_call(void);
void test_authority(void);
void test_lifetimes(void);
void test_bad_input(void);
void test_words(void);
void test_leaks(void);
void test_tokens(void);
void test_server_loop(void);
void test_giving_back(void);
void test_binding(void);
void test_races(void);
void test_fuzz(void);
void test_machine(void);

/* How many checks have failed. */
extern int failures;

/* Prints PASS, or FAIL with where and the value that was wrong. Returns whether it was good. */
bool check_at(const char *name, bool good, long long got, const char *file, int line);
#define check(name, good) check_at(name, good, 0, __FILE__, __LINE__)
/* The value is the one wanted; both are integers. */
#define check_is(name, got, wanted)                                                                                    \
	do {                                                                                                           \
		long long got_ = (long long)(got);                                                                     \
		check_at(name, got_ == (long long)(wanted), got_, __FILE__, __LINE__);                                 \
	} while (0)

/* A new receive right with a send right under the same name. */
mach_port_t new_port(void);
/* Destroys the receive right and the send right of new_port. */
void free_port(mach_port_t port);
/* What mach_port_type says, 0 when there is no such name. */
mach_port_type_t type_of(mach_port_t name);
/* User references of one kind, -1 when there is no such right. */
int refs_of(mach_port_t name, mach_port_right_t right);

/* Sends a header and count words to the port, with the reply port (or null) as a send-once right to be made. */
mach_msg_return_t send_words(mach_port_t to, mach_port_t reply, mach_msg_id_t id, const uint64_t *words, unsigned count,
	mach_msg_option_t option, mach_msg_timeout_t timeout);
/* A message of up to eight words with its trailer. */
struct words_message {
	mach_msg_header_t header;
	uint64_t word[8];
	mach_msg_trailer_t trailer;
};
/* Receives within the time (milliseconds). */
mach_msg_return_t receive_words(mach_port_t from, struct words_message *message, mach_msg_timeout_t timeout);

/*
 * A task that is a copy of this one at function(argument), with traps only: it must not call the C library nor stubs.
 * With `right` it holds a send right to that port under the same name. The caller resumes the thread, and terminates
 * the task.
 */
struct child {
	mach_port_t task;
	mach_port_t thread;
};
bool child_create(struct child *child, void (*function)(uint64_t), uint64_t argument, mach_port_t right);
/* The same on an account. */
bool child_create_in(mach_port_t account, struct child *child, void (*function)(uint64_t), uint64_t argument,
	mach_port_t right);
void child_end(struct child *child);

/* Sleeps. May be called in a child. */
void nap(uint32_t milliseconds);
/* For what must come about at some time: wait for it, ten seconds at most, and return what is there then. */
#define PATIENCE 10000
uint32_t wait_until_is(const volatile uint32_t *word, uint32_t wanted);
/* A word of the child's memory, as soon as it is not what it was. */
uint64_t child_word_not(struct child *child, const volatile uint64_t *word, uint64_t old);

/* Ends the machine; returns only if that fails. */
void power_off(void);

/* A thread of this task that serves until it is told to stop by message id STOP_ID. */
#define STOP_ID 999
void start_thread(void (*function)(uint64_t), uint64_t argument);

#endif
