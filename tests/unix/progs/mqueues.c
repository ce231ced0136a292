/* POSIX message queues: names, priorities, waiting, notices, limits, polling. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <limits.h>
#include <mqueue.h>
#include <poll.h>
#include <stdint.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <time.h>

#include "sysvipc.h"

static char name[32];

static struct timespec in_ms(long ms)
{
	struct timespec time;

	clock_gettime(CLOCK_REALTIME, &time);
	time.tv_nsec += ms * 1000000;
	time.tv_sec += time.tv_nsec / 1000000000;
	time.tv_nsec %= 1000000000;
	return time;
}

static void get(const char *what, mqd_t queue)
{
	char text[9000];
	unsigned priority = 0;
	ssize_t size = mq_receive(queue, text, sizeof text, &priority);

	if (size < 0)
		printf("%s: %s\n", what, strerrorname_np(errno));
	else
		printf("%s: %.*s of %u\n", what, (int)size, text, priority);
	fflush(stdout);
}

static void names(void)
{
	struct mq_attr sizes = {.mq_maxmsg = 4, .mq_msgsize = 100}, wrong = {.mq_maxmsg = 0, .mq_msgsize = 100}, told;
	char longest[300];
	struct stat state;
	mqd_t queue, other;

	memset(longest, 'x', sizeof longest);
	longest[0] = '/';
	longest[sizeof longest - 1] = 0;
	show("none", mq_open(name, O_RDWR));
	show("without a slash", mq_open("x", O_RDWR | O_CREAT, 0600, NULL));
	show("only a slash", mq_open("/", O_RDWR | O_CREAT, 0600, NULL));
	show("two", mq_open("/a/b", O_RDWR | O_CREAT, 0600, NULL));
	show("too long", mq_open(longest, O_RDWR | O_CREAT, 0600, NULL));
	longest[256] = 0;
	show("the longest", mq_open(longest, O_RDWR));
	show("no messages", mq_open(name, O_RDWR | O_CREAT, 0600, &wrong));
	show("from nowhere", (long)syscall(SYS_mq_open, name + 1, O_RDWR | O_CREAT, 0600, 8));
	queue = mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0622, &sizes);
	show("made", queue >= 0 ? 0 : -1);
	show("closed by exec", fcntl(queue, F_GETFD));
	show("its flags", fcntl(queue, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	show("again", mq_open(name, O_RDWR | O_CREAT | O_EXCL, 0622, &sizes));
	other = mq_open(name, O_RDONLY | O_CREAT | O_NONBLOCK, 0, &sizes);
	show("the same", other >= 0 ? 0 : -1);
	show("sizes", (long)syscall(SYS_mq_getsetattr, other, NULL, &told));
	printf("%ld %ld %ld %ld\n", told.mq_flags, told.mq_maxmsg, told.mq_msgsize, told.mq_curmsgs);
	told.mq_flags = 0;
	show("to be waited for", mq_setattr(other, &told, NULL));
	show("its flags", fcntl(other, F_GETFL) & (O_ACCMODE | O_NONBLOCK));
	told.mq_flags = 1;
	show("unknown flags", mq_setattr(other, &told, NULL));
	show("state", fstat(queue, &state));
	printf("mode %o, size %ld, links %ld\n", state.st_mode, (long)state.st_size, (long)state.st_nlink);
	show("no queue", mq_getattr(0, &told));
	show("sent to one for reading", mq_send(other, "x", 1, 0));
	show("unlinked", mq_unlink(name));
	show("unlinked again", mq_unlink(name));
	fstat(queue, &state);
	show("links", (long)state.st_nlink);
	show("sent still", mq_send(queue, "still", 5, 0));
	get("received still", queue);
	show("another of the name", mq_open(name, O_RDWR));
	show("closed", mq_close(queue));
	show("closed", mq_close(other));
	show("closed again", mq_close(other));
	queue = mq_open(name, O_RDWR | O_CREAT, 0600, NULL);
	mq_getattr(queue, &told);
	printf("usual sizes: %ld %ld\n", told.mq_maxmsg, told.mq_msgsize);
	mq_close(queue);
	mq_unlink(name);
}

static void messages(void)
{
	struct mq_attr sizes = {.mq_maxmsg = 5, .mq_msgsize = 10};
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &sizes);
	struct timespec soon, wrong = {1, 1000000000}, past = {1, 0};
	char text[10], line[128] = {0};
	pid_t child;

	show("low", mq_send(queue, "low", 3, 1));
	show("high", mq_send(queue, "high", 4, 32767));
	show("low again", mq_send(queue, "low2", 4, 1));
	show("middle", mq_send(queue, "middle", 6, 100));
	show("nothing", mq_send(queue, "", 0, 0));
	show("more", mq_send(queue, "more", 4, 0));
	show("too high", mq_send(queue, "more", 4, 32768));
	show("too long", mq_send(queue, "more than ten", 11, 0));
	show("into too little", mq_receive(queue, text, 9, NULL));
	show("to nowhere", (long)syscall(SYS_mq_timedreceive, queue, 8, 10, NULL, NULL));
	show("read", lseek(queue, 0, SEEK_SET) == 0 && read(queue, line, sizeof line) > 0 ? (fputs(line, stdout), 0) : -1);
	get("first", queue);
	get("second", queue);
	get("third", queue);
	get("fourth", queue);
	get("fifth", queue);
	get("none", queue);
	fcntl(queue, F_SETFL, O_RDWR);
	soon = in_ms(20);
	show("not in time", mq_timedreceive(queue, text, 10, NULL, &soon));
	show("past", mq_timedreceive(queue, text, 10, NULL, &past));
	show("wrong time", mq_timedreceive(queue, text, 10, NULL, &wrong));
	show("one", mq_send(queue, "one", 3, 3));
	show("wrong time, though nothing is to be waited for", mq_timedsend(queue, "x", 1, 3, &wrong));
	show("past, and there is one", mq_timedreceive(queue, text, 10, NULL, &past));
	/* Waiting: a message goes to who waits, room to who has one. */
	fflush(stdout);
	child = fork();
	if (child == 0) {
		get("the child", queue);
		_exit(0);
	}
	asleep(child);
	mq_send(queue, "here", 4, 7);
	show("child", ended(child));
	for (int i = 0; i < 5; i++)
		mq_send(queue, "12345" + i, 1, (unsigned)i);
	child = fork();
	if (child == 0)
		_exit(mq_send(queue, "late", 4, 9) == 0 ? 3 : errno);
	asleep(child);
	soon = in_ms(20);
	show("no room in time", mq_timedsend(queue, "x", 1, 0, &soon));
	get("the highest", queue);
	show("child", ended(child));
	get("the child's", queue);
	on_signal(SIGUSR1);
	for (int i = 0; i < 4; i++)
		get("the rest", queue);
	child = fork();
	if (child == 0) {
		struct sigaction action = {.sa_handler = nothing};

		sigaction(SIGUSR1, &action, NULL);
		_exit(mq_receive(queue, text, 10, NULL) >= 0 ? 3 : errno == EINTR ? 4 : 5);
	}
	asleep(child);
	kill(child, SIGUSR1);
	show("interrupted", ended(child));
	child = fork();
	if (child == 0)
		_exit(mq_receive(queue, text, 10, NULL) >= 0 ? 3 : errno == EINTR ? 4 : 5);
	kill(asleep(child), SIGUSR1);
	rest(20);
	mq_send(queue, "x", 1, 0);
	show("begun anew", ended(child));
	mq_close(queue);
	mq_unlink(name);
}

