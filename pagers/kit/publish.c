/* A pager's object as a file: a file system of one folder (file.defs), so that whoever opens files can have it. */
#include "pagers/kit/program.h"

#include <errno.h>
#include <mach/keep.h>
#include <servers/bootstrap_user.h>
#include <servers/file_server.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>

/*
 * Two threads: the calls', which may wait for the kernel's pages, and the object's, which the kernel waits for. The
 * payloads of the ports mean the same to every instance (doc/surviving.md).
 */
enum { ROOT = 1, FILE_NUMBER = 2 };
#define PAYLOAD_FILE     (1ull << 62)
#define PAYLOAD_CONTENTS (1ull << 63)
#define PAGER_MAGIC      0x70616765 /* the type of the file system: "page" */

static struct pk_object object;
static const char *object_name;
static mach_port_t service_port, call_set, object_set;
/* By inode number; 0: none. */
static mach_port_t ports[FILE_NUMBER + 1];
static file_attributes_t attributes_of[FILE_NUMBER + 1];

static kern_return_t result_of(int error)
{
	return error ? FILE_ERROR(error) : KERN_SUCCESS;
}

/* The file whose port the request came in by; 0: it is none's. */
static unsigned request_file(void)
{
	uint64_t payload = mach_request_payload();

	return payload == (PAYLOAD_FILE | ROOT) ? ROOT : payload == (PAYLOAD_FILE | FILE_NUMBER) ? FILE_NUMBER : 0;
}

static int64_t now(void)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	return (int64_t)time.tv_sec * 1000000000 + time.tv_nsec;
}

static int get_attributes(unsigned file, file_attributes_t *attributes)
{
	int error = 0;

	*attributes = attributes_of[file];
	if (file == FILE_NUMBER)
		error = pk_size(&object, &attributes->size);
	attributes->blocks = PK_ROUND_PAGE(attributes->size) / 512;
	return error;
}

static int hand_out(unsigned file, mach_port_t *right, file_attributes_t *attributes)
{
	int error = get_attributes(file, attributes);

	if (error)
		return error;
	*right = ports[file];
	return mach_port_insert_right(mach_task_self(), *right, *right, MACH_MSG_TYPE_MAKE_SEND) == KERN_SUCCESS
		       ? 0
		       : ENOMEM;
}

/* --- The file system. */

