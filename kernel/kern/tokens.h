/* Security and audit tokens: what the host's owner says of a task, and its messages carry. */
#ifndef KERN_TOKENS_H
#define KERN_TOKENS_H

#include <kern/task.h>

/* Never changed once a task has it, so that a message keeps what was true when it was sent. */
struct task_tokens {
	struct refcount refs;
	struct account *account;
	security_token_t security;
	audit_token_t audit;
};

/* A reference to the task's tokens, or null when it has none: the usual case, which costs one look. Takes a lock of
 * rank TOKENS. */
struct task_tokens *task_tokens_take(struct task *task);
/* Gives a reference back; null is fine. */
void task_tokens_release(struct task_tokens *tokens);

#endif
