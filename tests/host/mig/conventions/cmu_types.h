/* The types of cmu.defs. */
#ifndef CMU_TYPES_H
#define CMU_TYPES_H

typedef int *cmu_list_t;
typedef char *cmu_data_t;
typedef char cmu_text_t[64];

#endif
