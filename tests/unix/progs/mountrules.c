/* What a mount's flags refuse, and where a mount goes whose maker has a root of its own. For root, who may mount. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/sysmacros.h>
#include <sys/vfs.h>
#include <sys/wait.h>
#include <unistd.h>

#define PROC_MAGIC 0x9fa0

static void tell(const char *what, long result)
{
	printf("%s: %s\n", what, result < 0 ? strerrorname_np(errno) : "done");
}

static void set_flags(unsigned long flags)
{
	if (mount("", "/tmp", "", MS_REMOUNT | flags, NULL) != 0)
		perror("remount");
}

static void try_device(const char *when, int flags)
{
	int fd = open("/tmp/a-device", flags);

	tell(when, fd);
	if (fd >= 0)
		close(fd);
}

static void no_devices(void)
{
	tell("a device is made", mknod("/tmp/a-device", S_IFCHR | 0666, makedev(1, 3)));
	try_device("opened", O_RDWR);
	set_flags(MS_NODEV);
	try_device("opened with nodev", O_RDWR);
	try_device("its name with nodev", O_PATH);
	set_flags(0);
	try_device("opened without nodev", O_RDWR);
	unlink("/tmp/a-device");
}

static void *map(int fd, int protection)
{
	return mmap(NULL, 4096, protection, MAP_PRIVATE, fd, 0);
}

static void no_programs(void)
{
	static char page[4096];
	int fd = open("/tmp/a-program", O_RDWR | O_CREAT | O_TRUNC, 0755);
	void *at;

	tell("a program is written", write(fd, page, sizeof page));
	at = map(fd, PROT_READ | PROT_EXEC);
	tell("mapped", at == MAP_FAILED ? -1 : 0);
	set_flags(MS_NOEXEC);
	at = map(fd, PROT_READ | PROT_EXEC);
	tell("mapped with noexec", at == MAP_FAILED ? -1 : 0);
	at = map(fd, PROT_READ);
	tell("read with noexec", at == MAP_FAILED ? -1 : 0);
	tell("made a program afterwards", mprotect(at, 4096, PROT_READ | PROT_EXEC));
	set_flags(0);
	close(fd);
	unlink("/tmp/a-program");
}

static bool is_proc(const char *path)
{
	struct statfs facts;

	return statfs(path, &facts) == 0 && facts.f_type == PROC_MAGIC;
}

/* The mount is in the maker's root, not at the same name in everybody's. */
static void other_root(void)
{
	mkdir("/var/tmp/jail", 0755);
	mkdir("/var/tmp/jail/mnt", 0755);
	mkdir("/mnt", 0755);
	fflush(stdout);
	if (fork() == 0) {
		if (chroot("/var/tmp/jail") != 0 || chdir("/") != 0)
			_exit(1);
		_exit(mount("proc", "/mnt", "proc", 0, NULL) != 0);
	}
	wait(NULL);
	printf("in the other root: %d, in this one: %d\n", is_proc("/var/tmp/jail/mnt"), is_proc("/mnt"));
	if (symlink("/var/tmp/jail/mnt", "/var/tmp/to-it") != 0)
		perror("symlink");
	tell("an unknown flag", umount2("/var/tmp/jail/mnt", 0x80));
	tell("a link to it", umount2("/var/tmp/to-it", UMOUNT_NOFOLLOW));
	tell("followed", umount2("/var/tmp/to-it", 0));
}

int main(void)
{
	setvbuf(stdout, NULL, _IOLBF, 0);
	no_devices();
	no_programs();
	other_root();
	return 0;
}
