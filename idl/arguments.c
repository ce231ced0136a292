/* Arguments of routines, checked one by one: what each stands for, its flags, its names in C. */
#include "arguments.h"
#include "routines.h"

#include <string.h>

/* What C knows only by the name of its type, which must be said: structs, and arrays of what has no name either. */
static const char *passed_by_name(const struct type *type)
{
	if (type->c_type != NULL || (type->c_user_type != NULL && type->c_server_type != NULL))
		return NULL;
	switch (type->shape) {
	case SHAPE_STRUCT:
		return "a struct";
	case SHAPE_ARRAY:
	case SHAPE_VARRAY:
		if (type->element->name == NULL &&
			(type->element->shape == SHAPE_ARRAY || type->element->shape == SHAPE_STRUCT ||
				type->element->shape == SHAPE_STRING))
			return "an array whose elements have no name";
		return NULL;
	default:
		return NULL;
	}
}

struct argument *new_argument(struct compiler *compiler, const struct loc *loc, enum direction direction,
	const char *name, struct type *type, unsigned flags)
{
	struct argument *argument = arena_alloc(&compiler->arena, sizeof *argument);

	argument->loc = *loc;
	argument->direction = direction;
	argument->name = name;
	argument->type = type;
	argument->flags = flags;
	if (type->name == NULL && !type_fits(compiler, type)) {
		argument->type = &compiler->error_type;
	} else if (type->name == NULL) {
		/* An argument's specification without a name is a type called like the argument. */
		const char *what = passed_by_name(type);

		if (what != NULL)
			error_at(compiler, loc,
				arena_printf(&compiler->arena, "write %s : NAME = %s..., NAME being the C type", name,
					type->shape == SHAPE_STRUCT ? "struct " : ""),
				"%s needs the name of its C type", what);
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

/* Of several the last counts, as in the originals; the others stay arguments in C, a server's ports with the same
 * right. */
static void set_last(struct compiler *compiler, struct argument **slot, struct argument *argument, const char *what)
{
	if (*slot != NULL)
		warning_at(compiler, &argument->loc, NULL, "a second %s: '%s' is not used", what, (*slot)->name);
	*slot = argument;
}

static void check_integer(struct compiler *compiler, const struct argument *argument)
{
	if (!argument->type->bad && (argument->type->shape != SHAPE_SCALAR || argument->type->bytes != 4))
		error_at(compiler, &argument->loc, NULL, "'%s' must be a 32-bit integer", argument->name);
}

/* A field of the trailer: which one, on which side, and whether the argument can hold it. */
static void take_from_trailer(struct compiler *compiler, struct routine *routine, struct argument *argument,
	enum trailer_field field, bool user, bool server)
{
	static const unsigned sizes[] = {0, 4, 4, 8, 8, 32};
	const struct type *type = argument->type;

	argument->trailer = field;
	argument->user = user;
	argument->server = server;
	routine->user_trailer = routine->user_trailer || user;
	routine->server_trailer = routine->server_trailer || server;
	if (type->bad)
		return;
	if (type->bytes != sizes[field] || (type->shape != SHAPE_STRUCT && type->shape != SHAPE_SCALAR) ||
		(type->shape == SHAPE_STRUCT && field <= TRAILER_SENDER_ID))
		error_at(compiler, &argument->loc, NULL, "'%s' must be %s of %u bytes", argument->name,
			field <= TRAILER_SENDER_ID ? "an integer" : "a struct or integer", sizes[field]);
	if (user && routine->simple)
		error_at(compiler, &argument->loc, "make it a routine",
			"'%s' comes with the reply, but a simpleroutine has no reply", argument->name);
}

/* serverimpl and userimpl: the trailer's field of that name, as the dialects write them, else what the type is for. */
static enum trailer_field implied_field(const struct argument *argument)
{
	static const struct {
		const char *name;
		enum trailer_field field;
	} known[] = {
		{"seqno", TRAILER_SEQNO},
		{"sender_id", TRAILER_SENDER_ID},
		{"context", TRAILER_CONTEXT},
		{"payload", TRAILER_CONTEXT},
		{"sender", TRAILER_SECURITY},
		{"audit", TRAILER_AUDIT},
		{"mach_port_seqno_t", TRAILER_SEQNO},
		{"mach_port_context_t", TRAILER_CONTEXT},
		{"security_token_t", TRAILER_SECURITY},
		{"audit_token_t", TRAILER_AUDIT},
	};
	const char *name = strncmp(argument->name, "msgh_", 5) == 0 ? argument->name + 5 : argument->name;
	size_t i;

	for (i = 0; i < sizeof known / sizeof known[0]; i++) {
		if (strcmp(known[i].name, name) == 0 ||
			(argument->type->name != NULL && strcmp(known[i].name, argument->type->name) == 0))
			return known[i].field;
	}
	return TRAILER_NONE;
}

static void take_implied(struct compiler *compiler, struct routine *routine, struct argument *argument)
{
	const bool server = argument->direction == DIR_SERVERIMPL;
	enum trailer_field field = implied_field(argument);

	if (field == TRAILER_NONE) {
		error_at(compiler, &argument->loc, "seqno, sender_id, context, sender (security token), audit",
			"the trailer has no field '%s'", argument->name);
		field = TRAILER_CONTEXT;
		argument->type = &compiler->error_type;
	}
	take_from_trailer(compiler, routine, argument, field, !server, server);
}

void sort_argument(struct compiler *compiler, struct routine *routine, struct argument *argument)
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
		if (routine->request_port != NULL && routine->request_port->type->intran != NULL)
			error_at(compiler, &argument->loc, NULL,
				"a second request port, and the first, '%s', would be translated",
				routine->request_port->name);
		else
			set_last(compiler, &routine->request_port, argument, "request port");
		break;
	case DIR_REPLY_PORT:
		check_reply_port(compiler, argument);
		set_last(compiler, &routine->reply_port, argument, "reply port");
		set_last(compiler, &routine->server_reply, argument, "reply port");
		break;
	case DIR_UREPLY_PORT:
		check_reply_port(compiler, argument);
		argument->server = false;
		set_last(compiler, &routine->reply_port, argument, "reply port");
		break;
	case DIR_SREPLY_PORT:
		check_reply_port(compiler, argument);
		argument->user = false;
		set_last(compiler, &routine->server_reply, argument, "reply port");
		break;
	case DIR_WAITTIME:
		check_integer(compiler, argument);
		argument->server = false;
		set_last(compiler, &routine->waittime, argument, "wait time");
		break;
	case DIR_SENDTIME:
		check_integer(compiler, argument);
		argument->server = false;
		set_last(compiler, &routine->sendtime, argument, "send time");
		break;
	case DIR_MSGOPTION:
		check_integer(compiler, argument);
		argument->server = false;
		set_last(compiler, &routine->msgoption, argument, "message option");
		break;
	case DIR_MSGSEQNO:
		take_from_trailer(compiler, routine, argument, TRAILER_SEQNO, false, true);
		break;
	case DIR_SECTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_SECURITY, true, true);
		break;
	case DIR_SERVERSECTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_SECURITY, false, true);
		break;
	case DIR_USERSECTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_SECURITY, true, false);
		break;
	case DIR_AUDITTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_AUDIT, true, true);
		break;
	case DIR_SERVERAUDITTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_AUDIT, false, true);
		break;
	case DIR_USERAUDITTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_AUDIT, true, false);
		break;
	case DIR_CONTEXTTOKEN:
		take_from_trailer(compiler, routine, argument, TRAILER_CONTEXT, false, true);
		break;
	case DIR_SERVERIMPL:
	case DIR_USERIMPL:
		take_implied(compiler, routine, argument);
		break;
	}
}

