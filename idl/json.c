/* --dump json: the whole interface for other tools. */
#include "listings.h"
#include "recognise.h"

#include <ctype.h>

static void put_string(FILE *file, const char *text)
{
	if (text == NULL) {
		fputs("null", file);
		return;
	}
	putc('"', file);
	for (; *text != '\0'; text++) {
		if (*text == '"' || *text == '\\')
			fprintf(file, "\\%c", *text);
		else if ((unsigned char)*text < 0x20 || (unsigned char)*text >= 0x7f)
			fprintf(file, "\\u%04x", (unsigned char)*text);
		else
			putc(*text, file);
	}
	putc('"', file);
}

static void put_member(FILE *file, const char *key, const char *value, bool *first)
{
	if (value == NULL)
		return;
	fprintf(file, "%s\"%s\": ", *first ? "" : ", ", key);
	put_string(file, value);
	*first = false;
}

static const char *shape_text(enum shape shape)
{
	static const char *const names[] = {"scalar", "real", "port", "struct", "array", "string", "variable array",
		"variable string", "unbounded array", "out of line", "pointer", "value", "optional pointer",
		"array of out of line"};

	return names[shape];
}

static void put_type(FILE *file, const struct type *type)
{
	bool first = true;

	putc('{', file);
	put_member(file, "name", type->name, &first);
	put_member(file, "shape", shape_text(type->shape), &first);
	fprintf(file,
		", \"send\": %d, \"receive\": %d, \"bytes\": %llu, \"count\": %llu, \"variable\": %s, \"align\": %u",
		type->send_name, type->recv_name, (unsigned long long)type->bytes, (unsigned long long)type->count,
		type->variable ? "true" : "false", type->align);
	if (type->bound != 0)
		fprintf(file, ", \"bound\": %llu", (unsigned long long)type->bound);
	if (type->dealloc)
		fputs(", \"dealloc\": true", file);
	put_member(file, "ctype", type->c_type, &first);
	put_member(file, "cusertype", type->c_user_type, &first);
	put_member(file, "cservertype", type->c_server_type, &first);
	put_member(file, "trans", type->trans_type, &first);
	put_member(file, "intran", type->intran, &first);
	put_member(file, "outtran", type->outtran, &first);
	put_member(file, "destructor", type->destructor, &first);
	put_member(file, "intranpayload", type->intran_payload, &first);
	put_member(file, "intranerror", type->intran_error, &first);
	if (type->members != NULL) {
		const struct member *member;

		fputs(", \"members\": [", file);
		for (member = type->members; member != NULL; member = member->next) {
			fprintf(file, "%s{\"name\": ", member == type->members ? "" : ", ");
			put_string(file, member->name);
			fprintf(file, ", \"offset\": %llu, \"type\": ", (unsigned long long)member->offset);
			put_string(file, member->type->name);
			putc('}', file);
		}
		putc(']', file);
	}
	if (type->element != NULL) {
		fputs(", \"element\": ", file);
		if (type->element->name != NULL)
			put_string(file, type->element->name);
		else
			put_type(file, type->element);
	}
	putc('}', file);
}

static const char *trailer_text(enum trailer_field field)
{
	static const char *const names[] = {"none", "seqno", "sender_id", "context", "security", "audit"};

	return names[field];
}

static void put_arguments(FILE *file, const struct routine *routine)
{
	static const char *const directions[] = {"none", "in", "out", "inout", "requestport", "replyport", "ureplyport",
		"sreplyport", "waittime", "sendtime", "msgoption", "msgseqno", "sectoken", "serversectoken",
		"usersectoken", "audittoken", "serveraudittoken", "useraudittoken", "servercontexttoken", "serverimpl",
		"userimpl"};
	static const char *const flags[] = {"dealloc", "notdealloc", "dealloc[]", "servercopy", "countinout",
		"samecount", "islong", "isnotlong", "physicalcopy", "overwrite", "auto", "const", "retcode"};
	const struct argument *argument;
	unsigned i;

	fputs("\"arguments\": [", file);
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const char *separator = "";

		fprintf(file, "%s\n      {\"name\": ", argument == routine->arguments ? "" : ",");
		put_string(file, argument->name);
		fprintf(file, ", \"direction\": \"%s\", \"flags\": [", directions[argument->direction]);
		for (i = 0; i < sizeof flags / sizeof flags[0]; i++) {
			if ((argument->flags & (1u << i)) != 0) {
				fprintf(file, "%s\"%s\"", separator, flags[i]);
				separator = ", ";
			}
		}
		fputs("], \"type\": ", file);
		put_type(file, argument->type);
		if (argument->same_count != NULL) {
			fputs(", \"count_of\": ", file);
			put_string(file, argument->same_count->name);
		}
		if (argument->trailer != TRAILER_NONE)
			fprintf(file, ", \"trailer\": \"%s\"", trailer_text(argument->trailer));
		if (routine->registers && argument->in)
			fprintf(file, ", \"request_word\": %u", argument->in_word);
		if (routine->registers && argument->out)
			fprintf(file, ", \"reply_word\": %u", argument->out_word);
		putc('}', file);
	}
	putc(']', file);
}

