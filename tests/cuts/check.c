/* Plans done through a file pager's functions, and what is left of them. */
#include "tests/cuts/check.h"
#include "tests/host/files/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { CELL = sizeof(struct cuts_cell), SIZE_LIMIT = 10 * CUTS_SIZE_MAX };

/* --- Doing. */

static int folder(struct fk_volume *v, uint64_t root, uint32_t number, uint64_t *inode)
{
	char name[16];

	snprintf(name, sizeof(name), "d%u", number);
	return v->operations->look_up(v, root, name, inode);
}

int cuts_begin_plan(struct fk_volume *v, uint64_t root)
{
	const struct file_attributes values = {.mode = S_IFDIR | 0755};
	int error = 0;

	for (unsigned i = 0; i < CUTS_FOLDERS && !error; i++) {
		char name[16];
		uint64_t inode;

		snprintf(name, sizeof(name), "d%u", i);
		error = v->operations->create(v, root, name, &values, &inode);
	}
	v->operations->commit(v);
	return error ? error : v->operations->sync(v);
}

static int write_cells(struct fk_volume *v, uint64_t inode, const struct cuts_operation *o, uint32_t from)
{
	static char buffer[CUTS_SIZE_MAX + CELL];
	int error = v->operations->allocate(v, inode, from, o->size, from + o->size);

	/* As the Unix server does it: the place first, the contents when the kernel gives them back. */
	v->operations->commit(v);
	cuts_fill(buffer, cuts_owner(o), o->number, from, o->size);
	return error ? error : model_write(v, inode, from, buffer, o->size);
}

static int sync_file(struct fk_volume *v, uint64_t inode, bool data_only)
{
	v->operations->commit(v);
	return v->operations->sync_file(v, inode, data_only);
}

static int make(struct fk_volume *v, uint64_t where, const char *name, const struct cuts_operation *o, uint64_t *inode)
{
	const struct file_attributes values = {.mode = S_IFREG | 0644};
	int error = v->operations->create(v, where, name, &values, inode);

	return error ? error : write_cells(v, *inode, o, 0);
}

static int lost(struct fk_volume *v, uint64_t victim)
{
	if (victim)
		v->operations->forget(v, victim);
	return 0;
}

static int do_replace(struct fk_volume *v, uint64_t where, const struct cuts_operation *o)
{
	char temporary[16], name[16];
	uint64_t inode, victim = 0;
	int error;

	snprintf(temporary, sizeof(temporary), "t%u", o->number);
	snprintf(name, sizeof(name), "r%u", o->slot);
	if (o->kind == CUTS_REPLACE) {
		error = make(v, where, temporary, o, &inode);
		if (!error)
			error = sync_file(v, inode, o->number % 2);
		if (!error)
			error = v->operations->rename(v, where, temporary, where, name, 0, &victim);
	} else {
		error = v->operations->unlink(v, where, name, 0, &victim);
		error = error == ENOENT ? 0 : error;
	}
	if (error)
		return error;
	/* As if it was open: it goes later. */
	if (o->number % 3 == 0)
		v->operations->commit(v);
	lost(v, victim);
	return sync_file(v, where, false);
}

/* In two operations, as the kit does it: between them the kernel drops its pages. */
static int cut(struct fk_volume *v, uint64_t inode, uint64_t size)
{
	struct file_attributes old;
	int error = v->operations->get_attributes(v, inode, &old);

	if (!error)
		error = v->operations->set_size(v, inode, size);
	v->operations->commit(v);
	return error || size > old.size ? error : v->operations->trim(v, inode, 1);
}

