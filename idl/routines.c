/* Statements of an interface, checked one by one as they are read. */
#include "routines.h"

#include <string.h>
#include <strings.h>

/* Ids of one subsystem; a table of its routines has that many entries. */
#define SLOTS_MAX 65536

void begin_subsystem(struct compiler *compiler, const struct loc *loc, const char *word)
{
	struct interface *interface = &compiler->interface;

	if (interface->declared)
		error_at(compiler, loc, "one file declares one subsystem", "a second subsystem");
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

struct argument *new_argument(struct compiler *compiler, const struct loc *loc, enum direction direction,
	const char *name, const char *impl, struct type *type, unsigned flags)
{
	struct argument *argument = arena_alloc(&compiler->arena, sizeof *argument);

	argument->loc = *loc;
	argument->direction = direction;
	argument->name = name;
	argument->impl = impl;
	argument->type = type;
	argument->flags = flags;
	if (type->name == NULL) {
		/* An argument's specification without a name is a type called like the argument. */
		bool named_in_c = type->shape == SHAPE_SCALAR || type->shape == SHAPE_REAL ||
				  type->shape == SHAPE_PORT || type->shape == SHAPE_POINTER ||
				  type->shape == SHAPE_VALUE;

		if (!named_in_c && type->shape == SHAPE_STRUCT)
			error_at(compiler, loc,
				arena_printf(
					&compiler->arena, "write %s : NAME = struct ..., NAME being the C type", name),
				"a struct needs the name of its C type");
	}
	return argument;
}

static bool sendable_request_port(const struct type *type)
{
	return type->shape == SHAPE_PORT && type->send_name != IPC_MOVE_RECEIVE;
}

static void check_reply_port(struct compiler *compiler, const struct argument *argument)
{
	if (argument->type->bad)
		return;
	if (argument->type->shape != SHAPE_PORT)
		error_at(compiler, &argument->loc, NULL, "the reply port '%s' is not a right", argument->name);
}

/* Sets one of the routine's special arguments, once. */
static void set_special(struct compiler *compiler, struct argument **slot, struct argument *argument, const char *what)
{
	if (*slot != NULL)
		error_at(compiler, &argument->loc, NULL, "a second %s", what);
	*slot = argument;
}

static void check_integer(struct compiler *compiler, const struct argument *argument)
{
	if (!argument->type->bad && (argument->type->shape != SHAPE_SCALAR || argument->type->bytes != 4))
		error_at(compiler, &argument->loc, NULL, "'%s' must be a 32-bit integer", argument->name);
}

static void unsupported(struct compiler *compiler, const struct argument *argument, const char *what)
{
	error_at(compiler, &argument->loc, "the trailer has the sender's task id, sequence number and payload",
		"Portolan's messages carry no %s", what);
}

static void sort_argument(struct compiler *compiler, struct routine *routine, struct argument *argument)
{
	const bool foreign = compiler->interface.foreign;

	argument->user = argument->server = true;
	if (argument->direction == DIR_NONE)
		argument->direction = routine->request_port == NULL && !foreign ? DIR_REQUEST_PORT : DIR_IN;
	switch (argument->direction) {
	case DIR_NONE:
	case DIR_IN:
		argument->in = true;
		break;
	case DIR_OUT:
		argument->out = true;
		break;
	case DIR_INOUT:
		argument->in = argument->out = true;
		break;
	case DIR_REQUEST_PORT:
		if (!argument->type->bad && !sendable_request_port(argument->type))
			error_at(compiler, &argument->loc,
				"the first argument without a direction is the port that the request goes to",
				"the request port '%s' is not a right to send", argument->name);
		set_special(compiler, &routine->request_port, argument, "request port");
		break;
	case DIR_REPLY_PORT:
		check_reply_port(compiler, argument);
		set_special(compiler, &routine->reply_port, argument, "reply port");
		set_special(compiler, &routine->server_reply, argument, "reply port");
		break;
	case DIR_UREPLY_PORT:
		check_reply_port(compiler, argument);
		argument->server = false;
		set_special(compiler, &routine->reply_port, argument, "reply port");
		break;
	case DIR_SREPLY_PORT:
		check_reply_port(compiler, argument);
		argument->user = false;
		set_special(compiler, &routine->server_reply, argument, "reply port");
		break;
	case DIR_WAITTIME:
		check_integer(compiler, argument);
		argument->server = false;
		set_special(compiler, &routine->waittime, argument, "wait time");
		break;
	case DIR_SENDTIME:
		check_integer(compiler, argument);
		argument->server = false;
		set_special(compiler, &routine->sendtime, argument, "send time");
		break;
	case DIR_MSGOPTION:
		check_integer(compiler, argument);
		argument->server = false;
		set_special(compiler, &routine->msgoption, argument, "message option");
		break;
	case DIR_MSGSEQNO:
		check_integer(compiler, argument);
		argument->user = false;
		break;
	case DIR_SECTOKEN:
	case DIR_SERVERSECTOKEN:
	case DIR_USERSECTOKEN:
		unsupported(compiler, argument, "security token");
		break;
	case DIR_AUDITTOKEN:
	case DIR_SERVERAUDITTOKEN:
	case DIR_USERAUDITTOKEN:
		unsupported(compiler, argument, "audit token");
		break;
	case DIR_CONTEXTTOKEN:
		unsupported(compiler, argument, "context token");
		break;
	case DIR_SERVERIMPL:
	case DIR_USERIMPL:
		unsupported(compiler, argument, arena_printf(&compiler->arena, "'%s'", argument->impl));
		break;
	}
}

/* Flags that mean nothing for this argument. */
static void check_flags(struct compiler *compiler, const struct argument *argument, bool simple)
{
	const struct type *type = argument->type;
	bool ool = type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED;

	if (type->bad)
		return;
	if ((argument->flags & (FLAG_DEALLOC | FLAG_DEALLOC_ARG)) != 0 && !ool)
		warning_at(compiler, &argument->loc, NULL, "dealloc means nothing for '%s': it is not out of line",
			argument->name);
	if ((argument->flags & FLAG_COUNTINOUT) != 0 && (type->shape != SHAPE_VARRAY || !argument->out))
		warning_at(compiler, &argument->loc, NULL,
			"countinout means nothing for '%s': it is no variable out array", argument->name);
	if ((argument->flags & FLAG_DEALLOC) != 0 && (argument->flags & FLAG_NOTDEALLOC) != 0)
		error_at(compiler, &argument->loc, NULL, "'%s' is both dealloc and notdealloc", argument->name);
	if ((argument->flags & FLAG_SERVERCOPY) != 0 && (!argument->in || !ool))
		warning_at(compiler, &argument->loc, NULL,
			"servercopy means nothing for '%s': it is no out-of-line in argument", argument->name);
	if ((argument->flags & FLAG_OVERWRITE) != 0)
		warning_at(compiler, &argument->loc, "the memory is allocated: copy it",
			"overwrite is not provided: '%s'", argument->name);
	if ((argument->flags & FLAG_SAMECOUNT) != 0)
		error_at(compiler, &argument->loc, "give it a count of its own", "samecount is not provided");
	if ((argument->flags & FLAG_RETCODE) != 0 && !simple)
		error_at(compiler, &argument->loc, "a routine returns its result; retcode is for simpleroutines",
			"'%s' cannot be a retcode here", argument->name);
	if (ool && argument->out && !compiler->interface.kernel_server && !type->dealloc &&
		(argument->flags & (FLAG_DEALLOC | FLAG_DEALLOC_ARG | FLAG_NOTDEALLOC)) == 0)
		warning_at(compiler, &argument->loc, "write `dealloc`, or `notdealloc` if the server keeps the memory",
			"the server never frees the memory that it returns in '%s'", argument->name);
	if (argument->in && argument->out && (type->shape == SHAPE_VARRAY || type->shape == SHAPE_VSTRING))
		error_at(compiler, &argument->loc, "use one in and one out argument",
			"'%s' cannot be inout: its length varies", argument->name);
}

static bool is_c_keyword(const char *name)
{
	static const char *const words[] = {"asm", "auto", "break", "case", "char", "const", "continue", "default",
		"do", "double", "else", "enum", "extern", "float", "for", "goto", "if", "inline", "int", "long",
		"register", "restrict", "return", "short", "signed", "sizeof", "static", "struct", "switch", "typedef",
		"typeof", "union", "unsigned", "void", "volatile", "while"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(words[i], name) == 0)
			return true;
	}
	return false;
}

