/* Changes of files and folders, told to those who watch them: inotify(7). */
#ifndef PERSONALITY_NOTIFY_H
#define PERSONALITY_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/inotify.h>

struct file;
struct file_ops;
struct vnode;

/*
 * A watch holds a reference of its vnode (vnode->watchers counts them) and goes when the file has neither names nor other
 * users. All with the server's lock; nothing here waits.
 */

/* The kinds of event that somebody watches for, somewhere. Read without the lock, too: a read there asks whether it is one. */
extern uint32_t notify_wanted;

void notify_event(struct vnode *vnode, uint32_t kind);
void notify_event_self(struct vnode *vnode, uint32_t kind);
void notify_event_entry(struct vnode *directory, const char *name, bool is_directory, uint32_t kind, uint32_t cookie);

/* Something has happened to a file: its own watches hear of it, and those of the folder where it was found last. */
static inline void notify(struct vnode *vnode, uint32_t kind)
{
	if (__builtin_expect(notify_wanted & kind, 0))
		notify_event(vnode, kind);
}

/* Its own only. */
static inline void notify_self(struct vnode *vnode, uint32_t kind)
{
	if (__builtin_expect(notify_wanted & kind, 0))
		notify_event_self(vnode, kind);
}

/* A name in a folder was made, removed or moved. */
static inline void notify_entry(struct vnode *directory, const char *name, bool is_directory, uint32_t kind)
{
	if (__builtin_expect(notify_wanted & kind, 0))
		notify_event_entry(directory, name, is_directory, kind, 0);
}

/* A number that the two events of a move share. */
uint32_t notify_cookie(void);

/* Nobody but watches refers to the vnode: when it has no names, they end. */
void notify_unused(struct vnode *vnode);
/* A mount is taken off: what watches its files ends. */
struct mount;
void notify_unmount(const struct mount *mount);

extern const struct file_ops notifier_ops;
/* What data of such a file is. user_alloc's memory; null: no memory, or (EMFILE) the user has too many. */
void *notifier_create(int *error);
/* Watches a vnode, or changes what is watched for: the watch's number or -errno. */
int notifier_add(struct file *file, struct vnode *vnode, uint32_t mask);
int notifier_remove(struct file *file, int number);

#endif
