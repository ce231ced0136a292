/* The parser of bootstrap's configuration: see conf.h for the language. Portable; tested on the build host. */
#include "conf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct parser {
	struct conf *conf; /* null: one line is read by itself */
	unsigned line, errors;
	conf_error_fn error;
	void *context;
};

__attribute__((format(printf, 2, 3))) static bool fail(struct parser *p, const char *format, ...)
{
	char text[192];
	va_list list;

	va_start(list, format);
	vsnprintf(text, sizeof(text), format, list);
	va_end(list);
	p->errors++;
	p->error(p->context, p->line, text);
	return false;
}

static bool is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

/* The next word of *at, cut off by a NUL; null at the end of the line or at a comment. */
static char *next_word(char **at)
{
	char *word = *at, *end;

	while (is_blank(*word))
		word++;
	if (*word == '\0' || *word == '#')
		return NULL;
	for (end = word; *end && !is_blank(*end); end++)
		;
	*at = *end ? end + 1 : end;
	*end = '\0';
	return word;
}

static bool copy_name(struct parser *p, const char *what, const char *value, char *to, size_t size)
{
	if (*value == '\0')
		return fail(p, "%s needs a name", what);
	if (strlen(value) >= size)
		return fail(p, "%s \"%.40s...\" is too long: at most %zu characters", what, value, size - 1);
	strcpy(to, value);
	return true;
}

bool conf_names_have(const struct conf_names *names, const char *name)
{
	for (unsigned i = 0; i < names->count; i++)
		if (strcmp(names->name[i], name) == 0)
			return true;
	return false;
}

