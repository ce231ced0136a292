/* The model: a tree in memory, random operations on it and on the file system, and the comparison. */
#include "tests/host/files/model.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/xattr.h>

enum { NODES = 400, ENTRIES = 1500, NAMES = 24, OPEN = 6, SIZE_LIMIT = 300000, EXTENDED = 3, VALUE_LIMIT = 1200 };

static const char *const extended_names[EXTENDED] = {"user.a", "user.longer name", "trusted.t"};

/* An extended attribute; size 0: there is none. */
struct value {
	size_t size;
	char bytes[VALUE_LIMIT];
};

struct node {
	bool used, open;
	uint64_t inode;
	unsigned mode, links;
	uint64_t uid, gid, device, size;
	int64_t modify_time;
	int parent;  /* of directories */
	char *bytes; /* SIZE_LIMIT of them */
	char target[200];
	struct value extended[EXTENDED];
};

struct entry {
	int directory, node; /* node -1: free */
	char name[260];
};

unsigned failures;
static struct fk_volume *volume;
static struct node nodes[NODES];
static struct entry entries[ENTRIES];
static char names[NAMES][260];
static uint64_t state;
static unsigned disagreements;

void check(bool good, const char *format, ...)
{
	va_list arguments;

	printf(good ? "PASS " : "FAIL ");
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
	failures += !good;
}

void model_seed(uint64_t seed)
{
	state = seed * 2654435761u + 1;
}

uint32_t model_random(uint32_t below)
{
	state = state * 6364136223846793005ull + 1442695040888963407ull;
	return (uint32_t)(state >> 33) % below;
}

static void disagree(const char *format, ...) __attribute__((format(printf, 1, 2)));

static void disagree(const char *format, ...)
{
	va_list arguments;

	if (disagreements++ >= 20)
		return;
	va_start(arguments, format);
	vprintf(format, arguments);
	va_end(arguments);
	printf("\n");
}

static struct entry *find(int directory, const char *name)
{
	unsigned i;

	for (i = 0; i < ENTRIES; i++)
		if (entries[i].node >= 0 && entries[i].directory == directory && strcmp(entries[i].name, name) == 0)
			return &entries[i];
	return NULL;
}

static struct entry *free_entry(void)
{
	unsigned i;

	for (i = 0; i < ENTRIES; i++)
		if (entries[i].node < 0)
			return &entries[i];
	return NULL;
}

static int free_node(void)
{
	int i;

	for (i = 0; i < NODES; i++)
		if (!nodes[i].used)
			return i;
	return -1;
}

static bool is_empty(int directory)
{
	unsigned i;

	for (i = 0; i < ENTRIES; i++)
		if (entries[i].node >= 0 && entries[i].directory == directory)
			return false;
	return true;
}

static int pick_directory(void)
{
	for (;;) {
		int i = (int)model_random(NODES / 8);

		if (nodes[i].used && S_ISDIR(nodes[i].mode) && nodes[i].links)
			return i;
		if (model_random(4) == 0)
			return 0;
	}
}

static int pick_regular(void)
{
	int i, tries;

	for (tries = 0; tries < 200; tries++) {
		i = (int)model_random(NODES);
		if (nodes[i].used && S_ISREG(nodes[i].mode))
			return i;
	}
	return -1;
}

static const char *pick_name(void)
{
	return names[model_random(NAMES)];
}

static void lose(int node)
{
	struct node *n = &nodes[node];

	n->links = S_ISDIR(n->mode) ? 0 : n->links - 1;
	if (n->links || n->open)
		return;
	volume->operations->forget(volume, n->inode);
	free(n->bytes);
	memset(n, 0, sizeof(*n));
}

static void expect(const char *what, const char *name, int got, int wanted)
{
	if (got != wanted)
		disagree("%s %.20s: %s, the model has: %s", what, name, strerror(got), strerror(wanted));
}

