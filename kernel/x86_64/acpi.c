/* ACPI tables (specification 6.4): interrupt controllers from the MADT, power off and reset from the FADT and the
 * DSDT's _S5 object. */
#include <string.h>
#include <task/host.h>
#include <vm/vm.h>
#include <x86_64/cpu.h>

struct header {
	char signature[4];
	uint32_t length;
	uint8_t revision, checksum;
	char oem[26];
} __attribute__((packed));

struct rsdp {
	char signature[8];
	uint8_t checksum;
	char oem[6];
	uint8_t revision;
	uint32_t rsdt, length;
	uint64_t xsdt;
} __attribute__((packed));

struct madt {
	struct header header;
	uint32_t lapic, flags;
} __attribute__((packed));

/* Offsets in the FADT. */
#define FADT_DSDT         40
#define FADT_SMI_COMMAND  48
#define FADT_ACPI_ENABLE  52
#define FADT_PM1A_CONTROL 64
#define FADT_FLAGS        112
#define FADT_RESET_PORT   120
#define FADT_RESET_VALUE  128
#define FADT_FLAG_RESET   (1u << 10)
#define PM1_SLEEP_ENABLE  0x2000
#define PM1_SLEEP_TYPE    10
#define PM1_SCI_ENABLE    0x1

enum { MADT_PROCESSOR = 0, MADT_IOAPIC = 1, MADT_OVERRIDE = 2 };
#define PROCESSOR_ENABLED 1
#define OVERRIDES_MAX     16
#define BIOS_AREA         0xe0000ull
#define BIOS_AREA_END     0x100000ull

uint64_t acpi_lapic_address;
struct acpi_ioapic acpi_ioapics[IOAPICS_MAX];
uint32_t acpi_ioapic_count;
uint32_t acpi_processors[PROCESSORS_MAX], acpi_processor_count;
static struct {
	uint32_t line, gsi, flags;
} overrides[OVERRIDES_MAX];
static uint32_t override_count;
static const uint8_t *fadt;

/* Tables are not aligned; the processor does not mind. */
static uint32_t read32(const uint8_t *at)
{
	return ((const struct { uint32_t value; } __attribute__((packed)) *)at)->value;
}

static uint64_t read64(const uint8_t *at)
{
	return read32(at) | (uint64_t)read32(at + 4) << 32;
}

static bool checksum_good(const void *table, size_t size)
{
	uint8_t sum = 0;

	for (size_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + ((const uint8_t *)table)[i]);
	return sum == 0;
}

static uint64_t find_rsdp(void)
{
	for (uint64_t at = BIOS_AREA; at < BIOS_AREA_END; at += 16)
		if (memcmp(physical_to_virtual(at), "RSD PTR ", 8) == 0 && checksum_good(physical_to_virtual(at), 20))
			return at;
	return 0;
}

static void read_madt(const struct madt *madt)
{
	const uint8_t *at = (const uint8_t *)(madt + 1), *end = (const uint8_t *)madt + madt->header.length;

	acpi_lapic_address = madt->lapic;
	for (; at + 2 <= end && at[1] >= 2; at += at[1]) {
		if (at[0] == MADT_PROCESSOR && (read32(at + 4) & PROCESSOR_ENABLED)) {
			if (acpi_processor_count < PROCESSORS_MAX)
				acpi_processors[acpi_processor_count++] = at[3];
		} else if (at[0] == MADT_IOAPIC && acpi_ioapic_count < IOAPICS_MAX) {
			acpi_ioapics[acpi_ioapic_count++] = (struct acpi_ioapic){
				.id = at[2], .address = read32(at + 4), .gsi_base = read32(at + 8)};
		} else if (at[0] == MADT_OVERRIDE && override_count < OVERRIDES_MAX) {
			overrides[override_count].line = at[3];
			overrides[override_count].gsi = read32(at + 4);
			overrides[override_count++].flags = (uint32_t)(at[8] | at[9] << 8);
		}
	}
}

