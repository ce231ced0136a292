/* Pagers of the kit as their client sees them: computed pages, one pager over another, errors, sizes, restart. */
#include "../interface/test.h"

#include <servers/block_user.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>
#include <servers/pager_user.h>

#include <errno.h>
#include <string.h>

enum { WORDS = VM_PAGE_SIZE / 8 };

/* A pager's object, mapped. */
struct mapped {
	mach_port_t service, file;
	file_attributes_t attributes;
	vm_address_t address;
};

static mach_port_t bootstrap;

static int errno_of(kern_return_t result)
{
	return FILE_ERRNO(result);
}

static kern_return_t open_object(const char *service, vm_size_t room, struct mapped *m)
{
	mach_port_t object;
	service_name_t service_name = {0};
	kern_return_t result;

	*m = (struct mapped){0};
	strcpy(service_name, service);
	result = bootstrap_look_up(bootstrap, service_name, &m->service);
	if (result == KERN_SUCCESS)
		result = file_system_root(m->service, &m->file, &m->attributes);
	if (result == KERN_SUCCESS)
		result = file_memory_object(m->file, &object);
	if (result == KERN_SUCCESS)
		result = vm_map(mach_task_self(), &m->address, room, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT,
			VM_PROT_DEFAULT, VM_INHERIT_NONE);
	return result;
}

static uint64_t word(const struct mapped *m, uint64_t n)
{
	return ((volatile uint64_t *)m->address)[n];
}

static int read_error(const struct mapped *m, uint64_t page)
{
	uint64_t value;

	return errno_of(task_copy_from(
		mach_task_self(), m->address + page * VM_PAGE_SIZE, sizeof value, &value, 0, NULL));
}

static int write_error(const struct mapped *m, uint64_t page, uint64_t value)
{
	return errno_of(
		task_copy_to(mach_task_self(), m->address + page * VM_PAGE_SIZE, sizeof value, &value, 0, NULL));
}

/* Dirty pages go to the pager, and all leave memory. */
static int drop(const struct mapped *m, uint64_t pages)
{
	return errno_of(portolan_vm_msync(mach_task_self(), m->address, pages * VM_PAGE_SIZE, TRUE));
}

static void computed(struct mapped *squares)
{
	bool good = true;

	check_is("a pager of computed pages is mapped", open_object("squares", 512 * VM_PAGE_SIZE, squares),
		KERN_SUCCESS);
	check_is("its object has a size", squares->attributes.size, 512 * VM_PAGE_SIZE);
	for (uint64_t n = 0; n < 512 * WORDS; n += 97)
		good = good && word(squares, n) == n * n;
	check("every page has its words", good);
	((volatile uint64_t *)squares->address)[7] = 1234;
	check_is("what is written goes to the pager", drop(squares, 512), 0);
	check("and comes back from it", word(squares, 7) == 1234 && word(squares, 8) == 64);
	check_is("an object that has no resize keeps its size",
		errno_of(file_set_attributes(
			squares->file, FILE_SET_SIZE, (file_attributes_t){.size = 4096}, &squares->attributes)),
		EPERM);
}

static void over_another(const struct mapped *squares)
{
	const uint64_t key = 0x5a5a5a5a5a5a5a5a;
	struct mapped xor ;
	bool good = true;

	check_is("a pager over another is mapped", open_object("xor", 512 * VM_PAGE_SIZE, &xor), KERN_SUCCESS);
	check_is("with the size of what is below", xor.attributes.size, 512 * VM_PAGE_SIZE);
	for (uint64_t n = WORDS; n < 512 * WORDS; n += 101)
		good = good && (word(&xor, n) ^ key) == n * n;
	check("it shows what is below, changed", good);
	((volatile uint64_t *)xor.address)[3 * WORDS] = 99;
	check_is("its file is synced", file_sync(xor.file, FALSE), KERN_SUCCESS);
	check("and what was written is below", word(squares, 3 * WORDS) == (99 ^ key));
	check_is("also when that has left memory", drop(squares, 512), 0);
	check("as below that", word(squares, 3 * WORDS) == (99 ^ key));
	((volatile uint64_t *)xor.address)[4 * WORDS] = 98;
	check_is("the pager is ended", bootstrap_terminate(bootstrap, "xor"), KERN_SUCCESS);
	check_is("a page that was not in memory comes from its next instance", read_error(&xor, 300), 0);
	check("with what is below", (word(&xor, 300 * WORDS) ^ key) == 300ull * WORDS * 300 * WORDS);
	check_is("what was written before goes there, too", file_sync(xor.file, FALSE), KERN_SUCCESS);
	check("and is below", word(squares, 4 * WORDS) == (98 ^ key));
}

