/* The work functions of golden.defs. */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct golden_told golden_told;
void *const calls_told = &golden_told;
const size_t calls_told_size = sizeof golden_told;
mach_port_t golden_late;
mach_port_t golden_last;

/* A stub that lets this through is wrong. */
static void insist(bool valid)
{
	if (!valid)
		abort();
}

static void insist_text(const char *text, size_t room)
{
	insist(memchr(text, 0, room) != NULL);
}

handle_t handle_of_port(mach_port_t port)
{
	golden_told.handles++;
	golden_last = port;
	return 1000 + (handle_t)lb_object(port);
}

handle_t handle_of_payload(uint64_t payload)
{
	golden_told.handles++;
	return 2000 + (handle_t)(payload - OBJECT_PAYLOAD);
}

handle_t handle_of_number(int32_t number)
{
	if (number < 0)
		return 0; /* intranerror */
	golden_told.handles++;
	return 3000 + number;
}

mach_port_t port_of_handle(handle_t handle)
{
	(void)handle;
	return kept_send;
}

void handle_release(handle_t handle)
{
	golden_told.handles -= handle != 0;
}

int celsius_of_wire(int32_t value)
{
	return value - 273;
}

int32_t wire_of_celsius(int value)
{
	return value + 273;
}

kern_return_t s_null(mach_port_t server)
{
	(void)server;
	return KERN_SUCCESS;
}

kern_return_t s_add(mach_port_t server, int32_t a, int32_t b, int32_t *sum)
{
	(void)server;
	*sum = a + b;
	return KERN_SUCCESS;
}

kern_return_t s_scalars(mach_port_t server, int8_t a, int16_t b, int64_t c, boolean_t d, char e, int8_t *ra,
	int16_t *rb, int64_t *rc, boolean_t *rd, char *re)
{
	(void)server;
	*ra = a;
	*rb = b;
	*rc = c;
	*rd = d;
	*re = e;
	return KERN_SUCCESS;
}

kern_return_t s_eight_in(mach_port_t server, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f,
	int64_t g, int64_t h, int64_t *sum)
{
	(void)server;
	*sum = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h;
	return KERN_SUCCESS;
}

kern_return_t s_nine_in(mach_port_t server, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f, int64_t g,
	int64_t h, int64_t i, int64_t *sum)
{
	(void)server;
	*sum = a + 2 * b + 3 * c + 4 * d + 5 * e + 6 * f + 7 * g + 8 * h + 9 * i;
	return KERN_SUCCESS;
}

kern_return_t s_reals(mach_port_t server, double a, float b, double *sum, float *difference)
{
	(void)server;
	*sum = a + (double)b;
	*difference = (float)a - b;
	return KERN_SUCCESS;
}

kern_return_t s_double_it(mach_port_t server, int32_t *value)
{
	(void)server;
	*value *= 2;
	return KERN_SUCCESS;
}

kern_return_t s_points(mach_port_t server, point_t a, point_t *b, point_t *c)
{
	(void)server;
	b->x = a.y;
	b->y = a.x;
	c->x += 1;
	c->y += 2;
	return KERN_SUCCESS;
}

kern_return_t s_blocks(mach_port_t server, block_t a, block_t *b, block_t *c)
{
	unsigned i;

	(void)server;
	for (i = 0; i < 16; i++) {
		b->a[i] = a.a[15 - i];
		c->a[i]++;
	}
	return KERN_SUCCESS;
}

kern_return_t s_records(mach_port_t server, record_t a, record_t *b)
{
	(void)server;
	/* Field by field: what lies between is the stub's to clear. */
	b->tag = a.tag;
	b->number = (int16_t)(a.number + 1);
	b->wide = -a.wide;
	b->where = a.where;
	return KERN_SUCCESS;
}

kern_return_t s_vectors(mach_port_t server, const int32_t *a, int32_t *b, int32_t *c)
{
	unsigned i;

	(void)server;
	for (i = 0; i < 3; i++) {
		b[i] = 10 * a[i];
		c[i] += a[i];
	}
	return KERN_SUCCESS;
}

kern_return_t s_matrices(mach_port_t server, const matrix_t a, matrix_t b)
{
	unsigned i;

	(void)server;
	for (i = 0; i < 6; i++)
		b[i / 3][i % 3] = (int16_t)-a[i / 3][i % 3];
	return KERN_SUCCESS;
}

kern_return_t s_fixed_strings(mach_port_t server, const char *a, char *b)
{
	insist_text(a, 16);
	(void)server;
	snprintf(b, 16, "<%s>", a);
	return KERN_SUCCESS;
}

kern_return_t s_long_strings(mach_port_t server, const char *a, char *b)
{
	insist_text(a, 100);
	(void)server;
	snprintf(b, 100, "<%s>", a);
	return KERN_SUCCESS;
}