static void make(int directory, const char *name, unsigned kind)
{
	static const unsigned modes[] = {
		S_IFREG | 0644, S_IFDIR | 0755, S_IFCHR | 0600, S_IFIFO | 0666, S_IFLNK | 0777};
	int new = free_node();
	struct entry *entry = free_entry();
	struct node *n = &nodes[new];
	struct file_attributes values = {.mode = modes[kind], .uid = model_random(100000), .gid = model_random(100000)};
	bool there = find(directory, name) != NULL;
	char target[200] = {0};
	int error;

	if (new < 0 || !entry)
		return;
	values.device = kind == 2 ? model_random(2) ? 0x501 : 0x12345 : 0;
	if (kind == 4) {
		memset(target, 'x', 1 + model_random(150));
		error = volume->operations->symlink(
			volume, nodes[directory].inode, name, target, values.uid, values.gid, &n->inode);
	} else {
		error = volume->operations->create(volume, nodes[directory].inode, name, &values, &n->inode);
	}
	if (error == ENOSPC && !there)
		return;
	expect("create", name, error, there ? EEXIST : 0);
	if (error)
		return;
	n->used = true;
	n->mode = modes[kind];
	n->uid = values.uid;
	n->gid = values.gid;
	n->device = values.device;
	n->links = kind == 1 ? 2 : 1;
	n->parent = directory;
	n->modify_time = -1;
	strcpy(n->target, target);
	if (kind == 0)
		n->bytes = calloc(1, SIZE_LIMIT);
	if (kind == 1)
		nodes[directory].links++;
	if (!name[0]) {
		n->links = 0;
		n->open = true;
		return;
	}
	entry->directory = directory;
	entry->node = new;
	strcpy(entry->name, name);
}

static void do_link(int directory, const char *name)
{
	int node = pick_regular(), error, wanted = 0;
	struct entry *entry = free_entry();

	if (node < 0 || !entry)
		return;
	if (find(directory, name))
		wanted = EEXIST;
	error = volume->operations->link(volume, nodes[node].inode, nodes[directory].inode, name);
	if (error == ENOSPC)
		return;
	expect("link", name, error, wanted);
	if (error)
		return;
	nodes[node].links++;
	entry->directory = directory;
	entry->node = node;
	strcpy(entry->name, name);
}

static void do_unlink(int directory, const char *name, bool is_directory)
{
	struct entry *entry = find(directory, name);
	uint64_t victim = 0;
	int error, wanted = 0, node = entry ? entry->node : -1;

	if (!entry)
		wanted = ENOENT;
	else if (is_directory && !S_ISDIR(nodes[node].mode))
		wanted = ENOTDIR;
	else if (!is_directory && S_ISDIR(nodes[node].mode))
		wanted = EISDIR;
	else if (is_directory && !is_empty(node))
		wanted = ENOTEMPTY;
	error = volume->operations->unlink(volume, nodes[directory].inode, name, is_directory, &victim);
	expect(is_directory ? "rmdir" : "unlink", name, error, wanted);
	if (error)
		return;
	if (victim != nodes[node].inode)
		disagree("unlink %s: another victim", name);
	entry->node = -1;
	if (is_directory)
		nodes[directory].links--;
	lose(node);
}

static bool is_below(int node, int directory)
{
	while (directory != node && directory != 0)
		directory = nodes[directory].parent;
	return directory == node;
}

static void reparent(int node, int directory)
{
	if (!S_ISDIR(nodes[node].mode))
		return;
	nodes[nodes[node].parent].links--;
	nodes[directory].links++;
	nodes[node].parent = directory;
}

