/* A client and a server in the manner of GNU's programs: several subsystems in one loop by DEMUX_routine. */
#include "check.h"
#include "gnu_server.h"
#include "gnu_user.h"

#include <stdlib.h>

#if !MIG_RPC_HAVE_GNU_ADD || !MIG_RPC_HAVE_S_GNU_ADD || MIG_RPC_REQUEST_ID_GNU_DATA != 2704 ||                         \
	MIG_RPC_REPLY_ID_GNU_DATA != 2804 || defined(MIG_RPC_REPLY_ID_GNU_NOTE) || !defined(_gnu_style_user_) ||       \
	!defined(_gnu_style_server_)
#error the macros of the headers
#endif

extern char gnu_style_user_rcsid[], gnu_style_server_rcsid[];

static int noted;

/* Prototypes as such a program has them, of its own. */
kern_return_t S_gnu_add(mach_port_t server, int a, int b, int *sum);
kern_return_t S_gnu_name(mach_port_t server, const_string_t name, string_t answer);
kern_return_t S_gnu_data(mach_port_t server, const_data_t data, mach_msg_type_number_t dataCnt, data_t *back,
	mach_msg_type_number_t *backCnt);
kern_return_t gnu_data(mach_port_t server, const_data_t data, mach_msg_type_number_t dataCnt, data_t *back,
	mach_msg_type_number_t *backCnt);
kern_return_t S_gnu_arrays(mach_port_t server, const fixed_t f, const list_t l, mach_msg_type_number_t lCnt,
	const text_t t, mach_msg_type_number_t tCnt, fixed_t rf, list_t rl, mach_msg_type_number_t *rlCnt, text_t rt,
	mach_msg_type_number_t *rtCnt);
kern_return_t gnu_arrays(mach_port_t server, const fixed_t f, const list_t l, mach_msg_type_number_t lCnt,
	const_text_t t, mach_msg_type_number_t tCnt, fixed_t rf, list_t rl, mach_msg_type_number_t *rlCnt, char *rt,
	mach_msg_type_number_t *rtCnt);

kern_return_t S_gnu_add(mach_port_t server, int a, int b, int *sum)
{
	(void)server;
	*sum = a + b;
	return KERN_SUCCESS;
}

kern_return_t S_gnu_name(mach_port_t server, const_string_t name, string_t answer)
{
	(void)server;
	snprintf(answer, 1024, "hello %s", name);
	return KERN_SUCCESS;
}

kern_return_t S_gnu_data(mach_port_t server, const_data_t data, mach_msg_type_number_t dataCnt, data_t *back,
	mach_msg_type_number_t *backCnt)
{
	vm_address_t address = 0;

	/* The stub frees the data; what goes back fits the room that is given, or is memory of the server's. */
	(void)server;
	if (*backCnt < dataCnt) {
		mig_allocate(&address, dataCnt);
		*back = (data_t)(uintptr_t)address;
	}
	memcpy(*back, data, dataCnt);
	*backCnt = dataCnt;
	return KERN_SUCCESS;
}

kern_return_t S_gnu_arrays(mach_port_t server, const fixed_t f, const list_t l, mach_msg_type_number_t lCnt,
	const text_t t, mach_msg_type_number_t tCnt, fixed_t rf, list_t rl, mach_msg_type_number_t *rlCnt, text_t rt,
	mach_msg_type_number_t *rtCnt)
{
	(void)server;
	memcpy(rf, f, sizeof(fixed_t));
	memcpy(rl, l, lCnt * sizeof l[0]);
	*rlCnt = lCnt;
	memcpy(rt, t, tCnt);
	*rtCnt = tCnt;
	return KERN_SUCCESS;
}

kern_return_t S_gnu_memory(mach_port_t server, memory_t m, mach_msg_type_number_t mCnt, pair_t pair, int *sum)
{
	(void)server;
	*sum = pair.first + (int)pair.second;
	for (unsigned i = 0; i < mCnt; i++)
		*sum += m[i];
	mig_deallocate((vm_address_t)(uintptr_t)m, mCnt * sizeof m[0]);
	return KERN_SUCCESS;
}

/* Three ways to leave the room, and one to overstep it. */
kern_return_t S_gnu_rooms(mach_port_t server, int how, numbers_t *numbers, mach_msg_type_number_t *numbersCnt,
	boolean_t *numbersDealloc, rights_t *rights, mach_msg_type_number_t *rightsCnt)
{
	vm_address_t address = 0;

	CHECK(*numbersCnt == 512 && *rightsCnt == 512 && *numbersDealloc == 0);
	CHECK(((uintptr_t)*numbers & 7) == 0 && (char *)*rights - (char *)*numbers == 2048);
	memset(*rights, 0, *rightsCnt * sizeof **rights);
	(*rights)[0] = (*rights)[511] = server;
	for (int i = 0; i < 512; i++)
		(*numbers)[i] = i;
	if (how == 1) {
		mig_allocate(&address, 4096);
		*numbers = (numbers_t)(uintptr_t)address;
		memset(*numbers, 0, 4096);
		*numbersCnt = 1024;
	}
	*numbersDealloc = how != 0;
	if (how == 3)
		*numbersCnt = 513;
	return KERN_SUCCESS;
}

