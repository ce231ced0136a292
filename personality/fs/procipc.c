/* Files of /proc about System V IPC: sysvipc/, and its limits in sys/kernel/; those of POSIX queues in sys/fs/mqueue/.
 */
#include <stdlib.h>

#include "call/call.h"
#include "fs/procfs.h"
#include "ipc/mqueue.h"
#include "ipc/sysv.h"
#include "process/proc.h"

#define UNUSED (void)process, (void)call

/* The columns are those of Linux (proc(5), ipcs(1) reads them). */

static void add_owners(struct text *text, const struct sysv_object *object)
{
	text_add(text, " %5u %5u %5u %5u", object->uid, object->gid, object->creator_uid, object->creator_gid);
}

static void add_name(struct text *text, const struct sysv_object *object)
{
	text_add(text, "%10d %10d  %4o", object->key, object->id, object->mode);
}

/* The next object, from *index on, that the reader may read; null: no more. */
static const struct sysv_object *next_object(const struct sysv_kind *kind, unsigned *index, const struct call *call)
{
	const struct sysv_object *object;

	while ((object = sysv_from_index(kind, *index)) != NULL) {
		*index = (unsigned)object->id % SYSV_INDICES + 1;
		if (call == NULL || sysv_may(call->process, object, 0444))
			return object;
	}
	return NULL;
}

void proc_text_segments(struct text *text, struct process *process, struct call *call)
{
	const struct sysv_object *object;
	struct sysv_segment_facts facts;
	unsigned index = 0;

	UNUSED;
	text_add(text, "       key      shmid perms                  size  cpid  lpid nattch   uid   gid  cuid  cgid"
		       "      atime      dtime      ctime                   rss                  swap\n");
	while ((object = next_object(&sysv_segments, &index, call)) != NULL) {
		sysv_segment_facts(object, &facts);
		add_name(text, &facts.object);
		text_add(text, " %21llu %5d %5d  %5llu", (unsigned long long)facts.size, facts.creator, facts.last,
			(unsigned long long)facts.attached);
		add_owners(text, &facts.object);
		text_add(text, " %10lld %10lld %10lld %21llu %21u\n", (long long)facts.attach_time,
			(long long)facts.detach_time, (long long)facts.object.changed,
			(unsigned long long)facts.resident, 0u /* files in memory stay there */);
	}
}

void proc_text_sets(struct text *text, struct process *process, struct call *call)
{
	const struct sysv_object *object;
	struct sysv_set_facts facts;
	unsigned index = 0;

	UNUSED;
	text_add(text, "       key      semid perms      nsems   uid   gid  cuid  cgid      otime      ctime\n");
	while ((object = next_object(&sysv_sets, &index, call)) != NULL) {
		sysv_set_facts(object, &facts);
		add_name(text, object);
		text_add(text, " %10u", facts.count);
		add_owners(text, object);
		text_add(text, " %10lld %10lld\n", (long long)facts.operated, (long long)object->changed);
	}
}

void proc_text_queues(struct text *text, struct process *process, struct call *call)
{
	const struct sysv_object *object;
	struct sysv_queue_facts facts;
	unsigned index = 0;

	UNUSED;
	text_add(text, "       key      msqid perms      cbytes       qnum lspid lrpid   uid   gid  cuid  cgid"
		       "      stime      rtime      ctime\n");
	while ((object = next_object(&sysv_queues, &index, call)) != NULL) {
		sysv_queue_facts(object, &facts);
		add_name(text, object);
		text_add(text, "  %10llu %10llu %5d %5d", (unsigned long long)facts.bytes,
			(unsigned long long)facts.count, facts.sender, facts.receiver);
		add_owners(text, object);
		text_add(text, " %10lld %10lld %10lld\n", (long long)facts.sent, (long long)facts.received,
			(long long)object->changed);
	}
}

/* --- Limits. */

#define SETTING(name, value)                                                                                           \
	void proc_text_##name(struct text *text, struct process *process, struct call *call)                           \
	{                                                                                                              \
		UNUSED;                                                                                                \
		text_add(text, "%llu\n", (unsigned long long)(value));                                                 \
	}

SETTING(segment_size, sysv_settings.segment_size)
SETTING(segment_pages, sysv_settings.segment_pages)
SETTING(segments_most, sysv_settings.segments)
SETTING(message_size, sysv_settings.message_size)
SETTING(queue_size, sysv_settings.queue_size)
SETTING(queues_most, sysv_settings.queues)
SETTING(mq_messages, mq_limits.messages)
SETTING(mq_message_size, mq_limits.message_size)
SETTING(mq_queues, mq_limits.queues)
SETTING(mq_messages_usual, mq_limits.messages_usual)
SETTING(mq_message_size_usual, mq_limits.message_size_usual)

void proc_text_semaphores(struct text *text, struct process *process, struct call *call)
{
	const struct sysv_settings *settings = &sysv_settings;

	UNUSED;
	text_add(text, "%llu\t%llu\t%llu\t%llu\n", (unsigned long long)settings->set_size,
		(unsigned long long)settings->semaphores, (unsigned long long)settings->operations,
		(unsigned long long)settings->sets);
}