/* Whether the argument brings along a C argument of that name. */
static bool brings_along(const struct argument *argument, const char *name)
{
	static const char *const endings[] = {"Cnt", "Poly", "Dealloc", "SCopy"};
	size_t length = strlen(argument->name);
	size_t i;

	if (strncmp(argument->name, name, length) != 0)
		return false;
	for (i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		if (strcmp(name + length, endings[i]) == 0)
			return i == 0   ? argument->type->variable
			       : i == 1 ? argument->type->send_name == IPC_POLYMORPHIC ||
						  argument->type->recv_name == IPC_POLYMORPHIC
			       : i == 2 ? (argument->flags & FLAG_DEALLOC_ARG) != 0
					: (argument->flags & FLAG_SERVERCOPY) != 0;
	}
	return false;
}

/* Names in C: the argument's, and those of the arguments that it brings along. */
static void check_names(struct compiler *compiler, struct routine *routine)
{
	static const char *const reserved[] = {"Head", "Body", "NDR", "RetCode"};
	struct argument *argument;
	struct argument *other;
	unsigned count = 0;
	size_t i;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		count++;
		for (i = 0; i < sizeof reserved / sizeof reserved[0]; i++) {
			if (strcmp(argument->name, reserved[i]) == 0)
				error_at(compiler, &argument->loc, NULL, "an argument cannot be called '%s'",
					argument->name);
		}
		if (is_c_keyword(argument->name))
			error_at(compiler, &argument->loc, NULL,
				"'%s' is a word of C: an argument cannot be called that", argument->name);
		if (strncmp(argument->name, "mig_", 4) == 0)
			error_at(compiler, &argument->loc, NULL,
				"names that begin with mig_ belong to the generated code");
		for (other = routine->arguments; other != argument; other = other->next) {
			if (strcmp(argument->name, other->name) == 0) {
				error_at(compiler, &argument->loc, NULL, "a second argument '%s'", argument->name);
				break;
			}
			if (brings_along(argument, other->name) || brings_along(other, argument->name)) {
				error_at(compiler, &argument->loc, NULL, "'%s' and '%s' have the same name in C: %s",
					other->name, argument->name,
					brings_along(argument, other->name) ? other->name : argument->name);
				break;
			}
		}
		if (count > 256) {
			error_at(compiler, &argument->loc, NULL, "a routine has at most 256 arguments");
			break;
		}
	}
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

