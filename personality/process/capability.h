/* Capabilities: what of root's power a process has (capabilities(7)). */
#ifndef PERSONALITY_CAPABILITY_H
#define PERSONALITY_CAPABILITY_H

#include <linux/capability.h>
#include <stdbool.h>
#include <stdint.h>

struct call;
struct credentials;
struct process;

#define CAPABILITY(number) (1ull << (number))
#define CAPABILITIES_ALL   (CAPABILITY(CAP_LAST_CAP + 1) - 1)

/* Securebits of capabilities(7), each with its lock one higher. */
enum {
	SECURE_NO_ROOT = 1,
	SECURE_NO_SETUID_FIXUP = 4,
	SECURE_KEEP_CAPS = 16,
	SECURE_NO_AMBIENT_RAISE = 64,
	SECURE_LOCKS = 2 | 8 | 32 | 128,
	SECURE_ALL = 255,
};

/* What a program's file says: its attribute security.capability. */
struct file_capabilities {
	bool present, effective;
	uint64_t permitted, inheritable;
};

#define CAPABILITY_ATTRIBUTE "security.capability"
/* That attribute's value; false: it is none. One that is for another user namespace's root is not present. */
bool capabilities_parse(const void *value, unsigned size, struct file_capabilities *out);

/* After the user ids have changed by setuid and its kin: from 0 to others, or back. */
void capabilities_follow_ids(struct credentials *who, const struct credentials *before);
/* The same of setfsuid. */
void capabilities_follow_fsuid(struct credentials *who, uint32_t before);
/*
 * What a program begins with; `who` has its ids already, `before` is its caller. limited: it may gain nothing. *secure:
 * it must not trust its environment. 0, or -EPERM: it cannot have what its file says that it needs.
 */
int capabilities_at_exec(struct credentials *who, const struct credentials *before,
	const struct file_capabilities *file, bool limited, bool *secure);
/* Capabilities that override permissions of files, for who asks by its real ids (access(2)). */
uint64_t capabilities_of_real_user(const struct credentials *who);

/* The options of prctl that are about capabilities; false: it is none of them. */
bool capabilities_prctl(struct call *call, int option, const uint64_t argument[4], int64_t *result);

#endif
