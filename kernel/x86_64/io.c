/*
 * I/O ports of tasks. A task's bitmap is copied into the TSS when one of its threads first faults on a port, and stays
 * until another address space is loaded, so that switching costs nothing to those who use no ports.
 */
#include <kern/task.h>
#include <string.h>
#include <x86_64/cpu.h>

bool io_bitmap_fault(struct thread *self)
{
	struct processor *processor = current_processor();
	struct tss *tss = &current_cpu()->tss;

	if (self->task->io_bitmap == NULL || processor->io_task == self->task)
		return false;
	memcpy(tss->io_map, self->task->io_bitmap, sizeof(tss->io_map) - 1);
	tss->io_map_base = offsetof(struct tss, io_map);
	processor->io_task = self->task;
	processor->io_live = true;
	return true;
}

void io_bitmap_drop(void)
{
	current_processor()->io_task = NULL;
	current_processor()->io_live = false;
	current_cpu()->tss.io_map_base = IO_MAP_OFF;
}
