/* The groups of the server tests. */
#ifndef TESTS_SERVERS_TESTS_H
#define TESTS_SERVERS_TESTS_H

#include "../interface/test.h"

void test_libc(void);
void test_bootstrap(void);
void test_disk(void);

/* Serves `service` with block.defs: block_info answers with the instance's start time and 7, block_flush kills the
 * task. */
int serve(const char *service);

#endif
