/* The C types that the other dialects use for more.defs, where Portolan's uses elements. */
#ifndef MORE_DIALECTS_H
#define MORE_DIALECTS_H

#include "more_types.h"
typedef const char *const_data_t;

#endif
