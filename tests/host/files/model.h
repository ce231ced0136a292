/* Random operations on a file system behind struct fk_operations, checked against a model in memory. */
#ifndef TESTS_HOST_FILES_MODEL_H
#define TESTS_HOST_FILES_MODEL_H

#include "pagers/filekit/backend.h"

#include <stdbool.h>

/* Prints PASS or FAIL; fails are counted. */
void check(bool good, const char *format, ...) __attribute__((format(printf, 2, 3)));
extern unsigned failures;

uint32_t model_random(uint32_t below);
void model_seed(uint64_t seed);

/*
 * A model of what is below one directory, which the first call makes in the root. Operations return the number of
 * disagreements, each of which is printed.
 */
void model_begin(struct fk_volume *volume);
/* The same file system, opened again. */
void model_reopen(struct fk_volume *volume);
unsigned model_run(unsigned operations);
/* Compares the whole tree. */
unsigned model_compare(void);
/* Closes what is open and unlinked. */
void model_drop_open(void);
void model_end(void);

/* For file systems that may be damaged: walks everything, reads and changes it, minds no result. */
void model_abuse(struct fk_volume *volume, unsigned operations);

/* The bytes of a file, through read(); put back when the volume's pages are precious. 0 or an errno. */
int model_read(struct fk_volume *volume, uint64_t inode, uint64_t offset, size_t length, void *buffer);
/* Reserves and writes bytes, as the Unix server does. */
int model_write(struct fk_volume *volume, uint64_t inode, uint64_t offset, const void *data, size_t length);
/* Changes the size as the kit does. */
int model_truncate(struct fk_volume *volume, uint64_t inode, uint64_t size);

#endif
