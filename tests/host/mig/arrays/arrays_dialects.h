/* The C types that the other dialects use for arrays.defs, where Portolan's uses elements. */
#ifndef ARRAYS_DIALECTS_H
#define ARRAYS_DIALECTS_H

#include "arrays_types.h"
typedef data_t three_t[3], two_data_t[2], some_data_t[2];
typedef given_t givens_t[2];
typedef numbers_t lists_t[4], two_numbers_t[2];
typedef four_t fours_t[2], some_fours_t[3], some_fixed_t[2];
typedef ports_t pages_t[2], some_pages_t[3];
typedef two_ports_t couples_t[2];
typedef onces_t two_onces_t[2];
typedef pair_t pairs_t[3], some_pairs_t[3];
typedef mach_port_t rights_t[4], any_rights_t[3], few_rights_t[2];

typedef int32_t trio_t[3], five_t[5], quad_t[4], six_t[6];
typedef data_t duo_t[2];
typedef char *text_t;
typedef const char *const_text_t;

typedef couple_t three_couples_t[3];
typedef mach_port_t crowd_t[1024], house_t[300], any_crowd_t[1000];
typedef pair_t crowd_of_pairs_t[200];
typedef int32_t names_t[1000];
typedef few_numbers_t few_lists_t[3];
typedef char *short_text_t;

#endif
