/* The line discipline: typed bytes in, what appears and what a program reads out. */
#include <signal.h>
#include <string.h>
#include <termios.h>

#include "check.h"
#include "device/console/ldisc.h"

static struct ldisc ldisc;
static char shown[20000];
static size_t shown_size;
static int signalled;
static unsigned flushes;

static void put(void *context, uint8_t byte)
{
	(void)context;
	if (shown_size + 1 < sizeof shown)
		shown[shown_size++] = (char)byte;
	shown[shown_size] = 0;
}

static void raise_signal(void *context, int signal)
{
	(void)context;
	signalled = signal;
}

static void flush(void *context)
{
	(void)context;
	flushes++;
}

static void start(void)
{
	static const struct ldisc_line line = {
		.put = put, .signal = raise_signal, .flush = flush, .flushed = flush};
	struct tty_settings settings = ldisc_defaults;

	settings.input |= IUTF8;
	ldisc_init(&ldisc, &settings, &line, NULL);
	flushes = 0;
	shown_size = 0;
	shown[0] = 0;
	signalled = 0;
}

static void type(const char *text)
{
	while (*text != 0)
		ldisc_input(&ldisc, (uint8_t)*text++);
}

/* One read of at most `size` bytes gives exactly `wanted`. */
static bool reads(unsigned size, const char *wanted)
{
	uint8_t data[LDISC_SIZE];
	bool last;
	unsigned taken, got = ldisc_peek(&ldisc, data, size, &taken, &last);

	ldisc_take(&ldisc, taken);
	return got == strlen(wanted) && memcmp(data, wanted, got) == 0;
}

static void raw(void)
{
	struct tty_settings settings = ldisc.settings;

	settings.local &= ~(uint32_t)(ICANON | ECHO | ISIG);
	settings.input &= ~(uint32_t)(ICRNL | IXON);
	ldisc_set(&ldisc, &settings);
}

int main(void)
{
	unsigned i;

	start();
	type("hello");
	check("a line that is not finished cannot be read", !ldisc_ready(&ldisc));
	type("\r");
	check("carriage return ends a line", ldisc_ready(&ldisc) && reads(100, "hello\n"));
	check("echo, with a new line as two bytes", strcmp(shown, "hello\r\n") == 0);

	start();
	type("wrongx\x7f\x7f\x7f\x7f\x7f\x7fright\r");
	check("erase takes characters back", reads(100, "right\n"));
	check("and rubs them out", strstr(shown, "wrongx\b \b\b \b") != NULL);
	start();
	type("\x7f\x7f\x7fok\r");
	check("erase stops at the start of the line", reads(100, "ok\n") && strcmp(shown, "ok\r\n") == 0);
	start();
	type("one two  \x17three\r");
	check("word erase", reads(100, "one three\n"));
	start();
	type("nothing of this\x15new\r");
	check("kill", reads(100, "new\n"));
	start();
	type("a\x03");
	check("the interrupt character signals and empties the line", signalled == SIGINT && strcmp(shown, "a^C") == 0);
	type("b\r");
	check("what follows is a new line", reads(100, "b\n"));
	start();
	type("\x1c");
	check("quit", signalled == SIGQUIT);
	type("\x1a");
	check("suspend", signalled == SIGTSTP);
	start();
	type("\x16\x03x\r");
	check("the literal character protects", signalled == 0 && reads(100, "\003x\n"));
	start();
	type("part\x04");
	check("end of file ends a line without a character", reads(100, "part"));
	type("\x04");
	check("alone it is the end", ldisc_ready(&ldisc) && reads(100, "") && !ldisc_ready(&ldisc));
	start();
	type("first\rsecond\r");
	check("one read, one line", reads(100, "first\n") && reads(3, "sec") && reads(100, "ond\n"));
	start();
	type("\xc3\xa4\x7fx\r");
	check("erase takes all bytes of a character, one column", reads(100, "x\n") && strstr(shown, "\b \bx") != NULL);
	start();
	type("\t\x7f.\r");
	check("erase of a tab goes back as far as it went",
		reads(100, ".\n") && strncmp(shown, "\t\b\b\b\b\b\b\b\b.", 10) == 0);
	start();
	for (i = 0; i < 3 * LDISC_SIZE; i++)
		ldisc_input(&ldisc, 'a');
	type("\r");
	check("a line that is too long still ends", ldisc_ready(&ldisc) && ldisc_available(&ldisc) == LDISC_SIZE);

	start();
	raw();
	type("a\rb\x03");
	check("raw: bytes as they are, at once", reads(100, "a\rb\003") && signalled == 0 && shown_size == 0);
	for (i = 0; i < 10 * LDISC_SIZE; i++)
		ldisc_input(&ldisc, (uint8_t)i);
	check("raw: a full buffer stays whole", ldisc_available(&ldisc) == LDISC_SIZE);
	start();
	type("half");
	raw();
	check("leaving canonical mode makes the half line readable", reads(100, "half"));

	start();
	type("\x13");
	check("stop", ldisc.stopped);
	type("\x11");
	check("start", !ldisc.stopped);
	ldisc_output(&ldisc, 'x');
	ldisc_output(&ldisc, '\n');
	check("output: new line as two bytes", strcmp(shown, "x\r\n") == 0);
	ldisc.settings.output &= ~(uint32_t)OPOST;
	ldisc_output(&ldisc, '\n');
	check("output without processing", strcmp(shown, "x\r\n\n") == 0);
	return check_failures != 0;
}
