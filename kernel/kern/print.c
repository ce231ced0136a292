/* kprintf and panic. */
#include <kern/lock.h>
#include <kern/machine.h>
#include <stdarg.h>
#include <string.h>

#define TEXT_MAX 512

bool console_quiet;
static struct lock console_lock = LOCK_INIT(LOCK_RANK_CONSOLE);
static struct processor *panicking; /* the first that did */

struct output {
	char *text;
	size_t size, length;
};

static void put(struct output *out, char character)
{
	if (out->length + 1 < out->size)
		out->text[out->length++] = character;
}

static void put_padded(struct output *out, const char *text, size_t length, unsigned width, char pad)
{
	for (unsigned i = (unsigned)length; i < width; i++)
		put(out, pad);
	for (size_t i = 0; i < length; i++)
		put(out, text[i]);
}

static void put_number(struct output *out, uint64_t value, bool negative, unsigned base, unsigned width, char pad)
{
	char digits[24];
	size_t at = sizeof(digits);

	do {
		digits[--at] = "0123456789abcdef"[value % base];
		value /= base;
	} while (value != 0);
	if (negative)
		digits[--at] = '-';
	put_padded(out, digits + at, sizeof(digits) - at, width, pad);
}

static size_t format_text(char *text, size_t size, const char *format, va_list arguments)
{
	struct output out = {text, size, 0};

	for (; *format != '\0'; format++) {
		unsigned width = 0, longs = 0, most = UINT32_MAX;
		char pad = ' ';
		const char *string;
		int64_t number;

		if (*format != '%') {
			put(&out, *format);
			continue;
		}
		format++;
		for (; *format == '0'; format++)
			pad = '0';
		for (; *format >= '0' && *format <= '9'; format++)
			width = width * 10 + (unsigned)(*format - '0');
		if (*format == '.')
			for (most = 0, format++; *format >= '0' && *format <= '9'; format++)
				most = most * 10 + (unsigned)(*format - '0');
		for (; *format == 'l'; format++)
			longs++;
		switch (*format) {
		case 's':
			string = va_arg(arguments, const char *);
			string = string == NULL ? "(null)" : string;
			put_padded(&out, string, strnlen(string, most), width, ' ');
			break;
		case 'd':
			number = longs != 0 ? va_arg(arguments, long) : va_arg(arguments, int);
			put_number(&out, number < 0 ? -(uint64_t)number : (uint64_t)number, number < 0, 10, width, pad);
			break;
		case 'u':
		case 'x':
			put_number(&out, longs != 0 ? va_arg(arguments, unsigned long) : va_arg(arguments, unsigned),
				false, *format == 'u' ? 10 : 16, width, pad);
			break;
		case 'p':
			put_number(&out, (uintptr_t)va_arg(arguments, void *), false, 16, 16, '0');
			break;
		case '\0':
			format--;
			break;
		default:
			put(&out, *format);
		}
	}
	if (size != 0)
		text[out.length] = '\0';
	return out.length;
}

void kprintf(const char *format, ...)
{
	char line[TEXT_MAX];
	va_list arguments;
	size_t length;

	if (console_quiet && panicking == NULL)
		return;
	va_start(arguments, format);
	length = format_text(line, sizeof(line), format, arguments);
	va_end(arguments);
	/* A panic goes out even when it interrupted somebody's printing. */
	if (panicking == NULL)
		lock_acquire(&console_lock);
	machine_console_write(line, length);
	if (panicking == NULL)
		lock_release(&console_lock);
}

void panic(const char *format, ...)
{
	struct processor *self = current_processor(), *first = NULL;
	char line[TEXT_MAX];
	va_list arguments;

	/* Others that panic at the same time wait to be stopped. */
	if (!__atomic_compare_exchange_n(&panicking, &first, self, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST)) {
		while (first != self)
			machine_relax();
		machine_stop();
	}
	machine_stop_others();
	va_start(arguments, format);
	format_text(line, sizeof(line), format, arguments);
	va_end(arguments);
	kprintf("\npanic: %s\n", line);
	machine_print_state();
	machine_stop();
}
