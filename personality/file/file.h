/* Open file descriptions, their operations, and tables of file descriptors. */
#ifndef PERSONALITY_FILE_H
#define PERSONALITY_FILE_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/lock.h"
#include "call/call.h"

struct vnode;
struct file;
struct epoll_item;
struct file_owner;

/*
 * Bytes on their way between a file and the caller's memory (or the server's own, for sendfile, exec and core). The
 * segments have been checked: no negative or wrapping size, total at most IO_MAX.
 */
struct io_segment {
	uint64_t address;
	uint64_t size;
};

struct io {
	struct call *call;
	void *server; /* the server's memory, or null: the caller's, in segments */
	const struct io_segment *segment;
	unsigned segments;
	uint64_t total; /* bytes asked for */
	uint64_t done;  /* bytes moved by io_copy_* so far */
	unsigned flags; /* O_APPEND, O_DSYNC, O_SYNC: of this write, besides the file's */
};

#define IO_MAX          0x7ffff000ull
#define IO_SEGMENTS_MAX 1024
#define IO_SEGMENTS_FEW 8

/*
 * The next `size` bytes (at most io->total - io->done) to or from the caller; advances io->done only on success. 0,
 * -EFAULT, CALL_ERROR_RESTART. On failure nothing may have been consumed: a read that moved some bytes before returns
 * io->done.
 */
int io_copy_out(struct io *io, const void *from, uint64_t size);
int io_copy_in(struct io *io, void *to, uint64_t size);
/*
 * The segments of `count` struct iovec of the caller's: few (IO_SEGMENTS_FEW), or memory until io_vector_end, which
 * comes after a failure, too. 0, -EINVAL, -EFAULT, -ENOMEM, CALL_ERROR_RESTART.
 */
int io_vector(struct io *io, struct io_segment *few, uint64_t vector, uint64_t count);
void io_vector_end(struct io *io, const struct io_segment *few);
/* An io over the server's own memory. */
void io_init_server(struct io *io, struct call *call, void *buffer, uint64_t size);

enum { RELAY_FROM = 1, RELAY_TO = 2 };

/*
 * Operations of an open file description; null ones fail as said. All run with the server lock and may release it
 * around RPCs; the caller holds a reference to the file. Results: as those of calls (call.h).
 */
struct file_ops {
	/*
	 * Bytes moved: io->done, 0 at the end. offset: null for files without a position (pipes, terminals), else where
	 * to go on (io->done bytes of the call, moved by earlier runs, lie before it); an appending write sets it to
	 * where it began; the caller adds what this run moved. Null operation: -EINVAL.
	 */
	int64_t (*read)(struct file *file, struct io *io, uint64_t *offset);
	int64_t (*write)(struct file *file, struct io *io, uint64_t *offset);
	/*
	 * The same without the server's lock (doc/unix-locks.md), of all or nothing: bytes moved, 0 at the end, or
	 * CALL_NEEDS_LOCK for all else. Null: not without it.
	 */
	int64_t (*read_unlocked)(struct file *file, struct io *io, uint64_t *offset);
	int64_t (*write_unlocked)(struct file *file, struct io *io, uint64_t *offset);
	/* The new position; null: -ESPIPE. */
	int64_t (*seek)(struct file *file, int64_t offset, int whence);
	int64_t (*seek_unlocked)(struct file *file, int64_t offset, int whence);
	/* POLL* bits that hold now. Null: always readable and writable. */
	unsigned (*poll)(struct file *file);
	/* The queues that are woken when what poll says may have changed; returns how many (at most 2). Null: none. */
	unsigned (*poll_queues)(struct file *file, struct wait_queue *queues[2]);
	const struct socket_calls
		*socket; /* what calls on sockets do with it (ipc/socket.h); null: it is none, or of AF_UNIX */
	unsigned relays; /* RELAY_*: what splice and sendfile may do with it */
	/* Null: -ENOTTY. */
	int64_t (*ioctl)(struct call *call, struct file *file, uint64_t request, uint64_t argument);
	/* struct linux_dirent64 records into io; null: -ENOTDIR. */
	int64_t (*read_directory)(struct file *file, struct io *io);
	/* Memory object for mmap, with a send right for the caller; offset may be changed. Null: -ENODEV. */
	int (*memory_object)(struct file *file, uint64_t *offset, mach_port_t *object);
	/* Ends the reference of a descriptor that has been closed. Null: file_release. */
	void (*closed)(struct file *file);
	/* The last reference is gone. */
	void (*release)(struct file *file);
};

