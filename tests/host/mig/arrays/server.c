/* The work functions of arrays.defs. */
#include "arrays.h"

struct arrays_told arrays_told;
void *const calls_told = &arrays_told;
const size_t calls_told_size = sizeof arrays_told;

/* These keep nothing. */
void calls_in_server(int what)
{
	(void)what;
}

static bool consumes(int32_t code)
{
	return code == KERN_SUCCESS || code == MIG_NO_REPLY;
}

static int32_t sum_data(const data_t *a, const mach_msg_type_number_t *aSubs, unsigned count, bool consume)
{
	int32_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < aSubs[i]; j++)
			sum += (int32_t)(i + 1) * a[i][j];
		if (consume)
			give_back(a[i], aSubs[i]);
	}
	return sum;
}

static int32_t sum_numbers(const numbers_t *a, const mach_msg_type_number_t *aSubs, unsigned count, bool consume)
{
	int32_t sum = 0;

	for (unsigned i = 0; i < count; i++) {
		for (unsigned j = 0; j < aSubs[i]; j++)
			sum += (int32_t)(i + 1) * a[i][j];
		if (consume)
			give_back(a[i], aSubs[i] * sizeof **a);
	}
	return sum;
}

kern_return_t s_put(mach_port_t server, const data_t *a, const mach_msg_type_number_t *aSubs, const numbers_t *lists,
	const mach_msg_type_number_t *listsSubs, mach_msg_type_number_t listsCnt, int32_t code, int32_t *sum)
{
	(void)server;
	*sum = sum_data(a, aSubs, 3, consumes(code)) + sum_numbers(lists, listsSubs, listsCnt, consumes(code));
	return code;
}

kern_return_t s_put_moved(mach_port_t server, const data_t *a, const mach_msg_type_number_t *aSubs,
	const numbers_t *lists, const mach_msg_type_number_t *listsSubs, mach_msg_type_number_t listsCnt, int32_t code,
	int32_t *sum)
{
	return s_put(server, a, aSubs, lists, listsSubs, listsCnt, code, sum);
}

kern_return_t s_put_given(mach_port_t server, const given_t *a, const mach_msg_type_number_t *aSubs, void *const *loose,
	const mach_msg_type_number_t *looseSubs, int32_t *sum)
{
	numbers_t numbers[2] = {loose[0], loose[1]};

	(void)server;
	*sum = sum_data(a, aSubs, 2, true) + sum_numbers(numbers, looseSubs, 2, true);
	return KERN_SUCCESS;
}

/* The stub frees the memory. */
kern_return_t s_noted(mach_port_t server, const numbers_t *lists, const mach_msg_type_number_t *listsSubs,
	mach_msg_type_number_t listsCnt, int32_t code)
{
	(void)server;
	arrays_told.noted = sum_numbers(lists, listsSubs, listsCnt, false);
	return code;
}

kern_return_t s_take(mach_port_t server, int32_t count, data_t *a, mach_msg_type_number_t *aSubs, numbers_t *lists,
	mach_msg_type_number_t *listsSubs, mach_msg_type_number_t *listsCnt, boolean_t *listsDealloc, int32_t *sum)
{
	static int32_t kept[] = {10, 20, 30, 40, 50, 60, 70, 80};

	(void)server;
	*sum = (int32_t)*listsCnt;
	for (unsigned i = 0; i < 3; i++) {
		aSubs[i] = i + 1;
		a[i] = memory_of("abc", i + 1);
	}
	/* Above what there is room for only the first are sent. */
	*listsCnt = (mach_msg_type_number_t)count;
	*listsDealloc = 0;
	for (unsigned i = 0; i < 4 && i < (unsigned)count; i++) {
		listsSubs[i] = i < 3 ? 2 * i : 5;
		lists[i] = kept + i;
	}
	/* More than there can be: that many numbers times four is 4 again in 32 bits. */
	if (count == TAKE_TOO_MUCH) {
		for (unsigned i = 0; i < 3; i++)
			give_back(a[i], i + 1);
		listsSubs[2] = UINT32_MAX / 4 + 2;
	}
	return KERN_SUCCESS;
}

kern_return_t s_turn(mach_port_t server, data_t *a, mach_msg_type_number_t *aSubs, numbers_t *lists,
	mach_msg_type_number_t *listsSubs, mach_msg_type_number_t *listsCnt, int32_t code)
{
	const mach_msg_type_number_t last = listsSubs[*listsCnt - 1];
	data_t first = a[0];

	(void)server;
	if (code != KERN_SUCCESS)
		return code;
	/* The pieces change places; the last list goes, and comes twice as the first two. */
	a[0] = a[2];
	a[2] = first;
	aSubs[0] ^= aSubs[2];
	aSubs[2] ^= aSubs[0];
	aSubs[0] ^= aSubs[2];
	lists[*listsCnt] = memory_of(lists[*listsCnt - 1], last * sizeof **lists);
	listsSubs[*listsCnt] = last;
	*listsCnt += 1;
	return KERN_SUCCESS;
}