static int do_change(struct fk_volume *v, uint64_t where, const struct cuts_operation *o)
{
	const struct file_attributes values = {.mode = S_IFREG | 0644};
	struct file_attributes a;
	char name[16];
	uint64_t inode;
	int error;

	snprintf(name, sizeof(name), "o%u", o->slot);
	error = v->operations->look_up(v, where, name, &inode);
	if (error == ENOENT) {
		error = v->operations->create(v, where, name, &values, &inode);
		if (!error)
			error = sync_file(v, where, false);
	}
	if (!error)
		error = v->operations->get_attributes(v, inode, &a);
	if (error)
		return error;
	if (o->kind == CUTS_CUT)
		error = cut(v, inode, cuts_size_after(o, (uint32_t)a.size));
	else if (cuts_size_after(o, (uint32_t)a.size) != a.size || o->kind == CUTS_OVERWRITE)
		error = write_cells(v, inode, o, cuts_begin(o, (uint32_t)a.size));
	return error ? error : sync_file(v, inode, o->kind != CUTS_CUT && o->number % 2);
}

/* uJ, in whichever folder. */
static int find_scratch(struct fk_volume *v, uint64_t root, uint32_t other, uint64_t *where, uint64_t *inode, char *name)
{
	sprintf(name, "u%u", other);
	for (uint32_t i = 0; i < CUTS_FOLDERS; i++)
		if (folder(v, root, i, where) == 0 && v->operations->look_up(v, *where, name, inode) == 0)
			return 0;
	return ENOENT;
}

static int do_scratch(struct fk_volume *v, uint64_t root, uint64_t where, const struct cuts_operation *o)
{
	const struct fk_operations *f = v->operations;
	const struct file_attributes values = {.mode = S_IFDIR | 0755};
	char name[16], new[16];
	uint64_t from, inode, victim = 0;
	const bool found = find_scratch(v, root, o->other, &from, &inode, name) == 0;

	switch (o->kind) {
	case CUTS_WRITE:
		snprintf(name, sizeof(name), "u%u", o->number);
		return make(v, where, name, o, &inode);
	case CUTS_LINK:
		snprintf(new, sizeof(new), "h%u", o->other);
		if (found)
			f->link(v, inode, where, new);
		break;
	case CUTS_MOVE:
		if (found)
			f->rename(v, from, name, where, name, 0, &victim);
		break;
	case CUTS_UNLINK:
		if (found && f->unlink(v, from, name, 0, &victim) == 0 && o->number % 2)
			f->commit(v);
		break;
	case CUTS_SHRINK:
		if (found)
			cut(v, inode, o->size / 2 / CELL * CELL);
		break;
	case CUTS_FOLDER:
		snprintf(name, sizeof(name), "x%u", o->number % 7);
		if (f->create(v, where, name, &values, &inode) == EEXIST)
			f->unlink(v, where, name, 1, &victim);
		break;
	default:
		snprintf(name, sizeof(name), "l%u", o->number % 5);
		if (f->symlink(v, where, name, "a target that is longer than what an inode has room for, by some bytes", 0,
			    0, &inode) == EEXIST)
			f->unlink(v, where, name, 0, &victim);
	}
	return lost(v, victim);
}

int cuts_do(struct fk_volume *v, uint64_t root, uint64_t seed, uint32_t number)
{
	const struct cuts_operation o = cuts_operation(seed, number);
	uint64_t where = 0;
	int error = folder(v, root, o.folder, &where);

	if (error)
		return error;
	error = o.kind <= CUTS_REMOVE ? do_replace(v, where, &o)
		: o.kind <= CUTS_CUT  ? do_change(v, where, &o)
		: o.kind == CUTS_SYNC ? v->operations->sync(v)
				      : do_scratch(v, root, where, &o);
	v->operations->commit(v);
	return error;
}

/* --- Looking. */

struct looked {
	struct fk_volume *v;
	uint64_t root, seed;
	uint32_t promised, last;
	unsigned wrong;
	bool damaged; /* not everything can be read */
};

static void wrong(struct looked *l, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct looked *l, const char *format, ...)
{
	va_list arguments;

	if (l->damaged && strstr(format, "shows") == NULL)
		return;
	if (l->wrong++ < 8) {
		printf("  promised %u of %u: ", l->promised, l->last);
		va_start(arguments, format);
		vprintf(format, arguments);
		va_end(arguments);
		putchar('\n');
	}
}

