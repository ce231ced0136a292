/* I/O port instructions; the task holds the ports (device_io_ports). */
#ifndef PERSONALITY_CONSOLE_PORTIO_H
#define PERSONALITY_CONSOLE_PORTIO_H

#include <stdint.h>

static inline void port_out8(uint32_t port, uint8_t value)
{
	__asm__ volatile("outb %0, %w1" : : "a"(value), "d"((uint16_t)port));
}

static inline void port_out16(uint32_t port, uint16_t value)
{
	__asm__ volatile("outw %0, %w1" : : "a"(value), "d"((uint16_t)port));
}

static inline uint8_t port_in8(uint32_t port)
{
	uint8_t value;

	__asm__ volatile("inb %w1, %0" : "=a"(value) : "d"((uint16_t)port));
	return value;
}

#endif
