/* What generated stubs use of libmach. */
#ifndef MACH_MIG_SUPPORT_H
#define MACH_MIG_SUPPORT_H

#include <mach/mig.h>
#include <mach/register.h>
#include <mach/traps.h>

/*
 * The calling thread's reply port. A client stub asks for it, sends, and says with mig_dealloc_reply_port that an error
 * leaves the port in doubt (a late reply could still arrive: it is destroyed, the next call gets another).
 */
mach_port_t mig_get_reply_port(void);
void mig_dealloc_reply_port(mach_port_t port);
static inline MIG_NO_VECTORS void mig_put_reply_port(mach_port_t port)
{
	(void)port;
}

/* The same for routines under UseSpecialReplyPort: a second port of the thread, for nothing but their replies. */
mach_port_t mig_get_special_reply_port(void);
void mig_dealloc_special_reply_port(mach_port_t port);

/* Copies at most size - 1 bytes and a NUL; returns the length with the NUL. The rest of dest is left alone. */
mach_msg_size_t mig_strncpy(char *dest, const char *src, mach_msg_size_t size);

/* Memory of out-of-line arguments. */
kern_return_t mig_allocate(vm_address_t *address, vm_size_t size);
void mig_deallocate(vm_address_t address, vm_size_t size);

/* Room for a client's messages above the OnStackLimit, aligned for any type; null when there is none. */
char *mig_user_allocate(mach_msg_size_t size);
void mig_user_deallocate(char *address, mach_msg_size_t size);

/*
 * Serves one message in a buffer with a subsystem, register routines too: what SUBSYSTEM_server(in, out) does. Fills
 * `out` (at least subsystem->max_reply_size bytes) in any case. False: no routine has the id; the reply says MIG_BAD_ID
 * and the request is the caller's to destroy. RetCode MIG_NO_REPLY and a null remote port: there is no reply to send.
 */
int mig_server_dispatch(const struct mig_subsystem *subsystem, mach_msg_header_t *in, mach_msg_header_t *out);

/* Its parts. A register routine whose request is in a buffer; what the routine does not take is destroyed. */
void mig_dispatch_words(const struct mig_routine *routine, mach_msg_header_t *in, mach_msg_header_t *out);
/* The answer to a request whose id nobody serves (doc/wire.md): as a message, and as words, of which there are so many.
 */
void mig_bad_id(const mach_msg_header_t *in, mach_msg_header_t *out);
uint32_t mig_bad_id_words(int foreign, uint64_t word[8]);

#endif
