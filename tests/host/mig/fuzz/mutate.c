/*
 * Structure-aware mutations: words are replaced by words, numbers by numbers at an edge, arguments and statements are
 * copied, moved, exchanged and left out, types are wrapped in others, flags and directions are added.
 */
#include "mutate.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RANGES = 4096 };

struct range {
	size_t at, size;
};

struct ranges {
	struct range range[RANGES];
	unsigned count;
};

static struct ranges words, numbers, arguments, statements;

static unsigned long long state;

static unsigned pick(size_t below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return below == 0 ? 0 : (unsigned)((state >> 33) % below);
}

static void add(struct ranges *ranges, size_t at, size_t end)
{
	if (ranges->count < RANGES && end > at)
		ranges->range[ranges->count++] = (struct range){at, end - at};
}

/* The end of a comment, string, word, number or single character that begins at `at`. */
static size_t end_of_token(const char *text, size_t size, size_t at)
{
	size_t end = at + 1;

	if (text[at] == '/' && end < size && text[end] == '/') {
		while (end < size && text[end] != '\n')
			end++;
	} else if (text[at] == '/' && end < size && text[end] == '*') {
		for (end++; end < size && !(text[end - 1] == '*' && text[end] == '/'); end++)
			;
		end += end < size;
	} else if (text[at] == '"') {
		while (end < size && text[end] != '"' && text[end] != '\n')
			end++;
		end += end < size;
	} else if (isalnum((unsigned char)text[at]) || text[at] == '_') {
		while (end < size && (isalnum((unsigned char)text[end]) || text[end] == '_'))
			end++;
	}
	return end;
}

/* Finds what can be changed. A statement ends with a semicolon outside of brackets, an argument with one in them. */
static void look(const char *text, size_t size)
{
	size_t statement = 0, argument = 0, at = 0, end;
	unsigned depth = 0;

	words.count = numbers.count = arguments.count = statements.count = 0;
	for (; at < size; at = end) {
		end = end_of_token(text, size, at);
		if (isdigit((unsigned char)text[at])) {
			add(&numbers, at, end);
		} else if (isalpha((unsigned char)text[at]) || text[at] == '_') {
			add(&words, at, end);
		} else if (text[at] == '(' || text[at] == '{') {
			depth++;
			argument = end;
		} else if ((text[at] == ')' || text[at] == '}') && depth > 0) {
			depth--;
			add(&arguments, argument, at);
		} else if (text[at] == ';' && depth > 0) {
			add(&arguments, argument, at);
			argument = end;
		} else if (text[at] == ';') {
			add(&statements, statement, end);
			statement = end;
		}
	}
}

/* Puts `length` bytes of `with` in place of a range; as it was if there is no room. */
static size_t replace(char *text, size_t size, size_t room, struct range range, const char *with, size_t length)
{
	if (size - range.size + length > room)
		return size;
	memmove(text + range.at + length, text + range.at + range.size, size - range.at - range.size);
	memcpy(text + range.at, with, length);
	return size - range.size + length;
}

static const char *const edges[] = {"0", "1", "2", "3", "7", "8", "9", "15", "16", "17", "32", "63", "64", "65", "128",
	"255", "256", "257", "4095", "65535", "65536", "1048576", "2147483647", "2147483648", "4294967295",
	"4294967296", "18446744073709551616", "(1 - 2)", "4 * 1073741824"};
static const char *const language[] = {"type", "routine", "simpleroutine", "procedure", "simpleprocedure", "function",
	"skip", "import", "uimport", "simport", "iimport", "dimport", "in", "out", "inout", "requestport", "replyport",
	"sreplyport", "ureplyport", "waittime", "sendtime", "msgoption", "msgseqno", "sectoken", "serversectoken",
	"usersectoken", "audittoken", "serveraudittoken", "useraudittoken", "servercontexttoken", "serverimpl",
	"userimpl", "array", "struct", "of", "c_string", "polymorphic", "PointerTo", "PointerToIfNot", "ValueOf",
	"ctype", "cusertype", "cservertype", "intran", "outtran", "destructor", "intranpayload", "intranerror", "dealloc",
	"notdealloc", "MACH_MSG_TYPE_MOVE_RECEIVE", "MACH_MSG_TYPE_INTEGER_64", "MACH_MSG_TYPE_STRING_C",
	"MACH_MSG_TYPE_PORT_SEND", "serverprefix", "userprefix", "serverdemux", "error", "nowaittime", "nosendtime",
	"OnStackLimit", "UserTypeLimit", "UseSpecialReplyPort", "ConsumeOnSendError", "deferred", "rcsid", "subsystem",
	"KernelServer", "KernelUser", "foreign"};
