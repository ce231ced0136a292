/* The host: its ports, start-up, boot modules. */
#ifndef KERN_HOST_H
#define KERN_HOST_H

#include <kern/page.h>
#include <mach/boot_info.h>

struct host {
	struct ipc_port *port;      /* host_t */
	struct ipc_port *priv_port; /* host_priv_t */
	struct ipc_port *device_master;
};

extern struct host realhost;
extern uint64_t host_bytes_at_boot; /* on the kernel's account when the first task had been made */

/* A boot module as the machine found it: physical, page-aligned, not in the free list. */
struct boot_module_memory {
	char name[64];
	uint64_t physical;
	uint64_t size;
};

/* Filled by x86_64 before kernel_main. */
struct boot_parameters {
	char command_line[512];
	uint64_t rsdp;
	uint32_t modules;
	struct boot_module_memory module[BOOT_MODULES_MAX];
};

extern struct boot_parameters boot_parameters;

/* Real time in ns since 1970: the clock at boot, corrected by host_set_time64. */
uint64_t host_real_time(void);
void host_init(void);
/* Makes the first task from the boot module "bootstrap"; panics with advice when that is missing or broken. */
void boot_task_start(void);

/*
 * Machine-independent start on the boot processor, interrupts off: expects the console, descriptor tables,
 * boot_parameters and physical memory (vm_page_bootstrap has been given it) and starts all else; ends in sched_run.
 */
_Noreturn void kernel_main(void);

#endif
