/*
 * What callers of the stubs of GNU's, Apple's, OSF's and CMU's mig find in their headers. Stubs made with one of these
 * dialects include it. A macro that the originals let people set may be set before this file is included.
 */
#ifndef MACH_MIG_COMPAT_H
#define MACH_MIG_COMPAT_H

#include <mach/boolean.h>
#include <mach/kern_return.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_errors.h>
#include <mach/ndr.h>
#include <mach/port.h>
#include <mach/vm_types.h>
#include <stdint.h>
#ifndef PORTOLAN_KERNEL
#include <mach/mach_types.h>
#include <mach/std_types.h>
#include <string.h>
#endif

/* How generated functions are declared. */
#ifndef mig_external
#define mig_external extern
#endif
#ifndef mig_internal
#define mig_internal static
#endif
#ifndef mig_unlikely
#define mig_unlikely(x) __builtin_expect(!!(x), 0)
#endif

/* Everything received is checked, whatever these say; code that asks about them gets the truth. */
#ifndef TypeCheck
#define TypeCheck 1
#endif
#ifndef __MigTypeCheck
#define __MigTypeCheck TypeCheck
#endif
#ifndef LimitCheck
#define LimitCheck 1
#endif
#ifndef UseStaticTemplates
#define UseStaticTemplates 0
#endif

/* Whether the text of `rcsid` gets a name outside of its file. */
#ifndef UseExternRCSId
#define UseExternRCSId 1
#endif

/* Serves one request; `out` is large enough for the subsystem's largest reply. */
typedef void (*mig_routine_t)(mig_message_t *in, mig_message_t *out);

/* -s: one routine of the table _SUBSYSTEMSymTab. */
typedef struct mig_symtab {
	const char *ms_routine_name;
	int ms_routine_number;
	mig_routine_t ms_routine;
} mig_symtab_t;

/* Apple's and OSF's description of a subsystem is a structure of its own type with an array of these in it. */
typedef mig_routine_t mig_stub_routine_t;
typedef mig_routine_t (*mig_server_routine_t)(mach_msg_header_t *in);
typedef kern_return_t (*mig_impl_routine_t)(void);

struct routine_arg_descriptor {
	int type;
	unsigned size;
	unsigned offset;
};
typedef struct routine_arg_descriptor *routine_arg_descriptor_t;
typedef struct routine_arg_descriptor *mig_routine_arg_descriptor_t;

struct routine_descriptor {
	mig_impl_routine_t impl_routine;    /* null */
	mig_stub_routine_t stub_routine;    /* null for an id that is skipped */
	unsigned int argc;                  /* arguments of the work function */
	unsigned int descr_count;           /* descriptors in the request */
	routine_arg_descriptor_t arg_descr; /* null */
	unsigned int max_reply_msg;         /* bytes */
};
typedef struct routine_descriptor *routine_descriptor_t;
typedef struct routine_descriptor mig_routine_descriptor;
typedef mig_routine_descriptor *mig_routine_descriptor_t;

#endif
