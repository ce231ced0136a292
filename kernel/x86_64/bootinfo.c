/* What the loader tells: Multiboot2 (specification 2.0, section 3.6) or PVH (Xen's start_info.h, version 1). */
#include <string.h>
#include <task/host.h>
#include <vm/vm.h>
#include <x86_64/boot.h>
#include <x86_64/cpu.h>

#define MB2_END          0
#define MB2_COMMAND_LINE 1
#define MB2_MODULE       3
#define MB2_MEMORY_MAP   6
#define MB2_RSDP_OLD     14
#define MB2_RSDP_NEW     15
#define MEMORY_USABLE    1
#define PVH_MAGIC        0x336ec578u

struct mb2_tag {
	uint32_t type, size;
};

struct mb2_module {
	struct mb2_tag tag;
	uint32_t start, end;
	char text[];
};

struct mb2_memory_map {
	struct mb2_tag tag;
	uint32_t entry_size, version;
};

struct memory_entry {
	uint64_t start, size;
	uint32_t type, reserved;
};

struct pvh_start_info {
	uint32_t magic, version, flags, modules;
	uint64_t module_list, command_line, rsdp, memory_map;
	uint32_t memory_entries, reserved;
};

struct pvh_module {
	uint64_t address, size, command_line, reserved;
};

/* The loader's copy of the root pointer, in memory that stays. */
static uint8_t rsdp_copy[36] __attribute__((aligned(16)));

/* What follows a word of the command line that begins so; null: there is none. */
static const char *behind(const char *start, bool whole)
{
	size_t length = strlen(start);
	const char *at = boot_parameters.command_line;

	while (*at != '\0') {
		if (strncmp(at, start, length) == 0 && (!whole || at[length] == '\0' || at[length] == ' '))
			return at + length;
		while (*at != '\0' && *at != ' ')
			at++;
		while (*at == ' ')
			at++;
	}
	return NULL;
}

bool boot_word(const char *word)
{
	return behind(word, true) != NULL;
}

uint32_t boot_number(const char *word)
{
	const char *at = behind(word, false);
	uint32_t number = 0;

	for (; at != NULL && *at >= '0' && *at <= '9' && number < 100000000; at++)
		number = number * 10 + (uint32_t)(*at - '0');
	return number;
}

static void add_module(uint64_t start, uint64_t size, const char *text)
{
	struct boot_module_memory *module = &boot_parameters.module[boot_parameters.modules];
	size_t length = 0;

	if (boot_parameters.modules == BOOT_MODULES_MAX)
		panic("more than %u boot modules: take some out of the boot loader's configuration", BOOT_MODULES_MAX);
	while (text[length] != '\0' && text[length] != ' ' && length < sizeof(module->name) - 1)
		length++;
	memcpy(module->name, text, length);
	if (size == 0)
		panic("boot module '%s' is empty: make the boot image again", module->name);
	module->physical = start;
	module->size = size;
	boot_parameters.modules++;
	memory_reserve(start, start + size);
}

void boot_info_multiboot2(uint64_t info)
{
	const char *at = physical_to_virtual(info), *end = at + *(const uint32_t *)at;
	const struct mb2_tag *tag;

	for (at += 8; at < end; at += (tag->size + 7) & ~7u) {
		tag = (const struct mb2_tag *)at;
		if (tag->type == MB2_END || tag->size < sizeof(*tag))
			break;
		if (tag->type == MB2_COMMAND_LINE) {
			strncpy(boot_parameters.command_line, at + sizeof(*tag),
				sizeof(boot_parameters.command_line) - 1);
		} else if (tag->type == MB2_MODULE) {
			const struct mb2_module *module = (const struct mb2_module *)at;

			add_module(module->start, module->end - module->start, module->text);
		} else if (tag->type == MB2_MEMORY_MAP) {
			uint32_t entry_size = ((const struct mb2_memory_map *)at)->entry_size;

			for (const char *e = at + sizeof(struct mb2_memory_map); e + entry_size <= at + tag->size;
				e += entry_size) {
				const struct memory_entry *entry = (const struct memory_entry *)e;

				if (entry->type == MEMORY_USABLE)
					memory_add(entry->start, entry->start + entry->size);
			}
		} else if ((tag->type == MB2_RSDP_OLD && boot_parameters.rsdp == 0) || tag->type == MB2_RSDP_NEW) {
			size_t size = tag->size - sizeof(*tag);

			memcpy(rsdp_copy, at + sizeof(*tag), size < sizeof(rsdp_copy) ? size : sizeof(rsdp_copy));
			boot_parameters.rsdp = kernel_image_physical(rsdp_copy);
		}
	}
}

void boot_info_pvh(uint64_t address)
{
	const struct pvh_start_info *info = physical_to_virtual(address);
	const struct pvh_module *modules = physical_to_virtual(info->module_list);
	const struct memory_entry *memory = physical_to_virtual(info->memory_map);

	if (info->magic != PVH_MAGIC || info->version < 1)
		panic("the PVH loader gives no memory map: it needs start_info version 1, as in QEMU 4.0");
	if (info->command_line != 0)
		strncpy(boot_parameters.command_line, physical_to_virtual(info->command_line),
			sizeof(boot_parameters.command_line) - 1);
	boot_parameters.rsdp = info->rsdp;
	for (uint32_t i = 0; i < info->memory_entries; i++)
		if (memory[i].type == MEMORY_USABLE)
			memory_add(memory[i].start, memory[i].start + memory[i].size);
	for (uint32_t i = 0; i < info->modules; i++) {
		/* QEMU's -initrd has no text of its own: it is the first task. */
		const char *text = modules[i].command_line == 0 ? "" : physical_to_virtual(modules[i].command_line);

		add_module(modules[i].address, modules[i].size, *text == '\0' ? "bootstrap" : text);
	}
}

void boot_modules_settle(void)
{
	for (uint32_t i = 0; i < boot_parameters.modules; i++) {
		struct boot_module_memory *module = &boot_parameters.module[i];
		uint64_t end;

		if (module->physical & VM_PAGE_MASK) {
			uint64_t copy = memory_take(module->size);

			memcpy(physical_to_virtual(copy), physical_to_virtual(module->physical), module->size);
			module->physical = copy;
		}
		end = module->physical + module->size;
		memset(physical_to_virtual(end), 0, round_page(end) - end);
	}
	if (boot_parameters.modules == 0)
		panic("no boot modules: the boot loader must load the first task and the servers (module2 in "
		      "grub.cfg)");
}
