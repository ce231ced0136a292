/* Sending from the kernel: see ipc_kmsg.h. */
#include <ipc/ipc_kmsg.h>
