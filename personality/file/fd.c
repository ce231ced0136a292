/* Open file descriptions, tables of descriptors, and the calls on descriptors themselves: close, dup, fcntl. */
#include <fcntl.h>
#include <string.h>

#include "base/user.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "file/file.h"
#include "file/notify.h"
#include "file/owner.h"
#include "file/vnode.h"
#include "process/proc.h"
#include "process/rlimit.h"
#include "unix_server.h"

#define SETTABLE_FLAGS (O_APPEND | O_NONBLOCK | O_NOATIME | O_ASYNC | O_DIRECT)
#define FD_TABLE_FIRST 32u

struct file *file_create(const struct file_ops *ops, unsigned flags, struct vnode *vnode, void *data)
{
	struct file *file = user_alloc(user_now(), sizeof *file);

	if (file == NULL) {
		vnode_release(vnode);
		return NULL;
	}
	*file = (struct file){
		.references = 1,
		.ops = ops,
		.flags = flags & ~(unsigned)(O_CREAT | O_EXCL | O_NOCTTY | O_TRUNC | O_CLOEXEC),
		.open_flags = flags,
		.vnode = vnode,
		.data = data,
	};
	file->writes = vnode != NULL && VNODE_TYPE(vnode) == S_IFREG && (flags & O_ACCMODE) != O_RDONLY;
	if (file->writes)
		vnode->writers++;
	file->opened = vnode != NULL && !(flags & O_PATH);
	if (file->opened)
		vnode->opened++;
	if (vnode != NULL)
		file->failures_seen = vnode->failures.count;
	list_init(&file->epoll_items);
	list_init(&file->turns);
	return file;
}

void file_end(struct file *file)
{
	struct vnode *vnode;

	epoll_file_gone(file);
	if (file->told)
		notify(file->vnode, (file->flags & O_ACCMODE) == O_RDONLY ? IN_CLOSE_NOWRITE : IN_CLOSE_WRITE);
	if (file->ops != NULL && file->ops->release != NULL)
		file->ops->release(file);
	vnode = file->vnode;
	if (vnode != NULL) {
		vnode_locks_end(file);
		if (!list_empty(&vnode->leases))
			vnode_lease_end(file);
	}
	if (file->writes)
		vnode->writers--;
	if (file->opened)
		vnode->opened--;
	file_owner_gone(file);
	user_free(file);
	vnode_release(vnode);
}

/* A fiber that waits for its turn at a file's position. */
struct turn {
	struct list link;
	struct fiber *fiber;
	bool killed;
};

static void turn_killed(void *argument)
{
	struct turn *turn = argument;

	list_remove(&turn->link);
	turn->killed = true;
	fiber_wake(turn->fiber);
}

int file_turn_wait(struct file *file)
{
	struct turn turn = {.fiber = fiber_self()};

	list_append(&file->turns, &turn.link);
	/* Acquire: as file_turn_try. Who has the turn passes it from here on, unless it is over. */
	if (__atomic_exchange_n(&file->turn, TURN_WAITED, __ATOMIC_ACQUIRE) == TURN_FREE) {
		list_remove(&turn.link);
		return 0;
	}
	if (!fiber_wait(turn_killed, &turn)) {
		list_remove(&turn.link);
		return -ENOMEM;
	}
	return turn.killed ? -EINTR : 0;
}

void file_turn_pass(struct file *file)
{
	struct turn *next;

	if (list_empty(&file->turns)) {
		/* They have been killed. Release: as file_turn_free. */
		__atomic_store_n(&file->turn, TURN_FREE, __ATOMIC_RELEASE);
		return;
	}
	next = list_entry(file->turns.next, struct turn, link);
	list_remove(&next->link);
	fiber_wake(next->fiber);
}

uint64_t anonymous_inode(void)
{
	static uint64_t last = 1000;

	return ++last;
}

struct file_table *file_table_create(void)
{
	struct file_table *table = user_alloc(user_now(), sizeof *table);

	if (table != NULL)
		table->references = 1;
	return table;
}

struct file_table *file_table_copy(const struct file_table *table)
{
	struct file_table *copy = file_table_create();
	unsigned i;

