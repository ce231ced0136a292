/* Writes a random interface with a client that calls it and a server that answers: SEED ROUTINES, files
 * random*.{defs,h,c}. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum kind { SCALAR, REAL, STRUCT, ARRAY, STRING, VSTRING, VARRAY, MEMORY, PORT, PORTS, PORT_MEMORY };

struct argument {
	enum kind kind;
	unsigned size;  /* bytes of the scalar, struct's or array's element */
	unsigned count; /* elements, bound */
	int direction;  /* 0 in, 1 out, 2 inout */
	int countinout;
};

static uint64_t state;

static unsigned pick(unsigned below)
{
	state = state * 6364136223846793005u + 1442695040888963407u;
	return (unsigned)(state >> 33) % below;
}

/* How a single right is sent. */
static const char *right_of(struct argument a)
{
	static const char *const in[] = {"MACH_MSG_TYPE_COPY_SEND", "MACH_MSG_TYPE_MOVE_SEND",
		"MACH_MSG_TYPE_MAKE_SEND", "MACH_MSG_TYPE_MAKE_SEND_ONCE", "polymorphic"};
	static const char *const out[] = {
		"MACH_MSG_TYPE_MOVE_SEND", "MACH_MSG_TYPE_MAKE_SEND", "MACH_MSG_TYPE_MAKE_SEND_ONCE", "polymorphic"};

	return a.direction == 0 ? in[a.count % 5] : out[a.count % 4];
}

static int is_polymorphic(struct argument a)
{
	return a.kind == PORT && right_of(a)[0] == 'p';
}

/* What the sender names: a right made for the message, one that stays, or the receive right. */
static const char *sent_right(struct argument a)
{
	if (a.direction == 0 && a.count % 5 == 0)
		return "known_right";
	return (a.direction == 0 ? a.count % 5 == 1 : a.count % 4 == 0) ? "lb_send_right(known_port)" : "known_port";
}

static FILE *defs, *types, *client, *server;
static const char *const c_names[] = {"", "int8_t", "int16_t", "", "int32_t", "", "", "", "int64_t"};

static struct argument random_argument(void)
{
	/* Small ones are most frequent, so that registers get their share. */
	static const enum kind often[] = {SCALAR, SCALAR, SCALAR, SCALAR, REAL, STRUCT, ARRAY, STRING, VSTRING, VARRAY,
		MEMORY, PORT, PORTS, PORT_MEMORY};
	struct argument a = {.kind = often[pick(pick(3) == 0 ? 14 : 8)],
		.size = 1u << pick(4),
		.count = 1 + pick(pick(2) ? 5 : 60),
		.direction = (int)pick(2)};

	if (a.kind <= ARRAY && pick(5) == 0)
		a.direction = 2;
	if (a.kind == REAL)
		a.size = pick(2) ? 4 : 8;
	if (a.kind == PORTS || a.kind == PORT_MEMORY)
		a.count = 1 + a.count % 6;
	a.countinout = a.kind == VARRAY && a.direction == 1 && pick(2);
	return a;
}

static void declare_type(unsigned r, unsigned i, struct argument a)
{
	fprintf(defs, "type t%u_%u = ", r, i);
	switch (a.kind) {
	case SCALAR:
		fprintf(defs, "MACH_MSG_TYPE_INTEGER_%u ctype: %s;\n", 8 * a.size, c_names[a.size]);
		break;
	case REAL:
		fprintf(defs, "MACH_MSG_TYPE_REAL_%u ctype: %s;\n", 8 * a.size, a.size == 4 ? "float" : "double");
		break;
	case STRUCT:
		fprintf(defs, "struct[%u] of e%u;\n", a.count, a.size);
		fprintf(types, "typedef struct { %s f[%u]; } t%u_%u;\n", c_names[a.size], a.count, r, i);
		break;
	case ARRAY:
		fprintf(defs, "array[%u] of e%u;\n", a.count, a.size);
		break;
	case STRING:
		fprintf(defs, "c_string[%u];\n", a.count);
		break;
	case VSTRING:
		fprintf(defs, "c_string[*:%u];\n", a.count);
		break;
	case VARRAY:
		fprintf(defs, "array[*:%u] of e%u;\n", a.count, a.size);
		break;
	case MEMORY:
		fprintf(defs, "^array[] of e%u ctype: m%u;\n", a.size, a.size);
		break;
	case PORTS:
		fprintf(defs, "array[*:%u] of move_t;\n", a.count);
		break;
	case PORT_MEMORY:
		fprintf(defs, "^array[] of move_t ctype: mp;\n");
		break;
	case PORT:
		fprintf(defs, "%s ctype: mach_port_t;\n", right_of(a));
		break;
	}
}

