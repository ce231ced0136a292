/* What server.c and the assembly of its wait share. */
#ifndef LIBMACH_SERVER_WORDS_H
#define LIBMACH_SERVER_WORDS_H

#include <mach/trap.h>

#define WORDS_RECENT_SHIFT 6  /* log2 of sizeof(struct words_recent) */
#define WORDS_RECENT       64 /* register routines remembered: a power of 2 */

/* Offsets in struct words_loop and struct words_recent. */
#define WORDS_RECEIVE  0
#define WORDS_BUFFER   8
#define WORDS_ONE      16
#define WORDS_DELIVERY 24
#define WORDS_TABLE    128
#define RECENT_KIND    0
#define RECENT_STUB    8
#define RECENT_ANSWER  16
#define RECENT_ENTRY   24
#define RECENT_EXIT    32

#ifndef __ASSEMBLER__
#include <mach/register.h>

/* What is no kind: 0 is that of an empty message with id 0 that wants no answer, which belongs to the first place. */
#define RECENT_NONE UINT64_MAX

/*
 * A register request that was served before, at the place that its id has in the table (id % WORDS_RECENT). The kind
 * says id, number of words and that an answer is owed: one comparison finds out that a request is to be served by this
 * stub.
 */
struct words_recent {
	uint64_t kind; /* rbx as delivered; none yet: 0, in the first place RECENT_NONE */
	kern_return_t (*stub)(uint64_t word[8], uint64_t label);
	uint64_t answer;   /* r15 when it succeeds: size of the buffer | reply words << 32 */
	const void *entry; /* of mach_words_entry, */
	const void *exit;  /* and of mach_words_exit */
	uint64_t unused[3];
};

struct words_loop {
	uint64_t receive; /* the port's name, and flags of every wait << 32 */
	void *buffer;
	uint64_t one; /* r15 of an answer of one word: size of the buffer | 1 << 32 */
	struct mach_delivery
		delivery; /* what came, when it is not served here; and words on their way to and from stubs */
	_Alignas(WORDS_TABLE) struct words_recent recent[WORDS_RECENT];
};

/* The code that stores so many words of a request, and that loads so many of an answer. */
extern const void *const mach_words_entry[9], *const mach_words_exit[9];

/*
 * As mach_reply_wait_words with loop->delivery, but serves the requests of loop->recent and waits on, until something
 * else comes or the wait fails.
 */
kern_return_t mach_server_words(struct words_loop *loop, uint32_t flags, uint32_t reply_count);
#endif

#endif