static void over_a_disk(void)
{
	struct mapped xor ;
	mach_port_t service, disk;
	pointer_t data;
	mach_msg_type_number_t size;
	bool good;

	check_is("a pager over a disk is mapped", open_object("disk-xor", 64 * VM_PAGE_SIZE, &xor), KERN_SUCCESS);
	check_is("it has the disk's size", xor.attributes.size, (8 << 20) + 512);
	memset((void *)(xor.address + 9 * VM_PAGE_SIZE), 'x', VM_PAGE_SIZE);
	check_is("what is written to it is synced", file_sync(xor.file, FALSE), KERN_SUCCESS);
	check("the disk's server is there", bootstrap_look_up(bootstrap, "disk", &service) == KERN_SUCCESS &&
						    block_open(service, "disk0", &disk) == KERN_SUCCESS);
	good = block_read(disk, 9 * VM_PAGE_SIZE, 1024, &data, &size) == KERN_SUCCESS &&
	       ((const char *)data)[0] == ('x' ^ 0x55) && ((const char *)data)[1023] == ('x' ^ 0x55);
	check("and is on the disk, changed", good);
}

static void errors(void)
{
	struct mapped faulty;
	bool good = true;

	check_is("a pager with faults is mapped", open_object("faulty", 128 * VM_PAGE_SIZE, &faulty), KERN_SUCCESS);
	for (uint64_t page = 0; page < 32; page++)
		good = good && read_error(&faulty, page) == (page == 3 ? EIO : 0);
	check("only the page that cannot be read is an error", good);
	check("pages beside it have their contents", *(char *)(faulty.address + 4 * VM_PAGE_SIZE) == 4);
	check_is("there is nothing behind the end", read_error(&faulty, 32), EFBIG);

	check_is("a page is written", write_error(&faulty, 5, 55), 0);
	check_is("msync says that the pager could not",
		errno_of(portolan_vm_msync(mach_task_self(), faulty.address, VM_PAGE_SIZE * 32, FALSE)), ENOSPC);
	check_is("what was written is still there", word(&faulty, 5 * WORDS), 55);
	check_is("sync of the file tries again, and says it", errno_of(file_sync(faulty.file, FALSE)), ENOSPC);
	check_is("and again, when the fault is gone", file_sync(faulty.file, FALSE), KERN_SUCCESS);
	check_is("msync says what it has not said yet", drop(&faulty, 32), ENOSPC);
	check_is("nothing is left to write", drop(&faulty, 32), 0);
	check_is("the pager has it", word(&faulty, 5 * WORDS), 55);
}

static uint64_t forwarded(const struct mapped *m)
{
	pager_counters_t counters = {0};

	check_is("what a pager has done can be asked for", pager_counters(m->service, &counters), KERN_SUCCESS);
	return counters.pages_in > 64 ? 0 : counters.pages_forwarded;
}

/* Two that forward, one on the other, over computed pages. */
static void stacked(const struct mapped *words)
{
	struct mapped pass, pass2;
	uint64_t sixes = 0x0606060606060606;
	bool good = true;

	check_is("the middle one", open_object("pass", 64 * VM_PAGE_SIZE, &pass), KERN_SUCCESS);
	check_is("the upper one", open_object("pass2", 64 * VM_PAGE_SIZE, &pass2), KERN_SUCCESS);
	for (uint64_t n = 0; n < 64 * WORDS; n += 31)
		good = good && word(&pass2, n) == (n / WORDS == 6 ? sixes : word(words, n));
	check("above is what is below, but for what one has of its own", good);
	check("and it was forwarded", forwarded(&pass2) >= 511 && forwarded(&pass) >= 511);
	((volatile uint64_t *)words->address)[9 * WORDS] = 999;
	check("a write below is seen above at once", word(&pass2, 9 * WORDS) == 999 && word(&pass, 9 * WORDS) == 999);
	((volatile uint64_t *)pass.address)[10 * WORDS] = 1010;
	check("a write in the middle is seen above and not below",
		word(&pass2, 10 * WORDS) == 1010 && word(words, 10 * WORDS) == 10ull * WORDS * 10 * WORDS);
	((volatile uint64_t *)pass2.address)[9 * WORDS] = 99;
	check("a write above is not seen below", word(words, 9 * WORDS) == 999 && word(&pass, 9 * WORDS) == 999);
	check_is("it goes to the upper pager", drop(&pass2, 64), 0);
	check("and comes from it", word(&pass2, 9 * WORDS) == 99);
	((volatile uint64_t *)pass.address)[8 * WORDS] = 88;
	check("what a pager will forget is there until then", word(&pass2, 8 * WORDS) == 88);
	check_is("it is dropped", drop(&pass, 64), 0);
	check("and all see what is below again", word(&pass2, 8 * WORDS) == 8ull * WORDS * 8 * WORDS &&
							 word(&pass, 8 * WORDS) == word(&pass2, 8 * WORDS));
	check_is("the upper pager is ended", bootstrap_terminate(bootstrap, "pass2"), KERN_SUCCESS);
	check_is("its next instance forwards as well", read_error(&pass2, 30), 0);
	check("the same", word(&pass2, 30 * WORDS) == 30ull * WORDS * 30 * WORDS);
	check_is("the middle one is ended for good", bootstrap_terminate(bootstrap, "pass"), KERN_SUCCESS);
	while (read_error(&pass, 40) == 0)
		nap(10);
	check("then who stands on it has an error", read_error(&pass2, 41) != 0);
	check_is("and the lowest is as it was", read_error(words, 41), 0);
}