kern_return_t s_take_numbers(mach_port_t server, mach_port_t right, data_t data, mach_msg_type_number_t dataCnt,
	int64_t said, numbers_t *list, mach_msg_type_number_t *listCnt)
{
	static int32_t kept[] = {10, 20, 30};

	(void)server;
	lb_drop(right);
	give_back(data, dataCnt);
	*list = kept;
	*listCnt = (mach_msg_type_number_t)said;
	return KERN_SUCCESS;
}

kern_return_t s_both(mach_port_t server, const numbers_t *keys, const mach_msg_type_number_t *keysSubs,
	mach_msg_type_number_t keysCnt, const numbers_t *values, const mach_msg_type_number_t *valuesSubs, int32_t *sum)
{
	(void)server;
	*sum = sum_numbers(keys, keysSubs, keysCnt, true) * sum_numbers(values, valuesSubs, keysCnt, true);
	return KERN_SUCCESS;
}

kern_return_t s_fixed(mach_port_t server, const four_t *a, four_t *b, mach_msg_type_number_t *bCnt, four_t *c)
{
	(void)server;
	for (unsigned i = 0; i < 4; i++)
		a[0][i] += a[1][i];
	if (*bCnt == 3) {
		give_back(b[2], sizeof(int32_t[4]));
		*bCnt = 2;
	}
	c[0] = a[0];
	c[1] = a[1];
	return KERN_SUCCESS;
}

kern_return_t s_put_rights(mach_port_t server, const ports_t *a, const mach_msg_type_number_t *aSubs, const ports_t *b,
	const mach_msg_type_number_t *bSubs, mach_msg_type_number_t bCnt, int32_t code, int32_t *sum)
{
	(void)server;
	*sum = (int32_t)(1000 * bCnt);
	for (unsigned i = 0; code == KERN_SUCCESS && i < 2; i++)
		*sum += release_memory(a[i], aSubs[i]);
	for (unsigned i = 0; code == KERN_SUCCESS && i < bCnt; i++)
		*sum += 10 * release_memory(b[i], bSubs[i]);
	return code;
}

kern_return_t s_take_rights(mach_port_t server, int32_t count, ports_t *a, mach_msg_type_number_t *aSubs, ports_t *b,
	mach_msg_type_number_t *bSubs, mach_msg_type_number_t *bCnt)
{
	(void)server;
	for (unsigned i = 0; i < 2; i++)
		a[i] = rights_of(aSubs[i] = 2 - i);
	*bCnt = (mach_msg_type_number_t)count;
	for (unsigned i = 0; i < (unsigned)count; i++)
		b[i] = rights_of(bSubs[i] = i);
	return KERN_SUCCESS;
}

kern_return_t s_turn_rights(mach_port_t server, ports_t *b, mach_msg_type_number_t *bSubs, mach_msg_type_number_t *bCnt,
	const two_ports_t *c, two_ports_t *d)
{
	(void)server;
	/* The first goes. */
	release_memory(b[0], bSubs[0]);
	*bCnt -= 1;
	for (unsigned i = 0; i < *bCnt; i++) {
		b[i] = b[i + 1];
		bSubs[i] = bSubs[i + 1];
	}
	d[0] = c[1];
	d[1] = c[0];
	return KERN_SUCCESS;
}

kern_return_t s_put_pairs(mach_port_t server, const pair_t *a, const pair_t *b, mach_msg_type_number_t bCnt,
	page_of_pairs_t c, mach_msg_type_number_t cCnt, int32_t code, int32_t *sum)
{
	(void)server;
	*sum = (int32_t)(1000 * bCnt + 100 * cCnt);
	if (code != KERN_SUCCESS)
		return code;
	*sum += release_all(a[0], 6) + release_all(b[0], 2 * bCnt) + release_all(c[0], 2 * cCnt);
	give_back(c, cCnt * sizeof *c);
	return KERN_SUCCESS;
}

kern_return_t s_take_pairs(mach_port_t server, int32_t count, pair_t *a, pair_t *b, mach_msg_type_number_t *bCnt,
	page_of_pairs_t *c, mach_msg_type_number_t *cCnt)
{
	(void)server;
	for (unsigned i = 0; i < 6; i++)
		a[i / 2][i % 2] = lb_send_right(kept);
	for (unsigned i = 0; i < 2 * (unsigned)count; i++)
		b[i / 2][i % 2] = lb_send_right(kept);
	*bCnt = *cCnt = (mach_msg_type_number_t)count;
	*c = (page_of_pairs_t)rights_of(2 * (unsigned)count);
	return KERN_SUCCESS;
}