	if (copy == NULL || table->size == 0)
		return copy;
	copy->slot = user_alloc(user_now(), table->size * sizeof *copy->slot);
	if (copy->slot == NULL) {
		user_free(copy);
		return NULL;
	}
	copy->size = table->size;
	copy->free_from = table->free_from;
	for (i = 0; i < table->size; i++) {
		copy->slot[i] = table->slot[i];
		if (copy->slot[i].file != NULL)
			file_reference(copy->slot[i].file);
	}
	return copy;
}

static __attribute__((noinline)) void set_shared_slot(
	struct file_table *table, struct descriptor *slot, struct file *file)
{
	lock_take(&table->lock, ORDER_FILES);
	slot->file = file;
	lock_give(&table->lock, ORDER_FILES);
}

/* What stood there, perhaps null; its reference is the caller's, and the given one the table's. */
static inline struct file *set_slot(struct file_table *table, unsigned fd, struct file *file, bool close_on_exec)
{
	struct descriptor *slot = &table->slot[fd];
	struct file *old = slot->file;

	lock_order_has(ORDER_SERVER);
	slot->close_on_exec = close_on_exec;
	if (table->shared)
		set_shared_slot(table, slot, file);
	else
		slot->file = file;
	return old;
}

/* The end of a descriptor's reference; may release the lock. */
static void let_go(struct file *file)
{
	if (file->ops->closed != NULL)
		file->ops->closed(file);
	else
		file_release(file);
}

/* Frees one slot; may release the lock. */
static void close_slot(struct file_table *table, unsigned fd)
{
	struct file *file = set_slot(table, fd, NULL, false);

	if (fd < table->free_from)
		table->free_from = fd;
	if (file->vnode != NULL)
		vnode_locks_closed(table, file->vnode);
	let_go(file);
}

void file_table_release(struct file_table *table)
{
	unsigned i;

	if (table == NULL || --table->references > 0)
		return;
	for (i = 0; i < table->size; i++) {
		if (table->slot[i].file != NULL)
			close_slot(table, i);
	}
	user_free(table->slot);
	user_free(table);
}

void file_table_close_on_exec(struct file_table *table)
{
	unsigned i;

	for (i = 0; i < table->size; i++) {
		if (table->slot[i].file != NULL && table->slot[i].close_on_exec)
			close_slot(table, i);
	}
}

struct file *fd_file_path(struct call *call, int fd)
{
	struct file_table *table = call->process->files;

	if (table == NULL || fd < 0 || (unsigned)fd >= table->size)
		return NULL;
	return table->slot[fd].file;
}

struct file *fd_file(struct call *call, int fd)
{
	struct file *file = fd_file_path(call, fd);

	return file == NULL || (file->flags & O_PATH) ? NULL : file;
}

struct file *fd_hold_shared(struct process *process, int fd)
{
	struct file_table *table;
	struct file *file = NULL;

	/* The process's lock: close_range may give it another table, and the old one up. */
	lock_take(&process->lock, ORDER_PROCESS);
	table = process->files;
	lock_take(&table->lock, ORDER_FILES);
	if ((unsigned)fd < table->size)
		file = table->slot[fd].file;
	if (file != NULL && !(file->flags & O_PATH))
		file_reference(file);
	else
		file = NULL;
	lock_give(&table->lock, ORDER_FILES);
	lock_give(&process->lock, ORDER_PROCESS);
	return file;
}

static void end_file(void *argument)
{
	file_end(argument);
}

void fd_let_go_shared(struct file *file)
{
	/* As file_release. */
	if (__atomic_sub_fetch(&file->references, 1, __ATOMIC_ACQ_REL) != 0)
		return;
	/* Somebody closed it meanwhile. On a fiber: its end may wait, and the call is to be answered. */
	server_lock();
	fiber_run(end_file, file);
	server_leave();
}

