/* Start of the memory system, in the two steps that kernel_main takes. */
#include <vm/memory_object.h>
#include <vm/vm.h>
#include <vm/vm_copy.h>
#include <vm/vm_map.h>
#include <vm/vm_object.h>
#include <vm/vm_pageout.h>

void vm_init(void)
{
	vm_object_init();
	vm_map_init();
	vm_copy_init();
	memory_object_bootstrap();
}

void vm_start_threads(void)
{
	vm_pageout_start();
}