void find_retcode(struct compiler *compiler, struct routine *routine)
{
	struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if ((argument->flags & FLAG_RETCODE) == 0 || !routine->simple)
			continue;
		if (!argument->in || argument->type->bad || argument->type->shape != SHAPE_SCALAR ||
			argument->type->bytes != 4) {
			error_at(compiler, &argument->loc, NULL,
				"a retcode is a 32-bit integer that goes in, '%s' is not", argument->name);
			continue;
		}
		if (compiler->interface.kernel_server || compiler->interface.kernel_user)
			error_at(compiler, &argument->loc, NULL, "the kernel's stubs have no retcode: '%s'",
				argument->name);
		if (routine->retcode != NULL)
			error_at(compiler, &argument->loc, NULL, "a second retcode");
		argument->in = false;
		routine->retcode = argument;
	}
}

/* Flags that mean nothing for this argument. */
void check_flags(struct compiler *compiler, const struct argument *argument, bool simple)
{
	const struct type *type = argument->type;
	bool ool = type_in_memory(type);

	if (type->bad)
		return;
	if ((argument->flags & (FLAG_DEALLOC | FLAG_DEALLOC_ARG)) != 0 && !ool)
		warning_at(compiler, &argument->loc, NULL, "dealloc means nothing for '%s': it is not out of line",
			argument->name);
	if ((argument->flags & FLAG_COUNTINOUT) != 0 &&
		((type->shape != SHAPE_VARRAY && (type->shape != SHAPE_UNBOUNDED || !has_rooms(compiler))) ||
			!argument->out))
		warning_at(compiler, &argument->loc, NULL,
			"countinout means nothing for '%s': it is no variable out array", argument->name);
	if ((argument->flags & FLAG_DEALLOC) != 0 && (argument->flags & FLAG_NOTDEALLOC) != 0)
		error_at(compiler, &argument->loc, NULL, "'%s' is both dealloc and notdealloc", argument->name);
	if ((argument->flags & FLAG_SERVERCOPY) != 0 && (!argument->in || !ool))
		warning_at(compiler, &argument->loc, NULL,
			"servercopy means nothing for '%s': it is no out-of-line in argument", argument->name);
	if ((argument->flags & FLAG_OVERWRITE) != 0 && (!ool || !argument->out || type->shape == SHAPE_OOL_ARRAY))
		warning_at(compiler, &argument->loc, NULL,
			"overwrite means nothing for '%s': it is no out-of-line out argument", argument->name);
	if ((argument->flags & FLAG_RETCODE) != 0 && !simple && compiler->dialect != DIALECT_APPLE &&
		compiler->dialect != DIALECT_OSF)
		warning_at(compiler, &argument->loc, NULL,
			"retcode means nothing for '%s': a routine returns its result", argument->name);
	else if ((argument->flags & FLAG_RETCODE) != 0 && !simple)
		error_at(compiler, &argument->loc, "a routine returns its result; retcode is for simpleroutines",
			"'%s' cannot be a retcode here", argument->name);
	if (ool && argument->out && !compiler->interface.kernel_server && !type->dealloc &&
		(argument->flags & (FLAG_DEALLOC | FLAG_DEALLOC_ARG | FLAG_NOTDEALLOC)) == 0)
		warning_at(compiler, &argument->loc, "write `dealloc`, or `notdealloc` if the server keeps the memory",
			"the server never frees the memory that it returns in '%s'", argument->name);
	if (type->shape == SHAPE_OPTIONAL && (!argument->in || argument->out))
		error_at(compiler, &argument->loc, "use PointerTo", "'%s' is PointerToIfNot: that can only go in",
			argument->name);
	if (argument->in && argument->out && !type_in_descriptors(type) &&
		(type->shape == SHAPE_VARRAY || type->shape == SHAPE_VSTRING))
		error_at(compiler, &argument->loc, "use one in and one out argument",
			"'%s' cannot be inout: its length varies", argument->name);
}

