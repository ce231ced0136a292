/*
 * snapshot: the point in time at which it was first started over an object. Arguments: lower=ORIGIN lower=STORE
 * [format].
 *
 * What is written goes to the store; the origin stays as it is, and its pages are shown by forwarding, without a copy.
 * So several are clones of one origin; one over another is a later point in time; and who starts another over the
 * origin, or over the one below, has rolled back. Nobody may write to the origin meanwhile.
 *
 * The store is a header page, the map, and slots of a page. The map has, for each page of the origin, the slot that is
 * in its place; 63 of them fill a sector, with a checksum. What is written is kept here, as the messages in which it
 * came, until a flush. That writes it to free slots, flushes, writes the map, flushes; then the slots of before are
 * free. So a page is after a power cut as it was flushed, or as the flush that was under way would have made it; over a
 * journal all are.
 *
 * The store may be smaller than the origin: what has no slot any more is ENOSPC. With `format` a store whose first page
 * is zeros gets a header and an empty map.
 */
#include <pagers/kit/group.h>
#include <pagers/kit/lower.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR_PLACES = 63, MAP_PAGE_PLACES = PK_PAGE / PK_SECTOR * SECTOR_PLACES, GROUP_MAX = 1024 };
enum { IN_ORIGIN = 0, LOST = UINT32_MAX }; /* places; others are a slot and one */
#define MAGIC 0x31706e53505000ull

struct header {
	uint64_t magic, pages, checksum;
};

struct places {
	uint64_t place[SECTOR_PLACES], checksum;
};
_Static_assert(sizeof(struct places) == PK_SECTOR, "places fill a sector");

static struct pk_lower *origin, *store;
static struct header header;
static uint32_t *place; /* by page, as in the store's map */
static bool *used;      /* by slot */
static uint64_t slots, slots_free, next_slot;

static struct pk_group waiting;

static uint64_t map_pages(void)
{
	return (header.pages + MAP_PAGE_PLACES - 1) / MAP_PAGE_PLACES;
}

static uint64_t map_at(uint64_t page)
{
	return PK_PAGE + page / SECTOR_PLACES * PK_SECTOR;
}

static uint64_t slot_at(uint64_t slot)
{
	return (1 + map_pages() + slot) * PK_PAGE;
}

/* --- Out. */

/* The sector of the map in which the page is, as it is here. */
static int write_places(uint64_t page)
{
	uint64_t first = page / SECTOR_PLACES * SECTOR_PLACES;
	struct places places = {.checksum = 0};

	for (unsigned i = 0; i < SECTOR_PLACES && first + i < header.pages; i++)
		places.place[i] = place[first + i];
	places.checksum = pk_checksum(map_at(page), places.place, sizeof(places.place));
	return pk_lower_write(store, map_at(page), &places, sizeof(places));
}

/* There is one. */
static uint32_t take_slot(void)
{
	while (used[next_slot])
		next_slot = (next_slot + 1) % slots;
	used[next_slot] = true;
	slots_free--;
	return (uint32_t)next_slot;
}

static void free_place(uint32_t old)
{
	if (old != IN_ORIGIN && old != LOST) {
		used[old - 1] = false;
		slots_free++;
	}
}

/*
 * One that fails before the map was touched leaves all as it was. After that the slots of before are used as well as
 * the new ones, until the next start: the map below may have either.
 */
static int flush_snapshot(void *self)
{
	static uint32_t before[GROUP_MAX];
	unsigned written = 0;
	int error = waiting.count > slots_free ? ENOSPC : 0;

	(void)self;
	if (waiting.count == 0)
		return 0;
	while (written < waiting.count && !error) {
		uint64_t page = waiting.number[written];

		before[written++] = place[page];
		place[page] = take_slot() + 1;
		error = pk_lower_write(store, slot_at(place[page] - 1), waiting.page[page], PK_PAGE);
	}
	if (!error)
		error = pk_lower_flush(store);
	while (error && written > 0) {
		uint64_t page = waiting.number[--written];

		free_place(place[page]);
		place[page] = before[written];
	}
	for (unsigned i = 0; i < waiting.count && !error; i++)
		error = write_places(waiting.number[i]);
	if (!error)
		error = pk_lower_flush(store);
	if (error)
		return error;
	for (unsigned i = 0; i < waiting.count; i++)
		free_place(before[i]);
	pk_group_done(&waiting);
	return 0;
}

/* --- In. */

