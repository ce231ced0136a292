/* inotify: which events come, in which order, with which names; how they are read; how watches are made, changed and end. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <sys/xattr.h>
#include <unistd.h>

static int watcher;
static char buffer[65536] __attribute__((aligned(8)));

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static void print(ssize_t size)
{
	static uint32_t last_cookie;

	for (char *at = buffer; at < buffer + size;) {
		const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

		printf("  %d %x", event->wd, event->mask);
		if (event->cookie != 0) {
			printf(event->cookie == last_cookie ? " same" : " move");
			last_cookie = event->cookie;
		}
		printf(event->len != 0 ? " %s (%u)\n" : "\n", event->name, event->len);
		at += sizeof *event + event->len;
	}
	fflush(stdout);
}

/* What has come since the last time. */
static void show(const char *what)
{
	ssize_t size = read(watcher, buffer, sizeof buffer);

	printf("%s:%s\n", what, size < 0 ? strerrorname_np(errno) : "");
	print(size);
}

static void put(const char *name)
{
	int fd = open(name, O_WRONLY | O_CREAT | O_TRUNC, 0644);

	write(fd, "bytes", 5);
	close(fd);
}

static void of_a_folder(void)
{
	struct timeval times[2] = {{1000, 0}, {2000, 0}};
	int fd, other;

	mkdir("d", 0755);
	SAY(inotify_add_watch(watcher, "d", IN_ALL_EVENTS));
	fd = open("d/one", O_RDWR | O_CREAT, 0644);
	show("made");
	write(fd, "x", 1);
	write(fd, "y", 1);
	show("written twice");
	pread(fd, buffer, 1, 0);
	show("read");
	SAY(read(fd, buffer, 5));
	show("read at the end");
	for (int i = 0; i < 3; i++) {
		lseek(fd, 0, SEEK_SET);
		SAY(read(fd, buffer, 1));
		show("read again");
	}
	fchmod(fd, 0600);
	chown("d/one", 0, 0);
	utimes("d/one", times);
	fsetxattr(fd, "user.x", "v", 1, 0);
	show("attributes");
	ftruncate(fd, 100);
	ftruncate(fd, 0);
	fallocate(fd, 0, 0, 10);
	show("sizes");
	close(fd);
	show("closed");
	fd = open("d/one", O_RDONLY);
	other = dup(fd);
	close(fd);
	show("opened to read, one of two closed");
	close(other);
	show("both closed");
	close(open("d/one", O_WRONLY | O_TRUNC));
	show("opened to write and cut");
	link("d/one", "d/linked");
	symlink("one", "d/symbolic");
	mkdir("d/sub", 0755);
	mkfifo("d/fifo", 0644);
	show("names made");
	rename("d/one", "d/two");
	rename("d/two", "outside");
	rename("outside", "d/back");
	rename("d/back", "d/linked"); /* two names of one file */
	show("moved");
	rename("d/sub", "d/sub2");
	rename("d/back", "d/symbolic"); /* replaces */
	show("moved over another");
	unlink("d/linked");
	unlink("d/symbolic");
	unlink("d/fifo");
	rmdir("d/sub2");
	show("removed");
	fd = open("d", O_RDONLY | O_DIRECTORY);
	close(fd);
	show("the folder opened");
	chmod("d", 0700);
	show("the folder changed");
	rename("d", "e");
	show("the folder moved");
	fd = open("e/open", O_RDWR | O_CREAT, 0644);
	unlink("e/open");
	write(fd, "x", 1);
	close(fd);
	show("used after it was removed");
	rmdir("e");
	show("the folder removed");
	SAY(inotify_rm_watch(watcher, 1));
}

static void of_a_file(void)
{
	int fd;

	put("f");
	SAY(inotify_add_watch(watcher, "f", IN_ALL_EVENTS) > 0);
	put("f");
	show("written");
	link("f", "g");
	unlink("f");
	show("another name");
	fd = open("g", O_RDONLY);
	unlink("g");
	show("no name, but open");
	close(fd);
	show("gone");
	put("f");
	SAY(inotify_add_watch(watcher, "f", IN_MODIFY | IN_ONESHOT) > 0);
	put("f");
	put("f");
	show("once");
	SAY(inotify_add_watch(watcher, "f", IN_OPEN) > 0);
	close(open("f", O_RDONLY));
	show("opened");
	SAY(inotify_add_watch(watcher, "f", IN_CLOSE | IN_MASK_ADD) > 0);
	close(open("f", O_RDONLY));
	show("opened and closed");
	SAY(inotify_add_watch(watcher, "f", IN_MODIFY) > 0);
	close(open("f", O_RDONLY));
	show("no more");
	SAY(inotify_add_watch(watcher, "f", IN_MODIFY | IN_MASK_CREATE));
	SAY(inotify_add_watch(watcher, "f", IN_MASK_ADD | IN_MODIFY | IN_MASK_CREATE));
	unlink("f");
	show("unlinked");
}

