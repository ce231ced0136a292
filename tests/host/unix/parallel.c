/*
 * What the Unix server does without its lock, by threads under the thread sanitizer: owners' locks, the taking of
 * threads (claim.h), and pipes, whose rest of the server is played here.
 */
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/lock.h"
#include "base/user.h"
#include "call/dispatch.h"
#include "check.h"
#include "file/file.h"
#include "ipc/pipe.h"
#include "process/claim.h"
#include "vfs/vfs.h"

#define THREADS 4
#define ROUNDS  20000u

/* --- The rest of the server. */

void lock_sleep(const uint32_t *word, uint32_t value)
{
	syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, NULL, NULL, 0);
}

void lock_wake(const uint32_t *word)
{
	syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
}

static pthread_mutex_t server = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t ready = PTHREAD_COND_INITIALIZER;

void server_lock(void)
{
	pthread_mutex_lock(&server);
	lock_order_take(ORDER_SERVER);
}

void server_unlock(void)
{
	lock_order_give(ORDER_SERVER);
	pthread_mutex_unlock(&server);
}

void server_leave(void)
{
	server_unlock();
}

void wait_queue_init(struct wait_queue *queue)
{
	list_init(&queue->waiters);
	list_init(&queue->chosen);
}

static void wake(struct waiter *waiter)
{
	list_remove(&waiter->link);
	waiter->call->state = CALL_READY;
	pthread_cond_broadcast(&ready);
}

void wait_queue_wake_all(struct wait_queue *queue, unsigned events)
{
	(void)events;
	while (!list_empty(&queue->waiters))
		wake(list_entry(queue->waiters.next, struct waiter, link));
}

/* As the server's: one call, which is known until it has looked. */
void wait_queue_choose(struct wait_queue *queue)
{
	struct waiter *waiter;

	if (list_empty(&queue->waiters) || !list_empty(&queue->chosen))
		return;
	waiter = list_entry(queue->waiters.next, struct waiter, link);
	wake(waiter);
	list_append(&queue->chosen, &waiter->link);
	waiter->chosen = true;
}

void wait_queue_destroy(struct wait_queue *queue)
{
	wait_queue_wake_all(queue, 0);
}

int64_t call_wait_for(struct call *call, struct wait_queue *queue)
{
	call->waiters = 1;
	call->waiter[0] = (struct waiter){.call = call, .queue = queue};
	list_append(&queue->waiters, &call->waiter[0].link);
	call->state = CALL_WAITING;
	return CALL_RESTART;
}

int io_copy_out(struct io *io, const void *from, uint64_t size)
{
	memcpy((char *)io->server + io->done, from, size);
	io->done += size;
	return 0;
}

int io_copy_in(struct io *io, void *to, uint64_t size)
{
	memcpy(to, (char *)io->server + io->done, size);
	io->done += size;
	return 0;
}

/* What pipes ask for besides, and is not asked for here. */
struct user *user_now(void)
{
	return NULL;
}
uint64_t clock_realtime(void)
{
	return 0;
}
uint64_t anonymous_inode(void)
{
	return 1;
}
void vnode_init(struct vnode *vnode, const struct vnode_ops *ops, struct mount *mount, unsigned mode, uint64_t inode)
{
	(void)vnode, (void)ops, (void)mount, (void)mode, (void)inode;
}
struct vnode *vnode_reference(struct vnode *vnode)
{
	return vnode;
}
void vnode_release(struct vnode *vnode)
{
	(void)vnode;
}
int signal_thread(struct thread *thread, int signal, const struct signal_info *info)
{
	(void)thread, (void)signal, (void)info;
	return 0;
}
int copy_out(struct call *call, uint64_t to, const void *from, size_t size)
{
	(void)call, (void)to, (void)from, (void)size;
	return 0;
}
struct file *file_create(const struct file_ops *ops, unsigned flags, struct vnode *vnode, void *data)
{
	(void)ops, (void)flags, (void)vnode, (void)data;
	return NULL;
}
void file_end(struct file *file)
{
	(void)file;
}
int64_t fd_install(struct call *call, struct file *file, bool close_on_exec)
{
	(void)call, (void)file, (void)close_on_exec;
	return -1;
}
int64_t fd_close(struct call *call, int fd)
{
	(void)call, (void)fd;
	return -1;
}
int64_t fd_tell_pair(struct call *call, uint64_t address, int first, int second)
{
	(void)call, (void)address, (void)first, (void)second;
	return -1;
}

static void in_threads(unsigned count, void *(*function)(void *))
{
	pthread_t thread[2 * THREADS];
	uintptr_t i;

	for (i = 0; i < count; i++)
		pthread_create(&thread[i], NULL, function, (void *)i);
	for (i = 0; i < count; i++)
		pthread_join(thread[i], NULL);
}

/* --- Locks. */

static struct lock lock;
static unsigned counted;

static void *count(void *argument)
{
	unsigned i;

	(void)argument;
	for (i = 0; i < ROUNDS; i++) {
		lock_take(&lock, ORDER_NODE);
		counted++;
		lock_give(&lock, ORDER_NODE);
	}
	return NULL;
}

/* --- Threads: taken, wanted, freed and made anew by who has the server's lock, while their calls run. */

struct thread *thread_place[PROCESS_ID_MAX];

#define IDS 8
static struct thread *thread_of[IDS + 1]; /* by id, with the server's lock */
static unsigned calls, wanted, ended;
static bool over;

