/*
 * The driver of the network card: frames from it go to whoever attached last, frames for it come from whoever has the
 * port. It knows nothing of what is in them. It alone of the network has a right to devices.
 */
#include "virtio_net.h"

#include <mach/keep.h>
#include <mach/server.h>
#include <servers/bootstrap_user.h>
#include <servers/ether_server.h>
#include <servers/ether_client_user.h>

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RECEIVER "receiver" /* the name by which bootstrap keeps the right for the next instance */

static bool there; /* a card */
static mach_port_t device_master;

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static mach_port_t receiver; /* null: nobody has attached */

/* Frames that have come in and not been handed on. Of the card's thread. */
static char batch[ETHER_FRAMES_SIZE];
static unsigned used;

/* Who does not take them in time loses them, as by a card that has no room. */
static void hand_on(void)
{
	pthread_mutex_lock(&lock);
	if (receiver != MACH_PORT_NULL && used != 0)
		ether_received(receiver, batch, used);
	pthread_mutex_unlock(&lock);
	used = 0;
}

static void received(const void *frame, unsigned size)
{
	unsigned space = ETHER_FRAME_SPACE(size);
	struct ether_frame header = {(uint16_t)size, 0};

	if (!frame || used + space > sizeof batch)
		hand_on();
	if (!frame)
		return;
	memcpy(batch + used, &header, sizeof header);
	memcpy(batch + used + sizeof header, frame, size);
	used += space;
}

/* --- ether.defs. */

kern_return_t S_ether_attach(mach_port_t ether, mach_port_t port, uint64_t *address, unsigned *mtu)
{
	(void)ether;
	if (!there || !MACH_PORT_VALID(port))
		return there ? KERN_INVALID_ARGUMENT : KERN_INVALID_NAME;
	pthread_mutex_lock(&lock);
	if (receiver != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), receiver);
	receiver = port;
	mach_keep_right(RECEIVER, receiver);
	pthread_mutex_unlock(&lock);
	*address = 0;
	memcpy(address, virtio_net_address(), 6);
	*mtu = VIRTIO_NET_FRAME - 14;
	return KERN_SUCCESS;
}

kern_return_t S_ether_send(mach_port_t ether, const char *frames, mach_msg_type_number_t count)
{
	struct ether_frame header;

	(void)ether;
	for (unsigned at = 0; there && count - at >= sizeof header; at += ETHER_FRAME_SPACE(header.size)) {
		memcpy(&header, frames + at, sizeof header);
		if (ETHER_FRAME_SPACE(header.size) > count - at)
			return KERN_INVALID_ARGUMENT;
		virtio_net_send(frames + at + sizeof header, header.size);
	}
	return KERN_SUCCESS;
}

/* --- Start. */

static void check(const char *what, kern_return_t result)
{
	if (result == KERN_SUCCESS)
		return;
	fprintf(stderr, "cannot go on: %s: %s\n", what, mach_error_string(result));
	exit(1);
}

static void found_function(const struct pci_function *f)
{
	const char *why;

	if (there || !virtio_net_matches(f))
		return;
	why = virtio_net_start(f, device_master, received);
	if (why)
		fprintf(stderr, "the network card at PCI %02x:%02x.%x is left out: %s\n", f->bus, f->device,
			f->function, why);
	there = !why;
}

int main(void)
{
	static const struct mig_subsystem *const calls[] = {&ether_subsystem, NULL};
	mach_msg_type_name_t disposition;
	mach_port_t bootstrap, service;

	check("no bootstrap port", task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap));
	check("no device privilege",
		portolan_mach_ports_lookup(mach_task_self(), REGISTERED_DEVICE_MASTER, &device_master, &disposition));
	if (mach_kept_right(RECEIVER, &receiver) != KERN_SUCCESS)
		receiver = MACH_PORT_NULL;
	check("no access to PCI", pci_start(device_master));
	pci_scan(found_function);
	check("no service port", bootstrap_check_in(bootstrap, "ether", &service));
	mach_port_set_qlimit(mach_task_self(), service, ETHER_QUEUE);
	check("no calls", mach_server_run(service, calls));
}
