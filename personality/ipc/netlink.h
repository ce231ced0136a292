/* Sockets of AF_NETLINK (netlink(7)): programs ask by messages, and what answers is here: NETLINK_ROUTE alone. */
#ifndef PERSONALITY_NETLINK_H
#define PERSONALITY_NETLINK_H

#include <linux/netlink.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct netlink;

/* kind: SOCK_* with flags. A descriptor or -errno. */
int64_t netlink_socket(struct call *call, unsigned kind, int protocol);
/* Whether an error that it is told of is to bring the request's header alone. */
bool netlink_wants_header_only(const struct netlink *netlink);
/* A datagram for its reader. What finds no room is lost, and the reader hears of that. */
void netlink_deliver(struct netlink *netlink, const void *data, uint32_t size);
uint32_t netlink_port(const struct netlink *netlink);

/* --- route.c */
/*
 * Does what a request of NETLINK_ROUTE says (rtnetlink(7)), all of whose bytes are there, and delivers what it asks
 * for. May wait, on the caller's fiber. 0 or -errno.
 */
int route_request(struct call *call, struct netlink *netlink, const struct nlmsghdr *request);

#endif
