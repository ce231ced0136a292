/* What the files of the kit share about a program that is a pager. */
#ifndef PAGERS_KIT_PROGRAM_H
#define PAGERS_KIT_PROGRAM_H

#include "pagers/kit/kit.h"

/* Serves the object under the service's name for ever. Returns when something is missing. */
kern_return_t pk_publish(const char *service, const struct pk_ops *ops, void *self, uint64_t size);

#endif
