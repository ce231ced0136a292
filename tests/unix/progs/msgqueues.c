/* System V message queues: types, limits, waiting in order, copies, permissions, ends. */
#define _GNU_SOURCE
#include <limits.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/msg.h>
#include <sys/syscall.h>

#include "sysvipc.h"

#ifndef MSG_COPY
#define MSG_COPY 040000
#endif
#ifndef MSG_STAT_ANY
#define MSG_STAT_ANY 13
#endif

struct message {
	long type;
	char text[8192];
};

static long put(int id, long type, const char *text, int flags)
{
	struct message message = {.type = type};

	snprintf(message.text, sizeof message.text, "%s", text);
	return msgsnd(id, &message, strlen(text), flags);
}

static long fill(int id, long type, size_t size, int flags)
{
	static struct message message;

	message.type = type;
	return msgsnd(id, &message, size, flags);
}

/* Shows what comes. */
static void get(const char *name, int id, long type, size_t size, int flags)
{
	static struct message message;
	ssize_t got;

	memset(&message, 0, sizeof message);
	got = msgrcv(id, &message, size, type, flags);
	if (got < 0)
		printf("%s: %s\n", name, strerrorname_np(errno));
	else
		printf("%s: %zd bytes of %ld, %.*s\n", name, got, message.type, (int)got, message.text);
	fflush(stdout);
}

static void types(void)
{
	const key_t key = 0x5e510000 ^ getpid();
	int id, i;
	struct msqid_ds state;

	show("no key", msgget(key, 0));
	id = msgget(key, IPC_CREAT | IPC_EXCL | 0640);
	show("made", id >= 0 ? 0 : -1);
	show("again", msgget(key, IPC_CREAT | IPC_EXCL | 0640));
	show("the same", msgget(key, 0) == id);
	show("no type", put(id, 0, "x", 0));
	show("a negative type", put(id, -1, "x", 0));
	show("too long", fill(id, 1, 8193, 0));
	show("shorter than nothing", (long)syscall(SYS_msgsnd, id, "12345678", -1L, 0));
	show("from nowhere", (long)syscall(SYS_msgsnd, id, 8L, 1L, 0));
	show("no queue", put(-1, 1, "x", 0));
	for (i = 0; i < 2; i++) {
		put(id, 5, i == 0 ? "five" : "five again", 0);
		put(id, 3, i == 0 ? "three" : "three again", 0);
		put(id, 9, i == 0 ? "nine" : "nine again", 0);
	}
	show("nothing in it", put(id, 7, "", 0));
	show("state", msgctl(id, IPC_STAT, &state));
	printf("%lu messages, %lu bytes of %lu\n", state.msg_qnum, state.__msg_cbytes, state.msg_qbytes);
	show("who sent", state.msg_lspid == getpid());
	show("who received", state.msg_lrpid);
	show("when", state.msg_stime > 1000000 && state.msg_rtime == 0);
	get("copy of the second", id, 1, 100, MSG_COPY | IPC_NOWAIT);
	get("copy of the last", id, 6, 100, MSG_COPY | IPC_NOWAIT);
	get("copy of one more", id, 7, 100, MSG_COPY | IPC_NOWAIT);
	get("copy of a large one", id, 1, 3, MSG_COPY | IPC_NOWAIT);
	get("copy of its beginning", id, 1, 3, MSG_COPY | IPC_NOWAIT | MSG_NOERROR);
	get("copy and wait", id, 1, 100, MSG_COPY);
	get("copy of others", id, 1, 100, MSG_COPY | IPC_NOWAIT | MSG_EXCEPT);
	get("three", id, 3, 100, 0);
	get("too small", id, 9, 2, 0);
	get("cut", id, 9, 2, MSG_NOERROR);
	get("least up to eight", id, -8, 100, 0);
	get("least up to four", id, -4, 100, IPC_NOWAIT);
	get("least of all", id, LONG_MIN, 100, IPC_NOWAIT);
	get("not five", id, 5, 100, MSG_EXCEPT | IPC_NOWAIT);
	get("not nine", id, 9, 100, MSG_EXCEPT | IPC_NOWAIT);
	get("any", id, 0, 100, IPC_NOWAIT);
	get("any", id, 0, 100, IPC_NOWAIT);
	get("none", id, 0, 100, IPC_NOWAIT);
	get("no queue", -1, 0, 100, IPC_NOWAIT);
	get("less than nothing", id, 0, (size_t)-1, IPC_NOWAIT);
	msgctl(id, IPC_STAT, &state);
	printf("%lu messages, %lu bytes\n", state.msg_qnum, state.__msg_cbytes);
	show("who received", state.msg_lrpid == getpid());
	show("no command", msgctl(id, 99, NULL));
	show("removed", msgctl(id, IPC_RMID, NULL));
	show("removed again", msgctl(id, IPC_RMID, NULL));
	show("sent to it", put(id, 1, "x", 0));
}

