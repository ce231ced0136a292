/*
 * The model of compose-mach: which task holds which right with how many references, what lies in which queue, who is
 * told of what. It makes no call of the kernel: rules only, those of Mach 3 Kernel Interfaces.
 *
 * Whatever an operation brings about carries the number of its step. What comes of one step may come in any order.
 */
#ifndef COMPOSE_MACH_MODEL_H
#define COMPOSE_MACH_MODEL_H

#include <mach/mach.h>
#include <stdbool.h>
#include <stdint.h>

#define SPACES   5 /* the first is this program's own */
#define OWN      0
#define NAMES    64
#define PARTS    3 /* descriptors of a message */
#define ARRAY    4 /* rights of an array, or pages of memory, in one of them */
#define SPECIALS 6 /* ports that a task keeps beside its names: registered, exception, bootstrap */

struct port {
	bool alive, kernel;
	int caller;           /* the space whose call is answered here, or 0 */
	int receiver;         /* space, or -1: the receive right is in a message */
	mach_port_name_t set; /* in that space, or null */
	uint32_t send, send_once, mscount, seqno, qlimit, count;
	uint64_t payload;
	bool has_payload;
	struct port *no_senders, *destroyed; /* who is told, by a send-once right */
	struct port *destination;            /* of the message that carries the receive right */
	struct message *first, *last;
};

struct name {
	mach_port_name_t name; /* 0: unused */
	mach_port_type_t type; /* without DNREQUEST */
	uint32_t urefs;
	struct port *port;
	bool requested;
	bool pinned;                  /* no operation picks it */
	struct port *dead, *possible; /* who is told */
};

/* A right on its way. as: PORT_RECEIVE, PORT_SEND, PORT_SEND_ONCE. */
struct right {
	struct port *port;
	mach_msg_type_name_t as;
	bool dead;
};

struct part {
	uint8_t type;
	unsigned count; /* rights, or pages */
	struct right right[ARRAY];
	uint64_t value[ARRAY]; /* of pages */
};

/* What its sender says of a word of a message. */
#define WORD(first, i) ((first) + (i)*0x9e3779b97f4a7c15ull)
#define WORDS_MAX      40

struct message {
	struct message *next;
	unsigned long step;
	mach_msg_id_t id; /* below NOTIFICATIONS: one of them */
	int caller;       /* by the register path: the space that waits for the answer, or 0 */
	int64_t ended;    /* what it is told if nobody receives it */
	struct port *to;
	bool once; /* sent by a send-once right */
	struct right reply;
	unsigned words, parts;
	uint64_t first;
	struct part part[PARTS];
};
#define MESSAGE_ID    100000
#define NOTIFICATIONS 100 /* all ids are below */

extern unsigned long step;
extern struct name names[SPACES][NAMES];
extern struct port *specials[SPACES][SPECIALS];
extern struct port *task_port[SPACES]; /* null: there is no such task */

void model_reset(void);
/* False: this round has made as many as there is room for. */
bool model_has_room(void);
struct port *model_new_port(int receiver);
struct message *model_new_message(void);

struct name *name_of(int space, mach_port_name_t name);
unsigned names_used(int space);
/* A name that has come: it must be new. */
struct name *name_add(int space, mach_port_name_t name, mach_port_type_t type, struct port *port);

/* What the kernel's routines of the same names do. */
kern_return_t model_delta(int space, mach_port_name_t name, mach_port_right_t right, int delta);
kern_return_t model_destroy(int space, mach_port_name_t name);
kern_return_t model_rename(int space, mach_port_name_t from, mach_port_name_t to, bool taken);
kern_return_t model_move_member(int space, mach_port_name_t member, mach_port_name_t set);
/* notify is consumed on success. *previous: a send-once right to it comes back. */
kern_return_t model_request(
	int space, mach_port_name_t name, mach_msg_id_t id, uint32_t sync, struct port *notify, struct port **previous);
/* A right is taken out for a message to `to`. KERN_SUCCESS, KERN_INVALID_NAME, KERN_INVALID_RIGHT. */
kern_return_t model_take(
	int space, mach_port_name_t name, mach_msg_type_name_t disposition, struct port *to, struct right *right);
/* A right comes under a wanted name; on failure it is still the caller's. */
kern_return_t model_insert(int space, struct right right, mach_port_name_t wanted, bool taken);
/* A right has come under the name. False: it could not have. */
bool model_put(int space, struct right right, mach_port_name_t name);
void model_release(struct right right);

/* Whether taking all of them would succeed, in this order; nothing changes. */
struct wanted_right {
	mach_port_name_t name;
	mach_msg_type_name_t disposition;
};
enum { RIGHTS_MAX = 2 + PARTS * ARRAY };
/* -1: all can be had; else the number of the first that cannot. The first is where the message goes. */
int model_check_rights(int space, const struct wanted_right *rights, unsigned count);

void model_post(struct message *message);
/* The message leaves its queue; the right that it was sent by has done its work. */
void model_leave(struct message *message);
/* There is room in the queue, or more of it: those who wait to send may, and if more is left who asked is told. */
void model_room_made(struct port *port, uint32_t room);
/* Threads that wait to send there. */
unsigned senders_waiting(const struct port *port);
void model_destroy_message(struct message *message);
void model_task_ends(int space);
/* What operations leave behind is done: called at the end of each. */
void model_settle(void);

/* --- calls.c: what comes of calls by the register path. */

/* Nobody will answer: the caller is told so. */
void call_ended(int caller, int64_t result);
/* Gives the right to answer. */
struct right call_received(const struct message *message);
/* The message goes to who called. */
void call_answered(struct message *message);
/* The caller's task ends. */
void call_forgotten(int caller);
/* The port is no more: its names are dead. */
void model_port_dies(struct port *port);

bool port_full(const struct port *port);

#endif
