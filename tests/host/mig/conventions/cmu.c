/* A client and a server in the manner of CMU's programs. */
#include "check.h"
#include "cmu_server.h"
#include "cmu_user.h"

extern mig_symtab_t _cmu_styleSymTab[];
extern int _cmu_styleSymTabBase, _cmu_styleSymTabEnd;

static kern_return_t failed;
static int set;

void cmu_failed(kern_return_t result)
{
	failed = result;
}

kern_return_t xcmu_list(mach_port_t server, cmu_list_t list, mach_msg_type_number_t count, cmu_list_t back,
	mach_msg_type_number_t *backCnt)
{
	(void)server;
	memcpy(back, list, count * sizeof list[0]);
	*backCnt = count;
	return KERN_SUCCESS;
}

kern_return_t xcmu_text(mach_port_t server, cmu_text_t text)
{
	(void)server;
	return strcmp(text, "text") == 0 ? KERN_SUCCESS : KERN_FAILURE;
}

/* The stub frees what came; what goes back fits the room. */
kern_return_t xcmu_data(mach_port_t server, cmu_data_t data, mach_msg_type_number_t count, cmu_data_t *back,
	mach_msg_type_number_t *backCnt)
{
	(void)server;
	CHECK(*backCnt == 2048 && count <= *backCnt);
	memcpy(*back, data, count);
	*backCnt = count;
	return KERN_SUCCESS;
}

void xcmu_set(mach_port_t server, int a)
{
	(void)server;
	set = a;
}

int xcmu_get(mach_port_t server, int a)
{
	(void)server;
	return set + a;
}

/* A loop that asks for the stub first. */
static boolean_t demux(mach_msg_header_t *in, mach_msg_header_t *out)
{
	const mach_msg_header_t *message = in;
	mig_routine_t routine = cmu_style_server_routine(message);

	if (routine == NULL)
		return FALSE;
	CHECK(routine == _cmu_styleSymTab[in->msgh_id - _cmu_styleSymTabBase].ms_routine);
	routine(in, out);
	return TRUE;
}

static void call_all(mach_port_t port)
{
	int list[2] = {3, 4};
	int back[8];
	mach_msg_type_number_t count = 8, dataCnt = 0;
	cmu_data_t data = NULL;
	char room[8];

	CHECK(cmu_list(port, list, 2, back, &count) == KERN_SUCCESS && count == 2 && back[1] == 4);
	CHECK(cmu_text(port, (char[64]){"text"}) == KERN_SUCCESS);
	CHECK(cmu_data(port, (char[5]){"data"}, 5, &data, &dataCnt) == KERN_SUCCESS && dataCnt == 5);
	CHECK(strcmp(data, "data") == 0);
	mig_deallocate((vm_address_t)(uintptr_t)data, dataCnt);
	data = room;
	dataCnt = sizeof room;
	CHECK(cmu_data(port, (char[5]){"data"}, 5, &data, &dataCnt) == KERN_SUCCESS && dataCnt == 5 && data == room);
	CHECK(strcmp(room, "data") == 0 && lb_regions() == 0);
	cmu_set(port, 30);
	CHECK(set == 30 && cmu_get(port, 5) == 35 && failed == KERN_SUCCESS);
}

int main(void)
{
	mach_port_t port = lb_port(&cmu_style_subsystem, 0);

	lb_force_messages = true;
	lb_demux = demux;
	call_all(port);
	lb_demux = cmu_style_server;
	call_all(port);
	CHECK(_cmu_styleSymTabEnd == 906 && _cmu_styleSymTab[2].ms_routine == NULL);
	CHECK(strcmp(_cmu_styleSymTab[1].ms_routine_name, "cmu_text") == 0 &&
		_cmu_styleSymTab[1].ms_routine_number == 901);
	cmu_set(0, 1);
	CHECK(failed == MACH_SEND_INVALID_DEST);
	return ended(TITLE);
}
