/* The client stubs of file.defs, sent and received by filerpc.c. */
#include <mach/mach.h>
#include <mach/mig_support.h>

#include "vfs/filerpc.h"

/* The answer comes in at a port of the request's own. */
#define mig_get_reply_port()         MACH_PORT_NULL
#define mig_put_reply_port(port)     ((void)(port))
#define mig_dealloc_reply_port(port) ((void)(port))
#define mach_msg                     filerpc_message
#define mach_call_words              filerpc_words

#include "libmach/stubs/servers/file_user.c"
