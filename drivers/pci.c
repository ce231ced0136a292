/* PCI configuration space, and the mapping of a function's memory. */
#include "pci.h"

enum {
	PORT_ADDRESS = 0xcf8,
	PORT_DATA = 0xcfc,
	PORT_LAST = 0xcff,
	HEADER_TYPE = 0x0e,
	HEADER_BRIDGE = 1,
	HEADER_MULTIFUNCTION = 0x80,
	STATUS = 0x06,
	STATUS_CAPABILITIES = 0x10,
	CAPABILITIES = 0x34,
	CAPABILITIES_MAX = 48, /* as many as fit after the header: a chain that is longer has a loop */
	SECONDARY_BUS = 0x19,
	BAR_IO = 1,
	BAR_TYPE_64 = 4,
	BAR_TYPE_MASK = 6,
	BARS = 6,
};
#define ADDRESS_ENABLE 0x80000000u
#define BAR_ADDRESS    0xfffffff0u

static inline void out32(uint16_t port, uint32_t value)
{
	__asm__ volatile("outl %0, %1" : : "a"(value), "Nd"(port) : "memory");
}

static inline uint32_t in32(uint16_t port)
{
	uint32_t value;

	__asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port) : "memory");
	return value;
}

kern_return_t pci_start(mach_port_t device_master)
{
	return device_io_ports(device_master, mach_task_self(), PORT_ADDRESS, PORT_LAST);
}

static void select_register(const struct pci_function *f, unsigned offset)
{
	out32(PORT_ADDRESS, ADDRESS_ENABLE | (uint32_t)f->bus << 16 | (uint32_t)f->device << 11 |
				    (uint32_t)f->function << 8 | (offset & 0xfcu));
}

uint32_t pci_read(const struct pci_function *f, unsigned offset, unsigned bytes)
{
	uint32_t value;

	select_register(f, offset);
	value = in32(PORT_DATA) >> (8 * (offset & 3));
	return bytes == 4 ? value : value & ((1u << (8 * bytes)) - 1);
}

/* Only for registers where writing back the neighbours does no harm: none of those used here has such. */
void pci_write(const struct pci_function *f, unsigned offset, unsigned bytes, uint32_t value)
{
	unsigned shift = 8 * (offset & 3);

	if (bytes < 4) {
		uint32_t mask = ((1u << (8 * bytes)) - 1) << shift;

		value = (pci_read(f, offset & ~3u, 4) & ~mask) | (value << shift & mask);
		/* The upper half of the command's word is status bits that clear when one is written. */
		if ((offset & ~3u) == PCI_COMMAND)
			value &= 0xffff;
	}
	select_register(f, offset);
	out32(PORT_DATA, value);
}

static void scan_bus(unsigned bus, void (*found)(const struct pci_function *f), unsigned depth)
{
	for (unsigned device = 0; device < 32; device++) {
		unsigned functions = 1;

		for (unsigned function = 0; function < functions; function++) {
			struct pci_function f = {(uint8_t)bus, (uint8_t)device, (uint8_t)function, 0, 0};
			uint32_t ids = pci_read(&f, 0, 4);
			uint32_t header;

			if ((ids & 0xffff) == 0xffff)
				continue;
			header = pci_read(&f, HEADER_TYPE, 1);
			if (function == 0 && (header & HEADER_MULTIFUNCTION))
				functions = 8;
			f.vendor = (uint16_t)ids;
			f.id = (uint16_t)(ids >> 16);
			if ((header & 0x7f) == HEADER_BRIDGE) {
				unsigned secondary = pci_read(&f, SECONDARY_BUS, 1);

				if (secondary > bus && depth < 8)
					scan_bus(secondary, found, depth + 1);
			} else {
				found(&f);
			}
		}
	}
}

void pci_scan(void (*found)(const struct pci_function *f))
{
	scan_bus(0, found, 0);
}

unsigned pci_capability(const struct pci_function *f, unsigned kind, unsigned after)
{
	unsigned at;

	if (!(pci_read(f, STATUS, 2) & STATUS_CAPABILITIES))
		return 0;
	at = after ? pci_read(f, after + 1, 1) : pci_read(f, CAPABILITIES, 1);
	for (unsigned i = 0; i < CAPABILITIES_MAX && (at &= 0xfcu); i++) {
		if (pci_read(f, at, 1) == kind)
			return at;
		at = pci_read(f, at + 1, 1);
	}
	return 0;
}

volatile void *pci_map_bar(
	const struct pci_function *f, mach_port_t device_master, unsigned bar, uint64_t offset, uint64_t size)
{
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t address = 0;
	uint64_t physical, start, length;
	uint32_t low;
	kern_return_t result;

	if (bar >= BARS)
		return NULL;
	low = pci_read(f, PCI_BAR0 + 4 * bar, 4);
	if (low & BAR_IO)
		return NULL;
	physical = low & BAR_ADDRESS;
	if ((low & BAR_TYPE_MASK) == BAR_TYPE_64 && bar + 1 < BARS)
		physical |= (uint64_t)pci_read(f, PCI_BAR0 + 4 * (bar + 1), 4) << 32;
	if (physical == 0 || size == 0)
		return NULL;
	physical += offset;
	start = trunc_page(physical);
	length = round_page(physical + size) - start;
	result = device_physical(device_master, start, length, FALSE, &object);
	if (result != KERN_SUCCESS)
		return NULL;
	result = vm_map(mach_task_self(), &address, length, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
		VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), object);
	return result == KERN_SUCCESS ? (volatile void *)(address + (physical - start)) : NULL;
}
