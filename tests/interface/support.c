/* Helpers of the tests that run as boot modules: checks, ports, messages, tasks, threads. */
#include "test.h"

#include <pthread.h>
#include <servers/bootstrap_user.h>
#include <stdlib.h>
#include <string.h>

int failures;

bool check_at(const char *name, bool good, long long got, const char *file, int line)
{
	if (good) {
		printf("PASS %s\n", name);
	} else {
		const char *base = strrchr(file, '/');
		printf("FAIL %s: %s:%d: got %lld (%#llx)\n", name, base ? base + 1 : file, line, got,
			(unsigned long long)got);
		failures++;
	}
	fflush(stdout);
	return good;
}

mach_port_t new_port(void)
{
	mach_port_t port = MACH_PORT_NULL;
	kern_return_t result = mach_port_allocate(mach_task_self(), MACH_PORT_RIGHT_RECEIVE, &port);

	if (result == KERN_SUCCESS)
		result = mach_port_insert_right(mach_task_self(), port, port, MACH_MSG_TYPE_MAKE_SEND);
	if (result != KERN_SUCCESS)
		check_at("a port is made", false, result, __FILE__, __LINE__);
	return port;
}

void free_port(mach_port_t port)
{
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, -1);
	mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_RECEIVE, -1);
}

mach_port_type_t type_of(mach_port_t name)
{
	mach_port_type_t type = 0;

	return mach_port_type(mach_task_self(), name, &type) == KERN_SUCCESS ? type : 0;
}

int refs_of(mach_port_t name, mach_port_right_t right)
{
	mach_port_urefs_t refs = 0;

	return mach_port_get_refs(mach_task_self(), name, right, &refs) == KERN_SUCCESS ? (int)refs : -1;
}

mach_msg_return_t send_words(mach_port_t to, mach_port_t reply, mach_msg_id_t id, const uint64_t *words, unsigned count,
	mach_msg_option_t option, mach_msg_timeout_t timeout)
{
	struct words_message m = {0};

	m.header.msgh_bits = MACH_MSGH_BITS(MACH_MSG_TYPE_COPY_SEND, reply ? MACH_MSG_TYPE_MAKE_SEND_ONCE : 0);
	m.header.msgh_size = (mach_msg_size_t)(sizeof m.header + 8 * count);
	m.header.msgh_remote_port = to;
	m.header.msgh_local_port = reply;
	m.header.msgh_id = id;
	for (unsigned i = 0; i < count; i++)
		m.word[i] = words[i];
	return mach_msg(
		&m.header, MACH_SEND_MSG | option, m.header.msgh_size, 0, MACH_PORT_NULL, timeout, MACH_PORT_NULL);
}

mach_msg_return_t receive_words(mach_port_t from, struct words_message *message, mach_msg_timeout_t timeout)
{
	return mach_msg(
		&message->header, MACH_RCV_MSG | MACH_RCV_TIMEOUT, 0, sizeof *message, from, timeout, MACH_PORT_NULL);
}

void nap(uint32_t milliseconds)
{
	thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, milliseconds);
}

uint32_t wait_until_is(const volatile uint32_t *word, uint32_t wanted)
{
	for (int i = 0; i < PATIENCE && *word != wanted; i++)
		nap(1);
	return *word;
}

uint64_t child_word_not(struct child *child, const volatile uint64_t *word, uint64_t old)
{
	uint64_t now = old;

	for (int i = 0; i < PATIENCE && now == old; i++) {
		nap(1);
		task_copy_from(child->task, (uintptr_t)word, sizeof now, &now, 0, NULL);
	}
	return now;
}

bool child_create_in(
	mach_port_t account, struct child *child, void (*function)(uint64_t), uint64_t argument, mach_port_t right)
{
	enum { STACK = 64 * 1024 };
	x86_thread_state64_t state;
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;
	vm_address_t stack = 0;
	kern_return_t result = vm_allocate(mach_task_self(), &stack, STACK, TRUE);

	memset(&state, 0, sizeof state);
	if (result == KERN_SUCCESS)
		result = account != MACH_PORT_NULL ? task_create_in(account, mach_task_self(), TRUE, &child->task)
						   : task_create(mach_task_self(), TRUE, &child->task);
	if (result == KERN_SUCCESS)
		result = thread_create(child->task, &child->thread);
	if (result == KERN_SUCCESS && right)
		result = mach_port_insert_right(child->task, right, right, MACH_MSG_TYPE_COPY_SEND);
	if (result == KERN_SUCCESS)
		result = portolan_thread_get_state(child->thread, x86_THREAD_STATE64, (uint64_t *)&state, &count);
	if (result == KERN_SUCCESS) {
		state.rip = (uint64_t)(uintptr_t)function;
		state.rdi = argument;
		state.rsp = stack + STACK - 8;
		__asm__("movq %%fs:0, %0" : "=r"(state.fs_base));
		result = portolan_thread_set_state(child->thread, x86_THREAD_STATE64, (uint64_t *)&state, count);
	}
	vm_deallocate(mach_task_self(), stack, STACK);
	return result == KERN_SUCCESS ? true : check_at("a child task is made", false, result, __FILE__, __LINE__);
}

bool child_create(struct child *child, void (*function)(uint64_t), uint64_t argument, mach_port_t right)
{
	return child_create_in(MACH_PORT_NULL, child, function, argument, right);
}

void child_end(struct child *child)
{
	task_terminate(child->task);
	mach_port_deallocate(mach_task_self(), child->thread);
	mach_port_deallocate(mach_task_self(), child->task);
}

struct start {
	void (*function)(uint64_t);
	uint64_t argument;
};

static void *thread_main(void *argument)
{
	struct start start = *(struct start *)argument;

	free(argument);
	start.function(start.argument);
	return NULL;
}

void start_thread(void (*function)(uint64_t), uint64_t argument)
{
	struct start *start = malloc(sizeof *start);
	pthread_t thread;

	start->function = function;
	start->argument = argument;
	if (pthread_create(&thread, NULL, thread_main, start) != 0)
		check_at("a thread is made", false, 0, __FILE__, __LINE__);
	else
		pthread_detach(thread);
}

void power_off(void)
{
	mach_port_t host_priv = MACH_PORT_NULL, bootstrap = MACH_PORT_NULL, none;

	fflush(stdout);
	/* Bootstrap answers when it has read what was printed. */
	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap);
	(void)bootstrap_kept(bootstrap, "nothing", &none);
	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &(mach_msg_type_name_t){0});
	host_reboot(host_priv, HOST_REBOOT_HALT);
}
