/* The threads that wait for pagers: see paging.h. */
#include "memory/paging.h"

#include <mach/mach.h>
#include <stdlib.h>

#include "base/list.h"
#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "memory/mm.h"
#include "process/proc.h"

#define IDLE_MAX 4 /* threads that stay when there is nothing to do */

/* The jobs of one user or mount; exists while there are any. */
struct line {
	struct list link; /* of all */
	uint64_t key;
	unsigned threads;    /* that work for it */
	struct list waiting; /* struct paging */
};

/* A fiber that waits for a job. */
struct paging_wait {
	struct fiber *fiber;
	kern_return_t result; /* KERN_ABORTED: the fiber gave up */
	uint64_t address;     /* where it was mapped */
};

struct paging {
	struct list link; /* of the line's waiting ones, or of those given to threads */
	struct line *line;
	bool given; /* to a thread, which frees it */
	/* Who waits for its end: a call, a fiber, or nobody any more. */
	struct call *call;
	struct paging_wait *wait;

	mach_port_t port; /* a right of the job's own: the task; or the object to map */
	bool write;       /* the pages are to be written */
	bool map;
	uint64_t address, size;
	kern_return_t result;
};

static struct list lines = LIST_INITIALIZER(lines);
/* For idle threads to take; they wait on the count of all that was ever put there. */
static struct list given = LIST_INITIALIZER(given);
static uint32_t given_count;
static unsigned idle_threads;

/* Users and mounts in one space of keys: an address is even. */
static uint64_t line_key(const struct mount *mount)
{
	const struct call *call = current_call;

	if (mount != NULL)
		return (uintptr_t)mount;
	return (uint64_t)(call != NULL ? call->process->credentials.uid : 0) << 1 | 1;
}

static struct line *line_find(uint64_t key)
{
	struct line *line;

	list_for_each (link, &lines) {
		line = list_entry(link, struct line, link);
		if (line->key == key)
			return line;
	}
	line = calloc(1, sizeof *line);
	if (line != NULL) {
		line->key = key;
		list_init(&line->waiting);
		list_append(&lines, &line->link);
	}
	return line;
}

static void line_check(struct line *line)
{
	if (line->threads > 0 || !list_empty(&line->waiting))
		return;
	list_remove(&line->link);
	free(line);
}

/* The page is there then, to be read or written. flags: VM_COPY_NOWAIT, or 0 to wait for it. */
static kern_return_t touch(mach_port_t task, uint64_t address, bool write, uint32_t flags)
{
	char byte = 0;

	return write ? task_copy_to(task, address, 1, &byte, flags | VM_COPY_TOUCH, NULL)
		     : task_copy_from(task, address, 1, &byte, flags, NULL);
}

/* Without the lock. */
static void work(struct paging *job)
{
	uint64_t at;

	if (job->map) {
		job->result = vm_map(mach_task_self(), &job->address, job->size, 0, TRUE, job->port, 0, FALSE,
			VM_PROT_READ | VM_PROT_WRITE, VM_PROT_READ | VM_PROT_WRITE, VM_INHERIT_NONE);
		return;
	}
	for (at = job->address; at < job->address + job->size; at = trunc_page(at) + VM_PAGE_SIZE) {
		job->result = touch(job->port, at, job->write, 0);
		if (job->result != KERN_SUCCESS)
			return;
	}
}

static void job_free(struct paging *job)
{
	mach_port_deallocate(mach_task_self(), job->port);
	free(job);
}

/* With the lock: tells who waits. Frees the job. */
static void job_done(struct paging *job)
{
	if (job->wait != NULL) {
		job->wait->result = job->result;
		job->wait->address = job->address;
		fiber_wake(job->wait->fiber);
	} else if (job->call != NULL) {
		job->call->paging = NULL;
		call_paged(job->call);
	} else if (job->map && job->result == KERN_SUCCESS) {
		vm_deallocate(mach_task_self(), job->address, job->size);
	}
	job_free(job);
}

/* Nobody wants its end any more. */
static void job_forget(struct paging *job)
{
	job->call = NULL;
	job->wait = NULL;
	if (job->given)
		return;
	list_remove(&job->link);
	line_check(job->line);
	job_free(job);
}

/* The job, and all that comes after it in its line. */
static void serve_line(struct paging *job)
{
	struct line *line = job->line;

	for (;;) {
		job->given = true;
		server_unlock();
		work(job);
		server_lock();
		job_done(job);
		if (list_empty(&line->waiting))
			break;
		job = list_entry(line->waiting.next, struct paging, link);
		list_remove(&job->link);
	}
	line->threads--;
	line_check(line);
}

