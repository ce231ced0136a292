/* execve: finds the program, builds its address space beside the old one, and changes over. */
#include "program/exec.h"

#include <fcntl.h>
#include <mach/mach.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <unistd.h>

#include "call/dispatch.h"
#include "call/trace.h"
#include "file/file.h"
#include "ipc/futex.h"
#include "memory/mm.h"
#include "process/deaths.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "process/rlimit.h"
#include "program/fork.h"
#include "program/identity.h"
#include "program/schedule.h"
#include "program/vdso.h"
#include "signal/posixtimer.h"
#include "signal/deliver.h"
#include "unix_server.h"
#include "vfs/vfs.h"

/*
 * The new program gets a task of its own; the old one stays whole until nothing can fail any more, so a failed exec
 * changes nothing. All of it runs in a worker, which may wait for the file's pager.
 */

#define HEAD_SIZE    4096
#define SCRIPT_DEPTH 4
#define SCRIPT_LINE  256
#define RFLAGS_START 0x202 /* interrupts on; bit 1 is always set (Intel SDM volume 1, 3.4.3) */

struct program {
	struct vnode *vnode; /* reference */
	struct elf_image elf;
	char interpreter[PATH_LENGTH]; /* PT_INTERP, or empty */
};

static int copy_strings(struct call *call, uint64_t vector, struct exec_strings *strings, unsigned *count)
{
	char *buffer = malloc(EXEC_STRINGS_MAX / 16);
	int length = 0, error = 0;

	if (buffer == NULL)
		return -ENOMEM;
	*count = 0;
	while (vector != 0 && error == 0) {
		uint64_t address;

		error = copy_in(call, &address, vector, sizeof address);
		if (error != 0 || address == 0)
			break;
		if (++*count > EXEC_COUNT_MAX) {
			error = -E2BIG;
			break;
		}
		length = copy_string(call, buffer, address, EXEC_STRINGS_MAX / 16);
		if (length < 0)
			error = length == -ENAMETOOLONG ? -E2BIG : length;
		else
			error = exec_strings_add(strings, buffer, (uint64_t)length);
		vector += sizeof address;
	}
	free(buffer);
	return error;
}

/* The vnode of a file that may be executed, which from now on cannot be written: see vnode_run. */
static int open_program(struct call *call, int dirfd, const char *path, unsigned flags, struct vnode **out)
{
	int error = path_look_up(call, dirfd, path, flags, out);

	if (error != 0)
		return error;
	error = VNODE_TYPE(*out) == S_IFLNK   ? -ELOOP
		: VNODE_TYPE(*out) != S_IFREG ? -EACCES
					      : vnode_access(call, *out, X_OK, false);
	if (error == 0 && (!((*out)->mode & 0111) || ((*out)->mount->flags & MS_NOEXEC)))
		error = -EACCES;
	if (error == 0 && ((*out)->writers > 0 || (*out)->shared_writers > 0))
		error = -ETXTBSY;
	if (error == 0) {
		(*out)->runners++;
	} else {
		vnode_release(*out);
		*out = NULL;
	}
	return error;
}

static int parse_program(struct call *call, struct vnode *vnode, char *head, int64_t have, struct program *program)
{
	file_attributes_t attributes;
	enum elf_result result;
	char *more = NULL;
	int error = vnode_known(vnode, &attributes);

	program->interpreter[0] = 0;
	if (error != 0)
		return error;
	result = elf_image_parse(head, (size_t)have, attributes.size, &program->elf);
	if (result == ELF_NEED_MORE) {
		more = malloc(16 * HEAD_SIZE);
		if (more == NULL)
			return -ENOMEM;
		have = vnode_read_server(call, vnode, more, 16 * HEAD_SIZE, 0);
		result = have < 0 ? ELF_TRUNCATED : elf_image_parse(more, (size_t)have, attributes.size, &program->elf);
		free(more);
	}
	if (result != ELF_OK)
		return -ENOEXEC;
	if (program->elf.interpreter_size != 0) {
		if (program->elf.interpreter_size > sizeof program->interpreter)
			return -ENOEXEC;
		have = vnode_read_server(call, vnode, program->interpreter, program->elf.interpreter_size,
			program->elf.interpreter_offset);
		if (have != (int64_t)program->elf.interpreter_size || program->interpreter[have - 1] != 0)
			return -ENOEXEC;
	}
	return 0;
}

