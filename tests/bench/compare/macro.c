/* Programs as a whole, on any system that runs Linux's: macro LIST runs the shell commands of a list.
 *
 * A line is "NAME<tab>COMMAND"; "-" for the name is a preparation that is not measured. Each command runs TIMES times,
 * and the run that took the fewest ticks counts: "row NAME COUNT". As process 1 this is the init of an initramfs and
 * powers off.
 */
#define _GNU_SOURCE
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "../measure.h"

enum { TIMES = 2, LINE_MAX_BYTES = 4096 };

static const char *command;

static void end(int status)
{
	fflush(stdout);
	if (getpid() == 1)
		reboot(RB_POWER_OFF);
	exit(status);
}

static void run(void)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		execl("/bench/busybox", "sh", "-c", command, NULL);
		_exit(127);
	}
	if (child < 0 || waitpid(child, &status, 0) != child || status != 0) {
		printf("failed: %s\n", command);
		end(1);
	}
}

int main(int count, char **arguments)
{
	char line[LINE_MAX_BYTES];
	FILE *list;

	if (getpid() == 1) {
		mount("devtmpfs", "/dev", "devtmpfs", 0, "");
		mount("proc", "/proc", "proc", 0, "");
		mount("tmpfs", "/tmp", "tmpfs", 0, "");
		setenv("PATH", "/usr/bin:/bin", 1);
	}
	list = fopen(count > 1 ? arguments[1] : "/bench/list", "r");
	if (list == NULL || chdir("/tmp") != 0) {
		puts("failed: no list");
		end(1);
	}
	while (fgets(line, sizeof(line), list) != NULL) {
		char *tab = strchr(line, '\t');

		line[strcspn(line, "\n")] = 0;
		if (line[0] == '#' || tab == NULL)
			continue;
		*tab = 0;
		command = tab + 1;
		if (strcmp(line, "-") == 0)
			run();
		else
			printf("row %s %llu\n", line, (unsigned long long)least_ticks(TIMES, run));
		fflush(stdout);
	}
	puts("end");
	end(0);
}
