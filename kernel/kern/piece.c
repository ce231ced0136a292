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

void piece_stop(const void *object, uint64_t start, uint64_t end, uint64_t at)
{
	current_thread()->progress = (struct thread_progress){object, start, end, at};
}

bool piece_pause(const void *object, uint64_t start, uint64_t end, uint64_t at)
{
	if (!current_processor()->need_reschedule)
		return false;
	piece_stop(object, start, end, at);
	return true;
}

