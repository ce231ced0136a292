/* Descriptors of messages: filling and checking them, and what C has for them. */
#ifndef IDL_DESCRIPTORS_H
#define IDL_DESCRIPTORS_H

#include "emit.h"

bool is_memory(enum item_kind kind);
/* Rights in ports' descriptors, or in memory. Only for what is in descriptors. */
bool carries_rights(enum item_kind kind);
/* An array of rights that travels in memory, though C has it inline. */
bool is_array_in_memory(const struct item *item);
/* The server's pointer to such an array: `E *` or, of elements without a name, `T *`. */
void put_memory_variable(struct output *output, const struct argument *argument);
/* The array that is at an address, as an expression. */
const char *memory_value(struct output *output, const struct argument *argument, const char *pointer);
/* The type of an out-of-line argument's memory: its own, or in an array that of each element. */
const struct type *memory_type(const struct argument *argument);
/* Bytes, or rights, that the count of such memory counts as one. */
uint64_t memory_unit(const struct argument *argument);

/* Begins a loop over the descriptors of an array; what follows is indented like that. */
const char *begin_descriptors(struct output *output, const struct item *item);
void end_descriptors(struct output *output, const struct item *item);
/* Expressions: which of the message's descriptors it is; what stands in the message; what came, carried in the kernel.
 */
const char *descriptor_index(struct output *output, const struct item *item);
const char *descriptor_image(struct output *output, const struct item *item, const char *kind);
const char *received_descriptor(struct output *output, const struct item *item, const char *kind);
const char *first_descriptor(struct output *output, const struct item *item, const char *kind);
/* What came: the right or memory, and of memory how many elements. */
const char *received_value(struct output *output, const struct item *item, const char *kind);
const char *received_elements(struct output *output, const struct item *item, const char *kind);
const char *descriptor_type(const struct item *item);
/* The field that says how much memory has. */
const char *memory_field(const struct item *item);

/* Of arrays: descriptors in use when there are `count` elements; element mig_i of the C array; that array and its Subs.
 */
const char *array_limit(struct output *output, const struct argument *argument, const char *count);
const char *array_element(struct output *output, const struct argument *argument, bool constant);
void put_array_variable(struct output *output, const struct argument *argument);

/* Elements at most of memory whose length varies: its bound, or what 32 bits can say. */
uint64_t memory_limit(const struct argument *argument);
/* Bytes, or rights, of memory that is sent, as an expression of the sender's variables. */
const char *memory_size(struct output *output, const struct argument *argument);
/* Whether the memory goes with the message, as an expression of the sender's variables: "0", "1" or another. */
const char *deallocate_text(struct output *output, const struct argument *argument);
/* Fills an item from C variables called like the argument. */
void put_descriptor(struct output *output, const struct item *item, const char *kind);
/* Returns MIG_ARRAY_TOO_LARGE if more is to be sent than there is room for. */
void put_descriptor_limits(struct output *output, const struct item *item);
/* Jumps to the label when kind, disposition or size are wrong; the second when an array has more than it counts. */
void check_descriptor(struct output *output, const struct item *item, const char *kind, const char *label);
void check_unused(struct output *output, const struct message *message, const struct item *item, const char *kind,
	const char *label);

#endif
