/* Special files: null, zero, full, random, the terminals. */
#include "device/device.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "device/console.h"
#include "device/pty.h"
#include "device/random.h"
#include "device/tty.h"
#include "file/file.h"
#include "process/proc.h"
#include "vfs/vfs.h"

enum { MINOR_NULL = 3, MINOR_ZERO = 5, MINOR_FULL = 7, MINOR_RANDOM = 8, MINOR_URANDOM = 9 };
enum { MINOR_TTY = 0, MINOR_CONSOLE = 1, MINOR_PTMX = 2 };
#define CHUNK 4096u

static int64_t read_nothing(struct file *file, struct io *io, uint64_t *offset)
{
	(void)file;
	(void)io;
	(void)offset;
	return 0;
}

static int64_t write_all(struct file *file, struct io *io, uint64_t *offset)
{
	(void)file;
	(void)offset;
	io->done = io->total;
	return (int64_t)io->done;
}

static int64_t write_none(struct file *file, struct io *io, uint64_t *offset)
{
	(void)file;
	(void)io;
	(void)offset;
	return -ENOSPC;
}

/* How much of what is left goes in one piece. */
static uint64_t chunk_of(const struct io *io)
{
	return io->total - io->done < CHUNK ? io->total - io->done : CHUNK;
}

/* What a read returns whose last piece came out as `error`. */
static int64_t result_of(const struct io *io, int error)
{
	return error == 0 || (io->done > 0 && error != CALL_ERROR_RESTART) ? (int64_t)io->done : call_result(error);
}

static const char zeros[CHUNK];

static int64_t read_zeros_unlocked(struct file *file, struct io *io, uint64_t *offset)
{
	(void)file;
	(void)offset;
	return io->total <= CHUNK && io_copy_out(io, zeros, io->total) == 0 ? (int64_t)io->total : CALL_NEEDS_LOCK;
}

static int64_t read_zeros(struct file *file, struct io *io, uint64_t *offset)
{
	int error = 0;

	(void)file;
	(void)offset;
	while (error == 0 && io->done < io->total)
		error = io_copy_out(io, zeros, chunk_of(io));
	return result_of(io, error);
}

static int64_t read_random(struct file *file, struct io *io, uint64_t *offset)
{
	char bytes[CHUNK];
	int error = 0;

	(void)file;
	(void)offset;
	while (error == 0 && io->done < io->total) {
		uint64_t part = chunk_of(io);

		random_bytes(bytes, part);
		error = io_copy_out(io, bytes, part);
	}
	return result_of(io, error);
}

static int64_t seek_nowhere(struct file *file, int64_t offset, int whence)
{
	(void)file;
	(void)offset;
	(void)whence;
	return 0;
}

/* A private or shared mapping of zeros: anonymous memory. */
static int map_zeros(struct file *file, uint64_t *offset, mach_port_t *object)
{
	(void)file;
	*offset = 0;
	*object = MACH_PORT_NULL;
	return 0;
}

static const struct file_ops null_ops = {.read = read_nothing,
	.write = write_all,
	.read_unlocked = read_nothing,
	.write_unlocked = write_all,
	.seek_unlocked = seek_nowhere,
	.relays = RELAY_TO,
	.seek = seek_nowhere};
static const struct file_ops zero_ops = {.read = read_zeros,
	.write = write_all,
	.read_unlocked = read_zeros_unlocked,
	.write_unlocked = write_all,
	.seek_unlocked = seek_nowhere,
	.seek = seek_nowhere,
	.relays = RELAY_FROM | RELAY_TO,
	.memory_object = map_zeros};
static const struct file_ops full_ops = {
	.read = read_zeros, .write = write_none, .relays = RELAY_FROM | RELAY_TO, .seek = seek_nowhere};
static const struct file_ops random_ops = {
	.read = read_random, .write = write_all, .relays = RELAY_FROM | RELAY_TO, .seek = seek_nowhere};

static int open_memory(struct file *file, unsigned minor)
{
	switch (minor) {
	case MINOR_NULL:
		file->ops = &null_ops;
		break;
	case MINOR_ZERO:
		file->ops = &zero_ops;
		break;
	case MINOR_FULL:
		file->ops = &full_ops;
		break;
	case MINOR_RANDOM:
	case MINOR_URANDOM:
		file->ops = &random_ops;
		break;
	default:
		return -ENXIO;
	}
	file->seekable = false;
	return 0;
}

static int open_terminal(struct call *call, struct file *file, unsigned minor)
{
	struct tty *tty;

	switch (minor) {
	case MINOR_TTY:
		tty = process_terminal(call->process);
		return tty != NULL ? tty_open(call, tty, file) : -ENXIO;
	case MINOR_CONSOLE:
		console_attach(file);
		return 0;
	case MINOR_PTMX:
		return pty_open_master(call, file);
	default:
		return -ENXIO;
	}
}

int device_open(struct call *call, struct vnode *vnode, struct file *file)
{
	unsigned minor_number = minor(vnode->device);

	if (!S_ISCHR(vnode->mode))
		return -ENXIO;
	switch (major(vnode->device)) {
	case DEVICE_MEMORY_MAJOR:
		return open_memory(file, minor_number);
	case DEVICE_TTY_MAJOR:
		return open_terminal(call, file, minor_number);
	case DEVICE_TTYS_MAJOR:
		return minor_number == DEVICE_TTYS_MINOR ? tty_open(call, &console_tty, file) : -ENXIO;
	default:
		return -ENXIO;
	}
}
