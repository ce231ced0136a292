/* Lines: what is typed, what is shown, what is read. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cases.h"

static void line(struct pair *pair, const char *what, const char *text)
{
	printf("%s\n", what);
	type(pair, text);
	show("  shown", pair->master);
	show("  read", pair->slave);
}

static void editing(void)
{
	struct pair pair = pair_open();

	line(&pair, "a line", "hello\r");
	line(&pair, "erase", "wrongx\x7f\x7f\x7f\x7f\x7f\x7fright\n");
	line(&pair, "erase of nothing", "\x7f\x7fok\n");
	line(&pair, "words",
		"one two-three  \x17\x17"
		"four\n");
	line(&pair, "words of signs",
		"one --- \x17"
		"two\n");
	line(&pair, "kill", "nothing of this\x15new\n");
	line(&pair, "reprint", "some\x12thing\n");
	line(&pair, "literal", "a\x16\x7f\x16\x03z\n");
	line(&pair, "tabs", "a\tb\t\x7f\x7f\x7f.\n");
	line(&pair, "control characters", "a\x01\x02\x7f\x7f.\n");
	line(&pair, "bytes of a character", "x\xc3\xa4\xe2\x82\xac\x7f\x7fy\n");
	input(pair.slave, IUTF8, 0);
	line(&pair, "characters", "x\xc3\xa4\xe2\x82\xac\x7f\x7fy\n");
	line(&pair, "a word of them", "a \xc3\xa4\xc3\xb6\x17.\n");
	input(pair.slave, 0, IUTF8);
	line(&pair, "end of a part", "part\x04");
	line(&pair, "and of all", "\x04");
	line(&pair, "two lines", "one\ntwo\n");
	local(pair.slave, 0, ECHOE);
	line(&pair, "no ECHOE",
		"ab\x7f\x17"
		"c\n");
	line(&pair, "no ECHOE, kill",
		"ab\x15"
		"c\n");
	local(pair.slave, ECHOE, ECHOK);
	line(&pair, "no ECHOK",
		"ab\x15"
		"c\n");
	local(pair.slave, ECHOK, ECHOKE);
	line(&pair, "no ECHOKE",
		"ab\x15"
		"c\n");
	local(pair.slave, ECHOKE, ECHOCTL);
	line(&pair, "no ECHOCTL",
		"a\x01\x7f"
		"b\x16\x02\n");
	local(pair.slave, ECHOCTL | ECHONL, ECHO);
	line(&pair, "ECHONL", "secret\x7f\n");
	local(pair.slave, 0, ECHONL);
	line(&pair, "no ECHO",
		"secret\x15"
		"none\n");
	local(pair.slave, ECHO, IEXTEN);
	line(&pair, "no IEXTEN", "a b\x17\x16\n");
	local(pair.slave, IEXTEN, 0);
	pair_close(&pair);
}

static void characters(void)
{
	struct pair pair = pair_open();
	struct termios settings = get(pair.slave);

	settings.c_cc[VEOL] = ';';
	settings.c_cc[VEOL2] = '!';
	settings.c_cc[VERASE] = '#';
	settings.c_cc[VINTR] = 0;
	set(pair.slave, &settings);
	line(&pair, "ends of lines", "a;b!c\n");
	line(&pair, "another erase", "ab#c\n");
	line(&pair, "no interrupt", "ab\x03\n");
	input(pair.slave, IGNCR, 0);
	line(&pair, "IGNCR", "a\rb\n");
	input(pair.slave, INLCR, IGNCR | ICRNL);
	line(&pair, "INLCR", "a\nb\r");
	settings = get(pair.slave);
	settings.c_cc[VEOL] = '\r';
	set(pair.slave, &settings);
	line(&pair, "a carriage return ends it", "c\n");
	input(pair.slave, ICRNL | ISTRIP, INLCR);
	line(&pair, "ISTRIP", "\xe1\xe2\n");
	input(pair.slave, IUCLC, ISTRIP);
	line(&pair, "IUCLC", "ABC\n");
	pair_close(&pair);
}

static void put(struct pair *pair, const char *what, const char *text)
{
	if (write(pair->slave, text, strlen(text)) != (ssize_t)strlen(text))
		tell("write", -1);
	show(what, pair->master);
}

static void processing(void)
{
	struct pair pair = pair_open();

	put(&pair, "ONLCR", "a\nb\rc\td\n");
	output(pair.slave, OCRNL, ONLCR);
	put(&pair, "OCRNL", "a\nb\rc\n");
	output(pair.slave, ONOCR, OCRNL);
	put(&pair, "ONOCR", "\r\rab\rc\n");
	output(pair.slave, XTABS | ONLCR, ONOCR);
	put(&pair, "XTABS", "a\tbcdefgh\ti\n\tj\n");
	output(pair.slave, OLCUC, XTABS);
	put(&pair, "OLCUC", "abc\n");
	output(pair.slave, ONLRET, OLCUC | ONLCR);
	put(&pair, "ONLRET", "abc\nd\n");
	output(pair.slave, 0, OPOST);
	put(&pair, "none", "a\nb\r\t\n");
	pair_close(&pair);
}

/* Lines that are too long, and many of them. */
static void long_lines(void)
{
	struct pair pair = pair_open();
	char bytes[5000];
	int value;

	local(pair.slave, 0, ECHO);
	memset(bytes, 'a', sizeof bytes);
	tell("typed", write(pair.master, bytes, sizeof bytes));
	quiet();
	tell("FIONREAD", ioctl(pair.slave, FIONREAD, &value));
	printf("%d\n", value);
	type(&pair, "b\n");
	ioctl(pair.slave, FIONREAD, &value);
	printf("with its end: %d\n", value);
	value = (int)read(pair.slave, bytes, sizeof bytes);
	printf("%d bytes, the last %d %d\n", value, bytes[value - 2], bytes[value - 1]);
	type(&pair, "next\n");
	show("next", pair.slave);
	pair_close(&pair);
}

/* What was typed in one mode and is read in the other. */
static void modes(void)
{
	struct pair pair = pair_open();
	int value;

	local(pair.slave, 0, ECHO);
	type(&pair, "one\nhalf");
	ioctl(pair.slave, FIONREAD, &value);
	printf("FIONREAD of a line and a half: %d\n", value);
	local(pair.slave, 0, ICANON);
	ioctl(pair.slave, FIONREAD, &value);
	printf("of bytes: %d\n", value);
	one_read("bytes", pair.slave, 100);
	type(&pair, "more");
	local(pair.slave, ICANON, 0);
	type(&pair, "x\n");
	show("in lines", pair.slave);
	type(&pair, "gone\n");
	{
		struct termios settings = get(pair.slave);

		tell("TCSETSF", ioctl(pair.slave, TCSETSF, &settings));
	}
	type(&pair, "new\n");
	show("after TCSETSF", pair.slave);
	pair_close(&pair);
}

void editing_cases(void)
{
	editing();
	characters();
	processing();
	long_lines();
	modes();
}
