/* Signals: numbers, actions, queues, sending and delivery. */
#ifndef PERSONALITY_SIGNAL_H
#define PERSONALITY_SIGNAL_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"

struct process;
struct thread;
struct call;
struct process_group;

#define SIGNALS            64
#define SIGNAL_REAL_TIME   32 /* from here on several of a kind are queued */
#define SIGNAL_BIT(signal) (1ull << ((signal)-1))

/* The kernel's struct sigaction of x86-64. */
struct signal_action {
	uint64_t handler; /* 0 default, 1 ignore */
	uint64_t flags;
	uint64_t restorer;
	uint64_t mask;
};

struct signal_actions {
	unsigned references;
	struct signal_action action[SIGNALS];
};

/* siginfo of x86-64: 128 bytes. */
struct signal_info {
	int32_t signal;
	int32_t error;
	int32_t code;
	int32_t pad;
	union {
		struct {
			int32_t pid;
			uint32_t uid;
			union {
				uint64_t value;
				struct {
					int32_t status;
					int32_t pad2;
				};
			};
			int64_t user_time, system_time;
		};
		struct {
			int32_t timer_id, overrun;
			uint64_t timer_value;
		};
		uint64_t address;
		uint64_t words[14];
	};
};

_Static_assert(sizeof(struct signal_info) == 128, "siginfo_t has 128 bytes");

struct signal_queue {
	uint64_t set;
	struct list entries; /* struct queued_signal: one per standard signal, several per real-time signal */
};

void signal_queue_init(struct signal_queue *queue);
void signal_queue_flush(struct signal_queue *queue, uint64_t set);

/*
 * --- Sending (signal.c). Ignored signals vanish; info may be null: from the kernel. The target may be gone afterwards.
 * 0, or -EAGAIN: the target's user has RLIMIT_SIGPENDING signals queued, and this one may not lose its information.
 */
int signal_process(struct process *process, int signal, const struct signal_info *info);
int signal_thread(struct thread *thread, int signal, const struct signal_info *info);
void signal_group(struct process_group *group, int signal, const struct signal_info *info);

/* --- Looking. */
/* Whether the thread must act on one of the signals that wait and are not blocked: as proc.h's signal_due. */
bool signal_due_of(struct thread *thread, uint64_t set);
/* Whether one more signal for the thread, or if it is null the process, would be acted on: not if one waits, or it is
 * ignored. */
bool signal_has_taker(const struct process *process, const struct thread *thread, int signal);
/* How long (ns) what sends a signal again and again lets pass when it has no taker, at least. */
#define SIGNAL_UNTAKEN_NS 10000000ull
/* Makes it act soon, when one is due. */
void signal_wake(struct thread *thread);
/* Takes the next signal of `set` from the thread's or the process's queue; 0: none. */
int signal_take(struct thread *thread, uint64_t set, struct signal_info *info);
/* The index-th that is queued, left there. False: there are fewer. */
bool signal_queue_look(const struct signal_queue *queue, uint64_t index, struct signal_info *info);
/* What the default action is. */
enum signal_default { SIGNAL_TERMINATES, SIGNAL_IGNORED, SIGNAL_STOPS, SIGNAL_CONTINUES };
enum signal_default signal_default_action(int signal);
/* Acts on a default action that is not to ignore: ends or stops the process. */
void signal_act_by_default(struct process *process, int signal);

/* --- Actions. */
struct signal_actions *signal_actions_copy(const struct signal_actions *actions, bool reset);
void signal_actions_release(struct signal_actions *actions);
/* exec: handlers become the default, in a table of the process's own. */
void signal_actions_exec(struct process *process);

#endif
