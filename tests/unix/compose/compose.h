/* What the parts of compose share: operations, who performs them, and what comes of them. */
#ifndef COMPOSE_H
#define COMPOSE_H

#include <stdbool.h>
#include <stdint.h>

/* clang-format off */
#define OPERATIONS(X) \
	X(OPEN) X(CREATE) X(CLOSE) X(READ) X(WRITE) X(TRUNCATE) X(FTRUNCATE) X(CHMOD) X(FCHMOD) X(CHOWN) X(LINK) X(SYMLINK) X(RENAME) \
	X(UNLINK) X(MKDIR) X(RMDIR) X(STAT) X(FSTAT) X(ACCESS) X(SETUID) X(SETEUID) X(SETRESUID) X(SETGID) X(SETEGID) X(GROUPS) X(UMASK) \
	X(KILL) X(EXEC) X(RUN) X(CHROOT) X(CHDIR) X(MAP) X(LOCK) X(RECORD_LOCK) X(OPENAT) X(NO_NEW_PRIVS) X(LIMIT_SIZE) \
	X(LIMIT_FILES) X(FIFO) X(TIMES) X(LIST) X(DUP) X(PRIORITY) X(SETSID) X(IDS) X(READLINK) X(XCHANGE) X(QUIT)
/* clang-format on */

enum operation {
#define X(name) name,
	OPERATIONS(X)
#undef X
		OPERATIONS_COUNT
};

#define ACTORS 6
#define SLOTS  8 /* descriptors that an actor keeps */
#define PATHS  28

/* What the coordinator asks an actor to do; numbers are indexes into what both know. */
struct request {
	int operation;
	int path, path2, slot, actor; /* of the other side */
	int value, value2;
};

struct answer {
	int result, error;
	int more[4];
};

extern const char *const path_name[PATHS];

/* An actor's life: takes requests from the socket, sends answers, until QUIT. pids: of all actors. */
_Noreturn void actor_run(int socket, const int *pids);
/* Says who it is by its exit status: what exec'd copies of the program do. */
int report_identity(void);

#endif
