/* Signals and results into a thread's registers. */
#ifndef PERSONALITY_DELIVER_H
#define PERSONALITY_DELIVER_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct thread;

enum answer {
	ANSWER_WORD,  /* the result goes to rax */
	ANSWER_KEEP,  /* the registers have been set */
	ANSWER_AGAIN, /* the same; the thread will make the call again */
	ANSWER_NONE,  /* nobody waits for it */
};

/*
 * The end of a call: acts on the signals that are due (handler frames, default actions) and turns CALL_INTERRUPTED into
 * -EINTR or a new call. When registers had to be set and call->reply is a kept right, the kernel's call has been
 * aborted. The thread may be dead afterwards (thread->dead).
 */
enum answer deliver_at_return(struct call *call, int64_t *result);
/* A signal is due for a thread that is in user mode or waits in a call: makes it act on it soon. */
void deliver_kick(struct thread *thread);
/* A thread that has its registers, but has not been resumed yet: acts on its signals, soon, and starts. False: no memory. */
bool deliver_start(struct thread *thread);
/* An exception: KERN_SUCCESS when the thread may go on with the registers it has now. */
kern_return_t deliver_exception(struct thread *thread, int exception, int64_t code, int64_t subcode);

#endif
