/* What ioctl tells of sockets of AF_INET, and of interfaces (netdevice(7)). */
#include <linux/sockios.h>
#include <net/if.h>
#include <net/if_arp.h>
#include <string.h>
#include <sys/ioctl.h>

#include "ipc/inet.h"
#include "ipc/network.h"
#include "file/file.h"

#define INTERFACES_MOST 8

static struct sockaddr address_of(const uint8_t ip[4])
{
	struct sockaddr_in in = {.sin_family = AF_INET};
	struct sockaddr out;

	memcpy(&in.sin_addr, ip, sizeof in.sin_addr);
	memcpy(&out, &in, sizeof out);
	return out;
}

static int64_t list_interfaces(struct call *call, uint64_t argument)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned count = network_look(list, INTERFACES_MOST, &settings, true), i, fit = 0;
	struct ifconf conf;
	int error = copy_in(call, &conf, argument, sizeof conf);

	for (i = 0; i < count && error == 0; i++) {
		struct ifreq one = {.ifr_addr = address_of(list[i].address)};

		if (memcmp(list[i].address, (uint8_t[4]){0}, 4) == 0)
			continue; /* only those with an address */
		memcpy(one.ifr_name, list[i].name, sizeof one.ifr_name);
		fit++;
		if (conf.ifc_buf == NULL)
			continue;
		if ((size_t)conf.ifc_len < fit * sizeof one) {
			fit--;
			break;
		}
		error = copy_out(call, (uint64_t)(uintptr_t)(conf.ifc_req + fit - 1), &one, sizeof one);
	}
	conf.ifc_len = (int)(fit * sizeof(struct ifreq));
	if (error == 0)
		error = copy_out(call, argument, &conf, sizeof conf);
	return call_result(error);
}

static int fill_request(struct ifreq *request, uint64_t number, const struct network_interface *one)
{
	bool has_address = memcmp(one->address, (uint8_t[4]){0}, 4) != 0;
	uint8_t all[4];
	int i;

	switch (number) {
	case SIOCGIFFLAGS:
		request->ifr_flags = (short)((one->flags & NETWORK_UP ? IFF_UP : 0) |
					     (one->flags & NETWORK_RUNNING ? IFF_RUNNING : 0) |
					     (one->flags & NETWORK_LOOPBACK ? IFF_LOOPBACK : 0) |
					     (one->flags & NETWORK_CAN_BROADCAST ? IFF_BROADCAST | IFF_MULTICAST : 0));
		return 0;
	case SIOCGIFADDR:
		request->ifr_addr = address_of(one->address);
		return has_address ? 0 : -EADDRNOTAVAIL;
	case SIOCGIFNETMASK:
		request->ifr_netmask = address_of(one->mask);
		return has_address ? 0 : -EADDRNOTAVAIL;
	case SIOCGIFBRDADDR:
		for (i = 0; i < 4; i++)
			all[i] = one->flags & NETWORK_CAN_BROADCAST
					 ? (uint8_t)(one->address[i] | (uint8_t)~one->mask[i])
					 : 0;
		request->ifr_broadaddr = address_of(all);
		return has_address ? 0 : -EADDRNOTAVAIL;
	case SIOCGIFDSTADDR:
		request->ifr_dstaddr = address_of(one->address);
		return has_address ? 0 : -EADDRNOTAVAIL;
	case SIOCGIFHWADDR:
		request->ifr_hwaddr.sa_family = one->flags & NETWORK_LOOPBACK ? ARPHRD_LOOPBACK : ARPHRD_ETHER;
		memcpy(request->ifr_hwaddr.sa_data, one->hardware, 6);
		return 0;
	case SIOCGIFMTU:
		request->ifr_mtu = (int)one->mtu;
		return 0;
	case SIOCGIFINDEX:
		request->ifr_ifindex = (int)one->index;
		return 0;
	case SIOCGIFMETRIC:
		request->ifr_metric = 0;
		return 0;
	case SIOCGIFTXQLEN:
		request->ifr_qlen = 1000;
		return 0;
	case SIOCGIFMAP:
		memset(&request->ifr_map, 0, sizeof request->ifr_map);
		return 0;
	default:
		return -ENOTTY;
	}
}

static bool about_interface(uint64_t request)
{
	return request == SIOCGIFNAME || request == SIOCGIFFLAGS || request == SIOCGIFADDR ||
	       request == SIOCGIFNETMASK || request == SIOCGIFBRDADDR || request == SIOCGIFDSTADDR ||
	       request == SIOCGIFHWADDR || request == SIOCGIFMTU || request == SIOCGIFINDEX ||
	       request == SIOCGIFMETRIC || request == SIOCGIFTXQLEN || request == SIOCGIFMAP;
}

static int64_t ask_interface(struct call *call, uint64_t number, uint64_t argument)
{
	struct network_interface list[INTERFACES_MOST];
	network_settings_t settings;
	unsigned count = network_look(list, INTERFACES_MOST, &settings, true), i;
	struct ifreq request;
	int error = copy_in(call, &request, argument, sizeof request);

	if (error != 0)
		return call_result(error);
	request.ifr_name[IFNAMSIZ - 1] = 0;
	for (i = 0; i < count; i++) {
		if (number == SIOCGIFNAME ? (int)list[i].index != request.ifr_ifindex
					  : strcmp(list[i].name, request.ifr_name) != 0)
			continue;
		if (number == SIOCGIFNAME)
			memcpy(request.ifr_name, list[i].name, sizeof request.ifr_name);
		else
			error = fill_request(&request, number, &list[i]);
		return error != 0 ? error : call_result(copy_out(call, argument, &request, sizeof request));
	}
	return -ENODEV;
}

int64_t inet_ioctl_interfaces(struct call *call, uint64_t request, uint64_t argument)
{
	if (request == SIOCGIFCONF)
		return list_interfaces(call, argument);
	return about_interface(request) ? ask_interface(call, request, argument) : -ENOTTY;
}

int64_t inet_ioctl(struct call *call, struct file *file, uint64_t request, uint64_t argument)
{
	const struct inet *inet = file->data;
	int count;

	if (request == FIONREAD) {
		if (inet->state == INET_LISTENING)
			return -EINVAL;
		count = 0;
		list_for_each (link, &inet->messages) {
			const struct inet_message *message = list_entry(link, struct inet_message, link);

			count += (int)(message->size - message->taken);
			if (!inet_is_stream(inet))
				break;
		}
	} else if (request == TIOCOUTQ) {
		count = (int)inet->sending;
	} else {
		return inet_ioctl_interfaces(call, request, argument);
	}
	return call_result(copy_out(call, argument, &count, sizeof count));
}
