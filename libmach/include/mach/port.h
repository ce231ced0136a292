/* Names and kinds of port rights, and what a task may ask about them. */
#ifndef MACH_PORT_H
#define MACH_PORT_H

#include <stdint.h>

/*
 * A name: the index of an entry of the task's space in the upper 24 bits, a
 * generation in the lower 8, so that a stale name is most often noticed.
 */
typedef uint32_t mach_port_name_t;
typedef uint32_t mach_port_right_t;
typedef uint32_t mach_port_type_t;
typedef uint32_t mach_port_urefs_t;
typedef uint32_t mach_port_msgcount_t;
typedef uint32_t mach_port_mscount_t;
typedef int32_t mach_port_delta_t;
typedef uint32_t mach_port_rights_t;
typedef uint32_t mach_port_seqno_t;
typedef uint64_t mach_port_context_t;
typedef mach_port_name_t *mach_port_name_array_t;
typedef mach_port_type_t *mach_port_type_array_t;
/* As GNU's stubs take them. */
typedef const mach_port_name_t *const_mach_port_name_array_t;
typedef const mach_port_type_t *const_mach_port_type_array_t;

#ifdef PORTOLAN_KERNEL
struct ipc_port;
typedef struct ipc_port *ipc_port_t;
typedef mach_port_name_t mach_port_t; /* as it stands in a message; the kernel holds ipc_port_t */
#else
typedef mach_port_name_t mach_port_t;
#endif

#define MACH_PORT_NULL        0u
#define MACH_PORT_DEAD        0xffffffffu
#define MACH_PORT_VALID(name) ((name) != MACH_PORT_NULL && (name) != MACH_PORT_DEAD)

enum {
	MACH_PORT_RIGHT_SEND = 0,
	MACH_PORT_RIGHT_RECEIVE = 1,
	MACH_PORT_RIGHT_SEND_ONCE = 2,
	MACH_PORT_RIGHT_PORT_SET = 3,
	MACH_PORT_RIGHT_DEAD_NAME = 4,
};

#define MACH_PORT_TYPE(right)       (1u << ((right) + 16))
#define MACH_PORT_TYPE_NONE         0u
#define MACH_PORT_TYPE_SEND         MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND)
#define MACH_PORT_TYPE_RECEIVE      MACH_PORT_TYPE(MACH_PORT_RIGHT_RECEIVE)
#define MACH_PORT_TYPE_SEND_ONCE    MACH_PORT_TYPE(MACH_PORT_RIGHT_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_SET     MACH_PORT_TYPE(MACH_PORT_RIGHT_PORT_SET)
#define MACH_PORT_TYPE_DEAD_NAME    MACH_PORT_TYPE(MACH_PORT_RIGHT_DEAD_NAME)
#define MACH_PORT_TYPE_SEND_RECEIVE (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_DNREQUEST    0x80000000u

#define MACH_PORT_TYPE_SEND_RIGHTS  (MACH_PORT_TYPE_SEND | MACH_PORT_TYPE_SEND_ONCE)
#define MACH_PORT_TYPE_PORT_RIGHTS  (MACH_PORT_TYPE_SEND_RIGHTS | MACH_PORT_TYPE_RECEIVE)
#define MACH_PORT_TYPE_PORT_OR_DEAD (MACH_PORT_TYPE_PORT_RIGHTS | MACH_PORT_TYPE_DEAD_NAME)
#define MACH_PORT_TYPE_ALL_RIGHTS   (MACH_PORT_TYPE_PORT_OR_DEAD | MACH_PORT_TYPE_PORT_SET)
#define MACH_PORT_RIGHT_NUMBER      5
#define MACH_PORT_UREFS_MAX         0x7fffffffu

#define MACH_PORT_QLIMIT_DEFAULT 16u
#define MACH_PORT_QLIMIT_MAX     1024u

typedef struct mach_port_status {
	mach_port_name_t mps_pset;
	uint32_t mps_seqno;
	mach_port_mscount_t mps_mscount;
	mach_port_msgcount_t mps_qlimit;
	mach_port_msgcount_t mps_msgcount;
	mach_port_rights_t mps_sorights;
	uint32_t mps_srights;   /* boolean: send rights exist */
	uint32_t mps_pdrequest; /* boolean */
	uint32_t mps_nsrequest; /* boolean */
	uint32_t mps_flags;
} mach_port_status_t;

/* What the routines of OSF and Apple ask of ports: mach/mach_port.h. */
typedef int *mach_port_info_t;
typedef int mach_port_flavor_t;
typedef struct mach_port_limits {
	mach_port_msgcount_t mpl_qlimit;
} mach_port_limits_t;
typedef struct mach_port_qos {
	unsigned int name : 1;     /* the caller chooses the name */
	unsigned int prealloc : 1; /* ignored: messages are on their sender's account */
	unsigned int pad1 : 30;
	uint32_t len;
} mach_port_qos_t;
typedef struct mach_port_options {
	uint32_t flags; /* MPO_* */
	mach_port_limits_t mpl;
	uint64_t reserved[2];
} mach_port_options_t;
typedef mach_port_options_t *mach_port_options_ptr_t;

#endif
