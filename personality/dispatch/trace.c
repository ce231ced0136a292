/* Lines of --trace syscalls, from mig's table of names and argument types. */
#include "call/trace.h"

#include <fcntl.h>
#include <mach/mach.h>
#include <mach/mig_trace.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "call/call.h"
#include "device/console.h"
#include "memory/mm.h"
#include "process/proc.h"
#include "unix_server.h"

#define STRING_MOST 80
#define BUFFER_MOST 32
#define LINE_MOST   1024

bool trace_enabled;

/* A line being put together; what does not fit is cut. */
struct line {
	char text[LINE_MOST];
	size_t size;
};

static void add(struct line *line, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct line *line, const char *format, ...)
{
	va_list arguments;
	int length;

	va_start(arguments, format);
	length = vsnprintf(line->text + line->size, sizeof line->text - line->size, format, arguments);
	va_end(arguments);
	if (length > 0)
		line->size += (size_t)length;
	if (line->size > sizeof line->text - 1)
		line->size = sizeof line->text - 1;
}

static void add_bytes(struct line *line, const char *data, size_t size, bool more)
{
	size_t i;

	add(line, "\"");
	for (i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)data[i];

		if (byte == '\n')
			add(line, "\\n");
		else if (byte == '\t')
			add(line, "\\t");
		else if (byte == '\r')
			add(line, "\\r");
		else if (byte == '"' || byte == '\\')
			add(line, "\\%c", byte);
		else if (byte >= ' ' && byte < 127)
			add(line, "%c", byte);
		else
			add(line, "\\%o", byte);
	}
	add(line, more ? "\"..." : "\"");
}

static void add_string(struct line *line, mach_port_t task, uint64_t address)
{
	char text[STRING_MOST];
	size_t size = 0;

	if (address == 0) {
		add(line, "NULL");
		return;
	}
	while (size < sizeof text && copy_in_task(task, text + size, address + size, 1) == 0 && text[size] != 0)
		size++;
	if (size == 0 && copy_in_task(task, text, address, 1) != 0)
		add(line, "%#llx", (unsigned long long)address);
	else
		add_bytes(line, text, size, size == sizeof text);
}

static void add_open_flags(struct line *line, int flags)
{
	static const struct {
		int bit;
		const char *name;
	} names[] = {
		{O_CREAT, "O_CREAT"},
		{O_EXCL, "O_EXCL"},
		{O_NOCTTY, "O_NOCTTY"},
		{O_TRUNC, "O_TRUNC"},
		{O_APPEND, "O_APPEND"},
		{O_NONBLOCK, "O_NONBLOCK"},
		{0100000, "O_LARGEFILE"},
		{O_DIRECTORY, "O_DIRECTORY"},
		{O_NOFOLLOW, "O_NOFOLLOW"},
		{O_CLOEXEC, "O_CLOEXEC"},
		{O_PATH, "O_PATH"},
	};
	unsigned i;

	add(line, "%s",
		(flags & O_ACCMODE) == O_RDONLY   ? "O_RDONLY"
		: (flags & O_ACCMODE) == O_WRONLY ? "O_WRONLY"
						  : "O_RDWR");
	flags &= ~O_ACCMODE;
	for (i = 0; i < sizeof names / sizeof names[0]; i++) {
		if ((flags & names[i].bit) == names[i].bit) {
			add(line, "|%s", names[i].name);
			flags &= ~names[i].bit;
		}
	}
	if (flags != 0)
		add(line, "|%#x", (unsigned)flags);
}

static void add_signal(struct line *line, int signal)
{
	const char *name = signal > 0 && signal < 32 ? sigabbrev_np(signal) : NULL;

	if (name != NULL)
		add(line, "SIG%s", name);
	else
		add(line, "%d", signal);
}

static void add_argument(
	struct line *line, const struct call *call, const struct mig_trace_routine *routine, unsigned i)
{
	const char *type = routine->argument[i].type;
	uint64_t word = call->argument[i];
	mach_port_t task = process_task(call->process);

