/* What the cases of pseudo-terminals share: each runs in a process and a session of its own, and says what it sees. */
#ifndef TESTS_UNIX_PTY_CASES_H
#define TESTS_UNIX_PTY_CASES_H

#include <stddef.h>
#include <sys/types.h>
#include <asm/ioctls.h>
#include <asm/termbits.h>

struct pair {
	int master, slave, number;
	char name[32];
};

/* A pair, unlocked, its terminal open without becoming a controlling one. */
struct pair pair_open(void);
void pair_close(struct pair *pair);

/* "what: result errno". */
long tell(const char *what, long result);
/* What comes from a descriptor until it is silent, printed as C's escapes. */
void show(const char *what, int fd);
/* One read of at most `size`. */
void one_read(const char *what, int fd, size_t size);
/* The events that poll finds in `milliseconds`. */
void events(const char *what, int fd, int milliseconds);
void type(const struct pair *pair, const char *text);

struct termios get(int fd);
void set(int fd, const struct termios *settings);
/* Settings with flags of c_lflag, c_iflag, c_oflag added and taken. */
void local(int fd, unsigned on, unsigned off);
void input(int fd, unsigned on, unsigned off);
void output(int fd, unsigned on, unsigned off);
void raw(int fd, unsigned least, unsigned tenths);

/* Waits for a child, and says how it is: stopped, continued, ended. */
void state_of(const char *what, pid_t pid);
void quiet(void); /* for as long as an asynchronous system needs to have done what was asked */

int ioctl(int fd, unsigned long request, ...);

/* What is not as on every Linux (own.c). */
void own_cases(void);

/* The cases, by file. */
void settings_cases(void), editing_cases(void), reading_cases(void), line_cases(void), job_cases(void), end_cases(void);

#endif