static void server_parameter(unsigned r, unsigned i, struct argument a)
{
	const char *constant = a.direction == 0 ? "const " : "";
	const char *star = a.direction == 0 ? "" : "*";

	fprintf(server, ", ");
	switch (a.kind) {
	case SCALAR:
		fprintf(server, "%s %sa%u", c_names[a.size], star, i);
		break;
	case REAL:
		fprintf(server, "%s %sa%u", a.size == 4 ? "float" : "double", star, i);
		break;
	case STRUCT:
		fprintf(server, "t%u_%u %sa%u", r, i, star, i);
		break;
	case ARRAY:
		fprintf(server, "%s%s *a%u", constant, c_names[a.size], i);
		break;
	case STRING:
	case VSTRING:
		fprintf(server, "%schar *a%u", constant, i);
		break;
	case VARRAY:
		fprintf(server, "%s%s *a%u, mach_msg_type_number_t %sa%uCnt", constant, c_names[a.size], i, star, i);
		break;
	case MEMORY:
		fprintf(server, "m%u %sa%u, mach_msg_type_number_t %sa%uCnt", a.size, star, i, star, i);
		break;
	case PORTS:
		fprintf(server, "%smach_port_t *a%u, mach_msg_type_number_t %sa%uCnt", constant, i, star, i);
		break;
	case PORT_MEMORY:
		fprintf(server, "mp %sa%u, mach_msg_type_number_t %sa%uCnt", star, i, star, i);
		break;
	case PORT:
		fprintf(server, "mach_port_t %sa%u", star, i);
		if (is_polymorphic(a))
			fprintf(server, ", mach_msg_type_name_t %sa%uPoly", star, i);
		break;
	}
}

/* The server's look at what came in. */
static void server_checks(unsigned r, unsigned i, struct argument a)
{
	const char *star = a.direction == 2 ? "*" : "";
	const char *address = a.direction == 2 ? "" : "&";

	switch (a.kind) {
	case SCALAR:
		fprintf(server, "\texpect(%sa%u == (%s)value(%u, %u, 0, 0), %u, %u, \"other value\");\n", star, i,
			c_names[a.size], r, i, r, i);
		break;
	case REAL:
		fprintf(server, "\texpect(%sa%u == (%s)(value(%u, %u, 0, 0) & 0xf), %u, %u, \"other value\");\n", star,
			i, a.size == 4 ? "float" : "double", r, i, r, i);
		break;
	case STRUCT:
		fprintf(server, "\texpect_bytes(%sa%u, %u, %u, %u, 0);\n", address, i, a.size * a.count, r, i);
		break;
	case ARRAY:
		fprintf(server, "\texpect_bytes(a%u, %u, %u, %u, 0);\n", i, a.size * a.count, r, i);
		break;
	case STRING:
	case VSTRING:
		fprintf(server, "\texpect_string(a%u, %u, %u, %u, 0);\n", i, a.count, r, i);
		break;
	case VARRAY:
	case MEMORY:
		fprintf(server, "\texpect(a%uCnt == value(%u, %u, 0, 77) %% %u, %u, %u, \"other count\");\n", i, r, i,
			a.count + 1, r, i);
		fprintf(server, "\texpect_bytes(a%u, a%uCnt * %uu, %u, %u, 0);\n", i, i, a.size, r, i);
		if (a.kind == MEMORY)
			fprintf(server, "\tif (a%uCnt != 0)\n\t\tmig_deallocate((vm_address_t)a%u, a%uCnt * %uu);\n", i,
				i, i, a.size);
		break;
	case PORTS:
	case PORT_MEMORY:
		fprintf(server, "\texpect(a%uCnt == value(%u, %u, 0, 77) %% %u, %u, %u, \"other count\");\n", i, r, i,
			a.count + 1, r, i);
		fprintf(server,
			"\tfor (unsigned i = 0; i < a%uCnt; i++) {\n\t\texpect(lb_object(a%u[i]) == "
			"lb_object(known_port), %u, %u, "
			"\"other port\");\n\t\tlb_drop(a%u[i]);\n\t}\n",
			i, i, r, i, i);
		if (a.kind == PORT_MEMORY)
			fprintf(server,
				"\tif (a%uCnt != 0)\n\t\tmig_deallocate((vm_address_t)a%u, a%uCnt * "
				"sizeof(mach_port_t));\n",
				i, i, i);
		break;
	case PORT:
		fprintf(server, "\texpect(lb_object(a%u) == lb_object(known_port), %u, %u, \"other port\");\n", i, r,
			i);
		if (is_polymorphic(a))
			fprintf(server,
				"\texpect(a%uPoly == MACH_MSG_TYPE_PORT_SEND, %u, %u, \"other disposition\");\n", i, r,
				i);
		fprintf(server, "\tlb_drop(a%u);\n", i);
		break;
	}
}

