/* The register path with a switch: register routines called by words, or by a message that holds the words. */
#ifndef MIG_TESTS_REGISTER_H
#define MIG_TESTS_REGISTER_H

#define mach_call_words mach_call_words_trap
#define mach_send_words mach_send_words_trap
#include_next <mach/register.h>
#undef mach_call_words
#undef mach_send_words

/* The call, and the words sent one-way, as a message by mach_msg. */
kern_return_t call_by_message(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count);
kern_return_t send_by_message(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count);
extern int force_messages;

static inline kern_return_t mach_call_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count)
{
	return force_messages ? call_by_message(port, id, word, count) : mach_call_words_trap(port, id, word, count);
}

static inline kern_return_t mach_send_words(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count)
{
	return force_messages ? send_by_message(port, id, word, count) : mach_send_words_trap(port, id, word, count);
}

#endif