static void room(void)
{
	int id = msgget(IPC_PRIVATE, 0600), i;
	struct msqid_ds state;
	pid_t child;

	show("half", fill(id, 1, 8192, IPC_NOWAIT));
	show("all", fill(id, 1, 8192, IPC_NOWAIT));
	show("more", fill(id, 1, 1, IPC_NOWAIT));
	show("nothing more", fill(id, 1, 0, IPC_NOWAIT));
	child = fork();
	if (child == 0)
		_exit(fill(id, 2, 100, 0) == 0 ? 3 : errno);
	asleep(child);
	get("one", id, 1, 0, MSG_NOERROR);
	show("the sender", ended(child));
	get("what it sent", id, 2, 0, MSG_NOERROR | IPC_NOWAIT);
	/* As many messages of no bytes as bytes. */
	msgctl(id, IPC_STAT, &state);
	state.msg_qbytes = 10;
	show("a smaller one", msgctl(id, IPC_SET, &state));
	get("the last", id, 0, 0, MSG_NOERROR);
	for (i = 0; fill(id, 4, 0, IPC_NOWAIT) == 0; i++)
		;
	show("of no bytes", i);
	child = fork();
	if (child == 0)
		_exit(fill(id, 2, 8, 0) == 0 ? 4 : errno);
	asleep(child);
	state.msg_qbytes = 100;
	show("a larger one", msgctl(id, IPC_SET, &state));
	show("the sender", ended(child));
	show("removed", msgctl(id, IPC_RMID, NULL));
}

static pid_t receiver(int id, long type, size_t size, int flags, int code)
{
	pid_t pid = fork();

	if (pid == 0) {
		struct message message;

		_exit(msgrcv(id, &message, size, type, flags) >= 0 ? code + message.text[0] - '0' : errno);
	}
	return asleep(pid);
}

static void waiting(void)
{
	int id = msgget(IPC_PRIVATE, 0600);
	pid_t child[3];

	child[0] = receiver(id, 5, 100, 0, 10);
	child[1] = receiver(id, 0, 100, 0, 20);
	child[2] = receiver(id, 5, 100, MSG_EXCEPT, 30);
	put(id, 6, "1", 0);
	show("any", ended(child[1]));
	put(id, 6, "2", 0);
	show("another", ended(child[2]));
	put(id, 5, "3", 0);
	show("five", ended(child[0]));
	get("none", id, 0, 100, IPC_NOWAIT);
	/* One who has not the room hears of it, and the next gets it. */
	child[0] = receiver(id, 0, 1, 0, 10);
	child[1] = receiver(id, -3, 1, MSG_NOERROR, 20);
	put(id, 2, "45", 0);
	show("too small", ended(child[0]) == E2BIG);
	show("cut", ended(child[1]));
	on_signal(SIGUSR1);
	child[0] = receiver(id, 0, 1, 0, 10);
	kill(child[0], SIGUSR1);
	show("interrupted", ended(child[0]) == EINTR);
	child[0] = receiver(id, 0, 100, 0, 10);
	child[1] = receiver(id, 0, 100, 0, 20);
	kill(child[0], SIGKILL);
	show("killed", ended(child[0]));
	put(id, 1, "6", 0);
	show("the next", ended(child[1]));
	child[0] = receiver(id, 0, 100, 0, 10);
	fill(id, 1, 0, 0);
	ended(child[0]);
	fill(id, 1, 8192, 0);
	fill(id, 1, 8192, 0);
	child[0] = fork();
	if (child[0] == 0)
		_exit(fill(id, 1, 1, 0) == 0 ? 0 : errno);
	asleep(child[0]);
	child[1] = receiver(id, 2, 100, 0, 10);
	show("removed", msgctl(id, IPC_RMID, NULL));
	show("the sender", ended(child[0]) == EIDRM);
	show("the receiver", ended(child[1]) == EIDRM);
}