/* Elements that an argument whose length varies has at most; UINT64_MAX: any number. */
static uint64_t most_elements(const struct type *type)
{
	if (type->shape == SHAPE_VARRAY || type->shape == SHAPE_OOL_ARRAY)
		return type->count;
	return type->bound != 0 ? type->bound : UINT64_MAX;
}

/* Arrays that share a count have as many elements as the smallest has room for. */
static void check_shared_count(struct compiler *compiler, const struct argument *one, const struct argument *other)
{
	uint64_t a = most_elements(one->type);
	uint64_t b = most_elements(other->type);

	if (a != b && a != UINT64_MAX && b != UINT64_MAX)
		warning_at(compiler, &(a > b ? one : other)->loc, "give both types the same maximum",
			"'%s' never has more than %llu of its %llu elements: it shares its count with '%s'",
			a > b ? one->name : other->name, (unsigned long long)(a > b ? b : a),
			(unsigned long long)(a > b ? a : b), a > b ? other->name : one->name);
}

void share_counts(struct compiler *compiler, struct routine *routine)
{
	struct argument *argument;
	struct argument *before = NULL;

	for (argument = routine->arguments; argument != NULL; before = argument, argument = argument->next) {
		struct argument *found = before != NULL && before->same_count != NULL ? before->same_count : before;

		if ((argument->flags & FLAG_SAMECOUNT) == 0 || argument->type->bad)
			continue;
		if (!argument->type->variable || argument->type->shape == SHAPE_VSTRING) {
			warning_at(compiler, &argument->loc, NULL,
				"samecount means nothing for '%s': it is no array whose length varies", argument->name);
			continue;
		}
		if (found == NULL || !found->type->variable || found->type->shape == SHAPE_VSTRING ||
			found->in != argument->in || found->out != argument->out ||
			((found->flags ^ argument->flags) & FLAG_COUNTINOUT) != 0) {
			warning_at(compiler, &argument->loc,
				"the argument before it must be a variable array of the same direction",
				"'%s' has nothing to share its count with: it gets its own", argument->name);
			continue;
		}
		argument->same_count = found;
		check_shared_count(compiler, found, argument);
	}
}

