/* For stubs and headers of both sides: more.defs imports it with dimport, and nothing else includes it. */
#ifndef MORE_EVERYWHERE_H
#define MORE_EVERYWHERE_H

#include <stdint.h>

typedef int32_t everywhere_t;

#endif