/* A script's first line, "#! INTERPRETER [ARGUMENT]": into two strings, the second may be empty. */
static int parse_script(char *head, int64_t have, char *interpreter, char *argument)
{
	int64_t length = have < SCRIPT_LINE ? have : SCRIPT_LINE - 1;
	char *line = head + 2, *end = memchr(head, '\n', (size_t)length), *word_end;

	if (end == NULL) {
		if (have >= SCRIPT_LINE)
			return -ENOEXEC;
		end = head + have;
	}
	while (end > line && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	while (line < end && (*line == ' ' || *line == '\t'))
		line++;
	if (line == end)
		return -ENOEXEC;
	for (word_end = line; word_end < end && *word_end != ' ' && *word_end != '\t'; word_end++)
		;
	memcpy(interpreter, line, (size_t)(word_end - line));
	interpreter[word_end - line] = 0;
	while (word_end < end && (*word_end == ' ' || *word_end == '\t'))
		word_end++;
	memcpy(argument, word_end, (size_t)(end - word_end));
	argument[end - word_end] = 0;
	return 0;
}

/* Follows scripts to a program; path and strings change with them. */
static int load_program(
	struct call *call, int dirfd, char *path, unsigned flags, struct exec_strings *strings, struct program *program)
{
	char *head = malloc(HEAD_SIZE), interpreter[SCRIPT_LINE], argument[SCRIPT_LINE];
	int depth, error = 0;

	if (head == NULL)
		return -ENOMEM;
	for (depth = 0;; depth++) {
		const char *with[3];
		unsigned count = 0;
		int64_t have;

		error = open_program(call, dirfd, path, flags, &program->vnode);
		if (error != 0)
			break;
		have = vnode_read_server(call, program->vnode, head, HEAD_SIZE, 0);
		error = have < 0 ? (int)have : 0;
		if (error == 0 && (have < 2 || head[0] != '#' || head[1] != '!')) {
			error = parse_program(call, program->vnode, head, have, program);
			if (error == 0)
				break;
		} else if (error == 0) {
			error = depth == SCRIPT_DEPTH ? -ELOOP : parse_script(head, have, interpreter, argument);
		}
		vnode_run_end(program->vnode);
		program->vnode = NULL;
		if (error != 0)
			break;
		with[count++] = interpreter;
		if (argument[0] != 0)
			with[count++] = argument;
		with[count++] = path;
		error = exec_strings_replace(strings, 1, with, count);
		if (error != 0)
			break;
		strcpy(path, interpreter);
		dirfd = AT_FDCWD;
		flags = 0;
	}
	free(head);
	return error;
}

int exec_map(struct call *call, struct address_space *space, struct vnode *vnode, const struct elf_image *elf,
	uint64_t bias, uint64_t *end)
{
	static const char zeros[VM_PAGE_SIZE];
	mach_port_t object = MACH_PORT_NULL;
	unsigned i;
	int error;

	(void)call;
	if (vnode->ops->memory_object == NULL)
		return -EACCES;
	error = vnode->ops->memory_object(vnode, &object);
	*end = 0;
	for (i = 0; i < elf->segments && error == 0; i++) {
		const struct elf_segment *segment = &elf->segment[i];
		uint64_t start = trunc_page(segment->address + bias),
			 file_end = segment->address + bias + segment->file_size;
		uint64_t stop = round_page(segment->address + bias + segment->memory_size);
		int protection = segment->protection & 7, all = PROT_READ | PROT_WRITE | PROT_EXEC;

		if (!address_space_is_free(space, start, stop - start)) {
			error = -ENOMEM;
			break;
		}
		if (segment->file_size != 0) {
			error = address_space_map(space, start, round_page(file_end) - start, protection, all,
				MAP_PRIVATE, vnode, object, trunc_page(segment->file_offset), NULL);
			/* What follows the file's bytes in the last page is zeros. */
			if (error == 0 && (file_end & VM_PAGE_MASK) != 0 && segment->memory_size > segment->file_size &&
				(protection & PROT_WRITE)) {
				error = copy_out_waiting(space->task, file_end, zeros, round_page(file_end) - file_end);
				if (error == -EFAULT)
					error = -EIO; /* the file's page cannot be had */
			}
			start = round_page(file_end);
		}
		if (error == 0 && stop > start)
			error = address_space_map(space, start, stop - start, protection, all,
				MAP_PRIVATE | MAP_ANONYMOUS, NULL, MACH_PORT_NULL, 0, NULL);
		*end = stop;
	}
	if (object != MACH_PORT_NULL)
		mach_port_deallocate(mach_task_self(), object);
	return error;
}

static int map_program(
	struct call *call, struct address_space *space, const struct program *program, struct exec_image *image)
{
	struct program *interpreter;
	uint64_t end, at;
	char *head;
	int64_t have;
	int error;

	image->program = program->elf;
	image->bias = program->elf.position_independent ? PIE_BASE - trunc_page(program->elf.low) : 0;
	image->base = 0;
	error = exec_map(call, space, program->vnode, &program->elf, image->bias, &end);
	if (error != 0)
		return error;
	image->entry = program->elf.entry + image->bias;
	space->brk_start = space->brk = end;
	if (program->interpreter[0] == 0)
		return 0;
	interpreter = calloc(1, sizeof *interpreter);
	head = malloc(HEAD_SIZE);
	error = interpreter == NULL || head == NULL
			? -ENOMEM
			: open_program(call, AT_FDCWD, program->interpreter, 0, &interpreter->vnode);
	if (error == 0) {
		have = vnode_read_server(call, interpreter->vnode, head, HEAD_SIZE, 0);
		error = have < 0 ? (int)have : parse_program(call, interpreter->vnode, head, have, interpreter);
	}
	if (error == 0 && !interpreter->elf.position_independent)
		error = -ENOEXEC;
	if (error == 0) {
		at = address_space_find(space, interpreter->elf.high - interpreter->elf.low);
		image->base = at - interpreter->elf.low;
		error = at == 0 ? -ENOMEM
				: exec_map(call, space, interpreter->vnode, &interpreter->elf, image->base, &end);
		image->entry = interpreter->elf.entry + image->base;
	}
	if (interpreter != NULL)
		vnode_run_end(interpreter->vnode);
	free(interpreter);
	free(head);
	return error;
}

/* A kernel thread at the program's start, not yet running. */
static int make_thread(const struct address_space *space, const struct exec_image *image, mach_port_t *port,
	x86_thread_state64_t *registers)
{
	mach_msg_type_number_t count = x86_THREAD_STATE64_WORDS;

	if (thread_create(space->task, port) != KERN_SUCCESS)
		return -ENOMEM;
	if (thread_get_state_trap(*port, x86_THREAD_STATE64, (uint64_t *)registers, &count) != KERN_SUCCESS) {
		thread_terminate(*port);
		mach_port_deallocate(mach_task_self(), *port);
		return -ENOMEM;
	}
	registers->rip = image->entry;
	registers->rsp = image->stack;
	registers->rflags = RFLAGS_START;
	return 0;
}

/* The new program's thread stops for its tracer before it starts. What the call returns. */
static int64_t start_traced(struct call *call, int old_id, const x86_thread_state64_t *registers)
{
	struct thread *thread = call->thread;
	x86_thread_state64_t copy = *registers;
	struct call *outer = current_call;

	thread_set_word(thread->port, (uint64_t)thread->id);
	thread_set_state_trap(thread->port, x86_THREAD_STATE64, (uint64_t *)&copy, x86_THREAD_STATE64_WORDS);
	call->state = CALL_RUNNING;
	call->is_none = true;
	current_call = call;
	trace_exec(thread, old_id);
	current_call = outer;
	call->is_none = false;
	if (thread->dead)
		return CALL_GONE;
	if (!deliver_start(thread))
		process_exit(thread->process, SIGKILL);
	return thread->dead ? CALL_GONE : CALL_REPLACED;
}

/* Nothing fails from here on: the process becomes the new program. What the call returns. */
static int64_t change_over(struct call *call, struct address_space *space, const struct exec_image *image,
	struct exec_identity *identity, struct vnode *vnode, const char *name, mach_port_t port,
	const x86_thread_state64_t *registers)
{
	struct process *process = call->process;
	struct thread *thread = call->thread;
	struct address_space *old = process->memory;
	struct vnode *old_executable = process->executable;
	mach_port_t old_port = thread->port;
	bool borrowed = thread->borrowed;
	kernel_debug_name_t kernel_name = {0};
	int old_id;
	const char *slash = strrchr(name, '/');

	process_add_times(process);
	futex_owner_died(thread);
	process->memory = space;
	address_space_own(space, process);
	process->executable = vnode_run(vnode);
	process->argument_start = image->argument_start;
	process->argument_end = image->argument_end;
	process->environment_start = image->environment_start;
	process->environment_end = image->environment_end;
	process->auxiliary_start = image->auxiliary_start;
	process->auxiliary_end = image->auxiliary_end;
	process->did_exec = true;
	process->exit_signal = SIGCHLD;
	memset(process->command, 0, sizeof process->command);
	name = slash != NULL ? slash + 1 : name;
	memcpy(process->command, name, strnlen(name, sizeof process->command - 1));
	memcpy(thread->name, process->command, sizeof thread->name);
	thread->clear_tid = thread->robust_list = thread->rseq = 0;
	thread->alt_stack = thread->alt_stack_size = 0;
	thread->alt_stack_flags = SS_DISABLE;
	signal_actions_exec(process);
	posix_timers_delete(process);
	old_id = thread->id;
	if (thread->id != process->id) {
		thread_unhash(thread);
		thread_rehash(thread, process->id);
	}
	if (thread->counted)
		process_count(process, -1);
	thread->counted = false;
	/* The kernel thread of the old program, with its call in it, goes; one that vfork lent goes back first. */
	vfork_finish(process);
	thread->borrowed = false;
	thread_set_port(thread, port);
	schedule_new(thread);
	if (!borrowed && old_port != MACH_PORT_NULL) {
		thread_terminate(old_port);
		mach_port_deallocate(mach_task_self(), old_port);
	}
	process->is_mach = process->mach_program != 0;
	process->mach_program = 0;
	memcpy(kernel_name, process->command, sizeof process->command);
	task_set_name(space->task, kernel_name);
	/* From here on the lock may be released: the thread is still in its call for everybody else. */
	identity_take(process, identity);
	file_table_close_on_exec(process->files);
	address_space_release(old);
	vnode_run_end(old_executable);
	trace_end(call, 0);
	call_forget(call);
	if (process->stopped)
		thread_suspend(port);
	if (thread->dead)
		return CALL_GONE;
	if (thread->trace != NULL)
		return start_traced(call, old_id, registers);
	thread_start(thread, registers, NULL, 0);
	/* What waited for the old program's end of call. */
	if (signal_due(thread))
		signal_wake(thread);
	return CALL_REPLACED;
}

/* A thread in the program's memory, all that it needs in place. 0 or -errno. */
static int build_program(struct call *call, struct program *program, const char *name,
	const struct exec_strings *strings, const struct exec_identity *identity, struct address_space *space,
	struct exec_image *image)
{
	uint64_t stack_size = exec_stack_size(call->process, strings, identity->secure);
	int error;

	space->mmap_top = STACK_TOP - stack_size - STACK_GAP;
	error = map_program(call, space, program, image);
	if (error == 0)
		error = memory_may_begin(call->process, space);
	if (error == 0)
		error = vdso_map(space, &image->vdso);
	if (error == 0)
		error = exec_stack(space, image, strings, name, &identity->credentials, identity->secure, stack_size);
	return error;
}

static int64_t run_program(
	struct call *call, struct program *program, const char *name, const struct exec_strings *strings)
{
	struct process *process = call->process;
	struct address_space *space = address_space_create(process->credentials.uid);
	struct exec_image image = {0};
	struct exec_identity identity;
	x86_thread_state64_t registers;
	mach_port_t port = MACH_PORT_NULL;
	int64_t error;

	if (space == NULL)
		return -ENOMEM;
	error = identity_plan(call, program->vnode, &identity);
	if (error == 0)
		error = build_program(call, program, name, strings, &identity, space, &image);
	if (error == 0)
		error = make_thread(space, &image, &port, &registers);
	/* The others may be in calls: this one begins anew when they have come back and are gone. */
	if (error == 0 && process->memory != NULL && !process_end_other_threads(process, call->thread))
		error = call_wait_for(call, &process->child_queue);
	if (error == 0)
		error = identity_make(call, &identity);
	if (error == 0)
		error = task_attach(identity.port, space->task, process->mach_program);
	if (error == 0 && process->mach_program != 0)
		error = death_watch(port);
	if (error != 0) {
		identity_drop(&identity);
		if (port != MACH_PORT_NULL) {
			thread_terminate(port);
			mach_port_deallocate(mach_task_self(), port);
		}
		address_space_release(space);
		return error;
	}
	return change_over(call, space, &image, &identity, program->vnode, name, port, &registers);
}

static int64_t exec_at(struct call *call, int dirfd, char *path, unsigned flags, struct exec_strings *strings)
{
	struct program *program = calloc(1, sizeof *program);
	char name[PATH_LENGTH];
	int64_t result;

	if (program == NULL)
		return -ENOMEM;
	strcpy(name, path);
	if (strings->arguments == 0) {
		const char *empty = "";

		/* A program always finds a name for itself. */
		result = exec_strings_replace(strings, 0, &empty, 1);
		if (result != 0) {
			free(program);
			return result;
		}
	}
	result = load_program(call, dirfd, path, flags, strings, program);
	if (result == 0) {
		result = run_program(call, program, name, strings);
		vnode_run_end(program->vnode);
	}
	free(program);
	return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
}

int64_t exec_run(struct call *call, const char *path, struct exec_strings *strings)
{
	char copy[PATH_LENGTH];

	strcpy(copy, path);
	return exec_at(call, AT_FDCWD, copy, 0, strings);
}

static int64_t exec_user(
	struct call *call, int dirfd, uint64_t path_address, uint64_t arguments, uint64_t environment, unsigned flags)
{
	struct exec_strings strings = {0};
	char path[PATH_LENGTH];
	int64_t result;
	int length;

	result = rlimit_check_exec(call->process);
	if (result != 0)
		return result;
	/* The thread that calls will be another one's, or gone: no answer must go to it by the way. */
	call_keep_reply(call);
	length = copy_string(call, path, path_address, sizeof path);
	if (length < 0)
		return call_result(length);
	if (length == 0 && !(flags & PATH_EMPTY))
		return -ENOENT;
	result = copy_strings(call, arguments, &strings, &strings.arguments);
	if (result == 0)
		result = copy_strings(call, environment, &strings, &strings.environment);
	if (result == 0)
		result = exec_strings_check(call->process, &strings);
	if (result == 0)
		result = exec_at(call, dirfd, path, flags, &strings);
	free(strings.data);
	return result == CALL_ERROR_RESTART ? CALL_RESTART : result;
}

int64_t sys_execve(uint64_t caller, uint64_t path, uint64_t arguments, uint64_t environment)
{
	return exec_user(call_of(caller), AT_FDCWD, path, arguments, environment, 0);
}

int64_t sys_execveat(
	uint64_t caller, int dirfd, uint64_t path, uint64_t arguments, uint64_t environment, unsigned flags)
{
	if (flags & ~(unsigned)(AT_EMPTY_PATH | AT_SYMLINK_NOFOLLOW))
		return -EINVAL;
	return exec_user(call_of(caller), dirfd, path, arguments, environment,
		((flags & AT_EMPTY_PATH) ? PATH_EMPTY : 0) | ((flags & AT_SYMLINK_NOFOLLOW) ? PATH_NOFOLLOW : 0));
}
