/* Accounts: who pays for kernel memory and pages, and how much each may have. */
#ifndef KERN_ACCOUNT_H
#define KERN_ACCOUNT_H

#include <kern/machine.h>

/* Who asks for memory: below its reserve of free pages each is refused. */
enum vm_page_level {
	VM_PAGE_FOR_USER,
	VM_PAGE_FOR_SMALL_USER, /* of an account that has few: they go on while a large one is being ended */
	VM_PAGE_FOR_SERVER,     /* pagers and the like */
	VM_PAGE_FOR_KERNEL,
};

#define ACCOUNTS_MAX       4096
#define ACCOUNTS_SPLIT_MAX 32 /* made of one by account_split, which has a user of it not fill the table */
#define ACCOUNT_REFERENCE  1  /* byte: what a mere reference is charged */

/*
 * What is charged is what keeps an account: every task, port, message, page of it has memory on it, and a port to the
 * account itself one byte (ACCOUNT_REFERENCE). It goes when that all has gone.
 */
struct account {
	uint64_t bytes; /* of kernel memory, atomic */
	uint64_t bytes_limit;
	union { /* atomic (page.c) */
		struct {
			uint32_t pages;  /* of private memory, also what of it is in swap areas */
			uint32_t cached; /* of pagers' objects: page-out takes them, so no limit holds */
		};
		uint64_t all_pages;
	};
	uint64_t pages_limit;
	uint32_t swapped; /* atomic: of `pages`, in swap areas */
	uint32_t id;
	uint16_t index; /* accounts[index] */
	uint8_t level;  /* enum vm_page_level; account_level */
	bool was_split; /* its limits were taken from its parent's */
	uint32_t splits;
	struct account *parent; /* pays for this structure; null: the kernel's */
	struct ipc_port *port;  /* the kernel's, or null (account_user.c) */
};

extern struct account kernel_account; /* of the kernel's own structures; never goes */
extern struct account *accounts[ACCOUNTS_MAX];
extern uint64_t account_small_pages; /* a user's account with less pages is small */

/* The level at which memory is taken for the account now. */
static inline enum vm_page_level account_level(const struct account *account)
{
	if (account->level == VM_PAGE_FOR_USER && account->pages < account_small_pages)
		return VM_PAGE_FOR_SMALL_USER;
	return (enum vm_page_level)account->level;
}

/*
 * The same for kernel objects, which nobody waits for, so that pages do not take the room they need: of servers all
 * there is, of users what small accounts have.
 */
static inline enum vm_page_level account_object_level(const struct account *account)
{
	return account->level == VM_PAGE_FOR_USER ? VM_PAGE_FOR_SMALL_USER : VM_PAGE_FOR_KERNEL;
}

/* --- task/shortage.c. */
/*
 * Whether a thread that wants memory on the account may hope that somebody is ended for it, and so should try again
 * soon: if it is the current thread's own account, a user's, and there is a policy, which is going to be told. Locks
 * at most of maps and objects; wake page-out.
 */
bool shortage_may_end(const struct account *account, bool at_limit);
/* Tells the policy, and ports what there was no memory to tell them: true if that is still so. No locks held. */
bool shortage_tell(void);

/* A new account, with one reference; `parent` pays for its structure. Null: no memory, or too many. */
struct account *account_make(struct account *parent, enum vm_page_level level, uint64_t bytes, uint64_t pages);
/* It has nothing any more; by account_uncharge. */
void account_end(struct account *account);

/* False, and nothing charged, over the limit. The caller knows that the account stays meanwhile. */
static inline bool account_charge(struct account *account, uint64_t bytes)
{
	/* Relaxed: a plain sum; the limit may be passed by what other processors charge meanwhile, and is then refused
	 * to all. */
	uint64_t now = __atomic_add_fetch(&account->bytes, bytes, __ATOMIC_RELAXED);

	if (__builtin_expect(now <= account->bytes_limit, 1))
		return true;
	__atomic_sub_fetch(&account->bytes, bytes, __ATOMIC_RELAXED);
	return false;
}

/* For what is limited elsewhere, or has been on another account before. */
static inline void account_charge_always(struct account *account, uint64_t bytes)
{
	__atomic_add_fetch(&account->bytes, bytes, __ATOMIC_RELAXED);
}

static inline void account_uncharge(struct account *account, uint64_t bytes)
{
	/* Acquire-release: who ends it sees all that was done with it. */
	if (__builtin_expect(__atomic_sub_fetch(&account->bytes, bytes, __ATOMIC_ACQ_REL) == 0, 0))
		account_end(account);
}

#endif
