/* Interrupts of devices: each is told, also when there is no memory for the message at the moment. */
#include "calls.h"
#include "world.h"
#include <string.h>
#include <stubs/device_server.h>

/* What irq.c and the machine have from one another (x86_64/cpu.h, which has another user_trap). */
#define VECTOR_DEVICE_FIRST 0x30
void device_interrupt_arrived(uint64_t vector);
uint32_t acpi_irq_override(uint32_t line, bool *level, bool *low);
bool ioapic_route(uint32_t gsi, uint32_t vector, bool level, bool low);
void ioapic_mask(uint32_t gsi, bool masked);

uint32_t acpi_irq_override(uint32_t line, bool *level, bool *low)
{
	*level = *low = false;
	return line;
}

static bool masked;

bool ioapic_route(uint32_t gsi, uint32_t vector, bool level, bool low)
{
	(void)gsi, (void)vector, (void)level, (void)low;
	return true;
}

void ioapic_mask(uint32_t gsi, bool now)
{
	(void)gsi;
	masked = now;
}

static struct {
	struct task *task;
	mach_port_name_t port;
	struct device_irq *irq;
	unsigned vector, told;
} device;

/* A driver: takes what comes, acknowledges. */
static void driver(void *argument)
{
	struct delivered in;

	(void)argument;
	for (unsigned i = 0; i < 3; i++) {
		if (user_reply_wait(device.port, REPLY_NONE, NULL, 0, NULL, 0, &in) != 0)
			return;
		device.told += (unsigned)in.words.w[0];
		CHECK(masked);
		CHECK_EQUAL(device_irq_ack(device.irq), KERN_SUCCESS);
	}
}

static void hardware(void *argument)
{
	(void)argument;
	device_interrupt_arrived(device.vector);
	for (unsigned turns = 0; turns < 2; turns++)
		(void)user_trap(TRAP_THREAD_SWITCH, 0, 0, 0, 0, 0, 0);
	CHECK_EQUAL(device.told, 1);
	world_hide_blocks();
	host_fail_after = 0;
	host_fail_count = 3;
	device_interrupt_arrived(device.vector);
	device_interrupt_arrived(device.vector); /* before the first was acknowledged */
	for (unsigned turns = 0; turns < 2; turns++)
		(void)user_trap(TRAP_THREAD_SWITCH, 0, 0, 0, 0, 0, 0);
	CHECK_EQUAL(device.told, 1);
	CHECK_EQUAL(host_fail_count, 2);
}

void test_interrupts(void)
{
	struct ipc_port *notify;

	memset(&device, 0, sizeof(device));
	device.task = world_task();
	device.port = world_port(device.task);
	notify = ipc_port_make_send(ipc_object_port(ipc_entry_lookup(device.task->space, device.port)->object));
	CHECK_EQUAL(device_irq_line(NULL, 5, notify, &device.irq), KERN_SUCCESS);
	device.vector = VECTOR_DEVICE_FIRST;
	world_thread(device.task, driver, NULL);
	world_thread(device.task, hardware, NULL);
	CHECK_EQUAL(world_run(), 0);
	host_fail_after = SIZE_MAX;
	CHECK_EQUAL(device.told, 3);
	CHECK(!masked);
	world_show_blocks();
	ipc_port_release_send(convert_irq_to_port(device.irq)); /* nobody can acknowledge it: it goes */
	world_task_end(device.task);
	host_report("an-interrupt-is-told-when-there-is-memory-again");
}
