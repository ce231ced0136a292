/* System V shared memory: segments, attachments, what becomes of them in fork, exec and exit, permissions. */
#define _GNU_SOURCE
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/shm.h>
#include <sys/syscall.h>

#include "sysvipc.h"

#ifndef SHM_STAT_ANY
#define SHM_STAT_ANY 15
#endif

#define PAGE 4096

static long at(int id, const void *where, int flags)
{
	return shmat(id, where, flags) == (void *)-1 ? -1 : 0;
}

static long attached(int id)
{
	struct shmid_ds state;

	return shmctl(id, IPC_STAT, &state) == 0 ? (long)state.shm_nattch : -1;
}

static void getting(void)
{
	const key_t key = 0x5e410000 ^ getpid();
	struct shmid_ds state;
	int id, other;

	show("no key", shmget(key, 1, 0));
	show("nothing", shmget(IPC_PRIVATE, 0, 0600));
	show("too much", shmget(IPC_PRIVATE, SIZE_MAX, 0600));
	id = shmget(key, PAGE + 1, IPC_CREAT | IPC_EXCL | 0640);
	show("made", id >= 0 ? 0 : -1);
	show("again", shmget(key, 1, IPC_CREAT | IPC_EXCL | 0640));
	show("the same", shmget(key, PAGE, 0) == id);
	show("more than it has", shmget(key, PAGE + 2, 0));
	show("without a size", shmget(key, 0, 0600) == id);
	other = shmget(IPC_PRIVATE, 1, 0600);
	show("a private one", other != id && other >= 0);
	show("state", shmctl(id, IPC_STAT, &state));
	show("its size", (long)state.shm_segsz);
	show("its mode", state.shm_perm.mode);
	show("its key", state.shm_perm.__key == key);
	show("its maker", state.shm_cpid == getpid());
	show("its user", state.shm_lpid);
	show("its times", state.shm_atime == 0 && state.shm_dtime == 0 && state.shm_ctime > 1000000);
	state.shm_perm.mode = 0604;
	show("set", shmctl(id, IPC_SET, &state));
	shmctl(id, IPC_STAT, &state);
	show("its mode", state.shm_perm.mode);
	show("no command", shmctl(id, 99, &state));
	show("no id", shmctl(-1, IPC_STAT, &state));
	show("to nowhere", shmctl(id, IPC_STAT, (void *)8));
	show("removed", shmctl(id, IPC_RMID, NULL));
	show("removed again", shmctl(id, IPC_RMID, NULL));
	show("attached", at(id, NULL, 0));
	show("other removed", shmctl(other, IPC_RMID, NULL));
}

static void attaching(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE, 0600);
	char *one, *two, *place = mmap(NULL, 8 * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	struct shmid_ds state;

	one = shmat(id, NULL, 0);
	two = shmat(id, NULL, SHM_RDONLY);
	show("twice", one != two);
	show("attachments", attached(id));
	show("zeros", one[0] == 0 && one[3 * PAGE - 1] == 0);
	strcpy(one + PAGE, "text");
	show("the same memory", strcmp(two + PAGE, "text"));
	show("not to be written", mprotect(two, 3 * PAGE, PROT_READ | PROT_WRITE));
	show("may be executed", mprotect(one, PAGE, PROT_READ | PROT_EXEC));
	show("split", attached(id));
	mprotect(one, PAGE, PROT_READ | PROT_WRITE);
	show("where something is", at(id, place, 0));
	show("aside", at(id, place + 1, 0));
	show("beyond the end", at(id, (void *)0x7ffffffff000, 0));
	show("over nothing", at(id, NULL, SHM_REMAP));
	show("over something", at(id, place + 5, SHM_RND | SHM_REMAP));
	show("there it is", strcmp(place + PAGE, "text"));
	show("no id", at(-1, NULL, 0));
	show("let go aside", shmdt(one + 1));
	show("let go inside", shmdt(one + PAGE));
	show("let go", shmdt(one));
	show("let go again", shmdt(one));
	/* The beginning may be gone. */
	show("a part less", munmap(place, PAGE));
	show("let go of the rest", shmdt(place));
	show("all of it", msync(place + 2 * PAGE, PAGE, MS_ASYNC));
	show("the neighbour stays", msync(place + 3 * PAGE, PAGE, MS_ASYNC));
	show("attachments", attached(id));
	shmctl(id, IPC_STAT, &state);
	show("who", state.shm_lpid == getpid());
	show("when", state.shm_atime > 1000000 && state.shm_dtime >= state.shm_atime);
	show("removed", shmctl(id, IPC_RMID, NULL));
	shmctl(id, IPC_STAT, &state);
	printf("leaving: %o, key %d\n", state.shm_perm.mode, state.shm_perm.__key);
	one = shmat(id, NULL, 0);
	show("attached still", one == (void *)-1 ? -1 : strcmp(one + PAGE, "text"));
	shmdt(one);
	show("let go", shmdt(two));
	show("gone", attached(id));
}

