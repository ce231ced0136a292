/* Pages that a pager has to bring: who waits for them are threads of a pool, each for one user or one mount. */
#ifndef PERSONALITY_PAGING_H
#define PERSONALITY_PAGING_H

#include <mach/mach_types.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct mount;

/*
 * A page comes when its pager sends it, which may be late or never (the kernel gives up after 30 s). So the server
 * copies without waiting (VM_COPY_NOWAIT), and what is absent is asked for by a thread of a pool that holds no lock.
 * The jobs of one user, for memory of processes, and those of one mount, for contents of files, stand in one line:
 * PAGING_LINE_THREADS threads at most wait for a line, further jobs wait behind them. So memory that nobody brings
 * costs only whose it is.
 *
 * States of a job: waiting (on its line's list), running (a thread works on it without the lock), forgotten while it
 * ran (nobody wants its end any more: the thread frees it).
 */
#define PAGING_LINE_THREADS 64

/* A call has missed pages of its caller (call->absent_address): brings them in, then call_paged. False: no memory. */
bool paging_for_call(struct call *call);
/* The call ends before that. */
void paging_forget(struct call *call);

/*
 * Brings pages of a task in, for reading or (write) for writing, all of [address, address + size), while the running
 * fiber waits; the lock is released. mount: whose contents these are, when it is a mapping of the server's own; null:
 * memory of a process, of the user that the running call is for. KERN_SUCCESS, also when they were there; KERN_ABORTED:
 * the caller has been killed; KERN_RESOURCE_SHORTAGE; what the kernel says of the page.
 */
kern_return_t paging_bring(mach_port_t task, uint64_t address, uint64_t size, bool write, struct mount *mount);
/*
 * Maps a memory object into the server, which waits for its pager when the kernel has not seen it before. As
 * paging_bring.
 */
kern_return_t paging_map(mach_port_t object, uint64_t size, struct mount *mount, vm_address_t *address);

#endif
