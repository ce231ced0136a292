/* Reading and writing through descriptors: the calls and the way of the bytes. */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/uio.h>
#include <unistd.h>

#include "call/dispatch.h"
#include "call/lock.h"
#include "file/file.h"
#include "file/owner.h"
#include "file/vnode.h"
#include "process/proc.h"
#include "unix_server.h"

#define OLD_ENTRIES_MAX 65536 /* bytes of one getdents */

static int move(struct io *io, void *memory, uint64_t size, bool out)
{
	uint64_t skip = io->done, left = size;
	char *at = memory;
	unsigned i;

	if (io->server != NULL) {
		if (out)
			memcpy((char *)io->server + io->done, memory, size);
		else
			memcpy(memory, (char *)io->server + io->done, size);
		io->done += size;
		return 0;
	}
	for (i = 0; i < io->segments && left > 0; i++) {
		uint64_t part = io->segment[i].size;
		int error;

		if (skip >= part) {
			skip -= part;
			continue;
		}
		part -= skip;
		if (part > left)
			part = left;
		error = out ? copy_out(io->call, io->segment[i].address + skip, at, part)
			    : copy_in(io->call, at, io->segment[i].address + skip, part);
		if (error != 0)
			return error;
		skip = 0;
		at += part;
		left -= part;
	}
	io->done += size;
	return 0;
}

/* Most have one segment, of the caller's memory. */
static inline bool is_simple(const struct io *io)
{
	return io->segments == 1 && io->server == NULL;
}

int io_copy_out(struct io *io, const void *from, uint64_t size)
{
	if (is_simple(io)) {
		int error = copy_out(io->call, io->segment->address + io->done, from, size);

		if (error == 0)
			io->done += size;
		return error;
	}
	return move(io, (void *)(uintptr_t)from, size, true);
}

int io_copy_in(struct io *io, void *to, uint64_t size)
{
	if (is_simple(io)) {
		int error = copy_in(io->call, to, io->segment->address + io->done, size);

		if (error == 0)
			io->done += size;
		return error;
	}
	return move(io, to, size, false);
}

void io_init_server(struct io *io, struct call *call, void *buffer, uint64_t size)
{
	memset(io, 0, sizeof *io);
	io->call = call;
	io->server = buffer;
	io->total = size;
}

/*
 * One read or write. at: null for the file's own position, which is the call's for a turn. A call that has to run again
 * leaves the position behind what it has done, so that others can have their turns meanwhile.
 */
static inline int64_t transfer(struct file *file, struct io *io, const int64_t *at, bool write)
{
	struct call *call = io->call;
	int64_t (*operation)(struct file *, struct io *, uint64_t *) = write ? file->ops->write : file->ops->read;
	bool moves = file->seekable && at == NULL;
	uint64_t before = call->progress, offset = 0;
	int64_t result = 0;

	if (at != NULL && (*at < 0 || !file->seekable))
		return *at < 0 ? -EINVAL : -ESPIPE;
	if ((file->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY))
		return -EBADF;
	if (operation == NULL)
		return -EINVAL;
	if (at != NULL && io->total > (uint64_t)INT64_MAX - (uint64_t)*at)
		return -EINVAL;
	io->done = before;
	file_reference(file);
	if (moves)
		result = file_turn_begin(file);
	if (result == 0) {
		offset = at != NULL ? (uint64_t)*at + before : file->position;
		result = operation(file, io, file->seekable ? &offset : NULL);
		if (result == CALL_RESTART) {
			call->progress = io->done;
			call->partial = true;
		}
		if (moves) {
			uint64_t now = result == CALL_RESTART ? io->done : result > 0 ? (uint64_t)result : 0;

			if (result == CALL_RESTART || result >= 0)
				file->position = offset + (now > before ? now - before : 0);
			file_turn_end(file);
		}
	}
	file_release(file);
	return result;
}

static int64_t transfer_locked(
	struct call *call, int fd, uint64_t address, uint64_t size, const int64_t *at, bool write)
{
	struct file *file = fd_file(call, fd);
	struct io_segment segment = {address, size < IO_MAX ? size : IO_MAX};
	struct io io = {.call = call, .segment = &segment, .segments = 1, .total = segment.size};

	if (file == NULL)
		return -EBADF;
	if ((int64_t)size < 0)
		return -EINVAL;
	if (address > VM_MAX_ADDRESS || segment.size > VM_MAX_ADDRESS - address)
		return -EFAULT;
	return transfer(file, &io, at, write);
}

/* --- Without the server's lock: what is as usual, of files whose operations can do without. Else CALL_NEEDS_LOCK. */

