/* What the parts of the program share: sockets of the loopback, and saying what came of a call. */
#ifndef TESTS_NETWORK_H
#define TESTS_NETWORK_H

#define _GNU_SOURCE
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define SAY(call) say(#call, (long)(call))

/* A line: the result, or the error's name. The result. */
long say(const char *what, long result);
/* The conditions of a file, by name. */
void say_poll(const char *what, int fd, short events);
/* Waits until one of the conditions holds, for ten seconds at most; then says them all. */
void await(const char *what, int fd, short events);
struct sockaddr_in loopback(uint16_t port);
struct sockaddr_in6 loopback6(uint16_t port);
uint16_t port_of(int fd);
/* A listening socket at a port of its own. */
int listener(int backlog);
/* A connection by way of the listener: the ends of who connected, and who accepted. */
void join(int listening, int *a, int *b);
/* A connection by a listener of its own. */
void pair(int *a, int *b);
/* All of it, or the program ends. */
void read_all(int fd, void *data, size_t size);
void write_all(int fd, const void *data, size_t size);
/* Until the file is writable by poll no more, so many bytes. */
size_t fill(int fd);

/* streams.c, datagrams.c, options.c */
void streams(void);
void waiting(void);
void ends(void);
void loads(void);
void datagrams(void);
void options(void);
void names(void);
/* ipv6.c */
void ipv6(void);
/* netlink.c */
void netlink(void);

#endif
