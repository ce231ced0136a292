/* The parser of bootstrap's configuration. */
#include "../../../bootstrap/conf.h"
#include "../check.h"

#include <stdlib.h>
#include <string.h>

static struct conf conf;
static unsigned error_line;
static char error_text[256];

static void note(void *context, unsigned line, const char *text)
{
	(void)context;
	error_line = line;
	snprintf(error_text, sizeof(error_text), "%s", text);
}

static unsigned parse_bytes(const char *text, size_t size)
{
	/* Not terminated: as a boot module is. */
	char *copy = malloc(size ? size : 1);
	unsigned errors;

	memcpy(copy, text, size);
	error_line = 0;
	error_text[0] = '\0';
	errors = conf_parse(copy, size, &conf, note, NULL);
	free(copy);
	return errors;
}

static unsigned parse(const char *text)
{
	return parse_bytes(text, strlen(text));
}

/* The text has one mistake, reported for the line with the words. */
static void bad(const char *text, unsigned line, const char *words, const char *name)
{
	bool good = parse(text) == 1 && error_line == line && strstr(error_text, words);

	if (!good)
		printf("got line %u: %s\n", error_line, error_text);
	check(good, name);
}

static void good_ones(void)
{
	const struct conf_entry *e = conf.entry;

	check(parse("# nothing\n\n   # more\n") == 0 && conf.entries == 0, "comments and empty lines are nothing");
	check(parse("server disk service=disk service=swap privileges=host,device restart=yes # a driver\n"
		    "program test module=t args=-v two  three # not this\n") == 0 &&
			conf.entries == 2,
		"a server and a program are read");
	check(e[0].is_server && e[0].restart && e[0].host && e[0].device && strcmp(e[0].name, "disk") == 0 &&
			strcmp(e[0].module, "disk") == 0 && e[0].line == 1,
		"the server has what the line says");
	check(e[0].services == 2 && strcmp(e[0].service[0], "disk") == 0 && strcmp(e[0].service[1], "swap") == 0,
		"it has both services");
	check(!e[1].is_server && !e[1].host && strcmp(e[1].module, "t") == 0 && e[1].line == 2,
		"the program has its module");
	check(e[1].args == 3 && strcmp(e[1].arg[0], "-v") == 0 && strcmp(e[1].arg[2], "three") == 0,
		"arguments end at the comment");
	check(parse("server a \\\n  service=x \\\n  args=1 2\nserver b") == 0 && conf.entries == 2 && e[0].args == 2 &&
			e[1].line == 4,
		"a backslash joins lines, and lines are still counted");
	check(parse("server a\r\nserver b\r\n") == 0 && conf.entries == 2 && strcmp(e[0].name, "a") == 0,
		"carriage returns are blanks");
	check(parse("server a looks-up=x,y looks-up=z registers=r ends=b\nserver b") == 0 && e[0].looks_up.count == 3 &&
			conf_names_have(&e[0].looks_up, "x") && conf_names_have(&e[0].looks_up, "z") &&
			conf_names_have(&e[0].registers, "r") && conf_names_have(&e[0].ends, "b"),
		"what a server may ask for is read, from one list or several");
	check(!conf_names_have(&e[0].looks_up, "r") && !conf_names_have(&e[0].looks_up, "") &&
			!conf_names_have(&e[0].registers, "x") &&
			e[1].looks_up.count + e[1].registers.count + e[1].ends.count == 0,
		"and nothing else is granted");
	check(parse("server a args=") == 0 && e[0].args == 0, "args may be empty");
	check(parse("server a starts=x,y memory=12") == 0 && e[0].starts.count == 2 &&
			conf_names_have(&e[0].starts, "y") && !conf_names_have(&e[0].looks_up, "y") &&
			e[0].memory == 12,
		"what it may start over, and how much memory it has");
	check(parse("server a start=asked service=x\nserver b") == 0 && e[0].when_asked && !e[1].when_asked,
		"one starts when it is asked for");
}