void add_routine(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments)
{
	struct routine *routine = arena_alloc(&compiler->arena, sizeof *routine);
	struct argument *argument;

	routine->loc = *loc;
	routine->name = name;
	routine->simple = simple;
	routine->arguments = arguments;
	routine->user_name = prefixed(compiler, compiler->user_prefix, name);
	routine->server_name = prefixed(compiler, compiler->server_prefix, name);
	routine->consume = compiler->consume;
	routine->default_waittime = compiler->waittime;
	routine->default_sendtime = compiler->sendtime;
	routine->default_msgoption = compiler->msgoption;
	if (!compiler->interface.declared)
		error_at(compiler, loc, "begin the file with `subsystem NAME BASE;`", "a routine before the subsystem");
	for (argument = arguments; argument != NULL; argument = argument->next) {
		sort_argument(compiler, routine, argument);
		check_flags(compiler, argument, simple);
		if (simple && argument->out)
			error_at(compiler, &argument->loc, "make it a routine",
				"'%s' is out, but a simpleroutine has no reply", argument->name);
	}
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
}

void add_procedure(
	struct compiler *compiler, const struct loc *loc, const char *name, bool simple, struct argument *arguments)
{
	warning_at(compiler, loc, simple ? "write simpleroutine" : "write routine",
		"'%s' returns its result like a routine; error procedures are not called", name);
	add_routine(compiler, loc, name, simple, arguments);
}

void add_function(struct compiler *compiler, const struct loc *loc, const char *name, struct argument *arguments,
	struct type *result)
{
	(void)result;
	error_at(compiler, loc, "write a routine with an out argument", "functions are not provided");
	(void)arguments;
	(void)name;
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
