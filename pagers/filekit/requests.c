/* The requests of file.defs. */
#include "pagers/filekit/filekit.h"

#include <errno.h>
#include <servers/file_server.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define BACKEND (fk_volume->operations)

static kern_return_t result_of(int error)
{
	return error ? FILE_ERROR(error) : KERN_SUCCESS;
}

/* Releases the lock that enter() took. */
static kern_return_t leave(int error)
{
	fk_unlock();
	return result_of(error);
}

/*
 * Takes the lock; the node of the port that the request came in by, which is told by its payload: a request by
 * registers brings no name. ESTALE: the port is no file's (then leave).
 */
static int enter(mach_port_t port, struct fk_node **node)
{
	(void)port;
	fk_lock();
	*node = fk_find_request();
	return *node ? 0 : ESTALE;
}

static int enter_service(mach_port_t port)
{
	(void)port;
	fk_lock();
	return mach_request_payload() == fk_service_port ? 0 : ESTALE;
}

/* A file's attributes and a right to it, as look-up and create answer. */
static int answer(uint64_t inode, mach_port_t *file, file_attributes_t *attributes)
{
	int error = BACKEND->get_attributes(fk_volume, inode, attributes);

	return error ? error : fk_hand_out(inode, file);
}

kern_return_t S_file_system_root(mach_port_t fs, mach_port_t *root, file_attributes_t *attributes)
{
	int error = enter_service(fs);

	return leave(error ? error : answer(BACKEND->root, root, attributes));
}

kern_return_t S_file_system_info(mach_port_t fs, file_system_info_t *info)
{
	int error = enter_service(fs);

	return leave(error ? error : BACKEND->info(fk_volume, info));
}

/* An error that is said once. */
static int take_error(int *error)
{
	int taken = *error;

	*error = 0;
	return taken;
}

/* All pages of a file that are dirty, into the backend; flush: all, and the kernel keeps none. */
static int clean_node(struct fk_node *node, bool flush)
{
	struct file_attributes attributes;
	int error = 0;

	fk_begin_change(node);
	if (node->has_contents)
		error = BACKEND->get_attributes(fk_volume, node->inode, &attributes);
	if (node->has_contents && !error)
		error = fk_clean(node, 0, FK_ROUND_PAGE(attributes.size), flush);
	fk_end_change(node);
	return error;
}

/* The same of all files; then what the backend does at the end with the files that are open. */
static int clean_all(bool forget)
{
	size_t count, i;
	struct fk_node **all = fk_pin_all(&count);
	int error = 0, failed;

	if (!all)
		return ENOMEM;
	for (i = 0; i < count; i++) {
		failed = clean_node(all[i], false);
		error = error ? error : failed;
		if (forget)
			BACKEND->forget(fk_volume, all[i]->inode);
		fk_unpin(all[i]);
	}
	free(all);
	return error;
}

/* What came of the backend's part; tells the console when it begins to fail and when that is over. */
static int said(int error)
{
	static int last;

	if (error != last && error)
		pk_log("the file system cannot be saved: %s", strerror(error));
	else if (error != last)
		pk_log("the file system is saved again");
	last = error;
	return error;
}

/* Whatever failed, the rest is done. The first error counts. */
static int sync_all(bool stop)
{
	int error = clean_all(stop);
	int of_volume = said(stop ? BACKEND->stop(fk_volume) : BACKEND->sync(fk_volume));
	int of_pages = take_error(&fk_volume->write_error);

	return error ? error : of_pages ? of_pages : of_volume;
}

kern_return_t S_file_system_sync(mach_port_t fs)
{
	int error = enter_service(fs);

	return leave(error ? error : sync_all(false));
}

kern_return_t S_file_system_stop(mach_port_t fs)
{
	int error = enter_service(fs);

	return leave(error ? error : sync_all(true));
}

kern_return_t S_file_look_up(mach_port_t directory, const char *name, mach_port_t *file, file_attributes_t *attributes)
{
	struct fk_node *node;
	uint64_t inode;
	int error = enter(directory, &node);

	if (!error)
		error = BACKEND->look_up(fk_volume, node->inode, name, &inode);
	return leave(error ? error : answer(inode, file, attributes));
}

kern_return_t S_file_get_attributes(mach_port_t file, file_attributes_t *attributes)
{
	struct fk_node *node;
	int error = enter(file, &node);

	return leave(error ? error : BACKEND->get_attributes(fk_volume, node->inode, attributes));
}