static const char *const flags[] = {", dealloc", ", notdealloc", ", dealloc[]", ", servercopy", ", countinout",
	", samecount", ", overwrite", ", auto", ", const", ", physicalcopy", ", physicalcopy[]", ", islong",
	", isnotlong", ", retcode"};
static const char *const wrappers[] = {"array[2] of ", "array[*:3] of ", "array[] of ", "array[*] of ", "^array[] of ",
	"^array[4] of ", "^", "struct[2] of ", "x = ", "(MACH_MSG_TYPE_BYTE, 8, dealloc) ", "polymorphic | "};
static const char *const directions[] = {" in ", " out ", " inout ", " requestport ", " replyport ", " msgseqno ",
	" waittime ", " audittoken ", " serverimpl ", " userimpl "};

static const char *const spaces[] = {" ", "\t", "\n", "\r", "\v", "\f"};

#define ANY(list) list[pick(sizeof list / sizeof list[0])]

static struct range any(const struct ranges *ranges)
{
	return ranges->count == 0 ? (struct range){0, 0} : ranges->range[pick(ranges->count)];
}

/* After the next colon or equals sign. */
static size_t before_a_type(const char *text, size_t size)
{
	size_t at = pick(size);

	while (at < size && text[at] != ':' && text[at] != '=')
		at++;
	return at < size ? at + 1 : size;
}

size_t mutate_text(char *text, size_t size, size_t room, unsigned seed)
{
	const struct ranges *kind;
	char copy[4096];
	struct range from, to;
	const char *with;

	state = seed * 2862933555777941757u + 3037000493u;
	look(text, size);
	kind = pick(2) ? &arguments : &statements;
	from = any(kind);
	to = any(kind);
	if (from.size > sizeof copy)
		from.size = sizeof copy;
	memcpy(copy, text + from.at, from.size);
	switch (pick(11)) {
	case 0: /* one for the other */
		return replace(text, size, room, to, copy, from.size);
	case 1: /* twice */
		to.size = 0;
		size = replace(text, size, room, to, copy, from.size);
		if (kind == &arguments && size < room)
			size = replace(text, size, room, (struct range){to.at + from.size, 0}, ";", 1);
		return size;
	case 2: /* left out */
		return replace(text, size, room, to, "", 0);
	case 3: /* a number at an edge */
		with = ANY(edges);
		return replace(text, size, room, any(&numbers), with, strlen(with));
	case 4: /* a word of the language */
		with = ANY(language);
		return replace(text, size, room, any(&words), with, strlen(with));
	case 5: /* a word of the file */
	case 6:
		from = any(&words);
		from.size = from.size > sizeof copy ? sizeof copy : from.size;
		memcpy(copy, text + from.at, from.size);
		return replace(text, size, room, any(&words), copy, from.size);
	case 7: /* another dialect, which the target takes from the last byte */
		with = ANY(spaces);
		return replace(text, size, room, (struct range){size, 0}, with, 1);
	case 8:
		with = ANY(flags);
		to = any(&arguments);
		return replace(text, size, room, (struct range){to.at + to.size, 0}, with, strlen(with));
	case 9:
		with = ANY(wrappers);
		return replace(text, size, room, (struct range){before_a_type(text, size), 0}, with, strlen(with));
	default:
		with = ANY(directions);
		to = any(&arguments);
		return replace(text, size, room, (struct range){to.at, 0}, with, strlen(with));
	}
}
