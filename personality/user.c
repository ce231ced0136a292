/* The table of users; counters; the heap's budget. Nothing here knows Mach. */
#include "user.h"

#include <stdlib.h>
#include <string.h>

#define USER_HASH 64
#define LARGE     65536u /* from here on memory comes fresh from the kernel, zeroed */

/* Before each piece of memory; its size keeps what follows aligned as malloc does. */
struct piece {
	struct user *user; /* counted in its bytes; or null */
	size_t size;       /* with this */
};

_Static_assert(sizeof(struct piece) == 16, "memory after it is aligned for anything");

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

	if (user->references != 0 || user->bytes != 0)
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

void *user_alloc(struct user *user, size_t size)
{
	struct piece *piece;
	size_t whole;

	if (__builtin_add_overflow(size, sizeof *piece, &whole) || !affords(user, whole))
		return NULL;
	piece = whole >= LARGE ? calloc(1, whole) : malloc(whole);
	if (piece == NULL)
		return NULL;
	if (whole < LARGE)
		memset(piece, 0, whole);
	piece->user = user;
	piece->size = whole;
	account(user, whole, 0);
	return piece + 1;
}

void *user_realloc(void *memory, size_t size)
{
	struct piece *piece = (struct piece *)memory - 1, *moved;
	size_t whole, old = piece->size;

	if (__builtin_add_overflow(size, sizeof *piece, &whole) || (whole > old && !affords(piece->user, whole - old)))
		return NULL;
	moved = realloc(piece, whole);
	if (moved == NULL)
		return NULL;
	moved->size = whole;
	account(moved->user, whole, old);
	return moved + 1;
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
	free(piece);
	if (user != NULL)
		settle(user);
}

struct user *user_of_memory(const void *memory)
{
	return ((const struct piece *)memory - 1)->user;
}