static void polls(void)
{
	struct mq_attr sizes = {.mq_maxmsg = 1, .mq_msgsize = 10};
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, &sizes);
	struct pollfd one = {.fd = queue, .events = POLLIN | POLLOUT};
	struct epoll_event event = {.events = EPOLLIN};
	int set = epoll_create1(0);
	pid_t child;

	show("poll", poll(&one, 1, 0));
	show("to be written", one.revents);
	mq_send(queue, "x", 1, 0);
	show("poll", poll(&one, 1, 0));
	show("to be read", one.revents);
	get("it", queue);
	show("added", epoll_ctl(set, EPOLL_CTL_ADD, queue, &event));
	child = fork();
	if (child == 0) {
		rest(20);
		mq_send(queue, "y", 1, 0);
		_exit(0);
	}
	show("waited", epoll_wait(set, &event, 1, -1));
	ended(child);
	fflush(stdout);
	one.events = POLLOUT;
	child = fork();
	if (child == 0) {
		rest(20);
		get("by the child", queue);
		_exit(0);
	}
	poll(&one, 1, -1);
	ended(child);
	show("to be written", one.revents);
	close(set);
	mq_close(queue);
	mq_unlink(name);
}

static siginfo_t noticed;

static void notice(int signal, siginfo_t *info, void *context)
{
	(void)signal;
	(void)context;
	noticed = *info;
}

