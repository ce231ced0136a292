/* Calls and servers written by hand, that do and check what those made by mig do: what these are measured against. */
#ifndef TESTS_BENCH_BY_HAND_H
#define TESTS_BENCH_BY_HAND_H

#include <mach/mach.h>

enum { BENCH_ID = 100, BENCH_DATA_MAX = 64 };

/* Register calls: the null one. */
void hand_null_server(uint64_t port);

/* Messages: bench_data and bench_right of stubs.defs. */
kern_return_t hand_data(mach_port_t server, mach_port_t reply, const char *data, uint32_t count, int *sum);
kern_return_t hand_right(mach_port_t server, mach_port_t reply, mach_port_t right, int number, int *next);
void hand_message_server(uint64_t port);

/* The work, also of the stubs. */
kern_return_t S_bench_null(mach_port_t server);
kern_return_t S_bench_data(mach_port_t server, const char *data, mach_msg_type_number_t count, int *sum);
kern_return_t S_bench_right(mach_port_t server, mach_port_t right, int number, int *next);

#endif