/* An open file description. Shared by dup, fork and SCM_RIGHTS. */
/*
 * Failures to write what had been accepted: of a file's pages, or of a mount. Everyone who had it open when one was
 * found out hears of it, once, at the next call that asks whether all is on the medium.
 */
struct write_failures {
	unsigned count;
	int last; /* -errno */
};

/* The result of a sync. */
static inline void write_failures_note(struct write_failures *failures, int result)
{
	if (result != -EIO && result != -ENOSPC && result != -EROFS)
		return; /* it says nothing about what was written */
	failures->count++;
	failures->last = result;
}

/* What who has seen so many has to be told: -errno or 0. */
static inline int write_failures_tell(const struct write_failures *failures, unsigned *seen)
{
	if (*seen == failures->count)
		return 0;
	*seen = failures->count;
	return failures->last;
}

struct file {
	unsigned references;
	const struct file_ops *ops;
	unsigned flags;      /* O_ACCMODE, O_APPEND, O_NONBLOCK, O_PATH, ... as fcntl(F_GETFL) tells */
	unsigned open_flags; /* as given to open: O_NOCTTY, O_TRUNC, ... too */
	uint64_t position;
	bool seekable;                /* read and write use and move position, */
	uint32_t turn;                /* which some call has for its turn (TURN_*), */
	struct list turns;            /* and these wait for it (fd.c), with the server's lock */
	bool writes;                  /* counted in vnode->writers */
	bool opened;                  /* counted in vnode->opened */
	struct file_owner *owner;     /* who hears of it by signals (owner.c), or null */
	bool told;                    /* those who watch the vnode know that it is open */
	unsigned failures_seen;       /* of vnode->failures, */
	unsigned mount_failures_seen; /* and of its mount's */
	struct vnode *vnode;          /* reference, or null (pipes, sockets) */
	void *data;                   /* the operations' own, */
	unsigned mark;                /* and this */
	struct list epoll_items;      /* of epoll.c */
	uint64_t inode;               /* of files without a vnode: what fstat and /proc/PID/fd show */
	const char *kind;             /* of files without a vnode: "pipe", "socket", "anon_inode" */
};

/* One reference; vnode may be null, else a reference of it is consumed even on failure. Null: no memory. */
struct file *file_create(const struct file_ops *ops, unsigned flags, struct vnode *vnode, void *data);
/* The last reference is gone. May release the server lock. */
void file_end(struct file *file);

/* Atomic, since calls without the server's lock hold files, too. Release, acquire: who ends it sees what all have done.
 */
static inline struct file *file_reference(struct file *file)
{
	__atomic_add_fetch(&file->references, 1, __ATOMIC_RELAXED);
	return file;
}

/* May release the server lock. */
static inline void file_release(struct file *file)
{
	if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) == 0)
		file_end(file);
}

/* States of a file's turn: WAITED, taken, and calls may be on `turns`. */
enum { TURN_FREE, TURN_TAKEN, TURN_WAITED };

/* Waits until nobody has the file's position, unless the process ends meanwhile. -ENOMEM, -EINTR: no turn. */
int file_turn_wait(struct file *file);
void file_turn_pass(struct file *file);

/*
 * Who reads and moves a file's position does so for a turn, of which one is over before the next begins, for what it
 * asks of a file server may release the lock, and others may have none. The caller has a reference. Errors as above.
 */
