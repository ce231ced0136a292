/* What an interface file says, once parsed: types, arguments, routines, statements. */
#ifndef IDL_MODEL_H
#define IDL_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where something stands. `text` is its line in the preprocessed input (ends at a newline). */
struct loc {
	const char *file;
	const char *text;
	unsigned line;
	unsigned column; /* from 1, in `text` */
	unsigned length;
};

/* Numbers of ipc names; polymorphic is none of the wire's. */
enum {
	IPC_POLYMORPHIC = -1,
	IPC_PORT_NAME = 15,
	IPC_MOVE_RECEIVE = 16,
	IPC_MOVE_SEND = 17,
	IPC_MOVE_SEND_ONCE = 18,
	IPC_COPY_SEND = 19,
	IPC_MAKE_SEND = 20,
	IPC_MAKE_SEND_ONCE = 21,
};

enum shape {
	SHAPE_SCALAR,    /* up to 64 bits */
	SHAPE_REAL,      /* a float or double */
	SHAPE_PORT,      /* one right */
	SHAPE_STRUCT,    /* bytes that C passes by value */
	SHAPE_ARRAY,     /* element[count] */
	SHAPE_STRING,    /* char[count], terminated */
	SHAPE_VARRAY,    /* element[up to count] inline */
	SHAPE_VSTRING,   /* char[up to count] inline, terminated */
	SHAPE_UNBOUNDED, /* array[]: looks inline to the caller, travels out of line */
	SHAPE_OOL,       /* ^: out of line, `count` elements or, if `variable`, any number */
	SHAPE_POINTER,   /* PointerTo: the C type's bytes, passed by address */
	SHAPE_VALUE,     /* ValueOf: the C type's bytes, passed by value */
	SHAPE_OPTIONAL,  /* PointerToIfNot: the same by address, or nothing when the address is `absent` */
	SHAPE_OOL_ARRAY, /* array of ^: `count` pieces of memory or, if `variable`, up to so many */
};

struct member {
	struct member *next;
	const char *name;
	struct type *type;
	uint64_t offset;
};

struct type {
	struct type *next; /* in order of definition */
	struct type *hash_next;
	struct loc loc;
	const char *name;
	enum shape shape;
	int send_name; /* disposition or kind when sent and when received */
	int recv_name;
	uint64_t bytes; /* of a fixed shape; of one element of a variable one at most */
	unsigned align;
	uint64_t count;
	bool variable;
	uint64_t bound; /* of out-of-line memory whose length varies: elements at most; 0: any number */
	bool dealloc;   /* from the long form */
	bool bad;       /* already complained about */
	bool builtin;
	unsigned depth;
	struct type *element;
	struct member *members; /* struct { } */
	const char *c_type;
	const char *absent; /* PointerToIfNot's second word */
	const char *c_user_type;
	const char *c_server_type;
	const char *trans_type; /* what the work function sees */
	const char *intran;
	const char *outtran;
	const char *destructor;
	const char *intran_payload;
	const char *intran_error; /* what a call gives whose argument is translated to null, or null */
};

enum direction {
	DIR_NONE, /* not said */
	DIR_IN,
	DIR_OUT,
	DIR_INOUT,
	DIR_REQUEST_PORT,
	DIR_REPLY_PORT,
	DIR_UREPLY_PORT,
	DIR_SREPLY_PORT,
	DIR_WAITTIME,
	DIR_SENDTIME,
	DIR_MSGOPTION,
	DIR_MSGSEQNO,
	DIR_SECTOKEN,
	DIR_SERVERSECTOKEN,
	DIR_USERSECTOKEN,
	DIR_AUDITTOKEN,
	DIR_SERVERAUDITTOKEN,
	DIR_USERAUDITTOKEN,
	DIR_CONTEXTTOKEN,
	DIR_SERVERIMPL,
	DIR_USERIMPL,
};

/* What an argument takes from the trailer of a message. */
enum trailer_field {
	TRAILER_NONE,
	TRAILER_SEQNO,
	TRAILER_SENDER_ID,
	TRAILER_CONTEXT,
	TRAILER_SECURITY,
	TRAILER_AUDIT,
};

enum {
	FLAG_DEALLOC = 1 << 0,
	FLAG_NOTDEALLOC = 1 << 1,
	FLAG_DEALLOC_ARG = 1 << 2, /* dealloc[] */
	FLAG_SERVERCOPY = 1 << 3,
	FLAG_COUNTINOUT = 1 << 4,
	FLAG_SAMECOUNT = 1 << 5,
	FLAG_ISLONG = 1 << 6,
	FLAG_ISNOTLONG = 1 << 7,
	FLAG_PHYSICALCOPY = 1 << 8,
	FLAG_OVERWRITE = 1 << 9,
	FLAG_AUTO = 1 << 10,
	FLAG_CONST = 1 << 11,
	FLAG_RETCODE = 1 << 12,
};

