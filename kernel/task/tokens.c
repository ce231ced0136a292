/* Security and audit tokens of tasks. */
#include <kern/tokens.h>

#include <kern/kalloc.h>
#include <stubs/mach_host_server.h>

/* Which tokens a task has. One lock for all: it is taken only for tasks that have some. */
static struct lock tokens_lock = LOCK_INIT(LOCK_RANK_TOKENS);

struct task_tokens *task_tokens_take(struct task *task)
{
	struct task_tokens *tokens;

	/* Relaxed: only whether there are any; which, is looked up under the lock. */
	if (__atomic_load_n(&task->tokens, __ATOMIC_RELAXED) == NULL)
		return NULL;
	lock_acquire(&tokens_lock);
	tokens = task->tokens; /* never null again: tokens are replaced, not removed */
	ref_take(&tokens->refs);
	lock_release(&tokens_lock);
	return tokens;
}

void task_tokens_release(struct task_tokens *tokens)
{
	if (tokens != NULL && ref_drop(&tokens->refs))
		kfree(tokens->account, tokens, sizeof(*tokens));
}

kern_return_t host_security_set_task_token(host_t, task_t task, security_token_t security, audit_token_t audit)
{
	struct task_tokens *tokens, *old;

	tokens = kalloc(task->account, sizeof(*tokens));
	if (tokens == NULL)
		return KERN_RESOURCE_SHORTAGE;
	ref_init(&tokens->refs, 1);
	tokens->account = task->account;
	tokens->security = security;
	tokens->audit = audit;
	lock_acquire(&tokens_lock);
	old = task->tokens;
	__atomic_store_n(&task->tokens, tokens, __ATOMIC_RELAXED); /* the lock orders it */
	lock_release(&tokens_lock);
	task_tokens_release(old);
	return KERN_SUCCESS;
}
