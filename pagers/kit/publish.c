/* A pager's object as a file: a file system whose root is that file (file.defs), so that whoever opens files can have
 * it. */
#include "pagers/kit/program.h"

#include <errno.h>
#include <mach/keep.h>
#include <servers/bootstrap_user.h>
#include <servers/file_server.h>
#include <servers/pager_server.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * Two threads: the calls', which may wait for the kernel's pages, and the object's, which the kernel waits for. The
 * payloads of the ports mean the same to every instance (doc/surviving.md).
 */
#define FILE_NUMBER      1
#define PAYLOAD_FILE     (1ull << 62 | FILE_NUMBER)
#define PAYLOAD_CONTENTS (1ull << 63 | FILE_NUMBER)
#define PAGER_MAGIC      0x70616765 /* the type of the file system: "page" */

static struct pk_object object;
static mach_port_t service_port, file_port, call_set, object_set;
static file_attributes_t own;

static kern_return_t result_of(int error)
{
	return error ? FILE_ERROR(error) : KERN_SUCCESS;
}

/* What came by the port of an instance that had another idea of it, or by the object's, is none of the file's. */
static bool is_of_file(void)
{
	return mach_request_payload() == PAYLOAD_FILE;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int get_attributes(file_attributes_t *attributes)
{
	int error;

	*attributes = own;
	error = pk_size(&object, &attributes->size);
	attributes->blocks = PK_ROUND_PAGE(attributes->size) / 512;
	return error;
}

/* --- The file system. */

kern_return_t S_file_system_root(mach_port_t fs, mach_port_t *root, file_attributes_t *attributes)
{
	int error = mach_request_payload() == service_port ? get_attributes(attributes) : ESTALE;

	(void)fs;
	*root = file_port;
	if (!error && mach_port_insert_right(mach_task_self(), *root, *root, MACH_MSG_TYPE_MAKE_SEND) != KERN_SUCCESS)
		error = ENOMEM;
	return result_of(error);
}

kern_return_t S_file_system_info(mach_port_t fs, file_system_info_t *info)
{
	(void)fs;
	*info = (file_system_info_t){
		.type = PAGER_MAGIC, .block_size = PK_PAGE, .files = 1, .name_length = FILE_NAME_LENGTH};
	return KERN_SUCCESS;
}

kern_return_t S_file_system_sync(mach_port_t fs)
{
	(void)fs;
	return result_of(pk_flush(&object));
}

kern_return_t S_file_system_stop(mach_port_t fs)
{
	return S_file_system_sync(fs);
}

/* --- Files. */

kern_return_t S_pager_counters(mach_port_t service, pager_counters_t *counters)
{
	(void)service;
	*counters = object.counters;
	if (object.ops->counters)
		object.ops->counters(object.self, counters);
	return result_of(mach_request_payload() == service_port ? pk_size(&object, &counters->size) : ESTALE);
}

kern_return_t S_file_get_attributes(mach_port_t file, file_attributes_t *attributes)
{
	(void)file;
	return result_of(is_of_file() ? get_attributes(attributes) : ESTALE);
}

kern_return_t S_file_set_attributes(
	mach_port_t file, unsigned which, file_attributes_t values, file_attributes_t *attributes)
{
	int error = is_of_file() ? 0 : ESTALE;

	(void)file;
	if (!error && which & FILE_SET_SIZE)
		error = pk_resize(&object, values.size);
	if (error)
		return result_of(error);
	if (which & FILE_SET_MODE)
		own.mode = (own.mode & S_IFMT) | (values.mode & ~(uint64_t)S_IFMT);
	if (which & FILE_SET_UID)
		own.uid = values.uid;
	if (which & FILE_SET_GID)
		own.gid = values.gid;
	if (which & FILE_SET_ACCESS_TIME)
		own.access_time = values.access_time;
	if (which & FILE_SET_MODIFY_TIME)
		own.modify_time = values.modify_time;
	own.change_time = now();
	return result_of(get_attributes(attributes));
}

/* A pager has room for what is inside its object, or says otherwise when it is written. */
kern_return_t S_file_allocate(mach_port_t file, uint64_t offset, uint64_t length, uint64_t size)
{
	uint64_t old_size;
	int error = is_of_file() ? pk_size(&object, &old_size) : ESTALE;

	(void)file;
	(void)offset;
	(void)length;
	if (!error && size > old_size)
		error = pk_resize(&object, size);
	return result_of(error);
}

/* All of it has contents. */
kern_return_t S_file_punch(mach_port_t file, uint64_t offset, uint64_t length)
{
	(void)file, (void)offset, (void)length;
	return FILE_ERROR(EOPNOTSUPP);
}

kern_return_t S_file_seek(mach_port_t file, uint64_t offset, boolean_t data, uint64_t *found)
{
	uint64_t size;
	int error = is_of_file() ? pk_size(&object, &size) : ESTALE;

	(void)file;
	if (error || offset >= size)
		return FILE_ERROR(error ? error : ENXIO);
	*found = data ? offset : size;
	return KERN_SUCCESS;
}

kern_return_t S_file_get_extended(mach_port_t file, const char *name, char *value, mach_msg_type_number_t *value_count)
{
	(void)file, (void)name, (void)value;
	*value_count = 0;
	return FILE_ERROR(EOPNOTSUPP);
}

kern_return_t S_file_set_extended(
	mach_port_t file, const char *name, const char *value, mach_msg_type_number_t value_count, unsigned flags)
{
	(void)file, (void)name, (void)value, (void)value_count, (void)flags;
	return FILE_ERROR(EOPNOTSUPP);
}

kern_return_t S_file_remove_extended(mach_port_t file, const char *name)
{
	(void)file, (void)name;
	return FILE_ERROR(EOPNOTSUPP);
}

kern_return_t S_file_list_extended(mach_port_t file, char *names, mach_msg_type_number_t *names_count)
{
	(void)file, (void)names;
	*names_count = 0;
	return KERN_SUCCESS;
}

kern_return_t S_file_memory_object(mach_port_t file, mach_port_t *right)
{
	(void)file;
	if (!is_of_file())
		return FILE_ERROR(ESTALE);
	return pager_object_send_right(&object.pager, right) == KERN_SUCCESS ? KERN_SUCCESS : FILE_ERROR(ENOMEM);
}

kern_return_t S_file_sync(mach_port_t file, boolean_t data_only)
{
	(void)file;
	(void)data_only;
	return result_of(pk_flush(&object));
}

/* --- What needs a folder, and is of none. */

kern_return_t S_file_look_up(mach_port_t directory, const char *name, mach_port_t *file, file_attributes_t *attributes)
{
	(void)directory, (void)name, (void)file, (void)attributes;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_read_directory(
	mach_port_t directory, uint64_t cookie, char *entries, mach_msg_type_number_t *entries_count)
{
	(void)directory, (void)cookie, (void)entries;
	*entries_count = 0;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_make(mach_port_t directory, const char *name, uint64_t mode, uint64_t uid, uint64_t gid,
	uint64_t device, mach_port_t *file, file_attributes_t *attributes)
{
	(void)directory, (void)name, (void)mode, (void)uid, (void)gid, (void)device, (void)file, (void)attributes;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_symlink(mach_port_t directory, const char *name, const char *target, uint64_t uid, uint64_t gid,
	mach_port_t *file, file_attributes_t *attributes)
{
	(void)directory, (void)name, (void)target, (void)uid, (void)gid, (void)file, (void)attributes;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_read_link(mach_port_t file, char *target)
{
	(void)file, (void)target;
	return FILE_ERROR(EINVAL);
}

kern_return_t S_file_link(mach_port_t file, mach_port_t directory, const char *name)
{
	(void)file, (void)directory, (void)name;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_unlink(mach_port_t directory, const char *name, boolean_t is_directory)
{
	(void)directory, (void)name, (void)is_directory;
	return FILE_ERROR(ENOTDIR);
}

kern_return_t S_file_rename(
	mach_port_t directory, const char *name, mach_port_t to_directory, const char *to_name, unsigned flags)
{
	(void)directory, (void)name, (void)to_directory, (void)to_name, (void)flags;
	return FILE_ERROR(ENOTDIR);
}

/* --- Start. */

/* A port for the file: a new one, or that of the instance before. */
static kern_return_t use_port(mach_port_t port)
{
	kern_return_t result = KERN_SUCCESS;

	if (port == MACH_PORT_NULL)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (result == KERN_SUCCESS)
		result = mach_port_set_protected_payload(mach_task_self(), port, PAYLOAD_FILE);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), port, call_set);
	if (result == KERN_SUCCESS) {
		file_port = port;
		mach_keep_port(port);
	}
	return result;
}

static kern_return_t use_object(const struct pk_ops *ops, void *self, uint64_t size, mach_port_t port)
{
	bool old = port != MACH_PORT_NULL;
	kern_return_t result = KERN_SUCCESS;

	if (!old)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (result == KERN_SUCCESS)
		result = pk_object_take(&object, ops, self, size, 0, object_set, true, port, PAYLOAD_CONTENTS);
	if (result == KERN_SUCCESS) {
		pager_object_keep(&object.pager);
		if (old)
			result = pager_object_go_on(&object.pager);
	}
	return result;
}

/* Ports of the instance before, whose clients go on with this one; new ones for what it had not. */
static kern_return_t make_ports(const struct pk_ops *ops, void *self, uint64_t size)
{
	kern_return_t result = KERN_SUCCESS;
	uint64_t payload;
	mach_port_t port;

	while (result == KERN_SUCCESS && mach_kept_port(&port, &payload) == KERN_SUCCESS) {
		if (payload == PAYLOAD_FILE)
			result = use_port(port);
		else if (payload == PAYLOAD_CONTENTS)
			result = use_object(ops, self, size, port);
		else
			mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
	}
	if (result == KERN_SUCCESS && file_port == MACH_PORT_NULL)
		result = use_port(MACH_PORT_NULL);
	return result == KERN_SUCCESS && !object.ops ? use_object(ops, self, size, MACH_PORT_NULL) : result;
}

static kern_return_t check_in(const char *service)
{
	service_name_t name = {0};
	mach_port_t bootstrap;
	kern_return_t result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);

	strncpy(name, service, sizeof(name) - 1);
	if (result == KERN_SUCCESS) {
		result = bootstrap_check_in(bootstrap, name, &service_port);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return result == KERN_SUCCESS ? mach_port_move_member(mach_task_self(), service_port, call_set) : result;
}

kern_return_t pk_publish(const char *service, const struct pk_ops *ops, void *self, uint64_t size)
{
	static const struct mig_subsystem *const calls[] = {&file_subsystem, &pager_subsystem, NULL};
	int64_t time = now();
	kern_return_t result;

	own = (file_attributes_t){.inode = FILE_NUMBER,
		.mode = S_IFREG | (ops->write || ops->take ? 0600 : 0400),
		.links = 1,
		.block_size = PK_PAGE,
		.access_time = time,
		.modify_time = time,
		.change_time = time};
	result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &call_set);
	if (result == KERN_SUCCESS)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &object_set);
	if (result == KERN_SUCCESS)
		result = make_ports(ops, self, size);
	if (result == KERN_SUCCESS)
		result = pk_serve(object_set);
	if (result == KERN_SUCCESS)
		result = check_in(service);
	return result == KERN_SUCCESS ? mach_server_run(call_set, calls) : result;
}
