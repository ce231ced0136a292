/* Statements of an interface, checked one by one as they are read. */
#include "arguments.h"
#include "routines.h"

#include <string.h>
#include <strings.h>

/* Ids of one subsystem; a table of its routines has that many entries. */
#define SLOTS_MAX 65536

void begin_subsystem(struct compiler *compiler, const struct loc *loc, const char *word)
{
	struct interface *interface = &compiler->interface;

	if (interface->declared && gnu_refuses(compiler))
		error_at(compiler, loc, "one file declares one subsystem", "a second subsystem");
	else if (interface->declared)
		warning_at(compiler, loc, "one file declares one subsystem", "a second subsystem: it replaces '%s'",
			interface->name);
	interface->kernel_user = interface->kernel_server = interface->foreign = false;
	interface->name = word;
	interface->loc = *loc;
}

/* The words before the last are modifiers. */
void add_subsystem_word(struct compiler *compiler, const struct loc *loc, const char *word)
{
	struct interface *interface = &compiler->interface;
	bool *flag = NULL;

	if (strcasecmp(interface->name, "kerneluser") == 0)
		flag = &interface->kernel_user;
	else if (strcasecmp(interface->name, "kernelserver") == 0)
		flag = &interface->kernel_server;
	else if (strcasecmp(interface->name, "foreign") == 0)
		flag = &interface->foreign;
	if (flag == NULL) {
		error_at(compiler, &interface->loc, "KernelUser, KernelServer or foreign",
			"'%s' is no modifier of a subsystem", interface->name);
	} else {
		if (*flag)
			warning_at(compiler, &interface->loc, NULL, "'%s' is said twice", interface->name);
		*flag = true;
	}
	interface->name = word;
	interface->loc = *loc;
}

void end_subsystem(struct compiler *compiler, const struct loc *loc, uint64_t base)
{
	struct interface *interface = &compiler->interface;

	if (base > INT32_MAX - SLOTS_MAX - 100)
		error_at(compiler, loc, NULL, "message ids are 32 bits and signed: the base is too large");
	if (interface->routines != NULL)
		error_at(compiler, loc, NULL, "the subsystem must be declared before its routines");
	interface->base = (int64_t)base;
	interface->declared = true;
}

/* A routine's name in C: -prefix, the statement's prefix, the name. */
static const char *prefixed(struct compiler *compiler, const char *prefix, const char *name)
{
	if (prefix == NULL && compiler->prefix == NULL)
		return name;
	return arena_printf(&compiler->arena, "%s%s%s", compiler->prefix != NULL ? compiler->prefix : "",
		prefix != NULL ? prefix : "", name);
}

static void append_routine(struct compiler *compiler, struct routine *routine, uint64_t slots)
{
	struct interface *interface = &compiler->interface;

	if (slots > SLOTS_MAX || interface->slots + (int64_t)slots > SLOTS_MAX) {
		error_at(compiler, &routine->loc, NULL, "a subsystem has at most %d ids", SLOTS_MAX);
		return;
	}
	routine->id = interface->base + interface->slots;
	interface->slots += (int64_t)slots;
	*interface->routines_end = routine;
	interface->routines_end = &routine->next;
}

static void check_foreign(struct compiler *compiler, struct routine *routine)
{
	struct argument *argument;
	unsigned count = 0;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument->direction != DIR_IN)
			error_at(compiler, &argument->loc, NULL, "a system call has in arguments only");
		else if (!argument->type->bad && (argument->type->shape != SHAPE_SCALAR))
			error_at(compiler, &argument->loc, "pass the address as a 64-bit integer",
				"'%s' is not one word: a system call's arguments are registers", argument->name);
		if (++count == 7)
			error_at(compiler, &argument->loc, NULL, "a system call has at most six arguments");
	}
}

static void check_routine_name(struct compiler *compiler, struct routine *routine)
{
	unsigned bucket = bucket_of(routine->name);
	const struct routine *other;

	if (is_c_keyword(routine->user_name) || is_c_keyword(routine->server_name))
		error_at(compiler, &routine->loc, "give it a prefix: userprefix, serverprefix", "'%s' is a word of C",
			routine->name);
	for (other = compiler->routine_hash[bucket]; other != NULL; other = other->hash_next) {
		if (strcmp(other->name, routine->name) == 0) {
			error_at(compiler, &routine->loc, NULL, "a second routine '%s'; the first is at %s:%u",
				routine->name, other->loc.file, other->loc.line);
			break;
		}
	}
	routine->hash_next = compiler->routine_hash[bucket];
	compiler->routine_hash[bucket] = routine;
}

/* What add_routine and its like have in common. */
static struct routine *make_routine(struct compiler *compiler, const struct loc *loc, const char *name, bool simple,
	enum routine_kind kind, struct argument *arguments)
{
	struct routine *routine = arena_alloc(&compiler->arena, sizeof *routine);
	struct argument *argument;