static void make_thread(int id)
{
	struct thread *thread = calloc(1, sizeof *thread);

	thread->id = id;
	thread_of[id] = thread;
	thread_put(thread);
}

/* With the server's lock, of a taken thread: another one with its id. */
static void replace(struct thread *thread)
{
	int id = thread->id;

	free(thread);
	make_thread(id);
	ended++;
}

static void *run_calls(void *argument)
{
	unsigned seed = (unsigned)(uintptr_t)argument, i;

	for (i = 0; i < ROUNDS; i++) {
		struct thread *thread = thread_claim(1 + (unsigned)rand_r(&seed) % IDS);

		if (thread == NULL)
			continue;
		thread->call.progress++; /* what the call of one thread does, nobody else sees before its end */
		if (i % 64 == 0)
			thread_want(thread);
		if (thread_unclaim(thread))
			continue;
		server_lock();
		wanted++;
		calls += (unsigned)thread->call.progress;
		thread->call.progress = 0;
		if (thread->dead)
			replace(thread);
		else
			thread_put(thread);
		server_unlock();
	}
	return NULL;
}

/* As signals and ends come. */
static void *want_threads(void *argument)
{
	unsigned seed = 99, i;

	(void)argument;
	for (i = 0; i < ROUNDS; i++) {
		struct thread *thread;

		server_lock();
		thread = thread_of[1 + (unsigned)rand_r(&seed) % IDS];
		if (!thread_take(thread)) {
			thread->dead = i % 3 == 0 || thread->dead; /* who runs its call looks */
		} else {
			calls += (unsigned)thread->call.progress;
			thread->call.progress = 0;
			if (i % 3 == 0)
				replace(thread);
			else
				thread_put(thread);
		}
		server_unlock();
	}
	return NULL;
}

static void *one_of_both(void *argument)
{
	return (uintptr_t)argument == 0 ? want_threads(NULL) : run_calls(argument);
}

static void check_claims(void)
{
	int i;

	server_lock();
	for (i = 1; i <= IDS; i++)
		make_thread(i);
	server_unlock();
	in_threads(THREADS + 1, one_of_both);
	check("threads are taken, wanted and freed one at a time", wanted > 0 && ended > 0);
	for (i = 1; i <= IDS; i++) {
		over = over || thread_claim((unsigned)i) != thread_of[i];
		free(thread_of[i]);
	}
	check("and all stand in their places afterwards", !over);
	check("an id that is none has no place", thread_claim(PROCESS_ID_MAX) == NULL && thread_claim(1) == NULL);
}

/* --- Pipes. */

#define BYTES (ROUNDS / 2 * 60)

static struct vnode vnode;
static struct file file = {.flags = O_RDWR};
static uint64_t written, have_read, sum_written, sum_read;

/* Moves up to `size` bytes as sys_read and sys_write do: without the lock if that is possible, else with it, waiting.
 */
static int64_t move(struct call *call, char *bytes, uint64_t size, bool write)
{
	struct io io = {.call = call, .server = bytes, .total = size};
	int64_t result = write ? file.ops->write_unlocked(&file, &io, NULL) : file.ops->read_unlocked(&file, &io, NULL);

	if (result != CALL_NEEDS_LOCK)
		return result;
	io.done = 0;
	server_lock();
	for (;;) {
		result = write ? file.ops->write(&file, &io, NULL) : file.ops->read(&file, &io, NULL);
		if (result != CALL_RESTART)
			break;
		while (call->state == CALL_WAITING)
			pthread_cond_wait(&ready, &server);
		if (!call->waiter[0].chosen)
			call->waiters = 0;
	}
	server_unlock();
	return result;
}

static void *use_pipe(void *argument)
{
	unsigned number = (unsigned)(uintptr_t)argument, i;
	bool write = number % 2 == 0;
	struct call call = {.state = CALL_IDLE};
	char bytes[60];
	uint64_t sum = 0, left = BYTES;

	while (left > 0) {
		int64_t done;

		for (i = 0; write && i < sizeof bytes; i++)
			bytes[i] = (char)(left + i * number);
		done = move(&call, bytes, sizeof bytes < left ? sizeof bytes : left, write);
		if (done <= 0)
			break;
		for (i = 0; i < done; i++)
			sum += (unsigned char)bytes[i];
		left -= (uint64_t)done;
		call.progress = 0;
	}
	__atomic_add_fetch(write ? &written : &have_read, BYTES - left, __ATOMIC_RELAXED);
	__atomic_add_fetch(write ? &sum_written : &sum_read, sum, __ATOMIC_RELAXED);
	return NULL;
}

static void check_pipe(void)
{
	struct call call = {.state = CALL_RUNNING};

	server_lock();
	check("a pipe opens", fifo_open(&call, &vnode, &file) == 0);
	check("and takes another size", pipe_set_size(&file, 4096) == 4096);
	server_unlock();
	in_threads(THREADS, use_pipe);
	check("what is written to a pipe is read, whoever waits",
		written == THREADS / 2 * BYTES && have_read == written);
	check("and is what was written", sum_read == sum_written);
	server_lock();
	file.ops->release(&file);
	server_unlock();
}

int main(void)
{
	in_threads(THREADS, count);
	check("a lock keeps others out", counted == THREADS * ROUNDS);
	check_claims();
	check_pipe();
	return check_failures != 0;
}
