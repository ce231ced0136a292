/* Vnodes: counting references, their place in the tree; a process's view of the tree. */
#include <stdlib.h>
#include <string.h>

#include "base/user.h"
#include "file/notify.h"
#include "vfs/vfs_internal.h"

void vnode_init(struct vnode *vnode, const struct vnode_ops *ops, struct mount *mount, unsigned mode, uint64_t inode)
{
	memset(vnode, 0, sizeof *vnode);
	vnode->references = 1;
	vnode->ops = ops;
	vnode->mount = mount;
	vnode->mode = mode;
	vnode->inode = inode;
	list_init(&vnode->locks);
	list_init(&vnode->leases);
	list_init(&vnode->watches);
	wait_queue_init(&vnode->lock_queue);
}

struct vnode *vnode_reference(struct vnode *vnode)
{
	vnode->references++;
	return vnode;
}

struct vnode *vnode_run(struct vnode *vnode)
{
	vnode->runners++;
	return vnode_reference(vnode);
}

void vnode_run_end(struct vnode *vnode)
{
	if (vnode != NULL)
		vnode->runners--;
	vnode_release(vnode);
}

void vnode_release(struct vnode *vnode)
{
	/* The parent goes with the child, and may be the last of its own: a loop, since trees are deep. */
	while (vnode != NULL && --vnode->references == 0) {
		struct vnode *parent = vnode->parent;

		wait_queue_destroy(&vnode->lock_queue);
		free(vnode->name);
		vnode->parent = NULL;
		vnode->name = NULL;
		vnode->ops->release(vnode);
		vnode = parent;
	}
	if (vnode != NULL && vnode->watchers != 0 && vnode->references == vnode->watchers)
		notify_unused(vnode);
}

int vnode_sync(struct vnode *vnode, bool data_only)
{
	int result = vnode->ops->sync(vnode, data_only);

	write_failures_note(&vnode->failures, result);
	return result;
}

void vnode_set_place(struct vnode *vnode, struct vnode *parent, const char *name)
{
	struct vnode *old = vnode->parent;
	char *copy;

	if (old == parent && (name == NULL || (vnode->name != NULL && strcmp(vnode->name, name) == 0)))
		return;
	copy = name != NULL ? strdup(name) : NULL;
	free(vnode->name);
	vnode->name = copy;
	vnode->parent = parent != NULL ? vnode_reference(parent) : NULL;
	vnode_release(old);
}

struct fs_context *fs_context_create(struct vnode *root)
{
	struct fs_context *context = user_alloc(user_now(), sizeof *context);

	if (context == NULL)
		return NULL;
	context->references = 1;
	context->root = vnode_reference(root);
	context->cwd = vnode_reference(root);
	context->umask = 022;
	return context;
}

struct fs_context *fs_context_copy(const struct fs_context *context)
{
	struct fs_context *copy = fs_context_create(context->root);

	if (copy == NULL)
		return NULL;
	vnode_release(copy->cwd);
	copy->cwd = vnode_reference(context->cwd);
	copy->umask = context->umask;
	return copy;
}

void fs_context_release(struct fs_context *context)
{
	if (context == NULL || --context->references > 0)
		return;
	vnode_release(context->cwd);
	vnode_release(context->root);
	user_free(context);
}
