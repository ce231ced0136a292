/* Start of message passing. */
#include <ipc/ipc_internal.h>

static struct ipc_processor own[PROCESSORS_MAX];

static void send(struct list *link)
{
	(void)ipc_kmsg_deliver(container_of(link, struct ipc_kmsg, element.link));
}

static void destroy(struct list *link)
{
	ipc_kmsg_destroy_now(container_of(link, struct ipc_kmsg, element.link));
}

static void release(struct list *link)
{
	ipc_object_free(container_of(link, struct ipc_object, free_link));
}

void ipc_init(void)
{
	for (unsigned i = 0; i < PROCESSORS_MAX; i++)
		processors[i].ipc = &own[i];
	deferred_handler(DEFERRED_SEND, send);
	deferred_handler(DEFERRED_DESTROY, destroy);
	deferred_handler(DEFERRED_FREE, release);
}
