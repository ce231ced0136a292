/* Room for messages that are too large for the stack. In a file of its own: a program may have its own. */
#include <mach/mig_support.h>
#include <stdlib.h>

char *mig_user_allocate(mach_msg_size_t size)
{
	return malloc(size);
}

void mig_user_deallocate(char *address, mach_msg_size_t size)
{
	(void)size;
	free(address);
}
