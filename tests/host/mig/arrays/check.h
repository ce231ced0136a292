/* What the client's tests of arrays.defs share. */
#ifndef ARRAYS_CHECK_H
#define ARRAYS_CHECK_H

#include "arrays.h"

/* A send right to the server. */
extern mach_port_t server;
/* Some check of the test that runs has failed. */
extern bool bad;

void check_true(bool ok, const char *what, int line);
/* Runs a test: after it as many rights and regions are there as before. */
void run(const char *name, void (*test)(void));
/* many.c: structs and large arrays of rights, bounded and large memory. */
void test_many(void);

#define CHECK(condition) check_true(condition, #condition, __LINE__)
/* Every call begins on a painted stack, so that a byte nobody wrote shows in the message. */
#define CALL(call) (lb_paint(), (call))
#define OK(call)   CHECK(CALL(call) == KERN_SUCCESS)

#endif
