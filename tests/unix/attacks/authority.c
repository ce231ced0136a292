/*
 * authority [armed]: a process tries to be more than a Unix process: to use the kernel beneath, to find servers and to
 * call them, from every place where its own instructions run. armed: says instead whether all of it works for a program
 * to which root gave the right, so that the attack is known to be one.
 */
#define _GNU_SOURCE
#include "attack.h"

#include <errno.h>
#include <fcntl.h>
#include <mach/mach.h>
#include <pthread.h>
#include <servers/block_user.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>
#include <servers/unix.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { NAMES_GUESSED = 4096, NUMBERS_BELOW_LAST = 40, BLOCK = 4096 };

static const char *const services[] = {"root", "disk", "tmp", "run", "unix"};
enum { SERVICES = sizeof services / sizeof services[0] };

/* A system call with known words in all registers; whether it said ENOSYS and changed none of those that calls keep. */
static bool is_no_call(int64_t number)
{
	static const uint64_t before[] = {0x1111, 0x2222, 0x3333, 0x4444, 0x5555};
	uint64_t kept[5];
	int64_t result;

	__asm__ volatile("movq $0x1111, %%rbx\n\tmovq $0x2222, %%r12\n\tmovq $0x3333, %%r13\n\t"
			 "movq $0x4444, %%r14\n\tmovq $0x5555, %%r15\n\tsyscall\n\t"
			 "movq %%rbx, 0(%[kept])\n\tmovq %%r12, 8(%[kept])\n\tmovq %%r13, 16(%[kept])\n\t"
			 "movq %%r14, 24(%[kept])\n\tmovq %%r15, 32(%[kept])"
			 : "=a"(result)
			 : "a"(number), [kept] "r"(kept), "D"(0), "S"(0), "d"(0)
			 : "rbx", "rcx", "r11", "r12", "r13", "r14", "r15", "memory");
	return result == -ENOSYS && memcmp(kept, before, sizeof kept) == 0;
}

/* Every trap, numbers that were none, and some far off (of which the lower half is what counts, as on Linux). */
static bool no_negative_number_is_a_call(void)
{
	static const int64_t far[] = {-511, -4096, INT32_MIN, INT64_MIN + INT32_MAX, INT64_MIN + 0xfffff};
	int64_t number;
	unsigned i;

	for (number = -1; number >= -TRAP_LAST - NUMBERS_BELOW_LAST; number--)
		if (!is_no_call(number)) {
			fprintf(stderr, "number %lld is a call\n", (long long)number);
			return false;
		}
	for (i = 0; i < sizeof far / sizeof far[0]; i++)
		if (!is_no_call(far[i]))
			return false;
	return true;
}

static bool is_name(int64_t result)
{
	return result > 0 && result < UINT32_MAX;
}

/* What a Mach task would do: its own port, and by that its bootstrap port. */
static mach_port_t bootstrap_port(void)
{
	mach_port_t port = MACH_PORT_NULL;

	mach_task_self_ = (mach_port_t)mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0);
	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &port) != KERN_SUCCESS)
		return MACH_PORT_NULL;
	return port;
}

static mach_port_t look_up(mach_port_t bootstrap, const char *service)
{
	service_name_t name = {0};
	mach_port_t port = MACH_PORT_NULL;

	strcpy(name, service);
	return bootstrap_look_up(bootstrap, name, &port) == KERN_SUCCESS ? port : MACH_PORT_NULL;
}

/* The names by which servers might be reached without a look-up. */
static unsigned names_that_can_be_sent_to(void)
{
	unsigned found = 0, i;

	for (i = 1; i < NAMES_GUESSED; i++) {
		mach_msg_header_t message = {0};

		message.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, 0);
		message.msgh_size = sizeof message;
		message.msgh_remote_port = i << 8;
		if (mach_msg_trap(&message, MACH_SEND_MSG | MACH_SEND_TIMEOUT, sizeof message, 0, 0, 0, 0) ==
			MACH_MSG_SUCCESS)
			found++;
	}
	return found;
}

/* Removes a file of root's past Unix, in the file server itself. */
static void unlink_passwd(mach_port_t root_server)
{
	file_attributes_t attributes;
	file_name_t name = {0};
	mach_port_t root = MACH_PORT_NULL, etc = MACH_PORT_NULL;

	file_system_root(root_server, &root, &attributes);
	strcpy(name, "etc");
	file_look_up(root, name, &etc, &attributes);
	memset(name, 0, sizeof name);
	strcpy(name, "passwd");
	attack_check("file_unlink of /etc/passwd", file_unlink(etc, name, FALSE) != KERN_SUCCESS);
}

static void use_disk(mach_port_t disk)
{
	static char block[BLOCK];
	device_name_t name = {0};
	mach_port_t device = MACH_PORT_NULL;
	pointer_t data = 0;
	mach_msg_type_number_t size = 0;

	strcpy(name, "disk0");
	attack_check("block_open", block_open(disk, name, &device) != KERN_SUCCESS);
	attack_check("block_read", block_read(device, 0, BLOCK, &data, &size) != KERN_SUCCESS);
	attack_check("block_write", block_write(device, 0, (pointer_t)(uintptr_t)block, BLOCK) != KERN_SUCCESS);
}