static void notices(void)
{
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT | O_NONBLOCK, 0600, NULL), other;
	struct sigaction action = {.sa_sigaction = notice, .sa_flags = SA_SIGINFO};
	struct sigevent event = {.sigev_notify = SIGEV_SIGNAL, .sigev_signo = SIGUSR2, .sigev_value.sival_int = 77};
	char line[128];
	pid_t child;

	sigaction(SIGUSR2, &action, NULL);
	show("registered", mq_notify(queue, &event));
	show("again", mq_notify(queue, &event));
	lseek(queue, 0, SEEK_SET);
	line[read(queue, line, sizeof line - 1)] = 0;
	*strstr(line, "NOTIFY_PID") = 0;
	puts(line);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		show("by another", mq_notify(queue, &event));
		mq_send(queue, "x", 1, 0);
		_exit(0);
	}
	while (noticed.si_signo == 0)
		rest(1);
	show("child", ended(child));
	show("told", noticed.si_code == SI_MESGQ);
	show("by whom", noticed.si_pid == child);
	show("its value", noticed.si_value.sival_int);
	noticed.si_signo = 0;
	show("once", mq_send(queue, "x", 1, 0));
	show("registered", mq_notify(queue, &event));
	show("it is not empty", mq_send(queue, "x", 1, 0));
	get("one", queue);
	get("two", queue);
	get("three", queue);
	show("not told", noticed.si_signo);
	show("no more", mq_notify(queue, NULL));
	mq_send(queue, "x", 1, 0);
	show("not told", noticed.si_signo);
	get("it", queue);
	/* Who waits comes before who is told. */
	show("registered", mq_notify(queue, &event));
	fcntl(queue, F_SETFL, O_RDWR);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		get("the child", queue);
		_exit(0);
	}
	asleep(child);
	mq_send(queue, "waited for", 10, 0);
	ended(child);
	show("not told", noticed.si_signo);
	/* A descriptor closed, even another one, ends it. */
	other = mq_open(name, O_RDWR);
	mq_close(other);
	show("registered", mq_notify(queue, &event));
	event.sigev_notify = SIGEV_NONE;
	show("of nothing", mq_notify(queue, NULL) == 0 ? mq_notify(queue, &event) : -1);
	show("once", mq_notify(queue, &event));
	mq_send(queue, "x", 1, 0);
	show("again", mq_notify(queue, &event));
	/* Nor does it outlive its process. */
	mq_notify(queue, NULL);
	child = fork();
	if (child == 0)
		_exit(mq_notify(queue, &event) == 0 ? 0 : errno);
	show("child", ended(child));
	show("again", mq_notify(queue, &event));
	event.sigev_notify = 9;
	show("wrong", mq_notify(queue, &event));
	event.sigev_notify = SIGEV_SIGNAL;
	event.sigev_signo = 65;
	show("wrong", mq_notify(queue, &event));
	show("no queue", mq_notify(0, NULL));
	mq_close(queue);
	mq_unlink(name);
}

static void limits(void)
{
	struct mq_attr sizes = {.mq_maxmsg = 11, .mq_msgsize = 8192};
	struct rlimit limit = {10 * (48 + 48 + 100), 10 * (48 + 48 + 100)};
	mqd_t queue = mq_open(name, O_RDWR | O_CREAT, 0604, NULL);
	char other[40];
	pid_t child;

	snprintf(other, sizeof other, "%s2", name);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		mqd_t mine;

		setrlimit(RLIMIT_MSGQUEUE, &limit);
		be(1234);
		show("others read", mq_open(name, O_RDONLY) >= 0 ? 0 : -1);
		show("others write", mq_open(name, O_WRONLY));
		show("others do both", mq_open(name, O_RDWR));
		show("others unlink", mq_unlink(name));
		show("too many messages", mq_open(other, O_RDWR | O_CREAT, 0600, &sizes));
		sizes = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 8193};
		show("too large ones", mq_open(other, O_RDWR | O_CREAT, 0600, &sizes));
		sizes = (struct mq_attr){.mq_maxmsg = 10, .mq_msgsize = 101};
		show("too much", mq_open(other, O_RDWR | O_CREAT, 0600, &sizes));
		sizes.mq_msgsize = 100;
		mine = mq_open(other, O_RDWR | O_CREAT, 0600, &sizes);
		show("the most", mine >= 0 ? 0 : -1);
		sizes = (struct mq_attr){.mq_maxmsg = 1, .mq_msgsize = 1};
		show("and one more", mq_open("/one-more", O_RDWR | O_CREAT, 0600, &sizes));
		mq_close(mine);
		mq_unlink(other);
		mine = mq_open(other, O_RDWR | O_CREAT, 0, &sizes);
		show("when it is gone", mine >= 0 ? 0 : -1);
		show("not by its mode", mq_open(other, O_RDWR));
		mq_unlink(other);
		_exit(0);
	}
	show("child", ended(child));
	mq_close(queue);
	mq_unlink(name);
	for (int i = 0; i < 5; i++) {
		static const char *const files[] = {"msg_max", "msgsize_max", "queues_max", "msg_default", "msgsize_default"};
		char path[64], line[64] = "?\n";
		FILE *file;

		snprintf(path, sizeof path, "/proc/sys/fs/mqueue/%s", files[i]);
		file = fopen(path, "r");
		if (file != NULL && fgets(line, sizeof line, file) != NULL)
			fclose(file);
		printf("%s %s", files[i], line);
	}
}

int main(void)
{
	alarm(60);
	snprintf(name, sizeof name, "/test-%d", getpid());
	names();
	messages();
	polls();
	notices();
	limits();
	return 0;
}