static inline bool file_turn_try(struct file *file)
{
	uint32_t free_turn = TURN_FREE;

	/* Acquire: where the last turn has left the position. */
	return __atomic_compare_exchange_n(
		&file->turn, &free_turn, TURN_TAKEN, false, __ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}

static inline int file_turn_begin(struct file *file)
{
	return __builtin_expect(file_turn_try(file), 1) ? 0 : file_turn_wait(file);
}

/* False: somebody waits, to whom it is passed with the server's lock. */
static inline bool file_turn_free(struct file *file)
{
	uint32_t taken = TURN_TAKEN;

	return __atomic_compare_exchange_n(&file->turn, &taken, TURN_FREE, false, __ATOMIC_RELEASE, __ATOMIC_RELAXED);
}

static inline void file_turn_end(struct file *file)
{
	if (__builtin_expect(!file_turn_free(file), 0))
		file_turn_pass(file);
}

/* --- Tables of descriptors. Shared by threads (CLONE_FILES), copied by fork. */
struct descriptor {
	struct file *file; /* null: free */
	bool close_on_exec;
};

/*
 * Files come and go with the server's lock and the table's; so either will do to look. A table that one thread alone
 * has ever used is that thread's: in its call it needs no lock to look, and no reference to keep the file, for only its
 * calls close it.
 */
struct file_table {
	struct lock lock; /* ORDER_FILES */
	bool shared;      /* several threads or processes use it, or have: said before they do */
	unsigned references;
	unsigned size;      /* slots allocated */
	unsigned free_from; /* no lower one is free */
	struct descriptor *slot;
};

struct file_table *file_table_create(void);
struct file_table *file_table_copy(const struct file_table *table);
void file_table_release(struct file_table *table);
void file_table_close_on_exec(struct file_table *table);

/* How many descriptors the process may have: RLIMIT_NOFILE. */
uint64_t fd_limit(const struct process *process);

/*
 * Without the server's lock: the file behind a descriptor (no O_PATH) with a reference, by process->files. Null: none;
 * and the end of that reference.
 */
struct file *fd_hold_shared(struct process *process, int fd);
void fd_let_go_shared(struct file *file);

/* The file behind a descriptor, borrowed until the lock is next released (take a reference to keep it). Null: EBADF.
 * O_PATH files count as none. */
struct file *fd_file(struct call *call, int fd);
/* O_PATH files too. */
struct file *fd_file_path(struct call *call, int fd);
/* 0, or -EMFILE: no descriptor is free. For what is not to be begun then. */
int fd_room(struct call *call);
/* The lowest free descriptor from `from` up gets the file; consumes the reference, on failure too. The number, -EMFILE,
 * -ENOMEM. */
int64_t fd_install(struct call *call, struct file *file, bool close_on_exec);
int64_t fd_install_from(struct call *call, struct file *file, bool close_on_exec, unsigned from);
/* A file without a vnode of these operations, which release data, also now on failure. The number or -errno. */
int64_t fd_install_anonymous(
	struct call *call, const struct file_ops *ops, unsigned flags, void *data, bool close_on_exec);
/* 0 or -EBADF. */
int64_t fd_close(struct call *call, int fd);
/* The end of a call that made two descriptors: writes them to the caller, or closes both. What the call returns. */
int64_t fd_tell_pair(struct call *call, uint64_t address, int first, int second);

/* --- What others do for the calls on descriptors. */
/* A file goes: epoll sets forget it (epoll.c). */
void epoll_file_gone(struct file *file);
/* Bytes a pipe holds; -EBADF: no pipe (pipe.c). */
int64_t pipe_size(const struct file *file);
int64_t pipe_set_size(struct file *file, uint64_t size);

/* New numbers for the inodes of pipes and sockets. */
uint64_t anonymous_inode(void);

#endif
