/* C types of kern.defs. */
#ifndef KERN_TYPES_H
#define KERN_TYPES_H
#include <ipc/ipc_kmsg.h>
typedef struct thing *thing_t;
typedef struct ipc_port **ipc_port_array_t;
typedef vm_map_copy_t copies_t[2];
typedef ipc_port_array_t port_lists_t[2];
typedef ipc_port_t pair_t[2];
typedef pair_t pairs_t[2];
typedef const char *text_t;
typedef const char *const_text_t;
thing_t thing_of_port(ipc_port_t port);
ipc_port_t port_of_thing(thing_t thing);
void thing_release(thing_t thing);
#endif
