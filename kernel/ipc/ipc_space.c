/* Spaces: life, and the kernel's ways in. */
#include <ipc/ipc_internal.h>
#include <kern/piece.h>

#define HASH_FIRST 64u

/* What an entry, and a chunk of them, takes that goes, about (kern/piece.h). */
#define ENTRY_COST 20
#define RIGHT_COST 800
#define CHUNK_COST 200

static struct kcache space_cache = KCACHE(sizeof(struct ipc_space));

kern_return_t ipc_space_create(task_t task, struct ipc_space **out)
{
	struct ipc_space *space = kcache_alloc(&space_cache, task->account);

	if (space == NULL)
		return KERN_RESOURCE_SHORTAGE;
	space->hash = kalloc(task->account, HASH_FIRST * sizeof(*space->hash));
	if (space->hash == NULL) {
		kcache_free(&space_cache, task->account, space);
		return KERN_RESOURCE_SHORTAGE;
	}
	space->hash_size = HASH_FIRST;
	lock_init(&space->lock, LOCK_RANK_SPACE);
	ref_init(&space->refs, 1);
	space->active = true;
	space->account = task->account;
	space->task = task;
	*out = space;
	return KERN_SUCCESS;
}

void ipc_space_release(struct ipc_space *space)
{
	if (space != NULL && ref_drop(&space->refs))
		kcache_free(&space_cache, space->account, space);
}

/*
 * The space is made inactive first, so that nothing enters it any more; then each entry gives up its rights with the
 * lock released, for their notifications.
 */
void ipc_space_destroy(struct ipc_space *space)
{
	struct account *account = space->account;

	lock_acquire(&space->lock);
	if (!space->active) {
		lock_release(&space->lock);
		return;
	}
	space->active = false;
	lock_release(&space->lock);
	for (uint32_t number = 0; number < space->chunks; number++) {
		struct ipc_entry *chunk = space->chunk[number];

		for (uint32_t i = 0; chunk != ipc_entry_none && i < IPC_ENTRIES_PER_CHUNK; i++) {
			struct ipc_right_loss loss = {0};
			mach_port_name_t name;

			lock_acquire(&space->lock);
			if (ipc_entry_type(&chunk[i]) != 0) {
				name = (number * IPC_ENTRIES_PER_CHUNK + i) << 8 |
				       (chunk[i].bits & IPC_ENTRY_GENERATION);
				ipc_right_destroy(space, name, &chunk[i], &loss);
				piece_spend(RIGHT_COST);
			}
			lock_release(&space->lock);
			ipc_right_finish(&loss);
			piece_spend(ENTRY_COST);
		}
	}
	lock_acquire(&space->lock);
	for (uint32_t number = 0; number < space->chunks; number++) {
		piece_spend(CHUNK_COST);
		if (space->chunk[number] != ipc_entry_none)
			kfree(account, space->chunk[number], IPC_CHUNK_BYTES);
	}
	kfree(account, space->chunk, space->chunks * sizeof(*space->chunk));
	kfree(account, space->hash, space->hash_size * sizeof(*space->hash));
	/* Lookups of those who still have a reference find an empty table. */
	space->chunks = 0;
	space->chunk_mask = 0;
	space->chunk = NULL;
	space->hash = NULL;
	space->hash_size = 0;
	space->task = NULL;
	lock_release(&space->lock);
}

kern_return_t ipc_space_insert(
	struct ipc_space *space, struct ipc_port *port, mach_msg_type_name_t disposition, mach_port_name_t *name)
{
	kern_return_t result = KERN_INVALID_TASK;

	lock_acquire(&space->lock);
	if (space->active)
		result = ipc_right_copyout(space, port, disposition, MACH_PORT_NULL, name);
	lock_release(&space->lock);
	if (result != KERN_SUCCESS)
		ipc_port_release_right(port, disposition);
	deferred_run();
	return result;
}

void *ipc_space_kernel_object(
	struct ipc_space *space, mach_port_name_t name, enum ipc_kobject_type type, void *(*reference)(void *object))
{
	struct ipc_entry *entry;
	void *object = NULL;

	lock_acquire(&space->lock);
	entry = ipc_entry_lookup(space, name);
	if (entry != NULL && (entry->bits & MACH_PORT_TYPE_SEND))
		object = ipc_kernel_port_lookup(ipc_object_port(entry->object), type, reference);
	lock_release(&space->lock);
	return object;
}
