/* What the parts of compose-mach share beside the model. */
#ifndef COMPOSE_MACH_COMPOSE_H
#define COMPOSE_MACH_COMPOSE_H

#include "model.h"

#include <stdarg.h>

/* --- main.c */

/* At random, the same for the same seed. */
unsigned pick(unsigned below);
/* A line of what this step does, when the steps are to be seen. */
void say(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* The kernel has done something else than the model: says so and ends. */
_Noreturn void wrong(const char *format, ...) __attribute__((format(printf, 1, 2)));
/* Ends with `wrong` unless they are the same. */
void expect(const char *what, int64_t got, int64_t wanted);
#define PATIENCE 20000 /* naps of a millisecond for what must come about some time */
void nap(uint32_t milliseconds);

/* --- actors.c: tasks whose threads make traps at this program's word. */

enum { BUFFER = 8192, WORKERS = 2 };

/* In memory that all tasks share, at the same address in each: one for each thread of each space. */
struct desk {
	union {
		mach_msg_header_t header;
		char bytes[BUFFER];
	} message;
	mach_port_name_t array[PARTS][ARRAY];
	/* Work that may take its time: of the second thread. */
	uint64_t trap[7];
	uint64_t word[8]; /* that are sent, or of a call and its answer */
	struct mach_delivery delivery;
	int64_t result;
	uint32_t state; /* IDLE, ASKED, TAKEN, DONE */
	char stack[BUFFER] __attribute__((aligned(16)));
};
enum { IDLE, ASKED, TAKEN, DONE };

/* For a round, whose tasks are on an account that is a part of this one; and its end: nothing of them is left. */
void actors_prepare(mach_port_t account);
void actors_all_gone(void);
/* The desk of a space's thread; the second is the one that may wait. */
struct desk *desk_of(int space, unsigned worker);
/* This program's name of the task. */
mach_port_t task_name(int space);
/* A task in the place of an empty space, with the parent's memory. */
void actor_start(int space, int parent);
void actor_end(int space);
/* A trap made by the first thread of the space, which answers when it is over; or an access of its own to memory. */
enum { STORE = 1, LOAD, CALL, SEND_WORDS, ANSWER };
int64_t act(int space, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
/* The second thread begins a trap. */
void act_later(int space, int64_t number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
/* It has come back, or waits. */
void act_settle(int space);
/* The second thread is stopped in its wait. */
void act_abort(int space);
/* Names of a space that are no part of the game. */
bool is_infrastructure(int space, mach_port_name_t name);

/* --- rights.c, notices.c, exchange.c, waiting.c, memory.c, unix.c: the operations. */

int any_space(void); /* that has a task */
int any_actor(void); /* the same without this program's own; 0: there is none */
mach_port_name_t any_name(int space);
mach_port_name_t any_name_with(int space, mach_port_type_t types); /* or any, or one that is none */
mach_msg_type_name_t any_disposition(void);
mach_port_name_t name_for_disposition(int space, mach_msg_type_name_t disposition); /* that may serve it */
void rights_operation(void);
void request_operation(void);
void receiver_operation(void);
void task_operation(void);
void thread_operation(void);
void task_ends(int space);
void send_operation(void);
void receive_operation(void);
void memory_operation(void);
void unix_operation(void);

void waiting_operation(void);
void waiting_for_page(int space); /* its second thread does: pagers.c knows for which */
/* Every thread that waits and need not wait any more has come back; others have not. */
void waiting_settle(void);
void waiting_forget(int space);
bool space_waits(int space);
bool is_served(const struct port *port); /* a thread waits there by mach_reply_wait */

/* The second thread calls somebody: false if not. It is aborted; it has come back. */
bool call_begin(int space);
void call_abort(int space);
bool call_is_over(int space);
void call_back(int space);

/* By the thread itself, which owes the answer then: the call's number. */
unsigned long call_taken(const struct message *message);
bool call_stands(int caller, unsigned long number);
void call_answered_in_words(int caller, uint64_t first, unsigned words);
struct right call_put_off(int caller, unsigned long number);

/* --- answers.c: second threads that serve by mach_reply_wait. */
void answers_forget(int space);
/* Something that such a thread does; the name by which it receives then, or null. */
mach_port_name_t answer_begin(int space);
/* What it has received by the name. */
void answer_back(int space, mach_port_name_t by);
/* It owes the answer to a message. */
bool owes_right(int space);
void answer_now(int space);
/* It will not answer. */
void debt_dropped(int space);

struct sending {
	struct message *message;
	struct wanted_right right[RIGHTS_MAX];
	unsigned rights;
	bool reply;
	mach_msg_size_t size;
	int memory; /* the part with memory, or -1 */
	vm_address_t address;
	bool deallocate;
};
/* A message on the desk of the space's thread, and the model's. */
void message_build(int space, unsigned worker, struct sending *sending);
/* What comes of the send as things are now, in the model; MACH_SEND_TIMED_OUT: the queue is full. */
mach_msg_return_t message_sent(int space, struct sending *sending);
/* What the desk says that was received by the name, against the model. */
void message_received(int space, unsigned worker, mach_port_name_t by);

void memory_reset(void);
void memory_task_starts(int space, int parent);
void memory_task_ends(int space);
/* Pages that are sent from the task: the values, or what the send says instead. */
mach_msg_return_t memory_take(int space, vm_address_t address, unsigned pages, bool deallocate, uint64_t *values);
vm_address_t memory_any(int space, unsigned *pages);
/* Pages have come to the address: they hold these values. They are given back. */
void memory_check_and_free(int space, vm_address_t address, unsigned pages, const uint64_t *values);
void compare_memory(int space);

/* --- pagers.c and paging.c: memory objects, whose pager is this program. */
void pagers_begin(void);
void pagers_end(void);
void pagers_task_starts(int space, int parent);
void pagers_task_ends(int space);
bool pagers_own(mach_port_name_t name); /* this program's names of their ports */
/* Threads at pages have gone on or wait, and the kernel has said to pagers what it must, and nothing else. */
void pagers_settle(void);
bool touch_is_over(int space);
void touch_back(int space);
void touch_abort(int space); /* and goes on */
void touch_forgotten(int space);
void compare_pages(int space);
void paging_operation(void);

void compare_rights(int space);

/* What this program says as the child of itself that it executes. */
int unix_child(void);

#endif