static void watches(void)
{
	int first, second, fd;

	mkdir("w", 0755);
	put("w/x");
	symlink("x", "w/link");
	SAY(inotify_add_watch(watcher, "w/x", 0));
	SAY(inotify_add_watch(watcher, "w/none", IN_OPEN));
	SAY(inotify_add_watch(watcher, "w/x", IN_OPEN | IN_ONLYDIR));
	SAY(inotify_add_watch(0, "w/x", IN_OPEN));
	SAY(inotify_add_watch(99, "w/x", IN_OPEN));
	SAY(inotify_rm_watch(watcher, 9999));
	SAY(inotify_rm_watch(0, 1));
	first = inotify_add_watch(watcher, "w/x", IN_OPEN);
	second = inotify_add_watch(watcher, "w/link", IN_OPEN);
	printf("through a link the same: %d\n", first == second);
	second = inotify_add_watch(watcher, "w/link", IN_OPEN | IN_DONT_FOLLOW);
	printf("of the link itself another: %d\n", first != second);
	SAY(inotify_rm_watch(watcher, second));
	SAY(inotify_rm_watch(watcher, second));
	second = inotify_add_watch(watcher, "w", IN_ALL_EVENTS | IN_EXCL_UNLINK);
	printf("a number is not given again at once: %d\n", second == first + 2);
	fd = open("w/x", O_RDWR);
	show("the folder first, then the file");
	unlink("w/x");
	write(fd, "x", 1);
	close(fd);
	show("nothing of what was unlinked");
	unlink("w/link");
	rmdir("w");
	show("ended");
	SAY(inotify_init1(~(IN_CLOEXEC | IN_NONBLOCK)));
	SAY(fcntl(watcher, F_GETFL) & O_ACCMODE);
	SAY(write(watcher, "x", 1));
	SAY(lseek(watcher, 0, SEEK_SET));
}

static void reading(void)
{
	struct pollfd poll_for = {.fd = watcher, .events = POLLIN};
	int status, bytes, blocking = inotify_init();
	ssize_t size;

	mkdir("r", 0755);
	SAY(inotify_add_watch(watcher, "r", IN_CREATE | IN_DELETE) > 0);
	SAY(poll(&poll_for, 1, 0));
	put("r/a");
	put("r/a name of more than sixteen bytes");
	put("r/exactly sixteen");
	put("r/fifteen  bytes_");
	SAY(poll(&poll_for, 1, 0));
	ioctl(watcher, FIONREAD, &bytes);
	printf("%d bytes to read\n", bytes);
	SAY(read(watcher, buffer, 10));
	SAY(read(watcher, buffer, 31));
	size = read(watcher, buffer, 90);
	printf("two fit: %ld\n", (long)size);
	print(size);
	show("the others");
	SAY(inotify_add_watch(blocking, "r", IN_CREATE) > 0);
	fflush(stdout);
	if (fork() == 0) {
		usleep(50000);
		put("r/late");
		_exit(0);
	}
	size = read(blocking, buffer, sizeof buffer);
	printf("waited: %ld\n", (long)size);
	print(size);
	wait(&status);
	show("the other hears of it, too");
	system("rm -r r");
	close(blocking);
}

/* More than a queue holds. */
static void overflow(void)
{
	unsigned events = 0, overflows = 0;
	ssize_t size;

	mkdir("o", 0755);
	inotify_add_watch(watcher, "o", IN_CREATE | IN_DELETE);
	for (int i = 0; i < 9000; i++) {
		close(open("o/x", O_CREAT | O_WRONLY, 0600));
		unlink("o/x");
	}
	while ((size = read(watcher, buffer, sizeof buffer)) > 0)
		for (char *at = buffer; at < buffer + size;) {
			const struct inotify_event *event = (const struct inotify_event *)(const void *)at;

			events++;
			overflows += event->mask & IN_Q_OVERFLOW && event->wd == -1 ? 1 : 0;
			at += sizeof *event + event->len;
		}
	printf("%u events, %u of them that some are lost\n", events, overflows);
	rmdir("o");
	show("and it goes on");
}

static void others(void)
{
	int status;

	mkdir("secret", 0700);
	fflush(stdout);
	chmod(".", 0755);
	if (fork() == 0) {
		setgroups(0, NULL);
		setgid(1000);
		setuid(1000);
		SAY(inotify_add_watch(watcher, "secret", IN_OPEN));
		_exit(0);
	}
	wait(&status);
	rmdir("secret");
}

int main(int argc, char **argv)
{
	char folder[64] = "notices.XXXXXX";

	if (argc < 2 || chdir(argv[1]) != 0 || mkdtemp(folder) == NULL || chdir(folder) != 0)
		return 1;
	watcher = inotify_init1(IN_NONBLOCK | IN_CLOEXEC);
	show("nothing yet");
	of_a_folder();
	of_a_file();
	watches();
	reading();
	overflow();
	others();
	chdir("..");
	return rmdir(folder);
}
