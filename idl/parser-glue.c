/* What the grammar's actions need besides types and routines. */
#include "parser-glue.h"

#include <string.h>
#include <strings.h>

void yyerror(struct loc *location, void *scanner, struct compiler *compiler, const char *message)
{
	(void)scanner;
	error_at(compiler, location, NULL, "%s", message);
}

/* dealloc[] is a flag of its own; of the others the originals say that they cannot vary. */
unsigned variable_flag(struct compiler *compiler, const struct loc *loc, unsigned flag)
{
	if (flag == FLAG_DEALLOC)
		return FLAG_DEALLOC_ARG;
	warning_at(compiler, loc, NULL, "only dealloc can be an argument: the brackets mean nothing");
	return flag;
}

const char *join_type(struct compiler *compiler, const char *first, const char *second)
{
	if (first == NULL || second == NULL)
		return first == NULL ? second : first;
	return arena_printf(&compiler->arena, "%s %s", first, second);
}

uint64_t calculate(struct compiler *compiler, const struct loc *loc, int operator, uint64_t a, uint64_t b)
{
	uint64_t result = 1;

	switch (operator) {
	case '+':
		result = a + b;
		break;
	case '-':
		if (b > a)
			error_at(compiler, loc, NULL, "%llu - %llu is below zero", (unsigned long long)a,
				(unsigned long long)b);
		else
			result = a - b;
		break;
	case '*':
		result = a * b;
		break;
	case '/':
		if (b == 0)
			error_at(compiler, loc, NULL, "division by zero");
		else
			result = a / b;
		break;
	}
	/* Operands are below 2^32, so nothing above wraps. */
	if (result > UINT32_MAX) {
		error_at(compiler, loc, NULL, "the result is above 4294967295");
		result = 1;
	}
	return result;
}

struct member *reverse_members(struct member *members)
{
	struct member *reversed = NULL;

	while (members != NULL) {
		struct member *next = members->next;

		members->next = reversed;
		reversed = members;
		members = next;
	}
	return reversed;
}

struct argument *reverse_arguments(struct argument *arguments)
{
	struct argument *reversed = NULL;

	while (arguments != NULL) {
		struct argument *next = arguments->next;

		arguments->next = reversed;
		reversed = arguments;
		arguments = next;
	}
	return reversed;
}

struct translation *new_translation(struct compiler *compiler, const struct loc *loc, enum translation_kind kind,
	const char *type, const char *function, const char *argument)
{
	struct translation *translation = arena_alloc(&compiler->arena, sizeof *translation);

	translation->loc = *loc;
	translation->kind = kind;
	translation->type = type;
	translation->function = function;
	translation->argument = argument;
	return translation;
}

/* The list is in reverse order; their order means nothing. */
struct translation *append_translation(struct translation *list, struct translation *last)
{
	last->next = list;
	return last;
}

void set_msgoption(struct compiler *compiler, const char *word)
{
	compiler->msgoption = strcmp(word, "MACH_MSG_OPTION_NONE") == 0 ? NULL : word;
}

void set_consume(struct compiler *compiler, const struct loc *loc, const char *word)
{
	if (strcasecmp(word, "none") == 0)
		compiler->consume = CONSUME_NONE;
	else if (strcasecmp(word, "timeout") == 0)
		compiler->consume = CONSUME_TIMEOUT;
	else if (strcasecmp(word, "any") == 0)
		compiler->consume = CONSUME_ANY;
	else
		error_at(compiler, loc, NULL, "expected None, Timeout or Any, found '%s'", word);
}

void set_special_reply_port(struct compiler *compiler, const struct loc *loc, uint64_t value)
{
	if (value > 1)
		error_at(compiler, loc, NULL, "UseSpecialReplyPort is 0 or 1");
	if (value != 0 && (compiler->interface.kernel_user || compiler->interface.kernel_server))
		error_at(compiler, loc, NULL, "in the kernel there are no special reply ports");
	compiler->special_reply_port = value != 0;
}

void set_rcsid(struct compiler *compiler, const struct loc *loc, const char *text)
{
	if (text[0] != '"')
		error_at(compiler, loc, NULL, "an rcsid stands in quotes");
	if (compiler->interface.rcsid != NULL)
		warning_at(compiler, loc, "the later one counts", "a second rcsid");
	compiler->interface.rcsid = text;
}
