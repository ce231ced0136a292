/* The local APIC of each processor and the I/O APICs (Intel SDM vol. 3A, chapter 11; 82093AA data sheet). */
#include <kern/page.h>
#include <x86_64/cpu.h>

#define LAPIC_ID              0x20
#define LAPIC_TASK_PRIORITY   0x80
#define LAPIC_EOI             0xb0
#define LAPIC_SPURIOUS        0xf0
#define LAPIC_COMMAND_LOW     0x300
#define LAPIC_COMMAND_HIGH    0x310
#define LAPIC_TIMER           0x320
#define LAPIC_LINT0           0x350
#define LAPIC_LINT1           0x360
#define LAPIC_TIMER_INITIAL   0x380
#define LAPIC_TIMER_CURRENT   0x390
#define LAPIC_TIMER_DIVIDE    0x3e0
#define LAPIC_ENABLE          0x100
#define LAPIC_MASKED          0x10000
#define LAPIC_COMMAND_PENDING 0x1000
#define LINT_NMI              0x400
#define DIVIDE_BY_ONE         0xb
#define APIC_BASE_ENABLE      0x800
#define APIC_BASE_ADDRESS     0xffffff000ull

#define IOAPIC_SELECT          0x00
#define IOAPIC_WINDOW          0x10
#define IOAPIC_VERSION         1
#define IOAPIC_REDIRECTION     0x10
#define REDIRECTION_LOW_ACTIVE 0x2000
#define REDIRECTION_LEVEL      0x8000
#define REDIRECTION_MASKED     0x10000

#define PIC1 0x20
#define PIC2 0xa0

static volatile uint32_t *lapic;

static uint32_t lapic_read(uint32_t at)
{
	return lapic[at / 4];
}

static void lapic_write(uint32_t at, uint32_t value)
{
	lapic[at / 4] = value;
}

/* An old interrupt controller, with its vectors out of the way, and silent. */
static void pic_off(uint16_t pic, uint8_t vectors, uint8_t cascade)
{
	out8(pic, 0x11);
	out8(pic + 1, vectors);
	out8(pic + 1, cascade);
	out8(pic + 1, 1);
	out8(pic + 1, 0xff);
}

/* A register of an I/O APIC. */
static volatile uint32_t *ioapic(const struct acpi_ioapic *io, uint32_t number)
{
	volatile uint32_t *registers = physical_to_virtual(io->address);

	registers[IOAPIC_SELECT / 4] = number;
	return &registers[IOAPIC_WINDOW / 4];
}

/* Null if no I/O APIC has the interrupt. */
static const struct acpi_ioapic *ioapic_of(uint32_t gsi, uint32_t *redirection)
{
	for (uint32_t i = 0; i < acpi_ioapic_count; i++) {
		uint32_t pin = gsi - acpi_ioapics[i].gsi_base;

		*redirection = IOAPIC_REDIRECTION + 2 * pin;
		if (gsi >= acpi_ioapics[i].gsi_base && pin <= (*ioapic(&acpi_ioapics[i], IOAPIC_VERSION) >> 16 & 0xff))
			return &acpi_ioapics[i];
	}
	return NULL;
}

bool ioapic_route(uint32_t gsi, uint32_t vector, bool level, bool low)
{
	uint32_t redirection;
	const struct acpi_ioapic *io = ioapic_of(gsi, &redirection);

	if (io == NULL)
		return false;
	*ioapic(io, redirection) = REDIRECTION_MASKED;
	*ioapic(io, redirection + 1) = apic_id() << 24;
	*ioapic(io, redirection) =
		vector | REDIRECTION_MASKED | (level ? REDIRECTION_LEVEL : 0) | (low ? REDIRECTION_LOW_ACTIVE : 0);
	return true;
}

void ioapic_mask(uint32_t gsi, bool masked)
{
	uint32_t redirection, value;
	const struct acpi_ioapic *io = ioapic_of(gsi, &redirection);

	if (io == NULL)
		return;
	value = *ioapic(io, redirection) & ~REDIRECTION_MASKED;
	*ioapic(io, redirection) = value | (masked ? REDIRECTION_MASKED : 0);
}

void apic_init_this(void)
{
	write_msr(MSR_APIC_BASE, read_msr(MSR_APIC_BASE) | APIC_BASE_ENABLE);
	lapic_write(LAPIC_SPURIOUS, LAPIC_ENABLE | VECTOR_SPURIOUS);
	lapic_write(LAPIC_TASK_PRIORITY, 0);
	lapic_write(LAPIC_LINT0, LAPIC_MASKED);
	lapic_write(LAPIC_LINT1, LINT_NMI);
	lapic_write(LAPIC_TIMER_DIVIDE, DIVIDE_BY_ONE);
	lapic_write(LAPIC_TIMER, VECTOR_TIMER);
	lapic_write(LAPIC_TIMER_INITIAL, 0);
}

void apic_init(void)
{
	uint64_t base = read_msr(MSR_APIC_BASE);

	pic_off(PIC1, 0x20, 4);
	pic_off(PIC2, 0x28, 2);
	lapic = physical_to_virtual(acpi_lapic_address != 0 ? acpi_lapic_address : base & APIC_BASE_ADDRESS);
	for (uint32_t i = 0; i < acpi_ioapic_count; i++) {
		uint32_t first = acpi_ioapics[i].gsi_base,
			 last = *ioapic(&acpi_ioapics[i], IOAPIC_VERSION) >> 16 & 0xff;

		for (uint32_t pin = 0; pin <= last; pin++)
			ioapic_mask(first + pin, true);
	}
	apic_init_this();
}

uint32_t apic_id(void)
{
	return lapic_read(LAPIC_ID) >> 24;
}

void apic_eoi(void)
{
	lapic_write(LAPIC_EOI, 0);
}

void apic_timer_ticks(uint32_t ticks)
{
	lapic_write(LAPIC_TIMER_INITIAL, ticks);
}

uint32_t apic_timer_now(void)
{
	return lapic_read(LAPIC_TIMER_CURRENT);
}

void apic_send(uint32_t id, uint32_t command)
{
	while (lapic_read(LAPIC_COMMAND_LOW) & LAPIC_COMMAND_PENDING)
		__asm__ volatile("pause");
	lapic_write(LAPIC_COMMAND_HIGH, id << 24);
	lapic_write(LAPIC_COMMAND_LOW, command);
}
