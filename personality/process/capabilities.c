/* Capabilities: the calls, and what becomes of them when ids change and programs begin. The rules: capabilities(7). */
#include "process/capability.h"

#include <errno.h>
#include <linux/prctl.h>
#include <string.h>

#include "process/proc.h"
#include "unix_server.h"

/* What goes and comes with the fsuid alone. */
#define OF_FILES                                                                                                       \
	(CAPABILITY(CAP_CHOWN) | CAPABILITY(CAP_MKNOD) | CAPABILITY(CAP_DAC_OVERRIDE) |                                \
		CAPABILITY(CAP_DAC_READ_SEARCH) | CAPABILITY(CAP_FOWNER) | CAPABILITY(CAP_FSETID) |                    \
		CAPABILITY(CAP_LINUX_IMMUTABLE) | CAPABILITY(CAP_MAC_OVERRIDE))

static bool is_subset(uint64_t part, uint64_t whole)
{
	return (part & ~whole) == 0;
}

static bool has_root(const struct credentials *who)
{
	return who->uid == 0 || who->euid == 0 || who->suid == 0;
}

void capabilities_follow_ids(struct credentials *who, const struct credentials *before)
{
	if (who->secure_bits & SECURE_NO_SETUID_FIXUP)
		return;
	if (has_root(before) && !has_root(who)) {
		if (!(who->secure_bits & SECURE_KEEP_CAPS))
			who->permitted = who->effective = 0;
		who->ambient = 0;
	}
	if (before->euid == 0 && who->euid != 0)
		who->effective = 0;
	if (before->euid != 0 && who->euid == 0)
		who->effective = who->permitted;
}

void capabilities_follow_fsuid(struct credentials *who, uint32_t before)
{
	if (who->secure_bits & SECURE_NO_SETUID_FIXUP)
		return;
	if (before == 0 && who->fsuid != 0)
		who->effective &= ~OF_FILES;
	if (before != 0 && who->fsuid == 0)
		who->effective |= who->permitted & OF_FILES;
}

uint64_t capabilities_of_real_user(const struct credentials *who)
{
	if (who->secure_bits & SECURE_NO_SETUID_FIXUP)
		return who->effective;
	return who->uid == 0 ? who->permitted : 0;
}

/* --- Programs. */

bool capabilities_parse(const void *value, unsigned size, struct file_capabilities *out)
{
	struct vfs_ns_cap_data data = {0};
	uint32_t revision;

	memset(out, 0, sizeof *out);
	if (size < sizeof data.magic_etc || size > sizeof data)
		return false;
	memcpy(&data, value, size);
	revision = data.magic_etc & VFS_CAP_REVISION_MASK;
	if ((data.magic_etc & ~(VFS_CAP_REVISION_MASK | VFS_CAP_FLAGS_MASK)) != 0 ||
		!((revision == VFS_CAP_REVISION_1 && size == XATTR_CAPS_SZ_1) ||
			(revision == VFS_CAP_REVISION_2 && size == XATTR_CAPS_SZ_2) ||
			(revision == VFS_CAP_REVISION_3 && size == XATTR_CAPS_SZ_3)))
		return false;
	out->present = data.rootid == 0;
	out->effective = (data.magic_etc & VFS_CAP_FLAGS_EFFECTIVE) != 0;
	out->permitted = (data.data[0].permitted | (uint64_t)data.data[1].permitted << 32) & CAPABILITIES_ALL;
	out->inheritable = (data.data[0].inheritable | (uint64_t)data.data[1].inheritable << 32) & CAPABILITIES_ALL;
	return true;
}