static void end_servers(mach_port_t bootstrap)
{
	static const char *const victims[] = {"tmp", "disk", "ext2", "unix"};
	unsigned i;

	for (i = 0; i < sizeof victims / sizeof victims[0]; i++) {
		service_name_t name = {0};

		strcpy(name, victims[i]);
		attack_check("bootstrap_terminate", bootstrap_terminate(bootstrap, name) != KERN_SUCCESS);
	}
}

/* All that needs a port, from one place. */
static void composed(const char *where)
{
	mach_port_t bootstrap = bootstrap_port(), found[SERVICES];
	char what[128];
	unsigned i;

	snprintf(what, sizeof what, "a bootstrap port %s", where);
	attack_check(what, bootstrap == MACH_PORT_NULL);
	for (i = 0; i < SERVICES; i++) {
		found[i] = look_up(bootstrap, services[i]);
		snprintf(what, sizeof what, "look-up of %s %s", services[i], where);
		attack_check(what, found[i] == MACH_PORT_NULL);
	}
	unlink_passwd(found[0]);
	use_disk(found[1]);
	end_servers(bootstrap);
	host_reboot(mach_host_self(), HOST_REBOOT_HALT);
}

static void from(const char *where)
{
	char what[128];

	snprintf(what, sizeof what, "a negative number that is a call %s", where);
	attack_check(what, no_negative_number_is_a_call());
	snprintf(what, sizeof what, "a name of oneself %s", where);
	attack_check(what, !is_name(mach_trap(TRAP_TASK_SELF, 0, 0, 0, 0, 0, 0)) &&
				   !is_name(mach_trap(TRAP_THREAD_SELF, 0, 0, 0, 0, 0, 0)) &&
				   !is_name(mach_trap(TRAP_HOST_SELF, 0, 0, 0, 0, 0, 0)) &&
				   !is_name(mach_trap(TRAP_REPLY_PORT, 0, 0, 0, 0, 0, 0)));
}

static volatile sig_atomic_t handled;
static int *volatile nowhere; /* not known to the compiler to be null */

static void handler(int signal)
{
	(void)signal;
	if (!handled)
		from("in a signal handler");
	handled = 1;
}

static void fault_handler(int signal)
{
	(void)signal;
	_exit(no_negative_number_is_a_call() ? 0 : 1);
}

static void *in_thread(void *argument)
{
	(void)argument;
	from("in a second thread");
	return NULL;
}

static void in_child(pid_t child, const char *what)
{
	int status = 0;

	attack_check(what,
		child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) && WEXITSTATUS(status) == 0);
}

static void children(const char *self)
{
	pid_t child = fork();
	pthread_t thread;

	if (child == 0)
		_exit(no_negative_number_is_a_call() ? 0 : 1);
	in_child(child, "a trap after fork");
	child = vfork();
	if (child == 0)
		_exit(no_negative_number_is_a_call() ? 0 : 1);
	in_child(child, "a trap in vfork");
	child = fork();
	if (child == 0) {
		execl(self, self, "plain", (char *)NULL);
		_exit(127);
	}
	in_child(child, "a trap after exec");
	/* An exception still becomes a signal, and its handler is no better off. */
	child = fork();
	if (child == 0) {
		signal(SIGSEGV, fault_handler);
		*nowhere = 1;
	}
	in_child(child, "a trap in the handler of a fault");
	if (pthread_create(&thread, NULL, in_thread, NULL) == 0)
		pthread_join(thread, NULL);
}

/* With the right: what the attack does, where it does no harm. */
static int armed(void)
{
	mach_port_t bootstrap = bootstrap_port(), root = look_up(bootstrap, "root"), directory = MACH_PORT_NULL;
	file_attributes_t attributes;
	int status = 0;
	pid_t child;

	printf("bootstrap port %d\n", MACH_PORT_VALID(bootstrap));
	printf("root %d\n", MACH_PORT_VALID(root) && file_system_root(root, &directory, &attributes) == KERN_SUCCESS);
	printf("sends to names %d\n", names_that_can_be_sent_to() > 0);
	printf("calls %d\n", !no_negative_number_is_a_call());
	/* The right is this program's alone. */
	child = fork();
	if (child == 0)
		_exit(no_negative_number_is_a_call() ? 0 : 1);
	waitpid(child, &status, 0);
	printf("a child calls %d\n", WEXITSTATUS(status));
	fflush(stdout);
	execl("/proc/self/exe", "authority", "plain", (char *)NULL);
	return 1;
}

int main(int argc, char **argv)
{
	struct stat about;

	if (argc > 1 && strcmp(argv[1], "armed") == 0)
		return armed();
	if (argc > 1) {
		bool none = no_negative_number_is_a_call();

		printf("after exec: calls %d\n", !none);
		return none ? 0 : 1;
	}
	from("at the start");
	signal(SIGUSR1, handler);
	raise(SIGUSR1);
	attack_check("a signal is handled", handled == 1);
	children("/proc/self/exe");
	attack_check("the right to be a Mach program",
		prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_TRAPS, 0, 0, 0) == -1 && errno == EPERM);
	attack_check("a name that can be sent to", names_that_can_be_sent_to() == 0);
	composed("by looking up");
	attack_check("/etc/passwd is gone", stat("/etc/passwd", &about) == 0);
	return attack_end();
}
