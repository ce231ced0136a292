/* Steps of the start of the boot processor. */
#ifndef X86_64_BOOT_H
#define X86_64_BOOT_H

#include <kern/page.h>

/*
 * What the loader says goes to boot_parameters, memory_add and memory_reserve. The argument is the physical address
 * that the loader gave. Memory below 4 GiB is mapped, nothing is allocated yet.
 */
void boot_info_multiboot2(uint64_t info);
void boot_info_pvh(uint64_t info);
/* Page-aligned modules, reserved, with the rest of their last pages zeroed. After one of the above. */
void boot_modules_settle(void);
/* True if the word stands alone on the kernel's command line. */
bool boot_word(const char *word);
/* The number behind such a word, as in "processors=4"; 0 without one. */
uint32_t boot_number(const char *word);

void memory_reserve_kernel(void);
/* Free memory below 4 GiB, for good: physical address. Panics when there is none. */
uint64_t memory_take(uint64_t size);
/* The kernel's final page tables; gives all that is free to vm_page_bootstrap_range. */
void memory_init(void);

void pmap_init(void);

#endif