static void do_rename(int directory, const char *name, int to_directory, const char *to_name, unsigned flags)
{
	struct entry *from = find(directory, name), *to = find(to_directory, to_name);
	int source = from ? from->node : -1, target = to ? to->node : -1, error, wanted = 0;
	uint64_t victim = 0;

	if (!from || (!to && flags & FILE_RENAME_EXCHANGE))
		wanted = ENOENT;
	else if (to && flags & FILE_RENAME_NOREPLACE)
		wanted = EEXIST;
	else if (source == target)
		wanted = 0;
	else if (S_ISDIR(nodes[source].mode) && is_below(source, to_directory))
		wanted = EINVAL;
	else if (flags & FILE_RENAME_EXCHANGE)
		wanted = S_ISDIR(nodes[target].mode) && is_below(target, directory) ? EINVAL : 0;
	else if (to && S_ISDIR(nodes[source].mode) && !S_ISDIR(nodes[target].mode))
		wanted = ENOTDIR;
	else if (to && !S_ISDIR(nodes[source].mode) && S_ISDIR(nodes[target].mode))
		wanted = EISDIR;
	else if (to && S_ISDIR(nodes[target].mode) && !is_empty(target))
		wanted = ENOTEMPTY;
	error = volume->operations->rename(
		volume, nodes[directory].inode, name, nodes[to_directory].inode, to_name, flags, &victim);
	if (error == ENOSPC)
		return;
	expect("rename", name, error, wanted);
	if (error || source == target)
		return;
	if (flags & FILE_RENAME_EXCHANGE) {
		from->node = target;
		to->node = source;
		reparent(target, directory);
		reparent(source, to_directory);
		return;
	}
	from->node = -1;
	if (to) {
		if (S_ISDIR(nodes[target].mode))
			nodes[to_directory].links--;
		if (victim != nodes[target].inode)
			disagree("rename %s: another victim", name);
		to->node = source;
		lose(target);
	} else {
		to = free_entry();
		to->directory = to_directory;
		to->node = source;
		strcpy(to->name, to_name);
	}
	reparent(source, to_directory);
}

static void do_write(int node)
{
	static char data[20000];
	uint64_t offset = model_random(4) ? model_random((uint32_t)nodes[node].size + 5000) : model_random(SIZE_LIMIT);
	size_t length = 1 + model_random(sizeof(data) - 1), i;
	int error;

	if (offset + length > SIZE_LIMIT)
		return;
	for (i = 0; i < length; i++)
		data[i] = (char)model_random(256);
	error = model_write(volume, nodes[node].inode, offset, data, length);
	if (error == ENOSPC)
		return;
	expect("write", "", error, 0);
	if (error)
		return;
	memcpy(nodes[node].bytes + offset, data, length);
	if (nodes[node].size < offset + length)
		nodes[node].size = offset + length;
}

static void do_truncate(int node)
{
	uint64_t size = model_random(3) ? model_random((uint32_t)nodes[node].size + 1) : model_random(SIZE_LIMIT);
	int error = model_truncate(volume, nodes[node].inode, size);

	expect("truncate", "", error, 0);
	if (size < nodes[node].size)
		memset(nodes[node].bytes + size, 0, nodes[node].size - size);
	nodes[node].size = size;
}

static void do_punch(int node)
{
	const uint64_t offset = model_random(SIZE_LIMIT / 4096) * 4096ull, length = (1 + model_random(20)) * 4096ull;
	struct node *n = &nodes[node];
	const int error = volume->operations->punch(volume, n->inode, offset, length);
	uint64_t found;

	expect("punch", "", error, 0);
	if (offset < n->size)
		memset(n->bytes + offset, 0, length < SIZE_LIMIT - offset ? length : SIZE_LIMIT - offset);
	if (offset < n->size && (volume->operations->seek(volume, n->inode, offset, 0, &found) || found != offset))
		disagree("inode %llu: what was punched is no hole", (unsigned long long)n->inode);
	if (volume->operations->seek(volume, n->inode, offset, 1, &found) == 0 && found < offset + length)
		disagree("inode %llu: what was punched has contents", (unsigned long long)n->inode);
}

static bool is_zero(const struct node *n, uint64_t from, uint64_t to)
{
	while (from < to && from < n->size && n->bytes[from] == 0)
		from++;
	return from >= to || from >= n->size;
}

