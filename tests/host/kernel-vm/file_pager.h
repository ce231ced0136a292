/* A scripted pager with one file, two tasks that map it, and the parts of the tests of pagers. */
#ifndef TESTS_HOST_KERNEL_VM_FILE_PAGER_H
#define TESTS_HOST_KERNEL_VM_FILE_PAGER_H

#include "world.h"

#define FILE_PAGES 192

/* A pager with one file; requests are answered by serve(). */
struct pager {
	struct ipc_port *port;
	struct ipc_port *control;
	uint8_t file[FILE_PAGES][VM_PAGE_SIZE];
	unsigned requests, pages_asked, returns, pages_returned, terminated, completions;
	bool may_cache;
	vm_prot_t lock_value;
	bool mute;         /* answers nothing */
	struct task *task; /* sends data from its memory; null: the kernel's bytes */
};

extern struct task *task_a, *task_b;

void pager_make(struct pager *pager);
vm_object_t control_object(struct pager *pager);
/* Bytes of the file as they are supplied. */
vm_map_copy_t data_of(struct pager *pager, unsigned page, vm_size_t size);
void answer(struct pager *pager, struct pager_message *message);
/* Takes all messages of a pager. */
void serve(struct pager *pager);
/* A program's access that the pager serves. Null when it fails. */
uint8_t *touch(struct task *task, struct pager *pager, vm_address_t address, vm_prot_t access, kern_return_t *error);
vm_address_t map_file(struct task *task, struct pager *pager, unsigned pages, bool copy);
void unmap(struct task *task, vm_address_t address, unsigned pages);
void pager_end(struct pager *pager);

void test_requests(void);
void test_pageout(struct thread *pageout_thread);
void test_copies(void);
void test_takeover(void);
void test_forward(void);

#endif
