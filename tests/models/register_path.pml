/*
 * The register path with aborts and deaths: a thread makes two calls, two servers receive at one port and reply or die,
 * another thread aborts the caller, and the port dies.
 *
 * Each thread is one process, with whatever processor runs it. What is asserted: a call is ended once, by a reply to it,
 * an abort, or the death of the port or of its server, and never the next call in its place; the caller is never on two
 * processors or queues; what counts references comes out even. At the end all have ended: no call is left unanswered.
 *
 * Faults: WRONGCALL TWICE HELD UNANSWERED REFERENCE
 */
#include "common.pml"

mtype = { NONE, QUEUED, RECEIVED };               /* ipc_thread.call_state */
mtype = { RUNNING, READY, WAITING };              /* thread.state */

byte port, caller, server[3];                     /* locks: the port's, the threads' (servers 1 and 2) */
bool alive = true;                               /* port.object.active */
bool in_queue;                                    /* the caller's element is in port.queue */
byte slot;                                        /* port.object.slot: the server that waits there, 0: none */
bool handed[3], hears[3];                         /* that server was switched to with words; was woken */

mtype call = NONE, state = RUNNING;
byte owed_by;                                     /* ipc_thread.server */
bool on_processor = true;
byte queued, number, ends, references = 1;        /* number: of the present call; ends: how often it was ended */
byte gone;                                        /* servers at their end */
bool finished;

/* kern/sched.c:make_ready */
inline make_ready()
{
	assert(holds(caller));
	if
	:: on_processor -> state = RUNNING
	:: else -> assert(queued == 0); state = READY; queued++
	fi
}

/* kern/sched.c:thread_go */
inline go()
{
	lock(caller);
	if
	:: state == WAITING -> make_ready()
	:: else
	fi;
	unlock(caller)
}

/* Steps 1 and 2 of every end (ipc/call.c, at its top), caller locked: the registers are written, `whose` says for which call. */
inline end_call(whose)
{
	assert(holds(caller) && call != NONE && whose == number && ends == 0);
	call = NONE; owed_by = 0; ends++
}

inline drop_reference()
{
	assert(references > 1);
	references--
}

active proctype the_caller()
{
	byte receiver;
	bool blocks;

	do
	:: number < 2 ->
		atomic { number++; ends = 0; blocks = true };
		lock(port);
		if
		:: !alive -> unlock(port); ends = 1; blocks = false
		:: alive && slot != 0 && !in_queue ->
			/* ipc/fast.c:call_locked; the receiver's lock is only tried there, which comes to the same or to the
			 * full path */
			receiver = slot;
			lock(server[receiver]);
			lock(caller);
			/* the point of no return */
			atomic {
				slot = 0;
				references++; /* receiver->ipc.owes */
				call = RECEIVED; owed_by = receiver;
				/* RUN_WORD_CALLS: waits, on no processor, for that runs the receiver */
				state = WAITING; on_processor = false
			};
			handed[receiver] = true;
			unlock(server[receiver]);
			unlock(port);
			unlock(caller)
		:: alive ->
			/* ipc/call.c:queue_call */
			lock(caller); /* kern/thread.h:thread_will_wait */
			atomic { call = QUEUED; state = WAITING };
			unlock(caller);
			in_queue = true; /* ipc/ipc_mqueue.c:ipc_mqueue_post, wake_one */
			if
			:: slot != 0 -> hears[slot] = true; slot = 0
			:: else
			fi;
			unlock(port);
			/* kern/sched.c:leave_processor */
			lock(caller);
			on_processor = false;
			if
			:: state == RUNNING -> make_ready()
			:: else
			fi;
			unlock(caller)
		fi;
		if
		:: blocks ->
			atomic { queued > 0 -> queued-- }; /* or the replier switches to it, having made it RUNNING */
			lock(caller);
			if
			:: state == READY -> state = RUNNING; on_processor = true
			:: else -> assert(state == RUNNING && on_processor) /* thread_claim, fast reply */
			fi;
			unlock(caller)
		:: else
		fi;
		assert(call == NONE && !in_queue && ends == 1 && queued == 0)
	:: number == 2 -> break
	od;
	finished = true
}