static void do_seek(int node)
{
	const struct node *n = &nodes[node];
	const uint64_t offset = model_random((uint32_t)n->size + 3000);
	uint64_t found = 0;
	int error = volume->operations->seek(volume, n->inode, offset, 1, &found);

	if (error == ENXIO ? !is_zero(n, offset, n->size) : error || found < offset || found >= n->size || !is_zero(n, offset, found))
		disagree("inode %llu: contents after %llu: %s, %llu", (unsigned long long)n->inode,
			(unsigned long long)offset, strerror(error), (unsigned long long)found);
	error = volume->operations->seek(volume, n->inode, offset, 0, &found);
	if (error != (offset < n->size ? 0 : ENXIO) || (!error && (found < offset || found > n->size || !is_zero(n, found, found / 1024 * 1024 + 1024))))
		disagree("inode %llu: a hole after %llu: %s, %llu", (unsigned long long)n->inode,
			(unsigned long long)offset, strerror(error), (unsigned long long)found);
}

static void compare_extended(const struct node *n)
{
	char bytes[2 * VALUE_LIMIT];
	size_t size = sizeof(bytes), wanted = 0;
	int error = volume->operations->list_extended(volume, n->inode, bytes, &size);

	for (unsigned i = 0; i < EXTENDED; i++)
		wanted += n->extended[i].size ? strlen(extended_names[i]) + 1 : 0;
	if (error || size != wanted)
		disagree("inode %llu: %zu bytes of attributes' names (%s), the model has %zu",
			(unsigned long long)n->inode, size, strerror(error), wanted);
	for (unsigned i = 0; i < EXTENDED; i++) {
		const struct value *value = &n->extended[i];

		size = sizeof(bytes);
		error = volume->operations->get_extended(volume, n->inode, extended_names[i], bytes, &size);
		expect("get_extended", extended_names[i], error, value->size ? 0 : ENODATA);
		if (!error && (size != value->size || memcmp(bytes, value->bytes, size) != 0))
			disagree("inode %llu: another value of %s", (unsigned long long)n->inode, extended_names[i]);
	}
}

static void do_extended(int node)
{
	const unsigned which = model_random(EXTENDED), flags = model_random(3);
	struct value *value = &nodes[node].extended[which], new = {.size = 0};
	int error, wanted = 0;

	if (model_random(3) == 0) {
		error = volume->operations->set_extended(
			volume, nodes[node].inode, extended_names[which], NULL, 0, 0);
		expect("remove_extended", "", error, value->size ? 0 : ENODATA);
		value->size = 0;
		return;
	}
	new.size = 1 + model_random(model_random(2) ? 40 : VALUE_LIMIT);
	for (size_t i = 0; i < new.size; i++)
		new.bytes[i] = (char)model_random(256);
	if (value->size && flags & XATTR_CREATE)
		wanted = EEXIST;
	else if (!value->size && flags & XATTR_REPLACE)
		wanted = ENODATA;
	error = volume->operations->set_extended(
		volume, nodes[node].inode, extended_names[which], new.bytes, new.size, flags);
	if (error == ENOSPC && !wanted)
		return;
	expect("set_extended", "", error, wanted);
	if (!error)
		*value = new;
}

static void compare_node(int node)
{
	struct node *n = &nodes[node];
	struct file_attributes a;
	static char buffer[SIZE_LIMIT];
	int error = volume->operations->get_attributes(volume, n->inode, &a);

	expect("get_attributes", "", error, 0);
	if (error)
		return;
	if (a.mode != n->mode || a.links != n->links || a.uid != n->uid || a.gid != n->gid || a.device != n->device)
		disagree("inode %llu: mode %o links %u owner %u:%u device %x, the model has %o %u %u:%u %x",
			(unsigned long long)n->inode, (unsigned)a.mode, (unsigned)a.links, (unsigned)a.uid,
			(unsigned)a.gid, (unsigned)a.device, n->mode, n->links, (unsigned)n->uid, (unsigned)n->gid,
			(unsigned)n->device);
	compare_extended(n);
	if (n->modify_time >= 0 && a.modify_time != n->modify_time && !S_ISDIR(n->mode))
		disagree("inode %llu: another time", (unsigned long long)n->inode);
	if (S_ISLNK(n->mode)) {
		error = volume->operations->read_link(volume, n->inode, buffer, 4096);
		if (error || strcmp(buffer, n->target) != 0)
			disagree("inode %llu: another target (%s)", (unsigned long long)n->inode, strerror(error));
	}
	if (!S_ISREG(n->mode))
		return;
	if (a.size != n->size)
		disagree("inode %llu: size %llu, the model has %llu", (unsigned long long)n->inode,
			(unsigned long long)a.size, (unsigned long long)n->size);
	error = n->size ? model_read(volume, n->inode, 0, n->size, buffer) : 0;
	if (error || memcmp(buffer, n->bytes, n->size) != 0)
		disagree("inode %llu: other contents (%s)", (unsigned long long)n->inode, strerror(error));
}