static int take_snapshot(void *self, uint64_t offset, void *pages, size_t length)
{
	int error = pk_group_room(&waiting, length, flush_snapshot);

	(void)self;
	/* What is taken must find a slot. */
	if (!error && waiting.count + length / PK_PAGE > slots_free)
		error = ENOSPC;
	if (!error)
		pk_group_take(&waiting, offset, pages, length);
	return error;
}

static int forward_snapshot(void *self, uint64_t offset, uint64_t *length, struct pk_lower **lower, uint64_t *at)
{
	uint64_t first = offset / PK_PAGE, page = first;

	(void)self;
	while (page < header.pages && place[page] == IN_ORIGIN && !waiting.page[page])
		page++;
	*length = (page - first) * PK_PAGE;
	*lower = origin;
	*at = offset;
	return 0;
}

static int read_page(uint64_t number, void *page)
{
	if (place[number] == LOST)
		return EIO;
	if (place[number] == IN_ORIGIN)
		return pk_lower_read(origin, number * PK_PAGE, page, PK_PAGE);
	return pk_lower_read(store, slot_at(place[number] - 1), page, PK_PAGE);
}

static int read_snapshot(void *self, uint64_t offset, void *pages, size_t length)
{
	(void)self;
	return pk_group_read(&waiting, offset, pages, length, read_page);
}

/* --- Start. */

/* The header last. */
static int format(void)
{
	int error = 0;

	header = (struct header){.magic = MAGIC, .pages = pk_lower_size(origin) / PK_PAGE};
	if (!header.pages || pk_lower_size(store) / PK_PAGE < 2 + map_pages())
		error = ENOSPC;
	for (uint64_t page = 0; page < header.pages && !error; page += SECTOR_PLACES)
		error = write_places(page);
	if (!error)
		error = pk_lower_flush(store);
	return error ? error : pk_header_write(store, &header, sizeof(header));
}

/* The map, as far as it can be: what a bad sector said is lost, and so is a page whose slot there is not, or another
 * has. */
static int read_map(void)
{
	struct places places;
	int error = 0;

	for (uint64_t page = 0; page < header.pages && !error; page++) {
		uint64_t found;

		if (page % SECTOR_PLACES == 0)
			error = pk_lower_read(store, map_at(page), &places, sizeof(places));
		if (page % SECTOR_PLACES == 0 &&
			places.checksum != pk_checksum(map_at(page), places.place, sizeof(places.place)))
			memset(&places, -1, sizeof(places));
		found = places.place[page % SECTOR_PLACES];
		if (found != IN_ORIGIN && (found > slots || used[found - 1]))
			found = LOST;
		place[page] = (uint32_t)found;
		if (found != IN_ORIGIN && found != LOST) {
			used[found - 1] = true;
			slots_free--;
		}
	}
	return error;
}

static int open_header(bool may_format)
{
	int error = pk_header_read(store, MAGIC, &header, sizeof(header));

	if (error)
		return error == ENOENT && may_format ? format() : error;
	if (pk_lower_size(store) / PK_PAGE < 2 + map_pages())
		return EIO;
	return header.pages > pk_lower_size(origin) / PK_PAGE ? EINVAL : 0;
}

static int open_snapshot(int argc, char **argv, struct pk_lower **lowers, void **self, uint64_t *size)
{
	uint64_t pages = pk_lower_size(lowers[0]) / PK_PAGE;
	bool may_format = pk_argument(&argc, argv, "format");
	int error;

	(void)self;
	if (argc != 0)
		return EINVAL;
	origin = lowers[0];
	store = lowers[1];
	place = calloc(pages + 1, sizeof(*place));
	error = place ? open_header(may_format) : ENOMEM;
	if (error)
		return error;
	slots = slots_free = pk_lower_size(store) / PK_PAGE - 1 - map_pages();
	if (slots >= LOST - 1)
		return EFBIG;
	used = calloc(slots, sizeof(*used));
	*size = header.pages * PK_PAGE;
	error = used ? pk_group_make(&waiting, header.pages, GROUP_MAX) : ENOMEM;
	return error ? error : read_map();
}

static const struct pk_program snapshot = {
	.name = "snapshot",
	.usage = "[format]",
	.lowers = 2,
	.open = open_snapshot,
	.ops = {.read = read_snapshot, .take = take_snapshot, .flush = flush_snapshot, .forward = forward_snapshot},
};
PAGER(snapshot)
