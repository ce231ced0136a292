/* Frames on COM2: output as it is written, input when it is asked for. */
#include "device/console/channel.h"

#include <fcntl.h>
#include <poll.h>
#include <stdint.h>
#include <string.h>

#include "device/console/serial.h"
#include "device/console/window.h"
#include "file/file.h"
#include "process/proc.h"

#define INTERRUPT    3
#define FRAME_IN_MAX 4096u
#define HEADER_SIZE  5u
#define CHUNK        4096u
#define BUFFER_SIZE  (4 * FRAME_IN_MAX)
/* Looks at the line for the next bytes of a frame that has begun, before its interrupt is waited for. */
#define LOOKS 500u

static struct {
	struct wait_queue queue;
	bool asked; /* 'r' was sent */
	bool ended; /* 'z' has come */
	bool owed;  /* an 'i' or 'w' has come, 'a' not yet sent: no room for another */
	uint8_t header[HEADER_SIZE];
	unsigned header_have;
	uint32_t frame_left;
	uint8_t data[BUFFER_SIZE];
	unsigned start, used;
	/* What a 'w' has announced: `window_left` bytes from `window_at` on, after those in `data`. */
	const uint8_t *window;
	size_t window_size, window_at, window_left;
} channel;

static void send_frame(uint8_t type, const void *data, uint32_t size)
{
	uint8_t header[HEADER_SIZE] = {type};

	memcpy(header + 1, &size, sizeof size);
	serial_put(COM2_PORT, header, sizeof header);
	serial_put(COM2_PORT, data, size);
}

static void acknowledge(void)
{
	if (!channel.owed || channel.window_left > 0 || BUFFER_SIZE - channel.used < FRAME_IN_MAX)
		return;
	channel.owed = false;
	send_frame('a', NULL, 0);
}

/* Takes what the line has and the frame still lacks; returns how many bytes that was. */
static size_t take_bytes(void)
{
	unsigned end = (channel.start + channel.used) % BUFFER_SIZE;
	uint32_t length;
	size_t taken;

	if (channel.header_have < HEADER_SIZE) {
		taken = serial_get_some(
			COM2_PORT, channel.header + channel.header_have, HEADER_SIZE - channel.header_have);
		channel.header_have += (unsigned)taken;
		if (channel.header_have < HEADER_SIZE)
			return taken;
		memcpy(&length, channel.header + 1, sizeof length);
		/* What is acknowledged leaves room for a whole frame; a host that sends more loses it. */
		channel.frame_left = channel.header[0] == 'i' && length <= BUFFER_SIZE - channel.used ? length : 0;
		if (channel.header[0] == 'z')
			channel.ended = true;
		if (channel.header[0] == 'w' && length <= channel.window_size && channel.window_left == 0) {
			channel.window_at = 0;
			channel.window_left = length;
			channel.owed = true;
		}
		if (channel.frame_left == 0)
			channel.header_have = 0;
		return taken;
	}
	length = BUFFER_SIZE - end < channel.frame_left ? BUFFER_SIZE - end : channel.frame_left;
	taken = serial_get_some(COM2_PORT, channel.data + end, length);
	channel.used += (unsigned)taken;
	channel.frame_left -= (uint32_t)taken;
	if (channel.frame_left == 0) {
		channel.header_have = 0;
		channel.owed = true;
	}
	return taken;
}

/*
 * The host writes a frame in one go: what an interrupt begins is read to its end without a further interrupt, unless
 * the line stays silent. Readers are woken by whole frames only.
 */
static void received(void)
{
	unsigned looks = 0;

	while (looks < LOOKS) {
		if (take_bytes() > 0) {
			looks = 0;
			continue;
		}
		if (channel.header_have == 0)
			break;
		looks++;
		__builtin_ia32_pause();
	}
	if (channel.header_have > 0)
		return;
	acknowledge();
	if (channel.used > 0 || channel.window_left > 0 || channel.ended)
		wait_queue_wake(&channel.queue, POLLIN);
}

/* The host may send; into the window, if the guest has it. */
static void ask(void)
{
	if (channel.asked)
		return;
	channel.asked = true;
	send_frame('r', "w", channel.window != NULL ? 1 : 0);
}

/* Moves bytes of the window into an empty buffer. */
static void refill(void)
{
	size_t part = channel.window_left < BUFFER_SIZE ? channel.window_left : BUFFER_SIZE;

	if (channel.used > 0 || part == 0)
		return;
	memcpy(channel.data, channel.window + channel.window_at, part);
	channel.window_at += part;
	channel.window_left -= part;
	channel.start = 0;
	channel.used = (unsigned)part;
}

static int64_t channel_read(struct file *file, struct io *io, uint64_t *offset)
{
	(void)offset;
	if (io->total == 0)
		return 0;
	ask();
	refill();
	if (channel.used == 0) {
		if (channel.ended)
			return 0;
		return file->flags & O_NONBLOCK ? -EAGAIN : call_wait_for(io->call, &channel.queue);
	}
	while (channel.used > 0 && io->done < io->total) {
		uint64_t part = BUFFER_SIZE - channel.start;
		int error;

		if (part > channel.used)
			part = channel.used;
		if (part > io->total - io->done)
			part = io->total - io->done;
		error = io_copy_out(io, channel.data + channel.start, part);
		if (error != 0) {
			if (io->done == 0)
				return call_result(error);
			break;
		}
		channel.start = (channel.start + (unsigned)part) % BUFFER_SIZE;
		channel.used -= (unsigned)part;
		refill();
	}
	acknowledge();
	return (int64_t)io->done;
}

static int64_t channel_write(struct file *file, struct io *io, uint64_t *offset)
{
	uint8_t chunk[CHUNK];

	(void)offset;
	while (io->done < io->total) {
		uint64_t part = io->total - io->done < CHUNK ? io->total - io->done : CHUNK;
		int error = io_copy_in(io, chunk, part);

		if (error != 0)
			return io->done > 0 && error != CALL_ERROR_RESTART ? (int64_t)io->done : call_result(error);
		send_frame((uint8_t)(uintptr_t)file->data, chunk, (uint32_t)part);
	}
	return (int64_t)io->done;
}

static unsigned input_poll(struct file *file)
{
	(void)file;
	/* Who polls wants to read. */
	ask();
	return channel.used > 0 || channel.window_left > 0 || channel.ended ? POLLIN | POLLRDNORM : 0u;
}

static unsigned input_queues(struct file *file, struct wait_queue *queues[2])
{
	(void)file;
	queues[0] = &channel.queue;
	return 1;
}

static const struct file_ops input_ops = {.read = channel_read, .poll = input_poll, .poll_queues = input_queues, .relays = RELAY_FROM};
static const struct file_ops output_ops = {.write = channel_write, .relays = RELAY_TO};

bool channel_start(void)
{
	wait_queue_init(&channel.queue);
	channel.window = window_map(&channel.window_size);
	return serial_start(COM2_PORT) && serial_listen(COM2_PORT, INTERRUPT, received);
}

void channel_open(struct file *file, unsigned which)
{
	file->ops = which == 0 ? &input_ops : &output_ops;
	file->data = (void *)(uintptr_t)(which == 1 ? 'o' : 'e');
}

void channel_exit(int status)
{
	uint32_t word = (uint32_t)status;

	send_frame('x', &word, sizeof word);
	serial_drain(COM2_PORT);
}
