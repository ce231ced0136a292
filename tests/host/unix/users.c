/* Counting and limiting what the server holds for its users. */
#include "base/user.h"

#include <stdint.h>
#include <string.h>

#include "check.h"

#define BUDGET 1000000u
#define PIECE  1000u
#define PIECES 2000u

static void *held[3][PIECES];

/* As many pieces as the user gets. */
static unsigned take_all(struct user *user, void **pieces)
{
	unsigned count = 0;

	while (count < PIECES && (pieces[count] = user_alloc(user, PIECE)) != NULL)
		count++;
	return count;
}

static void give_back(void **pieces, unsigned count)
{
	while (count > 0)
		user_free(pieces[--count]);
}

static void check_counters(void)
{
	struct user *user = user_of(1000), *same = user_of(1000);

	check("a uid has one struct", user != NULL && user == same && user->references == 2);
	user_release(same);
	check("up to the limit", user_charge(user, USER_SIGNALS, 3, 3) && user->count[USER_SIGNALS] == 3);
	check("beyond it nothing changes", !user_charge(user, USER_SIGNALS, 1, 3) && user->count[USER_SIGNALS] == 3);
	check("a lowered limit is no underflow", !user_charge(user, USER_SIGNALS, 1, 1));
	check("sums do not wrap", !user_charge(user, USER_SIGNALS, UINT64_MAX, USER_NO_LIMIT));
	check("counters are apart", user_charge(user, USER_LOCKS, 1, 1));
	user_release(user);
	same = user_of(1000);
	check("who holds something is found again", same == user && same->count[USER_SIGNALS] == 3);
	user_uncharge(user, USER_SIGNALS, 3);
	user_uncharge(user, USER_LOCKS, 1);
	user_release(same);
	same = user_of(1000);
	check("and is made anew when nothing was left",
		same != NULL && same->references == 1 && same->count[USER_SIGNALS] == 0);
	user_release(same);
}

static void check_budget(void)
{
	struct user *a = user_of(1), *b = user_of(2), *root = user_of(0);
	unsigned first, second, third;
	char *memory;

	user_set_budget(BUDGET);
	first = take_all(a, held[0]);
	check("one user gets half", first > 400 && first < 500);
	second = take_all(b, held[1]);
	check("a second one half of what is left", second > 200 && second < 300);
	check("the first no more", user_alloc(a, PIECE) == NULL);
	third = take_all(root, held[2]);
	check("root is not limited", third == PIECES);
	check("nor is the server", (memory = user_alloc(NULL, 2 * BUDGET)) != NULL);
	user_free(memory);
	give_back(held[2], third);
	give_back(held[0], first);
	check("what one gives back another can have", (held[1][second] = user_alloc(b, PIECE)) != NULL);
	give_back(held[1], second + 1);
	check("all is given back", a->bytes == 0 && b->bytes == 0 && root->bytes == 0);
	check("more than there is", user_alloc(a, 2 * BUDGET) == NULL);
	check("a size that wraps", user_alloc(a, SIZE_MAX - 4) == NULL && user_alloc(root, SIZE_MAX - 4) == NULL);

	memory = user_alloc(a, 10);
	check("memory is zeroed and knows whose it is",
		memory != NULL && memcmp(memory, "\0\0\0\0\0\0\0\0\0", 10) == 0 && user_of_memory(memory) == a);
	memory[9] = 'x';
	check("growing within the budget", (memory = user_resize(memory, PIECE)) != NULL && memory[9] == 'x');
	check("not beyond it", user_resize(memory, BUDGET) == NULL && memory[9] == 'x' && a->bytes < 2 * PIECE);
	user_release(a);
	user_free(memory);
	a = user_of(1);
	check("shrunk to nothing", a->bytes == 0);
	user_release(a);
	user_release(b);
	user_release(root);
}

int main(void)
{
	check_counters();
	check_budget();
	return check_failures != 0;
}
