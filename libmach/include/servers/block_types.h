/* Types of the block interface. */
#ifndef SERVERS_BLOCK_TYPES_H
#define SERVERS_BLOCK_TYPES_H
typedef char device_name_t[32];
#endif
