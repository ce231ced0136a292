/*
 * Objects below: those of another server, mapped as a whole. The copying traps read and write the mapping, so that an
 * error of the server below is a result here and not an exception; its death, too, and its silence after the kernel's
 * deadline.
 */
#include "pagers/kit/kit.h"

#include <errno.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>
#include <stdlib.h>
#include <string.h>

struct pk_lower {
	vm_address_t mapped;
	mach_port_t object;
	mach_port_t server; /* the device or the file, by which it is flushed */
	bool is_device;
	uint64_t size;
};

/* FILE_ERROR says which; else it is the other's, or its silence. */
static int errno_of(kern_return_t result)
{
	return result == KERN_NO_ACCESS ? EACCES : FILE_ERRNO(result);
}

static int look_up(const char *name, size_t length, mach_port_t *service)
{
	service_name_t text = {0};
	mach_port_t bootstrap;
	kern_return_t result;

	if (length == 0 || length >= sizeof(text))
		return EINVAL;
	memcpy(text, name, length);
	result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	if (result == KERN_SUCCESS) {
		result = bootstrap_look_up(bootstrap, text, service);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return errno_of(result);
}

static int open_device(mach_port_t service, const char *name, struct pk_lower *lower)
{
	device_name_t text = {0};
	uint64_t block_size;
	kern_return_t result;

	if (strlen(name) >= sizeof(text))
		return EINVAL;
	strcpy(text, name);
	result = block_open(service, text, &lower->server);
	if (result != KERN_SUCCESS)
		return result == KERN_INVALID_NAME ? ENOENT : errno_of(result);
	lower->is_device = true;
	result = block_info(lower->server, &lower->size, &block_size);
	if (result == KERN_SUCCESS)
		result = block_memory_object(lower->server, &lower->object);
	return errno_of(result);
}

/* Of the path one component after the other; symbolic links are not followed. */
static int open_file(mach_port_t service, const char *path, struct pk_lower *lower)
{
	file_attributes_t attributes = {0};
	mach_port_t file, next;
	kern_return_t result = file_system_root(service, &file, &attributes);

	if (result != KERN_SUCCESS)
		return errno_of(result);
	while (*path && result == KERN_SUCCESS) {
		size_t length = strcspn(path, "/");
		file_name_t name = {0};

		if (length > FILE_NAME_LENGTH) {
			result = FILE_ERROR(ENAMETOOLONG);
		} else if (length != 0) {
			memcpy(name, path, length);
			result = file_look_up(file, name, &next, &attributes);
		}
		if (length != 0 && result == KERN_SUCCESS) {
			mach_port_deallocate(mach_task_self(), file);
			file = next;
		}
		path += length + (path[length] == '/');
	}
	lower->server = file;
	lower->size = attributes.size;
	if (result == KERN_SUCCESS)
		result = file_memory_object(file, &lower->object);
	return errno_of(result);
}

int pk_lower_open(const char *name, struct pk_lower **lower)
{
	size_t length = strcspn(name, ":/");
	struct pk_lower *made = calloc(1, sizeof(*made));
	mach_port_t service;
	int error = made ? look_up(name, length, &service) : ENOMEM;

	if (!error) {
		error = name[length] == ':' ? open_device(service, name + length + 1, made)
					    : open_file(service, name + length, made);
		mach_port_deallocate(mach_task_self(), service);
	}
	if (!error && made->size > INT64_MAX)
		error = EFBIG;
	if (!error && made->size)
		error = errno_of(vm_map(mach_task_self(), &made->mapped, PK_ROUND_PAGE(made->size), 0, TRUE,
			made->object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT, VM_INHERIT_NONE));
	if (!error) {
		*lower = made;
		return 0;
	}
	if (made && made->object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), made->object);
	if (made && made->server != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), made->server);
	free(made);
	return error;
}

uint64_t pk_lower_size(const struct pk_lower *lower)
{
	return lower->size;
}

mach_port_t pk_lower_object(const struct pk_lower *lower)
{
	return lower->object;
}

int pk_lower_read(struct pk_lower *lower, uint64_t offset, void *data, size_t length)
{
	size_t inside = offset >= lower->size ? 0 : length < lower->size - offset ? length : lower->size - offset;

	memset((char *)data + inside, 0, length - inside);
	return inside ? errno_of(
				task_copy_from(mach_task_self(), lower->mapped + offset, inside, data, 0, NULL))
		      : 0;
}

int pk_lower_write(struct pk_lower *lower, uint64_t offset, const void *data, size_t length)
{
	if (offset > lower->size || length > lower->size - offset)
		return EFBIG;
	return length ? errno_of(task_copy_to(mach_task_self(), lower->mapped + offset, length, data, 0, NULL)) : 0;
}

/* A file's sync has what the kernel keeps of it written as well. */
int pk_lower_flush(struct pk_lower *lower)
{
	int error;

	if (!lower->is_device)
		return errno_of(file_sync(lower->server, FALSE));
	error = errno_of(portolan_vm_msync(mach_task_self(), lower->mapped, PK_ROUND_PAGE(lower->size), FALSE));
	return error ? error : errno_of(block_flush(lower->server));
}
