/* What the server holds for each user: counted by real uid, and limited, so that nobody's calls exhaust it. */
#ifndef PERSONALITY_USER_H
#define PERSONALITY_USER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/list.h"

enum user_count {
	USER_PROCESSES,  /* processes, zombies too, and their further threads: RLIMIT_NPROC */
	USER_SIGNALS,    /* signals that are queued to the user's processes: RLIMIT_SIGPENDING */
	USER_PIPE_PAGES, /* pages that the user's pipes may fill: /proc/sys/fs/pipe-user-pages-soft and -hard */
	USER_LOCKS,      /* record locks and flocks */
	USER_WATCHES,    /* files in epoll sets: /proc/sys/fs/epoll/max_user_watches */
	USER_FLYING,     /* descriptors in messages that nobody has received: RLIMIT_NOFILE of who sends */
	USER_NOTIFIERS,  /* open files of inotify */
	USER_NOTIFY,     /* files and folders that they watch */
	USER_LOCKED_SEGMENTS, /* bytes of segments of shared memory (System V) that are locked: RLIMIT_MEMLOCK */
	USER_QUEUE_BYTES, /* what the user's message queues (POSIX) may take: RLIMIT_MSGQUEUE */
	USER_PTYS,       /* pseudo-terminals */
	USER_COUNTS
};

/*
 * Found by its uid as long as somebody refers to it or something is counted; freed then. All of it is under the
 * server's lock.
 */
struct user {
	struct user *next; /* of the same hash */
	uint32_t uid;
	unsigned references;
	uint64_t count[USER_COUNTS];
	uint64_t bytes;     /* of the server's heap */
	void *spare_signal; /* signal.c's: memory of the user's for the next queued signal, or null */
	/* The kernel's account that pays for the user's processes (accounts.c). */
	struct {
		struct list link;
		uint32_t port;     /* null: it has none */
		unsigned spaces;   /* address spaces on it, each with a reference to the user */
		uint64_t id, held; /* the kernel's; bytes that it had when memory was short last */
	} account;
};

#define USER_NO_LIMIT UINT64_MAX

/* A reference to a uid's struct. Null: no memory. */
struct user *user_of(uint32_t uid);
struct user *user_reference(struct user *user);
void user_release(struct user *user); /* null is harmless */

/* Counts `amount` more unless there are more than `limit` then: false, and nothing has changed. */
bool user_charge(struct user *user, enum user_count what, uint64_t amount, uint64_t limit);
/* The opposite. The user may be gone afterwards. */
void user_uncharge(struct user *user, enum user_count what, uint64_t amount);

/*
 * Memory of the server for what a user's call makes: zeroed, to be freed by user_free. An ordinary user may hold as
 * much as is still free of the budget that all of them share: so one gets half of it, two get a third each, and there
 * is always some left for the next. Root and the server itself (null) are not limited. Null: no memory, or no more for
 * this user.
 */
void *user_alloc(struct user *user, size_t size);
/* Another size, what is added zeroed; it moves. Null: as user_alloc, and the old memory is as it was. */
void *user_resize(void *memory, size_t size);
void user_free(void *memory); /* null is harmless */
/* Whose it is: null, the server's. */
struct user *user_of_memory(const void *memory);

/* The same for memory that comes from elsewhere. False: no more for this user. */
bool user_take_bytes(struct user *user, size_t size);
void user_give_bytes(struct user *user, size_t size);

/* The budget in bytes. Before it is set there is no limit. */
void user_set_budget(uint64_t bytes);

/* Limits that /proc/sys shows and root may change. Of each user but root; 0: none (pages of pipes). */
struct user_settings {
	uint64_t pipe_pages_soft; /* beyond it a new pipe has one page */
	uint64_t pipe_pages_hard; /* beyond it there is none */
	uint64_t watches;
	uint64_t locks;
	uint64_t mappings; /* of each address space */
};
extern struct user_settings user_settings;
/* The ordinary ones for a machine with so much memory; sets the budget, too. */
void user_start(uint64_t memory_bytes);

/* The user whose call this thread of the server runs; null outside of calls. Borrowed. */
struct user *user_now(void);

#endif
