/*
 * The pager "remote" and a server that serves a disk by the NBD protocol, and is not to be relied upon: it dies at any
 * byte that it says and loses what was not flushed, answers somebody else's request, in part, never, with an error, or
 * says what is nothing. What the pager shows is what was written; what it has flushed is on the server's medium; it
 * always comes to an end. At last a server that says anything at all.
 */
enum { DISKS = 1, DISK_PAGES = 40, OBJECT_PAGES = DISK_PAGES, ROUNDS = 4000, ANYTHING_ROUNDS = 6000 };
#include "tests/host/pagers/disks.h"

#include "pagers/remote/main.c"
#include "pagers/remote/wire.h"

/* The kernel waits so long for a page. */
#define DEADLINE_MS 30000

static uint64_t time_ms, died_at;
static unsigned faults; /* one of so many answers; 0: none */
static bool anything;   /* random bytes in the place of answers */
static bool is_up = true, read_only;
static unsigned deaths, flushes, good_flushes, errors, reads;

/* --- The server. */

static struct {
	bool alive;
	enum { FLAGS, OPTIONS, REQUESTS } phase;
	unsigned char in[128 << 10], out[128 << 10];
	size_t in_length, out_at, out_length;
	size_t dies_after; /* bytes of out; 0: it does not */
} c;

static uint64_t number(const unsigned char *at, unsigned bytes)
{
	uint64_t value = 0;

	while (bytes-- > 0)
		value = value << 8 | *at++;
	return value;
}

static void answer(uint64_t value, unsigned bytes)
{
	CHECK(c.out_length + bytes <= sizeof(c.out));
	for (unsigned i = bytes; i-- > 0;)
		c.out[c.out_length++] = (unsigned char)(value >> 8 * i);
}

static void die(void)
{
	if (c.alive)
		deaths++;
	c.alive = false;
	died_at = time_ms;
	lose_power();
}

/* What was answered since `from` becomes something else now and then. */
static void spoil_answer(size_t from)
{
	size_t length = c.out_length - from;

	if (!faults || pick(faults) != 0 || length == 0)
		return;
	switch (pick(5)) {
	case 0:
		c.out_length = from; /* silence */
		break;
	case 1:
		c.out_length = from + pick((unsigned)length); /* silence after a part */
		break;
	case 2:
		c.dies_after = from + 1 + pick((unsigned)length);
		break;
	case 3:
		c.out[from + pick(length < 16 ? (unsigned)length : 16)] ^= (unsigned char)(1 + pick(255));
		break;
	default:
		die();
	}
}

static void option_reply(unsigned kind, unsigned length)
{
	answer(OPTION_REPLY_MAGIC, 8);
	answer(7, 4);
	answer(kind, 4);
	answer(length, 4);
}

static size_t serve_option(void)
{
	size_t length;

	if (c.in_length < 16)
		return 0;
	length = number(c.in + 12, 4);
	if (number(c.in, 8) != OPTION_MAGIC || length > 4096) {
		die();
		return 0;
	}
	if (c.in_length < 16 + length)
		return 0;
	CHECK(number(c.in + 8, 4) == 7 && number(c.in + 16, 4) == 4 && memcmp(c.in + 20, "disk", 4) == 0);
	if (pick(2)) {
		option_reply(3, 9); /* a name, which nobody asked for */
		answer(1, 2);
		answer(0, 7);
	}
	option_reply(3, 12);
	answer(0, 2);
	answer(sizeof(disks[0].now), 8);
	answer(1 | (read_only ? 2 : 0) | 4, 2);
	option_reply(3, 14);
	answer(3, 2);
	answer(512, 4);
	answer(4096, 4);
	answer(pick(2) ? 1 << 25 : 8192, 4);
	option_reply(1, 0);
	c.phase = REQUESTS;
	return 16 + length;
}

