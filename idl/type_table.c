/* The table of types, ipc names, and what a `type` statement adds to a specification. */
#include "types.h"
#include "keywords.h"
#include "type_table.h"

#include <string.h>
#include <strings.h>

static const struct ipc_name ipc_names[] = {
	{"MACH_MSG_TYPE_UNSTRUCTURED", 0, 0, 0, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_BIT", 0, 0, 1, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_BOOLEAN", 0, 0, 32, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_INTEGER_16", 1, 1, 16, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_INTEGER_32", 2, 2, 32, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_INTEGER_64", 11, 11, 64, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_INTEGER_8", 9, 9, 8, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_CHAR", 8, 8, 8, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_BYTE", 9, 9, 8, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_REAL", 10, 10, 0, SHAPE_REAL},
	{"MACH_MSG_TYPE_REAL_32", 10, 10, 32, SHAPE_REAL},
	{"MACH_MSG_TYPE_REAL_64", 11, 11, 64, SHAPE_REAL},
	{"MACH_MSG_TYPE_STRING", 12, 12, 0, SHAPE_STRING},
	{"MACH_MSG_TYPE_STRING_C", 12, 12, 0, SHAPE_STRING},
	{"MACH_MSG_TYPE_PORT_NAME", IPC_PORT_NAME, IPC_PORT_NAME, 32, SHAPE_SCALAR},
	{"MACH_MSG_TYPE_MOVE_RECEIVE", IPC_MOVE_RECEIVE, IPC_MOVE_RECEIVE, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_MOVE_SEND", IPC_MOVE_SEND, IPC_MOVE_SEND, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_MOVE_SEND_ONCE", IPC_MOVE_SEND_ONCE, IPC_MOVE_SEND_ONCE, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_COPY_SEND", IPC_COPY_SEND, IPC_MOVE_SEND, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_MAKE_SEND", IPC_MAKE_SEND, IPC_MOVE_SEND, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_MAKE_SEND_ONCE", IPC_MAKE_SEND_ONCE, IPC_MOVE_SEND_ONCE, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_PORT_RECEIVE", IPC_POLYMORPHIC, IPC_MOVE_RECEIVE, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_PORT_SEND", IPC_POLYMORPHIC, IPC_MOVE_SEND, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_PORT_SEND_ONCE", IPC_POLYMORPHIC, IPC_MOVE_SEND_ONCE, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_POLYMORPHIC", IPC_POLYMORPHIC, IPC_POLYMORPHIC, 32, SHAPE_PORT},
	{"MACH_MSG_TYPE_PROTECTED_PAYLOAD", 23, 23, 64, SHAPE_SCALAR},
};

/* GNU's predefined types. */
static const struct {
	const char *name;
	const char *ipc;
} predefined[] = {
	{"char", "MACH_MSG_TYPE_CHAR"},
	{"short", "MACH_MSG_TYPE_INTEGER_16"},
	{"int", "MACH_MSG_TYPE_INTEGER_32"},
	{"int64", "MACH_MSG_TYPE_INTEGER_64"},
	{"uintptr_t", "MACH_MSG_TYPE_INTEGER_64"},
	{"intptr_t", "MACH_MSG_TYPE_INTEGER_64"},
};

const char *ipc_name_text(int number)
{
	switch (number) {
	case IPC_POLYMORPHIC:
		return "polymorphic";
	case IPC_PORT_NAME:
		return "port name";
	case IPC_MOVE_RECEIVE:
		return "move receive";
	case IPC_MOVE_SEND:
		return "move send";
	case IPC_MOVE_SEND_ONCE:
		return "move send-once";
	case IPC_COPY_SEND:
		return "copy send";
	case IPC_MAKE_SEND:
		return "make send";
	case IPC_MAKE_SEND_ONCE:
		return "make send-once";
	default:
		return "data";
	}
}

unsigned bucket_of(const char *name)
{
	uint32_t hash = 2166136261u;

	for (; *name != '\0'; name++)
		hash = (hash ^ (unsigned char)*name) * 16777619u;
	return hash % TYPE_BUCKETS;
}

struct type *find_type(struct compiler *compiler, const char *name)
{
	struct type *type;

	for (type = compiler->hash[bucket_of(name)]; type != NULL; type = type->hash_next) {
		if (strcmp(type->name, name) == 0)
			return type;
	}
	return NULL;
}

/* Mach 2.5's kinds of rights: sending one gave a send right, or all that the sender had. */
static const struct ipc_name old_names[] = {
	{"MSG_TYPE_PORT", IPC_COPY_SEND, IPC_MOVE_SEND, 32, SHAPE_PORT},
	{"MSG_TYPE_PORT_ALL", IPC_MOVE_RECEIVE, IPC_MOVE_RECEIVE, 32, SHAPE_PORT},
	{"MSG_TYPE_PORT_RECEIVE", IPC_MOVE_RECEIVE, IPC_MOVE_RECEIVE, 32, SHAPE_PORT},
	{"MSG_TYPE_PORT_OWNERSHIP", IPC_MOVE_RECEIVE, IPC_MOVE_RECEIVE, 32, SHAPE_PORT},
	{"MSG_TYPE_INTERNAL_MEMORY", 9, 9, 8, SHAPE_SCALAR},
};

const struct ipc_name *find_ipc_name(const char *name)
{
	size_t i;

	for (i = 0; i < sizeof old_names / sizeof old_names[0]; i++) {
		if (strcasecmp(name, old_names[i].name) == 0)
			return &old_names[i];
	}
	if (strcasecmp(name, "polymorphic") == 0)
		name = "MACH_MSG_TYPE_POLYMORPHIC";
	for (i = 0; i < sizeof ipc_names / sizeof ipc_names[0]; i++) {
		/* MSG_TYPE_X is Mach 2.5's spelling of MACH_MSG_TYPE_X. */
		if (strcasecmp(name, ipc_names[i].name) == 0 || strcasecmp(name, ipc_names[i].name + 5) == 0)
			return &ipc_names[i];
	}
	return NULL;
}

/* How many single-letter edits lead from one word to the other, up to `limit`. */
static unsigned distance(const char *a, const char *b, unsigned limit)
{
	unsigned row[64];
	size_t la = strlen(a), lb = strlen(b), i, j;

	if (la >= 60 || lb >= 60 || (la > lb ? la - lb : lb - la) > limit)
		return limit + 1;
	for (j = 0; j <= lb; j++)
		row[j] = (unsigned)j;
	for (i = 1; i <= la; i++) {
		unsigned diagonal = row[0];

		row[0] = (unsigned)i;
		for (j = 1; j <= lb; j++) {
			unsigned cost = diagonal + (a[i - 1] != b[j - 1]);

			diagonal = row[j];
			if (row[j] + 1 < cost)
				cost = row[j] + 1;
			if (row[j - 1] + 1 < cost)
				cost = row[j - 1] + 1;
			row[j] = cost;
		}
	}
	return row[lb];
}

const char *suggestion(struct compiler *compiler, const char *name)
{
	enum { SUGGESTED = 100 }; /* after so many errors the search through all types is not worth its time */
	const char *best = NULL;
	unsigned least = 3;
	struct type *type;
	size_t i;

	if (nobodys_word(name, strlen(name)) != NULL)
		return nobodys_word(name, strlen(name));
	if (compiler->stopped || compiler->errors > SUGGESTED)
		return NULL;
	for (type = compiler->interface.types; type != NULL; type = type->next) {
		unsigned d = distance(name, type->name, 2);

		if (d < least) {
			least = d;
			best = type->name;
		}
	}
	for (i = 0; i < sizeof predefined / sizeof predefined[0]; i++) {
		unsigned d = distance(name, predefined[i].name, 2);

		if (d < least) {
			least = d;
			best = predefined[i].name;
		}
	}
	for (i = 0; i < sizeof ipc_names / sizeof ipc_names[0]; i++) {
		unsigned d = distance(name, ipc_names[i].name, 2);

		if (d < least) {
			least = d;
			best = ipc_names[i].name;
		}
	}
	return best == NULL ? "define it with `type NAME = ...;` before its first use"
			    : arena_printf(&compiler->arena, "did you mean '%s'?", best);
}

static void translate(struct compiler *compiler, struct type *type, const struct translation *t)
{
	const char **slot = NULL;
	const char *seen = NULL;

	switch (t->kind) {
	case TR_CTYPE:
		slot = &type->c_type;
		break;
	case TR_CUSERTYPE:
		slot = &type->c_user_type;
		break;
	case TR_CSERVERTYPE:
		slot = &type->c_server_type;
		break;
	case TR_INTRAN:
		seen = t->type;
		type->intran = t->function;
		break;
	case TR_OUTTRAN:
		seen = t->argument;
		type->outtran = t->function;
		break;
	case TR_DESTRUCTOR:
		seen = t->argument;
		type->destructor = t->function;
		break;
	case TR_INTRANPAYLOAD:
		seen = t->type;
		type->intran_payload = t->function;
		break;
	case TR_INTRANERROR:
		type->intran_error = t->function;
		break;
	}
	if (slot != NULL)
		*slot = t->type;
	if (seen != NULL) {
		if (type->trans_type != NULL && strcmp(type->trans_type, seen) != 0)
			error_at(compiler, &t->loc, NULL, "'%s' here, but '%s' in an earlier translation of the type",
				seen, type->trans_type);
		type->trans_type = seen;
	}
}

/* Translations take one value: of an array of a fixed length that is a pointer to its elements, in the message. */
static bool can_be_translated(const struct type *type)
{
	switch (type->shape) {
	case SHAPE_VARRAY:
	case SHAPE_VSTRING:
	case SHAPE_UNBOUNDED:
	case SHAPE_OOL_ARRAY:
		return false;
	case SHAPE_ARRAY:
	case SHAPE_STRUCT:
		return type_rights(type) == 0;
	default:
		return true;
	}
}

struct type *type_named(struct compiler *compiler, const struct loc *loc, const char *name, struct type *spec,
	struct translation *translations)
{
	struct type *type = arena_alloc(&compiler->arena, sizeof *type);
	struct translation *t;

	*type = *spec;
	type->next = NULL;
	type->hash_next = NULL;
	type->loc = *loc;
	type->name = name;
	type->builtin = false;
	if (spec->name != NULL && !spec->bad && !type_is_native(spec)) {
		/* Only what travels is inherited, never C's names. */
		type->c_type = type->c_user_type = type->c_server_type = NULL;
		type->trans_type = type->intran = type->outtran = type->destructor = NULL;
		type->intran_payload = type->intran_error = NULL;
	}
	for (t = translations; t != NULL; t = t->next)
		translate(compiler, type, t);
	if (type->bad)
		return type;
	if (!type_fits(compiler, spec)) {
		type->bad = true;
		return type;
	}
	if (type->bytes == 0) {
		error_at(compiler, loc, "write (NAME, bits) or use a type with a size", "type '%s' has no size", name);
		type->bad = true;
	}
	if ((type->intran != NULL || type->outtran != NULL || type->destructor != NULL) && !can_be_translated(type)) {
		error_at(compiler, loc, "translate its elements in the work function",
			"an array of rights, or one whose length varies, cannot be translated");
		type->intran = type->outtran = type->destructor = NULL;
	}
	if (type->intran_error != NULL && type->intran == NULL) {
		error_at(compiler, loc, NULL, "intranerror of type '%s', which has no intran", name);
		type->intran_error = NULL;
	}
	if (type->outtran != NULL && type->shape == SHAPE_STRING) {
		error_at(compiler, loc, "translate it in the work function",
			"a string cannot be translated when it is returned");
		type->outtran = NULL;
	}
	return type;
}

void type_define(struct compiler *compiler, struct type *type)
{
	struct type *old = find_type(compiler, type->name);
	unsigned bucket = bucket_of(type->name);

	if (old != NULL && !old->builtin) {
		if (gnu_refuses(compiler))
			error_at(compiler, &type->loc, NULL, "type '%s' is defined again", type->name);
		else
			warning_at(compiler, &type->loc, "the later definition counts", "type '%s' is defined again",
				type->name);
	}
	type->hash_next = compiler->hash[bucket];
	compiler->hash[bucket] = type;
	if (!type->builtin) {
		*compiler->interface.types_end = type;
		compiler->interface.types_end = &type->next;
	}
}

/* A file may define the predefined types anew. */
void types_init(struct compiler *compiler)
{
	struct loc nowhere = {.file = "<built in>"};
	size_t i;

	compiler->error_type = (struct type){.loc = nowhere,
		.name = "int",
		.shape = SHAPE_SCALAR,
		.bytes = 4,
		.align = 4,
		.count = 1,
		.bad = true,
		.send_name = 2,
		.recv_name = 2};
	for (i = 0; i < sizeof predefined / sizeof predefined[0]; i++) {
		struct type *type = type_of_ipc_name(compiler, &nowhere, find_ipc_name(predefined[i].ipc));

		type->name = predefined[i].name;
		type->builtin = true;
		if (strcmp(type->name, "int64") == 0)
			type->c_type = "int64_t";
		type_define(compiler, type);
	}
}