/* What statements said of the routines that follow them. */
static void put_settings(FILE *file, const struct routine *routine)
{
	bool first = false;

	put_member(file, "waittime", routine->default_waittime, &first);
	put_member(file, "sendtime", routine->default_sendtime, &first);
	put_member(file, "msgoption", routine->default_msgoption, &first);
	put_member(file, "consume_on_send_error",
		routine->consume == CONSUME_NONE      ? NULL
		: routine->consume == CONSUME_TIMEOUT ? "timeout"
						      : "any",
		&first);
	put_member(file, "error_procedure", routine->kind == KIND_ROUTINE ? NULL : routine->error_procedure, &first);
	if (routine->special_reply_port)
		fputs(", \"special_reply_port\": true", file);
	if (routine->rights_in_memory)
		fputs(", \"rights_in_memory\": true", file);
	if (routine->allocated)
		fputs(", \"allocated\": true", file);
}

static void put_size(FILE *file, const char *key, const struct message *message)
{
	fprintf(file, ", \"%s\": {\"descriptors\": %llu, \"min\": %llu, \"max\": %llu}", key,
		(unsigned long long)message->descriptors, (unsigned long long)message->min_size,
		(unsigned long long)message->max_size);
}

/* Words in a buffer: behind a header. */
static void put_words_size(FILE *file, const char *key, unsigned words)
{
	const struct message message = {.min_size = 24 + 8 * words, .max_size = 24 + 8 * words};

	put_size(file, key, &message);
}

static void put_routine(FILE *file, const struct interface *interface, const struct routine *routine)
{
	fputs("    {\"name\": ", file);
	put_string(file, routine->name);
	fputs(", \"user\": ", file);
	put_string(file, interface->foreign ? NULL : routine->user_name);
	fputs(", \"server\": ", file);
	put_string(file, routine->server_name);
	fputs(", \"file\": ", file);
	put_string(file, routine->loc.file);
	fprintf(file, ", \"kind\": \"%s%s\"", routine->simple ? "simple" : "",
		routine->kind == KIND_ROUTINE     ? "routine"
		: routine->kind == KIND_PROCEDURE ? "procedure"
						  : "function");
	fprintf(file, ", \"line\": %u, \"id\": %lld", routine->loc.line, (long long)routine->id);
	if (!routine->simple)
		fprintf(file, ", \"reply_id\": %lld", (long long)routine->id + 100);
	fprintf(file, ", \"path\": \"%s\"",
		interface->foreign   ? "foreign"
		: routine->registers ? "registers"
				     : "message");
	if (routine->registers) {
		fprintf(file, ", \"request_words\": %u, \"reply_words\": %u", routine->request_words,
			routine->reply_words);
		if (!interface->foreign)
			put_words_size(file, "request", routine->request_words);
		if (!interface->foreign && !routine->simple)
			put_words_size(file, "reply", routine->reply_words);
	} else {
		fputs(", \"why\": ", file);
		put_string(file, routine->reason);
		put_size(file, "request", &routine->request);
		if (!routine->simple)
			put_size(file, "reply", &routine->reply);
	}
	put_settings(file, routine);
	fputs(",\n     ", file);
	put_arguments(file, routine);
	putc('}', file);
}

void print_json(struct compiler *compiler, FILE *file)
{
	static const char *const kinds[] = {"import", "uimport", "simport", "iimport", "dimport"};
	const struct interface *interface = &compiler->interface;
	const struct routine *routine;
	const struct import *import;
	const struct type *type;
	const char *separator = "";

	fputs("{\n  \"subsystem\": ", file);
	put_string(file, interface->name);
	fprintf(file, ",\n  \"dialect\": \"%s\"", dialect_name(compiler->dialect));
	fprintf(file,
		",\n  \"base\": %lld,\n  \"slots\": %lld,\n  \"kernel_user\": %s,\n  \"kernel_server\": %s,\n  "
		"\"foreign\": %s,\n"
		"  \"deferred\": %s,\n  \"imports\": [",
		(long long)interface->base, (long long)interface->slots, interface->kernel_user ? "true" : "false",
		interface->kernel_server ? "true" : "false", interface->foreign ? "true" : "false",
		interface->deferred ? "true" : "false");
	for (import = interface->imports; import != NULL; import = import->next) {
		fprintf(file, "%s{\"kind\": \"%s\", \"file\": ", import == interface->imports ? "" : ", ",
			kinds[import->kind]);
		put_string(file, import->file);
		putc('}', file);
	}
	fputs("],\n  \"demux\": ", file);
	put_string(file, interface->demux != NULL ? interface->demux
						  : arena_printf(&compiler->arena, "%s_server", interface->name));
	fputs(",\n  \"rcsid\": ", file);
	put_string(file, interface->rcsid);
	fputs(",\n  \"types\": [", file);
	for (type = interface->types; type != NULL; type = type->next) {
		fprintf(file, "%s\n    ", type == interface->types ? "" : ",");
		put_type(file, type);
	}
	fputs("],\n  \"routines\": [", file);
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		fprintf(file, "%s\n", separator);
		put_routine(file, interface, routine);
		separator = ",";
	}
	fputs("]\n}\n", file);
}
