/* Terminals and jobs: whose a terminal is, who may use it, and who hears when it goes. */
#include <poll.h>
#include <signal.h>

#include "device/tty.h"
#include "process/proc.h"
#include "unix_server.h"

/*
 * A signal may end processes at once, and their files and the terminal with them: so each function here that sends one
 * does so last, and to groups that it finds anew by their ids.
 */

static void signal_group_of(int id, const struct session *session, int signal)
{
	struct process_group *group = id == 0 ? NULL : group_find(id);

	if (group != NULL && group->session == session)
		signal_group(group, signal, NULL);
}

struct tty *process_terminal(const struct process *process)
{
	return process->left_terminal || process->group == NULL ? NULL : process->group->session->terminal;
}

void tty_signal(struct tty *tty, int signal)
{
	if (tty->foreground != NULL)
		signal_group(tty->foreground, signal, NULL);
}

int64_t tty_check_foreground(struct call *call, struct tty *tty, int signal)
{
	struct process *process = call->process;
	struct process_group *group = process->group;
	bool deaf = (call->thread->blocked & SIGNAL_BIT(signal)) || process->actions->action[signal - 1].handler == 1;

	if (process_terminal(process) != tty || tty->foreground_id == 0 || tty->foreground == group)
		return 0;
	/* Who does not hear of it may write, but not read. */
	if (deaf)
		return signal == SIGTTIN ? -EIO : 0;
	if (group_is_orphaned(group))
		return -EIO;
	signal_group(group, signal, NULL);
	/* Stopped, the call begins anew when the process goes on; with a handler, it is interrupted at once. */
	return CALL_RESTART;
}

/* --- Who has it. */

static void part(struct tty *tty)
{
	if (tty->session != NULL)
		tty->session->terminal = NULL;
	tty->session = NULL;
	tty->foreground = NULL;
	tty->foreground_id = 0;
}

int tty_take(struct call *call, struct tty *tty, bool steal)
{
	struct process *process = call->process;
	struct session *session = process->group->session;

	if (session->leader == process && tty->session == session)
		return 0;
	if (session->leader != process || session->terminal != NULL)
		return -EPERM;
	if (tty->session != NULL) {
		if (!steal || !capable(process, CAP_SYS_ADMIN))
			return -EPERM;
		part(tty);
	}
	tty->session = session;
	session->terminal = tty;
	session->left_foreground = 0;
	process->left_terminal = false;
	tty->foreground = process->group;
	tty->foreground_id = process->group->id;
	return 0;
}

/* No process of the group is left. What it is called stays, so that nobody else is in the foreground for its end. */
void tty_group_gone(const struct process_group *group)
{
	struct session *session = group->session;

	if (session->terminal != NULL && session->terminal->foreground == group)
		session->terminal->foreground = NULL;
	if (session->left_foreground == group->id)
		session->left_foreground = 0;
}

/* --- Losing it. */

void tty_hang_up(struct tty *tty, bool session_ends)
{
	struct session *session = tty->session;
	struct process *leader = session != NULL ? session->leader : NULL;
	int foreground = tty->foreground != NULL ? tty->foreground_id : 0;

	tty->hang_ups++;
	if (tty->hang_ups == TTY_NEVER_HUNG_UP)
		tty->hang_ups = 0;
	part(tty);
	ldisc_init(&tty->ldisc, &tty->first, tty->ldisc.line, tty->ldisc.context);
	tty->exclusive = tty->throttled = false;
	tty_wake(tty, POLLIN | POLLOUT | POLLHUP | POLLERR);
	if (session == NULL)
		return;
	if (!session_ends)
		session->left_foreground = foreground;
	session->references++;
	if (leader != NULL) {
		/* It stays a process, as a zombie at least, until its parent asks. */
		int id = leader->id;

		signal_process(leader, SIGHUP, NULL);
		leader = process_find(id);
		if (leader != NULL && leader->group != NULL && leader->group->session == session)
			signal_process(leader, SIGCONT, NULL);
	}
	if (session_ends)
		signal_group_of(foreground, session, SIGHUP);
	session_release(session);
}

void tty_session_leaves(struct session *session, bool ends)
{
	struct tty *tty = session->terminal;
	int foreground = tty == NULL ? session->left_foreground : tty->foreground != NULL ? tty->foreground_id : 0;

	session->references++;
	session->left_foreground = 0;
	if (tty != NULL && ends && tty->line->hangs_up) {
		tty_hang_up(tty, true);
	} else {
		if (tty != NULL)
			part(tty);
		signal_group_of(foreground, session, SIGHUP);
		if (tty == NULL || !ends)
			signal_group_of(foreground, session, SIGCONT);
	}
	session_release(session);
}

int64_t sys_vhangup(uint64_t caller)
{
	struct process *process = call_of(caller)->process;
	struct tty *tty = process_terminal(process);

	if (!capable(process, CAP_SYS_TTY_CONFIG))
		return -EPERM;
	if (tty != NULL)
		tty_hang_up(tty, false);
	return 0;
}
