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

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*run)(void);
	} parts[] = {{"names", names}, {"streams", streams}, {"waiting", waiting}, {"ends", ends}, {"loads", loads},
		{"datagrams", datagrams}, {"options", options}};

	if (argc == 4 && strcmp(argv[1], "ask") == 0)
		return ask(argv[2], argv[3]);
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
