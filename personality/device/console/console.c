/* The console: modes, the terminal on COM1, the trace on COM3. */
#include "device/console.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sysmacros.h>
#include <termios.h>

#include "device/console/channel.h"
#include "device/console/fwcfg.h"
#include "device/console/serial.h"
#include "device/device.h"
#include "device/tty.h"
#include "file/file.h"

#define COM1_INTERRUPT 4
#define COM2_INTERRUPT 3
/* What the host says when its terminal has another size (doc/channels.md). */
#define SIZE_FRAME 's'
enum { FRAME_HEADER = 5, FRAME_SIZE = FRAME_HEADER + 4 };

bool console_command_mode, console_trace, console_verbose;
char console_term[32] = "vt100";
char *console_command;

struct tty console_tty;

static bool trace_line;

static void put_byte(struct tty *tty, uint8_t byte)
{
	(void)tty;
	serial_put_byte(COM1_PORT, byte);
}

static void wake(struct tty *tty, unsigned events)
{
	(void)tty;
	(void)events;
}

static const struct tty_line serial_line = {.put = put_byte, .wake = wake, .hangs_up = true};

static void received(void)
{
	uint8_t byte;

	while (serial_get(COM1_PORT, &byte))
		tty_input(&console_tty, byte);
	tty_received(&console_tty);
}

/* Frames of another size, of which only the last counts; what is no such frame is passed over. */
static void size_received(void)
{
	static uint8_t frame[FRAME_SIZE];
	static unsigned have;
	struct tty_size size = console_tty.size;
	uint32_t length;

	while (serial_get(COM2_PORT, &frame[have])) {
		have++;
		if (frame[0] != SIZE_FRAME)
			have = 0;
		if (have < FRAME_SIZE)
			continue;
		have = 0;
		memcpy(&length, frame + 1, sizeof length);
		if (length != FRAME_SIZE - FRAME_HEADER)
			continue;
		memcpy(&size.rows, frame + FRAME_HEADER, sizeof size.rows);
		memcpy(&size.columns, frame + FRAME_HEADER + sizeof size.rows, sizeof size.columns);
	}
	tty_set_size(&console_tty, &size);
}

static bool host_says(const char *name, const char *value)
{
	size_t size;
	char *data = fwcfg_read(name, &size);
	bool same = data != NULL && strcmp(data, value) == 0;

	free(data);
	return same;
}

static void read_host(void)
{
	size_t size;
	char *data;

	console_command_mode = host_says("opt/portolan/mode", "command");
	console_trace = host_says("opt/portolan/trace", "syscalls");
	console_verbose = host_says("opt/portolan/verbose", "1");
	console_command = fwcfg_read("opt/portolan/command", &size);
	data = fwcfg_read("opt/portolan/term", &size);
	if (data != NULL && size > 0 && size < sizeof console_term)
		strcpy(console_term, data);
	free(data);
	data = fwcfg_read("opt/portolan/winsize", &size);
	if (data != NULL) {
		unsigned rows, columns;

		if (sscanf(data, "%u %u", &rows, &columns) == 2 && rows < 65536 && columns < 65536) {
			console_tty.size.rows = (uint16_t)rows;
			console_tty.size.columns = (uint16_t)columns;
		}
	}
	free(data);
}

void console_start(void)
{
	struct tty_settings settings = ldisc_defaults;

	settings.input |= IUTF8;
	settings.control = (settings.control & ~(uint32_t)CBAUD) | B115200 | HUPCL;
	tty_init(&console_tty, makedev(DEVICE_TTYS_MAJOR, DEVICE_TTYS_MINOR), &settings, &serial_line);
	console_tty.size = (struct tty_size){.rows = 24, .columns = 80};
	if (fwcfg_start())
		read_host();
	if (console_command == NULL)
		console_command_mode = false;
	serial_start(COM1_PORT);
	if (!console_command_mode) {
		if (!serial_listen(COM1_PORT, COM1_INTERRUPT, received))
			fprintf(stderr, "unix: the console's interrupt cannot be had: no input\n");
		if (serial_start(COM2_PORT) && !serial_listen(COM2_PORT, COM2_INTERRUPT, size_received))
			fprintf(stderr, "unix: the interrupt of COM2 cannot be had: the screen keeps its size\n");
	} else if (!channel_start()) {
		fprintf(stderr, "unix: COM2, the channel to the host, does not answer\n");
		exit(1);
	}
	trace_line = console_trace && serial_start(COM3_PORT);
}

void console_attach(struct file *file)
{
	tty_attach(&console_tty, file);
	file->mark = TTY_NEVER_HUNG_UP;
}

static const struct file_ops no_ops;

int console_open_standard(struct file *files[3])
{
	unsigned i;

	for (i = 0; i < 3; i++) {
		files[i] = file_create(&no_ops,
			i == 0 && console_command_mode ? O_RDONLY
			: console_command_mode         ? O_WRONLY
						       : O_RDWR,
			NULL, NULL);
		if (files[i] == NULL) {
			while (i-- > 0)
				file_release(files[i]);
			return -ENOMEM;
		}
		if (console_command_mode)
			channel_open(files[i], i);
		else
			console_attach(files[i]);
		files[i]->inode = anonymous_inode();
		files[i]->kind = console_command_mode ? "channel" : "console";
	}
	return 0;
}

void console_init_ended(int status)
{
	if (console_command_mode)
		channel_exit(status);
}

void console_flush(void)
{
	serial_drain(COM1_PORT);
	if (trace_line)
		serial_drain(COM3_PORT);
}

void console_trace_line(const char *line, size_t size)
{
	if (trace_line)
		serial_put(COM3_PORT, line, size);
}