static void read_table(uint64_t physical)
{
	const struct header *table = physical_to_virtual(physical);

	if (!checksum_good(table, table->length))
		kprintf("ACPI table %.4s has a wrong checksum and is not used\n", table->signature);
	else if (memcmp(table->signature, "APIC", 4) == 0)
		read_madt((const struct madt *)table);
	else if (memcmp(table->signature, "FACP", 4) == 0)
		fadt = (const uint8_t *)table;
}

void acpi_init(void)
{
	const struct rsdp *rsdp;
	const struct header *root;
	bool wide;
	const uint8_t *entry;

	if (boot_parameters.rsdp == 0)
		boot_parameters.rsdp = find_rsdp();
	if (boot_parameters.rsdp == 0) {
		kprintf("no ACPI tables: no line interrupts, no power off\n");
		return;
	}
	rsdp = physical_to_virtual(boot_parameters.rsdp);
	/* The loader's copy is in the kernel's image; both are in the direct map. */
	wide = rsdp->revision >= 2 && rsdp->xsdt != 0;
	root = physical_to_virtual(wide ? rsdp->xsdt : rsdp->rsdt);
	entry = (const uint8_t *)(root + 1);
	for (; entry < (const uint8_t *)root + root->length; entry += wide ? 8 : 4)
		read_table(wide ? read64(entry) : read32(entry));
}

/* Flags of an override, 5.2.12.5: polarity 3 is low, trigger 3 is level; 0 is the bus's default. */
uint32_t acpi_irq_override(uint32_t line, bool *level, bool *low)
{
	*level = *low = line >= 16;
	for (uint32_t i = 0; i < override_count; i++)
		if (overrides[i].line == line || (line >= 16 && overrides[i].gsi == line)) {
			*low = (overrides[i].flags & 3) == 3;
			*level = (overrides[i].flags >> 2 & 3) == 3;
			return overrides[i].gsi;
		}
	return line;
}

/* SLP_TYPa of \_S5: in AML `08 '_S5_' 12 length count value`, a value above 1 with the prefix 0A. */
static bool find_s5(const struct header *dsdt, unsigned *type)
{
	const uint8_t *start = (const uint8_t *)dsdt, *end = start + dsdt->length;

	for (const uint8_t *at = start + sizeof(*dsdt); at + 12 < end; at++) {
		const uint8_t *value = at + 7;

		if (memcmp(at, "_S5_", 4) != 0 || at[4] != 0x12)
			continue;
		value += at[5] >> 6; /* further bytes of the package's length */
		*type = value[0] == 0x0a ? value[1] : value[0];
		return true;
	}
	return false;
}

/* Returns if the machine cannot. */
void acpi_power_off(void)
{
	uint16_t control;
	unsigned type;

	if (fadt == NULL || !find_s5(physical_to_virtual(read32(fadt + FADT_DSDT)), &type))
		return;
	control = (uint16_t)read32(fadt + FADT_PM1A_CONTROL);
	if (!(in16(control) & PM1_SCI_ENABLE) && read32(fadt + FADT_SMI_COMMAND) != 0) {
		out8((uint16_t)read32(fadt + FADT_SMI_COMMAND), fadt[FADT_ACPI_ENABLE]);
		for (unsigned i = 0; i < 1000000 && !(in16(control) & PM1_SCI_ENABLE); i++)
			__asm__ volatile("pause");
	}
	out16(control, (uint16_t)((in16(control) & 0x1) | type << PM1_SLEEP_TYPE | PM1_SLEEP_ENABLE));
}

/* Writes the reset register if there is one in I/O space. */
void acpi_reset(void)
{
	if (fadt == NULL || ((const struct header *)fadt)->length <= FADT_RESET_VALUE ||
		!(read32(fadt + FADT_FLAGS) & FADT_FLAG_RESET) || fadt[FADT_RESET_PORT - 4] != 1)
		return;
	out8((uint16_t)read64(fadt + FADT_RESET_PORT), fadt[FADT_RESET_VALUE]);
}