static __attribute__((noinline)) bool grow_by(struct file_table *table, unsigned fd)
{
	unsigned size = table->size == 0 ? FD_TABLE_FIRST : table->size;
	struct descriptor *bigger, *old = table->slot;

	while (size <= fd)
		size *= 2;
	bigger = user_alloc(old == NULL ? user_now() : user_of_memory(old), size * sizeof *bigger);
	if (bigger == NULL)
		return false;
	if (old != NULL)
		memcpy(bigger, old, table->size * sizeof *bigger);
	lock_order_has(ORDER_SERVER);
	lock_take(&table->lock, ORDER_FILES);
	table->slot = bigger;
	table->size = size;
	lock_give(&table->lock, ORDER_FILES);
	user_free(old);
	return true;
}

static inline bool grow_table(struct file_table *table, unsigned fd)
{
	return fd < table->size || grow_by(table, fd);
}

uint64_t fd_limit(const struct process *process)
{
	uint64_t limit = process->limit[RLIMIT_NOFILE].rlim_cur;

	return limit < FD_LIMIT_MAX ? limit : FD_LIMIT_MAX;
}

/* The lowest free one from `from` up; the table may have to grow for it. */
static unsigned lowest_free(const struct file_table *table, unsigned from)
{
	unsigned fd = from < table->free_from ? table->free_from : from;

	while (fd < table->size && table->slot[fd].file != NULL)
		fd++;
	return fd;
}

int fd_room(struct call *call)
{
	const struct file_table *table = call->process->files;

	return table == NULL || lowest_free(table, 0) < fd_limit(call->process) ? 0 : -EMFILE;
}

int64_t fd_install_from(struct call *call, struct file *file, bool close_on_exec, unsigned from)
{
	struct file_table *table = call->process->files;
	uint64_t limit = fd_limit(call->process);
	unsigned fd = table != NULL ? lowest_free(table, from) : 0;

	if (table == NULL || fd >= limit || !grow_table(table, fd)) {
		file_release(file);
		return table == NULL ? -EBADF : fd >= limit ? -EMFILE : -ENOMEM;
	}
	set_slot(table, fd, file, close_on_exec);
	if (from <= table->free_from)
		table->free_from = fd + 1;
	return fd;
}

int64_t fd_install(struct call *call, struct file *file, bool close_on_exec)
{
	return fd_install_from(call, file, close_on_exec, 0);
}

int64_t fd_install_anonymous(
	struct call *call, const struct file_ops *ops, unsigned flags, void *data, bool close_on_exec)
{
	struct file *file = file_create(ops, flags, NULL, data);

	if (file == NULL) {
		ops->release(&(struct file){.data = data});
		return -ENOMEM;
	}
	file->inode = anonymous_inode();
	file->kind = "anon_inode";
	return fd_install(call, file, close_on_exec);
}

int64_t fd_close(struct call *call, int fd)
{
	if (fd_file_path(call, fd) == NULL)
		return -EBADF;
	close_slot(call->process->files, (unsigned)fd);
	return 0;
}

/* --- The calls. */

int64_t fd_tell_pair(struct call *call, uint64_t address, int first, int second)
{
	int pair[2] = {first, second};
	int error = copy_out(call, address, pair, sizeof pair);

	if (error != 0) {
		fd_close(call, first);
		fd_close(call, second);
	}
	return call_result(error);
}

int64_t sys_close(uint64_t caller, int fd)
{
	return fd_close(call_of(caller), fd);
}

int64_t sys_close_range(uint64_t caller, int first, int last, unsigned flags)
{
	struct call *call = call_of(caller);
	struct file_table *table = call->process->files, *copy;
	unsigned fd;

	if ((flags & ~6u) || (unsigned)first > (unsigned)last)
		return -EINVAL;
	if ((flags & 2u) && table->references > 1) { /* CLOSE_RANGE_UNSHARE */
		copy = file_table_copy(table);
		if (copy == NULL)
			return -ENOMEM;
		lock_take(&call->process->lock, ORDER_PROCESS);
		call->process->files = copy;
		lock_give(&call->process->lock, ORDER_PROCESS);
		table->references--;
		table = copy;
	}
	for (fd = (unsigned)first; fd < table->size && fd <= (unsigned)last; fd++) {
		if (table->slot[fd].file == NULL)
			continue;
		if (flags & 4u) /* CLOSE_RANGE_CLOEXEC */
			table->slot[fd].close_on_exec = true;
		else
			close_slot(table, fd);
	}
	return 0;
}

