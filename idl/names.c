/* Names and types of C in the generated code. */
#include "emit.h"
#include "types.h"

#include <ctype.h>
#include <stdarg.h>
#include <string.h>

void put(struct output *output, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vfprintf(output->file, format, args);
	va_end(args);
}

const char *upper_case(struct output *output, const char *name)
{
	char *copy = arena_string(&output->compiler->arena, name, strlen(name));
	char *p;

	for (p = copy; *p != '\0'; p++)
		*p = (char)toupper((unsigned char)*p);
	return copy;
}

/* The C type that fits an ipc type which the file gives no name. */
static const char *plain_type(const struct output *output, const struct type *type)
{
	switch (type->shape) {
	case SHAPE_PORT:
		return output->kernel ? "ipc_port_t" : "mach_port_t";
	case SHAPE_REAL:
		return type->bytes == 4 ? "float" : "double";
	case SHAPE_SCALAR:
		if (type->bytes == 4)
			return type->send_name == 0 ? "boolean_t" : "int32_t";
		if (type->bytes == 8)
			return "int64_t";
		if (type->bytes == 2)
			return "int16_t";
		return type->send_name == 8 ? "char" : "uint8_t";
	default:
		return NULL;
	}
}

const char *c_type(const struct output *output, const struct type *type)
{
	const char *name = output->server ? type->c_server_type : type->c_user_type;

	if (name == NULL)
		name = type->c_type;
	if (name == NULL && output->kernel && (type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED))
		return type_rights(type->element) != 0 ? "ipc_port_t *" : "vm_map_copy_t";
	if (name == NULL)
		name = type->name;
	if (name == NULL)
		name = plain_type(output, type);
	if (name == NULL && (type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED))
		name = type_rights(type->element) != 0 ? "mach_port_t *" : "void *";
	if (output->kernel && type->shape == SHAPE_PORT && strcmp(name, "mach_port_t") == 0)
		return "ipc_port_t";
	return name;
}

bool is_translated(const struct output *output, const struct argument *argument)
{
	return output->server && argument->type->trans_type != NULL &&
	       (argument->type->intran != NULL || argument->type->outtran != NULL ||
		       argument->type->intran_payload != NULL);
}

const char *c_seen_type(const struct output *output, const struct argument *argument)
{
	if (is_translated(output, argument))
		return argument->type->trans_type;
	return c_type(output, argument->type);
}

const char *c_element(const struct output *output, const struct type *type)
{
	if (type->shape == SHAPE_STRING || type->shape == SHAPE_VSTRING)
		return "char";
	return type->element == NULL ? NULL : c_type(output, type->element);
}

const char *disposition_text(int ipc_name)
{
	switch (ipc_name) {
	case IPC_MOVE_RECEIVE:
		return "MACH_MSG_TYPE_MOVE_RECEIVE";
	case IPC_MOVE_SEND:
		return "MACH_MSG_TYPE_MOVE_SEND";
	case IPC_MOVE_SEND_ONCE:
		return "MACH_MSG_TYPE_MOVE_SEND_ONCE";
	case IPC_COPY_SEND:
		return "MACH_MSG_TYPE_COPY_SEND";
	case IPC_MAKE_SEND:
		return "MACH_MSG_TYPE_MAKE_SEND";
	default:
		return "MACH_MSG_TYPE_MAKE_SEND_ONCE";
	}
}

const char *send_disposition(struct output *output, const struct argument *argument)
{
	if (argument->type->send_name == IPC_POLYMORPHIC)
		return arena_printf(&output->compiler->arena, "%sPoly", argument->name);
	return disposition_text(argument->type->send_name);
}

bool has_count(const struct argument *argument)
{
	return argument->type->variable && argument->type->shape != SHAPE_VSTRING && argument->same_count == NULL;
}

bool has_subs(const struct argument *argument)
{
	return argument->type->shape == SHAPE_OOL_ARRAY && argument->type->element->variable;
}

const struct argument *counted_by(const struct argument *argument)
{
	return argument->same_count != NULL ? argument->same_count : argument;
}