kern_return_t s_turn_rights_inline(mach_port_t server, mach_port_t *a, mach_msg_type_number_t *aCnt, pair_t *b,
	mach_msg_type_number_t *bCnt, int32_t code)
{
	(void)server;
	if (code != KERN_SUCCESS)
		return code;
	release_all(b[--*bCnt], 2);
	a[(*aCnt)++] = lb_send_right(kept);
	return KERN_SUCCESS;
}

kern_return_t s_put_any(
	mach_port_t server, const mach_port_t *a, mach_msg_type_name_t aPoly, mach_msg_type_number_t aCnt, int32_t *sum)
{
	(void)server;
	*sum = release_all(a, aCnt) + 10 * (aPoly == MACH_MSG_TYPE_PORT_SEND_ONCE);
	return KERN_SUCCESS;
}

kern_return_t s_unnamed(mach_port_t server, const int32_t *a, const int32_t *b, mach_msg_type_number_t bCnt,
	const data_t *c, const mach_msg_type_number_t *cSubs, int32_t *d, int32_t *e, mach_msg_type_number_t *eCnt,
	const char *text)
{
	(void)server;
	d[0] = a[0] + a[1] + a[2];
	d[1] = bCnt != 0 ? b[bCnt - 1] : 0;
	d[2] = sum_data(c, cSubs, 2, true);
	d[3] = (int32_t)strlen(text);
	*eCnt = bCnt;
	memcpy(e, b, bCnt * sizeof *e);
	return KERN_SUCCESS;
}

kern_return_t s_like_data(mach_port_t server, const data_t *a, const mach_msg_type_number_t *aSubs, data_t *b,
	mach_msg_type_number_t *bSubs)
{
	(void)server;
	arrays_told.served++;
	sum_data(a, aSubs, 2, true);
	b[0] = (data_t) "abcde";
	bSubs[0] = 5;
	return KERN_SUCCESS;
}

kern_return_t s_like_numbers(mach_port_t server, const numbers_t *a, const mach_msg_type_number_t *aSubs, numbers_t *b,
	mach_msg_type_number_t *bSubs)
{
	(void)server;
	(void)b;
	(void)bSubs;
	arrays_told.served++;
	sum_numbers(a, aSubs, 2, true);
	return KERN_SUCCESS;
}

kern_return_t s_like_rights(mach_port_t server, const ports_t *a, const mach_msg_type_number_t *aSubs, ports_t *b,
	mach_msg_type_number_t *bSubs)
{
	static mach_port_t right;

	(void)server;
	arrays_told.served++;
	release_memory(a[0], aSubs[0]);
	release_memory(a[1], aSubs[1]);
	right = lb_send_right(kept);
	b[1] = &right;
	bSubs[1] = 1;
	return KERN_SUCCESS;
}

kern_return_t s_like_onces(mach_port_t server, const onces_t *a, const mach_msg_type_number_t *aSubs, onces_t *b,
	mach_msg_type_number_t *bSubs)
{
	(void)b;
	(void)bSubs;
	(void)server;
	arrays_told.served++;
	release_memory(a[0], aSubs[0]);
	release_memory(a[1], aSubs[1]);
	return KERN_SUCCESS;
}

kern_return_t s_some_data(mach_port_t server, const data_t *a, const mach_msg_type_number_t *aSubs,
	mach_msg_type_number_t aCnt, data_t *b, mach_msg_type_number_t *bSubs, mach_msg_type_number_t *bCnt)
{
	(void)server;
	arrays_told.served++;
	sum_data(a, aSubs, aCnt, true);
	b[0] = b[1] = (data_t) "abcdefghijklmnopqrst";
	bSubs[0] = 16;
	bSubs[1] = 20;
	*bCnt = 2;
	return KERN_SUCCESS;
}

kern_return_t s_some_fixed(
	mach_port_t server, const four_t *a, mach_msg_type_number_t aCnt, four_t *b, mach_msg_type_number_t *bCnt)
{
	static int32_t four[4];

	(void)server;
	arrays_told.served++;
	for (unsigned i = 0; i < aCnt; i++)
		give_back(a[i], sizeof(int32_t[4]));
	b[0] = four;
	*bCnt = 1;
	return KERN_SUCCESS;
}

kern_return_t s_few_rights(mach_port_t server, const mach_port_t *a, mach_msg_type_number_t aCnt, mach_port_t *b,
	mach_msg_type_number_t *bCnt)
{
	(void)server;
	arrays_told.served++;
	*bCnt = aCnt;
	memcpy(b, a, aCnt * sizeof *a);
	return KERN_SUCCESS;
}
