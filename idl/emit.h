/* Writing C: names, parameters and message structures that all generated files share. */
#ifndef IDL_EMIT_H
#define IDL_EMIT_H

#include "compiler.h"

/* One file being written. */
struct output {
	FILE *file;
	struct compiler *compiler;
	bool server; /* whose C types are used */
	bool kernel;
	const struct routine *only; /* the one routine that is written; null: all */
};

/* Who calls the function whose parameters are printed. */
enum parameters {
	PARAMETERS_CLIENT,
	PARAMETERS_WORK,
	PARAMETERS_REPLY, /* a deferred reply: result and outs, by value */
};

void put(struct output *output, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* The name in capitals, in the arena. */
const char *upper_case(struct output *output, const char *name);

/* The C type of an argument's value in the message, and as the function on this side sees it. */
const char *c_type(const struct output *output, const struct type *type);
const char *c_seen_type(const struct output *output, const struct argument *argument);
/* Whether this side sees something else than the message has. */
bool is_translated(const struct output *output, const struct argument *argument);
/* The C type of an array's elements; null when it has no name of its own. */
const char *c_element(const struct output *output, const struct type *type);
/* "MACH_MSG_TYPE_COPY_SEND" */
const char *disposition_text(int ipc_name);
/* Where the disposition of a right comes from when it is sent: a constant or the argument's Poly. */
const char *send_disposition(struct output *output, const struct argument *argument);

bool has_count(const struct argument *argument);
/* An array of memory of any length has a count for each: NAMESubs. */
bool has_subs(const struct argument *argument);
/* The argument that has the count of this one: itself, or with samecount another. */
const struct argument *counted_by(const struct argument *argument);
/* Elements that fit all inline arrays that share the count of this one; 0: none of them is inline. */
uint64_t count_limit(const struct routine *routine, const struct argument *argument);
/* "MIG_NO_VECTORS " for the stub of a buffered routine that knows of no floating point, else "". */
const char *stub_attribute(const struct output *output, const struct routine *routine);
/* `kern_return_t NAME(...)` without an end. */
void put_prototype(struct output *output, const char *linkage, const char *name, const struct routine *routine,
	enum parameters who);
/*
 * The same of the function inside the generated code, which has a result, and a function's value as last argument;
 * `first` is a parameter before the others, or null.
 */
void put_inner_prototype(
	struct output *output, const char *name, const char *first, const struct routine *routine, enum parameters who);
/* The arguments as the call of a function with that prototype has them, the value only of one `inside`. */
void put_argument_names(struct output *output, const struct routine *routine, enum parameters who, bool inside);
/* procedures.c: procedures and functions are routines inside the generated code. */
/* What the client's stub is called, and what the server's stub calls. */
const char *stub_name(struct output *output, const struct routine *routine);
const char *work_name(struct output *output, const struct routine *routine);
/* The client's function, which calls the stub and, when it fails, the error procedure. */
void put_procedure(struct output *output, const struct routine *routine);
/*
 * What the server's stub calls if that is not the work function: one that calls a procedure or function, and succeeds;
 * or the work function by another name, when an argument has its own.
 */
void put_work_adapter(struct output *output, const struct routine *routine);
/* A comment with the declaration as it was written, and the id. */
void put_declaration(struct output *output, const struct routine *routine);
/* `#define mach_msg PREFIXmach_msg` and its like, for -subrprefix. */
void put_runtime_prefix(struct output *output);
/* The dispatcher: serverdemux, or SUBSYSTEM_server; with -prefix. */
const char *demux_name(struct output *output);
/* The rcsid statement's text as a string that the object file has: SUBSYSTEM_SIDE_rcsid. */
void put_rcsid(struct output *output, const char *side);
/* What a client's, a server's file or header includes. */
void put_imports(struct output *output, bool user, bool server, bool header);

/* The structures of a message, and the constant that says how large it can be. */
void put_message_structs(
	struct output *output, const struct routine *routine, const struct message *message, const char *kind);
/* The expression that stands for the part of a message an item is in: "mig_request", "mig_request1". */
const char *part_variable(struct output *output, const char *kind, unsigned part);
/* Where the count of an argument is: "mig_request1->fooCnt". */
const char *count_field(
	struct output *output, const struct message *message, const char *kind, const struct argument *argument);
/* `struct mig_request_foo` */
const char *part_struct(struct output *output, const char *kind, const struct routine *routine, unsigned part);

/* What an argument's C variable holds (`suffix` "", "Cnt", "Poly"): the client has inout ones by address. */
const char *value_of(struct output *output, const struct argument *argument, const char *suffix);
/* Code that returns MIG_ARRAY_TOO_LARGE, before the message is begun, when something does not fit into it. */
void put_limits(struct output *output, const struct message *message);
/* Code that fills a message from C variables called like the arguments: descriptors, data, and at the end mig_size. */
void put_packing(struct output *output, const struct routine *routine, const struct message *message, const char *kind);
/* Whether a message's length varies. */
bool message_varies(const struct message *message);
/* How many elements of an array came, as an expression. */
const char *received_count(
	struct output *output, const struct message *message, const char *kind, const struct argument *argument);
/* Code that checks descriptors and data against the received size; jumps to `label` when they are wrong. */
void put_checks(struct output *output, const struct routine *routine, const struct message *message, const char *kind,
	const char *label);

/* Behind a size: the room that a reply needs in the server besides. "" or " + 4096". */
const char *reply_room(struct output *output, const struct routine *routine);

/* user_call.c: sends mig_request, and receives the reply over it; the outcome is in mig_result. */
void put_rpc(struct output *output, const struct routine *routine);
/* Whether mach_msg gets the routine's send time: it takes one time, and a time to wait goes first. */
bool uses_send_time(const struct output *output, const struct routine *routine);

void generate_user(struct output *output);
void generate_server(struct output *output);
void generate_header(struct output *output);
/* -iheader: NAME is NAME_external; -dheader: MACH_ID_NAME, the name in capitals. */
void generate_internal_header(struct output *output);
void generate_defines_header(struct output *output);

/* conventions.c: what GNU's, Apple's, OSF's and CMU's callers expect of headers and server files besides. */
void put_header_conventions(struct output *output);
void put_server_conventions(struct output *output);
/* Includes that the conventions need. */
void put_convention_includes(struct output *output);
/* "mig_external " where a family's callers may set it. */
const char *external_linkage(const struct output *output);
/* The table that mach_server_run takes: SUBSYSTEM_subsystem, unless a family has something else by that name. */
const char *table_name(struct output *output);
/* conventions_apple.c: macros that people may set, around calls and headers. `when`: Declare, Before, After; `side`:
 * Send, Rcv. */
void put_hook(struct output *output, const char *when, const char *side, const struct routine *routine);
void put_hook_defaults(struct output *output, const char *side);
void put_header_hook(struct output *output, const char *when);

#endif
