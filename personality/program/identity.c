/* Exec's new identity: what it is made of, and how the process takes it. */
#include "program/identity.h"

#include <mach/mach.h>
#include <string.h>
#include <sys/mount.h>
#include <unistd.h>

#include "call/dispatch.h"
#include "file/file.h"
#include "process/ptrace.h"
#include "process/rlimit.h"
#include "program/fork.h"
#include "vfs/vfs.h"

/*
 * An old program's helpers must not act for a new one that has more rights: threads of the old memory, calls that it
 * has sent and nobody has received yet, tasks that hold a right to its port. So each program has a port of its own:
 * with the old one all of that is gone at once. And what the new program shares with other processes it would share
 * with the old program's friends: descriptors are unshared by every exec, and who shares root and working directory
 * gains no ids.
 */

static bool shares(const struct process *process)
{
	return process->fs != NULL && process->fs->references > 1;
}

int identity_plan(struct call *call, struct vnode *program, struct exec_identity *identity)
{
	const struct process *process = call->process;
	struct credentials *who = &identity->credentials;
	struct file_capabilities file = {0};
	file_attributes_t attributes;
	bool limited;
	int error = 0;

	memset(identity, 0, sizeof *identity);
	*who = process->credentials;
	if ((program->mode & (S_ISUID | S_ISGID)) != 0 && vnode_known(program, &attributes) == 0) {
		if (attributes.mode & S_ISUID)
			who->euid = (uint32_t)attributes.uid;
		if ((attributes.mode & (S_ISGID | S_IXGRP)) == (S_ISGID | S_IXGRP))
			who->egid = (uint32_t)attributes.gid;
	}
	if (call->thread->no_new_privileges || (program->mount->flags & MS_NOSUID)) {
		who->euid = process->credentials.euid;
		who->egid = process->credentials.egid;
	} else {
		error = vnode_capabilities(program, &file);
	}
	limited = call->thread->no_new_privileges || (shares(process) && !capable(process, CAP_SETUID)) || !trace_allows_ids(process);
	if (limited) {
		who->euid = process->credentials.euid;
		who->egid = process->credentials.egid;
	}
	who->suid = who->fsuid = who->euid;
	who->sgid = who->fsgid = who->egid;
	if (error == 0)
		error = capabilities_at_exec(who, &process->credentials, &file, limited, &identity->secure);
	identity->gained = who->euid != process->credentials.euid || who->egid != process->credentials.egid ||
			   (who->permitted & ~process->credentials.permitted) != 0;
	/* Nor is one whose caller had set ids of its own aside. */
	identity->dumpable = who->uid == who->euid && who->gid == who->egid && !identity->gained &&
			     process->credentials.euid == process->credentials.uid &&
			     process->credentials.egid == process->credentials.gid &&
			     vnode_access(call, program, R_OK, false) == 0;
	return error;
}

int identity_make(struct call *call, struct exec_identity *identity)
{
	struct process *process = call->process;

	if (identity->gained && shares(process) && !capable(process, CAP_SETUID))
		return -EAGAIN;
	identity->serial = process_new_serial();
	identity->port = server_port_create(identity->serial);
	if (identity->port == MACH_PORT_NULL)
		return -ENOMEM;
	if (process->files->references == 1) {
		identity->files = process->files;
		identity->files->references++;
	} else {
		identity->files = file_table_copy(process->files);
	}
	if (identity->files != NULL)
		return 0;
	identity_drop(identity);
	return -ENOMEM;
}

void identity_drop(struct exec_identity *identity)
{
	server_port_destroy(identity->port);
	file_table_release(identity->files);
	identity->port = MACH_PORT_NULL;
	identity->files = NULL;
}

void identity_take(struct process *process, struct exec_identity *identity)
{
	struct file_table *files = process->files;

	process->call_payload = process->call_payload == process->serial ? identity->serial : 0;
	server_port_destroy(process->port);
	process->port = identity->port;
	process->serial = identity->serial;
	identity->credentials.groups = process->credentials.groups;
	process->credentials = identity->credentials;
	process->dumpable = identity->dumpable;
	if (identity->secure) {
		process->parent_death_signal = 0;
		rlimit_secure_stack(process);
	}
	process->files = identity->files;
	file_table_release(files);
}
