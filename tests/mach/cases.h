/* The conformance tests of Mach's routines: each case calls one routine and says which code it must return. */
#ifndef TESTS_MACH_CASES_H
#define TESTS_MACH_CASES_H

#include "../interface/test.h"

/* CASE(mach_port_type, (self, name, &type), KERN_SUCCESS, "of a set"): doc/mach.md counts the names of routines here. */
#define CASE(routine, arguments, wanted, what) check_is(#routine ": " what, routine arguments, wanted)

/* A name that stands for nothing, and one for each kind of thing that a routine refuses. */
#define NO_NAME 0x7654300u
extern mach_port_t self, host, host_priv;

void test_ports_of_mach(void);
void test_messages_of_mach(void);
void test_tasks_of_mach(void);
void test_states_of_mach(void);
void test_memory_of_mach(void);
void test_times_of_mach(void);
void test_exceptions_of_mach(void);
void test_semaphores_of_mach(void);

#endif
