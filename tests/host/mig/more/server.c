/* The work functions of more.defs. */
#include "more.h"

#include <stdio.h>
#include <string.h>

struct more_told more_told;
void *const calls_told = &more_told;
const size_t calls_told_size = sizeof more_told;

/* These keep nothing. */
void calls_in_server(int what)
{
	(void)what;
}

static uint32_t sum_of(audit_token_t token)
{
	uint32_t sum = 0;

	for (unsigned i = 0; i < 8; i++)
		sum = 10 * sum + token.val[i];
	return sum;
}

kern_return_t s_security(mach_port_t server, security_token_t token, uint32_t *uid, uint32_t *gid)
{
	(void)server;
	*uid = token.val[0];
	*gid = token.val[1];
	return KERN_SUCCESS;
}

kern_return_t s_server_security(
	mach_port_t server, security_token_t token, data_t a, mach_msg_type_number_t aCnt, uint32_t *uid)
{
	(void)server;
	*uid = token.val[0] + aCnt;
	mig_deallocate((vm_address_t)a, aCnt);
	return KERN_SUCCESS;
}

kern_return_t s_user_security(mach_port_t server, mach_port_t a, int32_t *object)
{
	(void)server;
	*object = (int32_t)lb_object(a);
	lb_drop(a);
	return KERN_SUCCESS;
}

kern_return_t s_audits(mach_port_t server, audit_token_t token, uint32_t *sum)
{
	(void)server;
	*sum = sum_of(token);
	return KERN_SUCCESS;
}

kern_return_t s_server_audit(mach_port_t server, audit_token_t token, uint32_t *sum)
{
	(void)server;
	*sum = sum_of(token);
	return KERN_SUCCESS;
}

kern_return_t s_user_audit(mach_port_t server, int32_t a)
{
	(void)server;
	return a;
}

kern_return_t s_context(mach_port_t server, mach_port_context_t word, uint64_t *same)
{
	(void)server;
	*same = word;
	return KERN_SUCCESS;
}

kern_return_t s_implied(mach_port_t server, mach_port_seqno_t msgh_seqno, security_token_t who, uint32_t sender_id,
	int32_t again, uint32_t *sum)
{
	(void)server;
	*sum = msgh_seqno + who.val[0] + sender_id + (uint32_t)again;
	return KERN_SUCCESS;
}

kern_return_t s_sequence(mach_port_t server, int32_t number, int32_t *result)
{
	(void)server;
	*result = number;
	return KERN_SUCCESS;
}

kern_return_t s_one_way_token(mach_port_t server, audit_token_t token, mach_port_t a)
{
	(void)server;
	more_told.token = token;
	lb_drop(a);
	return KERN_SUCCESS;
}

/* On MIG_DESTROY_REQUEST the stub releases everything, on MIG_NO_REPLY the function has, else the stub. */
kern_return_t s_ends(mach_port_t server, int32_t code, mach_port_t a, data_t data, mach_msg_type_number_t dataCnt)
{
	(void)server;
	if (code == KERN_SUCCESS || code == MIG_NO_REPLY) {
		lb_drop(a);
		mig_deallocate((vm_address_t)data, dataCnt);
	}
	return code;
}

kern_return_t s_ends_words(mach_port_t server, int32_t code)
{
	(void)server;
	return code;
}

kern_return_t s_ends_one_way(mach_port_t server, int32_t code, mach_port_t a)
{
	(void)server;
	if (code == KERN_SUCCESS || code == MIG_NO_REPLY)
		lb_drop(a);
	return code;
}

kern_return_t s_pairs(mach_port_t server, const int32_t *keys, mach_msg_type_number_t keysCnt, const char *values,
	int32_t *rkeys, mach_msg_type_number_t *rkeysCnt, char *rvalues, int32_t *sum)
{
	(void)server;
	/* Room is what the smaller array has. */
	if (*rkeysCnt != 16)
		return KERN_FAILURE;
	*sum = 0;
	for (mach_msg_type_number_t i = 0; i < keysCnt; i++) {
		*sum += keys[i] * values[i];
		rkeys[i] = values[i];
		rvalues[i] = (char)keys[i];
	}
	*rkeysCnt = keysCnt;
	return KERN_SUCCESS;
}

