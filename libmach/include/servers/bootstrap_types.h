/* Types of the bootstrap interface. */
#ifndef SERVERS_BOOTSTRAP_TYPES_H
#define SERVERS_BOOTSTRAP_TYPES_H
typedef char service_name_t[64];
typedef char log_line_t[512];
#endif