/* The file behind a descriptor (no O_PATH), until let_go. Null: none. */
static inline struct file *hold(struct call *call, int fd, bool *shared)
{
	struct file_table *table = call->process->files;
	struct file *file;

	*shared = table->shared;
	if (__builtin_expect(table->shared, 0))
		return fd_hold_shared(call->process, fd);
	file = (unsigned)fd < table->size ? table->slot[fd].file : NULL;
	return file == NULL || (file->flags & O_PATH) ? NULL : file;
}

static inline void let_go(struct file *file, bool shared)
{
	if (__builtin_expect(shared, 0))
		fd_let_go_shared(file);
}

/* The end of a turn. */
static inline void end_unlocked(struct file *file)
{
	if (__builtin_expect(file_turn_free(file), 1))
		return;
	server_lock();
	file_turn_pass(file);
	server_leave();
}

static inline int64_t move_unlocked(struct file *file, struct io *io, const int64_t *at, bool write)
{
	int64_t (*operation)(struct file *, struct io *, uint64_t *) =
		write ? file->ops->write_unlocked : file->ops->read_unlocked;
	uint64_t offset;
	int64_t result;

	if (operation == NULL || (file->flags & O_ACCMODE) == (write ? O_RDONLY : O_WRONLY) ||
		(at != NULL && (*at < 0 || !file->seekable)))
		return CALL_NEEDS_LOCK;
	if (at != NULL || !file->seekable) {
		offset = at != NULL ? (uint64_t)*at : 0;
		return operation(file, io, &offset);
	}
	if (!file_turn_try(file))
		return CALL_NEEDS_LOCK;
	offset = file->position;
	result = operation(file, io, &offset);
	if (result > 0)
		file->position = offset + (uint64_t)result;
	end_unlocked(file);
	return result;
}

static inline int64_t transfer_unlocked(
	struct call *call, int fd, uint64_t address, uint64_t size, const int64_t *at, bool write)
{
	struct io_segment segment = {address, size};
	struct io io = {.call = call, .segment = &segment, .segments = 1, .total = size};
	bool shared;
	struct file *file = hold(call, fd, &shared);
	int64_t result = CALL_NEEDS_LOCK;

	if (file == NULL)
		return CALL_NEEDS_LOCK;
	if (size <= IO_MAX && address <= VM_MAX_ADDRESS && size <= VM_MAX_ADDRESS - address)
		result = move_unlocked(file, &io, at, write);
	let_go(file, shared);
	return result;
}

static int64_t seek_unlocked(struct call *call, int fd, int64_t offset, int whence)
{
	bool shared;
	struct file *file = hold(call, fd, &shared);
	int64_t result = CALL_NEEDS_LOCK;

	if (file == NULL)
		return CALL_NEEDS_LOCK;
	if (file->ops->seek_unlocked != NULL && file_turn_try(file)) {
		result = file->ops->seek_unlocked(file, offset, whence);
		end_unlocked(file);
	}
	let_go(file, shared);
	return result;
}

static int64_t transfer_one(struct call *call, int fd, uint64_t address, uint64_t size, const int64_t *at, bool write)
{
	if (!call_is_locked(call)) {
		int64_t result = transfer_unlocked(call, fd, address, size, at, write);

		if (result != CALL_NEEDS_LOCK)
			return result;
		call_take_lock(call);
	}
	return transfer_locked(call, fd, address, size, at, write);
}

int64_t sys_read(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	return transfer_one(call_of(caller), fd, address, size, NULL, false);
}

int64_t sys_write(uint64_t caller, int fd, uint64_t address, uint64_t size)
{
	return transfer_one(call_of(caller), fd, address, size, NULL, true);
}

int64_t sys_pread64(uint64_t caller, int fd, uint64_t address, uint64_t size, int64_t offset)
{
	return transfer_one(call_of(caller), fd, address, size, &offset, false);
}

int64_t sys_pwrite64(uint64_t caller, int fd, uint64_t address, uint64_t size, int64_t offset)
{
	return transfer_one(call_of(caller), fd, address, size, &offset, true);
}

int io_vector(struct io *io, struct io_segment *few, uint64_t vector, uint64_t count)
{
	struct io_segment *segment = few;
	uint64_t i;
	int error;

	io->segment = few;
	if (count > IO_SEGMENTS_MAX)
		return -EINVAL;
	if (count > IO_SEGMENTS_FEW) {
		segment = calloc((size_t)count, sizeof *segment);
		if (segment == NULL)
			return -ENOMEM;
	}
	io->segment = segment;
	io->segments = (unsigned)count;
	error = copy_in(io->call, segment, vector, (size_t)count * sizeof *segment);
	for (i = 0; i < count && error == 0; i++) {
		if ((int64_t)segment[i].size < 0)
			error = -EINVAL;
		else if (segment[i].address > VM_MAX_ADDRESS || segment[i].size > VM_MAX_ADDRESS - segment[i].address)
			error = -EFAULT;
		else if (segment[i].size > IO_MAX - io->total)
			segment[i].size = IO_MAX - io->total;
		io->total += segment[i].size;
	}
	return error;
}