/* Sets the size in the order that filekit.h explains. */
static int change_size(struct fk_node *node, uint64_t size)
{
	struct file_attributes old;
	int error;

	if (size > INT64_MAX - FK_PAGE_SIZE)
		return EFBIG;
	fk_begin_change(node);
	error = BACKEND->get_attributes(fk_volume, node->inode, &old);
	if (!error && !S_ISREG(old.mode))
		error = S_ISDIR(old.mode) ? EISDIR : EINVAL;
	if (!error && size != old.size)
		error = BACKEND->set_size(fk_volume, node->inode, size);
	if (!error && size < old.size) {
		uint64_t first = size & ~(uint64_t)(FK_PAGE_SIZE - 1);

		error = fk_clean(node, first, FK_ROUND_PAGE(old.size) - first, true);
	}
	if (!error && size > old.size)
		pk_grown(&node->contents, old.size, size);
	if (!error && size <= old.size)
		/* Of equal size, too: a request made again may have lost its server between the two. */
		error = BACKEND->trim(fk_volume, node->inode, size <= old.size);
	fk_end_change(node);
	return error;
}

kern_return_t S_file_set_attributes(
	mach_port_t file, unsigned which, file_attributes_t values, file_attributes_t *attributes)
{
	struct fk_node *node;
	uint64_t inode = 0;
	int error = enter(file, &node);

	if (!error)
		inode = node->inode;
	if (!error && which & FILE_SET_SIZE)
		error = change_size(node, values.size);
	if (!error && which & ~(unsigned)FILE_SET_SIZE)
		error = BACKEND->set_attributes(fk_volume, inode, which, &values);
	return leave(error ? error : BACKEND->get_attributes(fk_volume, inode, attributes));
}

kern_return_t S_file_allocate(mach_port_t file, uint64_t offset, uint64_t length, uint64_t size)
{
	struct file_attributes old = {0};
	struct fk_node *node;
	int error = enter(file, &node);

	if (error)
		return leave(error);
	fk_begin_change(node);
	if (node->contents.refused_to != 0)
		error = BACKEND->get_attributes(fk_volume, node->inode, &old);
	if (!error)
		error = BACKEND->allocate(fk_volume, node->inode, offset, length, size);
	while (error == ENOSPC && fk_wait_for_space())
		error = BACKEND->allocate(fk_volume, node->inode, offset, length, size);
	if (!error)
		pk_grown(&node->contents, old.size, size);
	fk_end_change(node);
	return leave(error);
}

/* As filekit.h explains. */
static int punch(struct fk_node *node, uint64_t offset, uint64_t length)
{
	int error;

	fk_begin_change(node);
	node->punched_from = offset;
	node->punched_to = offset + length;
	error = BACKEND->punch(fk_volume, node->inode, offset, length);
	if (!error)
		error = fk_clean(node, offset, length, true);
	node->punched_from = node->punched_to = 0;
	fk_end_change(node);
	return error;
}

kern_return_t S_file_punch(mach_port_t file, uint64_t offset, uint64_t length)
{
	struct fk_node *node;
	int error = enter(file, &node);

	if (!error && (offset % FK_PAGE_SIZE || length % FK_PAGE_SIZE || offset > INT64_MAX || length > INT64_MAX))
		error = EINVAL;
	return leave(error ? error : punch(node, offset, length));
}

kern_return_t S_file_seek(mach_port_t file, uint64_t offset, boolean_t data, uint64_t *found)
{
	struct fk_node *node;
	int error = enter(file, &node);

	if (error)
		return leave(error);
	fk_pin(node);
	/* The kernel keeps what is precious until it has to give it back. */
	error = clean_node(node, fk_volume->precious);
	if (!error)
		error = BACKEND->seek(fk_volume, node->inode, offset, (int)data, found);
	fk_unpin(node);
	return leave(error);
}

kern_return_t S_file_make(mach_port_t directory, const char *name, uint64_t mode, uint64_t uid, uint64_t gid,
	uint64_t device, mach_port_t *file, file_attributes_t *attributes)
{
	struct file_attributes values = {.mode = mode, .uid = uid, .gid = gid, .device = device};
	struct fk_node *node;
	uint64_t inode;
	int error = enter(directory, &node);

	if (!error)
		error = BACKEND->create(fk_volume, node->inode, name, &values, &inode);
	return leave(error ? error : answer(inode, file, attributes));
}

kern_return_t S_file_symlink(mach_port_t directory, const char *name, const char *target, uint64_t uid, uint64_t gid,
	mach_port_t *file, file_attributes_t *attributes)
{
	struct fk_node *node;
	uint64_t inode;
	int error = enter(directory, &node);

	if (!error)
		error = BACKEND->symlink(fk_volume, node->inode, name, target, uid, gid, &inode);
	return leave(error ? error : answer(inode, file, attributes));
}