uint64_t count_limit(const struct routine *routine, const struct argument *argument)
{
	const struct argument *other;
	uint64_t limit = 0;

	for (other = routine->arguments; other != NULL; other = other->next) {
		if (counted_by(other) == counted_by(argument) && other->type->variable &&
			(other->type->shape == SHAPE_VARRAY || other->type->shape == SHAPE_OOL_ARRAY) &&
			(limit == 0 || other->type->count < limit))
			limit = other->type->count;
	}
	return limit;
}

static bool is_array(const struct type *type)
{
	return type->shape == SHAPE_ARRAY || type->shape == SHAPE_VARRAY || type->shape == SHAPE_STRING ||
	       type->shape == SHAPE_VSTRING || type->shape == SHAPE_OOL_ARRAY;
}

struct parameter_list {
	struct output *output;
	unsigned count;
	bool names; /* as in a call: without the types */
};

static void parameter(struct parameter_list *list, const char *type, bool pointer, const char *name, const char *suffix)
{
	const char *space = type[strlen(type) - 1] == '*' ? "" : " ";

	if (list->names) {
		put(list->output, "%s%s%s", list->count++ == 0 ? "" : ", ", name, suffix);
		return;
	}
	put(list->output, "%s%s%s%s%s%s", list->count++ == 0 ? "" : ", ", type, space, pointer ? "*" : "", name,
		suffix);
}

/* Portolan's own: arrays are pointers to their elements, const when they go in. */
static void native_parameter(struct parameter_list *list, const struct argument *argument, bool by_value)
{
	struct output *output = list->output;
	const char *element = c_element(output, argument->type);

	if (element == NULL)
		element = c_type(output, argument->type);
	if (by_value)
		element = arena_printf(&output->compiler->arena,
			element[strlen(element) - 1] == '*' ? "%sconst" : "const %s", element);
	parameter(list, element, c_element(output, argument->type) != NULL, argument->name, "");
}

static bool array_of_char(const struct output *output, const struct type *type)
{
	const char *element = type->shape == SHAPE_VARRAY ? c_element(output, type) : NULL;

	return element != NULL && strcmp(element, "char") == 0;
}

/* Whether GNU's callers have a typedef const_T for it: what C knows by a pointer, which `const` alone would not reach.
 */
static bool gnu_pointer(const struct output *output, const struct type *type)
{
	if (type->shape == SHAPE_UNBOUNDED || type->shape == SHAPE_STRING || type->shape == SHAPE_VSTRING)
		return true;
	if (strcmp(c_type(output, type), "string_t") == 0)
		return true;
	return !output->server && array_of_char(output, type);
}

/* GNU's: the type's own name; const_T and const T for what only goes in; a client gets characters by char *. */
static void gnu_parameter(struct parameter_list *list, const struct argument *argument, bool by_value)
{
	struct output *output = list->output;
	const struct type *type = argument->type;
	const char *name = c_type(output, type);
	bool pointer = type->shape == SHAPE_UNBOUNDED && !by_value;

	if (by_value)
		name = arena_printf(&output->compiler->arena, "const%s%s", gnu_pointer(output, type) ? "_" : " ", name);
	else if (!output->server && array_of_char(output, type))
		name = "char *";
	parameter(list, name, pointer, argument->name, "");
}

/* The argument itself. */
static void value_parameter(struct parameter_list *list, const struct argument *argument, bool by_value)
{
	struct output *output = list->output;
	const struct type *type = argument->type;
	const enum dialect dialect = output->compiler->dialect;
	bool memory = type->shape == SHAPE_OOL || type->shape == SHAPE_UNBOUNDED;
	bool pointer = type->shape == SHAPE_POINTER || type->shape == SHAPE_OPTIONAL;

	if (is_array(type) && is_translated(output, argument)) {
		parameter(list, c_seen_type(output, argument), !by_value, argument->name, "");
	} else if (is_array(type) && (dialect == DIALECT_PORTOLAN || c_type(output, type) == NULL)) {
		native_parameter(list, argument, by_value);
	} else if ((is_array(type) || (type->shape == SHAPE_UNBOUNDED && !output->kernel)) && dialect == DIALECT_GNU) {
		gnu_parameter(list, argument, by_value);
	} else if (is_array(type)) {
		parameter(list, c_type(output, type), false, argument->name, "");
	} else if (memory && by_value && output->compiler->annotate_counts && has_count(argument)) {
		parameter(list,
			arena_printf(&output->compiler->arena, "%s%s __counted_by(%sCnt)",
				(argument->flags & FLAG_CONST) != 0 ? "const " : "", c_type(output, type),
				argument->name),
			false, argument->name, "");
	} else if ((argument->flags & FLAG_CONST) != 0 && by_value && (memory || pointer)) {
		parameter(list, arena_printf(&output->compiler->arena, "const %s", c_type(output, type)), pointer,
			argument->name, "");
	} else if (pointer) {
		parameter(list, c_type(output, type), true, argument->name, "");
	} else {
		parameter(list, c_seen_type(output, argument), !by_value, argument->name, "");
	}
}

