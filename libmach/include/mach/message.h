/* Messages: the header, descriptors, trailers and options of mach_msg, and the errors it returns. */
#ifndef MACH_MESSAGE_H
#define MACH_MESSAGE_H

#include <mach/kern_return.h>
#include <mach/port.h>
#include <mach/std_words.h>
#include <stdint.h>

typedef uint32_t mach_msg_bits_t;
typedef uint32_t mach_msg_size_t;
typedef uint32_t mach_msg_type_name_t;
typedef uint32_t mach_msg_type_size_t;
typedef uint32_t mach_msg_option_t;
typedef uint32_t mach_msg_timeout_t; /* milliseconds */
typedef uint8_t mach_msg_descriptor_type_t;
typedef uint8_t mach_msg_copy_options_t;
typedef uint32_t mach_msg_trailer_type_t;
typedef uint32_t mach_msg_trailer_size_t;
typedef int32_t mach_msg_id_t;
typedef kern_return_t mach_msg_return_t;

typedef mach_msg_option_t mach_msg_options_t;
typedef mach_msg_bits_t mach_msgh_bits_t;
typedef uint32_t mach_msg_trailer_info_t;
typedef char *mach_msg_trailer_info_ptr_t;

#define MACH_MSG_TIMEOUT_NONE    0u
#define MACH_MSG_OPTION_NONE     0u
#define MACH_MSG_SIZE_MAX        (1u << 20) /* inline bytes of one message, header included */
#define MACH_MSG_DESCRIPTORS_MAX 256u

/* Dispositions: what the sender does with the right it names, and what arrives. */
enum {
	MACH_MSG_TYPE_PORT_NAME = 15,
	MACH_MSG_TYPE_MOVE_RECEIVE = 16,
	MACH_MSG_TYPE_MOVE_SEND = 17,
	MACH_MSG_TYPE_MOVE_SEND_ONCE = 18,
	MACH_MSG_TYPE_COPY_SEND = 19,
	MACH_MSG_TYPE_MAKE_SEND = 20,
	MACH_MSG_TYPE_MAKE_SEND_ONCE = 21,
	MACH_MSG_TYPE_PORT_RECEIVE = MACH_MSG_TYPE_MOVE_RECEIVE,
	MACH_MSG_TYPE_PORT_SEND = MACH_MSG_TYPE_MOVE_SEND,
	MACH_MSG_TYPE_PORT_SEND_ONCE = MACH_MSG_TYPE_MOVE_SEND_ONCE,
};

#define MACH_MSG_TYPE_PORT_ANY(type) ((type) >= MACH_MSG_TYPE_MOVE_RECEIVE && (type) <= MACH_MSG_TYPE_MAKE_SEND_ONCE)

/*
 * A message as a task sees it. On receipt remote is the reply port and local the
 * port that the message came in by (its payload is in the trailer).
 */
typedef struct {
	mach_msg_bits_t msgh_bits;
	mach_msg_size_t msgh_size; /* bytes, this header included, trailer excluded; a multiple of 4 */
	mach_port_t msgh_remote_port;
	mach_port_t msgh_local_port;
	/* 0 when sent. Sequence numbers are in the trailer, and there are no vouchers: what is sent here is ignored. */
	union {
		uint32_t msgh_reserved, msgh_seqno, msgh_voucher_port;
	};
	mach_msg_id_t msgh_id;
} mach_msg_header_t;

#define MACH_MSGH_BITS_REMOTE_MASK    0x0000001fu
#define MACH_MSGH_BITS_LOCAL_MASK     0x00001f00u
#define MACH_MSGH_BITS_COMPLEX        0x80000000u
#define MACH_MSGH_BITS_ZERO           0u
#define MACH_MSGH_BITS(remote, local) ((mach_msg_bits_t)(remote) | ((mach_msg_bits_t)(local) << 8))
#define MACH_MSGH_BITS_REMOTE(bits)   ((bits)&MACH_MSGH_BITS_REMOTE_MASK)
#define MACH_MSGH_BITS_LOCAL(bits)    (((bits)&MACH_MSGH_BITS_LOCAL_MASK) >> 8)

/*
 * After the header of a complex message: this, then the descriptors, 16 bytes
 * each, then the data, which so begins at a multiple of 8.
 */
typedef struct {
	uint32_t msgh_descriptor_count;
	uint32_t msgh_reserved;
} mach_msg_body_t;

enum {
	MACH_MSG_PORT_DESCRIPTOR = 0,
	MACH_MSG_OOL_DESCRIPTOR = 1,
	MACH_MSG_OOL_PORTS_DESCRIPTOR = 2,
};

enum {
	MACH_MSG_PHYSICAL_COPY = 0, /* the kernel may copy or share as it likes */
	MACH_MSG_VIRTUAL_COPY = 1,
};

