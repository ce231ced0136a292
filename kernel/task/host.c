/* The host's ports and routines: time, information, log, switching off. */
#include <task/host.h>

#include <ipc/ipc.h>
#include <kern/thread.h>
#include <stubs/mach_host_server.h>
#include <vm/vm.h>

#define NS_PER_SECOND 1000000000ull

struct host realhost;
struct boot_parameters boot_parameters;

uint64_t host_bytes_at_boot;

/* ns since 1970 at boot, as corrected; written whole, read whole. */
static uint64_t real_time_at_boot;

void host_init(void)
{
	realhost.port = ipc_kernel_port_create(IKOT_HOST, &realhost, &kernel_account);
	realhost.priv_port = ipc_kernel_port_create(IKOT_HOST_PRIV, &realhost, &kernel_account);
	realhost.device_master = ipc_kernel_port_create(IKOT_DEVICE_MASTER, &realhost, &kernel_account);
	real_time_at_boot = machine_boot_time();
}

uint64_t host_real_time(void)
{
	/* Relaxed: a time read while it is being set may be the old one. */
	return __atomic_load_n(&real_time_at_boot, __ATOMIC_RELAXED) + machine_now();
}

static time_value64_t time_of(uint64_t ns)
{
	return (time_value64_t){.seconds = (int64_t)(ns / NS_PER_SECOND), .nanoseconds = (int64_t)(ns % NS_PER_SECOND)};
}

kern_return_t host_get_time64(host_t, time_value64_t *current_time)
{
	*current_time = time_of(host_real_time());
	return KERN_SUCCESS;
}

kern_return_t host_get_uptime64(host_t, time_value64_t *uptime)
{
	*uptime = time_of(machine_now());
	return KERN_SUCCESS;
}

kern_return_t host_set_time64(host_t, time_value64_t new_time)
{
	uint64_t ns;

	if (new_time.seconds < 0 || new_time.seconds > INT64_MAX / (int64_t)NS_PER_SECOND - 1 ||
		new_time.nanoseconds < 0 || new_time.nanoseconds >= (int64_t)NS_PER_SECOND)
		return KERN_INVALID_VALUE;
	ns = (uint64_t)new_time.seconds * NS_PER_SECOND + (uint64_t)new_time.nanoseconds;
	__atomic_store_n(&real_time_at_boot, ns - machine_now(), __ATOMIC_RELAXED);
	return KERN_SUCCESS;
}

kern_return_t host_reboot(host_t, int options)
{
	kprintf("%s after %lu ns, %lu of them idle on this processor; %ld bytes more than at boot are on nobody's "
		"account\n",
		options == HOST_REBOOT_HALT ? "power off" : "restart", (unsigned long)machine_now(),
		(unsigned long)current_processor()->counters.idle_ns,
		(long)(kernel_account.bytes - host_bytes_at_boot));
	for (unsigned i = 0; processors_online > 1 && i < processors_online; i++)
		kprintf("processor %u: %lu switches, %lu ns idle\n", i,
			(unsigned long)(processors[i].counters.thread_switches + processors[i].counters.messages_register),
			(unsigned long)processors[i].counters.idle_ns);
	if (options == HOST_REBOOT_HALT)
		machine_power_off();
	if (options == 0)
		machine_reboot();
	return KERN_INVALID_ARGUMENT;
}

kern_return_t host_log(host_t, const char *text)
{
	kprintf("%s", text);
	return KERN_SUCCESS;
}

kern_return_t host_get_kernel_version(host_t, char *kernel_version)
{
	__builtin_strcpy(kernel_version, "Portolan " PACKAGE_VERSION);
	return KERN_SUCCESS;
}

kern_return_t host_interrupt_delay(host_t, uint64_t probe, uint64_t *longest)
{
	*longest = 0;
	for (unsigned i = 0; i < processors_online; i++) {
		if (processors[i].longest_delay > *longest)
			*longest = processors[i].longest_delay;
		processors[i].longest_delay = 0;
	}
	timer_probe(probe);
	return KERN_SUCCESS;
}

static void sum_counters(uint64_t *out)
{
	struct host_counters *sum = (struct host_counters *)out;

	__builtin_memset(out, 0, COUNTERS_COUNT * sizeof(*out));
	for (unsigned i = 0; i < processors_online; i++) {
		const uint64_t *of_one = (const uint64_t *)&processors[i].counters;

		for (unsigned c = 0; c < COUNTERS_COUNT; c++)
			out[c] += __atomic_load_n(&of_one[c], __ATOMIC_RELAXED);
	}
	sum->traps += sum->messages_register;
	sum->thread_switches += sum->messages_register;
}

_Static_assert(COUNTERS_COUNT <= HOST_INFO_WORDS_MAX, "the counters fit host_info");

kern_return_t host_info(host_t, int flavor, uint64_t *out, mach_msg_type_number_t *count)
{
	switch (flavor) {
	case PORTOLAN_HOST_INFO: {
		struct portolan_host_info info = {
			.max_cpus = PROCESSORS_MAX,
			.avail_cpus = processors_online,
			.memory_size = vm_page_counts.total << VM_PAGE_SHIFT,
			.boot_ns = __atomic_load_n(&real_time_at_boot, __ATOMIC_RELAXED),
		};

		machine_clock(&info.tsc_hz, &info.tsc_base, &info.ns_per_tick);
		__builtin_memcpy(out, &info, sizeof(info));
		*count = PORTOLAN_HOST_INFO_COUNT;
		return KERN_SUCCESS;
	}
	case HOST_COUNTERS:
		sum_counters(out);
		*count = COUNTERS_COUNT;
		return KERN_SUCCESS;
	case HOST_MEMORY_INFO: {
		struct host_memory_info info = {.kernel_bytes = kernel_account.bytes,
			.kernel_bytes_at_boot = host_bytes_at_boot,
			.kernel_pages = kernel_account.pages};

		__builtin_memcpy(out, &info, sizeof(info));
		*count = HOST_MEMORY_INFO_COUNT;
		return KERN_SUCCESS;
	}
	default:
		return KERN_INVALID_ARGUMENT;
	}
}