static void server_answers(unsigned r, unsigned i, struct argument a)
{
	switch (a.kind) {
	case SCALAR:
		fprintf(server, "\t*a%u = (%s)value(%u, %u, 1, 0);\n", i, c_names[a.size], r, i);
		break;
	case REAL:
		fprintf(server, "\t*a%u = (%s)(value(%u, %u, 1, 0) & 0xf);\n", i, a.size == 4 ? "float" : "double", r,
			i);
		break;
	case STRUCT:
	case ARRAY:
		fprintf(server, "\tfill(a%u, %u, %u, %u, 1);\n", i, a.size * a.count, r, i);
		break;
	case STRING:
	case VSTRING:
		fprintf(server, "\tfill_string(a%u, %u, %u, %u, 1);\n", i, a.count, r, i);
		break;
	case VARRAY:
		fprintf(server, "\texpect(*a%uCnt == %u, %u, %u, \"other room\");\n", i, a.count, r, i);
		fprintf(server, "\t*a%uCnt = (mach_msg_type_number_t)(value(%u, %u, 1, 77) %% %u);\n", i, r, i,
			a.count + 1);
		fprintf(server, "\tfill(a%u, *a%uCnt * %uu, %u, %u, 1);\n", i, i, a.size, r, i);
		break;
	case MEMORY:
		fprintf(server, "\t*a%uCnt = (mach_msg_type_number_t)(value(%u, %u, 1, 77) %% %u);\n", i, r, i,
			a.count + 1);
		fprintf(server,
			"\tif (*a%uCnt != 0) {\n\t\tvm_address_t memory;\n\n\t\tmig_allocate(&memory, *a%uCnt * %uu);\n"
			"\t\tfill((void *)memory, *a%uCnt * %uu, %u, %u, 1);\n\t\t*a%u = (m%u)memory;\n\t}\n",
			i, i, a.size, i, a.size, r, i, i, a.size);
		break;
	case PORTS:
	case PORT_MEMORY:
		fprintf(server, "\t*a%uCnt = (mach_msg_type_number_t)(value(%u, %u, 1, 77) %% %u);\n", i, r, i,
			a.count + 1);
		if (a.kind == PORT_MEMORY)
			fprintf(server,
				"\tif (*a%uCnt != 0) {\n\t\tvm_address_t memory;\n\n\t\tmig_allocate(&memory, *a%uCnt "
				"* sizeof(mach_port_t));\n"
				"\t\t*a%u = (mp)memory;\n\t}\n",
				i, i, i);
		fprintf(server,
			"\tfor (unsigned i = 0; i < *a%uCnt; i++)\n\t\t%sa%u%s[i] = lb_send_right(known_port);\n", i,
			a.kind == PORT_MEMORY ? "(*" : "", i, a.kind == PORT_MEMORY ? ")" : "");
		break;
	case PORT:
		fprintf(server, "\t*a%u = %s;\n", i, sent_right(a));
		if (is_polymorphic(a))
			fprintf(server, "\t*a%uPoly = MACH_MSG_TYPE_MAKE_SEND_ONCE;\n", i);
		break;
	}
}

