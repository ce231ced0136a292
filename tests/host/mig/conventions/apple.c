/* A client and a server in the manner of Apple's programs: sized by the unions, dispatched by the description. */
#include "apple_hooks.h"

#include "check.h"
#include "apple_defines.h"
#include "apple_server.h"
#include "apple_user.h"

#if apple_style_MSG_COUNT != 5 || MACH_ID_NAME != 33002 || MACH_ID_NAME_REPLY != 33102 || defined(MACH_ID_NOTE_REPLY)
#error the macros of the headers
#endif
_Static_assert(before_user_header == 1 && after_server_header == 1, "hooks in the headers");

int hook_sends, hook_receives, hook_depth, hook_id;
const char *hook_name;
static int noted;
static const struct {
	const char *name;
	int id;
} names[] = {subsystem_to_name_map_apple_style};

kern_return_t do_add(mach_port_t server, int32_t a, int32_t b, int32_t *sum);
kern_return_t call_name(mach_port_t server, apple_name_t name, apple_name_t answer);
kern_return_t do_data(mach_port_t server, const apple_data_t data, mach_msg_type_number_t dataCnt, apple_list_t list,
	mach_msg_type_number_t listCnt, apple_data_t *back, mach_msg_type_number_t *backCnt);
kern_return_t call_note(mach_port_t server, int32_t limit, int32_t a);

kern_return_t do_add(mach_port_t server, int32_t a, int32_t b, int32_t *sum)
{
	(void)server;
	CHECK(lb_demux == NULL || hook_depth == 1);
	*sum = a + b;
	return KERN_SUCCESS;
}

kern_return_t do_name(mach_port_t server, apple_name_t name, apple_name_t answer)
{
	(void)server;
	snprintf(answer, sizeof(apple_name_t), "hello %.100s", name);
	return KERN_SUCCESS;
}

kern_return_t do_data(mach_port_t server, const apple_data_t data, mach_msg_type_number_t dataCnt, apple_list_t list,
	mach_msg_type_number_t listCnt, apple_data_t *back, mach_msg_type_number_t *backCnt)
{
	vm_address_t address = 0;

	/* The stub frees the data, and there is no room for what goes back. */
	(void)server;
	CHECK(listCnt == 2 && list[1] == 9);
	CHECK(*back == NULL && *backCnt == 0);
	mig_allocate(&address, dataCnt);
	*back = (apple_data_t)(uintptr_t)address;
	memcpy(*back, data, dataCnt);
	*backCnt = dataCnt;
	return KERN_SUCCESS;
}

kern_return_t do_note(mach_port_t server, int32_t a)
{
	(void)server;
	noted = a;
	return KERN_SUCCESS;
}

/* A server that looks into the description itself. */
static boolean_t by_description(mach_msg_header_t *in, mach_msg_header_t *out)
{
	const mach_msg_id_t index = in->msgh_id - do_apple_style_subsystem.start;
	mig_stub_routine_t routine;

	CHECK(index >= 0 && in->msgh_id < do_apple_style_subsystem.end);
	routine = do_apple_style_subsystem.routine[index].stub_routine;
	CHECK(routine == (do_apple_style_subsystem.server)(in) && routine == apple_style_server_routine(in));
	CHECK(do_apple_style_subsystem.routine[index].max_reply_msg <= do_apple_style_subsystem.maxsize);
	routine(in, out);
	return TRUE;
}

static void call_all(mach_port_t port)
{
	uint8_t bytes[3] = {1, 2, 3};
	int32_t list[2] = {8, 9};
	apple_name_t answer;
	apple_data_t back = NULL;
	mach_msg_type_number_t count = 0;
	int32_t sum = 0;

	CHECK(call_add(port, 2, 3, &sum) == KERN_SUCCESS && sum == 5 && hook_id == 33000);
	CHECK(call_name(port, (char[128]){"world"}, answer) == KERN_SUCCESS && strcmp(answer, "hello world") == 0);
	CHECK(call_data(port, bytes, 3, list, 2, &back, &count) == KERN_SUCCESS && count == 3 && back[2] == 3);
	mig_deallocate((vm_address_t)(uintptr_t)back, count);
	CHECK(call_note(port, 50, 42) == KERN_SUCCESS && noted == 42);
	CHECK((lb_last_option & MACH_SEND_TIMEOUT) != 0 && lb_last_timeout == 50);
	CHECK(lb_regions() == 0);
}

int main(void)
{
	mach_port_t port = lb_port(&apple_style_mig_subsystem, 0);
	mach_msg_header_t unknown = {.msgh_id = 33001};
	union __RequestUnion__do_apple_style_subsystem request;
	union __ReplyUnion__do_apple_style_subsystem reply;
	union __RequestUnion__call_apple_style_subsystem to_send;
	union __ReplyUnion__call_apple_style_subsystem to_receive;

	lb_force_messages = true;
	call_all(port);
	CHECK(hook_sends == 8);
	lb_demux = by_description;
	call_all(port);
	CHECK(hook_sends == 16 && hook_receives == 4 && hook_depth == 0 && strcmp(hook_name, "data") == 0);
	lb_demux = apple_style_server;
	call_all(port);
	CHECK(hook_receives == 8);
	CHECK(apple_style_server_routine(&unknown) == NULL && do_apple_style_subsystem.routine[1].stub_routine == NULL);
	CHECK(do_apple_style_subsystem.routine[3].descr_count == 1 && do_apple_style_subsystem.routine[3].argc == 7);
	CHECK(sizeof request.Request_name >= sizeof request.Head + 128 &&
		sizeof reply >= do_apple_style_subsystem.maxsize);
	CHECK(sizeof(__Request__name_t) <= sizeof request &&
		sizeof(union __RequestUnion__call_apple_style_subsystem) != 0);
	CHECK(sizeof to_send.Request_call_name == sizeof request.Request_name &&
		sizeof to_receive.Reply_call_data == sizeof reply.Reply_data);
	CHECK(sizeof names / sizeof names[0] == 4 && names[1].id == 33002 && strcmp(names[1].name, "name") == 0);
	return ended(TITLE);
}
