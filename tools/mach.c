/*
 * mach [-b] PROGRAM [ARGUMENT]... : root's way to run a Mach program under Unix. It gets traps and a name space of its
 * own; with -b also the Unix server's bootstrap port.
 */
#include <servers/unix.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

enum { STATUS_USAGE = 2, STATUS_NOT_ALLOWED = 126, STATUS_NOT_FOUND = 127 };

int main(int argc, char **argv)
{
	unsigned long flags = PORTOLAN_MACH_TRAPS;

	if (argc > 1 && strcmp(argv[1], "-b") == 0) {
		flags |= PORTOLAN_MACH_BOOTSTRAP;
		argv++;
		argc--;
	}
	if (argc < 2) {
		fprintf(stderr, "usage: mach [-b] PROGRAM [ARGUMENT]...\n");
		return STATUS_USAGE;
	}
	if (prctl(PR_PORTOLAN_MACH, flags, 0, 0, 0) != 0) {
		perror("mach");
		return STATUS_NOT_ALLOWED;
	}
	execvp(argv[1], argv + 1);
	perror(argv[1]);
	return STATUS_NOT_FOUND;
}