typedef struct {
	mach_port_t name;
	uint32_t pad1;
	uint16_t pad2;
	uint8_t disposition;
	mach_msg_descriptor_type_t type;
	uint32_t pad3;
} mach_msg_port_descriptor_t;

typedef struct {
	void *address;
	uint8_t deallocate; /* boolean: the sender's range goes away with the message */
	mach_msg_copy_options_t copy;
	uint8_t pad1;
	mach_msg_descriptor_type_t type;
	mach_msg_size_t size; /* bytes */
} mach_msg_ool_descriptor_t;

typedef struct {
	void *address; /* of mach_port_t names */
	uint8_t deallocate;
	mach_msg_copy_options_t copy;
	uint8_t disposition;
	mach_msg_descriptor_type_t type;
	mach_msg_type_number_t count;
} mach_msg_ool_ports_descriptor_t;

typedef struct {
	uint32_t pad1[2];
	uint16_t pad2;
	uint8_t pad3;
	mach_msg_descriptor_type_t type;
	uint32_t pad4;
} mach_msg_type_descriptor_t;

typedef union {
	mach_msg_port_descriptor_t port;
	mach_msg_ool_descriptor_t out_of_line;
	mach_msg_ool_ports_descriptor_t ool_ports;
	mach_msg_type_descriptor_t type;
} mach_msg_descriptor_t;

_Static_assert(sizeof(mach_msg_header_t) == 24, "the header has 24 bytes");
_Static_assert(sizeof(mach_msg_body_t) == 8, "the descriptor count has 8 bytes");
_Static_assert(sizeof(mach_msg_descriptor_t) == 16, "descriptors have 16 bytes");
_Static_assert(sizeof(mach_msg_port_descriptor_t) == 16, "descriptors have 16 bytes");
_Static_assert(sizeof(mach_msg_ool_descriptor_t) == 16, "descriptors have 16 bytes");
_Static_assert(sizeof(mach_msg_ool_ports_descriptor_t) == 16, "descriptors have 16 bytes");

typedef struct {
	mach_msg_header_t header;
} mach_msg_base_simple_t;

typedef struct {
	mach_msg_header_t header;
	mach_msg_body_t body;
} mach_msg_base_t;

typedef struct {
	mach_msg_header_t header;
} mach_msg_empty_send_t;

/* The trailer follows the message, at the next multiple of 8. */
typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size; /* 32 in full, less when the buffer ends before */
	mach_port_seqno_t msgh_seqno;
	uint32_t msgh_sender;  /* id of the sending task, 0 for the kernel; on request */
	uint64_t msgh_payload; /* protected payload of the port, 0 when none */
	uint64_t msgh_reserved;
} mach_msg_trailer_t;

/*
 * What the host's owner says of a task (host_security_set_task_token), as it was when the task sent the message. All
 * zero in a task of which nothing was said; what comes from the kernel has KERNEL_SECURITY_TOKEN_VALUE. By custom a
 * security token is a user's and a group's number.
 */
typedef struct {
	uint32_t val[2];
} security_token_t;

typedef struct {
	uint32_t val[8];
} audit_token_t;

#define KERNEL_SECURITY_TOKEN_VALUE                                                                                    \
	{                                                                                                              \
		{                                                                                                      \
			0, 1                                                                                           \
		}                                                                                                      \
	}

/* The trailer with MACH_RCV_TRAILER_TOKENS: the same, and the tokens. Field names are those of OSF's and Apple's. */
typedef struct {
	mach_msg_trailer_type_t msgh_trailer_type;
	mach_msg_trailer_size_t msgh_trailer_size; /* 72 in full */
	mach_port_seqno_t msgh_seqno;
	uint32_t msgh_sender_id;
	uint64_t msgh_context; /* payload */
	uint64_t msgh_reserved;
	security_token_t msgh_sender;
	audit_token_t msgh_audit;
} mach_msg_audit_trailer_t;

typedef mach_msg_audit_trailer_t mach_msg_security_trailer_t;
typedef mach_msg_audit_trailer_t mach_msg_context_trailer_t;
typedef mach_msg_audit_trailer_t mach_msg_max_trailer_t;

typedef mach_msg_trailer_t mach_msg_seqno_trailer_t;
typedef mach_msg_max_trailer_t mach_msg_mac_trailer_t;

typedef struct {
	mach_msg_header_t header;
	mach_msg_trailer_t trailer;
} mach_msg_empty_rcv_t;

typedef union {
	mach_msg_empty_send_t send;
	mach_msg_empty_rcv_t rcv;
} mach_msg_empty_t;