static void alone(void)
{
	static struct conf_entry entry;

	check(conf_parse_line(" server a service=b args=c d", &entry, note, NULL) && entry.args == 2 &&
			strcmp(entry.arg[1], "d") == 0 && strcmp(entry.service[0], "b") == 0,
		"a line is read by itself");
	check(!conf_parse_line("server a colour=b", &entry, note, NULL) && strstr(error_text, "colour"),
		"what is wrong with it is reported");
	check(!conf_parse_line("server a start=asked", &entry, note, NULL) && strstr(error_text, "at once"),
		"what is started at run time waits for nobody");
	check(!conf_parse_line("", &entry, note, NULL) && !conf_parse_line("# server a", &entry, note, NULL),
		"nothing is no server");
}

static void bad_ones(void)
{
	char line[2000];

	bad("\nservant x", 2, "servant", "an unknown kind of entry is named");
	bad("server", 1, "name is missing", "a name is needed");
	bad("server x\nserver x", 2, "line 1", "a name is given once");
	bad("server x memory=0", 1, "MiB", "no memory is none");
	bad("server x memory=4k", 1, "MiB", "memory is in MiB");
	bad("server x start=late", 1, "late", "an unknown time to start is named");
	bad("program x start=asked", 1, "say server", "nobody asks for a program");
	bad("server x color=red", 1, "color", "an unknown key is named");
	bad("server x y", 1, "KEY=VALUE", "a word that is no key is named");
	bad("server x privileges=root", 1, "root", "an unknown privilege is named");
	bad("server x restart=maybe", 1, "maybe", "restart is yes, no or power-off");
	bad("program x service=s", 1, "no service", "a program has no service");
	bad("server x service=s\nserver y service=s", 2, "line 1", "a service is given once");
	bad("server x service=s service=s", 1, "twice", "also in one line");
	bad("server abcdefghijklmnopqrstuvwxyz0123456789", 1, "too long", "a name has a limit");
	bad("server x module=", 1, "needs a name", "a module has a name");
	bad("server x looks-up=", 1, "needs a name", "a list of names has one");
	bad("server x looks-up=1,2,3,4,5,6,7,8,9", 1, "more than", "a list has a limit");
	bad("server x ends=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", 1, "too long",
		"so has a name in it");
	memset(line, 'a', sizeof(line));
	line[sizeof(line) - 1] = '\0';
	bad(line, 1, "longer", "a line has a limit");
	check(parse_bytes("server a\0b\nserver c", 19) == 1 && conf.entries == 1 &&
			strcmp(conf.entry[0].name, "c") == 0,
		"bytes that are no text spoil their line only");
	check(parse("bad\nserver a\nbad\nserver b") == 2 && conf.entries == 2 && error_line == 3,
		"good lines between bad ones count, every bad one is reported");
}

static void many(void)
{
	char text[8192] = "";

	for (int i = 0; i < CONF_ENTRIES_MAX + 2; i++)
		sprintf(text + strlen(text), "server s%d\n", i);
	check(parse(text) == 2 && conf.entries == CONF_ENTRIES_MAX, "too many entries are reported");
}

static void random_ones(void)
{
	static const char *const words[] = {"server", "program", " ", "\n", "\\\n", "=", "service=a",
		"module=", "args=", "#", "privileges=host,,device", "looks-up=a,b,", "ends=,", "restart=yes", "x", "\t",
		"\\", "\r", "\xff", "y"};
	uint64_t state = 7;
	bool sound = true;

	for (int round = 0; round < 50000; round++) {
		char text[4096] = "";
		size_t size = 0;
		unsigned count = check_random(&state) % 40;

		while (count--) {
			const char *word = words[check_random(&state) % (sizeof(words) / sizeof(words[0]))];

			memcpy(text + size, word, strlen(word));
			size += strlen(word);
		}
		parse_bytes(text, size);
		for (unsigned i = 0; i < conf.entries; i++)
			sound &= conf.entry[i].name[0] && conf.entry[i].module[0] &&
				 conf.entry[i].services <= CONF_SERVICES_MAX && conf.entry[i].args <= CONF_ARGS_MAX;
	}
	check(sound, "entries of 50000 random texts are sound");
}

int main(void)
{
	good_ones();
	alone();
	bad_ones();
	many();
	random_ones();
	return check_failures != 0;
}
