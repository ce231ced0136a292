/* What generated stubs need: reply ports, strings, out-of-line memory. */
#include <mach/mach.h>
#include <pthread.h>
#include <stddef.h>

const NDR_record_t NDR_record = {.int_rep = 1};

/* The key's destructor gives the port back when a thread ends; the variable is the quick way to it. */
static __thread mach_port_t reply_port;
static pthread_key_t reply_port_key;
static pthread_once_t reply_port_once = PTHREAD_ONCE_INIT;

static void destroy_reply_port(void *value)
{
	mach_port_mod_refs(mach_task_self(), (mach_port_t)(uintptr_t)value, MACH_PORT_RIGHT_RECEIVE, -1);
	reply_port = MACH_PORT_NULL;
}

static void make_reply_port_key(void)
{
	if (pthread_key_create(&reply_port_key, destroy_reply_port))
		reply_port_key = (pthread_key_t)-1;
}

mach_port_t mig_get_reply_port(void)
{
	if (reply_port == MACH_PORT_NULL) {
		pthread_once(&reply_port_once, make_reply_port_key);
		reply_port = mach_reply_port();
		pthread_setspecific(reply_port_key, (void *)(uintptr_t)reply_port);
	}
	return reply_port;
}

void mig_dealloc_reply_port(mach_port_t port)
{
	if (port != MACH_PORT_NULL && port == reply_port) {
		pthread_setspecific(reply_port_key, NULL);
		destroy_reply_port((void *)(uintptr_t)port);
	}
}

kern_return_t mig_allocate(vm_address_t *address, vm_size_t size)
{
	*address = 0;
	return vm_allocate(mach_task_self(), address, size, TRUE);
}

void mig_deallocate(vm_address_t address, vm_size_t size)
{
	vm_deallocate(mach_task_self(), trunc_page(address), round_page(address + size) - trunc_page(address));
}
