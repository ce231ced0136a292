/* Sockets of AF_INET over the loopback: what they say on Linux they say here. Ports and sizes that are nobody's
 * business are not printed. */
#include "network.h"

/* Over the card: asks the host at an address and a port by a datagram. */
static int ask(const char *address, const char *port)
{
	struct sockaddr_in name = loopback((uint16_t)atoi(port)), from;
	socklen_t size = sizeof from;
	int fd = socket(AF_INET, SOCK_DGRAM, 0);
	char data[16] = "";

	inet_aton(address, &name.sin_addr);
	alarm(20);
	sendto(fd, "ping", 4, 0, (struct sockaddr *)&name, sizeof name);
	recvfrom(fd, data, sizeof data, 0, (struct sockaddr *)&from, &size);
	printf("%.4s%s\n", data,
		from.sin_addr.s_addr == name.sin_addr.s_addr && from.sin_port == name.sin_port ? " from it" : "");
	return 0;
}

/* An ordinary user has as much as he can wait in connections that nobody accepts, and is held back before that is much.
 */
static int hog(void)
{
	static char block[131072];
	int refused = 0;
	long taken = 0;

	for (int i = 0; i < 4; i++) {
		int listening = listener(255);
		struct sockaddr_in name = loopback(port_of(listening));

		for (int k = 0; k < 200; k++) {
			int fd = socket(AF_INET, SOCK_STREAM, 0);
			ssize_t part;

			if (connect(fd, (struct sockaddr *)&name, sizeof name) != 0)
				refused++;
			usleep(500);
			part = send(fd, block, sizeof block, MSG_DONTWAIT | MSG_NOSIGNAL);
			refused += part < 0;
			taken += part > 0 ? part : 0;
			close(fd);
		}
	}
	printf("held back: %d, below 48 MiB: %d\n", refused > 0, taken < 48 << 20);
	return 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"names", names}, {"streams", streams}, {"waiting", waiting}, {"ends", ends}, {"loads", loads},
		{"datagrams", datagrams}, {"options", options}, {"ipv6", ipv6}, {"netlink", netlink}};

	if (argc == 4 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2], argv[3]);
	if (argc == 2 && strcmp(argv[1], "hog") == 0)
		return hog();
	signal(SIGPIPE, SIG_IGN);
	alarm(40);
	for (unsigned i = 0; i < sizeof parts / sizeof parts[0]; i++)
		if (argc < 2 || strcmp(argv[1], parts[i].name) == 0) {
			printf("--- %s\n", parts[i].name);
			fflush(stdout);
			parts[i].run();
		}
	return 0;
}
