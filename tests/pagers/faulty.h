/* The pagers of the tests that are one program: an argument says which it is. */
#ifndef TESTS_PAGERS_FAULTY_H
#define TESTS_PAGERS_FAULTY_H
#include <pagers/kit/kit.h>
extern const struct pk_program pass;
#endif
