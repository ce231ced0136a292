/* The table of users; counters; the heap's budget. Nothing here knows Mach. */
#include "base/user.h"

#include <stdlib.h>
#include <string.h>

#include "base/slab.h"

#define USER_HASH 64

/* Before each piece of memory; what follows is aligned as it is. */
struct piece {
	struct user *user; /* counted in its bytes; or null */
	size_t size;       /* with this */
};

_Static_assert(sizeof(struct piece) == 16, "memory after it is aligned for anything");

/* Of memory, so much is for what calls of ordinary users make in the server. */
#define BUDGET_PART 8
/* Linux's: pipes of 64 MiB; mappings. Less on small machines: a quarter of the budget. */
#define PIPE_PAGES_SOFT 16384u
#define MAPPINGS        65530u
#define PAGE            4096u
/* About what a file in an epoll set, a lock take, with what hangs on them. */
#define WATCH_BYTES 256u
#define LOCK_BYTES  128u

struct user_settings user_settings = {USER_NO_LIMIT, 0, USER_NO_LIMIT, USER_NO_LIMIT, MAPPINGS};

static struct user *table[USER_HASH];
static uint64_t budget = UINT64_MAX, budget_used; /* bytes of all ordinary users */

struct user *user_of(uint32_t uid)
{
	struct user **head = &table[uid % USER_HASH], *user = *head;

	while (user != NULL && user->uid != uid)
		user = user->next;
	if (user == NULL) {
		user = calloc(1, sizeof *user);
		if (user == NULL)
			return NULL;
		user->uid = uid;
		list_init(&user->account.link);
		user->next = *head;
		*head = user;
	}
	return user_reference(user);
}

struct user *user_reference(struct user *user)
{
	user->references++;
	return user;
}

/* Frees it if nothing is left. */
static void settle(struct user *user)
{
	struct user **at = &table[user->uid % USER_HASH];
	unsigned i;

	if (user->references != 0)
		return;
	if (user->spare_signal != NULL) {
		void *spare = user->spare_signal;

		user->spare_signal = NULL;
		user_free(spare); /* which comes here again */
		return;
	}
	if (user->bytes != 0)
		return;
	for (i = 0; i < USER_COUNTS; i++) {
		if (user->count[i] != 0)
			return;
	}
	while (*at != user)
		at = &(*at)->next;
	*at = user->next;
	free(user);
}

void user_release(struct user *user)
{
	if (user == NULL)
		return;
	user->references--;
	settle(user);
}

bool user_charge(struct user *user, enum user_count what, uint64_t amount, uint64_t limit)
{
	if (amount > limit || user->count[what] > limit - amount)
		return false;
	user->count[what] += amount;
	return true;
}

void user_uncharge(struct user *user, enum user_count what, uint64_t amount)
{
	user->count[what] -= amount;
	settle(user);
}

/* --- Memory. */

void user_set_budget(uint64_t bytes)
{
	budget = bytes;
}

static bool ordinary(const struct user *user)
{
	return user != NULL && user->uid != 0;
}

static bool affords(const struct user *user, size_t more)
{
	uint64_t left = budget > budget_used ? budget - budget_used : 0;

	return !ordinary(user) || (more <= left && user->bytes + more <= left - more);
}

static void account(struct user *user, size_t more, size_t less)
{
	if (user != NULL)
		user->bytes += more - less;
	if (ordinary(user))
		budget_used += more - less;
}

bool user_take_bytes(struct user *user, size_t size)
{
	if (!affords(user, size))
		return false;
	account(user, size, 0);
	return true;
}

void user_give_bytes(struct user *user, size_t size)
{
	account(user, 0, size);
	if (user != NULL)
		settle(user);
}

void user_start(uint64_t memory_bytes)
{
	uint64_t bytes = memory_bytes / BUDGET_PART, quarter = bytes / 4;

	user_set_budget(bytes);
	user_settings.pipe_pages_soft = quarter / PAGE < PIPE_PAGES_SOFT ? quarter / PAGE : PIPE_PAGES_SOFT;
	user_settings.watches = quarter / WATCH_BYTES;
	user_settings.locks = quarter / LOCK_BYTES;
}

void *user_alloc(struct user *user, size_t size)
{
	struct piece *piece;
	size_t whole;

	if (__builtin_add_overflow(size, sizeof *piece, &whole) || !affords(user, whole))
		return NULL;
	piece = slab_alloc(whole);
	if (piece == NULL)
		return NULL;
	piece->user = user;
	piece->size = whole;
	account(user, whole, 0);
	return piece + 1;
}

void *user_resize(void *memory, size_t size)
{
	struct piece *piece = (struct piece *)memory - 1;
	size_t have = piece->size - sizeof *piece;
	void *other = user_alloc(piece->user, size);

	if (other == NULL)
		return NULL;
	memcpy(other, memory, have < size ? have : size);
	user_free(memory);
	return other;
}

void user_free(void *memory)
{
	struct piece *piece;
	struct user *user;

	if (memory == NULL)
		return;
	piece = (struct piece *)memory - 1;
	user = piece->user;
	account(user, 0, piece->size);
	slab_free(piece, piece->size);
	if (user != NULL)
		settle(user);
}

struct user *user_of_memory(const void *memory)
{
	return ((const struct piece *)memory - 1)->user;
}
