/* The 16550 serial ports. */
#ifndef PERSONALITY_CONSOLE_SERIAL_H
#define PERSONALITY_CONSOLE_SERIAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { COM1_PORT = 0x3f8, COM2_PORT = 0x2f8, COM3_PORT = 0x3e8 };

/* Lets the server use the line's ports and sets it to 115200 8N1 with FIFOs. False: no right, or nothing there. */
bool serial_start(uint16_t port);
/* Calls `received` with the lock held whenever bytes are there. False: the interrupt cannot be had. */
bool serial_listen(uint16_t port, unsigned line, void (*received)(void));
/* Waits for the transmitter as long as it takes. */
void serial_put(uint16_t port, const void *data, size_t size);
void serial_put_byte(uint16_t port, uint8_t byte);
/* The next byte received; false: none. */
bool serial_get(uint16_t port, uint8_t *byte);
/* At most `size` of the bytes received; returns how many. */
size_t serial_get_some(uint16_t port, uint8_t *data, size_t size);
/* Waits until all is on the wire. */
void serial_drain(uint16_t port);

#endif
