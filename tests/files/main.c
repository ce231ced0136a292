/* The file pagers, ext2 on a disk and ram, as a client of file.defs sees them: names, contents by mapping, the end of
 * files. */
#include "../interface/test.h"

#include <servers/bootstrap_user.h>
#include <servers/file_user.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define SIZE (300ull << 10)

static const char *kind;
static mach_port_t service, root;

static void say(char *line, size_t size, const char *name)
{
	snprintf(line, size, "%s: %s", kind, name);
}

#define file_check(name, good)                                                                                         \
	do {                                                                                                           \
		char line_[160];                                                                                       \
		say(line_, sizeof(line_), name);                                                                       \
		check(line_, good);                                                                                    \
	} while (0)
#define file_is(name, got, wanted)                                                                                     \
	do {                                                                                                           \
		char line_[160];                                                                                       \
		say(line_, sizeof(line_), name);                                                                       \
		check_is(line_, got, wanted);                                                                          \
	} while (0)

static void drop(mach_port_t right)
{
	mach_port_deallocate(mach_task_self(), right);
}

static uint64_t blocks_free(void)
{
	file_system_info_t info;

	return file_system_info(service, &info) == KERN_SUCCESS ? info.blocks_free : 0;
}

static mach_port_t make(mach_port_t directory, const char *name, unsigned mode)
{
	mach_port_t file = MACH_PORT_NULL;
	file_attributes_t a;
	kern_return_t result = file_make(directory, name, mode, 3, 4, 0, &file, &a);

	if (result != KERN_SUCCESS)
		printf("%s: %s is not made: %x\n", kind, name, (unsigned)result);
	return result == KERN_SUCCESS ? file : MACH_PORT_NULL;
}

static vm_address_t map(mach_port_t file, uint64_t size)
{
	mach_port_t object = MACH_PORT_NULL;
	vm_address_t address = 0;

	if (file_memory_object(file, &object) != KERN_SUCCESS ||
		vm_map(mach_task_self(), &address, size, 0, TRUE, object, 0, FALSE, VM_PROT_DEFAULT, VM_PROT_DEFAULT,
			VM_INHERIT_NONE) != KERN_SUCCESS)
		return 0;
	drop(object);
	return address;
}

static void unmap(vm_address_t address, uint64_t size)
{
	vm_deallocate(mach_task_self(), address, size);
}

static char pattern(uint64_t offset)
{
	return (char)(offset * 7 + offset / 4096 + 1);
}

static bool holds_pattern(vm_address_t address, uint64_t from, uint64_t to)
{
	while (from < to && ((const volatile char *)address)[from] == pattern(from))
		from++;
	return from == to;
}

static bool holds_zeros(vm_address_t address, uint64_t from, uint64_t to)
{
	while (from < to && ((const volatile char *)address)[from] == 0)
		from++;
	return from == to;
}

static kern_return_t set_size(mach_port_t file, uint64_t size)
{
	file_attributes_t values = {.size = size}, a;

	return file_set_attributes(file, FILE_SET_SIZE, values, &a);
}

/* A file of SIZE bytes of the pattern, written through a mapping. */
static mach_port_t make_pattern(const char *name)
{
	mach_port_t file = make(root, name, S_IFREG | 0640);
	vm_address_t address;
	uint64_t i;

	file_is("space for a file", file_allocate(file, 0, SIZE, SIZE), KERN_SUCCESS);
	address = map(file, SIZE);
	file_check("a file is mapped, and reads as zeros", address != 0 && holds_zeros(address, 0, SIZE));
	for (i = 0; address && i < SIZE; i++)
		((volatile char *)address)[i] = pattern(i);
	unmap(address, SIZE);
	return file;
}

