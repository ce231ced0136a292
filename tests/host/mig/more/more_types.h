/* The C types of more.defs. */
#ifndef MORE_TYPES_H
#define MORE_TYPES_H

#include <mach/boolean.h>
#include <mach/message.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct {
	int32_t x, y;
} point_t;
typedef char *data_t;
typedef uint64_t mach_port_context_t;
typedef int32_t *flags_t;
extern mach_msg_timeout_t more$times;
/* Words of the language, and what ends in a dollar. */
extern mach_msg_timeout_t serverdemux, of, ends$;
enum { skip = MACH_SEND_INTERRUPT, type$ = MACH_RCV_INTERRUPT };
extern struct more_times {
	int rcv;
} more_times;
struct wide_thing {
	char tag;
	int64_t number[5];
};
extern struct wide_thing nothing_wide;
#define NO_THING (&nothing_wide)
typedef int32_t *numbers_t, *loose_t;
typedef mach_port_t *ports_t;
typedef int64_t *wide_t;

/* What the server sees of what is translated. */
typedef struct {
	const int32_t *at;
	int32_t sum;
} seen_vector_t;
typedef int seen_label_t;
typedef struct {
	int32_t y, x;
	bool swapped;
} swapped_t;
typedef long whole_t;
seen_vector_t vector_in(const int32_t *vector);
const int32_t *vector_out(seen_vector_t vector);
void vector_done(seen_vector_t vector);
seen_label_t label_in(const char *label);
void label_done(seen_label_t label);
swapped_t swapped_in(point_t point);
point_t swapped_out(swapped_t swapped);
whole_t whole_in(double half);
double whole_out(whole_t whole);

#endif
