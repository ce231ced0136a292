/* The register path as a program sees it: calls, one-way sends and a server's wait, in the registers of mach/trap.h. */
#ifndef MACH_REGISTER_H
#define MACH_REGISTER_H

#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/port.h>
#include <mach/trap.h>
#include <stdint.h>

/*
 * Calls the port with `count` of the eight words (the others must be zero: all travel) and waits for the reply, whose
 * words replace them; words the reply does not have are zero or void. Returns what the kernel says of the transfer;
 * the server's result is word[0].
 */
static inline kern_return_t mach_call_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	register uint64_t w3 __asm__("r10") = word[3];
	register uint64_t w4 __asm__("r8") = word[4];
	register uint64_t w5 __asm__("r9") = word[5];
	register uint64_t w6 __asm__("r12") = word[6];
	register uint64_t w7 __asm__("r13") = word[7];
	register uint64_t n __asm__("r14") = count;
	uint64_t w0 = word[0], w1 = word[1], w2 = word[2];
	uint64_t rbx = port | (uint64_t)(uint32_t)id << 32;
	int64_t result = TRAP_MACH_CALL;

	__asm__ volatile("syscall"
			 : "+a"(result), "+b"(rbx), "+D"(w0), "+S"(w1), "+d"(w2), "+r"(w3), "+r"(w4), "+r"(w5),
			 "+r"(w6), "+r"(w7)
			 : "r"(n)
			 : "rcx", "r11", "memory");
	word[0] = w0;
	word[1] = w1;
	word[2] = w2;
	word[3] = w3;
	word[4] = w4;
	word[5] = w5;
	word[6] = w6;
	word[7] = w7;
	return (kern_return_t)result;
}

/* Sends the words without a reply. To a send-once right: uses it up. */
static inline kern_return_t mach_send_words(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count)
{
	register uint64_t w3 __asm__("r10") = word[3];
	register uint64_t w4 __asm__("r8") = word[4];
	register uint64_t w5 __asm__("r9") = word[5];
	register uint64_t w6 __asm__("r12") = word[6];
	register uint64_t w7 __asm__("r13") = word[7];
	register uint64_t n __asm__("r14") = count;
	int64_t result = TRAP_MACH_SEND;

	__asm__ volatile("syscall"
			 : "+a"(result)
			 : "b"(port | (uint64_t)(uint32_t)id << 32), "D"(word[0]), "S"(word[1]), "d"(word[2]), "r"(w3),
			 "r"(w4), "r"(w5), "r"(w6), "r"(w7), "r"(n)
			 : "rcx", "r11", "memory");
	return (kern_return_t)result;
}

/* What a server was given by mach_reply_wait_words, and what it replies with. */
struct mach_delivery {
	uint64_t word[8];
	uint64_t kind;    /* rbx: DELIVERED_* and DELIVERED_COUNT, DELIVERED_ID */
	uint64_t payload; /* of the port the message came in by, else that port's name */
};

/*
 * Replies to the caller last received (flags without REPLY_NONE) with reply_count of delivery->word, then waits on a
 * port or set. A message that is not a register message goes to the buffer (DELIVERED_BUFFER); one that does not fit
 * stays queued: MACH_RCV_TOO_LARGE. Returns what the kernel says of the receive.
 */
static inline kern_return_t mach_reply_wait_words(mach_port_t receive, uint32_t flags, uint32_t reply_count,
	void *buffer, uint32_t size, struct mach_delivery *delivery)
{
	register uint64_t w3 __asm__("r10") = delivery->word[3];
	register uint64_t w4 __asm__("r8") = delivery->word[4];
	register uint64_t w5 __asm__("r9") = delivery->word[5];
	register uint64_t w6 __asm__("r12") = delivery->word[6];
	register uint64_t w7 __asm__("r13") = delivery->word[7];
	register uint64_t payload __asm__("r14") = (uint64_t)(uintptr_t)buffer;
	register uint64_t r15 __asm__("r15") = size | (uint64_t)reply_count << 32;
	uint64_t w0 = delivery->word[0], w1 = delivery->word[1], w2 = delivery->word[2];
	uint64_t rbx = receive | (uint64_t)flags << 32;
	int64_t result = TRAP_MACH_REPLY_WAIT;

	__asm__ volatile("syscall"
			 : "+a"(result), "+b"(rbx), "+D"(w0), "+S"(w1), "+d"(w2), "+r"(w3), "+r"(w4), "+r"(w5),
			 "+r"(w6), "+r"(w7), "+r"(payload)
			 : "r"(r15)
			 : "rcx", "r11", "memory");
	*delivery = (struct mach_delivery){{w0, w1, w2, w3, w4, w5, w6, w7}, rbx, payload};
	return (kern_return_t)result;
}

/*
 * The same for a server of foreign calls: replies with a result, which is all that a foreign caller gets. The other
 * words are what the registers happen to hold: only for a caller received with DELIVERED_FOREIGN, or with REPLY_NONE.
 */
static inline kern_return_t mach_answer_wait(mach_port_t receive, uint32_t flags, int64_t answer, void *buffer,
	uint32_t size, struct mach_delivery *delivery)
{
	register uint64_t w3 __asm__("r10");
	register uint64_t w4 __asm__("r8");
	register uint64_t w5 __asm__("r9");
	register uint64_t w6 __asm__("r12");
	register uint64_t w7 __asm__("r13");
	register uint64_t payload __asm__("r14") = (uint64_t)(uintptr_t)buffer;
	register uint64_t r15 __asm__("r15") = size | 1ull << 32;
	uint64_t w0 = (uint64_t)answer, w1, w2;
	uint64_t rbx = receive | (uint64_t)flags << 32;
	int64_t result = TRAP_MACH_REPLY_WAIT;

	__asm__ volatile("syscall"
			 : "+a"(result), "+b"(rbx), "+D"(w0), "=S"(w1), "=d"(w2), "=r"(w3), "=r"(w4), "=r"(w5),
			 "=r"(w6), "=r"(w7), "+r"(payload)
			 : "r"(r15)
			 : "rcx", "r11", "memory");
	*delivery = (struct mach_delivery){{w0, w1, w2, w3, w4, w5, w6, w7}, rbx, payload};
	return (kern_return_t)result;
}

/* While a work function of a register routine runs whose request came as a message: the right to answer that. */
extern __thread mach_port_t mach_buffered_reply_;

/* The right to answer the caller last received as a send-once right, to be used later; MACH_PORT_NULL when none is
 * owed. */
static inline mach_port_t mach_reply_defer(void)
{
	const mach_port_t buffered = mach_buffered_reply_;
	int64_t result = TRAP_MACH_REPLY_DEFER;

	if (buffered != MACH_PORT_NULL) {
		mach_buffered_reply_ = MACH_PORT_NULL;
		return buffered;
	}
	__asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
	return (mach_port_t)result;
}

#endif
