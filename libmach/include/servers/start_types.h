/* Types of the interface by which servers are started while the system runs. */
#ifndef SERVERS_START_TYPES_H
#define SERVERS_START_TYPES_H
#include <servers/bootstrap_types.h>

#define SERVERS_STARTED_MAX 32u
#define SERVER_PROGRAM_MAX  (16u << 20) /* bytes */

enum { SERVER_STARTING, SERVER_SERVES, SERVER_DEAD };

typedef char server_line_t[1024];
#endif
