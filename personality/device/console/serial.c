/* The 16550: polled output through its FIFO, input by interrupts that come as messages. */
#include "device/console/serial.h"

#include <mach/mach.h>

#include "base/rights.h"
#include "call/dispatch.h"
#include "device/console/portio.h"

/* Registers and bits of the 16550 (National Semiconductor PC16550D data sheet, section 8). */
enum { REG_DATA = 0, REG_IER = 1, REG_IIR = 2, REG_FCR = 2, REG_LCR = 3, REG_MCR = 4, REG_LSR = 5, REG_SCRATCH = 7 };
enum { IER_RECEIVED = 1, FCR_ENABLE = 7, FCR_TRIGGER_14 = 0xc0, LCR_8N1 = 3, LCR_DLAB = 0x80, MCR_DTR_RTS_OUT2 = 0x0b };
enum { IIR_MASK = 0x0f, IIR_TRIGGERED = 4 };
enum { LSR_READY = 1, LSR_THR_EMPTY = 0x20, LSR_IDLE = 0x40, LSR_NONE = 0xff };
#define FIFO_SIZE 16u
/*
 * Interrupts come at this many bytes, or when fewer have waited for four characters' time. QEMU also hands over that
 * many in one turn of its main loop, which takes far longer than reading them.
 */
#define TRIGGER        14u
#define DIVISOR_115200 1
#define LINES_MAX      4

struct line {
	uint16_t port;
	unsigned number; /* interrupt */
	device_irq_t irq;
	void (*received)(void);
};

static struct line lines[LINES_MAX];
static unsigned line_count;

bool serial_start(uint16_t port)
{
	if (device_io_ports(device_master(), mach_task_self(), port, port + 7u) != KERN_SUCCESS)
		return false;
	port_out8(port + REG_SCRATCH, 0x5a);
	if (port_in8(port + REG_LSR) == LSR_NONE || port_in8(port + REG_SCRATCH) != 0x5a)
		return false;
	port_out8(port + REG_IER, 0);
	port_out8(port + REG_LCR, LCR_DLAB);
	port_out8(port + REG_DATA, DIVISOR_115200);
	port_out8(port + REG_IER, 0);
	port_out8(port + REG_LCR, LCR_8N1);
	port_out8(port + REG_FCR, FCR_ENABLE | FCR_TRIGGER_14);
	port_out8(port + REG_MCR, MCR_DTR_RTS_OUT2);
	return true;
}

static void interrupt(struct line *line)
{
	line->received();
	device_irq_ack(line->irq);
	/* A byte that came between the last look and the acknowledgement raises no new edge. */
	if (port_in8(line->port + REG_LSR) & LSR_READY)
		line->received();
}

static void interrupt0(void)
{
	interrupt(&lines[0]);
}

static void interrupt1(void)
{
	interrupt(&lines[1]);
}

bool serial_listen(uint16_t port, unsigned number, void (*received)(void))
{
	static void (*const handlers[])(void) = {interrupt0, interrupt1};
	struct line *line = &lines[line_count];
	mach_port_t notify;

	if (line_count == sizeof handlers / sizeof handlers[0])
		return false;
	notify = server_port_create(0);
	if (notify == MACH_PORT_NULL)
		return false;
	line->port = port;
	line->number = number;
	line->received = received;
	interrupt_register(notify, handlers[line_count]);
	if (device_irq_line(device_master(), number, notify, &line->irq) != KERN_SUCCESS)
		return false;
	line_count++;
	port_out8(port + REG_IER, IER_RECEIVED);
	return true;
}

void serial_put(uint16_t port, const void *data, size_t size)
{
	const uint8_t *at = data;

	while (size > 0) {
		size_t part = size < FIFO_SIZE ? size : FIFO_SIZE;

		while (!(port_in8(port + REG_LSR) & LSR_THR_EMPTY))
			__builtin_ia32_pause();
		size -= part;
		while (part-- > 0)
			port_out8(port + REG_DATA, *at++);
	}
}

void serial_put_byte(uint16_t port, uint8_t byte)
{
	serial_put(port, &byte, 1);
}

bool serial_get(uint16_t port, uint8_t *byte)
{
	if (!(port_in8(port + REG_LSR) & LSR_READY))
		return false;
	*byte = port_in8(port + REG_DATA);
	return true;
}

size_t serial_get_some(uint16_t port, uint8_t *data, size_t size)
{
	size_t have = 0;

	/* At the trigger level so many bytes are there for sure: no need to ask before each. */
	while (size - have >= TRIGGER && (port_in8(port + REG_IIR) & IIR_MASK) == IIR_TRIGGERED) {
		unsigned i;

		for (i = 0; i < TRIGGER; i++)
			data[have++] = port_in8(port + REG_DATA);
	}
	while (have < size && serial_get(port, data + have))
		have++;
	return have;
}

void serial_drain(uint16_t port)
{
	while (!(port_in8(port + REG_LSR) & LSR_IDLE))
		__builtin_ia32_pause();
}