int capabilities_at_exec(struct credentials *who, const struct credentials *before,
	const struct file_capabilities *file, bool limited, bool *secure)
{
	const bool of_root = !(before->secure_bits & SECURE_NO_ROOT),
		   changes_ids = who->euid != before->uid || who->egid != before->gid;
	bool effective = file->present && file->effective;

	who->permitted = 0;
	if (file->present) {
		who->permitted = (file->permitted & who->bounding) | (file->inheritable & who->inheritable);
		if (effective && !is_subset(file->permitted, who->permitted))
			return -EPERM;
	}
	/* A program that root starts, or that is set to root's id, has all; but one with capabilities of its own that
	 * another user starts has those. */
	if (of_root && (who->euid == 0 || who->uid == 0) && !(file->present && who->uid != 0)) {
		who->permitted = who->bounding | who->inheritable;
		effective = effective || who->euid == 0;
	}
	if (limited)
		who->permitted &= before->permitted;
	if (file->present || changes_ids)
		who->ambient = 0;
	who->permitted |= who->ambient;
	who->effective = effective ? who->permitted : who->ambient;
	who->secure_bits &= ~(unsigned)SECURE_KEEP_CAPS;
	*secure = changes_ids || (who->uid != 0 && (effective || !is_subset(who->permitted, who->ambient)));
	return 0;
}

/* --- The calls. */

/* How many words of each set the caller's header stands for; another version is told the one that is known. 0 (an
 * unknown version), -errno. */
static int header_words(struct call *call, uint64_t address)
{
	uint32_t version;
	int error = copy_in(call, &version, address, sizeof version);

	if (error != 0)
		return error;
	if (version == _LINUX_CAPABILITY_VERSION_1)
		return _LINUX_CAPABILITY_U32S_1;
	if (version == _LINUX_CAPABILITY_VERSION_2 || version == _LINUX_CAPABILITY_VERSION_3)
		return _LINUX_CAPABILITY_U32S_3;
	version = _LINUX_CAPABILITY_VERSION_3;
	return copy_out(call, address, &version, sizeof version);
}

static int header_pid(struct call *call, uint64_t address, int *pid)
{
	return copy_in(call, pid, address + sizeof(uint32_t), sizeof *pid);
}

int64_t sys_capget(uint64_t caller, uint64_t header, uint64_t address)
{
	struct call *call = call_of(caller);
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3];
	const struct credentials *who = &call->process->credentials;
	int words = header_words(call, header), pid, error;

	if (words <= 0 || address == 0)
		return words == 0 && address != 0 ? -EINVAL : words < 0 ? call_result(words) : 0;
	error = header_pid(call, header, &pid);
	if (error != 0)
		return call_result(error);
	if (pid < 0)
		return -EINVAL;
	if (pid != 0) {
		const struct thread *thread = thread_find(pid);

		if (thread == NULL)
			return -ESRCH;
		who = &thread->process->credentials;
	}
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		data[i].effective = (uint32_t)(who->effective >> 32 * i);
		data[i].permitted = (uint32_t)(who->permitted >> 32 * i);
		data[i].inheritable = (uint32_t)(who->inheritable >> 32 * i);
	}
	return call_result(copy_out(call, address, data, (size_t)words * sizeof data[0]));
}

int64_t sys_capset(uint64_t caller, uint64_t header, uint64_t address)
{
	struct call *call = call_of(caller);
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = {{0}};
	struct credentials *who = &call->process->credentials, before = *who;
	uint64_t effective = 0, permitted = 0, inheritable = 0;
	int words = header_words(call, header), pid, error;

	if (words <= 0)
		return words == 0 ? -EINVAL : call_result(words);
	error = header_pid(call, header, &pid);
	if (error == 0 && pid != 0 && pid != call->thread->id)
		return -EPERM;
	if (error == 0)
		error = copy_in(call, data, address, (size_t)words * sizeof data[0]);
	if (error != 0)
		return call_result(error);
	for (int i = 0; i < _LINUX_CAPABILITY_U32S_3; i++) {
		effective |= (uint64_t)data[i].effective << 32 * i;
		permitted |= (uint64_t)data[i].permitted << 32 * i;
		inheritable |= (uint64_t)data[i].inheritable << 32 * i;
	}
	effective &= CAPABILITIES_ALL;
	permitted &= CAPABILITIES_ALL;
	inheritable &= CAPABILITIES_ALL;
	if ((!capable(call->process, CAP_SETPCAP) && !is_subset(inheritable, who->inheritable | who->permitted)) ||
		!is_subset(inheritable, who->inheritable | who->bounding) || !is_subset(permitted, who->permitted) ||
		!is_subset(effective, permitted))
		return -EPERM;
	who->effective = effective;
	who->permitted = permitted;
	who->inheritable = inheritable;
	who->ambient &= permitted & inheritable;
	process_ids_changed(call->process, &before);
	return 0;
}