int64_t sys_dup(uint64_t caller, int fd)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file_path(call, fd);

	return file == NULL ? -EBADF : fd_install(call, file_reference(file), false);
}

static int64_t dup_to(struct call *call, int fd, int to, bool close_on_exec)
{
	struct file *file = fd_file_path(call, fd), *old;

	if (file == NULL || to < 0 || (uint64_t)to >= fd_limit(call->process))
		return -EBADF;
	if (!grow_table(call->process->files, (unsigned)to))
		return -ENOMEM;
	file_reference(file);
	old = set_slot(call->process->files, (unsigned)to, file, close_on_exec);
	if (old != NULL) {
		if (old->vnode != NULL)
			vnode_locks_closed(call->process->files, old->vnode);
		let_go(old);
	}
	return to;
}

int64_t sys_dup2(uint64_t caller, int fd, int to)
{
	struct call *call = call_of(caller);

	if (fd == to)
		return fd_file_path(call, fd) == NULL ? -EBADF : to;
	return dup_to(call, fd, to, false);
}

int64_t sys_dup3(uint64_t caller, int fd, int to, int flags)
{
	if (fd == to || (flags & ~O_CLOEXEC))
		return -EINVAL;
	return dup_to(call_of(caller), fd, to, (flags & O_CLOEXEC) != 0);
}

int64_t sys_fcntl(uint64_t caller, int fd, int command, uint64_t argument)
{
	struct call *call = call_of(caller);
	struct file *file = fd_file_path(call, fd);
	struct descriptor *slot;

	if (file == NULL)
		return -EBADF;
	slot = &call->process->files->slot[fd];
	switch (command) {
	case F_DUPFD:
	case F_DUPFD_CLOEXEC:
		if (argument >= fd_limit(call->process))
			return -EINVAL;
		return fd_install_from(call, file_reference(file), command == F_DUPFD_CLOEXEC, (unsigned)argument);
	case F_GETFD:
		return slot->close_on_exec ? FD_CLOEXEC : 0;
	case F_SETFD:
		slot->close_on_exec = (argument & FD_CLOEXEC) != 0;
		return 0;
	case F_GETFL:
		/* O_LARGEFILE of what every 64-bit program opens by a path. */
		return (int64_t)(file->flags | (file->kind == NULL ? 0100000 : 0));
	}
	if (file->flags & O_PATH)
		return -EBADF;
	switch (command) {
	case F_SETFL:
		if ((argument ^ file->flags) & O_NOATIME && argument & O_NOATIME && file->vnode != NULL) {
			file_attributes_t attributes;
			int error = vnode_known(file->vnode, &attributes);

			if (error == 0 && attributes.uid != call->process->credentials.fsuid &&
				!capable(call->process, CAP_FOWNER))
				error = -EPERM;
			if (error != 0)
				return call_result(error);
		}
		if ((argument ^ file->flags) & O_ASYNC &&
			file_owner_watch(call, file, fd, (argument & O_ASYNC) != 0) != 0)
			return -ENOMEM;
		file->flags = (file->flags & ~(unsigned)SETTABLE_FLAGS) | ((unsigned)argument & SETTABLE_FLAGS);
		return 0;
	case F_GETPIPE_SZ:
		return pipe_size(file);
	case F_SETPIPE_SZ:
		return pipe_set_size(file, argument);
	case F_ADD_SEALS:
	case F_GET_SEALS:
		return vnode_seal_control(file, command, argument);
	case F_GETLK:
	case F_SETLK:
	case F_SETLKW:
	case F_OFD_GETLK:
	case F_OFD_SETLK:
	case F_OFD_SETLKW:
		return file->vnode == NULL ? -EINVAL : vnode_lock_control(call, file, command, argument);
	case F_SETLEASE:
	case F_GETLEASE:
		return vnode_lease_control(call, file, fd, command, argument);
	default:
		return file_owner_control(call, file, command, argument);
	}
}