/* The argument and what it brings along: disposition, count, deallocation, server's copy. */
static void argument_parameters(struct parameter_list *list, const struct argument *argument, enum parameters who)
{
	const struct type *type = argument->type;
	const enum dialect dialect = list->output->compiler->dialect;
	const bool constant = dialect == DIALECT_PORTOLAN || dialect == DIALECT_GNU;
	bool by_value = who == PARAMETERS_REPLY ||
			!(argument->out || (who == PARAMETERS_CLIENT && argument->trailer != TRAILER_NONE));
	bool sends = who == PARAMETERS_CLIENT ? argument->in || argument->direction >= DIR_REQUEST_PORT : argument->out;
	bool receives =
		who == PARAMETERS_CLIENT ? argument->out : argument->in || argument->direction >= DIR_REQUEST_PORT;

	value_parameter(list, argument, by_value);
	if (type_is_port_name(type->send_name) &&
		((sends && type->send_name == IPC_POLYMORPHIC) || (receives && type->recv_name == IPC_POLYMORPHIC)))
		parameter(list, "mach_msg_type_name_t", !by_value, argument->name, "Poly");
	if (has_subs(argument))
		parameter(list, by_value && constant ? "const mach_msg_type_number_t" : "mach_msg_type_number_t", true,
			argument->name, "Subs");
	if (has_count(argument))
		parameter(list, "mach_msg_type_number_t", !by_value, argument->name, "Cnt");
	if (sends && (argument->flags & FLAG_DEALLOC_ARG) != 0 && type_in_memory(type))
		parameter(list, "boolean_t", !by_value && who == PARAMETERS_WORK, argument->name, "Dealloc");
	if (who == PARAMETERS_WORK && argument->in && (argument->flags & FLAG_SERVERCOPY) != 0)
		parameter(list, "boolean_t", false, argument->name, "SCopy");
}

/* The arguments that the function has in C. The value of a function is one only inside the generated code. */
static void put_parameters(struct parameter_list *list, const struct routine *routine, enum parameters who, bool inside)
{
	const struct argument *argument;

	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		if (argument == routine->value && !inside)
			continue;
		if (who == PARAMETERS_REPLY        ? argument->out
			: who == PARAMETERS_CLIENT ? argument->user
						   : argument->server)
			argument_parameters(list, argument, who);
	}
}

static const char *result_type(struct output *output, const struct routine *routine)
{
	if (output->compiler->interface.foreign)
		return "int64_t";
	if (routine->kind == KIND_FUNCTION)
		return c_seen_type(output, routine->value);
	return routine->kind == KIND_PROCEDURE ? "void" : "kern_return_t";
}

/* Translations and the values of C's own types may be of floating point. */
const char *stub_attribute(const struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	if (output->kernel || routine->registers)
		return "";
	for (argument = routine->arguments; argument != NULL; argument = argument->next) {
		const struct type *type = argument->type;

		if (type->shape == SHAPE_REAL || type->shape == SHAPE_STRUCT || type_is_native(type) ||
			type->intran != NULL || type->outtran != NULL || type->intran_payload != NULL)
			return "";
	}
	return "MIG_NO_VECTORS ";
}

void put_prototype(struct output *output, const char *linkage, const char *name, const struct routine *routine,
	enum parameters who)
{
	struct parameter_list list = {.output = output};

