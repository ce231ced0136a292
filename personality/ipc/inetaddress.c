/* Names of sockets of AF_INET and AF_INET6 as calls have them (ip(7), ipv6(7)). */
#include <string.h>

#include "ipc/inet.h"

/* Without the scope's number, as RFC 2133 had it. */
#define OLD_SIZE6 ((int)offsetof(struct sockaddr_in6, sin6_scope_id))

static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

static int address_in4(const struct inet *inet, network_address_t *out, const struct sockaddr_in *name, int size)
{
	bool is_v6_stream = inet->family == AF_INET6 && inet_is_stream(inet);

	if (size < (is_v6_stream ? OLD_SIZE6 : (int)sizeof *name))
		return -EINVAL;
	if (name->sin_family != AF_INET || is_v6_stream)
		return -EAFNOSUPPORT;
	out->family = AF_INET;
	out->port = name->sin_port;
	memcpy(out->ip, &name->sin_addr, sizeof name->sin_addr);
	return 0;
}

static int address_in6(network_address_t *out, const struct sockaddr_in6 *name, int size)
{
	if (size < OLD_SIZE6)
		return -EINVAL;
	out->port = name->sin6_port;
	if (memcmp(&name->sin6_addr, mapped, sizeof mapped) == 0) {
		out->family = AF_INET;
		memcpy(out->ip, (const uint8_t *)&name->sin6_addr + sizeof mapped, 4);
		return 0;
	}
	out->family = AF_INET6;
	memcpy(out->ip, &name->sin6_addr, sizeof out->ip);
	if (!IN6_IS_ADDR_LINKLOCAL(&name->sin6_addr) && !IN6_IS_ADDR_MC_LINKLOCAL(&name->sin6_addr))
		return 0;
	/* Good on one link only: which? Nobody has more than 255. */
	out->scope = name->sin6_scope_id;
	return out->scope == 0 || out->scope > UINT8_MAX ? -EINVAL : 0;
}

int inet_address_in(struct call *call, const struct inet *inet, network_address_t *out, uint64_t address, int size)
{
	union inet_name name = {.any.sa_family = AF_UNSPEC};
	int error;

	if (size < (int)sizeof name.any.sa_family)
		return -EINVAL;
	error = copy_in(call, &name, address, size < (int)sizeof name ? (size_t)size : sizeof name);
	if (error != 0)
		return error;
	memset(out, 0, sizeof *out);
	if (name.any.sa_family == AF_UNSPEC)
		return 0;
	if (inet->family == AF_INET6 && name.any.sa_family == AF_INET6)
		error = address_in6(out, &name.in6, size);
	else
		error = address_in4(inet, out, &name.in, size);
	/* Who wants nothing of IPv4 has no way to it. */
	if (error == 0 && out->family == AF_INET && inet->family == AF_INET6 && inet_is_only_ipv6(inet))
		error = name.any.sa_family == AF_INET ? -EAFNOSUPPORT : -ENETUNREACH;
	return error;
}

void inet_address_to_self(const struct inet *inet, network_address_t *address)
{
	static const uint8_t any[16];

	if (address->family == 0 || memcmp(address->ip, any, sizeof any) != 0)
		return;
	if (address->family == AF_INET || inet->local.family == AF_INET) {
		address->family = AF_INET;
		memcpy(address->ip, &(struct in_addr){htonl(INADDR_LOOPBACK)}, sizeof(struct in_addr));
	} else {
		address->ip[sizeof address->ip - 1] = 1;
	}
}

socklen_t inet_address_out(const struct inet *inet, const network_address_t *address, union inet_name *name)
{
	memset(name, 0, sizeof *name);
	name->any.sa_family = (sa_family_t)inet->family;
	if (inet->family == AF_INET) {
		name->in.sin_port = address->port;
		memcpy(&name->in.sin_addr, address->ip, sizeof name->in.sin_addr);
		return sizeof name->in;
	}
	name->in6.sin6_port = address->port;
	if (address->family == AF_INET) {
		memcpy(&name->in6.sin6_addr, mapped, sizeof mapped);
		memcpy((uint8_t *)&name->in6.sin6_addr + sizeof mapped, address->ip, 4);
	} else {
		memcpy(&name->in6.sin6_addr, address->ip, sizeof address->ip);
		name->in6.sin6_scope_id = address->scope;
	}
	return sizeof name->in6;
}

int inet_address_copy(struct call *call, const struct inet *inet, const network_address_t *from, uint64_t address,
	uint64_t size_address)
{
	union inet_name name;
	int size, full = (int)inet_address_out(inet, from, &name), error;

	if (address == 0)
		return 0;
	error = copy_in(call, &size, size_address, sizeof size);
	if (error == 0 && size < 0)
		return -EINVAL;
	if (error == 0)
		error = copy_out(call, address, &name, (size_t)(size < full ? size : full));
	return error != 0 ? error : copy_out(call, size_address, &full, sizeof full);
}