/* Called last: the page that cannot be written stays. */
static void never(void)
{
	struct mapped m;

	check_is("it is mapped a third time", open_object("faulty", 48 * VM_PAGE_SIZE, &m), KERN_SUCCESS);
	check_is("a page is written that the pager never takes", write_error(&m, 7, 77), 0);
	check_is("msync ends, and says so", errno_of(portolan_vm_msync(mach_task_self(), m.address, 48 * VM_PAGE_SIZE, FALSE)),
		ENOSPC);
	check_is("sync of the file, too", errno_of(file_sync(m.file, FALSE)), ENOSPC);
	check_is("and again", errno_of(file_sync(m.file, FALSE)), ENOSPC);
	check_is("the page is there", word(&m, 7 * WORDS), 77);
}

static int set_size(struct mapped *m, uint64_t pages)
{
	return errno_of(file_set_attributes(
		m->file, FILE_SET_SIZE, (file_attributes_t){.size = pages * VM_PAGE_SIZE}, &m->attributes));
}

static void sizes(void)
{
	struct mapped m;

	check_is("it is mapped once more", open_object("faulty", 128 * VM_PAGE_SIZE, &m), KERN_SUCCESS);
	check_is("a page behind the end is an error", read_error(&m, 40), EFBIG);
	check_is("the object grows", set_size(&m, 48), 0);
	check_is("to what was said", m.attributes.size, 48 * VM_PAGE_SIZE);
	check_is("and the page is there", read_error(&m, 40), 0);
	check_is("it is written", write_error(&m, 40, 4040), 0);
	check_is("a pager may refuse to grow", set_size(&m, 100), ENOSPC);
	check_is("the object shrinks", set_size(&m, 20), 0);
	check_is("what was cut off is gone, though it was in memory", read_error(&m, 40), EFBIG);
	check_is("what was not is there", word(&m, 5 * WORDS), 55);
	check_is("it grows again", set_size(&m, 48), 0);
	check("without what was cut off", read_error(&m, 40) == 0 && word(&m, 40 * WORDS) == 0);
}

static void nobody_writes(void)
{
	struct mapped m;

	check_is("a read-only pager is mapped", open_object("read-only", 32 * VM_PAGE_SIZE, &m), KERN_SUCCESS);
	check_is("its file says so", m.attributes.mode & 0222, 0);
	check("it can be read", read_error(&m, 1) == 0 && *(char *)(m.address + VM_PAGE_SIZE) == 1);
	check_is("a page in memory is not written", write_error(&m, 1, 5), EROFS);
	check_is("nor is one that is not", write_error(&m, 20, 5), EROFS);
	check("both can be read after that", read_error(&m, 1) == 0 && read_error(&m, 20) == 0 &&
						     *(char *)(m.address + VM_PAGE_SIZE) == 1 &&
						     *(char *)(m.address + 20 * VM_PAGE_SIZE) == 20);
}

/* With the argument squares only that pager. */
int main(int argc, char **argv)
{
	struct mapped squares;

	printf("group: pagers\n");
	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	computed(&squares);
	if (argc < 2 || strcmp(argv[1], "squares") != 0) {
		over_another(&squares);
		over_a_disk();
		errors();
		sizes();
		nobody_writes();
		stacked(&squares);
		never();
	}
	printf("pager tests: end\n");
	power_off();
	return failures != 0;
}