kern_return_t s_strings(mach_port_t server, const char *a, char *b, int32_t number, int32_t *length)
{
	insist_text(a, 64);
	(void)server;
	snprintf(b, 64, "%d:%s", number, a);
	*length = (int32_t)strlen(a);
	return KERN_SUCCESS;
}

kern_return_t s_bytes(
	mach_port_t server, const char *a, mach_msg_type_number_t aCnt, char *b, mach_msg_type_number_t *bCnt)
{
	mach_msg_type_number_t i;

	(void)server;
	insist(aCnt <= 50 && *bCnt == 50);
	for (i = 0; i < aCnt; i++)
		b[i] = a[aCnt - 1 - i];
	*bCnt = aCnt;
	if (aCnt == 1 && a[0] == 'G') {
		/* Says that it wrote more than there was room for. */
		memset(b, 'g', 50);
		*bCnt = 1000;
	}
	return KERN_SUCCESS;
}

kern_return_t s_mixed(mach_port_t server, int32_t x, const char *a, mach_msg_type_number_t aCnt, int64_t y,
	const int16_t *b, mach_msg_type_number_t bCnt, int8_t z, const point_t *c, mach_msg_type_number_t cCnt,
	const char *name, int32_t *rx, char *ra, mach_msg_type_number_t *raCnt, int64_t *ry, int16_t *rb,
	mach_msg_type_number_t *rbCnt, int8_t *rz, point_t *rc, mach_msg_type_number_t *rcCnt, char *rname)
{
	insist(aCnt <= 50 && bCnt <= 30 && cCnt <= 10);
	insist_text(name, 64);
	(void)server;
	*rx = x;
	memcpy(ra, a, aCnt);
	*raCnt = aCnt;
	*ry = y;
	memcpy(rb, b, bCnt * sizeof *b);
	*rbCnt = bCnt;
	*rz = z;
	memcpy(rc, c, cCnt * sizeof *c);
	*rcCnt = cCnt;
	strcpy(rname, name);
	return KERN_SUCCESS;
}

kern_return_t s_count_in_out(mach_port_t server, int64_t *b, mach_msg_type_number_t *bCnt)
{
	mach_msg_type_number_t i;

	(void)server;
	insist(*bCnt <= 4096);
	for (i = 0; i < *bCnt; i++)
		b[i] = i & 0x77;
	return KERN_SUCCESS;
}

