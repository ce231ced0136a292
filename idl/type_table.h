/* Looking types up by name. */
#ifndef IDL_TYPE_TABLE_H
#define IDL_TYPE_TABLE_H

#include "compiler.h"

struct ipc_name {
	const char *name;
	int send;
	int recv;
	unsigned bits; /* 0: no size of its own */
	enum shape shape;
};

/* Null when there is none. */
struct type *find_type(struct compiler *compiler, const char *name);
const struct ipc_name *find_ipc_name(const char *name);
/* What to do about a name that is unknown: the one that was meant, if it is near. */
const char *suggestion(struct compiler *compiler, const char *name);
struct type *type_of_ipc_name(struct compiler *compiler, const struct loc *loc, const struct ipc_name *ipc);

#endif