static struct cuts_cell *contents(struct looked *l, uint64_t inode, const char *name, uint32_t *size)
{
	struct file_attributes a;
	struct cuts_cell *cells = NULL;

	*size = 0;
	if (l->v->operations->get_attributes(l->v, inode, &a) || a.size > SIZE_LIMIT || a.size % CELL) {
		wrong(l, "%s: its size is %llu", name, (unsigned long long)a.size);
		return NULL;
	}
	cells = calloc(1, a.size + CELL);
	if (a.size && model_read(l->v, inode, 0, a.size, cells)) {
		wrong(l, "%s cannot be read", name);
		free(cells);
		return NULL;
	}
	*size = (uint32_t)a.size;
	return cells;
}

/* Every cell is the file's own, or zero. */
static void check_owner(struct looked *l, const char *name, uint64_t inode, uint32_t owner)
{
	static const struct cuts_cell zero;
	uint32_t size;
	struct cuts_cell *cells = contents(l, inode, name, &size);

	for (uint32_t i = 0; cells && i < size / CELL; i++) {
		const struct cuts_cell *c = &cells[i];

		if (memcmp(c, &zero, CELL) != 0 &&
			(c->magic != CUTS_MAGIC || c->owner != owner || c->place != i || c->version > l->last)) {
			wrong(l, "%s shows at %u what is not its own: %x of %u, version %u, place %u", name, i * CELL,
				c->magic, c->owner, c->version, c->place);
			break;
		}
	}
	free(cells);
}

/* rN as operation o has left it, as a whole. */
static bool is_version(const struct cuts_cell *cells, uint32_t size, const struct cuts_operation *o)
{
	static char wanted[CUTS_SIZE_MAX + CELL];

	if (size != o->size)
		return false;
	cuts_fill(wanted, cuts_owner(o), o->number, 0, size);
	return memcmp(wanted, cells, size) == 0;
}

static void check_replaced(struct looked *l, uint32_t slot)
{
	char name[16];
	uint64_t where, inode = 0;
	uint32_t size = 0, first = 0;
	struct cuts_cell *cells = NULL;
	bool good, is_there;

	snprintf(name, sizeof(name), "r%u", slot);
	if (folder(l->v, l->root, slot % CUTS_FOLDERS, &where)) {
		wrong(l, "the folder of %s is gone", name);
		return;
	}
	is_there = l->v->operations->look_up(l->v, where, name, &inode) == 0;
	if (is_there && !(cells = contents(l, inode, name, &size)))
		return;
	for (uint32_t k = 1; k <= l->promised; k++) {
		const struct cuts_operation o = cuts_operation(l->seed, k);

		if (o.kind <= CUTS_REMOVE && o.slot == slot)
			first = k;
	}
	good = first == 0 && !is_there;
	for (uint32_t k = first ? first : 1; k <= l->last && !good; k++) {
		const struct cuts_operation o = cuts_operation(l->seed, k);

		if (o.kind <= CUTS_REMOVE && o.slot == slot)
			good = o.kind == CUTS_REPLACE ? is_there && is_version(cells, size, &o) : !is_there;
	}
	if (!good)
		wrong(l, "%s is neither what operation %u left nor a later one: %s, %u bytes, version %u", name, first,
			is_there ? "there" : "not there", size, cells && size ? cells[0].version : 0);
	free(cells);
}