static void client_variable(unsigned r, unsigned i, struct argument a)
{
	int in = a.direction != 1;

	switch (a.kind) {
	case SCALAR:
		fprintf(client, "\t%s a%u = ", c_names[a.size], i);
		fprintf(client, in ? "(%s)value(%u, %u, 0, 0);\n" : "0;\n", c_names[a.size], r, i);
		break;
	case REAL:
		fprintf(client, "\t%s a%u = ", a.size == 4 ? "float" : "double", i);
		fprintf(client, in ? "(%s)(value(%u, %u, 0, 0) & 0xf);\n" : "0;\n", a.size == 4 ? "float" : "double", r,
			i);
		break;
	case STRUCT:
		fprintf(client, "\tt%u_%u a%u;\n", r, i, i);
		if (in)
			fprintf(client, "\tfill(&a%u, sizeof a%u, %u, %u, 0);\n", i, i, r, i);
		break;
	case ARRAY:
		fprintf(client, "\t%s *a%u = exactly(%u);\n", c_names[a.size], i, a.size * a.count);
		if (in)
			fprintf(client, "\tfill(a%u, %u, %u, %u, 0);\n", i, a.size * a.count, r, i);
		break;
	case STRING:
	case VSTRING:
		fprintf(client, "\tchar *a%u = exactly(%u);\n", i, a.count);
		if (in)
			fprintf(client, "\tfill_string(a%u, %u, %u, %u, 0);\n", i, a.count, r, i);
		break;
	case VARRAY:
	case MEMORY:
		fprintf(client, "\tmach_msg_type_number_t a%uCnt = ", i);
		if (in)
			fprintf(client, "(mach_msg_type_number_t)(value(%u, %u, 0, 77) %% %u);\n", r, i, a.count + 1);
		else
			fprintf(client, "%u;\n", a.count);
		if (a.kind == MEMORY && !in) {
			fprintf(client, "\tm%u a%u = NULL;\n", a.size, i);
			break;
		}
		fprintf(client, "\t%s *a%u = exactly(a%uCnt * %uu);\n", c_names[a.size], i, i, a.size);
		if (in)
			fprintf(client, "\tfill(a%u, a%uCnt * %uu, %u, %u, 0);\n", i, i, a.size, r, i);
		break;
	case PORTS:
	case PORT_MEMORY:
		fprintf(client, "\tmach_msg_type_number_t a%uCnt = ", i);
		if (in)
			fprintf(client, "(mach_msg_type_number_t)(value(%u, %u, 0, 77) %% %u);\n", r, i, a.count + 1);
		else
			fprintf(client, "%u;\n", a.count);
		if (a.kind == PORT_MEMORY && !in) {
			fprintf(client, "\tmp a%u = NULL;\n", i);
			break;
		}
		fprintf(client, "\tmach_port_t *a%u = exactly(a%uCnt * sizeof(mach_port_t));\n", i, i);
		if (in)
			fprintf(client,
				"\tfor (unsigned i = 0; i < a%uCnt; i++)\n\t\ta%u[i] = lb_send_right(known_port);\n", i,
				i);
		break;
	case PORT:
		fprintf(client, "\tmach_port_t a%u = %s;\n", i, in ? sent_right(a) : "0");
		if (is_polymorphic(a))
			fprintf(client, "\tmach_msg_type_name_t a%uPoly = MACH_MSG_TYPE_MAKE_SEND;\n", i);
		break;
	}
}

