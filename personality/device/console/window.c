/* Memory that the host lends for standard input: found by fw_cfg, mapped for reading. */
#include "device/console/window.h"

#include <mach/mach.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/rights.h"
#include "device/console/fwcfg.h"

const uint8_t *window_map(size_t *size)
{
	size_t length;
	char *text = fwcfg_read("opt/portolan/window", &length);
	unsigned long long physical = 0, bytes = 0;
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t address = 0;
	kern_return_t result;

	if (text == NULL)
		return NULL;
	if (sscanf(text, "%llx %llu", &physical, &bytes) != 2)
		bytes = 0;
	free(text);
	if (bytes == 0 || device_physical(device_master(), physical, bytes, TRUE, &object) != KERN_SUCCESS)
		return NULL;
	result = vm_map(mach_task_self(), &address, bytes, 0, TRUE, object, 0, FALSE, VM_PROT_READ, VM_PROT_READ,
		VM_INHERIT_NONE);
	mach_port_deallocate(mach_task_self(), object);
	if (result != KERN_SUCCESS)
		return NULL;
	*size = bytes;
	return (const uint8_t *)address;
}
