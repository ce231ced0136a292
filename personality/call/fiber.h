/* Fibers: stacks on which the server's code waits, while the thread that ran it goes on with other calls. */
#ifndef PERSONALITY_FIBER_H
#define PERSONALITY_FIBER_H

#include <stdbool.h>

/*
 * No thread of the server waits for anybody it cannot trust. Code that has to wait in its middle (for a file server's
 * answer, for a page) stands on a fiber, a stack of its own, and is left there; the thread switches to its home, the
 * stack on which it takes the next message. Whoever brings what was waited for makes the fiber ready, and the next
 * thread to leave the server goes on with it. So straight-line code stays straight, and a wait costs memory only: a
 * thread of a process waits on one fiber at most.
 *
 *   home      one for each thread, never leaves it. Waits for messages, begins fibers and goes on with them.
 *   fiber     runs a function from its start to its end, on whatever threads of the server.
 *
 * A new call runs on the home of the thread that received it: most have nothing to wait for. When one does, that
 * stack becomes a fiber, and the thread gets a new home on which its loop starts anew (fiber_be_home).
 *
 * All switches are made with the server lock held: it passes from the one stack to the other. Nothing of a thread
 * (__thread variables, names of reply ports) may be kept over fiber_wait, but for current_call, which goes along.
 */
struct fiber;

/* The stack this thread runs on. */
struct fiber *fiber_self(void);
/* Whether that is the thread's home. */
bool fiber_at_home(void);

/*
 * Leaves the fiber until fiber_wake. give_up (may be null) is what fiber_give_up calls with the argument: it sees to
 * it that the wait ends. False, at once: there is no memory for a new home, or the thread cannot leave its stack.
 */
bool fiber_wait(void (*give_up)(void *argument), void *argument);
/* Goes on with a fiber that waits: soon. Null is harmless. */
void fiber_wake(struct fiber *fiber);
/* Its caller has been killed: the wait is to end if it may (not if the wait is for what must be known). */
void fiber_give_up(struct fiber *fiber);

/* Runs the function on a fiber until it ends or waits for the first time; without memory on this one. */
void fiber_run(void (*function)(void *argument), void *argument);
/* The same, later: when the lock is left. False: no memory. */
bool fiber_start(void (*function)(void *argument), void *argument);
/* What it does is for this call; null: for none. While it does not run. */
struct call *fiber_call(const struct fiber *fiber);
/* At home: goes on with the fiber until it ends or waits again. */
void fiber_resume(struct fiber *fiber);
/* The end of a fiber that began as a home: back to the home of the thread it has come to. With the lock. */
_Noreturn void fiber_end(void);

/* Makes a stack like those the fibers have this thread's home and runs the loop on it (without the lock). */
_Noreturn void fiber_be_home(void (*loop)(void));

#endif