static int64_t set_secure_bits(struct process *process, uint64_t bits)
{
	unsigned *now = &process->credentials.secure_bits;

	/* What a lock stands beside does not change, no lock is opened, and there are no others. */
	if (((*now & SECURE_LOCKS) >> 1 & (*now ^ bits)) != 0 || (*now & SECURE_LOCKS & ~bits) != 0 ||
		(bits & ~(uint64_t)SECURE_ALL) != 0 || !capable(process, CAP_SETPCAP))
		return -EPERM;
	*now = (unsigned)bits;
	return 0;
}

static int64_t keep(struct credentials *who, uint64_t on)
{
	if (on > 1)
		return -EINVAL;
	if (who->secure_bits & SECURE_KEEP_CAPS << 1)
		return -EPERM;
	who->secure_bits = (who->secure_bits & ~(unsigned)SECURE_KEEP_CAPS) | (on != 0 ? SECURE_KEEP_CAPS : 0);
	return 0;
}

static int64_t ambient(struct credentials *who, const uint64_t argument[4])
{
	const uint64_t what = argument[0], number = argument[1];

	if (what == PR_CAP_AMBIENT_CLEAR_ALL) {
		if (argument[1] != 0 || argument[2] != 0 || argument[3] != 0)
			return -EINVAL;
		who->ambient = 0;
		return 0;
	}
	if (number > CAP_LAST_CAP || argument[2] != 0 || argument[3] != 0)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_IS_SET)
		return (int64_t)(who->ambient >> number & 1);
	if (what != PR_CAP_AMBIENT_RAISE && what != PR_CAP_AMBIENT_LOWER)
		return -EINVAL;
	if (what == PR_CAP_AMBIENT_LOWER) {
		who->ambient &= ~CAPABILITY(number);
		return 0;
	}
	if (!(who->permitted & who->inheritable & CAPABILITY(number)) || who->secure_bits & SECURE_NO_AMBIENT_RAISE)
		return -EPERM;
	who->ambient |= CAPABILITY(number);
	return 0;
}

bool capabilities_prctl(struct call *call, int option, const uint64_t argument[4], int64_t *result)
{
	struct credentials *who = &call->process->credentials;
	const uint64_t number = argument[0];

	switch (option) {
	case PR_CAPBSET_READ:
		*result = number > CAP_LAST_CAP ? -EINVAL : (int64_t)(who->bounding >> number & 1);
		return true;
	case PR_CAPBSET_DROP:
		*result = !capable(call->process, CAP_SETPCAP) ? -EPERM : number > CAP_LAST_CAP ? -EINVAL : 0;
		if (*result == 0)
			who->bounding &= ~CAPABILITY(number);
		return true;
	case PR_SET_SECUREBITS:
		*result = set_secure_bits(call->process, number);
		return true;
	case PR_GET_SECUREBITS:
		*result = who->secure_bits;
		return true;
	case PR_SET_KEEPCAPS:
		*result = keep(who, number);
		return true;
	case PR_GET_KEEPCAPS:
		*result = (who->secure_bits & SECURE_KEEP_CAPS) != 0;
		return true;
	case PR_CAP_AMBIENT:
		*result = ambient(who, argument);
		return true;
	default:
		return false;
	}
}