	routine->loc = *loc;
	routine->name = name;
	routine->simple = simple;
	routine->kind = kind;
	routine->arguments = arguments;
	routine->user_name = prefixed(compiler, compiler->user_prefix, name);
	routine->server_name = prefixed(compiler, compiler->server_prefix, name);
	routine->error_procedure = compiler->error_procedure;
	routine->consume = compiler->consume;
	routine->on_stack_limit = compiler->max_on_stack;
	routine->user_type_limit = compiler->user_type_limit;
	routine->special_reply_port = compiler->special_reply_port;
	routine->default_waittime = compiler->waittime;
	routine->default_sendtime = compiler->sendtime;
	routine->default_msgoption = compiler->msgoption;
	if (!compiler->interface.declared)
		error_at(compiler, loc, "begin the file with `subsystem NAME BASE;`", "a routine before the subsystem");
	if (kind != KIND_ROUTINE && compiler->interface.foreign)
		error_at(compiler, loc, NULL, "a system call is a routine");
	for (argument = arguments; argument != NULL; argument = argument->next) {
		sort_argument(compiler, routine, argument);
		check_flags(compiler, argument, simple);
		if (simple && argument->out)
			error_at(compiler, &argument->loc, "make it a routine",
				"'%s' is out, but a simpleroutine has no reply", argument->name);
	}
	find_retcode(compiler, routine);
	share_counts(compiler, routine);
	check_names(compiler, routine);
	if (compiler->broken_arguments)
		compiler->broken_arguments = false;
	else if (compiler->interface.foreign)
		check_foreign(compiler, routine);
	else if (routine->request_port == NULL)
		error_at(compiler, loc,
			"the first argument without a direction must be the port that the request goes to",
			"routine '%s' has no request port", name);
	check_routine_name(compiler, routine);
	append_routine(compiler, routine, 1);
	return routine;
}

void add_routine(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments)
{
	make_routine(compiler, loc, name, simple, KIND_ROUTINE, arguments);
}

void add_procedure(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments)
{
	make_routine(compiler, loc, name, simple, KIND_PROCEDURE, arguments);
}

void add_function(struct compiler *compiler, const struct loc *loc, const char *name, struct argument *arguments,
	struct type *result, const char *written)
{
	struct argument *value = new_argument(compiler, loc, DIR_OUT, "mig_value", result, 0);
	struct routine *routine;

	value->written = written;
	if (!result->bad && result->shape != SHAPE_SCALAR && result->shape != SHAPE_REAL &&
		result->shape != SHAPE_STRUCT && result->shape != SHAPE_PORT)
		error_at(compiler, loc, "write a routine with an out argument",
			"C has no function that returns this type");
	if (!result->bad && result->recv_name == IPC_POLYMORPHIC)
		error_at(compiler, loc, "write a routine with an out argument",
			"a function cannot say what kind of right it returns");
	routine = make_routine(compiler, loc, name, false, KIND_FUNCTION, arguments);
	sort_argument(compiler, routine, value);
	routine->value = value;
	if (routine->arguments == NULL) {
		routine->arguments = value;
		return;
	}
	while (arguments->next != NULL)
		arguments = arguments->next;
	arguments->next = value;
}

void add_skip(struct compiler *compiler, const struct loc *loc, uint64_t count)
{
	struct routine *routine = arena_alloc(&compiler->arena, sizeof *routine);

	routine->loc = *loc;
	routine->skip = true;
	if (!compiler->interface.declared)
		error_at(compiler, loc, "begin the file with `subsystem NAME BASE;`", "a skip before the subsystem");
	if (count != 0)
		append_routine(compiler, routine, count);
}

void add_import(struct compiler *compiler, enum import_kind kind, const char *file)
{
	struct interface *interface = &compiler->interface;
	struct import *import = arena_alloc(&compiler->arena, sizeof *import);
	struct import *other;
	unsigned bucket = bucket_of(file);

	for (other = compiler->import_hash[bucket]; other != NULL; other = other->hash_next) {
		if (other->kind == kind && strcmp(other->file, file) == 0)
			return;
	}
	import->hash_next = compiler->import_hash[bucket];
	compiler->import_hash[bucket] = import;
	import->kind = kind;
	import->file = file;
	*interface->imports_end = import;
	interface->imports_end = &import->next;
}

/* A reply that has the id of a request confuses servers that take both at one port, and tracing. */
static void check_reply_ids(struct compiler *compiler)
{
	const struct routine *routine;
	const struct routine *other = compiler->interface.routines;

	for (routine = compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (routine->skip || routine->simple)
			continue;
		while (other != NULL && other->id < routine->id + 100)
			other = other->next;
		if (other != NULL && other->id == routine->id + 100 && !other->skip) {
			warning_at(compiler, &other->loc, "split the subsystem: a reply's id is the request's + 100",
				"the id %lld of '%s' is also that of the reply of '%s'", (long long)other->id,
				other->name, routine->name);
			return;
		}
	}
}

void finish_routines(struct compiler *compiler)
{
	struct routine *routine;

	if (!compiler->interface.foreign)
		check_reply_ids(compiler);

	for (routine = compiler->interface.routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		if (compiler->interface.kernel_user && !routine->simple)
			warning_at(compiler, &routine->loc,
				"make it a simpleroutine whose reply is a message of its own",
				"the kernel never waits for a reply: no stub is made for '%s'", routine->name);
		lay_out_routine(compiler, routine);
	}
}
