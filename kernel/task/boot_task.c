/* The first task: the boot module "bootstrap", memory as it shall be (mach/boot_image.h), with the other modules mapped
 * in it. */
#include <ipc/ipc.h>
#include <kern/task.h>
#include <mach/boot_image.h>
#include <stubs/mach_server.h>
#include <task/host.h>
#include <vm/vm.h>
#include <vm/vm_map.h>

#include <elf.h>

#define BOOT_PROGRAM "bootstrap"
#define STACK_SIZE   (256ull << 10)
#define STACK_TOP    (VM_MAX_ADDRESS - (1ull << 20))

static const struct boot_module_memory *find_program(void)
{
	for (unsigned i = 0; i < boot_parameters.modules; i++) {
		if (__builtin_strcmp(boot_parameters.module[i].name, BOOT_PROGRAM) == 0)
			return &boot_parameters.module[i];
	}
	panic("no boot module is called \"" BOOT_PROGRAM "\": add `module2 /boot/bootstrap " BOOT_PROGRAM
	      "' to the boot loader's "
	      "configuration (%u modules were given)",
		boot_parameters.modules);
}

/* Memory at a fixed place of the new map, filled from the kernel's. */
static void put(vm_map_t map, vm_address_t address, vm_size_t size, const void *bytes, vm_size_t bytes_size,
	vm_prot_t protection)
{
	vm_address_t start = trunc_page(address);
	vm_size_t length = round_page(address + size) - start;
	kern_return_t result = vm_allocate(map, &start, length, FALSE);

	if (result == KERN_SUCCESS && bytes_size != 0) {
		vm_map_copy_t copy = vm_map_copy_from_kernel(bytes, bytes_size);

		result = copy != NULL ? vm_write(map, address, copy, (mach_msg_type_number_t)bytes_size)
				      : KERN_RESOURCE_SHORTAGE;
	}
	if (result == KERN_SUCCESS)
		result = vm_protect(map, start, length, FALSE, protection);
	if (result != KERN_SUCCESS)
		panic("the first task's memory at %lx: error %d; give the machine more memory", (unsigned long)address,
			result);
}

/* A boot module's pages in the map. */
static vm_address_t map_module(vm_map_t map, const struct boot_module_memory *module, vm_offset_t offset, vm_size_t size,
	vm_address_t at, vm_prot_t protection)
{
	const struct vm_map_attributes attributes = {protection, protection, VM_INHERIT_NONE, false};
	vm_object_t object = vm_object_physical(&kernel_account, module->physical + offset, size, true);

	if (object == NULL || vm_map_enter(map, &at, size, 0, at == 0, object, 0, &attributes) != KERN_SUCCESS)
		panic("boot module %s cannot be mapped", module->name);
	return at;
}

/* Text where it is, data a copy. */
static void map_program(vm_map_t map, const struct boot_module_memory *module, const struct boot_image *image)
{
	vm_size_t text = image->data - image->start, size = module->size - VM_PAGE_SIZE;

	if (image->magic != BOOT_IMAGE_MAGIC || image->start >= image->data || image->data > image->end ||
		module->size <= VM_PAGE_SIZE + text || size > image->end - image->start)
		panic("boot module " BOOT_PROGRAM " is broken, no image of a first task: make the boot images anew");
	map_module(map, module, VM_PAGE_SIZE, text, image->start, VM_PROT_READ | VM_PROT_EXECUTE);
	put(map, image->data, image->end - image->data, (const char *)image + VM_PAGE_SIZE + text, size - text,
		VM_PROT_DEFAULT);
}

static vm_address_t map_boot_info(vm_map_t map)
{
	static struct boot_info info;
	vm_address_t address = STACK_TOP + VM_PAGE_SIZE;

	__builtin_memcpy(info.command_line, boot_parameters.command_line, sizeof(info.command_line));
	info.rsdp = boot_parameters.rsdp;
	info.modules = boot_parameters.modules;
	for (unsigned i = 0; i < info.modules; i++) {
		const struct boot_module_memory *module = &boot_parameters.module[i];

		__builtin_memcpy(info.module[i].name, module->name, sizeof(info.module[i].name));
		info.module[i].size = module->size;
		info.module[i].address = map_module(map, module, 0, round_page(module->size), 0, VM_PROT_READ);
	}
	put(map, address, sizeof(info), &info, sizeof(info), VM_PROT_READ);
	return address;
}

/* The stack as the System V ABI for x86-64 (section 3.4.1) lays it out: argc, argv, environment, auxiliary vector. */
static vm_address_t make_stack(vm_map_t map, const struct boot_image *image, vm_address_t boot_info)
{
	struct {
		uint64_t argc, argv[2], environment, auxiliary[8][2];
		char name[16];
		uint64_t random[2];
	} __attribute__((aligned(16))) top = {.argc = 1, .name = BOOT_PROGRAM};
	vm_address_t address = STACK_TOP - sizeof(top);
	const uint64_t auxiliary[8][2] = {
		{AT_PHDR, image->headers},
		{AT_PHENT, image->header_size},
		{AT_PHNUM, image->header_count},
		{AT_PAGESZ, VM_PAGE_SIZE},
		{AT_ENTRY, image->entry},
		{AT_RANDOM, address + __builtin_offsetof(__typeof__(top), random)},
		{AT_PORTOLAN_BOOT, boot_info},
		{AT_NULL, 0},
	};

	_Static_assert(sizeof(top) % 16 == 0, "the stack pointer is aligned to 16 bytes");
	top.argv[0] = address + __builtin_offsetof(__typeof__(top), name);
	__builtin_memcpy(top.auxiliary, auxiliary, sizeof(auxiliary));
	top.random[0] = machine_now() * 0x9e3779b97f4a7c15ull;
	top.random[1] = machine_boot_time() ^ top.random[0] >> 7;
	put(map, STACK_TOP - STACK_SIZE, STACK_SIZE - VM_PAGE_SIZE, NULL, 0, VM_PROT_DEFAULT);
	put(map, address, sizeof(top), &top, sizeof(top), VM_PROT_DEFAULT);
	return address;
}

void boot_task_start(void)
{
	const struct boot_module_memory *module = find_program();
	const struct boot_image *image = physical_to_virtual(module->physical);
	struct account *account = account_make(&kernel_account, VM_PAGE_FOR_SERVER, UINT64_MAX, UINT64_MAX);
	struct thread *thread;
	struct task *task;

	if (task_create_in(account, &kernel_task, FALSE, &task) != KERN_SUCCESS)
		panic("no memory for the first task");
	task->priority = PRIORITY_SERVER;
	if (thread_create(task, &thread) != KERN_SUCCESS)
		panic("no memory for the first task's thread");
	__builtin_strcpy(task->name, BOOT_PROGRAM);
	task->registered[REGISTERED_HOST_PRIV] = ipc_port_make_send(realhost.priv_port);
	task->registered[REGISTERED_DEVICE_MASTER] = ipc_port_make_send(realhost.device_master);
	map_program(task->map, module, image);
	thread->regs.rsp = make_stack(task->map, image, map_boot_info(task->map));
	thread->regs.rip = image->entry;
	thread_resume(thread);
	thread_deallocate(thread);
	task_deallocate(task);
	account_uncharge(account, ACCOUNT_REFERENCE);
}