static size_t serve_request(void)
{
	unsigned command;
	uint64_t cookie, offset;
	size_t length;
	static const unsigned char codes[] = {5, 28, 12, 22, 108};
	unsigned error = 0;
	bool other = faults && pick(faults) == 0; /* the answer is one to another request */

	if (c.in_length < 28)
		return 0;
	command = (unsigned)number(c.in + 4, 4);
	cookie = number(c.in + 8, 8);
	offset = number(c.in + 16, 8);
	length = number(c.in + 24, 4);
	if (number(c.in, 4) != REQUEST_MAGIC) {
		die();
		return 0;
	}
	CHECK(command == 0 || command == 1 || command == 3);
	CHECK(offset <= sizeof(disks[0].now) && length <= sizeof(disks[0].now) - offset && length <= 65536);
	CHECK(command != 3 || (length == 0 && offset == 0));
	if (command == 1 && c.in_length < 28 + length)
		return 0;
	if (faults && pick(faults) == 0)
		error = codes[pick(sizeof(codes))];
	if (command == 1 && !error && !other)
		CHECK(!read_only && pk_lower_write(&disks[0], offset, c.in + 28, length) == 0);
	if (command == 3 && !error && !other)
		CHECK(pk_lower_flush(&disks[0]) == 0);
	answer(REPLY_MAGIC, 4);
	answer(error, 4);
	answer(other ? cookie - 1 - pick(3) : cookie, 8);
	if (command == 0 && !error) {
		CHECK(c.out_length + length <= sizeof(c.out));
		memcpy(c.out + c.out_length, (char *)disks[0].now + (other ? 0 : offset), length);
		c.out_length += length;
	}
	return 28 + (command == 1 ? length : 0);
}

static void serve(void)
{
	size_t used = 1;

	while (c.alive && used != 0) {
		size_t from = c.out_length;

		used = 0;
		if (c.phase == FLAGS && c.in_length >= 4) {
			used = 4;
			c.phase = OPTIONS;
			if (number(c.in, 4) & ~3u)
				die();
		} else if (c.phase == OPTIONS) {
			used = serve_option();
		} else if (c.phase == REQUESTS) {
			used = serve_request();
		}
		if (!c.alive)
			return;
		memmove(c.in, c.in + used, c.in_length - used);
		c.in_length -= used;
		spoil_answer(from);
	}
}

/* --- The stream. */

static int connect_test(unsigned timeout, bool *fresh)
{
	uint64_t limit = time_ms + timeout;

	if (c.alive)
		die();
	/* The next one is there a second after. */
	if (!is_up || limit < died_at + 1000) {
		time_ms = limit;
		return ETIMEDOUT;
	}
	if (time_ms < died_at + 1000)
		time_ms = died_at + 1000;
	memset(&c, 0, offsetof(typeof(c), in));
	c.in_length = c.out_at = c.out_length = c.dies_after = 0;
	c.alive = true;
	*fresh = !faults || pick(20) != 0;
	if (*fresh) {
		answer(GREETING, 8);
		answer(OPTION_MAGIC, 8);
		answer(3, 2);
		spoil_answer(0);
	}
	return 0;
}

static int send_test(const void *data, size_t length, unsigned timeout)
{
	(void)timeout;
	if (!c.alive)
		return ENOTCONN;
	if (anything) {
		c.out_at = c.out_length = 0;
		for (unsigned n = pick(300); n-- > 0;)
			answer(pick(256), 1);
		/* Something that looks right, so that it goes on. */
		if (pick(2) == 0) {
			answer(OPTION_REPLY_MAGIC, 8);
			answer(7, 4);
			answer(pick(3) ? 3 : 1 + pick(4), 4);
			answer(pick(4) ? 2 + pick(14) : pick(2) ? pick(20000) : pick(1 << 30) * 4, 4);
			answer(pick(4), 2);
			answer(pick(1 << 20), 4);
			answer(pick(1 << 20), 8);
			for (unsigned n = pick(8) ? 0 : 20000; n-- > 0;)
				answer(pick(256), 1);
		}
		return 0;
	}
	CHECK(c.in_length + length <= sizeof(c.in));
	memcpy(c.in + c.in_length, data, length);
	c.in_length += length;
	/* What is said may be lost with the connection before it is heard. */
	if (faults && pick(faults * 4) == 0)
		die();
	serve();
	return 0;
}

static int receive_test(void *data, size_t most, unsigned timeout, size_t *got)
{
	size_t there = c.out_length - c.out_at;

	*got = 0;
	if (c.dies_after && c.out_at == c.dies_after)
		die();
	else if (c.dies_after)
		there = c.dies_after - c.out_at;
	if (!c.alive)
		return ENOTCONN;
	if (there == 0) {
		time_ms += timeout;
		return ETIMEDOUT;
	}
	*got = 1 + pick((unsigned)(there < most ? there : most));
	memcpy(data, c.out + c.out_at, *got);
	c.out_at += *got;
	if (c.out_at == c.out_length && !c.dies_after)
		c.out_at = c.out_length = 0;
	return 0;
}

static uint64_t now_test(void)
{
	return time_ms;
}

