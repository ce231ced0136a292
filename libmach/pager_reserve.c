/* A pager's claim to the kernel's reserve of pages. */
#include <mach/pager.h>

kern_return_t pager_use_reserve(void)
{
	static char page[2 * VM_PAGE_SIZE];
	mach_port_t host = MACH_PORT_NULL;
	mach_msg_type_name_t type;
	kern_return_t result = mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host, &type);

	if (result != KERN_SUCCESS)
		return result;
	if (host == MACH_PORT_NULL)
		return KERN_INVALID_HOST;
	result = vm_wire(
		host, mach_task_self(), round_page((vm_address_t)(uintptr_t)page), VM_PAGE_SIZE, VM_PROT_DEFAULT);
	mach_port_deallocate(mach_task_self(), host);
	return result;
}
