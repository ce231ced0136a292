/* Stands in for QEMU and the guest in the test of tools/channel: speaks the frames of doc/channels.md on its second
 * line. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* First argument: what to do. The rest is what channel adds: -chardev socket,id=lineN,fd=M -serial ... */
static int line[3] = {-1, -1, -1};

static void frame(char type, const void *data, uint32_t size)
{
	uint8_t header[5] = {(uint8_t)type, (uint8_t)size, (uint8_t)(size >> 8), (uint8_t)(size >> 16), 0};

	if (write(line[1], header, 5) != 5 || write(line[1], data, size) != (ssize_t)size)
		exit(1);
}

static void status(int value)
{
	uint8_t bytes[4] = {(uint8_t)value, (uint8_t)(value >> 8), 0, 0};

	frame('x', bytes, 4);
}

static void read_exactly(uint8_t *data, size_t size)
{
	while (size > 0) {
		ssize_t n = read(line[1], data, size);
		if (n <= 0)
			exit(1);
		data += n;
		size -= (size_t)n;
	}
}

static void both(const uint8_t *data, uint32_t size)
{
	frame('o', data, size);
	frame('e', data, size);
}

/* Sends `left` bytes from the start of the file that is the window. */
static void copy_window(int window, uint32_t left)
{
	uint8_t data[4096];
	off_t at = 0;

	while (left > 0) {
		ssize_t n = pread(window, data, left < sizeof data ? left : sizeof data, at);
		if (n <= 0)
			exit(1);
		both(data, (uint32_t)n);
		at += n;
		left -= (uint32_t)n;
	}
}

/* Sends standard input back as output, twice: once to each. Input comes through the window only if there is one. */
static void copy(int window)
{
	uint8_t header[5], data[4096];

	frame('r', "w", window >= 0 ? 1 : 0);
	for (;;) {
		uint32_t size;
		read_exactly(header, 5);
		size = header[1] | (uint32_t)header[2] << 8 | (uint32_t)header[3] << 16;
		if (header[0] == 'z')
			break;
		if (window >= 0) {
			if (header[0] != 'w')
				exit(1);
			copy_window(window, size);
		} else {
			if (header[0] != 'i' || size > sizeof data)
				exit(1);
			read_exactly(data, size);
			both(data, size);
		}
		frame('a', "", 0);
	}
	status(3);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	for (int i = 2; i < argc; i++) {
		int number, fd;
		if (sscanf(argv[i], "socket,id=line%d,fd=%d", &number, &fd) == 2 && number >= 0 && number < 3)
			line[number] = fd;
	}
	if (line[0] < 0 || line[1] < 0 || line[2] < 0)
		return 1;
	dprintf(line[0], "console says hello\n");
	if (!strcmp(what, "copy"))
		copy(-1);
	else if (!strncmp(what, "window=", 7))
		copy(open(what + 7, O_RDONLY));
	else if (!strcmp(what, "status"))
		status(77);
	else if (!strcmp(what, "garbage"))
		dprintf(line[1], "this is no frame at all");
	else if (!strcmp(what, "trace"))
		dprintf(line[2], "getpid() = 1\n"), status(0);
	else if (!strcmp(what, "hang"))
		sleep(60);
	else if (!strcmp(what, "endless"))
		for (;;)
			frame('o', "y\n", 2);
	return 0;
}
