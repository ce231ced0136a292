/* Makes one execve call of its first argument; ends with 126 when it fails. */
#define _GNU_SOURCE
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int main(int argc, char **argv)
{
	if (argc < 2)
		return 2;
	execve(argv[1], argv + 1, environ);
	fprintf(stderr, "alone: %s: %s\n", argv[1], strerror(errno));
	return 126;
}
