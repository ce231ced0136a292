/* What the parts of the model share among themselves. */
#ifndef COMPOSE_MACH_MODEL_PARTS_H
#define COMPOSE_MACH_MODEL_PARTS_H

#include "model.h"

/* The name by which a space knows the port; send-once rights have names of their own. */
struct name *name_for(int space, const struct port *port);
/* A notification by the send-once right to the port, which may be null. receive_right: what it carries, or null. */
void notify(struct port *to, mach_msg_id_t id, uint64_t word, struct port *receive_right);
struct port *take_notice(struct port **slot);
/* The name loses what was asked for it. */
void cancel_requests(struct name *n);
void name_lose_send(struct name *n);
void name_lose_receive(struct name *n);
/* The receive right on its way to the destination would come into its own queue. */
bool circle(const struct port *port, const struct port *destination);
void clear_receiver(struct port *port);
void release_send(struct port *port);
void release_send_once(struct port *port);
/* The receive right ends; nobody has a name with it any more. */
void port_ends(struct port *port);

#endif
