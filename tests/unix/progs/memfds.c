/* Files of memfd_create, and seals. */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static char *volatile nowhere = (char *)8; /* not memory */

static void say(const char *what, long result)
{
	if (result < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %ld\n", what, result);
	fflush(stdout);
}

#define SAY(call) say(#call, (long)(call))

static void made(void)
{
	char name[300], path[64], link[300];
	struct stat st;
	ssize_t size;
	int fd = memfd_create("a name", 0), other;

	fstat(fd, &st);
	printf("links %ld mode %o size %ld\n", (long)st.st_nlink, st.st_mode, (long)st.st_size);
	SAY(write(fd, "contents", 8));
	SAY(pread(fd, name, 8, 0));
	SAY(lseek(fd, 0, SEEK_END));
	SAY(fcntl(fd, F_GETFD));
	SAY(fcntl(fd, F_GETFL) & O_ACCMODE);
	sprintf(path, "/proc/self/fd/%d", fd);
	size = readlink(path, link, sizeof link);
	printf("%.*s\n", (int)size, link);
	other = open(path, O_RDONLY);
	SAY(read(other, name, 3));
	close(other);
	SAY(linkat(AT_FDCWD, path, AT_FDCWD, "/tmp/never", AT_SYMLINK_FOLLOW) < 0);
	SAY(fcntl(fd, F_GET_SEALS));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	close(fd);
	fd = memfd_create("", MFD_CLOEXEC);
	SAY(fcntl(fd, F_GETFD));
	close(fd);
	memset(name, 'n', sizeof name);
	name[249] = 0;
	fd = memfd_create(name, 0);
	SAY(fd >= 0);
	close(fd);
	name[249] = 'n';
	name[250] = 0;
	SAY(memfd_create(name, 0));
	SAY(memfd_create("x", 0x8000000));
	SAY(memfd_create(nowhere, 0));
}

static void sealed(void)
{
	char bytes[10] = "", path[64];
	int fd = memfd_create("sealed", MFD_ALLOW_SEALING), pipes[2], reader, file;
	char *map, *other;

	SAY(fcntl(fd, F_GET_SEALS));
	SAY(ftruncate(fd, 8192));
	SAY(fcntl(fd, F_ADD_SEALS, 0x1000));
	sprintf(path, "/proc/self/fd/%d", fd);
	reader = open(path, O_RDONLY);
	SAY(fcntl(reader, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(fcntl(reader, F_GET_SEALS));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(ftruncate(fd, 4096));
	SAY(ftruncate(fd, 8192));
	SAY(ftruncate(fd, 9000));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_GROW));
	SAY(ftruncate(fd, 10000));
	SAY(fallocate(fd, 0, 0, 20000));
	SAY(fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, 20000));
	SAY(pwrite(fd, bytes, 10, 9000));
	SAY(pwrite(fd, bytes, 10, 8900));
	map = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	munmap(map, 8192);
	map = mmap(NULL, 8192, PROT_READ, MAP_SHARED, reader, 0);
	other = mmap(NULL, 8192, PROT_READ | PROT_WRITE, MAP_PRIVATE, fd, 0);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_WRITE));
	other[0] = 'p';
	SAY(map[0]);
	SAY(fcntl(fd, F_GET_SEALS));
	SAY(write(fd, bytes, 1));
	SAY(fallocate(fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, 0, 4096));
	SAY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	SAY(mmap(NULL, 4096, PROT_READ, MAP_SHARED, reader, 0) == MAP_FAILED ? -1 : 0);
	file = open("/etc/passwd", O_RDONLY);
	SAY(sendfile(fd, file, NULL, 10));
	close(file);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL));
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK));
	SAY(fcntl(fd, F_GET_SEALS));
	close(fd);
	fd = memfd_create("future", MFD_ALLOW_SEALING);
	ftruncate(fd, 4096);
	map = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	SAY(fcntl(fd, F_ADD_SEALS, F_SEAL_FUTURE_WRITE));
	map[0] = 'm';
	SAY(pread(fd, bytes, 1, 0));
	SAY(bytes[0]);
	SAY(write(fd, "x", 1));
	SAY(mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) == MAP_FAILED ? -1 : 0);
	other = mmap(NULL, 4096, PROT_READ, MAP_SHARED, fd, 0);
	SAY(mprotect(other, 4096, PROT_READ | PROT_WRITE));
	pipe(pipes);
	SAY(fcntl(pipes[0], F_GET_SEALS));
	SAY(fcntl(pipes[1], F_ADD_SEALS, F_SEAL_SEAL));
	SAY(fcntl(99, F_GET_SEALS));
}

/* A program that was never in a folder. */
static void run(void)
{
	char *const arguments[] = {"memfds", "child", NULL};
	int fd = memfd_create("program", MFD_CLOEXEC), self = open("/proc/self/exe", O_RDONLY), status;
	struct stat st;

	fstat(self, &st);
	for (off_t left = st.st_size; left > 0;) {
		ssize_t sent = sendfile(fd, self, NULL, (size_t)left);

		if (sent <= 0)
			break;
		left -= sent;
	}
	if (fork() == 0) {
		fexecve(fd, arguments, environ);
		say("fexecve", -1);
		_exit(1);
	}
	wait(&status);
	SAY(WEXITSTATUS(status));
}

int main(int argc, char **argv)
{
	char link[100];
	ssize_t size;

	if (argc > 1 && strcmp(argv[1], "child") == 0) {
		size = readlink("/proc/self/exe", link, sizeof link);
		printf("runs as %.*s\n", (int)size, link);
		return 7;
	}
	made();
	sealed();
	run();
	return 0;
}