static void client_argument(unsigned i, struct argument a)
{
	int pointer = a.direction != 0 && a.kind != ARRAY && a.kind != STRING && a.kind != VSTRING &&
		      a.kind != VARRAY && a.kind != PORTS;

	fprintf(client, ", %sa%u", pointer ? "&" : "", i);
	if (is_polymorphic(a))
		fprintf(client, ", %sa%uPoly", a.direction != 0 ? "&" : "", i);
	if (a.kind == VARRAY || a.kind == MEMORY || a.kind == PORTS || a.kind == PORT_MEMORY)
		fprintf(client, ", %sa%uCnt", a.direction != 0 ? "&" : "", i);
}

static void client_checks(unsigned r, unsigned i, struct argument a)
{
	int in_only = a.direction == 0;

	switch (a.kind) {
	case SCALAR:
		if (!in_only)
			fprintf(client, "\texpect(a%u == (%s)value(%u, %u, 1, 0), %u, %u, \"other answer\");\n", i,
				c_names[a.size], r, i, r, i);
		break;
	case REAL:
		if (!in_only)
			fprintf(client, "\texpect(a%u == (%s)(value(%u, %u, 1, 0) & 0xf), %u, %u, \"other answer\");\n",
				i, a.size == 4 ? "float" : "double", r, i, r, i);
		break;
	case STRUCT:
		if (!in_only)
			fprintf(client, "\texpect_bytes(&a%u, sizeof a%u, %u, %u, 1);\n", i, i, r, i);
		break;
	case ARRAY:
		if (!in_only)
			fprintf(client, "\texpect_bytes(a%u, %u, %u, %u, 1);\n", i, a.size * a.count, r, i);
		fprintf(client, "\tfree(a%u);\n", i);
		break;
	case STRING:
	case VSTRING:
		if (!in_only)
			fprintf(client, "\texpect_string(a%u, %u, %u, %u, 1);\n", i, a.count, r, i);
		fprintf(client, "\tfree(a%u);\n", i);
		break;
	case VARRAY:
	case MEMORY:
		if (!in_only) {
			fprintf(client, "\texpect(a%uCnt == value(%u, %u, 1, 77) %% %u, %u, %u, \"other count\");\n", i,
				r, i, a.count + 1, r, i);
			fprintf(client, "\texpect_bytes(a%u, a%uCnt * %uu, %u, %u, 1);\n", i, i, a.size, r, i);
		}
		if (a.kind == MEMORY && !in_only)
			fprintf(client, "\tif (a%uCnt != 0)\n\t\tmig_deallocate((vm_address_t)a%u, a%uCnt * %uu);\n", i,
				i, i, a.size);
		else
			fprintf(client, "\tfree(a%u);\n", i);
		break;
	case PORTS:
	case PORT_MEMORY:
		if (!in_only)
			fprintf(client,
				"\texpect(a%uCnt == value(%u, %u, 1, 77) %% %u, %u, %u, \"other count\");\n"
				"\tfor (unsigned i = 0; i < a%uCnt; i++) {\n\t\texpect(lb_object(a%u[i]) == "
				"lb_object(known_port), %u, %u, "
				"\"other port\");\n\t\tlb_drop(a%u[i]);\n\t}\n",
				i, r, i, a.count + 1, r, i, i, i, r, i, i);
		if (a.kind == PORT_MEMORY && !in_only)
			fprintf(client,
				"\tif (a%uCnt != 0)\n\t\tmig_deallocate((vm_address_t)a%u, a%uCnt * "
				"sizeof(mach_port_t));\n",
				i, i, i);
		else
			fprintf(client, "\tfree(a%u);\n", i);
		break;
	case PORT:
		if (!in_only)
			fprintf(client,
				"\texpect(lb_object(a%u) == lb_object(known_port), %u, %u, \"other port\");\n"
				"\tlb_drop(a%u);\n",
				i, r, i, i);
		if (!in_only && is_polymorphic(a))
			fprintf(client,
				"\texpect(a%uPoly == MACH_MSG_TYPE_PORT_SEND_ONCE, %u, %u, \"other disposition\");\n",
				i, r, i);
		break;
	}
}