static void permissions(void)
{
	const key_t key = 0x5e520000 ^ getpid();
	int id = msgget(key, IPC_CREAT | 0604);
	struct msqid_ds state;
	pid_t child;

	put(id, 1, "x", 0);
	msgctl(id, IPC_STAT, &state);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be(1234);
		show("others send", put(id, 1, "y", 0));
		get("others receive", id, 0, 100, IPC_NOWAIT);
		show("others look", msgctl(id, IPC_STAT, &state));
		show("others set", msgctl(id, IPC_SET, &state));
		show("others remove", msgctl(id, IPC_RMID, NULL));
		show("others ask", msgget(key, 0600));
		_exit(0);
	}
	show("child", ended(child));
	state.msg_perm.uid = 1234;
	state.msg_perm.mode = 0600;
	msgctl(id, IPC_SET, &state);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be(1234);
		show("the owner sends", put(id, 1, "y", 0));
		state.msg_qbytes = 16385;
		show("more than may be", msgctl(id, IPC_SET, &state));
		state.msg_qbytes = 16384;
		show("as much as may be", msgctl(id, IPC_SET, &state));
		show("the owner removes", msgctl(id, IPC_RMID, NULL));
		_exit(0);
	}
	show("child", ended(child));
}

static void facts(void)
{
	int id = msgget(IPC_PRIVATE, 0640), index = -1, highest, i, found = 0;
	struct msginfo limits, use;
	struct msqid_ds state;
	char line[256];
	FILE *file;

	put(id, 1, "abc", 0);
	put(id, 1, "de", 0);
	highest = msgctl(0, IPC_INFO, (void *)&limits);
	printf("limits: %d %d %d %d %d %d %d %u\n", limits.msgpool, limits.msgmap, limits.msgmax, limits.msgmnb, limits.msgmni,
		limits.msgssz, limits.msgtql, limits.msgseg);
	/* On Linux others have some, too. */
	show("use", msgctl(0, MSG_INFO, (void *)&use) >= 0);
	printf("use: %d %d %d\n", use.msgpool >= 1, use.msgmap >= 2, use.msgtql >= 5);
	for (i = 0; i <= highest; i++) {
		if (msgctl(i, MSG_STAT, &state) == id)
			index = i;
	}
	show("found", index >= 0);
	show("any", msgctl(index, MSG_STAT_ANY, &state) == id);
	show("none", msgctl(30000, MSG_STAT, &state));
	file = fopen("/proc/sysvipc/msg", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		int key, number, bytes, count, sender, last;
		unsigned mode;

		if (sscanf(line, "%d %d %o %d %d %d %d", &key, &number, &mode, &bytes, &count, &sender, &last) == 7 &&
			number == id) {
			printf("line: %d %o %d %d %d %d %zu\n", key, mode, bytes, count, sender == getpid(), last, strlen(line));
			found++;
		}
		if (strstr(line, "key") != NULL)
			fputs(line, stdout);
	}
	show("lines", found);
	if (file != NULL)
		fclose(file);
	for (i = 0; i < 3; i++) {
		char name[64];

		snprintf(name, sizeof name, "/proc/sys/kernel/msg%s", i == 0 ? "max" : i == 1 ? "mnb" : "mni");
		file = fopen(name, "r");
		if (file != NULL && fgets(line, sizeof line, file) != NULL)
			fputs(line, stdout);
		if (file != NULL)
			fclose(file);
	}
	show("removed", msgctl(id, IPC_RMID, NULL));
}

int main(void)
{
	alarm(60);
	types();
	room();
	waiting();
	permissions();
	facts();
	return 0;
}
