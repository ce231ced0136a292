/* Start of a file server: port sets, threads, its name. */
#include "pagers/filekit/filekit.h"

#include <mach/keep.h>
#include <servers/bootstrap_user.h>
#include <servers/file_server.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_THREADS = 2 };

static const struct mig_subsystem *const file_subsystems[] = {&file_subsystem, &notify_subsystem, NULL};

static kern_return_t check_in(const char *service, mach_port_t set)
{
	service_name_t name = {0};
	mach_port_t bootstrap;
	kern_return_t result = task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);

	strncpy(name, service, sizeof(name) - 1);
	if (result == KERN_SUCCESS) {
		result = bootstrap_check_in(bootstrap, name, &fk_service_port);
		mach_port_deallocate(mach_task_self(), bootstrap);
	}
	return result == KERN_SUCCESS ? mach_port_move_member(mach_task_self(), fk_service_port, set) : result;
}

/* The ports of the instance before: whoever has rights to them goes on with this one. */
static kern_return_t take_over(void)
{
	struct kept {
		mach_port_t port;
		uint64_t payload;
	} *kept = NULL;
	size_t count = 0, room = 0;
	mach_port_t port;
	uint64_t payload;

	while (mach_kept_port(&port, &payload) == KERN_SUCCESS) {
		if (count == room) {
			void *more = realloc(kept, (room += 256) * sizeof(*kept));

			if (!more)
				return KERN_RESOURCE_SHORTAGE;
			kept = more;
		}
		kept[count++] = (struct kept){port, payload};
	}
	fk_lock();
	for (size_t i = 0; i < count; i++)
		if (kept[i].payload & FK_FILE)
			fk_take_over_file(kept[i].payload & ~FK_FILE, kept[i].port);
	for (size_t i = 0; i < count; i++)
		if (kept[i].payload & FK_CONTENTS)
			fk_take_over_contents(kept[i].payload & ~FK_CONTENTS, kept[i].port);
	fk_unlock();
	free(kept);
	return KERN_SUCCESS;
}

kern_return_t fk_serve(struct fk_volume *volume, const char *service)
{
	mach_port_t files, contents;
	kern_return_t result;

	/* What the heap needs no more goes back to the kernel; else a hundred KiB of it stay, twice. */
	mallopt(M_ARENA_MAX, 1);
	mallopt(M_TOP_PAD, 4 * FK_PAGE_SIZE);
	mallopt(M_TRIM_THRESHOLD, 8 * FK_PAGE_SIZE);
	result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &files);

	if (result == KERN_SUCCESS)
		result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_PORT_SET, &contents);
	if (result == KERN_SUCCESS)
		result = fk_nodes_init(volume, files, contents);
	if (result == KERN_SUCCESS && volume->lasting)
		result = take_over();
	if (result == KERN_SUCCESS)
		result = pk_serve(contents);
	if (result == KERN_SUCCESS)
		result = mach_server_start_threads(files, file_subsystems, FILE_THREADS - 1);
	if (result == KERN_SUCCESS)
		result = check_in(service, files);
	if (result == KERN_SUCCESS)
		result = mach_server_run(files, file_subsystems);
	pk_log("the service %s ends: %s", service, mach_error_string(result));
	return result;
}