static void contents(void)
{
	enum { CUT = 3 * VM_PAGE_SIZE };
	mach_port_t file = make_pattern("contents"), again = MACH_PORT_NULL;
	vm_address_t address, second;
	file_attributes_t a;
	char bytes[8];

	file_is("a file is found", file_look_up(root, "contents", &again, &a), KERN_SUCCESS);
	file_check("by the same port, with its attributes", again == file && a.size == SIZE &&
								    a.mode == (S_IFREG | 0640) && a.uid == 3 &&
								    a.gid == 4 && a.links == 1);
	drop(again);
	address = map(file, SIZE);
	file_check("what a mapping wrote is there when it is mapped again",
		address != 0 && holds_pattern(address, 0, SIZE));
	second = map(file, SIZE);
	((volatile char *)address)[5] = 'x';
	file_check("two mappings are one", ((volatile char *)second)[5] == 'x');
	((volatile char *)address)[5] = pattern(5);
	unmap(second, SIZE);
	file_is("a file is written back", file_sync(file, FALSE), KERN_SUCCESS);
	file_is("a file is cut in the middle of a page", set_size(file, 10000), KERN_SUCCESS);
	file_check("what is before the end stays, after it are zeros to the page's end",
		holds_pattern(address, 0, 10000) && holds_zeros(address, 10000, CUT));
	file_is("and behind that there is nothing",
		FILE_ERRNO(task_copy_from(mach_task_self(), address + CUT, sizeof bytes, bytes, 0, NULL)), EFBIG);
	file_is("a file grows", set_size(file, SIZE), KERN_SUCCESS);
	file_check("by zeros", holds_pattern(address, 0, 10000) && holds_zeros(address, 10000, SIZE));
	unmap(address, SIZE);
	drop(file);
	file_is("a file whose port went is found", file_look_up(root, "contents", &file, &a), KERN_SUCCESS);
	address = map(file, SIZE);
	file_check("with all it held",
		address != 0 && holds_pattern(address, 0, 10000) && holds_zeros(address, 10000, SIZE));
	unmap(address, SIZE);
	drop(file);
}

/* Waits for the pager to notice that nobody has a file any more. */
static bool free_again(uint64_t wanted)
{
	unsigned i;

	for (i = 0; i < 200 && blocks_free() < wanted; i++)
		thread_switch(MACH_PORT_NULL, 2, 10);
	return blocks_free() >= wanted;
}

static void ends(void)
{
	uint64_t before = blocks_free();
	mach_port_t file = make_pattern("ends"), none;
	vm_address_t address = map(file, SIZE);
	file_attributes_t a;

	file_is("an open file is removed", file_unlink(root, "ends", FALSE), KERN_SUCCESS);
	file_check("its name is gone", FILE_ERRNO(file_look_up(root, "ends", &none, &a)) == ENOENT);
	file_check("its contents are not", holds_pattern(address, 0, SIZE));
	drop(file);
	file_check("a mapping alone keeps it", holds_pattern(address, 0, SIZE) && blocks_free() < before);
	unmap(address, SIZE);
	file_check("after the last mapping its space is free", free_again(before));
}

static void names(void)
{
	enum { COUNT = 300 };
	static char entries[FILE_ENTRIES_SIZE];
	mach_port_t directory = make(root, "names", S_IFDIR | 0755), file, other = make(root, "other", S_IFDIR | 0755);
	mach_msg_type_number_t length = 0, at;
	file_attributes_t a;
	unsigned made = 0, listed = 0, i;
	uint64_t cookie = 0;
	char name[32];
	file_path_t target = {0};

	for (i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "file-number-%u", i);
		file = make(directory, name, S_IFREG | 0600);
		made += file != MACH_PORT_NULL;
		drop(file);
	}
	file_is("300 files are made", made, COUNT);
	while ((length = sizeof(entries)) && file_read_directory(directory, cookie, entries, &length) == KERN_SUCCESS &&
		length) {
		for (at = 0; at < length; at += ((struct file_entry *)(void *)(entries + at))->length) {
			cookie = ((struct file_entry *)(void *)(entries + at))->cookie;
			listed++;
		}
	}
	file_is("all are listed, and . and ..", listed, COUNT + 2);
	file_check("a directory that is not empty stays", FILE_ERRNO(file_unlink(root, "names", TRUE)) == ENOTEMPTY);
	file_check("a directory does not go below itself",
		FILE_ERRNO(file_rename(root, "names", directory, "x", 0)) == EINVAL);
	file_is("a file moves to another directory", file_rename(directory, "file-number-7", other, "seven", 0),
		KERN_SUCCESS);
	file_is("a directory moves into another", file_rename(root, "names", other, "inside", 0), KERN_SUCCESS);
	file_check("its .. is the new one", file_look_up(directory, "..", &file, &a) == KERN_SUCCESS && file == other);
	drop(file);
	file_is("a link", file_look_up(other, "seven", &file, &a), KERN_SUCCESS);
	file_check("is made", file_link(file, directory, "eight") == KERN_SUCCESS &&
				      file_get_attributes(file, &a) == KERN_SUCCESS && a.links == 2);
	drop(file);
	file_check("a symbolic link is read",
		file_symlink(directory, "link", "/a/target", 0, 0, &file, &a) == KERN_SUCCESS &&
			file_read_link(file, target) == KERN_SUCCESS && strcmp(target, "/a/target") == 0);
	drop(file);
	for (i = 0; i < COUNT; i++) {
		snprintf(name, sizeof(name), "file-number-%u", i);
		made -= file_unlink(directory, name, FALSE) == KERN_SUCCESS;
	}
	file_is("all but the one that moved are removed", made, 1);
	drop(directory);
	drop(other);
}

