/* Kernel memory on a task's account (null: the kernel's own). Over its limit, as without memory, null comes back. */
#ifndef KERN_CHARGED_H
#define KERN_CHARGED_H

#include <kern/kalloc.h>
#include <kern/task.h>

static inline void *task_kalloc(struct task *task, size_t size)
{
	void *memory = NULL;

	if (task_charge(task, size)) {
		memory = kalloc(size);
		if (memory == NULL)
			task_uncharge(task, size);
	}
	return memory;
}

static inline void task_kfree(struct task *task, void *memory, size_t size)
{
	kfree(memory, size);
	task_uncharge(task, size);
}

static inline void *task_cache_alloc(struct task *task, struct kcache *cache)
{
	void *object = NULL;

	if (task_charge(task, cache->size)) {
		object = kcache_alloc(cache);
		if (object == NULL)
			task_uncharge(task, cache->size);
	}
	return object;
}

static inline void task_cache_free(struct task *task, struct kcache *cache, void *object)
{
	kcache_free(cache, object);
	task_uncharge(task, cache->size);
}

#endif
