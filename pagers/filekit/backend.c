/* Small things that every kind of file system needs: names, directory records, the time. */
#include "pagers/filekit/backend.h"

#include <errno.h>
#include <string.h>
#include <time.h>

int fk_check_name(const char *name)
{
	size_t length = strnlen(name, FILE_NAME_LENGTH + 1);

	if (length == 0)
		return ENOENT;
	if (length > FILE_NAME_LENGTH)
		return ENAMETOOLONG;
	return memchr(name, '/', length) ? EINVAL : 0;
}

int fk_add_entry(char *buffer, size_t size, size_t *used, uint64_t inode, uint64_t cookie, unsigned type,
	const char *name, size_t length)
{
	size_t need = (offsetof(struct file_entry, name) + length + 1 + 7) & ~(size_t)7;
	struct file_entry *entry = (struct file_entry *)(void *)(buffer + *used);

	if (need > size - *used)
		return 0;
	memset(entry, 0, need);
	entry->inode = inode;
	entry->cookie = cookie;
	entry->length = (uint16_t)need;
	entry->type = (uint8_t)type;
	memcpy(entry->name, name, length);
	*used += need;
	return 1;
}

int64_t fk_now(void)
{
	struct timespec now;

	clock_gettime(CLOCK_REALTIME, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

unsigned fk_entry_type(uint64_t mode)
{
	return (unsigned)(mode >> 12) & 15; /* the DT_* numbers are S_IFMT's */
}
