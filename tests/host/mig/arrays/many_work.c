/* The work functions of arrays.defs that many.c calls. */
#include "arrays.h"

static mach_port_t fresh(void)
{
	return lb_send_right(kept);
}

kern_return_t s_put_struct(mach_port_t server, couple_t a, const couple_t *b, page_of_couples_t c,
	mach_msg_type_number_t cCnt, int32_t code, int32_t *sum)
{
	(void)server;
	if (code != KERN_SUCCESS)
		return code;
	*sum = release_all(&a.one, 2) + 10 * release_all(&b[0].one, 6) + 100 * release_all(&c[0].one, 2 * cCnt);
	give_back(c, cCnt * sizeof *c);
	return KERN_SUCCESS;
}

kern_return_t s_take_struct(mach_port_t server, couple_t *a, couple_t *b, couple_t *c)
{
	(void)server;
	*a = *b;
	*b = (couple_t){fresh(), fresh()};
	for (unsigned i = 0; i < 3; i++)
		c[i] = (couple_t){fresh(), fresh()};
	return KERN_SUCCESS;
}

couple_t s_two_rights(mach_port_t server)
{
	(void)server;
	return (couple_t){fresh(), fresh()};
}

kern_return_t s_put_crowd(mach_port_t server, const mach_port_t *a, mach_msg_type_number_t aCnt, const mach_port_t *b,
	const pair_t *c, mach_msg_type_number_t cCnt, const mach_port_t *d, mach_msg_type_number_t dCnt, int32_t code,
	int32_t *sum)
{
	(void)server;
	if (code != KERN_SUCCESS)
		return code;
	*sum = release_all(a, aCnt) + release_all(b, 300) + release_all(d, dCnt);
	if (cCnt != 0)
		*sum += release_all(c[0], 2 * cCnt);
	return KERN_SUCCESS;
}

kern_return_t s_take_crowd(mach_port_t server, int32_t count, mach_port_t *a, mach_msg_type_number_t *aCnt,
	mach_port_t *b, pair_t *c, mach_msg_type_number_t *cCnt, char *text, numbers_t *d, mach_msg_type_number_t *dCnt)
{
	(void)server;
	for (unsigned i = 0; i < (unsigned)count && i < *aCnt; i++)
		a[i] = fresh();
	for (unsigned i = 0; i < 300; i++)
		b[i] = fresh();
	*aCnt = (mach_msg_type_number_t)count;
	*cCnt = (mach_msg_type_number_t)count / 8;
	for (unsigned i = 0; i < 2 * *cCnt; i++)
		c[i / 2][i % 2] = fresh();
	strcpy(text, "as told");
	*d = memory_of(&count, sizeof count);
	*dCnt = 1;
	return KERN_SUCCESS;
}

kern_return_t s_turn_crowd(
	mach_port_t server, mach_port_t *a, mach_msg_type_number_t *aCnt, mach_port_t *b, int32_t code)
{
	mach_port_t first = b[0];

	(void)server;
	if (code != KERN_SUCCESS)
		return code;
	a[(*aCnt)++] = fresh();
	b[0] = b[299];
	b[299] = first;
	return KERN_SUCCESS;
}

kern_return_t s_any_crowd(mach_port_t server, const mach_port_t *a, mach_msg_type_name_t aPoly,
	mach_msg_type_number_t aCnt, const int32_t *names, mach_port_t *b, mach_msg_type_name_t *bPoly,
	mach_msg_type_number_t *bCnt, int32_t *names2)
{
	(void)server;
	if (aPoly != MACH_MSG_TYPE_PORT_SEND)
		return KERN_INVALID_ARGUMENT;
	release_all(a, aCnt);
	for (unsigned i = 0; i < aCnt; i++) {
		b[i] = lb_send_once_right(kept);
		names2[i] = names[i];
	}
	*bPoly = MACH_MSG_TYPE_MOVE_SEND_ONCE;
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_noted_crowd(mach_port_t server, const mach_port_t *a, mach_msg_type_number_t aCnt, int32_t code)
{
	(void)server;
	arrays_told.noted = code == KERN_SUCCESS ? release_all(a, aCnt) : -(int32_t)aCnt;
	return code;
}

kern_return_t s_done_crowd(mach_port_t server, int32_t result, const mach_port_t *a)
{
	unsigned nulls = 0;

	(void)server;
	for (unsigned i = 0; i < 300; i++)
		nulls += a[i] == MACH_PORT_NULL;
	arrays_told.noted = result == KERN_SUCCESS ? release_all(a, 300) : -(int32_t)nulls;
	return KERN_SUCCESS;
}

kern_return_t s_bounded(mach_port_t server, few_numbers_t a, mach_msg_type_number_t aCnt, few_ports_t b,
	mach_msg_type_number_t bCnt, const few_numbers_t *c, const mach_msg_type_number_t *cSubs,
	mach_msg_type_number_t cCnt, int32_t said, few_numbers_t *d, mach_msg_type_number_t *dCnt, few_numbers_t *e,
	mach_msg_type_number_t *eSubs, mach_msg_type_number_t *eCnt)
{
	static int32_t mine[8];

	(void)server;
	give_back(a, aCnt * sizeof *a);
	release_memory(b, bCnt);
	for (unsigned i = 0; i < cCnt; i++)
		give_back(c[i], cSubs[i] * sizeof **c);
	*d = e[0] = mine;
	*dCnt = eSubs[0] = (mach_msg_type_number_t)said;
	*eCnt = 1;
	return KERN_SUCCESS;
}

/* Five times as many as came. */
kern_return_t s_like_bounded(
	mach_port_t server, numbers_t a, mach_msg_type_number_t aCnt, numbers_t *b, mach_msg_type_number_t *bCnt)
{
	static int32_t mine[64];

	(void)server;
	give_back(a, aCnt * sizeof *a);
	*b = mine;
	*bCnt = 5 * aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_few(mach_port_t server, few_numbers_t a, mach_msg_type_number_t aCnt, few_numbers_t *b,
	mach_msg_type_number_t *bCnt)
{
	static int32_t mine[5];

	(void)server;
	give_back(a, aCnt * sizeof *a);
	*b = mine;
	*bCnt = aCnt;
	return KERN_SUCCESS;
}

kern_return_t s_large(mach_port_t server, large_t a, large_room_t b, mach_msg_type_number_t bCnt, int32_t *sum)
{
	(void)server;
	*sum = a[1999999] + b[bCnt - 1];
	give_back(a, 2000000);
	give_back(b, bCnt);
	return KERN_SUCCESS;
}

kern_return_t s_in_line(mach_port_t server, const int32_t *a, const int32_t *b, mach_msg_type_number_t bCnt,
	const char *text, const data_t *c, const mach_msg_type_number_t *cSubs, const mach_port_t *d,
	mach_msg_type_number_t dCnt, int32_t *e, mach_msg_type_number_t *eCnt, char *text2, mach_port_t *f)
{
	const mach_port_t first = f[0];

	(void)server;
	for (unsigned i = 0; i < bCnt; i++)
		e[i] = a[0] + a[1] + a[2] + b[i] + c[0][0] + 2 * c[1][0];
	*eCnt = bCnt;
	give_back(c[0], cSubs[0]);
	give_back(c[1], cSubs[1]);
	release_all(d, dCnt);
	strcpy(text2, text);
	f[0] = f[1];
	f[1] = first;
	return KERN_SUCCESS;
}
