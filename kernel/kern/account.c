/* The life of accounts. */
#include <kern/account.h>

#include <kern/kalloc.h>

struct account kernel_account = {
	.bytes = ACCOUNT_REFERENCE, .bytes_limit = UINT64_MAX, .pages_limit = UINT64_MAX, .level = VM_PAGE_FOR_KERNEL};
struct account *accounts[ACCOUNTS_MAX] = {&kernel_account};
uint64_t account_small_pages;

static struct kcache account_cache = KCACHE(sizeof(struct account));

struct account *account_make(struct account *parent, enum vm_page_level level, uint64_t bytes, uint64_t pages)
{
	static uint32_t last_id;
	struct account *account = kcache_alloc(&account_cache, parent), *none = NULL;
	unsigned index = 1;

	if (account == NULL)
		return NULL;
	account->bytes = ACCOUNT_REFERENCE;
	account->bytes_limit = bytes;
	account->pages_limit = pages;
	account->level = (uint8_t)level;
	account->parent = parent;
	/* Relaxed: only that no two get the same. */
	account->id = __atomic_add_fetch(&last_id, 1, __ATOMIC_RELAXED);
	/* Release: who finds it there finds it filled. */
	while (index < ACCOUNTS_MAX && !__atomic_compare_exchange_n(&accounts[index], &none, account, false,
					       __ATOMIC_RELEASE, __ATOMIC_RELAXED)) {
		none = NULL;
		index++;
	}
	if (index == ACCOUNTS_MAX) {
		kcache_free(&account_cache, parent, account);
		return NULL;
	}
	account->index = (uint16_t)index;
	return account;
}

void account_end(struct account *account)
{
	struct account *parent = account->parent;

	/* Relaxed: sums. */
	if (account->was_split) {
		__atomic_add_fetch(&parent->bytes_limit, account->bytes_limit, __ATOMIC_RELAXED);
		__atomic_add_fetch(&parent->pages_limit, account->pages_limit, __ATOMIC_RELAXED);
		__atomic_sub_fetch(&parent->splits, 1, __ATOMIC_RELAXED);
	}
	__atomic_store_n(&accounts[account->index], NULL, __ATOMIC_RELEASE);
	kcache_free(&account_cache, parent, account);
}
