/* What was changed goes to the medium without being asked: a mount that has changes is synced some seconds later. */
#include <mach/mach.h>
#include <stddef.h>

#include "call/fiber.h"
#include "process/proc.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/* With the time that the sync takes what is lost with the machine is not older than five seconds. */
#define WRITE_BACK_NS 4000000000ull

static void arm(struct mount *mount);

static bool has_changes(const struct mount *mount)
{
	/* Of what is written by mappings nobody hears. */
	return mount->changes != mount->synced || mount->shared_writers != 0;
}

static void write_back(void *argument)
{
	struct mount *mount = argument;

	/* What fails is noted for those who ask, and tried again. */
	if (!mount->off && has_changes(mount))
		sync_mount(mount);
	mount->writing_back = false;
	arm(mount);
}

static void is_time(struct timer *timer)
{
	struct mount *mount = (struct mount *)((char *)timer - offsetof(struct mount, write_back));

	mount->writing_back = fiber_start(write_back, mount);
	arm(mount);
}

static void arm(struct mount *mount)
{
	if (mount->service == MACH_PORT_NULL || mount->off || mount->writing_back || mount->write_back.index != 0 ||
		!has_changes(mount))
		return;
	mount->write_back.fire = is_time;
	timer_set(&mount->write_back, clock_monotonic() + WRITE_BACK_NS);
}

void mount_changed(struct mount *mount)
{
	mount->changes++;
	arm(mount);
}

void mount_shared_writers(struct mount *mount, int more)
{
	mount->shared_writers += (unsigned)more;
	/* Who has unmapped it may have written until then. */
	mount_changed(mount);
}
