/* The disk server: a disk of two partitions that the test may overwrite (see the script). */
#include "tests.h"

#include <servers/block_user.h>
#include <servers/bootstrap_user.h>

#include <pthread.h>
#include <string.h>

enum { PARTITION_2_SECTOR = 24576, THREADS = 4, CHUNK = 256 << 10 };

static mach_port_t disk0, part1, part2;

static bool fill(mach_port_t device, uint64_t offset, uint64_t size, char byte)
{
	vm_address_t data = 0;
	kern_return_t result = vm_allocate(mach_task_self(), &data, round_page(size), TRUE);

	if (result == KERN_SUCCESS) {
		memset((void *)data, byte, size);
		result = block_write(device, offset, data, (mach_msg_type_number_t)size);
		vm_deallocate(mach_task_self(), data, round_page(size));
	}
	return result == KERN_SUCCESS;
}

/* Whether the bytes are all this one. */
static bool holds(mach_port_t device, uint64_t offset, uint64_t size, char byte)
{
	pointer_t data;
	mach_msg_type_number_t count;
	bool good;

	if (block_read(device, offset, size, &data, &count) != KERN_SUCCESS)
		return false;
	good = count == size;
	for (uint64_t i = 0; good && i < size; i++)
		good = ((const char *)data)[i] == byte;
	vm_deallocate(mach_task_self(), trunc_page(data), round_page(count));
	return good;
}

static char byte_at(mach_port_t device, uint64_t offset)
{
	pointer_t data;
	mach_msg_type_number_t count;
	char byte;

	if (block_read(device, offset & ~511ull, 512, &data, &count) != KERN_SUCCESS)
		return 0;
	byte = ((const char *)data)[offset & 511];
	vm_deallocate(mach_task_self(), trunc_page(data), round_page(count));
	return byte;
}

static void *write_and_read(void *argument)
{
	uint64_t number = (uintptr_t)argument;
	bool good = true;

	for (unsigned round = 0; round < 3; round++) {
		char byte = (char)(number * 10 + round);

		good &= fill(part1, number * CHUNK, CHUNK, byte) && holds(part1, number * CHUNK, CHUNK, byte);
	}
	return good ? argument : NULL;
}

static void blocks(void)
{
	uint64_t size = 0, unit = 0;
	pointer_t data;
	mach_msg_type_number_t count;
	pthread_t thread[THREADS];
	bool good = true;

	check("the partition's size is known",
		block_info(part2, &size, &unit) == KERN_SUCCESS && size == 4 << 20 && unit == 512);
	check("a write is read back", fill(part2, 512, 1024, 'a') && holds(part2, 512, 1024, 'a'));
	check("a partition is a part of the disk", holds(disk0, (PARTITION_2_SECTOR + 1) * 512ull, 1024, 'a'));
	check("the neighbours are left alone", !holds(part2, 0, 512, 'a') && !holds(part2, 1536, 512, 'a'));
	check_is("a read beyond the end is refused", block_read(part2, size - 512, 1024, &data, &count),
		KERN_INVALID_ARGUMENT);
	check_is(
		"a read of half a block is refused", block_read(part2, 256, 512, &data, &count), KERN_INVALID_ARGUMENT);
	check_is("a read of nothing is refused", block_read(part2, 0, 0, &data, &count), KERN_INVALID_ARGUMENT);
	check_is("an offset that wraps is refused", block_read(part2, UINT64_MAX - 511, 1024, &data, &count),
		KERN_INVALID_ARGUMENT);
	check_is("a flush ends", block_flush(part2), KERN_SUCCESS);
	for (uintptr_t i = 0; i < THREADS; i++)
		good &= pthread_create(&thread[i], NULL, write_and_read, (void *)(i + 1)) == 0;
	for (uintptr_t i = 0; i < THREADS; i++) {
		void *result;

		good &= pthread_join(thread[i], &result) == 0 && result == (void *)(i + 1);
	}
	check("four threads write and read at once", good);
}

static void objects(void)
{
	mach_port_t object = MACH_PORT_NULL, other = MACH_PORT_NULL;
	vm_address_t address = 0;
	volatile char *memory;
	char there[8] = "";

	fill(part2, 0, 65536, 'm');
	check_is("a partition has a memory object", block_memory_object(part2, &object), KERN_SUCCESS);
	check("it has one only", block_memory_object(part2, &other) == KERN_SUCCESS && other == object);
	check_is("it is mapped",
		vm_map(mach_task_self(), &address, 4 << 20, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE),
		KERN_SUCCESS);
	memory = (volatile char *)address;
	check("the mapping shows the disk", memory[0] == 'm' && memory[65535] == 'm');
	memory[4096] = 'x';
	check("a read after a write to the mapping sees it",
		holds(part2, 8192, 512, 'm') && !holds(part2, 4096, 512, 'm'));
	check("a write to the disk is seen in the mapping", fill(part2, 8192, 4096, 'w') && memory[8192] == 'w');
	check("the neighbouring page kept what the mapping wrote", memory[4096] == 'x' && memory[4097] == 'm');
	check("the last page is there", (memory[(4 << 20) - 1] = 'z') == 'z' && block_flush(part2) == KERN_SUCCESS);
	check_is("another task's memory is not needed to read it",
		task_copy_from(mach_task_self(), address + 4096, 4, there, 0, NULL), KERN_SUCCESS);
	check("and the bytes are right", memcmp(there, "xmmm", 4) == 0);
	check_is("the mapping goes", vm_deallocate(mach_task_self(), address, 4 << 20), KERN_SUCCESS);
	mach_port_mod_refs(mach_task_self(), object, MACH_PORT_RIGHT_SEND, -2);
	check("what the mapping wrote is on the disk",
		byte_at(part2, (4 << 20) - 1) == 'z' && byte_at(part2, 4096) == 'x' && byte_at(part2, 4097) == 'm');
}

void test_disk(void)
{
	mach_port_t bootstrap, disk, none;

	printf("group: disk\n");
	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	check_is("the disk's service is there", bootstrap_look_up(bootstrap, "disk", &disk), KERN_SUCCESS);
	check_is("the first disk is there", block_open(disk, "disk0", &disk0), KERN_SUCCESS);
	check_is("its first partition is there", block_open(disk, "disk0p1", &part1), KERN_SUCCESS);
	check_is("its second partition is there", block_open(disk, "disk0p2", &part2), KERN_SUCCESS);
	check_is("a third is not", block_open(disk, "disk0p3", &none), KERN_INVALID_NAME);
	check_is("nor a second disk", block_open(disk, "disk1", &none), KERN_INVALID_NAME);
	blocks();
	objects();
}
