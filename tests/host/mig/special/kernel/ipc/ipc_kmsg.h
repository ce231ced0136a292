/* The kernel's messages as far as generated stubs know them, for the test on the host. */
#ifndef IPC_IPC_KMSG_H
#define IPC_IPC_KMSG_H

#include <mach/message.h>
#include <mach/mig.h>

struct vm_map_copy {
	int references;
};
typedef struct vm_map_copy *vm_map_copy_t;
struct ipc_port {
	int references;
};

struct ipc_carry {
	uint8_t type;
	uint8_t disposition;
	struct ipc_port *port;
	vm_map_copy_t copy;
	struct ipc_port **ports;
	uint32_t count;
	uint64_t size;
};

struct ipc_kmsg {
	struct ipc_port *remote_port;
	struct ipc_port *local_port;
	uint32_t descriptors;
	mach_port_seqno_t seqno;
	uint32_t sender_id;
	uint64_t payload;
	struct task_tokens *tokens;
	struct ipc_carry carry[8];
	mach_msg_header_t header __attribute__((aligned(8)));
	unsigned char body[4096];
};

static inline void *ipc_kmsg_header(struct ipc_kmsg *kmsg)
{
	return &kmsg->header;
}

struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, unsigned descriptors);
void ipc_kmsg_put_port(struct ipc_kmsg *kmsg, unsigned i, struct ipc_port *port, mach_msg_type_name_t disposition);
void ipc_kmsg_put_copy(struct ipc_kmsg *kmsg, unsigned i, vm_map_copy_t copy, uint64_t size);
void ipc_kmsg_put_ports(
	struct ipc_kmsg *kmsg, unsigned i, struct ipc_port **ports, unsigned count, mach_msg_type_name_t disposition);
mach_msg_return_t ipc_kmsg_send_from_kernel(
	struct ipc_kmsg *kmsg, struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_option_t option);
mach_msg_return_t ipc_send_words_from_kernel(struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_id_t id,
	const uint64_t *words, unsigned count);

#endif
