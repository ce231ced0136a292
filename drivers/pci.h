/* PCI configuration space through ports 0xcf8 and 0xcfc (PCI local bus specification 3.0, section 3.2.2.3.2). */
#ifndef DRIVERS_PCI_H
#define DRIVERS_PCI_H

#include <mach/mach.h>
#include <stdbool.h>

struct pci_function {
	uint8_t bus, device, function;
	uint16_t vendor, id;
};

enum {
	PCI_COMMAND = 0x04,
	PCI_BAR0 = 0x10,
	PCI_COMMAND_MEMORY = 0x2,
	PCI_COMMAND_MASTER = 0x4,
	PCI_COMMAND_NO_INTX = 0x400,
	PCI_CAPABILITY_VENDOR = 0x09,
	PCI_CAPABILITY_MSIX = 0x11,
};

/* Lets this task use the two ports. */
kern_return_t pci_start(mach_port_t device_master);

uint32_t pci_read(const struct pci_function *f, unsigned offset, unsigned bytes);
void pci_write(const struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value);

/* Calls `found` for every function on every bus. */
void pci_scan(void (*found)(const struct pci_function *f));

/* The capability of a kind after the one at `after` (0: the first); its offset in configuration space, or 0. */
unsigned pci_capability(const struct pci_function *f, unsigned kind, unsigned after);

/* Maps `size` bytes of a memory BAR from `offset` on, uncached; null when the BAR is not memory or cannot be mapped. */
volatile void *pci_map_bar(
	const struct pci_function *f, mach_port_t device_master, unsigned bar, uint64_t offset, uint64_t size);

#endif