	put(output, "%s%s %s(", linkage, who == PARAMETERS_REPLY ? "kern_return_t" : result_type(output, routine),
		name);
	if (output->compiler->interface.foreign)
		parameter(&list, "uint64_t", false, "mig_thread", "");
	if (who == PARAMETERS_REPLY) {
		parameter(&list, "mach_port_t", false, "mig_reply_port", "");
		parameter(&list, "kern_return_t", false, "mig_result", "");
	}
	put_parameters(&list, routine, who, who == PARAMETERS_REPLY);
	put(output, "%s)", list.count == 0 ? "void" : "");
}

void put_inner_prototype(
	struct output *output, const char *name, const char *first, const struct routine *routine, enum parameters who)
{
	struct parameter_list list = {.output = output, .count = first != NULL};

	put(output, "static kern_return_t %s(%s", name, first != NULL ? first : "");
	put_parameters(&list, routine, who, true);
	put(output, ")");
}

void put_argument_names(struct output *output, const struct routine *routine, enum parameters who, bool inside)
{
	struct parameter_list list = {.output = output, .names = true};

	put_parameters(&list, routine, who, inside);
}

void put_declaration(struct output *output, const struct routine *routine)
{
	const struct argument *argument;

	put(output, "/* %s %s(",
		routine->kind == KIND_FUNCTION    ? "function"
		: routine->kind == KIND_PROCEDURE ? (routine->simple ? "simpleprocedure" : "procedure")
						  : (routine->simple ? "simpleroutine" : "routine"),
		routine->name);
	for (argument = routine->arguments; argument != NULL && argument != routine->value; argument = argument->next)
		put(output, "%s%s", argument == routine->arguments ? "" : "; ", argument->written);
	put(output, ")");
	if (routine->value != NULL)
		put(output, ": %s", routine->value->written);
	put(output, "; id %lld, %s */\n", (long long)routine->id, routine->registers ? "by registers" : "by message");
}

void put_runtime_prefix(struct output *output)
{
	static const char *const calls[] = {"mach_msg", "mach_msg_destroy", "mig_get_reply_port", "mig_put_reply_port",
		"mig_dealloc_reply_port", "mig_get_special_reply_port", "mig_dealloc_special_reply_port",
		"mig_allocate", "mig_deallocate", "mig_user_allocate", "mig_user_deallocate", "mach_call_words",
		"mach_send_words", "mig_server_dispatch"};
	const char *prefix = output->compiler->subr_prefix;
	size_t i;

	for (i = 0; prefix != NULL && i < sizeof calls / sizeof calls[0]; i++)
		put(output, "#define %s %s%s\n", calls[i], prefix, calls[i]);
}

const char *demux_name(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const char *prefix = output->compiler->prefix != NULL ? output->compiler->prefix : "";

	if (interface->demux != NULL)
		return arena_printf(&output->compiler->arena, "%s%s", prefix, interface->demux);
	return arena_printf(&output->compiler->arena, "%s%s_server", prefix, interface->name);
}

void put_rcsid(struct output *output, const char *side)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *first = interface->routines;

	while (first != NULL && first->skip)
		first = first->next;
	/* Of client files with one routine each, only one has it. */
	if (interface->rcsid == NULL || (output->only != NULL && output->only != first))
		return;
	put(output, "#ifndef UseExternRCSId\n#define UseExternRCSId 1\n#endif\n#if UseExternRCSId\n");
	put(output, "extern char %s_%s_rcsid[];\nchar %s_%s_rcsid[] = %s;\n", interface->name, side, interface->name,
		side, interface->rcsid);
	put(output, "#else\nstatic const char rcsid[] __attribute__((used)) = %s;\n#endif\n\n", interface->rcsid);
}

void put_imports(struct output *output, bool user, bool server, bool header)
{
	const struct import *import;

	for (import = output->compiler->interface.imports; import != NULL; import = import->next) {
		if (import->kind == IMPORT_BOTH || (import->kind == IMPORT_USER && user) ||
			(import->kind == IMPORT_SERVER && server) ||
			(import->kind == IMPORT_INTERNAL && server && !header) || import->kind == IMPORT_DEFINES)
			put(output, "#include %s\n", import->file);
	}
}