/* oN: of each cell the version that is promised at least. */
static void check_changed(struct looked *l, uint32_t slot)
{
	static uint32_t least[SIZE_LIMIT / CELL];
	char name[16];
	uint64_t where, inode = 0;
	uint32_t size = 0, is = 0;
	struct cuts_cell *cells = NULL;
	bool promised = false, size_good;

	snprintf(name, sizeof(name), "o%u", slot);
	memset(least, 0, sizeof(least));
	if (folder(l->v, l->root, slot % CUTS_FOLDERS, &where) == 0 &&
		l->v->operations->look_up(l->v, where, name, &inode) == 0)
		cells = contents(l, inode, name, &size);
	size_good = false;
	for (uint32_t k = 1; k <= l->last; k++) {
		const struct cuts_operation o = cuts_operation(l->seed, k);
		uint32_t after, from = 0, end = 0;

		if (o.kind < CUTS_OVERWRITE || o.kind > CUTS_CUT || o.slot != slot)
			continue;
		if (k > l->promised && !size_good)
			size_good = size == is; /* before it, and before any later one */
		after = cuts_size_after(&o, is);
		if (o.kind != CUTS_CUT && (after != is || o.kind == CUTS_OVERWRITE)) {
			from = cuts_begin(&o, is) / CELL;
			end = from + o.size / CELL;
		}
		if (k <= l->promised)
			promised = true;
		for (uint32_t i = from; i < end && k <= l->promised; i++)
			least[i] = k;
		/* What is cut may come back as zeros, also when it is only begun. */
		for (uint32_t i = after / CELL; i < is / CELL; i++)
			least[i] = 0;
		is = after;
	}
	size_good |= size == is;
	if (promised && !cells)
		wrong(l, "%s is gone", name);
	else if (promised && !size_good)
		wrong(l, "%s has %u bytes, which no operation after what is promised has left", name, size);
	for (uint32_t i = 0; cells && i < size / CELL; i++)
		if (cells[i].version < least[i]) {
			wrong(l, "%s has at %u version %u, promised is %u", name, i * CELL, cells[i].version, least[i]);
			break;
		}
	free(cells);
}

/* Whose cells a file of this name must have; false: it has none, or nobody made such a name. */
static bool owner_of(struct looked *l, const char *name, uint32_t *owner)
{
	const uint32_t number = (uint32_t)strtoul(name + 1, NULL, 10);
	struct cuts_operation o;

	switch (name[0]) {
	case 'r':
		*owner = number;
		return number < CUTS_REPLACED;
	case 'o':
		*owner = 100 + number;
		return number < CUTS_CHANGED;
	case 't':
		o = cuts_operation(l->seed, number);
		*owner = cuts_owner(&o);
		return o.kind == CUTS_REPLACE;
	case 'u':
	case 'h':
		*owner = CUTS_SCRATCH + number;
		return number >= 1 && number <= l->last;
	default:
		return false;
	}
}

static void check_folder(struct looked *l, uint32_t number)
{
	static char buffer[FILE_ENTRIES_SIZE];
	uint64_t where, cookie = 0;
	size_t used;

	if (folder(l->v, l->root, number, &where)) {
		wrong(l, "the folder d%u is gone", number);
		return;
	}
	while (l->v->operations->read_directory(l->v, where, cookie, buffer, sizeof(buffer), &used) == 0 && used)
		for (size_t at = 0; at < used;) {
			struct file_entry *e = (struct file_entry *)(void *)(buffer + at);
			uint32_t owner;

			if (owner_of(l, e->name, &owner))
				check_owner(l, e->name, e->inode, owner);
			else if (!strchr("xl.", e->name[0]))
				wrong(l, "d%u has a name that nobody made: %s", number, e->name);
			cookie = e->cookie;
			at += e->length;
		}
}

unsigned cuts_check(struct fk_volume *volume, uint64_t root, uint64_t seed, uint32_t promised, uint32_t last)
{
	struct looked l = {.v = volume, .root = root, .seed = seed, .promised = promised, .last = last};

	for (uint32_t i = 0; i < CUTS_FOLDERS; i++)
		check_folder(&l, i);
	for (uint32_t i = 0; i < CUTS_REPLACED; i++)
		check_replaced(&l, i);
	for (uint32_t i = 0; i < CUTS_CHANGED; i++)
		check_changed(&l, i);
	return l.wrong;
}

unsigned cuts_check_strangers(struct fk_volume *volume, uint64_t root, uint64_t seed, uint32_t last)
{
	struct looked l = {.v = volume, .root = root, .seed = seed, .last = last, .damaged = true};

	for (uint32_t i = 0; i < CUTS_FOLDERS; i++)
		check_folder(&l, i);
	return l.wrong;
}
