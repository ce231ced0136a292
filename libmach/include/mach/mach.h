/* All of the kernel's interface to a program: types, traps, and the generated stubs of the kernel's routines. */
#ifndef MACH_MACH_H
#define MACH_MACH_H

#include <mach/boolean.h>
#include <mach/exception.h>
#include <mach/foreign.h>
#include <mach/kern_return.h>
#include <mach/mach_types.h>
#include <mach/message.h>
#include <mach/mig.h>
#include <mach/mig_support.h>
#include <mach/port.h>
#include <mach/register.h>
#include <mach/special_ports.h>
#include <mach/task_info.h>
#include <mach/thread_status.h>
#include <mach/time_value.h>
#include <mach/traps.h>
#include <mach/vm_types.h>

/* Made from the .defs of the same names. */
#include <mach/device_user.h>
#include <mach/mach_host_user.h>
#include <mach/mach_port_user.h>
#include <mach/mach_user.h>
#include <mach/portolan_user.h>

#define MACH_NOTIFY_PORT_DELETED   65
#define MACH_NOTIFY_SEND_POSSIBLE  66
#define MACH_NOTIFY_PORT_DESTROYED 69
#define MACH_NOTIFY_NO_SENDERS     70
#define MACH_NOTIFY_SEND_ONCE      71
#define MACH_NOTIFY_DEAD_NAME      72

#include <mach/mach_interface.h>

/* A name for a kern_return_t or mach_msg_return_t, for messages to people. */
const char *mach_error_string(kern_return_t result);

#endif