static void *pool_thread(void *argument)
{
	(void)argument;
	server_lock();
	for (;;) {
		uint32_t seen = __atomic_load_n(&given_count, __ATOMIC_ACQUIRE);

		if (!list_empty(&given)) {
			struct paging *job = list_entry(given.next, struct paging, link);

			list_remove(&job->link);
			serve_line(job);
			continue;
		}
		if (idle_threads >= IDLE_MAX)
			break;
		idle_threads++;
		server_leave();
		mach_word_wait(&given_count, seen, MACH_DEADLINE_NONE, 0);
		server_lock();
		idle_threads--;
	}
	server_leave();
	return NULL;
}

/* Puts the job into its line. False: no memory, or no thread; the job stays the caller's. */
static bool job_start(struct paging *job, uint64_t key)
{
	struct line *line = line_find(key);

	if (line == NULL)
		return false;
	job->line = line;
	if (line->threads == PAGING_LINE_THREADS) {
		list_append(&line->waiting, &job->link);
		return true;
	}
	job->given = true;
	list_append(&given, &job->link);
	/* An idle thread may have been promised to an earlier job: those given but not taken. */
	if (idle_threads == 0 || given.next != &job->link) {
		if (!server_thread_try(pool_thread) && line->threads == 0) {
			list_remove(&job->link);
			line_check(line);
			return false; /* nobody would come for it */
		}
	}
	line->threads++;
	/* Release: a thread that sees the count finds the job, under the lock. */
	__atomic_add_fetch(&given_count, 1, __ATOMIC_RELEASE);
	mach_word_wake(&given_count, 1, 0);
	return true;
}

/* A job with a right of its own to the port. KERN_RESOURCE_SHORTAGE; KERN_INVALID_CAPABILITY: the port is dead. */
static kern_return_t job_create(mach_port_t port, uint64_t address, uint64_t size, struct paging **out)
{
	struct paging *job = calloc(1, sizeof *job);

	if (job == NULL)
		return KERN_RESOURCE_SHORTAGE;
	if (mach_port_mod_refs(mach_task_self(), port, MACH_PORT_RIGHT_SEND, 1) != KERN_SUCCESS) {
		free(job);
		return KERN_INVALID_CAPABILITY;
	}
	list_init(&job->link);
	job->port = port;
	job->address = address;
	job->size = size;
	*out = job;
	return KERN_SUCCESS;
}

bool paging_for_call(struct call *call)
{
	struct paging *job;

	if (job_create(process_task(call->process), call->absent_address, call->absent_size, &job) != KERN_SUCCESS)
		return false;
	job->call = call;
	job->write = call->absent_write;
	if (!job_start(job, (uint64_t)call->process->credentials.uid << 1 | 1)) {
		job_free(job);
		return false;
	}
	call->paging = job;
	call->state = CALL_PAGING;
	return true;
}

void paging_forget(struct call *call)
{
	struct paging *job = call->paging;

	call->paging = NULL;
	job_forget(job);
}

static void give_up(void *argument)
{
	struct paging *job = argument;
	struct fiber *fiber = job->wait->fiber;

	job_forget(job);
	fiber_wake(fiber);
}

/* Starts the job and waits for it on this fiber. Consumes it. */
static kern_return_t job_wait(struct paging *job, struct mount *mount, uint64_t *address)
{
	struct paging_wait wait = {.fiber = fiber_self(), .result = KERN_ABORTED};

	if (!job_start(job, line_key(mount))) {
		job_free(job);
		return KERN_RESOURCE_SHORTAGE;
	}
	job->wait = &wait;
	if (!fiber_wait(give_up, job)) {
		job_forget(job);
		return KERN_RESOURCE_SHORTAGE;
	}
	*address = wait.address;
	return wait.result;
}

kern_return_t paging_bring(mach_port_t task, uint64_t address, uint64_t size, bool write, struct mount *mount)
{
	uint64_t end = address + size;
	struct paging *job;

	/* No thread for what is there. */
	for (; address < end; address = trunc_page(address) + VM_PAGE_SIZE) {
		kern_return_t result = touch(task, address, write, VM_COPY_NOWAIT);

		if (result == KERN_ABSENT) {
			result = job_create(task, address, end - address, &job);
			if (result != KERN_SUCCESS)
				return result;
			job->write = write;
			return job_wait(job, mount, &address);
		}
		if (result != KERN_SUCCESS)
			return result;
	}
	return KERN_SUCCESS;
}

kern_return_t paging_map(mach_port_t object, uint64_t size, struct mount *mount, vm_address_t *address)
{
	struct paging *job;
	kern_return_t result = job_create(object, 0, size, &job);

	if (result != KERN_SUCCESS)
		return result;
	job->map = true;
	return job_wait(job, mount, address);
}