kern_return_t S_file_read_link(mach_port_t file, char *target)
{
	struct fk_node *node;
	int error = enter(file, &node);

	return leave(error ? error : BACKEND->read_link(fk_volume, node->inode, target, sizeof(file_path_t)));
}

/* The right to our own port that came as an argument: consumed by a request that succeeds. */
static kern_return_t leave_with(int error, mach_port_t argument)
{
	fk_unlock();
	if (!error)
		mach_port_deallocate(mach_task_self(), argument);
	return result_of(error);
}

kern_return_t S_file_link(mach_port_t file, mach_port_t directory, const char *name)
{
	struct fk_node *node, *parent;
	int error = enter(file, &node);

	parent = fk_find(directory);
	if (!error && !parent)
		error = EXDEV;
	if (!error)
		error = BACKEND->link(fk_volume, node->inode, parent->inode, name);
	return leave_with(error, directory);
}

kern_return_t S_file_unlink(mach_port_t directory, const char *name, boolean_t is_directory)
{
	struct fk_node *node;
	uint64_t victim = 0;
	int error = enter(directory, &node);

	if (!error)
		error = BACKEND->unlink(fk_volume, node->inode, name, is_directory, &victim);
	fk_lost_link(victim);
	return leave(error);
}

kern_return_t S_file_rename(
	mach_port_t directory, const char *name, mach_port_t to_directory, const char *to_name, unsigned flags)
{
	struct fk_node *node, *parent;
	uint64_t victim = 0;
	int error = enter(directory, &node);

	parent = fk_find(to_directory);
	if (!error && !parent)
		error = EXDEV;
	if (!error)
		error = BACKEND->rename(fk_volume, node->inode, name, parent->inode, to_name, flags, &victim);
	fk_lost_link(victim);
	return leave_with(error, to_directory);
}

kern_return_t S_file_read_directory(
	mach_port_t directory, uint64_t cookie, char *entries, mach_msg_type_number_t *entries_count)
{
	struct fk_node *node;
	size_t used = 0;
	int error = enter(directory, &node);

	if (!error)
		error = BACKEND->read_directory(fk_volume, node->inode, cookie, entries, FILE_ENTRIES_SIZE, &used);
	*entries_count = (mach_msg_type_number_t)used;
	return leave(error);
}

kern_return_t S_file_memory_object(mach_port_t file, mach_port_t *object)
{
	struct file_attributes attributes;
	struct fk_node *node;
	int error = enter(file, &node);

	if (!error)
		error = BACKEND->get_attributes(fk_volume, node->inode, &attributes);
	if (!error && !S_ISREG(attributes.mode))
		error = ENODEV;
	return leave(error ? error : fk_hand_out_contents(node, object));
}

kern_return_t S_file_sync(mach_port_t file, boolean_t data_only)
{
	struct fk_node *node;
	int error = enter(file, &node), of_pages, of_volume;

	if (error)
		return leave(error);
	fk_pin(node);
	error = clean_node(node, false);
	of_volume = said(BACKEND->sync_file ? BACKEND->sync_file(fk_volume, node->inode, (int)data_only)
					    : BACKEND->sync(fk_volume));
	of_pages = take_error(&node->contents.write_error);
	fk_unpin(node);
	return leave(error ? error : of_pages ? of_pages : of_volume);
}

/* --- Extended attributes. */

kern_return_t S_file_get_extended(mach_port_t file, const char *name, char *value, mach_msg_type_number_t *value_count)
{
	struct fk_node *node;
	size_t size = FILE_ENTRIES_SIZE;
	int error = enter(file, &node);

	if (!error)
		error = BACKEND->get_extended(fk_volume, node->inode, name, value, &size);
	*value_count = error ? 0 : (mach_msg_type_number_t)size;
	return leave(error);
}

kern_return_t S_file_set_extended(
	mach_port_t file, const char *name, const char *value, mach_msg_type_number_t value_count, unsigned flags)
{
	struct fk_node *node;
	int error = enter(file, &node);

	return leave(error ? error : BACKEND->set_extended(fk_volume, node->inode, name, value, value_count, flags));
}

kern_return_t S_file_remove_extended(mach_port_t file, const char *name)
{
	struct fk_node *node;
	int error = enter(file, &node);

	return leave(error ? error : BACKEND->set_extended(fk_volume, node->inode, name, NULL, 0, 0));
}

kern_return_t S_file_list_extended(mach_port_t file, char *names, mach_msg_type_number_t *names_count)
{
	struct fk_node *node;
	size_t size = FILE_ENTRIES_SIZE;
	int error = enter(file, &node);

	if (!error)
		error = BACKEND->list_extended(fk_volume, node->inode, names, &size);
	*names_count = error ? 0 : (mach_msg_type_number_t)size;
	return leave(error);
}