static bool parse_names(struct parser *p, const char *key, struct conf_names *names, char *value)
{
	char *rest = NULL;

	for (char *word = strtok_r(value, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (names->count == CONF_SERVICES_MAX)
			return fail(p, "%s has more than %d names", key, CONF_SERVICES_MAX);
		if (!copy_name(p, key, word, names->name[names->count], CONF_SERVICE_SIZE))
			return false;
		names->count++;
	}
	return names->count != 0 || fail(p, "%s needs a name", key);
}

static bool parse_privileges(struct parser *p, struct conf_entry *entry, char *value)
{
	char *rest = NULL;

	for (char *word = strtok_r(value, ",", &rest); word; word = strtok_r(NULL, ",", &rest)) {
		if (strcmp(word, "host") == 0)
			entry->host = true;
		else if (strcmp(word, "device") == 0)
			entry->device = true;
		else
			return fail(p, "unknown privilege \"%.40s\": there are host and device", word);
	}
	return true;
}

static bool parse_service(struct parser *p, struct conf_entry *entry, const char *value)
{
	if (!entry->is_server)
		return fail(p, "a program has no service; say server");
	if (entry->services == CONF_SERVICES_MAX)
		return fail(p, "more than %d services", CONF_SERVICES_MAX);
	for (unsigned i = 0; p->conf && i < p->conf->entries; i++)
		for (unsigned j = 0; j < p->conf->entry[i].services; j++)
			if (strcmp(p->conf->entry[i].service[j], value) == 0)
				return fail(p, "service \"%.64s\" is already given in line %u", value,
					p->conf->entry[i].line);
	for (unsigned j = 0; j < entry->services; j++)
		if (strcmp(entry->service[j], value) == 0)
			return fail(p, "service \"%.64s\" is given twice", value);
	return copy_name(p, "service", value, entry->service[entry->services++], CONF_SERVICE_SIZE);
}

static bool parse_restart(struct parser *p, struct conf_entry *entry, const char *value)
{
	if (!entry->is_server)
		return fail(p, "a program is not restarted; say server");
	if (strcmp(value, "yes") != 0 && strcmp(value, "no") != 0 && strcmp(value, "power-off") != 0)
		return fail(p, "restart is yes, no or power-off, not \"%.40s\"", value);
	entry->restart = value[0] == 'y';
	entry->power_off = value[0] == 'p';
	return true;
}

static bool parse_start(struct parser *p, struct conf_entry *entry, const char *value)
{
	if (!entry->is_server)
		return fail(p, "a program has no service to be asked for; say server");
	if (!p->conf)
		return fail(p, "what is started while the system runs starts at once");
	entry->when_asked = strcmp(value, "asked") == 0;
	return entry->when_asked || fail(p, "start is asked, not \"%.40s\"", value);
}

static bool parse_memory(struct parser *p, struct conf_entry *entry, const char *value)
{
	char *end;
	unsigned long memory = strtoul(value, &end, 10);

	if (end == value || *end || memory == 0 || memory > CONF_MEMORY_MAX)
		return fail(p, "memory is a number of MiB, not \"%.40s\"", value);
	entry->memory = (unsigned)memory;
	return true;
}

static bool parse_args(struct parser *p, struct conf_entry *entry, char *first, char *rest)
{
	if (*first)
		entry->arg[entry->args++] = first;
	for (char *word = next_word(&rest); word; word = next_word(&rest)) {
		if (entry->args == CONF_ARGS_MAX)
			return fail(p, "more than %d arguments", CONF_ARGS_MAX);
		entry->arg[entry->args++] = word;
	}
	return true;
}

static bool parse_words(struct parser *p, struct conf_entry *entry, char *at)
{
	char *word = next_word(&at), *value;
	bool module = false;

	if (strcmp(word, "server") == 0)
		entry->is_server = true;
	else if (strcmp(word, "program") != 0)
		return fail(p, "\"%.40s\" is neither server nor program", word);
	word = next_word(&at);
	if (!word || strchr(word, '='))
		return fail(p, "the name is missing after %s", entry->is_server ? "server" : "program");
	if (!copy_name(p, "entry", word, entry->name, sizeof(entry->name)))
		return false;
	for (unsigned i = 0; p->conf && i < p->conf->entries; i++)
		if (strcmp(p->conf->entry[i].name, entry->name) == 0)
			return fail(p, "\"%s\" is already named in line %u", entry->name, p->conf->entry[i].line);
	while ((word = next_word(&at))) {
		bool good;

		value = strchr(word, '=');
		if (!value)
			return fail(p, "\"%.40s\" is not of the form KEY=VALUE", word);
		*value++ = '\0';
		if (strcmp(word, "args") == 0)
			return parse_args(p, entry, value, at) &&
			       (module || copy_name(p, "module", entry->name, entry->module, sizeof(entry->module)));
		if (strcmp(word, "module") == 0)
			good = module = copy_name(p, "module", value, entry->module, sizeof(entry->module));
		else if (strcmp(word, "service") == 0)
			good = parse_service(p, entry, value);
		else if (strcmp(word, "looks-up") == 0)
			good = parse_names(p, word, &entry->looks_up, value);
		else if (strcmp(word, "registers") == 0)
			good = parse_names(p, word, &entry->registers, value);
		else if (strcmp(word, "ends") == 0)
			good = parse_names(p, word, &entry->ends, value);
		else if (strcmp(word, "starts") == 0)
			good = parse_names(p, word, &entry->starts, value);
		else if (strcmp(word, "memory") == 0)
			good = parse_memory(p, entry, value);
		else if (strcmp(word, "privileges") == 0)
			good = parse_privileges(p, entry, value);
		else if (strcmp(word, "start") == 0)
			good = parse_start(p, entry, value);
		else if (strcmp(word, "restart") == 0)
			good = parse_restart(p, entry, value);
		else
			return fail(p, "unknown key \"%.40s\"", word);
		if (!good)
			return false;
	}
	return module || copy_name(p, "module", entry->name, entry->module, sizeof(entry->module));
}

/* Takes one line, joined with those that a backslash adds to it, into buffer; how many bytes were read. */
static size_t take_line(struct parser *p, const char *text, size_t size, char *buffer, unsigned *lines, bool *fits)
{
	size_t used = 0, length = 0;

	*lines = 0;
	*fits = true;
	(void)p;
	for (;;) {
		const char *end = memchr(text + used, '\n', size - used);
		size_t part = (end ? (size_t)(end - text) : size) - used;
		bool joined = part && text[used + part - 1] == '\\';

		if (length + part >= CONF_LINE_SIZE || memchr(text + used, '\0', part)) {
			*fits = false;
		} else {
			memcpy(buffer + length, text + used, part);
			length += part;
		}
		used += part + (end != NULL);
		++*lines;
		if (!joined || used == size)
			break;
		if (*fits)
			buffer[length - 1] = ' ';
	}
	if (used == size && length && buffer[length - 1] == '\\')
		length--;
	buffer[length] = '\0';
	return used;
}

unsigned conf_parse(const char *text, size_t size, struct conf *conf, conf_error_fn error, void *context)
{
	struct parser parser = {.conf = conf, .line = 1, .error = error, .context = context};
	size_t at = 0;

	conf->entries = 0;
	while (at < size) {
		static struct conf_entry spare;
		struct conf_entry *entry = conf->entries < CONF_ENTRIES_MAX ? &conf->entry[conf->entries] : &spare;
		unsigned lines;
		char *first;
		bool fits;

		memset(entry, 0, sizeof(*entry));
		at += take_line(&parser, text + at, size - at, entry->text, &lines, &fits);
		entry->line = parser.line;
		for (first = entry->text; is_blank(*first); first++)
			;
		if (!fits)
			fail(&parser, "a line is longer than %d bytes, or this is no text", CONF_LINE_SIZE - 1);
		else if (*first && *first != '#') {
			if (entry == &spare)
				fail(&parser, "more than %d entries", CONF_ENTRIES_MAX);
			else if (parse_words(&parser, entry, entry->text))
				conf->entries++;
		}
		parser.line += lines;
	}
	return parser.errors;
}

bool conf_parse_line(const char *line, struct conf_entry *entry, conf_error_fn error, void *context)
{
	struct parser parser = {.line = 1, .error = error, .context = context};
	char *first = entry->text;

	memset(entry, 0, sizeof(*entry));
	entry->line = 1;
	if (strlen(line) >= sizeof(entry->text))
		return fail(&parser, "a line is longer than %d bytes", CONF_LINE_SIZE - 1);
	strcpy(entry->text, line);
	while (is_blank(*first))
		first++;
	return *first && *first != '#' && parse_words(&parser, entry, first);
}