void io_vector_end(struct io *io, const struct io_segment *few)
{
	if (io->segment != few)
		free((void *)(uintptr_t)io->segment);
}

static int64_t vector_unlocked(struct call *call, int fd, uint64_t vector, int count, const int64_t *at, bool write)
{
	struct io_segment few[IO_SEGMENTS_FEW];
	struct io io = {.call = call};
	bool shared;
	struct file *file = count < 0 || count > IO_SEGMENTS_FEW ? NULL : hold(call, fd, &shared);
	int64_t result;

	if (file == NULL)
		return CALL_NEEDS_LOCK;
	result = call_result(io_vector(&io, few, vector, (uint64_t)count));
	if (result == 0)
		result = move_unlocked(file, &io, at, write);
	let_go(file, shared);
	return result;
}

static int64_t transfer_vector(
	struct call *call, int fd, uint64_t vector, int count, const int64_t *at, bool write, unsigned flags)
{
	struct io_segment few[IO_SEGMENTS_FEW];
	struct io io = {.call = call, .flags = flags};
	struct file *file;
	int64_t result;

	if (!call_is_locked(call)) {
		result = vector_unlocked(call, fd, vector, count, at, write);
		if (result != CALL_NEEDS_LOCK)
			return result;
		call_take_lock(call);
	}
	file = fd_file(call, fd);
	if (file == NULL)
		return -EBADF;
	if (count < 0)
		return -EINVAL;
	result = call_result(io_vector(&io, few, vector, (uint64_t)count));
	if (result == 0)
		result = transfer(file, &io, at, write);
	io_vector_end(&io, few);
	return result;
}

int64_t sys_readv(uint64_t caller, int fd, uint64_t vector, int count)
{
	return transfer_vector(call_of(caller), fd, vector, count, NULL, false, 0);
}

int64_t sys_writev(uint64_t caller, int fd, uint64_t vector, int count)
{
	return transfer_vector(call_of(caller), fd, vector, count, NULL, true, 0);
}

int64_t sys_preadv(uint64_t caller, int fd, uint64_t vector, int count, int64_t offset)
{
	return transfer_vector(call_of(caller), fd, vector, count, &offset, false, 0);
}

int64_t sys_pwritev(uint64_t caller, int fd, uint64_t vector, int count, int64_t offset)
{
	return transfer_vector(call_of(caller), fd, vector, count, &offset, true, 0);
}

/* RWF_* of preadv2(2) that make a write as if the file had been opened so; *at: null for the file's position.
 * -EOPNOTSUPP: others. */
static int64_t transfer_vector2(
	struct call *call, int fd, uint64_t vector, int count, int64_t offset, int flags, bool write)
{
	const struct file *file;
	unsigned as_opened = 0;

	if (flags & ~(RWF_HIPRI | RWF_DSYNC | RWF_SYNC | RWF_NOWAIT | RWF_APPEND))
		return -EOPNOTSUPP;
	call_lock(call);
	file = fd_file(call, fd);
	/* Files have what they are asked for soon enough; what others may wait for, they say by O_NONBLOCK. */
	if (file != NULL && flags & RWF_NOWAIT && (file->vnode == NULL || VNODE_TYPE(file->vnode) != S_IFREG))
		return -EOPNOTSUPP;
	if (write && flags & RWF_DSYNC)
		as_opened |= O_DSYNC;
	if (write && flags & RWF_SYNC)
		as_opened |= O_SYNC;
	if (write && flags & RWF_APPEND)
		as_opened |= O_APPEND;
	return transfer_vector(call, fd, vector, count, offset == -1 ? NULL : &offset, write, as_opened);
}

int64_t sys_preadv2(uint64_t caller, int fd, uint64_t vector, int count, int64_t offset, int64_t high, int flags)
{
	(void)high;
	return transfer_vector2(call_of(caller), fd, vector, count, offset, flags, false);
}

int64_t sys_pwritev2(uint64_t caller, int fd, uint64_t vector, int count, int64_t offset, int64_t high, int flags)
{
	(void)high;
	return transfer_vector2(call_of(caller), fd, vector, count, offset, flags, true);
}

