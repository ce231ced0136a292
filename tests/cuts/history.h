/* What a disk was told, and what a power cut may have left of it. */
#ifndef TESTS_CUTS_HISTORY_H
#define TESTS_CUTS_HISTORY_H

#include "tests/tools/losing_disk.h"

#include <stdbool.h>
#include <stddef.h>

struct cuts_event {
	enum losing_kind kind;
	uint32_t length;
	uint64_t offset;
	char *data; /* of a mark: its text, with a NUL */
};

struct cuts_history {
	struct cuts_event *events;
	size_t count, room;
};

void cuts_note(struct cuts_history *history, enum losing_kind kind, uint64_t offset, const void *data, uint32_t length);
/* The log of losing-disk. */
bool cuts_load(struct cuts_history *history, const char *path);
void cuts_forget(struct cuts_history *history);

/* The disk between two events, as it is for sure when the power goes: what a flush has followed. */
struct cuts_medium {
	const struct cuts_history *history;
	char *durable; /* the image, changed as the cuts go on */
	size_t flushed; /* events that are in it */
};

/*
 * The image at a cut before event `at`, cuts in order: into `image`, what is durable, and of the rest what chance wants,
 * each write as a whole, in some of its sectors, or not at all.
 */
void cuts_image(struct cuts_medium *medium, size_t at, uint64_t seed, char *image, uint64_t size);
/* The number in the last mark before event `at`. */
uint32_t cuts_promised(const struct cuts_history *history, size_t at);

#endif
