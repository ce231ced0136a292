/* Mach's boolean. */
#ifndef MACH_BOOLEAN_H
#define MACH_BOOLEAN_H
typedef int boolean_t;
#ifndef TRUE
#define TRUE  1
#define FALSE 0
#endif
#endif