struct argument {
	struct argument *next;
	struct loc loc;
	const char *name;
	const char *written; /* the whole declaration; of a function's value its type */
	struct type *type;
	enum direction direction;
	unsigned flags;
	enum trailer_field trailer;  /* of the request for the server, of the reply for the client */
	struct argument *same_count; /* samecount: the argument whose count is also its own */
	bool in;                     /* in the request's body */
	bool out;                    /* in the reply's body */
	bool user;                   /* an argument of the client's function */
	bool server;                 /* an argument of the work function */
	unsigned in_word;            /* register routines: first word in the request, in the reply */
	unsigned out_word;
	unsigned words;
	bool has_room; /* an out array[] for which the server has room behind the reply, so many bytes after its end */
	uint64_t room;
};

/* One thing in a message. */
enum item_kind {
	ITEM_PORT,            /* a descriptor */
	ITEM_PORTS,           /* a port descriptor for each right of an array */
	ITEM_OOL,             /* a descriptor */
	ITEM_OOL_PORTS,       /* a descriptor; also an array of rights that are too many for ITEM_PORTS */
	ITEM_OOL_ARRAY,       /* a descriptor for each element */
	ITEM_OOL_PORTS_ARRAY, /* a descriptor for each element */
	ITEM_DATA,            /* bytes of fixed length */
	ITEM_COUNT,           /* only the count of the argument */
	ITEM_VARIABLE,        /* a count and elements; what follows moves */
};

struct item {
	struct item *next;
	enum item_kind kind;
	struct argument *argument;
	unsigned part;       /* data: which piece of the message */
	uint64_t descriptor; /* descriptors: index of the first, and how many */
	uint64_t descriptors;
};

static inline bool is_descriptor_array(enum item_kind kind)
{
	return kind == ITEM_PORTS || kind == ITEM_OOL_ARRAY || kind == ITEM_OOL_PORTS_ARRAY;
}

/* A message: parts that each end with at most one variable item and begin at a multiple of 8. */
struct message {
	struct item *items;
	uint64_t descriptors;
	unsigned parts;
	bool has_data;     /* an NDR record is there */
	bool result;       /* it can say how a routine ended: a reply, or a request with a retcode */
	uint64_t min_size; /* bytes, header included, as far as this program can know C's alignment */
	uint64_t max_size;
};

/* ConsumeOnSendError: whether the stub destroys a request that could not be sent. */
enum consume { CONSUME_NONE, CONSUME_TIMEOUT, CONSUME_ANY };

/* What a routine returns in C: a result, nothing (errors go to the error procedure), or its value (the same). */
enum routine_kind { KIND_ROUTINE, KIND_PROCEDURE, KIND_FUNCTION };

struct routine {
	struct routine *next;
	struct routine *hash_next;
	struct loc loc;
	const char *name; /* as declared */
	const char *user_name;
	const char *server_name;
	int64_t id;
	enum routine_kind kind;
	bool skip;
	bool simple;
	bool registers;
	const char *reason; /* why not by registers */
	unsigned request_words;
	unsigned reply_words;
	struct argument *arguments;
	struct argument *value;      /* of a function: its last argument, an out one, unless seen from C */
	const char *error_procedure; /* of procedures and functions */
	struct argument *request_port;
	struct argument *reply_port;   /* the client's, null when the stub makes one */
	struct argument *server_reply; /* what the work function gets */
	struct argument *waittime;
	struct argument *sendtime;
	struct argument *msgoption;
	struct argument *retcode; /* of a one-way routine that is somebody's reply */
	bool user_trailer;        /* some argument is in the reply's, in the request's trailer */
	bool server_trailer;
	bool special_reply_port;
	uint64_t on_stack_limit; /* bytes; 0: none */
	uint64_t user_type_limit;
	bool allocated;        /* the client's messages are too large for the stack */
	bool rights_in_memory; /* arrays of rights travel out of line: they are too many for descriptors of their own */
	uint64_t reply_room;   /* bytes behind the reply for what such arrays, and array[], hold until it is sent */
	enum consume consume;
	const char *default_waittime;
	const char *default_sendtime;
	const char *default_msgoption;
	struct message request;
	struct message reply;
};

enum import_kind { IMPORT_BOTH, IMPORT_USER, IMPORT_SERVER, IMPORT_INTERNAL, IMPORT_DEFINES };

struct import {
	struct import *next;
	struct import *hash_next;
	enum import_kind kind;
	const char *file; /* with its quotes or angle brackets */
};

struct interface {
	struct loc loc;
	const char *name;
	int64_t base;
	bool declared;
	bool kernel_user;
	bool kernel_server;
	bool foreign;
	bool deferred;
	const char *demux;
	const char *rcsid; /* with its quotes; null: none */
	struct type *types;
	struct type **types_end;
	struct routine *routines;
	struct routine **routines_end;
	struct import *imports;
	struct import **imports_end;
	int64_t slots; /* ids used, skips included */
};

#endif
