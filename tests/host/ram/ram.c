/* pagers/ram against the model, and its size limit. */
#include "pagers/ram/ram.h"
#include "tests/host/files/model.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void run(unsigned seed)
{
	struct ram_volume *volume = ram_open(64 << 20);
	unsigned wrong;

	model_seed(seed);
	model_begin(&volume->base);
	wrong = model_run(6000);
	check(wrong == 0, "ram: 6000 operations agree with the model, seed %u", seed);
	check(model_compare() == 0, "ram: the tree is the model's, seed %u", seed);
	model_drop_open();
	model_end();
	ram_close(volume);
}

static void fill(void)
{
	struct ram_volume *volume = ram_open(1 << 20);
	struct fk_volume *base = &volume->base;
	struct file_attributes values = {.mode = S_IFREG | 0644}, a;
	static char data[100000];
	uint64_t inode, victim, offset = 0;
	int error;

	base->operations->create(base, base->operations->root, "full", &values, &inode);
	while ((error = model_write(base, inode, offset, data, sizeof(data))) == 0)
		offset += sizeof(data);
	check(error == ENOSPC && offset == 1000000, "ram: a full file system says ENOSPC");
	check(base->operations->get_attributes(base, inode, &a) == 0 && a.size == offset && a.blocks * 512 <= 1 << 20,
		"ram: what failed changed nothing");
	check(model_write(base, inode, RAM_SIZE_LIMIT, data, 1) == EFBIG, "ram: a file too large is EFBIG");
	check(model_write(base, inode, 5, data, sizeof(data)) == 0, "ram: what is there can be written again");
	check(model_truncate(base, inode, 3) == 0 && volume->pages == 1, "ram: truncating frees the pages");
	check(model_truncate(base, inode, RAM_SIZE_LIMIT) == 0 &&
			model_write(base, inode, RAM_SIZE_LIMIT - 10, data, 10) == 0 && volume->pages == 2,
		"ram: the last page of the largest file");
	base->operations->unlink(base, base->operations->root, "full", 0, &victim);
	check(victim == inode && volume->pages == 2, "ram: an unlinked file lives until it is forgotten");
	base->operations->forget(base, victim);
	check(volume->pages == 0 && volume->nodes == 1, "ram: then its pages are free");
	ram_close(volume);
}

/* What read() says of a range: a letter for each page. */
static void spell(void *context, uint64_t offset, void *pages, size_t size)
{
	char *text = context;

	memset(text + offset / FK_PAGE_SIZE, pages == FK_HOLE ? 'h' : pages ? 'p' : '0', size / FK_PAGE_SIZE);
	if (pages != FK_HOLE)
		pk_pages_free(pages, size);
}

static void holes(void)
{
	struct ram_volume *volume = ram_open(1 << 20);
	struct fk_volume *base = &volume->base;
	const struct fk_operations *operations = base->operations;
	struct file_attributes values = {.mode = S_IFREG | 0644};
	uint64_t inode;
	char text[9] = "";

	operations->create(base, operations->root, "sparse", &values, &inode);
	model_truncate(base, inode, 6 * FK_PAGE_SIZE);
	operations->allocate(base, inode, 2 * FK_PAGE_SIZE, FK_PAGE_SIZE, 0);
	operations->write(base, inode, 2 * FK_PAGE_SIZE, pk_pages_allocate(FK_PAGE_SIZE), FK_PAGE_SIZE);
	operations->allocate(base, inode, 3 * FK_PAGE_SIZE, FK_PAGE_SIZE, 0);
	operations->read(base, inode, 0, 8 * FK_PAGE_SIZE, spell, text);
	check(strcmp(text, "hhp0hhhh") == 0, "ram: what has no space is a hole (%s)", text);
	operations->read(base, inode, 0, 8 * FK_PAGE_SIZE, spell, text);
	check(strcmp(text, "hh00hhhh") == 0, "ram: a page that the kernel has is none (%s)", text);
	operations->write(base, inode, 0, pk_pages_allocate(8 * FK_PAGE_SIZE), 8 * FK_PAGE_SIZE);
	check(volume->pages == 2, "ram: a page that comes back takes no space that nobody asked for");
	ram_close(volume);
}

int main(void)
{
	unsigned seed;

	for (seed = 1; seed <= 5; seed++)
		run(seed);
	fill();
	holes();
	return failures != 0;
}
