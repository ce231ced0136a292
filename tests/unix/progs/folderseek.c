/* A folder's entries can be read again from a remembered place, also when some were removed or made meanwhile. In the folder named. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES = 300, HALF = FILES / 2 };

static char name[FILES + 2][16];
static long after[FILES + 2]; /* the place behind each */

static void make(unsigned number)
{
	char path[16];

	snprintf(path, sizeof path, "file%u", number);
	close(open(path, O_CREAT | O_WRONLY, 0600));
}

/* How many entries follow, and how many of them are not what came in this order at first. */
static void compare(DIR *folder, unsigned from, const char *what)
{
	unsigned count = 0, others = 0;
	struct dirent *entry;

	while ((entry = readdir(folder)) != NULL) {
		others += from + count >= FILES + 2 || strcmp(entry->d_name, name[from + count]) != 0;
		count++;
	}
	printf("%s: %u, %u of them others\n", what, count, others);
}

int main(int argc, char **argv)
{
	char path[200];
	unsigned count = 0, seen = 0;
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof path, "%s/folderseek.XXXXXX", argc > 1 ? argv[1] : "/tmp");
	if (mkdtemp(path) == NULL || chdir(path) < 0)
		return 1;
	for (unsigned i = 0; i < FILES; i++)
		make(i);
	folder = opendir(".");
	while ((entry = readdir(folder)) != NULL && count < FILES + 2) {
		snprintf(name[count], sizeof name[0], "%.15s", entry->d_name);
		after[count++] = telldir(folder);
	}
	printf("entries %u\n", count);
	seekdir(folder, after[HALF]);
	compare(folder, HALF + 1, "from the middle");
	seekdir(folder, after[9]);
	compare(folder, 10, "from the tenth");
	rewinddir(folder);
	compare(folder, 0, "from the start");
	/* Half of them go: what is left is seen once each, from a place behind some that are gone. */
	seekdir(folder, after[HALF]);
	for (unsigned i = 0; i < HALF; i++) {
		if (name[i][0] != '.')
			unlink(name[i]);
	}
	compare(folder, HALF + 1, "the rest when what was before is gone");
	/* Removed while it is read: each of the others comes once. */
	rewinddir(folder);
	while ((entry = readdir(folder)) != NULL) {
		if (entry->d_name[0] == '.')
			continue;
		seen++;
		if (seen % 3 == 0)
			unlink(entry->d_name);
	}
	printf("seen while they were removed: %s\n", seen + HALF >= FILES && seen <= HALF + 2 ? "all" : "not all");
	rewinddir(folder);
	while ((entry = readdir(folder)) != NULL)
		unlink(entry->d_name);
	closedir(folder);
	return chdir("/") < 0 || rmdir(path) < 0;
}
