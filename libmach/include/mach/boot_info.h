/* What the kernel tells the first task: the page that AT_PORTOLAN_BOOT in its auxiliary vector points to. */
#ifndef MACH_BOOT_INFO_H
#define MACH_BOOT_INFO_H

#include <stdint.h>

#define AT_PORTOLAN_BOOT 0x504f5254 /* "PORT" */
#define BOOT_MODULES_MAX 48

struct boot_module {
	char name[64];    /* first word of the module's command line */
	uint64_t address; /* mapped read-only in the first task, page-aligned */
	uint64_t size;    /* bytes */
};

struct boot_info {
	char command_line[512]; /* the kernel's */
	uint64_t rsdp;          /* physical address of the ACPI root pointer, or 0 */
	uint32_t modules;
	uint32_t reserved;
	struct boot_module module[BOOT_MODULES_MAX];
};

#endif
