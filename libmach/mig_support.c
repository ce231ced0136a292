/* What generated stubs need: reply ports, strings, out-of-line memory. */
#include <mach/mach.h>
#include <pthread.h>
#include <stddef.h>

const NDR_record_t NDR_record = {.int_rep = 1};

/* A key's destructor gives the port back when a thread ends; the variable is the quick way to it. */
enum { PLAIN, SPECIAL, KINDS };
static __thread mach_port_t reply_port[KINDS];
static pthread_key_t reply_port_key[KINDS];
static pthread_once_t reply_port_once = PTHREAD_ONCE_INIT;

static void destroy_port(void *value, int kind)
{
	mach_port_mod_refs(mach_task_self(), (mach_port_t)(uintptr_t)value, MACH_PORT_RIGHT_RECEIVE, -1);
	reply_port[kind] = MACH_PORT_NULL;
}

static void destroy_plain(void *value)
{
	destroy_port(value, PLAIN);
}

static void destroy_special(void *value)
{
	destroy_port(value, SPECIAL);
}

static void make_reply_port_keys(void)
{
	if (pthread_key_create(&reply_port_key[PLAIN], destroy_plain))
		reply_port_key[PLAIN] = (pthread_key_t)-1;
	if (pthread_key_create(&reply_port_key[SPECIAL], destroy_special))
		reply_port_key[SPECIAL] = (pthread_key_t)-1;
}

static mach_port_t make_port(int kind)
{
	pthread_once(&reply_port_once, make_reply_port_keys);
	reply_port[kind] = mach_reply_port();
	pthread_setspecific(reply_port_key[kind], (void *)(uintptr_t)reply_port[kind]);
	return reply_port[kind];
}

static void dealloc_port(mach_port_t port, int kind)
{
	if (port != MACH_PORT_NULL && port == reply_port[kind]) {
		pthread_setspecific(reply_port_key[kind], NULL);
		destroy_port((void *)(uintptr_t)port, kind);
	}
}

mach_port_t mig_get_reply_port(void)
{
	return reply_port[PLAIN] != MACH_PORT_NULL ? reply_port[PLAIN] : make_port(PLAIN);
}

void mig_dealloc_reply_port(mach_port_t port)
{
	dealloc_port(port, PLAIN);
}

mach_port_t mig_get_special_reply_port(void)
{
	return reply_port[SPECIAL] != MACH_PORT_NULL ? reply_port[SPECIAL] : make_port(SPECIAL);
}

void mig_dealloc_special_reply_port(mach_port_t port)
{
	dealloc_port(port, SPECIAL);
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