bool is_c_keyword(const char *name)
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

/* Whether the generated code calls something of its own, or of its headers, by that name. */
static bool is_reserved(const char *name)
{
	static const char *const words[] = {"Body", "FALSE", "Head", "NDR", "NDR_record", "NDR_record_t", "NULL",
		"RetCode", "TRUE", "UINT32_MAX", "audit_token_t", "bool", "boolean_t", "false", "int16_t", "int32_t",
		"int64_t", "int8_t", "ipc_port_t", "ipc_space_t", "kern_return_t", "mach_call_words", "mach_msg",
		"mach_port_context_t", "mach_port_name_t", "mach_port_seqno_t", "mach_port_t", "mach_send_words",
		"memchr", "memcpy", "memmove", "memset", "security_token_t", "size_t", "strlen", "true", "uint16_t",
		"uint32_t", "uint64_t", "uint8_t", "uintptr_t", "vm_address_t", "vm_size_t"};
	static const char *const beginnings[] = {"KERN_", "MACH_", "MIG_", "ipc_kmsg_", "mach_msg_"};
	size_t i;

	for (i = 0; i < sizeof words / sizeof words[0]; i++) {
		if (strcmp(name, words[i]) == 0)
			return true;
	}
	for (i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
		if (strncmp(name, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

/* Whether the argument brings along a C argument of that name. */
static bool brings_along(const struct argument *argument, const char *name)
{
	static const char *const endings[] = {"Cnt", "Poly", "Dealloc", "SCopy", "Subs"};
	size_t length = strlen(argument->name);
	size_t i;

	if (strncmp(argument->name, name, length) != 0)
		return false;
	for (i = 0; i < sizeof endings / sizeof endings[0]; i++) {
		if (strcmp(name + length, endings[i]) == 0)
			return i == 0   ? argument->type->variable && argument->same_count == NULL
			       : i == 1 ? argument->type->send_name == IPC_POLYMORPHIC ||
						  argument->type->recv_name == IPC_POLYMORPHIC
			       : i == 2 ? (argument->flags & FLAG_DEALLOC_ARG) != 0
			       : i == 3 ? (argument->flags & FLAG_SERVERCOPY) != 0
					: argument->type->shape == SHAPE_OOL_ARRAY && argument->type->element->variable;
	}
	return false;
}

/* Names in C: the argument's, and those of the arguments that it brings along. */
void check_names(struct compiler *compiler, struct routine *routine)
{
	struct argument *argument;
	struct argument *other;
	unsigned count = 0;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		count++;
		if (is_reserved(argument->name))
			error_at(compiler, &argument->loc, NULL, "an argument cannot be called '%s'", argument->name);
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
