/* The kernel's interfaces by message id. */
#include <ipc/ipc.h>
#include <kern/checked.h>
#include <stubs/device_server.h>
#include <stubs/mach_host_server.h>
#include <stubs/mach_port_server.h>
#include <stubs/mach_server.h>
#include <stubs/portolan_server.h>

static const struct mig_subsystem *const subsystems[] = {
	&mach_port_subsystem,
	&mach_subsystem,
	&portolan_subsystem,
	&mach_host_subsystem,
	&device_subsystem,
};

const NDR_record_t NDR_record = {.int_rep = 1}; /* little endian */

const struct mig_routine *kernel_routine(mach_msg_id_t id)
{
	for (unsigned i = 0; i < sizeof(subsystems) / sizeof(subsystems[0]); i++) {
		const struct mig_subsystem *subsystem = subsystems[i];
		const struct mig_routine *routine;

		if (id < subsystem->start || id >= subsystem->end)
			continue;
		routine = &subsystem->routine[index_within(
			(uint32_t)(id - subsystem->start), (uint32_t)(subsystem->end - subsystem->start))];
		return routine->words != NULL || routine->message != NULL ? routine : NULL;
	}
	return NULL;
}
