/* A message inside the kernel, as queues hold it and generated stubs fill and read it. */
#ifndef IPC_IPC_KMSG_H
#define IPC_IPC_KMSG_H

#include <kern/thread_ipc.h>
#include <mach/mig.h>
#include <vm/vm.h>

/* What stands behind one descriptor of the wire image; owned by the message. */
struct ipc_carry {
	uint8_t type;        /* MACH_MSG_*_DESCRIPTOR */
	uint8_t disposition; /* as received: PORT_RECEIVE, PORT_SEND, PORT_SEND_ONCE */
	bool dead; /* the sender passed a dead name, or the right died: port is null, the receiver gets MACH_PORT_DEAD
		    */
	bool deallocate; /* at copyin: the sender's range goes when the send is certain */
	uint32_t count;  /* rights in the array */
	union {
		struct ipc_port *port;
		struct ipc_port **ports; /* kalloc'ed array: of a port array */
	};
	vm_map_copy_t copy; /* out-of-line bytes */
	union {
		uint64_t size;   /* of those */
		uint32_t *names; /* of a port array, during copyin: kalloc'ed, the sender's names of ports[] */
	};
	struct account *account; /* pays for the arrays */
};

struct ipc_kmsg {
	struct ipc_element element;   /* in a port's queue */
	struct ipc_port *remote_port; /* right of the header's remote disposition */
	struct ipc_port *local_port;
	struct task_tokens *tokens; /* of the sending task, as they were then; a reference, or null */
	struct account *account;
	struct ipc_carry *carry;
	uint32_t sender_id;   /* 0: the kernel */
	uint32_t allocated;   /* bytes of this structure in kalloc */
	uint32_t descriptors; /* how many it has */
	uint32_t slots;       /* how many there is room for */
	union {
		struct {
			uint8_t local_disposition, remote_disposition; /* as in msgh_bits */
			bool numbered : 1;    /* seqno is set: it has left its queue before */
			bool rights : 1;      /* its body has some */
			bool memory : 1;      /* so has it ranges or arrays out of line */
			bool rights_done : 1; /* copyout has turned all rights into names */
			mach_msg_return_t trouble; /* what copyout could not do */
		};
		uint64_t state; /* all of this: 0 in a new message */
	};
	/* Set when it leaves the queue: */
	mach_port_seqno_t seqno;
	uint64_t payload;
	/* The wire image, header.msgh_size bytes; of a message that has left, with the name of the port it came in by. */
	mach_msg_header_t header __attribute__((aligned(8)));
};

/*
 * A message with room for `size` wire bytes (header included) and descriptors, zeroed; msgh_size and count set. Null:
 * no memory.
 */
struct ipc_kmsg *ipc_kmsg_alloc(mach_msg_size_t size, unsigned descriptors);
/* Releases all it carries. */
void ipc_kmsg_destroy(struct ipc_kmsg *kmsg);

static inline void *ipc_kmsg_header(struct ipc_kmsg *kmsg)
{
	return &kmsg->header;
}

/*
 * Make descriptor i of a message under construction, which becomes complex; the right, copy or array is consumed. i <
 * IPC_KMSG_SLOTS for the reply that a kernel routine fills, i < descriptors of ipc_kmsg_alloc otherwise.
 */
#define IPC_KMSG_SLOTS 4u
void ipc_kmsg_put_port(struct ipc_kmsg *kmsg, unsigned i, struct ipc_port *port, mach_msg_type_name_t disposition);
void ipc_kmsg_put_copy(struct ipc_kmsg *kmsg, unsigned i, vm_map_copy_t copy, uint64_t size);
void ipc_kmsg_put_ports(
	struct ipc_kmsg *kmsg, unsigned i, struct ipc_port **ports, unsigned count, mach_msg_type_name_t disposition);

/*
 * Sends to port (borrowed if disposition is COPY_SEND or MAKE_*, consumed if MOVE_*; the message is consumed in any
 * case). Queue limits do not hold for the kernel; a waiting receiver is woken. Returns MACH_SEND_INVALID_DEST for a
 * dead port.
 */
mach_msg_return_t ipc_kmsg_send_from_kernel(
	struct ipc_kmsg *kmsg, struct ipc_port *port, mach_msg_type_name_t disposition, mach_msg_option_t option);

#endif