kern_return_t s_big(
	mach_port_t server, const int64_t *a, mach_msg_type_number_t aCnt, int64_t *b, mach_msg_type_number_t *bCnt)
{
	insist(aCnt <= 4096 && *bCnt == 4096);
	(void)server;
	memcpy(b, a, aCnt * sizeof *a);
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_data(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, data_t *b, mach_msg_type_number_t *bCnt)
{
	vm_address_t copy = 0;
	mach_msg_type_number_t i;

	(void)server;
	if (aCnt != 0) {
		mig_allocate(&copy, aCnt);
		for (i = 0; i < aCnt; i++)
			((char *)copy)[i] = (char)(a[i] + 1);
		mig_deallocate((vm_address_t)a, aCnt);
	}
	*b = (data_t)copy;
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_numbers(
	mach_port_t server, numbers_t a, mach_msg_type_number_t aCnt, numbers_t *b, mach_msg_type_number_t *bCnt)
{
	(void)server;
	/* Hands the client's own memory back. */
	*b = a;
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

static int32_t sum_and_free(data_t a, mach_msg_type_number_t count)
{
	int32_t sum = 0;
	mach_msg_type_number_t i;

	for (i = 0; i < count; i++)
		sum += a[i];
	if (count != 0)
		mig_deallocate((vm_address_t)a, count);
	return sum;
}

kern_return_t s_moved(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, int32_t *sum)
{
	(void)server;
	*sum = sum_and_free(a, aCnt);
	return KERN_SUCCESS;
}

static char static_text[] = "static";

kern_return_t s_moved_if(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, data_t *b,
	mach_msg_type_number_t *bCnt, boolean_t *bDealloc)
{
	(void)server;
	sum_and_free(a, aCnt);
	*b = static_text;
	*bCnt = 6;
	*bDealloc = FALSE;
	return KERN_SUCCESS;
}

kern_return_t s_copied(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, boolean_t aSCopy, int32_t *sum)
{
	(void)server;
	*sum = sum_and_free(a, aCnt);
	return aSCopy ? KERN_FAILURE : KERN_SUCCESS;
}

kern_return_t s_fixed_memory(mach_port_t server, wide_t a, wide_t *b)
{
	vm_address_t copy = 0;

	(void)server;
	mig_allocate(&copy, 8);
	*(int64_t *)copy = a[0] + a[1] + a[2] + a[3];
	mig_deallocate((vm_address_t)a, 32);
	*b = (wide_t)copy;
	return KERN_SUCCESS;
}

kern_return_t s_unbounded(
	mach_port_t server, data_t a, mach_msg_type_number_t aCnt, data_t *b, mach_msg_type_number_t *bCnt)
{
	return s_data(server, a, aCnt, b, bCnt);
}

static int32_t take(mach_port_t name)
{
	int32_t object = (int32_t)lb_object(name);

	lb_drop(name);
	return object;
}

kern_return_t s_in_port(mach_port_t server, mach_port_t a, int32_t *object)
{
	(void)server;
	*object = take(a);
	return KERN_SUCCESS;
}

kern_return_t s_in_rights(
	mach_port_t server, mach_port_t a, mach_port_t b, mach_port_t c, mach_port_t d, mach_port_t e, int32_t *sum)
{
	(void)server;
	if (lb_right(a) != MACH_PORT_RIGHT_SEND || lb_right(b) != MACH_PORT_RIGHT_SEND ||
		lb_right(c) != MACH_PORT_RIGHT_SEND_ONCE || lb_right(d) != MACH_PORT_RIGHT_SEND_ONCE ||
		lb_right(e) != MACH_PORT_RIGHT_RECEIVE)
		return KERN_INVALID_RIGHT;
	*sum = take(a) + 10 * take(b) + 100 * take(c) + 1000 * take(d) + 10000 * take(e);
	return KERN_SUCCESS;
}

kern_return_t s_out_rights(mach_port_t server, mach_port_t *a, mach_port_t *b, mach_port_t *c, mach_port_t *d)
{
	(void)server;
	*a = lb_send_right(kept);
	*b = kept;
	*c = kept;
	*d = lb_port(NULL, 0);
	return KERN_SUCCESS;
}

kern_return_t s_in_out_port(mach_port_t server, mach_port_t *a)
{
	(void)server;
	take(*a);
	*a = lb_send_right(kept);
	return KERN_SUCCESS;
}

kern_return_t s_in_poly(mach_port_t server, mach_port_t a, mach_msg_type_name_t aPoly, uint32_t *disposition)
{
	(void)server;
	take(a);
	*disposition = aPoly;
	return KERN_SUCCESS;
}

kern_return_t s_any_send(mach_port_t server, mach_port_t a, int32_t *object)
{
	(void)server;
	*object = take(a);
	return KERN_SUCCESS;
}

kern_return_t s_out_poly(mach_port_t server, mach_port_t *a, mach_msg_type_name_t *aPoly)
{
	(void)server;
	*a = kept;
	*aPoly = MACH_MSG_TYPE_MAKE_SEND_ONCE;
	return KERN_SUCCESS;
}

static mach_port_t pair[2];

kern_return_t s_port_pair(mach_port_t server, const mach_port_t *a, mach_port_t *b)
{
	(void)server;
	/* COPY_SEND keeps these; the client test drops them. */
	pair[0] = a[1];
	pair[1] = a[0];
	b[0] = pair[0];
	b[1] = pair[1];
	return KERN_SUCCESS;
}

void calls_in_server(int what)
{
	if (what == LET_GO_LAST) {
		/* The right that was translated is the work function's: the stub has not released it. */
		insist(lb_object(golden_last) != 0);
		take(golden_last);
	} else {
		take(pair[0]);
		take(pair[1]);
	}
}

kern_return_t s_port_list(mach_port_t server, const mach_port_t *a, mach_msg_type_number_t aCnt, mach_port_t *b,
	mach_msg_type_number_t *bCnt)
{
	mach_msg_type_number_t i;

	(void)server;
	insist(aCnt <= 5 && *bCnt == 5);
	for (i = 0; i < aCnt; i++)
		b[i] = a[aCnt - 1 - i];
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_port_memory(
	mach_port_t server, ports_t a, mach_msg_type_number_t aCnt, ports_t *b, mach_msg_type_number_t *bCnt)
{
	(void)server;
	*b = a;
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_many(mach_port_t server, data_t a, mach_msg_type_number_t aCnt, mach_port_t b, const char *name,
	numbers_t c, mach_msg_type_number_t cCnt, int32_t x, data_t *d, mach_msg_type_number_t *dCnt, int32_t *y,
	mach_port_t *e, char *text)
{
	insist_text(name, 64);
	(void)server;
	*d = a;
	*dCnt = aCnt;
	*y = cCnt != 0 ? x + c[cCnt - 1] : x;
	if (cCnt != 0)
		mig_deallocate((vm_address_t)c, cCnt * sizeof *c);
	*e = b;
	snprintf(text, 64, "%s!", name);
	return KERN_SUCCESS;
}

kern_return_t s_handle(handle_t server, handle_t other, handle_t *third, int32_t *sum)
{
	*third = 5;
	*sum = server + other;
	return KERN_SUCCESS;
}

kern_return_t s_object(handle_t server, int32_t *value)
{
	*value = server;
	return KERN_SUCCESS;
}

kern_return_t s_object_message(handle_t server, const char *text, int32_t *value)
{
	insist_text(text, 64);
	*value = server + (int32_t)strlen(text);
	return KERN_SUCCESS;
}

kern_return_t s_temperature(mach_port_t server, int a, int *b)
{
	(void)server;
	*b = a + 1;
	return a == 20 ? KERN_SUCCESS : KERN_INVALID_VALUE;
}

kern_return_t s_temperature_message(mach_port_t server, int a, const char *name, int *b)
{
	insist_text(name, 64);
	(void)name;
	return s_temperature(server, a, b);
}

kern_return_t s_counted(mach_port_t server, handle_t a, const char *name, int32_t *b)
{
	insist_text(name, 16);
	(void)server;
	*b = a + (int32_t)strlen(name);
	return KERN_SUCCESS;
}

kern_return_t s_counted_words(mach_port_t server, handle_t a, int32_t *b)
{
	return s_counted(server, a, "", b);
}

kern_return_t s_fail(mach_port_t server, int32_t code, int32_t *value)
{
	(void)server;
	*value = 5;
	return code;
}

kern_return_t s_fail_with_rights(
	mach_port_t server, int32_t code, mach_port_t a, data_t b, mach_msg_type_number_t bCnt, mach_port_t *c)
{
	(void)server;
	(void)c;
	if (code == KERN_SUCCESS) {
		lb_drop(a);
		sum_and_free(b, bCnt);
	}
	return code;
}

kern_return_t s_no_reply(mach_port_t server, mach_port_t reply, data_t a, mach_msg_type_number_t aCnt)
{
	(void)server;
	lb_drop(reply);
	sum_and_free(a, aCnt);
	return MIG_NO_REPLY;
}

kern_return_t s_note(mach_port_t server, int32_t a)
{
	(void)server;
	golden_told.notes += (unsigned)a;
	return KERN_SUCCESS;
}

kern_return_t s_note_rights(mach_port_t server, mach_port_t a, data_t b, mach_msg_type_number_t bCnt)
{
	(void)server;
	if (bCnt == 13)
		return KERN_FAILURE;
	take(a);
	golden_told.notes += (unsigned)sum_and_free(b, bCnt);
	return KERN_SUCCESS;
}

kern_return_t s_late(mach_port_t server, mach_port_t reply, int32_t a, int32_t *b)
{
	(void)server;
	if (a == 1) {
		golden_late = reply;
		return MIG_NO_REPLY;
	}
	*b = lb_right(reply) == MACH_PORT_RIGHT_SEND_ONCE ? a + 1 : 0;
	return KERN_SUCCESS;
}

kern_return_t s_own_reply(mach_port_t server, mach_port_t reply, int32_t a, int32_t *b)
{
	(void)server;
	*b = a + (int32_t)lb_object(reply);
	return KERN_SUCCESS;
}

kern_return_t s_user_reply(mach_port_t server, int32_t a)
{
	(void)server;
	return a;
}

kern_return_t s_poly_request(mach_port_t server, mach_msg_type_name_t serverPoly, int32_t a, int32_t *b)
{
	(void)server;
	*b = a + (int32_t)serverPoly;
	return KERN_SUCCESS;
}

kern_return_t s_timed(mach_port_t server, int32_t a)
{
	(void)server;
	return a;
}

kern_return_t s_optioned(mach_port_t server, int32_t a)
{
	(void)server;
	return a;
}

kern_return_t s_options(mach_port_t server, int32_t a)
{
	(void)server;
	return a;
}

kern_return_t s_natives(mach_port_t server, point_t *a, int32_t b, point_t *c)
{
	(void)server;
	c->x = a->x + b;
	c->y = a->y - b;
	return KERN_SUCCESS;
}

kern_return_t p_prefixed(mach_port_t server, int32_t a, int32_t *b)
{
	(void)server;
	*b = a + 7;
	return KERN_SUCCESS;
}

kern_return_t p_crowd(mach_port_t server, const mach_port_t *a, mach_msg_type_number_t aCnt, mach_port_t *b,
	mach_msg_type_number_t *bCnt)
{
	mach_msg_type_number_t i;

	(void)server;
	insist(aCnt <= 300 && *bCnt == 300);
	for (i = 0; i < aCnt; i++)
		b[i] = a[aCnt - 1 - i];
	*bCnt = aCnt;
	return KERN_SUCCESS;
}