kern_return_t S_gnu_copied(
	mach_port_t server, const_data_t data, mach_msg_type_number_t dataCnt, boolean_t dataSCopy, int *sum)
{
	(void)server;
	*sum = 0;
	for (unsigned i = 0; i < dataCnt; i++)
		*sum += data[i];
	if (!dataSCopy)
		mig_deallocate((vm_address_t)(uintptr_t)data, dataCnt);
	return KERN_SUCCESS;
}

kern_return_t S_gnu_rights(mach_port_t server, const_rights_t rights, mach_msg_type_number_t rightsCnt)
{
	if (rightsCnt != 2)
		return KERN_FAILURE;
	for (unsigned i = 0; i < rightsCnt; i++) {
		CHECK(rights[i] != server && lb_object(rights[i]) == lb_object(server));
		mach_port_deallocate(0, rights[i]);
	}
	return KERN_SUCCESS;
}

kern_return_t S_gnu_note(mach_port_t server, int a)
{
	(void)server;
	noted = a;
	return KERN_SUCCESS;
}

/* The demuxer of a server that has several interfaces. */
static boolean_t demuxer(mach_msg_header_t *in, mach_msg_header_t *out)
{
	mig_routine_t routine = gnu_style_server_routine(in);

	if (routine == NULL)
		return gnu_style_server(in, out);
	CHECK(routine == gnu_style_server_routines[in->msgh_id - 2700]);
	(*routine)(in, out);
	return TRUE;
}

static void call_rooms(mach_port_t port)
{
	mach_port_t both[2] = {port, port};
	int room[1024];
	numbers_t numbers;
	mach_port_t rights[512];
	rights_t names;
	mach_msg_type_number_t count, namesCnt;
	int sum = 0;

	for (int how = 0; how < 4; how++) {
		numbers = room;
		names = rights;
		count = 1024;
		namesCnt = 512;
		CHECK(gnu_rooms(port, how, &numbers, &count, &names, &namesCnt) == KERN_SUCCESS);
		CHECK(numbers == room && count == (how == 1 ? 1024 : 512) && room[511] == (how == 1 ? 0 : 511));
		CHECK(names == rights && namesCnt == 512 && rights[1] == MACH_PORT_NULL);
		CHECK(lb_object(rights[0]) == lb_object(port) && lb_object(rights[511]) == lb_object(port));
		mach_port_deallocate(0, rights[0]);
		mach_port_deallocate(0, rights[511]);
		CHECK(lb_regions() == 0);
	}
	CHECK(gnu_copied(port, "\1\2\3", 3, &sum) == KERN_SUCCESS && sum == 6);
	CHECK(gnu_rights(port, both, 2) == KERN_SUCCESS);
	CHECK(gnu_rights(port, both, 1) == KERN_FAILURE);
	CHECK(lb_regions() == 0);
}

static void call_all(mach_port_t port)
{
	static const fixed_t fixed = {1, 2, 3, 4};
	int list[3] = {5, 6, 7};
	int numbers[2] = {10, 20};
	const pair_t pair = {1, 2};
	fixed_t rf;
	int rl[8];
	char text[40];
	string_t answer;
	char room[16];
	data_t back = room;
	mach_msg_type_number_t count = sizeof room, rlCnt = 8, rtCnt = 40;
	int sum = 0;

	CHECK(gnu_add(port, 2, 3, &sum) == KERN_SUCCESS && sum == 5);
	CHECK(gnu_name(port, "world", answer) == KERN_SUCCESS && strcmp(answer, "hello world") == 0);
	CHECK(gnu_data(port, "some bytes", 10, &back, &count) == KERN_SUCCESS && count == 10);
	CHECK(back == room && memcmp(room, "some bytes", 10) == 0);
	count = 4;
	CHECK(gnu_data(port, "some bytes", 10, &back, &count) == KERN_SUCCESS && count == 10 && back != room);
	mig_deallocate((vm_address_t)(uintptr_t)back, count);
	CHECK(gnu_arrays(port, fixed, list, 3, "text", 4, rf, rl, &rlCnt, text, &rtCnt) == KERN_SUCCESS);
	CHECK(rlCnt == 3 && rtCnt == 4 && rf[3] == 4 && rl[2] == 7 && memcmp(text, "text", 4) == 0);
	CHECK(gnu_memory(port, numbers, 2, pair, &sum) == KERN_SUCCESS && sum == 33);
	CHECK(gnu_absent(port, 1) == MIG_EOPNOTSUPP);
	CHECK(gnu_note(port, 42) == KERN_SUCCESS && noted == 42);
	CHECK(lb_regions() == 0);
	call_rooms(port);
}

int main(void)
{
	mach_port_t port = lb_port(&gnu_style_subsystem, 0);
	mach_msg_header_t unknown = {.msgh_id = 2702};

	lb_force_messages = true;
	call_all(port);
	lb_demux = demuxer;
	call_all(port);
	lb_demux = gnu_style_server;
	call_all(port);
	CHECK(gnu_style_server_routine(&unknown) == NULL);
	unknown.msgh_id = 2712;
	CHECK(gnu_style_server_routine(&unknown) == NULL);
	CHECK(strcmp(gnu_style_user_rcsid, "$Id: gnu$") == 0 && strcmp(gnu_style_server_rcsid, "$Id: gnu$") == 0);
	return ended(TITLE);
}
