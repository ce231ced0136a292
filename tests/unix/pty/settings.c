/* Names, numbers, locks, and what the ioctls say. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cases.h"

struct size {
	unsigned short rows, columns, x, y;
};

static void names(void)
{
	struct pair first = pair_open(), second = pair_open(), third = pair_open(), again;
	char path[64], link[64];
	struct stat status;
	ssize_t size;

	printf("in order: %d %d\n", second.number - first.number > 0, third.number - second.number > 0);
	pair_close(&second);
	again = pair_open();
	printf("the lowest that is free: %d\n", again.number == second.number);
	pair_close(&again);
	tell("gone", stat(second.name, &status));
	tell("fstat", fstat(first.slave, &status));
	printf("a device: %d major %u, minor is its number: %d, mode %o\n", S_ISCHR(status.st_mode),
		major(status.st_rdev), (int)minor(status.st_rdev) == first.number, status.st_mode & 07777 & 0600);
	tell("fstat of the master", fstat(first.master, &status));
	printf("%u %u\n", major(status.st_rdev), minor(status.st_rdev));
	snprintf(path, sizeof path, "/proc/self/fd/%d", first.slave);
	size = readlink(path, link, sizeof link - 1);
	link[size > 0 ? size : 0] = 0;
	printf("its name: %d\n", strcmp(link, first.name) == 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", first.master);
	size = readlink(path, link, sizeof link - 1);
	link[size > 0 ? size : 0] = 0;
	printf("the master's: %s\n", link);
	tell("chmod", fchmod(first.slave, 0622));
	tell("chown", fchown(first.slave, 7, 8));
	tell("stat", stat(first.name, &status));
	printf("%o %u %u\n", status.st_mode & 07777, status.st_uid, status.st_gid);
	tell("unlink", unlink(first.name));
	tell("making one", mkdir("/dev/pts/x", 0700));
	tell("no such name", open("/dev/pts/00", O_RDWR));
	tell("nor this", open("/dev/pts/99999", O_RDWR));
	tell("lseek", lseek(first.slave, 0, SEEK_SET));
	tell("pread", pread(first.slave, path, 1, 0));
	pair_close(&first);
	pair_close(&third);
}

static void locks(void)
{
	int master = open("/dev/ptmx", O_RDWR | O_NOCTTY), number, value = -1, peer;
	char name[32];

	tell("TIOCGPTN", ioctl(master, TIOCGPTN, &number));
	tell("TIOCGPTLCK", ioctl(master, TIOCGPTLCK, &value));
	printf("locked %d\n", value);
	snprintf(name, sizeof name, "/dev/pts/%d", number);
	tell("open of a locked one", open(name, O_RDWR | O_NOCTTY));
	tell("TIOCGPTPEER of a locked one", ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY));
	value = 0;
	tell("unlock", ioctl(master, TIOCSPTLCK, &value));
	ioctl(master, TIOCGPTLCK, &value);
	printf("locked %d\n", value);
	peer = ioctl(master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
	printf("TIOCGPTPEER: %d, close on exec %d, flags %o\n", peer >= 0, fcntl(peer, F_GETFD),
		fcntl(peer, F_GETFL) & O_ACCMODE);
	tell("on the terminal: TIOCGPTN", ioctl(peer, TIOCGPTN, &number));
	tell("TIOCSPTLCK", ioctl(peer, TIOCSPTLCK, &value));
	tell("TIOCPKT", ioctl(peer, TIOCPKT, &value));
	tell("TIOCGPTPEER", ioctl(peer, TIOCGPTPEER, O_RDWR));
	tell("bad address", ioctl(master, TIOCGPTN, (void *)8));
	tell("no such request", ioctl(peer, 0x5499, &value));
	tell("nor on the master", ioctl(master, 0x5499, &value));
	tell("TIOCMGET", ioctl(peer, TIOCMGET, &value));
	close(peer);
	close(master);
}

static void defaults(void)
{
	struct pair pair = pair_open();
	struct termios settings = get(pair.slave);
	struct termios2 with_speeds;
	struct size size = {1, 2, 3, 4};
	int value = 77;

	printf("c_iflag %o c_oflag %o c_cflag %o c_lflag %o c_line %d\n", settings.c_iflag, settings.c_oflag,
		settings.c_cflag, settings.c_lflag, settings.c_line);
	for (unsigned i = 0; i < 17; i++)
		printf("%d ", settings.c_cc[i]);
	tell("TCGETS2", ioctl(pair.slave, TCGETS2, &with_speeds));
	printf("speeds %u %u\n", with_speeds.c_ispeed, with_speeds.c_ospeed);
	with_speeds.c_cflag = (with_speeds.c_cflag & ~(unsigned)CBAUD) | BOTHER;
	with_speeds.c_ispeed = with_speeds.c_ospeed = 12345;
	tell("TCSETS2", ioctl(pair.slave, TCSETS2, &with_speeds));
	tell("TCGETS2", ioctl(pair.slave, TCGETS2, &with_speeds));
	printf("speeds %u %u\n", with_speeds.c_ispeed, with_speeds.c_ospeed);
	settings.c_cflag = (settings.c_cflag & ~(unsigned)CBAUD) | B9600;
	set(pair.slave, &settings);
	ioctl(pair.slave, TCGETS2, &with_speeds);
	printf("speeds %u %u\n", with_speeds.c_ispeed, with_speeds.c_ospeed);
	settings.c_cflag = CS5 | PARENB | B9600;
	set(pair.slave, &settings);
	printf("c_cflag %o\n", get(pair.slave).c_cflag);
	settings.c_lflag &= ~(unsigned)ECHO;
	set(pair.master, &settings);
	printf("by the master: echo %d\n", (get(pair.slave).c_lflag & ECHO) != 0);
	tell("size", ioctl(pair.slave, TIOCGWINSZ, &size));
	printf("%u %u %u %u\n", size.rows, size.columns, size.x, size.y);
	size = (struct size){33, 101, 5, 6};
	tell("set by the master", ioctl(pair.master, TIOCSWINSZ, &size));
	size = (struct size){0, 0, 0, 0};
	ioctl(pair.slave, TIOCGWINSZ, &size);
	printf("%u %u %u %u\n", size.rows, size.columns, size.x, size.y);
	tell("TIOCGETD", ioctl(pair.slave, TIOCGETD, &value));
	printf("%d\n", value);
	tell("TIOCSETD", ioctl(pair.slave, TIOCSETD, &value));
	value = 250;
	tell("no such discipline", ioctl(pair.slave, TIOCSETD, &value));
	tell("TIOCOUTQ", ioctl(pair.slave, TIOCOUTQ, &value));
	printf("%d\n", value);
	tell("TCSBRK", ioctl(pair.slave, TCSBRK, 1));
	tell("TCSBRKP", ioctl(pair.slave, TCSBRKP, 0));
	tell("TCXONC", ioctl(pair.slave, TCXONC, 9));
	tell("TCFLSH", ioctl(pair.slave, TCFLSH, 9));
	tell("not a job's", ioctl(pair.slave, TIOCGPGRP, &value));
	tell("nor a session's", ioctl(pair.slave, TIOCGSID, &value));
	tell("by the master", ioctl(pair.master, TIOCGSID, &value));
	tell("TIOCGPGRP by the master", ioctl(pair.master, TIOCGPGRP, &value));
	printf("%d\n", value);
	pair_close(&pair);
}

static void exclusive(void)
{
	struct pair pair = pair_open();
	int value = 9;
	pid_t child;

	tell("TIOCGEXCL", ioctl(pair.slave, TIOCGEXCL, &value));
	printf("%d\n", value);
	fchmod(pair.slave, 0666);
	tell("TIOCEXCL", ioctl(pair.slave, TIOCEXCL));
	ioctl(pair.slave, TIOCGEXCL, &value);
	printf("%d\n", value);
	child = fork();
	if (child == 0) {
		if (setresuid(1000, 1000, 1000) != 0)
			exit(2);
		tell("a user opens it", open(pair.name, O_RDWR | O_NOCTTY));
		exit(0);
	}
	state_of("the user", child);
	tell("root opens it", open(pair.name, O_RDWR | O_NOCTTY) >= 0);
	tell("TIOCNXCL", ioctl(pair.slave, TIOCNXCL));
	ioctl(pair.slave, TIOCGEXCL, &value);
	printf("%d\n", value);
	pair_close(&pair);
}

void settings_cases(void)
{
	names();
	locks();
	defaults();
	exclusive();
}