/* Lists a directory in pieces: every name of the model once, nothing else. */
static void compare_directory(int directory)
{
	char buffer[1024];
	unsigned listed = 0, there = 0, i;
	uint64_t cookie = 0;
	size_t used, at;

	for (;;) {
		int error = volume->operations->read_directory(
			volume, nodes[directory].inode, cookie, buffer, sizeof(buffer), &used);

		expect("read_directory", "", error, 0);
		if (error || !used)
			break;
		for (at = 0; at < used;) {
			struct file_entry *e = (struct file_entry *)(void *)(buffer + at);
			struct entry *entry = find(directory, e->name);

			if (strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0) {
				int target = e->name[1] ? nodes[directory].parent : directory;

				if (directory != 0 && e->inode != nodes[target].inode)
					disagree("%s of directory %d is wrong", e->name, directory);
			} else if (!entry || nodes[entry->node].inode != e->inode ||
				   e->type != nodes[entry->node].mode >> 12) {
				disagree("directory %d has a wrong entry %.30s", directory, e->name);
			} else {
				listed++;
			}
			cookie = e->cookie;
			at += e->length;
		}
	}
	for (i = 0; i < ENTRIES; i++) {
		uint64_t inode;

		if (entries[i].node < 0 || entries[i].directory != directory)
			continue;
		there++;
		if (volume->operations->look_up(volume, nodes[directory].inode, entries[i].name, &inode) ||
			inode != nodes[entries[i].node].inode)
			disagree("%.30s is not found", entries[i].name);
	}
	if (listed != there)
		disagree("directory %d lists %u entries, the model has %u", directory, listed, there);
}

static void set_attributes(int node)
{
	struct node *n = &nodes[node];
	struct file_attributes values = {
		.mode = model_random(010000), .uid = model_random(1u << 31), .gid = model_random(70000)};
	int error;

	values.modify_time = (int64_t)model_random(1u << 31) * 4 * 1000000000 + model_random(1000000000);
	error = volume->operations->set_attributes(
		volume, n->inode, FILE_SET_MODE | FILE_SET_UID | FILE_SET_GID | FILE_SET_MODIFY_TIME, &values);
	expect("set_attributes", "", error, 0);
	n->mode = (n->mode & S_IFMT) | (unsigned)values.mode;
	n->uid = values.uid;
	n->gid = values.gid;
}

static void step(void)
{
	int directory = pick_directory(), node = pick_regular();
	const char *name = pick_name();
	unsigned what = model_random(100);

	if (what < 2)
		make(directory, "", 0);
	else if (what < 22)
		make(directory, name, model_random(3) ? 0 : model_random(5));
	else if (what < 27)
		make(directory, name, 1);
	else if (what < 33)
		do_link(directory, name);
	else if (what < 48)
		do_unlink(directory, name, false);
	else if (what < 52)
		do_unlink(directory, name, true);
	else if (what < 68)
		do_rename(directory, name, pick_directory(), pick_name(), model_random(4) ? 0 : model_random(3));
	else if (node < 0)
		return;
	else if (what < 81)
		do_write(node);
	else if (what < 83)
		do_punch(node);
	else if (what < 85)
		do_seek(node);
	else if (what < 90)
		do_truncate(node);
	else if (what < 92)
		set_attributes(node);
	else if (what < 94)
		do_extended(node);
	else if (what < 97)
		compare_node(node);
	else if (!nodes[node].open && model_random(2))
		nodes[node].open = true;
	else
		model_drop_open();
}