const struct nbd_stream stream = {.connect = connect_test, .send = send_test, .receive = receive_test, .now = now_test};

int stream_open(const char *name)
{
	return strcmp(name, "channel0") == 0 ? 0 : ENOENT;
}

/* --- The pager. */

static int start(void)
{
	char channel[] = "channel=channel0", export[] = "export=disk", *argv[] = {channel, export};
	void *self;
	uint64_t size = 0;
	int error;

	forget_group(&waiting);
	server = (struct nbd){.stream = NULL};
	error = remote.open(2, argv, NULL, &self, &size);
	CHECK(error || anything || size == sizeof(disks[0].now));
	return error;
}

static void read_some(void)
{
	unsigned n = 1 + pick(16), first = pick(OBJECT_PAGES - n + 1);
	unsigned char *pages = pk_pages_allocate(n * PK_PAGE);
	uint64_t before = time_ms;
	int error = remote.ops.read(NULL, first * PK_PAGE, pages, n * PK_PAGE);

	CHECK(time_ms - before <= DEADLINE_MS);
	CHECK(!error || faults || !is_up);
	errors += error != 0;
	reads++;
	for (unsigned i = 0; i < n && !error; i++)
		CHECK(pages[i * PK_PAGE] == as_written[first + i] && is_filled(pages + i * PK_PAGE));
	pk_pages_free(pages, n * PK_PAGE);
}

static void flush(void)
{
	int error = remote.ops.flush(NULL);

	flushes++;
	CHECK(!error || faults || !is_up);
	if (error)
		return;
	good_flushes++;
	for (unsigned i = 0; i < OBJECT_PAGES; i++) {
		const unsigned char *page = disks[0].kept[i * PK_PAGE / PK_SECTOR];

		CHECK(page[0] == as_written[i] && is_filled(page));
	}
}

/* Another instance: the kernel gives it what the one before had not freed. */
static void begin_again(void)
{
	static unsigned char had[OBJECT_PAGES];
	unsigned numbers[OBJECT_PAGES], count = 0;

	for (; count < waiting.count; count++) {
		numbers[count] = (unsigned)waiting.number[count];
		had[count] = as_written[numbers[count]];
	}
	faults = 0;
	is_up = true;
	CHECK(start() == 0);
	for (unsigned i = 0; i < count; i++) {
		unsigned char *page = pk_pages_allocate(PK_PAGE);

		fill(page, had[i]);
		CHECK(remote.ops.take(NULL, numbers[i] * PK_PAGE, page, PK_PAGE) == 0);
	}
}

static void unreliable(void)
{
	CHECK(start() == 0);
	for (round_number = 0; round_number < ROUNDS; round_number++) {
		faults = pick(3) ? 4 + pick(40) : 0;
		is_up = pick(12) != 0;
		time_ms += 2000;
		for (unsigned n = pick(8); n-- > 0;)
			if (pick(2))
				CHECK(write_some(&remote, OBJECT_PAGES, 6));
			else
				read_some();
		flush();
		if (pick(30) == 0)
			begin_again();
	}
	begin_again();
	flush();
	CHECK(deaths > ROUNDS / 8 && good_flushes > ROUNDS / 3 && good_flushes < flushes - ROUNDS / 40);
	CHECK(errors > ROUNDS / 100 && errors < reads / 2);
	printf("PASS what is read is what was written, what is flushed is on the server's medium, and nothing waits "
	       "for ever\n");
}

static void silent(void)
{
	uint64_t before;
	unsigned char page[PK_PAGE];

	faults = 0;
	is_up = true;
	CHECK(start() == 0);
	is_up = false;
	die();
	before = time_ms;
	CHECK(remote.ops.read(NULL, 0, page, PK_PAGE) == EIO && time_ms - before >= 1000 * PATIENCE - 1000);
	before = time_ms;
	CHECK(remote.ops.read(NULL, 0, page, PK_PAGE) == EIO && time_ms == before);
	printf("PASS a server that is gone is waited for once\n");
}

static void any_bytes(void)
{
	unsigned char page[PK_PAGE];
	unsigned good = 0;

	anything = is_up = true;
	for (round_number = 0; round_number < ANYTHING_ROUNDS; round_number++) {
		server.size = 0;
		if (start() == 0)
			good += remote.ops.read(NULL, 0, page, PK_PAGE) == 0;
	}
	CHECK(good == 0);
	printf("PASS a server that says anything is believed nothing\n");
}

int main(void)
{
	unreliable();
	silent();
	any_bytes();
	forget_group(&waiting);
	return 0;
}