static void processes(const char *self)
{
	int id = shmget(IPC_PRIVATE, PAGE, 0600);
	volatile int *word = shmat(id, NULL, 0);
	struct shmid_ds state;
	char number[16];
	pid_t child;

	fflush(stdout);
	child = fork();
	if (child == 0) {
		word[0] = 7;
		while (word[1] == 0)
			rest(1);
		_exit(0);
	}
	while (word[0] != 7)
		rest(1);
	show("inherited", attached(id));
	word[1] = 1;
	show("child", ended(child));
	show("its end", attached(id));
	shmctl(id, IPC_STAT, &state);
	show("who", state.shm_lpid == child);
	/* A program that follows has none. */
	snprintf(number, sizeof number, "%d", id);
	child = fork();
	if (child == 0) {
		execl(self, self, "attached", number, NULL);
		_exit(99);
	}
	show("the next program sees", ended(child));
	show("then", attached(id));
	/* Removed while somebody has it, who is killed then. */
	word[0] = 0;
	child = fork();
	if (child == 0) {
		word[0] = 1;
		pause();
	}
	while (word[0] == 0)
		rest(1);
	show("removed", shmctl(id, IPC_RMID, NULL));
	shmdt((void *)(uintptr_t)word);
	show("the child's", attached(id));
	kill(child, SIGKILL);
	show("killed", ended(child));
	show("gone", attached(id));
	/* vfork and threads share. */
}

static void permissions(void)
{
	const key_t key = 0x5e420000 ^ getpid();
	int id = shmget(key, PAGE, IPC_CREAT | 0604);
	struct rlimit limit = {PAGE, PAGE};
	struct shmid_ds state;
	pid_t child;

	shmctl(id, IPC_STAT, &state);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		be(1234);
		show("others read", at(id, NULL, SHM_RDONLY));
		show("others write", at(id, NULL, 0));
		show("others execute", at(id, NULL, SHM_RDONLY | SHM_EXEC));
		show("others look", shmctl(id, IPC_STAT, &state));
		show("others set", shmctl(id, IPC_SET, &state));
		show("others lock", shmctl(id, SHM_LOCK, NULL));
		show("others remove", shmctl(id, IPC_RMID, NULL));
		show("others ask", shmget(key, PAGE, 0600));
		show("others ask for less", shmget(key, PAGE, 0400) == id);
		_exit(0);
	}
	show("child", ended(child));
	show("locked", shmctl(id, SHM_LOCK, NULL));
	shmctl(id, IPC_STAT, &state);
	show("its mode", state.shm_perm.mode);
	show("unlocked", shmctl(id, SHM_UNLOCK, NULL));
	shmctl(id, IPC_STAT, &state);
	show("its mode", state.shm_perm.mode);
	fflush(stdout);
	child = fork();
	if (child == 0) {
		int mine, more;

		setrlimit(RLIMIT_MEMLOCK, &limit);
		be(1234);
		mine = shmget(IPC_PRIVATE, PAGE, 0600);
		more = shmget(IPC_PRIVATE, 1, 0600);
		show("as much as may be locked", shmctl(mine, SHM_LOCK, NULL));
		show("more", shmctl(more, SHM_LOCK, NULL));
		show("the first again", shmctl(mine, SHM_UNLOCK, NULL));
		show("more", shmctl(more, SHM_LOCK, NULL));
		shmctl(mine, IPC_RMID, NULL);
		shmctl(more, IPC_RMID, NULL);
		_exit(0);
	}
	show("child", ended(child));
	show("removed", shmctl(id, IPC_RMID, NULL));
}

static void facts(void)
{
	int id = shmget(IPC_PRIVATE, 3 * PAGE + 5, 0640), index = -1, highest, i, found = 0;
	char *memory = shmat(id, NULL, 0), line[256];
	struct shm_info use;
	struct shminfo limits;
	struct shmid_ds state;
	FILE *file;

	memset(memory, 1, 2 * PAGE);
	highest = shmctl(0, IPC_INFO, (void *)&limits);
	printf("limits: %lu %lu %lu %lu %lu\n", limits.shmmax, limits.shmmin, limits.shmmni, limits.shmseg, limits.shmall);
	/* On Linux others have some, too. */
	show("use", shmctl(0, SHM_INFO, (void *)&use) >= 0);
	show("segments", use.used_ids >= 1);
	show("pages", use.shm_tot >= 4);
	for (i = 0; i <= highest; i++) {
		if (shmctl(i, SHM_STAT, &state) == id)
			index = i;
	}
	show("found", index >= 0);
	show("its size", (long)state.shm_segsz);
	show("any", shmctl(index, SHM_STAT_ANY, &state) == id);
	show("none", shmctl(30000, SHM_STAT, &state));
	file = fopen("/proc/sysvipc/shm", "r");
	while (file != NULL && fgets(line, sizeof line, file) != NULL) {
		int key, number, creator, last, users;
		unsigned mode;
		unsigned long size;

		if (sscanf(line, "%d %d %o %lu %d %d %d", &key, &number, &mode, &size, &creator, &last, &users) == 7 &&
			number == id) {
			printf("line: %d %o %lu %d %d %d %zu\n", key, mode, size, creator == getpid(), last == getpid(), users,
				strlen(line));
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

		snprintf(name, sizeof name, "/proc/sys/kernel/shm%s", i == 0 ? "max" : i == 1 ? "all" : "mni");
		file = fopen(name, "r");
		if (file != NULL && fgets(line, sizeof line, file) != NULL)
			fputs(line, stdout);
		if (file != NULL)
			fclose(file);
	}
	show("removed", shmctl(id, IPC_RMID, NULL));
	shmdt(memory);
}

int main(int argc, char **argv)
{
	if (argc == 3 && strcmp(argv[1], "attached") == 0)
		return (int)attached(atoi(argv[2]));
	alarm(60);
	getting();
	attaching();
	processes(argv[0]);
	permissions();
	facts();
	return 0;
}