kern_return_t S_file_system_root(mach_port_t fs, mach_port_t *root, file_attributes_t *attributes)
{
	(void)fs;
	return mach_request_payload() == service_port ? result_of(hand_out(ROOT, root, attributes))
						      : FILE_ERROR(ESTALE);
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

kern_return_t S_file_look_up(mach_port_t directory, const char *name, mach_port_t *file, file_attributes_t *attributes)
{
	unsigned found = request_file();

	(void)directory;
	if (found != ROOT)
		return FILE_ERROR(found ? ENOTDIR : ESTALE);
	if (strcmp(name, object_name) == 0)
		found = FILE_NUMBER;
	else if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
		return FILE_ERROR(ENOENT);
	return result_of(hand_out(found, file, attributes));
}

kern_return_t S_file_get_attributes(mach_port_t file, file_attributes_t *attributes)
{
	unsigned number = request_file();

	(void)file;
	return result_of(number ? get_attributes(number, attributes) : ESTALE);
}

kern_return_t S_file_set_attributes(
	mach_port_t file, unsigned which, file_attributes_t values, file_attributes_t *attributes)
{
	unsigned number = request_file();
	file_attributes_t *own = &attributes_of[number];
	int error = number ? 0 : ESTALE;

	(void)file;
	if (!error && which & FILE_SET_SIZE)
		error = number == FILE_NUMBER ? pk_resize(&object, values.size) : EISDIR;
	if (error)
		return result_of(error);
	if (which & FILE_SET_MODE)
		own->mode = (own->mode & S_IFMT) | (values.mode & ~(uint64_t)S_IFMT);
	if (which & FILE_SET_UID)
		own->uid = values.uid;
	if (which & FILE_SET_GID)
		own->gid = values.gid;
	if (which & FILE_SET_ACCESS_TIME)
		own->access_time = values.access_time;
	if (which & FILE_SET_MODIFY_TIME)
		own->modify_time = values.modify_time;
	own->change_time = now();
	return result_of(get_attributes(number, attributes));
}

/* A pager has room for what is inside its object, or says otherwise when it is written. */
kern_return_t S_file_allocate(mach_port_t file, uint64_t offset, uint64_t length, uint64_t size)
{
	unsigned number = request_file();
	uint64_t old_size;
	int error = number == FILE_NUMBER ? pk_size(&object, &old_size) : number ? EISDIR : ESTALE;

	(void)file;
	(void)offset;
	(void)length;
	if (!error && size > old_size)
		error = pk_resize(&object, size);
	return result_of(error);
}

/* An entry of the folder at the place, in the buffer; the next place. */
static void add_entry(char *buffer, mach_msg_type_number_t *used, uint64_t cookie, unsigned inode, const char *name)
{
	struct file_entry *entry = (struct file_entry *)(void *)(buffer + *used);
	size_t length = (offsetof(struct file_entry, name) + strlen(name) + 1 + 7) & ~(size_t)7;

	memset(entry, 0, length);
	entry->inode = inode;
	entry->cookie = cookie;
	entry->length = (uint16_t)length;
	entry->type = (uint8_t)(attributes_of[inode].mode >> 12 & 15); /* the DT_* numbers are S_IFMT's */
	strcpy(entry->name, name);
	*used += (mach_msg_type_number_t)length;
}

kern_return_t S_file_read_directory(
	mach_port_t directory, uint64_t cookie, char *entries, mach_msg_type_number_t *entries_count)
{
	unsigned number = request_file();

	(void)directory;
	*entries_count = 0;
	if (number != ROOT)
		return FILE_ERROR(number ? ENOTDIR : ESTALE);
	if (cookie < 1)
		add_entry(entries, entries_count, 1, ROOT, ".");
	if (cookie < 2)
		add_entry(entries, entries_count, 2, ROOT, "..");
	if (cookie < 3)
		add_entry(entries, entries_count, 3, FILE_NUMBER, object_name);
	return KERN_SUCCESS;
}

kern_return_t S_file_memory_object(mach_port_t file, mach_port_t *right)
{
	unsigned number = request_file();

	(void)file;
	if (number != FILE_NUMBER)
		return FILE_ERROR(number ? ENODEV : ESTALE);
	return pager_object_send_right(&object.pager, right) == KERN_SUCCESS ? KERN_SUCCESS : FILE_ERROR(ENOMEM);
}

kern_return_t S_file_sync(mach_port_t file, boolean_t data_only)
{
	(void)file;
	(void)data_only;
	return result_of(pk_flush(&object));
}

/* --- What a pager's folder does not let anybody do. */

kern_return_t S_file_make(mach_port_t directory, const char *name, uint64_t mode, uint64_t uid, uint64_t gid,
	uint64_t device, mach_port_t *file, file_attributes_t *attributes)
{
	(void)directory, (void)name, (void)mode, (void)uid, (void)gid, (void)device, (void)file, (void)attributes;
	return FILE_ERROR(EPERM);
}

kern_return_t S_file_symlink(mach_port_t directory, const char *name, const char *target, uint64_t uid, uint64_t gid,
	mach_port_t *file, file_attributes_t *attributes)
{
	(void)directory, (void)name, (void)target, (void)uid, (void)gid, (void)file, (void)attributes;
	return FILE_ERROR(EPERM);
}

kern_return_t S_file_read_link(mach_port_t file, char *target)
{
	(void)file, (void)target;
	return FILE_ERROR(EINVAL);
}

kern_return_t S_file_link(mach_port_t file, mach_port_t directory, const char *name)
{
	(void)file, (void)directory, (void)name;
	return FILE_ERROR(EPERM);
}

kern_return_t S_file_unlink(mach_port_t directory, const char *name, boolean_t is_directory)
{
	(void)directory, (void)name, (void)is_directory;
	return FILE_ERROR(EPERM);
}

kern_return_t S_file_rename(
	mach_port_t directory, const char *name, mach_port_t to_directory, const char *to_name, unsigned flags)
{
	(void)directory, (void)name, (void)to_directory, (void)to_name, (void)flags;
	return FILE_ERROR(EPERM);
}

/* --- Start. */

/* A port for a file: a new one, or one of the instance before. */
static kern_return_t use_port(unsigned file, mach_port_t port)
{
	kern_return_t result = KERN_SUCCESS;

	if (port == MACH_PORT_NULL)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);
	if (result == KERN_SUCCESS)
		result = mach_port_set_protected_payload(mach_task_self(), port, PAYLOAD_FILE | file);
	if (result == KERN_SUCCESS)
		result = mach_port_move_member(mach_task_self(), port, call_set);
	if (result == KERN_SUCCESS) {
		ports[file] = port;
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
		result = pk_object_take(
			&object, ops, self, size, 0, object_set, true, port, PAYLOAD_CONTENTS | FILE_NUMBER);
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
		if (payload == (PAYLOAD_FILE | ROOT) || payload == (PAYLOAD_FILE | FILE_NUMBER))
			result = use_port((unsigned)(payload & ~PAYLOAD_FILE), port);
		else if (payload == (PAYLOAD_CONTENTS | FILE_NUMBER))
			result = use_object(ops, self, size, port);
		else
			mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
	}
	for (unsigned file = ROOT; file <= FILE_NUMBER && result == KERN_SUCCESS; file++)
		if (!ports[file])
			result = use_port(file, MACH_PORT_NULL);
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

kern_return_t pk_publish(const char *service, const char *name, const struct pk_ops *ops, void *self, uint64_t size)
{
	static const struct mig_subsystem *const calls[] = {&file_subsystem, NULL};
	int64_t time = now();
	kern_return_t result;

	object_name = name;
	for (unsigned file = ROOT; file <= FILE_NUMBER; file++)
		attributes_of[file] = (file_attributes_t){.inode = file,
			.mode = file == ROOT ? S_IFDIR | 0555 : S_IFREG | (ops->write || ops->take ? 0600 : 0400),
			.links = file == ROOT ? 2 : 1,
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