proctype the_server(byte me)
{
	byte whose, turns = 0;
	bool owes = false, dies = false, stands, takes;

	do
	:: turns == 0 && !dies ->
		turns++;
		/* ipc/receive.c:look */
		lock(port);
		takes = in_queue;
		if
		:: takes ->
			/* ipc/call.c:ipc_call_receive */
			in_queue = false;
			lock(caller);
			assert(call == QUEUED);
			atomic { call = RECEIVED; owed_by = me };
			unlock(caller);
			atomic { references++; owes = true; whose = number };
			unlock(port)
		:: !takes && (!alive || slot != 0) -> unlock(port); break
		:: else ->
			slot = me; /* ipc/ipc_mqueue.c:ipc_mqueue_wait */
			unlock(port);
			if
			:: atomic { handed[me] -> handed[me] = false; owes = true; whose = number }
			:: atomic { hears[me] -> hears[me] = false; turns-- } /* looks again */
			fi
		fi;
		if
		:: !owes
		:: owes ->
			/* ipc/call.c:ipc_call_reply; or ipc_call_drop_owed, ipc_call_fail: it ends, owing. Or the reply of
			 * ipc/fast.c:ipc_fast_reply_wait, which claims the caller as thread_claim does. */
			if
			:: dies = false
			:: dies = true
			fi;
#ifdef UNANSWERED
			if
			:: dies -> break
			:: else
			fi;
#endif
			lock(caller);
			/* call_stands */
#ifdef WRONGCALL
			stands = call == RECEIVED;
#else
			stands = call == RECEIVED && owed_by == me;
#endif
			if
			:: stands ->
				end_call(whose);
				if
#ifdef HELD
				:: state == WAITING ->
#else
				:: state == WAITING && !on_processor ->
#endif
					/* fast: RUN_WORD_RUNS, in one with the end; the server's processor goes on with it */
					assert(!on_processor);
					state = RUNNING; on_processor = true;
					assert(queued == 0); queued++; /* it goes on */
					unlock(caller)
				:: true ->
					unlock(caller);
					go() /* step 3; reply.c:send_off */
				fi
			:: else -> unlock(caller)
			fi;
			owes = false;
#ifndef REFERENCE
			drop_reference() /* kern: thread_deallocate */
#else
			if
			:: stands -> drop_reference()
			:: else
			fi
#endif
		fi
	:: turns != 0 || dies -> break
	od;
	/* task/thread.c:thread_exit_self, ipc/stop.c:ipc_thread_terminate */
	gone++
}

/* ipc/stop.c:ipc_thread_abort */
active proctype aborter()
{
	bool is, off = false;

	/* unqueue */
	lock(caller);
	is = call == QUEUED;
	unlock(caller);
	if
	:: is ->
		lock(port);
		lock(caller);
#ifdef TWICE
		off = true;
#else
		off = call == QUEUED;
#endif
		if
		:: off -> end_call(number)
		:: else
		fi;
		unlock(caller);
		if
		:: off -> in_queue = false
		:: else
		fi;
		unlock(port)
	:: else
	fi;
	/* give_up_reply */
	if
	:: !off ->
		lock(caller);
		off = call == RECEIVED;
		if
		:: off -> end_call(number)
		:: else
		fi;
		unlock(caller)
	:: else
	fi;
	if
	:: off -> go()
	:: else
	fi
}

/* ipc/ipc_port.c:ipc_port_destroy, when the caller has its answers or nobody is left to give them, or at any time before */
active proctype death()
{
	lock(port);
	alive = false;
	/* ipc_port_clear_receiver, ipc_mqueue_wake_all */
	if
	:: slot != 0 -> hears[slot] = true; slot = 0
	:: else
	fi;
	/* end_one, ipc/call.c:ipc_call_end_queued */
	if
	:: in_queue ->
		in_queue = false;
		lock(caller);
		assert(call == QUEUED);
		end_call(number);
		unlock(caller);
		go()
	:: else
	fi;
	unlock(port)
}

init
{
	atomic {
		run the_server(1);
		run the_server(2)
	};
	finished && gone == 2;
	assert(references == 1 && call == NONE)
}
