/*
 * Two processors run threads of one map, and each takes a page out of it and frees that page; then the map is destroyed.
 *
 * Each processor is one process, in user mode or in the kernel; there it takes no interrupts, but whoever spins serves
 * requests. What is asserted: no translation to a page is used, and no table walked, that has been freed. At the end all
 * have got there: nobody waits for one that waits for him.
 *
 * A processor may fill its store of translations at any time while a table is loaded; here it does at once or when it
 * needs one, which is as bad as it gets. Writes are seen in order, for that is what the fence in shoot_down and the
 * locked and serializing instructions of the others are for.
 *
 * Faults: LOADFIRST LOOKFIRST NOWAIT NOSERVE KEPTROOT
 */
#include "common.pml"

#define OTHER (1 - me)

byte pmap_lock;                                   /* pmap.lock */
bool entry[2] = true;                             /* the table's entry of page 0 and 1 */
bool freed[2], root_freed;                        /* the pages, the table */
bool loaded[2];                                   /* processor.pmap is the map; cpu.shootdown_from below */
bool cr3[2];                                      /* what the processor really has */
bool from[2];                                     /* cpu.shootdown_from: of the other */
byte unanswered[2];                               /* cpu.shootdown_unanswered */
byte batch[2];                                    /* cpu.shootdown: the page, or LEAVE */
#define LEAVE 2
bool tlb[4];                                      /* translations of processor p for page n: tlb[2 * p + n] */
bool left[2];                                     /* its thread has ended */
bool over;

#define forget_all()  tlb[2 * me] = false; tlb[2 * me + 1] = false
#define in_tlb(n)     tlb[2 * me + (n)]

/* x86_64/thread.c:load_space */
inline load(it)
{
#ifdef LOADFIRST
	atomic { cr3[me] = it; forget_all(); fill() };
	loaded[me] = it
#else
	loaded[me] = it;
	atomic { cr3[me] = it; forget_all(); fill() } /* write_cr3 */
#endif
}

/* The hardware, with the table loaded. */
inline fill()
{
	assert(!cr3[me] || !root_freed);
	in_tlb(0) = cr3[me] && entry[0];
	in_tlb(1) = cr3[me] && entry[1]
}

/* x86_64/tlb.c:tlb_shootdown_serve; from the interrupt, or machine_relax */
inline serve()
{
	atomic { asked = from[me]; from[me] = false };
	if
	:: asked && loaded[me] && batch[OTHER] == LEAVE -> load(false) /* forget: pmap_load(NULL) */
	:: asked && loaded[me] && batch[OTHER] != LEAVE -> in_tlb(batch[OTHER]) = false /* invlpg */
	:: else
	fi;
	if
	:: asked -> unanswered[OTHER]--
	:: else
	fi
}

/* kern/lock.c:lock_contended, x86_64/tlb.c:await_answers: spins until it is so. */
#ifdef NOSERVE
#define spin_until(it) it
#else
#define spin_until(it) do :: it -> break :: from[me] -> serve() od
#endif

/* x86_64/tlb.c:shoot_down, ask, await_answers */
inline shoot_down(what)
{
	batch[me] = what;
	if
	:: loaded[OTHER] ->
		unanswered[me]++;
		from[OTHER] = true /* and apic_send */
	:: else
	fi;
#ifndef NOWAIT
	spin_until(unanswered[me] == 0)
#endif
}

/* x86_64/pmap.c:pmap_protect of one page, remove_entry, tlb_flush; then vm/vm_object.c:vm_object_free_page */
inline unmap_and_free(page)
{
	do
	:: atomic { pmap_lock == 0 -> pmap_lock = _pid + 1; break }
#ifndef NOSERVE
	:: from[me] -> serve()
#endif
	od;
#ifdef LOOKFIRST
	others = loaded[OTHER];
	entry[page] = false;
	if
	:: loaded[me] -> in_tlb(page) = false
	:: else
	fi;
	if
	:: others -> shoot_down(page)
	:: else
	fi;
#else
	entry[page] = false;
	if
	:: loaded[me] -> in_tlb(page) = false
	:: else
	fi;
	shoot_down(page);
#endif
	unlock(pmap_lock);
	freed[page] = true
}

proctype processor(byte me)
{
	bool asked, others;
	byte turns = 0, page;

	do
	:: turns < 2 ->
		turns++;
		if
		:: !cr3[me] -> load(true) /* kern/sched.c:run_thread, machine_switch_to */
		:: cr3[me] -> load(false) /* to a thread of another map, and idle */
		:: cr3[me] ->
			/* user mode touches a page */
			if
			:: page = 0
			:: page = 1
			fi;
			if
			:: !in_tlb(page) ->
				atomic {
					assert(!root_freed);
					in_tlb(page) = entry[page]
				}
			:: else
			fi;
			if
			:: in_tlb(page) -> assert(!freed[page])
			:: else /* a fault */
			fi
		fi
	:: from[me] -> serve() /* VECTOR_SHOOTDOWN */
	:: turns == 2 -> break
	od;
	/* Its thread calls vm_deallocate, touches the other page, and ends; the map stays loaded, for the idle thread has
	 * none. */
	unmap_and_free(me);
	if
	:: cr3[me] && in_tlb(OTHER) -> assert(!freed[OTHER] || from[me])
	:: else
	fi;
	left[me] = true;
	if
	:: me == 0 ->
		spin_until(left[1]);
		/* x86_64/pmap.c:pmap_destroy, pmap_unload */
#ifndef KEPTROOT
		if
		:: loaded[me] -> load(false)
		:: else
		fi;
		shoot_down(LEAVE);
#endif
		root_freed = true;
		assert(!cr3[1]);
		over = true
	:: else ->
		do
		:: from[me] -> serve()
		:: over && !from[me] -> break
		od
	fi
}

init
{
	atomic {
		run processor(0);
		run processor(1)
	}
}