kern_return_t s_three_same(mach_port_t server, numbers_t keys, mach_msg_type_number_t keysCnt, const char *values,
	int32_t *rkeys, mach_msg_type_number_t *rkeysCnt, char *rvalues, int32_t *more)
{
	const mach_msg_type_number_t room = *rkeysCnt;

	(void)server;
	for (mach_msg_type_number_t i = 0; i < room; i++) {
		rvalues[i] = i < keysCnt ? values[i] : '-';
		rkeys[i] = i < keysCnt ? keys[i] : -1;
		more[i] = 2 * rkeys[i];
	}
	if (keysCnt != 0)
		mig_deallocate((vm_address_t)keys, keysCnt * sizeof *keys);
	/* More than there is room for, once: what is sent is cut. */
	if (keysCnt == 7)
		*rkeysCnt = 20;
	return KERN_SUCCESS;
}

kern_return_t s_named_ports(mach_port_t server, const mach_port_t *ports, mach_msg_type_number_t portsCnt,
	numbers_t names, ports_t *rports, mach_msg_type_number_t *rportsCnt, numbers_t *rnames, const char *other,
	mach_msg_type_number_t otherCnt)
{
	vm_address_t address = 0;

	(void)server;
	(void)other;
	*rportsCnt = portsCnt;
	if (portsCnt == 0)
		return otherCnt == 3 ? KERN_SUCCESS : KERN_FAILURE;
	mig_allocate(&address, portsCnt * sizeof *ports);
	*rports = (ports_t)address;
	for (mach_msg_type_number_t i = 0; i < portsCnt; i++) {
		(*rports)[i] = ports[i];
		names[i]++;
	}
	*rnames = names;
	return KERN_SUCCESS;
}

void s_halve(mach_port_t server, int32_t *value)
{
	(void)server;
	*value /= 2;
}

void s_describe(mach_port_t server, int32_t number, char *text, const char *bytes, mach_msg_type_number_t bytesCnt)
{
	(void)server;
	snprintf(text, 40, "%d:%.*s", number, (int)bytesCnt, bytes);
}

void s_remark(mach_port_t server, int32_t number)
{
	(void)server;
	more_told.remarks += number;
}

void s_remark_right(mach_port_t server, mach_port_t right, data_t data, mach_msg_type_number_t dataCnt)
{
	(void)server;
	more_told.remarks += (int32_t)lb_object(right);
	lb_drop(right);
	mig_deallocate((vm_address_t)data, dataCnt);
}

int32_t s_twice(mach_port_t server, int32_t a)
{
	(void)server;
	return 2 * a;
}

double s_ratio(mach_port_t server, int32_t a, int32_t b)
{
	(void)server;
	return (double)a / b;
}

point_t s_middle(mach_port_t server, point_t a, point_t b, const char *text)
{
	(void)server;
	return (point_t){(a.x + b.x) / 2, (a.y + b.y) / 2 + (int32_t)strlen(text)};
}

mach_port_t s_fresh_right(mach_port_t server, int32_t *object)
{
	(void)server;
	*object = (int32_t)lb_object(kept);
	return lb_send_right(kept);
}

int64_t s_constant(mach_port_t server)
{
	(void)server;
	return -(1ll << 40);
}

uint32_t s_who(mach_port_t server, security_token_t token)
{
	(void)server;
	return token.val[0];
}

struct wide_thing nothing_wide = {.number = {1000}};

kern_return_t s_optional(
	mach_port_t server, point_t *a, int32_t b, struct wide_thing *c, const char *d, int32_t *sum, const char *text)
{
	(void)server;
	*sum = b + (int32_t)c->number[0] + (int32_t)strlen(text);
	if (a != NULL)
		*sum += a->x * a->y;
	if (d != NULL)
		*sum += *d;
	return c == &nothing_wide || c->tag == 'w' ? KERN_SUCCESS : KERN_FAILURE;
}

kern_return_t s_special(mach_port_t server, const char *text, int32_t *length)
{
	(void)server;
	*length = (int32_t)strlen(text);
	return KERN_SUCCESS;
}

kern_return_t s_special_words(mach_port_t server, int32_t a, int32_t *b)
{
	(void)server;
	*b = a + 1;
	return KERN_SUCCESS;
}