	if (strcmp(type, "path_t") == 0) {
		add_string(line, task, word);
	} else if (strcmp(type, "buffer_t") == 0) {
		char data[BUFFER_MOST];
		uint64_t size = call->argument[i + 1], part = size < sizeof data ? size : sizeof data;

		if (part == 0 || copy_in_task(task, data, word, part) == 0)
			add_bytes(line, data, part, size > part);
		else
			add(line, "%#llx", (unsigned long long)word);
	} else if (strcmp(type, "fd_t") == 0) {
		if ((int)word == AT_FDCWD)
			add(line, "AT_FDCWD");
		else
			add(line, "%d", (int)word);
	} else if (strcmp(type, "open_flags_t") == 0) {
		add_open_flags(line, (int)word);
	} else if (strcmp(type, "signal_t") == 0) {
		add_signal(line, (int)word);
	} else if (strcmp(type, "octal_t") == 0) {
		add(line, "%#o", (unsigned)word);
	} else if (strcmp(type, "int_t") == 0 || strcmp(type, "pid_type_t") == 0) {
		add(line, "%d", (int)word);
	} else if (strcmp(type, "long_t") == 0) {
		add(line, "%lld", (long long)word);
	} else if (strcmp(type, "usize_t") == 0) {
		add(line, "%llu", (unsigned long long)word);
	} else if (strcmp(type, "hex32_t") == 0) {
		add(line, (uint32_t)word == 0 ? "%u" : "%#x", (unsigned)word);
	} else if (word == 0) {
		add(line, strcmp(type, "address_t") == 0 ? "NULL" : "0");
	} else {
		add(line, "%#llx", (unsigned long long)word);
	}
}

void trace_begin(struct call *call)
{
	const struct mig_trace_table *table = &unix_trace_table;
	const struct mig_trace_routine *routine = call->number < table->count ? &table->routine[call->number] : NULL;
	struct line line; /* 1 KiB: not to be cleared for every call */
	unsigned i;

	if (!trace_enabled)
		return;
	line.size = 0;
	add(&line, "[pid %d] ", call->thread->id);
	if (routine == NULL || routine->name == NULL) {
		add(&line, "syscall_%llu(", (unsigned long long)call->number);
		for (i = 0; i < 6; i++)
			add(&line, "%s%#llx", i == 0 ? "" : ", ", (unsigned long long)call->argument[i]);
	} else {
		add(&line, "%s(", routine->name);
		for (i = 0; i < routine->arguments; i++) {
			if (i > 0)
				add(&line, ", ");
			add_argument(&line, call, routine, i);
		}
	}
	add(&line, ")");
	trace_drop(call);
	call->trace = strdup(line.text);
}

void trace_end(struct call *call, int64_t result)
{
	struct line line;

	if (call->trace == NULL)
		return;
	line.size = 0;
	add(&line, "%s = ", call->trace);
	if (result == CALL_KEEP)
		add(&line, "?");
	else if (result < 0 && result >= -4095 && strerrorname_np((int)-result) != NULL)
		add(&line, "-1 %s (%s)", strerrorname_np((int)-result), strerrordesc_np((int)-result));
	else if (result > 1ll << 32 || call->number == MIG_ID_mmap || call->number == MIG_ID_brk)
		add(&line, "%#llx", (unsigned long long)result);
	else
		add(&line, "%lld", (long long)result);
	if (call->number >= unix_trace_table.count || unix_trace_table.routine[call->number].name == NULL)
		add(&line, " (no such call)");
	line.text[line.size < LINE_MOST - 1 ? line.size++ : LINE_MOST - 2] = '\n';
	console_trace_line(line.text, line.size);
	trace_drop(call);
}

#ifdef PORTOLAN_DEBUG
#define SAYS_UNKNOWN true
#else
#define SAYS_UNKNOWN trace_enabled
#endif
#define NUMBERS_TOLD 512 /* numbers beyond are told as one */

/* Apart: its large frame is not made where nothing is said. */
static __attribute__((noinline)) void tell_unknown(const struct call *call)
{
	static bool told[NUMBERS_TOLD];
	const unsigned index = call->number < NUMBERS_TOLD ? (unsigned)call->number : NUMBERS_TOLD - 1;
	struct line line = {.size = 0};

	if (told[index])
		return;
	told[index] = true;
	add(&line, "unix: call %llu of %s is not served (doc/linux-abi.md)\n", (unsigned long long)call->number,
		call->process->command);
	console_trace_line(line.text, line.size);
}

int64_t trace_unknown(const struct call *call)
{
	if (SAYS_UNKNOWN)
		tell_unknown(call);
	return -ENOSYS;
}

void trace_drop(struct call *call)
{
	free(call->trace);
	call->trace = NULL;
}

void trace_note(struct thread *thread, const char *format, ...)
{
	struct line line = {.size = 0};
	char note[256];
	va_list arguments;

	if (!trace_enabled)
		return;
	va_start(arguments, format);
	vsnprintf(note, sizeof note, format, arguments);
	va_end(arguments);
	add(&line, "[pid %d] %s\n", thread->id, note);
	console_trace_line(line.text, line.size);
}
