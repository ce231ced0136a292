/* Start of message passing. */
#include <ipc/ipc_internal.h>

void ipc_init(void)
{
	ipc_deferred_init();
	ipc_port_init();
	ipc_space_init();
}