kern_return_t s_special_own(mach_port_t server, const char *text)
{
	(void)server;
	return (kern_return_t)strlen(text);
}

/* The memory is the stub's after this, however it ends. */
kern_return_t s_summed(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, int32_t code, numbers_t b,
	mach_msg_type_number_t bCnt, int32_t *sum)
{
	(void)server;
	*sum = 0;
	for (mach_msg_type_number_t i = 0; i < aCnt; i++)
		*sum += a[i];
	for (mach_msg_type_number_t i = 0; i < bCnt; i++)
		*sum += b[i];
	return code;
}

kern_return_t s_noted(mach_port_t server, const data_t a, mach_msg_type_number_t aCnt)
{
	(void)server;
	more_told.remarks = aCnt != 0 ? a[0] : 0;
	return KERN_SUCCESS;
}

kern_return_t s_filled(mach_port_t server, int32_t count, numbers_t *a, mach_msg_type_number_t *aCnt, ports_t *ports,
	mach_msg_type_number_t *portsCnt, wide_t *w)
{
	vm_address_t address = 0;

	(void)server;
	*aCnt = *portsCnt = (mach_msg_type_number_t)count;
	if (count != 0) {
		mig_allocate(&address, (mach_msg_type_number_t)count * sizeof **a);
		*a = (numbers_t)address;
		mig_allocate(&address, (mach_msg_type_number_t)count * sizeof **ports);
		*ports = (ports_t)address;
	}
	for (int32_t i = 0; i < count; i++) {
		(*a)[i] = 10 * i;
		(*ports)[i] = lb_send_right(kept);
	}
	mig_allocate(&address, 4 * sizeof **w);
	*w = (wide_t)address;
	for (int32_t i = 0; i < 4; i++)
		(*w)[i] = i;
	return KERN_SUCCESS;
}

kern_return_t s_large(mach_port_t server, const int64_t *a, mach_msg_type_number_t aCnt, const char *text, int64_t *b,
	mach_msg_type_number_t *bCnt, int32_t code)
{
	(void)server;
	(void)text;
	for (mach_msg_type_number_t i = 0; i < aCnt; i++)
		b[i] = -a[i];
	*bCnt = aCnt;
	return code;
}

kern_return_t s_small(mach_port_t server, const char *text, int32_t *length)
{
	(void)server;
	*length = (int32_t)strlen(text);
	return KERN_SUCCESS;
}

kern_return_t s_large_note(mach_port_t server, const int64_t *a, mach_msg_type_number_t aCnt)
{
	(void)server;
	more_told.remarks = aCnt != 0 ? (int32_t)a[aCnt - 1] : 0;
	return KERN_SUCCESS;
}

int64_t s_large_sum(mach_port_t server, const int64_t *a, mach_msg_type_number_t aCnt)
{
	int64_t sum = 0;

	(void)server;
	for (mach_msg_type_number_t i = 0; i < aCnt; i++)
		sum += a[i];
	return sum;
}

kern_return_t s_native_large(mach_port_t server, point_t *a, point_t *b)
{
	(void)server;
	*b = (point_t){a->y, a->x};
	return KERN_SUCCESS;
}

kern_return_t s_native_small(mach_port_t server, point_t *a, point_t *b)
{
	return s_native_large(server, a, b);
}

struct more_times more_times = {.rcv = 9500};

kern_return_t s_said_twice(mach_port_t server, flags_t a, mach_msg_type_number_t aCnt, int32_t *b)
{
	(void)server;
	*b = a[0];
	mig_deallocate((vm_address_t)a, aCnt * sizeof *a);
	return KERN_SUCCESS;
}

mach_msg_timeout_t more$times = 9321, serverdemux = 9071, of = 9072, ends$ = 9073;

