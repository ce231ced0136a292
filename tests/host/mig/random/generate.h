/* A random interface as the generator holds it; the parts that write it. */
#ifndef RANDOM_GENERATE_H
#define RANDOM_GENERATE_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

enum dialect { PORTOLAN, GNU, APPLE, OSF, CMU, DIALECTS };

/* What arrays, memory and plain arguments are made of. */
struct element {
	char name[16]; /* in the .defs file and in C */
	unsigned size, align;
	bool is_array;       /* C cannot pass it by value */
	bool is_integer;     /* of mig's plain numbers */
	unsigned rights;     /* how many rights it is; 0: data */
	const char *sent_as; /* rights: MACH_MSG_TYPE_*; polymorphic: null */
	bool told;           /* polymorphic: the receiver is told the disposition */
	bool one_way;        /* its translation has no outtran, or none at all is possible in that direction */
	bool translated;     /* the work function sees seen_NAME */
	unsigned spans;      /* the bytes of it that are no padding: offset and size */
	unsigned span[40][2];
};

enum shape {
	ONE,
	POINTER,
	VALUE,
	OPTIONAL,
	ARRAY,
	STRING,
	VARRAY,
	VSTRING,
	MEMORY,        /* ^array[] */
	UNBOUNDED,     /* array[] */
	FIXED_MEMORY,  /* ^array[n] */
	MEMORIES,      /* array[n] of ^ */
	SOME_MEMORIES, /* array[*:n] of ^ */
	SPECIAL,       /* ports, times, options, trailers */
};

enum direction { IN, OUT, INOUT };

enum {
	DEALLOC = 1 << 0,
	NOTDEALLOC = 1 << 1,
	DEALLOC_ARG = 1 << 2,
	TYPE_DEALLOC = 1 << 3, /* (NAME, BITS, dealloc) */
	COUNTINOUT = 1 << 4,
	SAMECOUNT = 1 << 5,
	OVERWRITE = 1 << 6,
	AUTO = 1 << 7,
	CONST = 1 << 8,
	SERVERCOPY = 1 << 9,
	PHYSICALCOPY = 1 << 10,
	ISLONG = 1 << 11,
	ISNOTLONG = 1 << 12,
	RETCODE = 1 << 13,
};

enum { ON_CLIENT = 1, ON_SERVER = 2 };

/* An argument that is in no message's body. */
struct special {
	const char *word; /* direction in the file */
	const char *name; /* null: any */
	const char *type;
	unsigned sides;
	bool trailer;
	const char *given;  /* what the client passes; null: it receives */
	const char *server; /* what the server, and the client, must find */
	const char *client;
	unsigned group; /* a routine has one of each */
};

struct argument {
	enum shape shape;
	char name[16];
	const struct element *element;
	unsigned count;    /* elements, or the most of them */
	unsigned pieces;   /* arrays of memory: how many, at most; each of `count`, at most */
	bool fixed_pieces; /* of exactly `count` */
	enum direction direction;
	unsigned flags;
	unsigned owner; /* whose count it has */
	unsigned limit; /* the most that all who share the count can have */
	bool bounded;   /* one of them is an array with a bound: more are refused */
	const struct special *special;
};

enum routine_kind { ROUTINE, SIMPLE, PROCEDURE, SIMPLE_PROCEDURE, FUNCTION, REPLY };
enum consume { CONSUME_NONE, CONSUME_TIMEOUT, CONSUME_ANY };

enum { ARGUMENTS = 10 };

struct routine {
	unsigned number;
	enum routine_kind kind;
	char user_prefix[8], server_prefix[8];
	struct argument argument[ARGUMENTS];
	unsigned arguments;
	unsigned request_port; /* before which argument */
	bool request_port_said;
	unsigned request_port_kind;  /* plain, translated, polymorphic */
	const struct element *value; /* of a function */
	enum consume consume;
};

struct generator {
	uint64_t state;
	enum dialect dialect;
	bool guest; /* between two tasks: nothing that only the host's loop-back can do */
	FILE *defs, *types, *layouts, *client, *server;
	struct element elements[40];
	unsigned element_count;
	enum consume consume;
	char user_prefix[8], server_prefix[8];
};

extern struct generator g;

/* A number below `below`. */
unsigned pick(unsigned below);
/* Once in `often`. */
bool rarely(unsigned often);
const char *text(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* types.c */
void make_elements(void);
const struct element *pick_data(bool by_value);
const struct element *pick_right(bool sent_by_server, bool in_array);
void declare_argument_type(const struct routine *routine, unsigned index, char *spec);

/* arguments.c */
void choose_arguments(struct routine *routine);
bool is_simple(const struct routine *routine);
bool in_memory(const struct argument *a);
bool varies(const struct argument *a);
bool has_count(const struct argument *a);
bool has_pieces(const struct argument *a);
bool goes_in(const struct argument *a);
bool comes_out(const struct argument *a);
/* Whether the argument brings its disposition, on a side. */
bool has_poly(const struct argument *a, bool client);
/* Whether what comes goes into a buffer of the client's: always, or if it fits. */
bool is_overwritten(const struct argument *a);
bool may_fit(const struct argument *a);
/* "0", "1", or an expression: whether the sender's memory goes with the message. */
const char *moves(const struct routine *routine, unsigned index, unsigned side);
/* How rights are sent, as an expression. */
const char *sent_as(const struct routine *routine, unsigned index, unsigned side);
const char *value_sent_as(const struct element *element);

/* prototypes.c: the parameters of the client's function or the work function, types and names. */
void put_parameters(FILE *file, const struct routine *routine, bool client);
const char *c_result(const struct routine *routine, bool client);

/* client.c, server.c */
unsigned possible_fates(const struct routine *routine);
void put_call(const struct routine *routine);
void put_work(const struct routine *routine);

#endif
