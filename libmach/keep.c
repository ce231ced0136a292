/* What outlives a server: bootstrap's side is bootstrap/kept.c. */
#include <mach/keep.h>
#include <servers/bootstrap_user.h>
#include <string.h>

static kern_return_t bootstrap_port(mach_port_t *port)
{
	static mach_port_t known;
	kern_return_t result = KERN_SUCCESS;

	if (known == MACH_PORT_NULL)
		result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &known);
	*port = known;
	return result;
}

kern_return_t mach_keep_port(mach_port_t port)
{
	mach_port_t bootstrap;
	kern_return_t result = bootstrap_port(&bootstrap);

	return result == KERN_SUCCESS ? mach_port_keep(mach_task_self(), port, bootstrap) : result;
}

kern_return_t mach_unkeep_port(mach_port_t port)
{
	return mach_port_keep(mach_task_self(), port, MACH_PORT_NULL);
}

kern_return_t mach_kept_port(mach_port_t *port, uint64_t *payload)
{
	mach_port_t bootstrap;
	kern_return_t result = bootstrap_port(&bootstrap);

	return result == KERN_SUCCESS ? bootstrap_kept_port(bootstrap, port, payload) : result;
}

kern_return_t mach_keep_right(const char *name, mach_port_t right)
{
	service_name_t text = {0};
	mach_port_t bootstrap;
	kern_return_t result = bootstrap_port(&bootstrap);

	strncpy(text, name, sizeof(text) - 1);
	return result == KERN_SUCCESS ? bootstrap_keep(bootstrap, text, right) : result;
}

kern_return_t mach_kept_right(const char *name, mach_port_t *right)
{
	service_name_t text = {0};
	mach_port_t bootstrap;
	kern_return_t result = bootstrap_port(&bootstrap);

	strncpy(text, name, sizeof(text) - 1);
	return result == KERN_SUCCESS ? bootstrap_kept(bootstrap, text, right) : result;
}

/* Fresh memory, known to bootstrap before it is used. */
static kern_return_t make_memory(const char *name, vm_size_t size, mach_port_t *memory)
{
	mach_port_t host = MACH_PORT_NULL;
	mach_msg_type_name_t type;
	kern_return_t result = portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host, &type);

	if (result == KERN_SUCCESS && host == MACH_PORT_NULL)
		result = KERN_INVALID_HOST;
	if (result != KERN_SUCCESS)
		return result;
	result = host_memory(host, size, memory);
	mach_port_deallocate(mach_task_self(), host);
	if (result != KERN_SUCCESS)
		return result;
	result = mach_keep_right(name, *memory);
	if (result != KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), *memory);
	return result;
}

kern_return_t mach_keep_memory(const char *name, vm_size_t size, void **address, boolean_t *old)
{
	vm_address_t at = 0;
	mach_port_t memory;
	kern_return_t result = mach_kept_right(name, &memory);

	*old = result == KERN_SUCCESS;
	if (!*old)
		result = make_memory(name, size, &memory);
	if (result != KERN_SUCCESS)
		return result;
	result = vm_map(mach_task_self(), &at, round_page(size), 0, TRUE, memory, 0, FALSE, VM_PROT_DEFAULT,
		VM_PROT_DEFAULT, VM_INHERIT_NONE);
	*address = (void *)(uintptr_t)at;
	if (result == KERN_SUCCESS)
		mach_port_deallocate(mach_task_self(), memory);
	return result;
}
