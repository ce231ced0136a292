/* The texts of /proc, read back as the programs do that use them. */
#include <stdlib.h>
#include <string.h>

#include "check.h"
#include "fs/procformat.h"

static const uint32_t groups[] = {10, 20};

static struct proc_facts example(void)
{
	return (struct proc_facts){
		.id = 42,
		.parent = 7,
		.group = 40,
		.session = 30,
		.terminal = 1088,
		.foreground = 40,
		.threads = 3,
		.nice = 5,
		.priority = 25,
		.state = 'S',
		.name = "a (b) c",
		.user_ns = 1230000000,
		.system_ns = 450000000,
		.started_ns = 9870000000ull,
		.virtual_bytes = 12345 * 4096ull,
		.resident_bytes = 678 * 4096ull,
		.ignored = 6,
		.caught = 0x10000,
		.uid = {1, 2, 3, 4},
		.gid = {5, 6, 7, 8},
		.groups = 2,
		.group_list = groups,
		.umask = 022,
		.fd_size = 64,
		.exit_signal = 17,
	};
}

static unsigned words(const char *text)
{
	unsigned count = 0;

	for (text += strspn(text, " \n"); *text != 0; count++) {
		text += strcspn(text, " \n");
		text += strspn(text, " \n");
	}
	return count;
}

int main(void)
{
	struct proc_facts facts = example();
	struct memory_facts memory = {.total = 64 << 20, .free = 32 << 20, .cached = 8 << 20};
	struct map_facts map = {.start = 0x400000,
		.end = 0x401000,
		.protection = 5,
		.offset = 0x2000,
		.inode = 99,
		.major = 8,
		.minor = 1,
		.name = "/bin/program"};
	struct text text = {0};
	char state, *rest;
	int parent, group, session, terminal, foreground;
	unsigned long long user, system, start, virtual, value;
	long resident;

	format_stat(&text, &facts);
	rest = strrchr(text.data, ')');
	check("stat: the name ends at the last parenthesis",
		rest != NULL && strncmp(text.data, "42 (a (b) c)", 12) == 0);
	check("stat: first fields",
		sscanf(rest + 2, "%c %d %d %d %d %d", &state, &parent, &group, &session, &terminal, &foreground) == 6 &&
			state == 'S' && parent == 7 && group == 40 && session == 30 && terminal == 1088 &&
			foreground == 40);
	/* As procps reads it: proc(5), fields 14, 15, 22 to 24. */
	check("stat: times and sizes",
		sscanf(rest + 2,
			"%*c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %*u %*u %*d %*d %*d %*d %llu %llu %ld",
			&user, &system, &start, &virtual, &resident) == 5 &&
			user == 123 && system == 45 && start == 987 && virtual == 12345 * 4096ull && resident == 678);
	check("stat: 52 fields", words(rest + 2) == 50);
	text_free(&text);
	format_status(&text, &facts);
	check("status: what id and ps look for", strstr(text.data, "\nPid:\t42\n") != NULL &&
							 strstr(text.data, "\nPPid:\t7\n") != NULL &&
							 strstr(text.data, "\nUid:\t1\t2\t3\t4\n") != NULL &&
							 strstr(text.data, "\nGroups:\t10 20 \n") != NULL &&
							 strstr(text.data, "\nState:\tS (sleeping)\n") != NULL &&
							 strstr(text.data, "\nUmask:\t0022\n") != NULL);
	text_free(&text);
	format_meminfo(&text, &memory);
	check("meminfo", sscanf(text.data, "MemTotal: %llu kB", &value) == 1 && value == 65536 &&
				 strstr(text.data, "\nCached:") != NULL && strstr(text.data, "\nSwapTotal:") != NULL);
	text_free(&text);
	format_map(&text, &map);
	check("maps", strncmp(text.data, "400000-401000 r-xp 00002000 08:01 99 ", 37) == 0 &&
			      strcmp(text.data + 73, "/bin/program\n") == 0);
	text_free(&text);
	return check_failures != 0;
}
