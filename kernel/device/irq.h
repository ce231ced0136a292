/* Interrupts of devices, for the routines of device.defs. */
#ifndef DEVICE_IRQ_H
#define DEVICE_IRQ_H

#include <kern/kernel_types.h>
#include <mach/kern_return.h>

/* An interrupt that sends to notify (a send right, consumed on success); reference. KERN_INVALID_ARGUMENT: no such
 * line. */
kern_return_t irq_create_line(uint32_t line, struct ipc_port *notify, struct device_irq **out);
/* address, data: what the device must write, and where. */
kern_return_t irq_create_message(struct ipc_port *notify, struct device_irq **out, uint64_t *address, uint32_t *data);
kern_return_t irq_ack(struct device_irq *irq);

#endif
