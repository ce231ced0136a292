/* The register path on the host: calls of the loop-back instead of traps. */
#ifndef MACH_REGISTER_H
#define MACH_REGISTER_H

#include <mach/message.h>

kern_return_t mach_call_words(mach_port_t port, mach_msg_id_t id, uint64_t word[8], uint32_t count);
extern __thread mach_port_t mach_buffered_reply_;
kern_return_t mach_send_words(mach_port_t port, mach_msg_id_t id, const uint64_t word[8], uint32_t count);

#endif
