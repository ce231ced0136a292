/* Calls on a range that pause, and where they go on. */
#include <kern/piece.h>
#include <kern/thread.h>

uint64_t piece_resume(const void *object, uint64_t start, uint64_t end)
{
	struct thread *self = current_thread();
	bool same = self->progress.object == object && self->progress.start == start && self->progress.end == end;

	self->progress.object = NULL;
	return same ? self->progress.at : start;
}

bool piece_pause(const void *object, uint64_t start, uint64_t end, uint64_t at)
{
	struct thread *self = current_thread();

	if (!current_processor()->need_reschedule)
		return false;
	self->progress.object = object;
	self->progress.start = start;
	self->progress.end = end;
	self->progress.at = at;
	return true;
}

void piece_forget(struct thread *thread)
{
	thread->progress.object = NULL;
}