int64_t sys_lseek(uint64_t caller, int fd, int64_t offset, int whence)
{
	struct call *call = call_of(caller);
	struct file *file;
	int64_t result;

	if (!call_is_locked(call)) {
		result = seek_unlocked(call, fd, offset, whence);
		if (result != CALL_NEEDS_LOCK)
			return result;
		call_take_lock(call);
	}
	file = fd_file(call, fd);
	if (file == NULL)
		return -EBADF;
	if (file->ops->seek == NULL)
		return -ESPIPE;
	file_reference(file);
	result = file_turn_begin(file);
	if (result == 0) {
		result = file->ops->seek(file, offset, whence);
		file_turn_end(file);
	}
	file_release(file);
	return result;
}

static int64_t left_to_read(struct call *call, const struct file *file, uint64_t address)
{
	file_attributes_t attributes;
	int error = vnode_known(file->vnode, &attributes), left;

	if (error != 0)
		return call_result(error);
	left = (int)(attributes.size - file->position);
	return call_result(copy_out(call, address, &left, sizeof left));
}

int64_t sys_ioctl(uint64_t caller, int fd, uint64_t request, uint64_t argument)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file(call, fd);
	int64_t result;
	int value, error;

	if (file == NULL)
		return -EBADF;
	request = (uint32_t)request;
	switch (request) {
	case FIOCLEX:
	case FIONCLEX:
		call->process->files->slot[fd].close_on_exec = request == FIOCLEX;
		return 0;
	case FIOASYNC:
		error = copy_in(call, &value, argument, sizeof value);
		if (error == 0)
			error = file_owner_watch(call, file, fd, value != 0);
		if (error == 0)
			file->flags = value ? file->flags | O_ASYNC : file->flags & ~(unsigned)O_ASYNC;
		return call_result(error);
	case FIONBIO:
		error = copy_in(call, &value, argument, sizeof value);
		if (error == 0)
			file->flags = value ? file->flags | O_NONBLOCK : file->flags & ~(unsigned)O_NONBLOCK;
		return call_result(error);
	}
	if (request == FIONREAD && file->vnode != NULL && VNODE_TYPE(file->vnode) == S_IFREG)
		return left_to_read(call, file, argument);
	if (file->ops->ioctl == NULL)
		return -ENOTTY;
	file_reference(file);
	result = file->ops->ioctl(call, file, request, argument);
	file_release(file);
	return result;
}

static int64_t list_directory(struct call *call, int fd, struct io *io, int size)
{
	struct file *file = fd_file(call, fd);
	int64_t result;

	if (file == NULL)
		return -EBADF;
	if (file->ops->read_directory == NULL)
		return -ENOTDIR;
	if (size < 0)
		return -EINVAL;
	file_reference(file);
	result = file_turn_begin(file);
	if (result == 0) {
		result = file->ops->read_directory(file, io);
		file_turn_end(file);
	}
	file_release(file);
	return result;
}

int64_t sys_getdents64(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	struct io_segment segment = {address, (uint64_t)size};
	struct io io = {.call = call, .segment = &segment, .segments = 1, .total = segment.size};

	return list_directory(call, fd, &io, size);
}

/* The older records have the type behind the name, in their last byte; they are as long. */
static void to_old_entries(char *buffer, uint64_t size)
{
	enum { LENGTH = 16, TYPE = 18, OLD_NAME = 18, NAME = 19 };
	uint16_t length;

	for (uint64_t at = 0; at < size; at += length) {
		char *entry = buffer + at, type = entry[TYPE];

		memcpy(&length, entry + LENGTH, sizeof length);
		memmove(entry + OLD_NAME, entry + NAME, length - NAME);
		entry[length - 1] = type;
	}
}

int64_t sys_getdents(uint64_t caller, int fd, uint64_t address, int size)
{
	struct call *call = call_of(caller);
	const uint64_t most = size < 0 ? 0 : size < OLD_ENTRIES_MAX ? (uint64_t)size : OLD_ENTRIES_MAX;
	char *buffer = calloc(1, most + 1);
	int64_t result;
	struct io io;
	int error;

	if (buffer == NULL)
		return -ENOMEM;
	/* The room is there before entries are taken. */
	error = copy_out(call, address, buffer, most);
	io_init_server(&io, call, buffer, most);
	result = error == 0 || fd_file(call, fd) == NULL ? list_directory(call, fd, &io, size) : call_result(error);
	if (result > 0) {
		to_old_entries(buffer, (uint64_t)result);
		error = copy_out(call, address, buffer, (size_t)result);
	}
	free(buffer);
	return result > 0 && error != 0 ? call_result(error) : result;
}