_Static_assert(sizeof(mach_msg_trailer_t) == 32, "the trailer has 32 bytes");
_Static_assert(sizeof(mach_msg_audit_trailer_t) == 72, "the tokens follow it");

#define MACH_MSG_TRAILER_FORMAT_0 0u
#define MACH_MSG_TRAILER_MINIMUM_SIZE ((mach_msg_size_t)sizeof(mach_msg_trailer_t))
#define MAX_TRAILER_SIZE          ((mach_msg_size_t)sizeof(mach_msg_max_trailer_t))

/* Options of mach_msg. */
#define MACH_SEND_MSG           0x00000001u
#define MACH_RCV_MSG            0x00000002u
#define MACH_RCV_LARGE          0x00000004u /* a message that does not fit stays queued */
#define MACH_SEND_TIMEOUT       0x00000010u
#define MACH_SEND_INTERRUPT     0x00000040u
#define MACH_SEND_NOTIFY        0x00000080u /* queue full: MACH_SEND_WILL_NOTIFY, send-possible to `notify` */
#define MACH_RCV_TIMEOUT        0x00000100u
#define MACH_RCV_INTERRUPT      0x00000400u
#define MACH_RCV_TRAILER_SENDER 0x01000000u /* fill msgh_sender */
#define MACH_RCV_TRAILER_TOKENS 0x02000000u /* mach_msg_audit_trailer_t */

/* The same in the words of OSF and Apple: MACH_RCV_TRAILER_ELEMENTS(MACH_RCV_TRAILER_AUDIT). */
#define MACH_RCV_TRAILER_NULL    0u
#define MACH_RCV_TRAILER_SEQNO   0u
#define MACH_RCV_TRAILER_AUDIT   (MACH_RCV_TRAILER_SENDER | MACH_RCV_TRAILER_TOKENS)
#define MACH_RCV_TRAILER_CTX     MACH_RCV_TRAILER_AUDIT
#define MACH_RCV_TRAILER_TYPE(x) 0u
#define MACH_RCV_TRAILER_ELEMENTS(x)                                                                                   \
	((x) != MACH_RCV_TRAILER_NULL ? (x) | MACH_RCV_TRAILER_TOKENS : MACH_RCV_TRAILER_NULL)

#define MACH_MSG_SUCCESS 0
#define MACH_MSG_MASK    0x00003e00
#define MACH_MSG_IPC_SPACE 0x00002000
#define MACH_MSG_VM_SPACE  0x00001000

/* The size of a trailer as these options ask for it. */
#define REQUESTED_TRAILER_SIZE(options)                                                                                \
	((mach_msg_trailer_size_t)((options)&MACH_RCV_TRAILER_TOKENS ? sizeof(mach_msg_audit_trailer_t)                \
								      : sizeof(mach_msg_trailer_t)))

#define MACH_SEND_IN_PROGRESS    0x10000001
#define MACH_SEND_INVALID_DATA   0x10000002
#define MACH_SEND_INVALID_DEST   0x10000003
#define MACH_SEND_TIMED_OUT      0x10000004
#define MACH_SEND_WILL_NOTIFY    0x10000005
#define MACH_SEND_INTERRUPTED    0x10000007
#define MACH_SEND_MSG_TOO_SMALL  0x10000008
#define MACH_SEND_INVALID_REPLY  0x10000009
#define MACH_SEND_INVALID_RIGHT  0x1000000a
#define MACH_SEND_INVALID_NOTIFY 0x1000000b
#define MACH_SEND_INVALID_MEMORY 0x1000000c
#define MACH_SEND_NO_BUFFER      0x1000000d
#define MACH_SEND_TOO_LARGE      0x1000000e
#define MACH_SEND_INVALID_TYPE   0x1000000f
#define MACH_SEND_INVALID_HEADER 0x10000010

#define MACH_RCV_IN_PROGRESS    0x10004001
#define MACH_RCV_INVALID_NAME   0x10004002
#define MACH_RCV_TIMED_OUT      0x10004003
#define MACH_RCV_TOO_LARGE      0x10004004
#define MACH_RCV_INTERRUPTED    0x10004005
#define MACH_RCV_PORT_CHANGED   0x10004006
#define MACH_RCV_INVALID_NOTIFY 0x10004007
#define MACH_RCV_INVALID_DATA   0x10004008
#define MACH_RCV_PORT_DIED      0x10004009
#define MACH_RCV_IN_SET         0x1000400a
#define MACH_RCV_HEADER_ERROR   0x1000400b
#define MACH_RCV_BODY_ERROR     0x1000400c
#define MACH_RCV_INVALID_TYPE   0x1000400d
#define MACH_RCV_COMPLEX        0x1000400e /* register caller: the reply carried rights or memory and was destroyed */

#endif
