/* C types of later.defs. */
#ifndef SPECIAL_H
#define SPECIAL_H
typedef unsigned char *later_data_t;
#endif
