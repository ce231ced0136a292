/* Tokens as the generated kernel stubs see them. */
#ifndef KERN_TOKENS_H
#define KERN_TOKENS_H

#include <mach/message.h>

struct task_tokens {
	security_token_t security;
	audit_token_t audit;
};

#endif
