/* What a disk was told, and what a power cut may have left of it. */
#include "tests/cuts/history.h"
#include "tests/cuts/plan.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SECTOR = 512 };

void cuts_note(struct cuts_history *h, enum losing_kind kind, uint64_t offset, const void *data, uint32_t length)
{
	struct cuts_event *e;

	if (h->count == h->room) {
		h->room = h->room ? 2 * h->room : 1024;
		h->events = realloc(h->events, h->room * sizeof(*h->events));
	}
	e = &h->events[h->count++];
	*e = (struct cuts_event){kind, length, offset, malloc(length + 1)};
	memcpy(e->data, data ? data : "", length);
	e->data[length] = 0;
}

bool cuts_load(struct cuts_history *h, const char *path)
{
	FILE *file = fopen(path, "rb");
	struct losing_record r;
	bool whole = true;

	if (!file)
		return false;
	while (whole && fread(&r, sizeof(r), 1, file) == 1) {
		char *data = malloc(r.length + 1);

		whole = r.length == 0 || fread(data, r.length, 1, file) == 1;
		if (whole)
			cuts_note(h, r.kind, r.offset, data, r.length);
		free(data);
	}
	fclose(file);
	return true;
}

void cuts_forget(struct cuts_history *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->events[i].data);
	free(h->events);
	*h = (struct cuts_history){0};
}

uint32_t cuts_promised(const struct cuts_history *h, size_t at)
{
	while (at--)
		if (h->events[at].kind == LOSING_MARK) {
			const char *text = h->events[at].data, *line = text;

			/* Several lines may have come as one; the last that is whole counts. */
			for (const char *end = strchr(text, '\n'); end && end[1] && strchr(end + 1, '\n');
				end = strchr(end + 1, '\n'))
				line = end + 1;
			return (uint32_t)strtoul(line, NULL, 10);
		}
	return 0;
}

static void apply(const struct cuts_event *e, char *image, uint32_t sectors_of)
{
	for (uint32_t i = 0; i < e->length / SECTOR; i++)
		if (!sectors_of || cuts_hash(sectors_of, i, 8) % 2)
			memcpy(image + e->offset + i * SECTOR, e->data + i * SECTOR, SECTOR);
}

void cuts_image(struct cuts_medium *m, size_t at, uint64_t seed, char *image, uint64_t size)
{
	const struct cuts_event *e = m->history->events;
	size_t flush = at, i;

	while (flush > m->flushed && e[flush - 1].kind != LOSING_FLUSH)
		flush--;
	for (; m->flushed < flush; m->flushed++)
		if (e[m->flushed].kind == LOSING_WRITE)
			apply(&e[m->flushed], m->durable, 0);
	memcpy(image, m->durable, size);
	for (i = flush; i < at; i++) {
		const uint32_t chance = cuts_hash(seed, (uint32_t)i, 7);

		/* All that was written, or nothing of it, is a case too. */
		if (e[i].kind == LOSING_WRITE && (seed % 8 == 0 || (seed % 8 != 1 && chance % 3)))
			apply(&e[i], image, seed % 8 == 0 || chance % 3 == 1 ? 0 : chance | 1);
	}
}