static void one_routine(unsigned r)
{
	struct argument arguments[8];
	unsigned count = pick(9);
	unsigned i;

	for (i = 0; i < count; i++) {
		arguments[i] = random_argument();
		declare_type(r, i, arguments[i]);
	}
	fprintf(defs, "routine r%u(server: port_t", r);
	fprintf(server, "kern_return_t s_r%u(mach_port_t server", r);
	for (i = 0; i < count; i++) {
		static const char *const words[] = {"in", "out", "inout"};

		fprintf(defs, "; %s a%u: t%u_%u%s%s", words[arguments[i].direction], i, r, i,
			(arguments[i].kind == MEMORY || arguments[i].kind == PORT_MEMORY) && arguments[i].direction == 1
				? ", dealloc"
				: "",
			arguments[i].countinout ? ", countinout" : "");
		server_parameter(r, i, arguments[i]);
	}
	fprintf(defs, ");\n");
	fprintf(server, ")\n{\n\t(void)server;\n");
	fprintf(client, "static void call%u(void)\n{\n", r);
	for (i = 0; i < count; i++) {
		if (arguments[i].direction != 1)
			server_checks(r, i, arguments[i]);
		client_variable(r, i, arguments[i]);
	}
	fprintf(client, "\n\tlb_paint();\n\texpect(r%u(server", r);
	for (i = 0; i < count; i++) {
		if (arguments[i].direction != 0)
			server_answers(r, i, arguments[i]);
		client_argument(i, arguments[i]);
	}
	fprintf(server, "\treturn KERN_SUCCESS;\n}\n\n");
	fprintf(client, ") == KERN_SUCCESS, %u, 0, \"an error\");\n", r);
	for (i = 0; i < count; i++)
		client_checks(r, i, arguments[i]);
	fprintf(client, "}\n\n");
}

int main(int argc, char **argv)
{
	unsigned routines = argc > 2 ? (unsigned)atoi(argv[2]) : 20;
	unsigned r;

	state = argc > 1 ? (uint64_t)atoi(argv[1]) : 1;
	defs = fopen("random.defs", "w");
	types = fopen("random_types.h", "w");
	client = fopen("random_calls.c", "w");
	server = fopen("random_work.c", "w");
	if (defs == NULL || types == NULL || client == NULL || server == NULL)
		return 1;
	fprintf(defs,
		"subsystem random 4096;\ntype port_t = MACH_MSG_TYPE_COPY_SEND ctype: mach_port_t;\n"
		"type e1 = MACH_MSG_TYPE_INTEGER_8 ctype: int8_t;\ntype e2 = MACH_MSG_TYPE_INTEGER_16 ctype: int16_t;\n"
		"type e4 = MACH_MSG_TYPE_INTEGER_32 ctype: int32_t;\ntype e8 = MACH_MSG_TYPE_INTEGER_64 ctype: "
		"int64_t;\n"
		"type move_t = MACH_MSG_TYPE_MOVE_SEND ctype: mach_port_t;\nimport \"random_types.h\";\nserverprefix "
		"s_;\n"
		"routine set_round(server: port_t; number: int);\n"
		"routine get_state(server: port_t; out wrong_values: int; out rights: int);\n");
	fprintf(types, "#pragma once\n#include <stdint.h>\ntypedef int8_t *m1;\ntypedef int16_t *m2;\ntypedef int32_t "
		       "*m4;\ntypedef int64_t *m8;\ntypedef uint32_t *mp;\n");
	fprintf(client, "#include \"random_user.h\"\n#include \"values.h\"\n\nextern mach_port_t server;\n\n");
	fprintf(server, "#include \"random_server.h\"\n#include \"values.h\"\n\n");
	for (r = 0; r < routines; r++)
		one_routine(r);
	fprintf(client, "void call_all(void);\nvoid call_all(void)\n{\n");
	for (r = 0; r < routines; r++)
		fprintf(client, "\tcall%u();\n", r);
	fprintf(client, "}\n");
	return 0;
}
