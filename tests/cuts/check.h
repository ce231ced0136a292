/* What a file system holds after a cut, beside what its plan had promised (plan.h). */
#ifndef TESTS_CUTS_CHECK_H
#define TESTS_CUTS_CHECK_H

#include "pagers/filekit/backend.h"
#include "tests/cuts/plan.h"

/* Does operation `number` of the plan below the folder `root`, and commits it; -1, or an errno that ends it. */
int cuts_do(struct fk_volume *volume, uint64_t root, uint64_t seed, uint32_t number);
/* The folders. */
int cuts_begin_plan(struct fk_volume *volume, uint64_t root);

/*
 * Compares: all operations up to `promised` were done and synced, later ones up to `last` may have been done, or begun.
 * How much is wrong; each is printed.
 */
unsigned cuts_check(struct fk_volume *volume, uint64_t root, uint64_t seed, uint32_t promised, uint32_t last);

/* Of a disk that is damaged: what can be read of the folders is nothing of another's. */
unsigned cuts_check_strangers(struct fk_volume *volume, uint64_t root, uint64_t seed, uint32_t last);

#endif
