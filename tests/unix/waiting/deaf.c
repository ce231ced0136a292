/*
 * deaf SERVICE SECONDS: a file server that lets itself be mounted, and keeps all requests after that without an answer.
 * SECONDS after the first of them it answers all that it has, and from then on it answers at once: nothing exists.
 */
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/file_server.h>

#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { KEPT_MAX = 512, KEPT_SIZE = 1024, BUFFER = 32768, QUEUE = 1024 };

union message {
	mach_msg_header_t header;
	char bytes[KEPT_SIZE];
};

static union message kept[KEPT_MAX];
static unsigned kept_count;
static mach_port_t set, service, root;

static union {
	mach_msg_header_t header;
	char bytes[BUFFER];
} in, out;

kern_return_t S_file_system_root(mach_port_t fs, mach_port_t *port, file_attributes_t *attributes)
{
	(void)fs;
	memset(attributes, 0, sizeof *attributes);
	attributes->inode = 2;
	attributes->mode = S_IFDIR | 01777;
	attributes->links = 2;
	*port = root;
	return mach_port_insert_right(mach_task_self(), root, root, MACH_MSG_TYPE_MAKE_SEND);
}

kern_return_t S_file_system_info(mach_port_t fs, file_system_info_t *info)
{
	(void)fs;
	memset(info, 0, sizeof *info);
	info->block_size = VM_PAGE_SIZE;
	info->name_length = FILE_NAME_LENGTH;
	return KERN_SUCCESS;
}

/* What nobody gets to see: the test asks for none of it, or for what does not exist. */
#define NOTHING(name, ...)                                                                                             \
	kern_return_t S_file_##name(mach_port_t file, ##__VA_ARGS__)                                                   \
	{                                                                                                              \
		(void)file;                                                                                            \
		return FILE_ERROR(ENOENT);                                                                             \
	}
#pragma GCC diagnostic ignored "-Wunused-parameter"
NOTHING(system_sync)
NOTHING(punch, uint64_t offset, uint64_t length)
NOTHING(seek, uint64_t offset, boolean_t data, uint64_t *found)
NOTHING(get_extended, const char *name, char *value, mach_msg_type_number_t *size)
NOTHING(set_extended, const char *name, const char *value, mach_msg_type_number_t size, unsigned flags)
NOTHING(remove_extended, const char *name)
NOTHING(list_extended, char *names, mach_msg_type_number_t *size)
NOTHING(system_stop)
NOTHING(look_up, const char *name, mach_port_t *found, file_attributes_t *attributes)
NOTHING(get_attributes, file_attributes_t *attributes)
NOTHING(set_attributes, unsigned which, file_attributes_t values, file_attributes_t *attributes)
NOTHING(allocate, uint64_t offset, uint64_t length, uint64_t size)
NOTHING(make, const char *name, uint64_t mode, uint64_t uid, uint64_t gid, uint64_t device, mach_port_t *made,
	file_attributes_t *attributes)
NOTHING(symlink, const char *name, const char *target, uint64_t uid, uint64_t gid, mach_port_t *made,
	file_attributes_t *attributes)
NOTHING(read_link, char *target)
NOTHING(link, mach_port_t directory, const char *name)
NOTHING(unlink, const char *name, boolean_t is_directory)
NOTHING(rename, const char *name, mach_port_t to, const char *to_name, unsigned flags)
NOTHING(read_directory, uint64_t cookie, char *entries, mach_msg_type_number_t *count)
NOTHING(memory_object, mach_port_t *object)
NOTHING(sync, boolean_t data_only)

static void answer(mach_msg_header_t *request)
{
	mig_server_dispatch(&file_subsystem, request, &out.header);
	mach_msg(&out.header, MACH_SEND_MSG, out.header.msgh_size, 0, MACH_PORT_NULL, 0, MACH_PORT_NULL);
}

static mach_port_t listen(mach_port_t port)
{
	if (port == MACH_PORT_NULL &&
		mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port) != KERN_SUCCESS)
		exit(1);
	if (mach_port_move_member(mach_task_self(), port, set) != KERN_SUCCESS)
		exit(1);
	return port;
}

int main(int argc, char **argv)
{
	uint64_t silent_until = 0, silence = argc > 2 ? strtoull(argv[2], NULL, 10) * 1000000000ull : 0;
	mach_port_t bootstrap;
	service_name_t name = {0};

	strncpy(name, argc > 1 ? argv[1] : "", sizeof name - 1);
	if (mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &set) != KERN_SUCCESS ||
		task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS ||
		bootstrap_check_in(bootstrap, name, &service) != KERN_SUCCESS)
		return 1;
	listen(service);
	root = listen(MACH_PORT_NULL);
	for (;;) {
		mach_msg_return_t result =
			mach_msg(&in.header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof in, set, 100, MACH_PORT_NULL);

		if (silent_until != 0 && mach_clock_monotonic() >= silent_until) {
			while (kept_count > 0)
				answer(&kept[--kept_count].header);
		}
		if (result != MACH_MSG_SUCCESS)
			continue;
		if (in.header.msgh_local_port == service ||
			(silent_until != 0 && mach_clock_monotonic() >= silent_until)) {
			answer(&in.header);
		} else if (kept_count < KEPT_MAX && in.header.msgh_size + sizeof(mach_msg_trailer_t) <= KEPT_SIZE) {
			if (silent_until == 0)
				silent_until = mach_clock_monotonic() + silence;
			memcpy(&kept[kept_count++], &in, in.header.msgh_size + sizeof(mach_msg_trailer_t));
		}
	}
}