kern_return_t s_waits_keyword(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

kern_return_t s_waits_negative(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

kern_return_t s_waits_dollar(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

kern_return_t s_sends_keyword(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

kern_return_t s_options_keyword(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

kern_return_t s_dollars(mach_port_t server, const char *text)
{
	return s_times(server, text);
}

/* Both names of a port are the one that was used. */
kern_return_t s_two_ports(mach_port_t unused, mach_port_t server, mach_port_t first, mach_port_t second, int32_t number)
{
	return unused == server && first == second ? number : KERN_FAILURE;
}

kern_return_t s_times(mach_port_t server, const char *text)
{
	(void)server;
	return (kern_return_t)strlen(text);
}

kern_return_t s_odd_names(mach_port_t server, int32_t sectoken, int32_t serverimpl, int32_t *msgseqno, int32_t *inout)
{
	(void)server;
	*msgseqno = sectoken + serverimpl;
	*inout += 1;
	return KERN_SUCCESS;
}

kern_return_t s_done(mach_port_t server, int32_t code, int32_t value, const char *text, const int32_t *keys,
	mach_msg_type_number_t keysCnt)
{
	(void)server;
	more_told.done =
		(struct more_done){.calls = more_told.done.calls + 1, .code = code, .value = value, .count = keysCnt};
	snprintf(more_told.done.text, sizeof more_told.done.text, "%s", text);
	if (keysCnt != 0)
		more_told.done.value += keys[keysCnt - 1];
	return KERN_SUCCESS;
}

kern_return_t s_done_rights(
	mach_port_t server, mach_port_t right, int32_t code, data_t data, mach_msg_type_number_t dataCnt)
{
	(void)server;
	more_told.done =
		(struct more_done){.calls = more_told.done.calls + 1, .code = code, .value = (int32_t)lb_object(right)};
	more_told.done.count = dataCnt;
	if (right != MACH_PORT_NULL)
		lb_drop(right);
	if (dataCnt != 0)
		mig_deallocate((vm_address_t)data, dataCnt);
	return KERN_SUCCESS;
}

kern_return_t s_done_nothing(mach_port_t server, int32_t code)
{
	(void)server;
	more_told.done = (struct more_done){.calls = more_told.done.calls + 1, .code = code};
	return KERN_SUCCESS;
}

/* Writes into what it is given. */
kern_return_t s_done_written(mach_port_t server, int32_t code, point_t *at)
{
	(void)server;
	more_told.done = (struct more_done){.calls = more_told.done.calls + 1, .code = code, .value = at->x};
	at->x = 99;
	return KERN_SUCCESS;
}

kern_return_t s_answered(mach_port_t server, numbers_t a, mach_msg_type_number_t aCnt, int32_t *sum, char *text)
{
	(void)server;
	if (aCnt == 0)
		return KERN_NO_SPACE;
	*sum = a[0];
	snprintf(text, 40, "%d", a[0]);
	mig_deallocate((vm_address_t)a, aCnt * sizeof *a);
	return KERN_SUCCESS;
}

kern_return_t s_answer(mach_port_t server, int32_t code, int32_t sum, const char *text)
{
	(void)server;
	more_told.done = (struct more_done){.calls = more_told.done.calls + 1, .code = code, .value = sum};
	snprintf(more_told.done.text, sizeof more_told.done.text, "%s", text);
	return KERN_SUCCESS;
}

seen_vector_t vector_in(const int32_t *vector)
{
	return (seen_vector_t){vector, vector[0] + vector[1] + vector[2]};
}

const int32_t *vector_out(seen_vector_t vector)
{
	static int32_t out[3];

	out[0] = out[1] = out[2] = vector.sum;
	return out;
}

void vector_done(seen_vector_t vector)
{
	more_told.done_with += (unsigned)vector.sum;
}

seen_label_t label_in(const char *label)
{
	return (seen_label_t)strlen(label);
}

void label_done(seen_label_t label)
{
	more_told.done_with += (unsigned)label;
}

swapped_t swapped_in(point_t point)
{
	return (swapped_t){.x = point.y, .y = point.x, .swapped = true};
}

point_t swapped_out(swapped_t swapped)
{
	return (point_t){.x = swapped.y, .y = swapped.x};
}

whole_t whole_in(double half)
{
	return (whole_t)(2 * half);
}

double whole_out(whole_t whole)
{
	return (double)whole / 2;
}

kern_return_t s_vectors(mach_port_t server, seen_vector_t a, seen_vector_t *b, seen_vector_t *c, int32_t code)
{
	(void)server;
	b->sum = a.sum + a.at[2];
	c->sum *= 2;
	return code;
}

kern_return_t s_labels(mach_port_t server, seen_label_t a, int32_t b, int32_t *length)
{
	(void)server;
	*length = a + b;
	return KERN_SUCCESS;
}

kern_return_t s_swapped(mach_port_t server, swapped_t a, swapped_t *b, swapped_t *c)
{
	(void)server;
	*b = a;
	b->x += a.swapped && c->swapped;
	c->y = 100 * c->x;
	return KERN_SUCCESS;
}

kern_return_t s_halves(mach_port_t server, whole_t a, whole_t *b)
{
	(void)server;
	*b = a + 1;
	return KERN_SUCCESS;
}

kern_return_t s_swapped_by_message(
	mach_port_t server, swapped_t a, swapped_t *b, const char *text, whole_t h, whole_t *i)
{
	(void)server;
	*b = a;
	b->x += (int32_t)strlen(text);
	*i += h;
	return KERN_SUCCESS;
}

kern_return_t s_hidden(mach_port_t server, int32_t number, int32_t *sum)
{
	(void)server;
	*sum = number + 1;
	return KERN_SUCCESS;
}

kern_return_t s_hidden_memory(mach_port_t server, const char *text, numbers_t *memory, mach_msg_type_number_t *count)
{
	vm_address_t address;

	(void)server;
	mig_allocate(&address, 4);
	*memory = (numbers_t)address;
	**memory = (int32_t)strlen(text);
	*count = 1;
	return KERN_SUCCESS;
}

void s_hidden_procedure(mach_port_t server, int32_t *number)
{
	(void)server;
	*number *= 2;
}

kern_return_t s_both_times(mach_port_t server, const char *text)
{
	(void)server;
	return (kern_return_t)strlen(text);
}

kern_return_t s_room_for_rights(mach_port_t server, mach_port_t *ports, mach_msg_type_number_t *portsCnt, int32_t *room)
{
	(void)server;
	*room = (int32_t)*portsCnt;
	*portsCnt = 1;
	ports[0] = lb_send_right(kept);
	return KERN_SUCCESS;
}

/* As many again, each one more. */
static int32_t *one_more(const int32_t *numbers, mach_msg_type_number_t count)
{
	vm_address_t address = 0;

	mig_allocate(&address, count * sizeof *numbers);
	for (mach_msg_type_number_t i = 0; i < count; i++)
		((int32_t *)address)[i] = numbers[i] + 1;
	mig_deallocate((vm_address_t)numbers, count * sizeof *numbers);
	return (int32_t *)address;
}

kern_return_t s_turned(mach_port_t server, numbers_t *a, mach_msg_type_number_t *aCnt, boolean_t *aDealloc,
	ports_t *ports, mach_msg_type_number_t *portsCnt)
{
	(void)server;
	(void)ports;
	(void)portsCnt;
	*a = one_more(*a, *aCnt);
	*aDealloc = TRUE;
	return KERN_SUCCESS;
}

kern_return_t s_turned_loose(mach_port_t server, loose_t *a, mach_msg_type_number_t *aCnt, boolean_t *aDealloc)
{
	(void)server;
	*a = one_more(*a, *aCnt);
	*aDealloc = TRUE;
	return KERN_SUCCESS;
}

kern_return_t s_room_with_memory(mach_port_t server, numbers_t *a, mach_msg_type_number_t *aCnt, char *b, int32_t *room)
{
	(void)server;
	(void)a;
	(void)b;
	*room = (int32_t)*aCnt;
	*aCnt = 0;
	return KERN_SUCCESS;
}

/* iimport: for the stubs, not for those who include their header. */
#ifdef MORE_INNER_H
#error more_inner.h is included by a header
#endif

kern_return_t s_rare(mach_port_t server, int32_t a, int32_t *a_seen, everywhere_t b, everywhere_t *b_more)
{
	(void)server;
	*a_seen = a;
	*b_more = b + 1;
	return KERN_SUCCESS;
}

kern_return_t s_long_forms(mach_port_t server, mach_port_context_t word, data_t a, mach_msg_type_number_t aCnt,
	numbers_t b, mach_msg_type_number_t bCnt, uint64_t *same, numbers_t *d, mach_msg_type_number_t *dCnt, data_t *e,
	mach_msg_type_number_t *eCnt)
{
	(void)server;
	*same = word;
	*d = b;
	*dCnt = bCnt;
	*e = a;
	*eCnt = aCnt;
	return KERN_SUCCESS;
}
