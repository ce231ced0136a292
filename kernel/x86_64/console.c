/* The kernel's console: COM1, polled, 115200 bits per second. */
#include <x86_64/cpu.h>

/* 16550 registers, from the port's base. */
#define COM1                  0x3f8
#define UART_DATA             0
#define UART_INTERRUPTS       1
#define UART_FIFO             2
#define UART_LINE_CONTROL     3
#define UART_MODEM_CONTROL    4
#define UART_LINE_STATUS      5
#define LINE_8N1              0x03
#define LINE_DIVISOR          0x80
#define STATUS_TRANSMIT_EMPTY 0x20
#define FIFO_ON_CLEARED       0x07
#define MODEM_DTR_RTS_OUT2    0x0b
#define POLLS_MAX             100000 /* a line without a port must not hang the kernel */

void console_init(void)
{
	out8(COM1 + UART_INTERRUPTS, 0);
	out8(COM1 + UART_LINE_CONTROL, LINE_DIVISOR);
	out8(COM1 + UART_DATA, 1);
	out8(COM1 + UART_INTERRUPTS, 0);
	out8(COM1 + UART_LINE_CONTROL, LINE_8N1);
	out8(COM1 + UART_FIFO, FIFO_ON_CLEARED);
	out8(COM1 + UART_MODEM_CONTROL, MODEM_DTR_RTS_OUT2);
}

static void put_byte(char byte)
{
	for (unsigned i = 0; i < POLLS_MAX && !(in8(COM1 + UART_LINE_STATUS) & STATUS_TRANSMIT_EMPTY); i++)
		__asm__ volatile("pause");
	out8(COM1 + UART_DATA, (uint8_t)byte);
}

void machine_console_write(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '\n')
			put_byte('\r');
		put_byte(text[i]);
	}
}