unsigned model_run(unsigned operations)
{
	disagreements = 0;
	while (operations-- && disagreements < 20)
		step();
	return disagreements;
}

unsigned model_compare(void)
{
	int i;

	disagreements = 0;
	for (i = 0; i < NODES; i++) {
		if (nodes[i].used && i)
			compare_node(i);
		if (nodes[i].used && S_ISDIR(nodes[i].mode))
			compare_directory(i);
	}
	return disagreements;
}

void model_drop_open(void)
{
	int i;

	for (i = 0; i < NODES; i++) {
		if (!nodes[i].used || !nodes[i].open)
			continue;
		nodes[i].open = false;
		if (nodes[i].links == 0) {
			nodes[i].links = 1;
			lose(i);
		} else {
			volume->operations->forget(volume, nodes[i].inode);
		}
	}
}

void model_begin(struct fk_volume *v)
{
	struct file_attributes values = {.mode = S_IFDIR | 0755};
	unsigned i;

	volume = v;
	for (i = 0; i < ENTRIES; i++)
		entries[i].node = -1;
	for (i = 0; i < NAMES; i++) {
		size_t length = i < 20 ? 1 + i : 255 - 40 * (i % 4);

		memset(names[i], (int)('a' + i), length);
		names[i][length] = 0;
	}
	if (v->operations->create(v, v->operations->root, "model", &values, &nodes[0].inode))
		disagree("the directory cannot be made");
	nodes[0].used = true;
	nodes[0].mode = (unsigned)values.mode;
	nodes[0].links = 2;
	nodes[0].modify_time = -1;
}

void model_reopen(struct fk_volume *v)
{
	volume = v;
}

void model_end(void)
{
	unsigned i;

	for (i = 0; i < NODES; i++)
		free(nodes[i].bytes);
	memset(nodes, 0, sizeof(nodes));
}

/* Everything below a directory, with whatever it takes. */
static void walk(struct fk_volume *v, uint64_t directory, unsigned depth, unsigned *budget)
{
	char buffer[4096], data[8192];
	uint64_t cookie = 0, inode, last = 0;
	struct file_attributes a;
	size_t used, at;

	while (v->operations->read_directory(v, directory, cookie, buffer, sizeof(buffer), &used) == 0 && used) {
		for (at = 0; at < used; at += ((struct file_entry *)(void *)(buffer + at))->length) {
			struct file_entry *e = (struct file_entry *)(void *)(buffer + at);

			cookie = e->cookie;
			if (!*budget || strcmp(e->name, ".") == 0 || strcmp(e->name, "..") == 0)
				continue;
			--*budget;
			if (v->operations->look_up(v, directory, e->name, &inode) ||
				v->operations->get_attributes(v, inode, &a))
				continue;
			if (S_ISDIR(a.mode) && depth < 10)
				walk(v, inode, depth + 1, budget);
			if (S_ISLNK(a.mode))
				v->operations->read_link(v, inode, data, 4096);
			if (S_ISREG(a.mode))
				model_read(v, inode, a.size / 2, sizeof(data), data);
		}
		if (cookie <= last)
			break;
		last = cookie;
	}
}

void model_abuse(struct fk_volume *v, unsigned operations)
{
	struct file_attributes values = {.mode = S_IFREG | 0644}, directory = {.mode = S_IFDIR | 0755};
	uint64_t root = v->operations->root, base = root, inode, victim;
	unsigned budget = 2000;
	char data[5000] = {1};

	walk(v, root, 0, &budget);
	v->operations->look_up(v, root, "model", &base);
	while (operations--) {
		const char *name = pick_name();

		if (v->operations->look_up(v, base, name, &inode) == 0) {
			model_write(v, inode, model_random(50000), data, sizeof(data));
			model_truncate(v, inode, model_random(50000));
			if (v->operations->unlink(v, base, name, (int)model_random(2), &victim) == 0)
				v->operations->forget(v, victim);
		}
		if (v->operations->create(v, base, name, model_random(2) ? &values : &directory, &inode) == 0)
			v->operations->rename(v, base, name, root, pick_name(), 0, &victim);
	}
	v->operations->sync(v);
}
