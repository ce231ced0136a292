/* Files of /proc that say something of a process and may be written: its name, who has logged in, how soon it is ended when memory is short. */
#include <errno.h>
#include <linux/capability.h>
#include <stdlib.h>
#include <string.h>

#include "base/user.h"
#include "file/file.h"
#include "fs/procfs.h"
#include "process/proc.h"

#define UNUSED     (void)call
#define LINE_MOST  64
#define SCORE_MOST 1000 /* proc(5), oom_score_adj */
#define NOBODY     UINT32_MAX

void proc_text_login(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%u", process->login_uid);
}

void proc_text_login_session(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%u", process->login_session);
}

void proc_text_score_change(struct text *text, struct process *process, struct call *call)
{
	UNUSED;
	text_add(text, "%d\n", process->oom_score_adj);
}

/* A number alone, a line's end behind it or not. */
static int number(const char *line, int64_t least, int64_t most, int64_t *value)
{
	char *end;

	*value = strtoll(line, &end, 10);
	if (end == line || *end != 0 || *value < least || *value > most)
		return -EINVAL;
	return 0;
}

/* The name of one of the caller's threads: as prctl(PR_SET_NAME). */
static int set_name(struct process *process, struct call *call, const char *line)
{
	if (call->process != process)
		return -EINVAL;
	memset(process->command, 0, sizeof process->command);
	strncpy(process->command, line, sizeof process->command - 1);
	list_for_each (link, &process->threads) {
		struct thread *thread = list_entry(link, struct thread, link);

		if (thread->id == process->id)
			memcpy(thread->name, process->command, sizeof thread->name);
	}
	return 0;
}

/* Once anyone may say so of himself: each login is a session with a number of its own. To change it is root's. */
static int set_login(struct process *process, struct call *call, const char *line)
{
	static uint32_t sessions;
	int64_t uid;
	int error = number(line, 0, UINT32_MAX, &uid);

	if (error != 0)
		return error;
	if (call->process != process || (process->login_uid != NOBODY && !capable(process, CAP_AUDIT_CONTROL)))
		return -EPERM;
	process->login_uid = (uint32_t)uid;
	process->login_session = process->login_uid == NOBODY ? NOBODY : ++sessions;
	return 0;
}

static int set_score_change(struct process *process, struct call *call, const char *line)
{
	int64_t value;
	int error = number(line, -SCORE_MOST, SCORE_MOST, &value);

	if (error != 0)
		return error;
	/* As low as root has set it, it may be again. */
	if (value < process->oom_score_adj_least && !capable(call->process, CAP_SYS_RESOURCE))
		return -EACCES;
	if (capable(call->process, CAP_SYS_RESOURCE))
		process->oom_score_adj_least = (int)value;
	process->oom_score_adj = (int)value;
	return 0;
}

static const struct writable {
	proc_fill fill;
	int (*set)(struct process *process, struct call *call, const char *line);
	bool keeps_line_end;
} writables[] = {
	{proc_text_name, set_name, true},
	{proc_text_login, set_login, false},
	{proc_text_score_change, set_score_change, false},
};

static const struct writable *writable_of(proc_fill fill)
{
	for (unsigned i = 0; i < sizeof writables / sizeof writables[0]; i++) {
		if (writables[i].fill == fill)
			return &writables[i];
	}
	return NULL;
}

/* What an open file has: who reads gets the text of its opening, or of the last write through it. */
struct open_writable {
	struct text text; /* first: proc_read_text and its kin know no more */
	const struct writable *writable;
	int id; /* process */
};

/* Makes the text; false: no memory. */
static bool fill(struct open_writable *open, struct process *process, struct call *call)
{
	struct user *payer = user_of_memory(&open->text);

	user_give_bytes(payer, open->text.room);
	text_free(&open->text);
	open->writable->fill(&open->text, process, call);
	if (!open->text.failed && user_take_bytes(payer, open->text.room))
		return true;
	text_free(&open->text);
	return false;
}

static int64_t writable_write(struct file *file, struct io *io, uint64_t *offset)
{
	struct open_writable *open = file->data;
	struct process *process = process_find(open->id);
	char line[LINE_MOST] = {0};
	uint64_t size = io->total;
	int error;

	if (process == NULL)
		return -ESRCH;
	if (*offset != 0 && open->writable->fill == proc_text_login)
		return -EINVAL;
	if (size >= sizeof line) {
		if (open->writable->fill != proc_text_name)
			return -EINVAL;
		size = sizeof line - 1;
	}
	error = io_copy_in(io, line, size);
	if (error != 0)
		return call_result(error);
	if (!open->writable->keeps_line_end && size > 0 && line[size - 1] == '\n')
		line[size - 1] = 0;
	error = open->writable->set(process, io->call, line);
	if (error == 0)
		fill(open, process, io->call);
	return error != 0 ? error : (int64_t)io->total;
}

static const struct file_ops writable_ops = {.read = proc_read_text,
	.write = writable_write,
	.seek = proc_seek_text,
	.relays = RELAY_TO,
	.release = proc_release_text};

bool proc_is_writable(proc_fill text)
{
	return writable_of(text) != NULL;
}

int proc_open_writable(struct file *file, proc_fill fill_text, struct process *process, struct call *call)
{
	struct open_writable *open = user_alloc(user_now(), sizeof *open);

	if (open == NULL)
		return -ENOMEM;
	open->writable = writable_of(fill_text);
	open->id = process->id;
	if (!fill(open, process, call)) {
		user_free(open);
		return -ENOMEM;
	}
	file->ops = &writable_ops;
	file->data = open;
	file->seekable = true;
	return 0;
}
