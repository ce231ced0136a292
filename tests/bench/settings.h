/* Rows of mach.c's program for the three settings of foreign calls. */
#ifndef TESTS_BENCH_SETTINGS_H
#define TESTS_BENCH_SETTINGS_H

/* Prints its rows; the caller prints nothing meanwhile. */
void setting_rows(void);

#endif