static void fill(void)
{
	uint64_t before = blocks_free(), size = 0;
	mach_port_t file = make(root, "fill", S_IFREG | 0600);
	kern_return_t result;
	file_attributes_t a;

	while ((result = file_allocate(file, size, 1 << 20, size + (1 << 20))) == KERN_SUCCESS)
		size += 1 << 20;
	file_check("a full file system says so", FILE_ERRNO(result) == ENOSPC && size > 1 << 20);
	file_check("and the file is as long as what fitted",
		file_get_attributes(file, &a) == KERN_SUCCESS && a.size == size);
	file_check("a size beyond every limit", FILE_ERRNO(file_allocate(file, 1ull << 62, 1, 0)) == EFBIG);
	file_is("it is removed", file_unlink(root, "fill", FALSE), KERN_SUCCESS);
	drop(file);
	file_check("and all is free again", free_again(before));
}

static void bad_requests(void)
{
	mach_port_t file = make(root, "bad", S_IFREG | 0600), none;
	file_attributes_t a;

	file_check("a look-up in a file", FILE_ERRNO(file_look_up(file, "x", &none, &a)) == ENOTDIR);
	file_check("an empty name", FILE_ERRNO(file_look_up(root, "", &none, &a)) == ENOENT);
	file_check("a name with a slash", FILE_ERRNO(file_look_up(root, "a/b", &none, &a)) == EINVAL);
	file_check("the service is no file", FILE_ERRNO(file_get_attributes(service, &a)) == ESTALE);
	file_check("a file is no service", FILE_ERRNO(file_system_sync(file)) == ESTALE);
	file_check("a foreign port is no directory", FILE_ERRNO(file_link(file, mach_task_self(), "x")) == EXDEV);
	file_check("a directory has no contents", FILE_ERRNO(file_memory_object(root, &none)) == ENODEV);
	file_is("a file with a bad past is removed", file_unlink(root, "bad", FALSE), KERN_SUCCESS);
	drop(file);
}

static void run(const char *name)
{
	mach_port_t bootstrap;
	file_attributes_t a;

	kind = name;
	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	file_is("the service is there", bootstrap_look_up(bootstrap, name, &service), KERN_SUCCESS);
	file_is("the root is there", file_system_root(service, &root, &a), KERN_SUCCESS);
	file_check("the root is a directory", S_ISDIR(a.mode));
	contents();
	ends();
	names();
	fill();
	bad_requests();
	file_is("all is written", file_system_sync(service), KERN_SUCCESS);
}

int main(void)
{
	mach_port_t file;

	run("tmp");
	run("root");
	/* What the host looks at afterwards. */
	file = make_pattern("for-the-host");
	drop(file);
	file_is("the file system is stopped", file_system_stop(service), KERN_SUCCESS);
	file_check("after that nothing is made", make(root, "late", S_IFREG | 0600) == MACH_PORT_NULL);
	printf("file tests: %d failed\nfile tests: end\n", failures);
	power_off();
	return failures != 0;
}
