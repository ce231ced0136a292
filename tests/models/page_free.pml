/*
 * Page-out finds an object by a page of its own accord, while the last reference to the object goes.
 *
 * What is asserted: page-out looks at no object and at no page that has been freed, and the object is freed once.
 *
 * Faults: UNLOCKED RESURRECT
 */
#include "common.pml"

byte queue_lock, object_lock;                     /* vm_page_queue_lock, vm_object.lock */
bool inactive = true;                             /* the page is on vm_page_inactive */
byte references = 2;                              /* vm_object.refs: of two maps */
byte page_freed, object_freed;

/* vm/vm_object.c:vm_object_deallocate, object_free */
inline deallocate()
{
	atomic { assert(references > 0); references--; last = references == 0 };
	if
	:: last ->
#ifndef UNLOCKED
		lock(object_lock);
#endif
		/* vm_page_enqueue(UNQUEUED) */
		lock(queue_lock);
		inactive = false;
		unlock(queue_lock);
		page_freed++; /* vm_page_free */
#ifndef UNLOCKED
		unlock(object_lock);
#endif
		assert(object_freed == 0 && page_freed == 1);
		object_freed++
	:: else
	fi
}

active [2] proctype map()
{
	bool last;

	deallocate()
}

/* vm/vm_pageout.c:scan_one */
active proctype pageout()
{
	bool last, have, took;
	byte turns = 0;

	do
	:: turns < 2 ->
		turns++;
		lock(queue_lock);
		have = inactive;
		took = false;
		if
		:: have ->
			assert(object_freed == 0);
			/* lock_try */
			atomic {
				if
				:: object_lock == 0 -> object_lock = _pid + 1; took = true
				:: else
				fi
			}
		:: else
		fi;
		unlock(queue_lock);
		if
		:: took ->
			assert(object_freed == 0);
#ifdef RESURRECT
			have = references != 0;
			if
			:: have -> references++
			:: else
			fi;
#else
			/* kern/refcount.h:ref_take_unless_gone */
			atomic { have = references != 0; if :: have -> references++ :: else fi };
#endif
			if
			:: have ->
				/* pager/memory_object_return.c:memory_object_clean: the page is looked at, perhaps given back */
				assert(object_freed == 0 && page_freed == 0);
				unlock(object_lock);
				deallocate()
			:: else ->
				/* wired, or used lately: it goes to another queue */
				assert(object_freed == 0 && page_freed == 0);
				unlock(object_lock)
			fi
		:: else
		fi
	:: turns == 2 -> break
	od
}
