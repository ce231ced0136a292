/* mach_port_*, and the ports that a task has registered. */
#include "cases.h"

#include <string.h>

#define RECEIVE  MACH_PORT_RIGHT_RECEIVE
#define SEND     MACH_PORT_RIGHT_SEND
#define SET      MACH_PORT_RIGHT_PORT_SET
#define DEAD     MACH_PORT_RIGHT_DEAD_NAME
#define NOT_TASK host

static void names(void)
{
	mach_port_t port = MACH_PORT_NULL, other = MACH_PORT_NULL, set = MACH_PORT_NULL;
	mach_port_name_array_t list;
	mach_port_type_array_t types;
	mach_port_type_t type;
	mach_msg_type_number_t count, type_count;
	mach_port_urefs_t refs;

	CASE(mach_port_allocate, (self, RECEIVE, &port), KERN_SUCCESS, "a receive right");
	CASE(mach_port_allocate, (self, SET, &set), KERN_SUCCESS, "a set");
	CASE(mach_port_allocate, (self, DEAD, &other), KERN_SUCCESS, "a dead name");
	CASE(mach_port_deallocate, (self, other), KERN_SUCCESS, "a dead name");
	CASE(mach_port_allocate, (self, SEND, &other), KERN_INVALID_VALUE, "a send right");
	CASE(mach_port_allocate, (NOT_TASK, RECEIVE, &other), KERN_INVALID_TASK, "in what is no task");
	CASE(mach_port_allocate_name, (self, RECEIVE, 0x4567801), KERN_SUCCESS, "a chosen name");
	CASE(mach_port_allocate_name, (self, SET, 0x4567801), KERN_NAME_EXISTS, "a name that is taken");
	CASE(mach_port_allocate_name, (self, RECEIVE, MACH_PORT_NULL), KERN_INVALID_VALUE, "null");
	CASE(mach_port_allocate_name, (self, RECEIVE, MACH_PORT_DEAD), KERN_INVALID_VALUE, "the dead name");
	CASE(mach_port_rename, (self, 0x4567801, 0x4667802), KERN_SUCCESS, "to a free name");
	CASE(mach_port_type, (self, 0x4667802, &type), KERN_SUCCESS, "of the new name");
	check_is("mach_port_rename: the right is what it was", type, MACH_PORT_TYPE_RECEIVE);
	CASE(mach_port_type, (self, 0x4567801, &type), KERN_INVALID_NAME, "of the old name");
	CASE(mach_port_rename, (self, 0x4667802, port), KERN_NAME_EXISTS, "to one that is taken");
	CASE(mach_port_rename, (self, NO_NAME, 0x4667803), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_rename, (self, 0x4667802, MACH_PORT_NULL), KERN_INVALID_VALUE, "to null");
	CASE(mach_port_destroy, (self, 0x4667802), KERN_SUCCESS, "a receive right");
	CASE(mach_port_destroy, (self, 0x4667802), KERN_INVALID_NAME, "what is gone");
	CASE(mach_port_names, (self, &list, &count, &types, &type_count), KERN_SUCCESS, "of this task");
	check_is("mach_port_names: as many names as types", count, type_count);
	mig_deallocate((vm_address_t)list, count * sizeof(*list));
	mig_deallocate((vm_address_t)types, count * sizeof(*types));
	CASE(mach_port_names, (NOT_TASK, &list, &count, &types, &type_count), KERN_INVALID_TASK, "of what is no task");
	CASE(mach_port_insert_right, (self, port, port, MACH_MSG_TYPE_MAKE_SEND), KERN_SUCCESS, "a send right");
	CASE(mach_port_insert_right, (self, 0x4667804, port, MACH_MSG_TYPE_COPY_SEND), KERN_RIGHT_EXISTS,
		"under a second name");
	CASE(mach_port_insert_right, (self, set, port, MACH_MSG_TYPE_MAKE_SEND_ONCE), KERN_NAME_EXISTS,
		"under the name of something else");
	CASE(mach_port_insert_right, (self, MACH_PORT_NULL, port, MACH_MSG_TYPE_COPY_SEND), KERN_INVALID_VALUE,
		"under null");
	CASE(mach_port_insert_right, (self, 0x4667804, MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND),
		KERN_INVALID_CAPABILITY, "of nothing");
	CASE(mach_port_get_refs, (self, port, SEND, &refs), KERN_SUCCESS, "of a send right");
	check_is("mach_port_get_refs: one", refs, 1);
	CASE(mach_port_get_refs, (self, port, DEAD, &refs), KERN_SUCCESS, "of a right that it is not");
	check_is("mach_port_get_refs: none", refs, 0);
	CASE(mach_port_get_refs, (self, port, 77, &refs), KERN_INVALID_VALUE, "of no kind of right");
	CASE(mach_port_get_refs, (self, NO_NAME, SEND, &refs), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_mod_refs, (self, port, SEND, 5), KERN_SUCCESS, "five more");
	CASE(mach_port_mod_refs, (self, port, SEND, -7), KERN_INVALID_VALUE, "less than none");
	CASE(mach_port_mod_refs, (self, port, SEND, 0x7fffffff), KERN_UREFS_OVERFLOW, "too many");
	CASE(mach_port_mod_refs, (self, port, SET, -1), KERN_INVALID_RIGHT, "of a right that it is not");
	CASE(mach_port_mod_refs, (self, NO_NAME, SEND, -1), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_deallocate, (self, port), KERN_SUCCESS, "a send right");
	CASE(mach_port_deallocate, (self, set), KERN_INVALID_RIGHT, "a set");
	CASE(mach_port_deallocate, (self, NO_NAME), KERN_INVALID_NAME, "no name");
	CASE(mach_port_destroy, (self, port), KERN_SUCCESS, "both rights");
	CASE(mach_port_destroy, (self, set), KERN_SUCCESS, "a set");
}

static void receive_rights(void)
{
	mach_port_t port = new_port(), other = new_port(), set = MACH_PORT_NULL, second = MACH_PORT_NULL, previous;
	mach_port_name_array_t members;
	mach_msg_type_number_t count;
	mach_port_status_t status;
	mach_port_limits_t limits = {0};
	mach_port_context_t context = 0;

	mach_port_allocate(self, SET, &set);
	mach_port_allocate(self, SET, &second);
	CASE(mach_port_move_member, (self, port, set), KERN_SUCCESS, "into a set");
	CASE(mach_port_move_member, (self, NO_NAME, set), KERN_INVALID_NAME, "no name");
	CASE(mach_port_move_member, (self, set, set), KERN_INVALID_RIGHT, "a set");
	CASE(mach_port_move_member, (self, port, other), KERN_INVALID_RIGHT, "into what is no set");
	CASE(mach_port_move_member, (self, other, MACH_PORT_NULL), KERN_NOT_IN_SET, "out of none");
	CASE(mach_port_get_set_status, (self, set, &members, &count), KERN_SUCCESS, "of a set of one");
	check_is("mach_port_get_set_status: it", count == 1 && members[0] == port, 1);
	mig_deallocate((vm_address_t)members, count * sizeof(*members));
	CASE(mach_port_get_set_status, (self, port, &members, &count), KERN_INVALID_RIGHT, "of a port");
	CASE(mach_port_insert_member, (self, port, set), KERN_ALREADY_IN_SET, "which it is");
	CASE(mach_port_insert_member, (self, port, other), KERN_INVALID_RIGHT, "into what is no set");
	CASE(mach_port_insert_member, (self, other, set), KERN_SUCCESS, "a second port");
	CASE(mach_port_insert_member, (self, NO_NAME, set), KERN_INVALID_NAME, "no name");
	CASE(mach_port_insert_member, (self, port, NO_NAME), KERN_INVALID_NAME, "into no name");
	CASE(mach_port_extract_member, (self, port, second), KERN_NOT_IN_SET, "of another set");
	CASE(mach_port_extract_member, (self, port, set), KERN_SUCCESS, "of its set");
	CASE(mach_port_extract_member, (self, port, set), KERN_NOT_IN_SET, "of none");
	CASE(mach_port_set_qlimit, (self, port, 3), KERN_SUCCESS, "3");
	CASE(mach_port_set_qlimit, (self, port, MACH_PORT_QLIMIT_MAX + 1), KERN_INVALID_VALUE, "too large");
	CASE(mach_port_set_qlimit, (self, set, 3), KERN_INVALID_RIGHT, "of a set");
	CASE(mach_port_set_qlimit, (self, NO_NAME, 3), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_set_mscount, (self, port, 77), KERN_SUCCESS, "77");
	CASE(mach_port_set_mscount, (self, set, 77), KERN_INVALID_RIGHT, "of a set");
	CASE(mach_port_set_seqno, (self, port, 99), KERN_SUCCESS, "99");
	CASE(mach_port_set_seqno, (self, NO_NAME, 99), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_get_receive_status, (self, port, &status), KERN_SUCCESS, "of a port");
	check_is("mach_port_get_receive_status: limit, counts, rights",
		status.mps_qlimit == 3 && status.mps_mscount == 77 && status.mps_seqno == 99 && status.mps_srights &&
			!status.mps_pdrequest && !status.mps_nsrequest && status.mps_pset == MACH_PORT_NULL,
		1);
	CASE(mach_port_get_receive_status, (self, set, &status), KERN_INVALID_RIGHT, "of a set");
	count = MACH_PORT_LIMITS_INFO_COUNT;
	CASE(mach_port_get_attributes, (self, port, MACH_PORT_LIMITS_INFO, (int *)&limits, &count), KERN_SUCCESS,
		"limits");
	check_is("mach_port_get_attributes: the limit", limits.mpl_qlimit, 3);
	count = 0;
	CASE(mach_port_get_attributes, (self, port, MACH_PORT_LIMITS_INFO, (int *)&limits, &count), KERN_FAILURE,
		"no room");
	CASE(mach_port_get_attributes, (self, port, 88, (int *)&limits, &count), KERN_INVALID_ARGUMENT, "what is none");
	count = MACH_PORT_RECEIVE_STATUS_COUNT;
	CASE(mach_port_get_attributes, (self, NO_NAME, MACH_PORT_RECEIVE_STATUS, (int *)&status, &count),
		KERN_INVALID_NAME, "of no name");
	limits.mpl_qlimit = 5;
	CASE(mach_port_set_attributes, (self, port, MACH_PORT_LIMITS_INFO, (int *)&limits, MACH_PORT_LIMITS_INFO_COUNT),
		KERN_SUCCESS, "limits");
	CASE(mach_port_set_attributes, (self, port, MACH_PORT_LIMITS_INFO, (int *)&limits, 0), KERN_FAILURE, "cut off");
	CASE(mach_port_set_attributes, (self, port, MACH_PORT_RECEIVE_STATUS, (int *)&limits, 1), KERN_INVALID_ARGUMENT,
		"what cannot be set");
	CASE(mach_port_set_protected_payload, (self, port, 0x123456789abull), KERN_SUCCESS, "of a port");
	CASE(mach_port_get_context, (self, port, &context), KERN_SUCCESS, "of a port");
	check_is("mach_port_get_context: the payload", context == 0x123456789abull, 1);
	CASE(mach_port_set_context, (self, port, 42), KERN_SUCCESS, "of a port");
	CASE(mach_port_set_context, (self, set, 42), KERN_INVALID_RIGHT, "of a set");
	CASE(mach_port_clear_protected_payload, (self, port), KERN_SUCCESS, "of a port");
	CASE(mach_port_clear_protected_payload, (self, NO_NAME), KERN_INVALID_NAME, "of no name");
	CASE(mach_port_request_notification,
		(self, port, MACH_NOTIFY_NO_SENDERS, 0, other, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous), KERN_SUCCESS,
		"no senders");
	CASE(mach_port_request_notification, (self, port, 12345, 0, other, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		KERN_INVALID_VALUE, "what is none");
	CASE(mach_port_request_notification,
		(self, set, MACH_NOTIFY_PORT_DESTROYED, 0, other, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		KERN_INVALID_RIGHT, "of a set");
	CASE(mach_port_request_notification,
		(self, NO_NAME, MACH_NOTIFY_DEAD_NAME, 0, other, MACH_MSG_TYPE_MAKE_SEND_ONCE, &previous),
		KERN_INVALID_NAME, "of no name");
	free_port(port);
	free_port(other);
	mach_port_destroy(self, set);
	mach_port_destroy(self, second);
}

static void construction(void)
{
	mach_port_options_t options = {.flags = MPO_QLIMIT | MPO_INSERT_SEND_RIGHT, .mpl = {.mpl_qlimit = 7}};
	mach_port_qos_t qos = {.name = 0};
	mach_port_t port = MACH_PORT_NULL, right = MACH_PORT_NULL;
	mach_msg_type_name_t type;
	mach_port_status_t status = {0};

	CASE(mach_port_construct, (self, &options, 9, &port), KERN_SUCCESS, "limit, send right, context");
	mach_port_get_receive_status(self, port, &status);
	check_is("mach_port_construct: the limit", status.mps_qlimit, 7);
	check_is("mach_port_construct: both rights", type_of(port), MACH_PORT_TYPE_SEND_RECEIVE);
	check_is("mach_port_construct: one reference", refs_of(port, SEND), 1);
	CASE(mach_port_extract_right, (self, port, MACH_MSG_TYPE_MAKE_SEND_ONCE, &right, &type), KERN_SUCCESS,
		"a send-once right");
	mach_port_deallocate(self, right);
	CASE(mach_port_extract_right, (self, port, 3, &right, &type), KERN_INVALID_VALUE, "by no disposition");
	CASE(mach_port_extract_right, (self, NO_NAME, MACH_MSG_TYPE_COPY_SEND, &right, &type), KERN_INVALID_NAME,
		"of no name");
	CASE(mach_port_extract_right, (self, port, MACH_MSG_TYPE_MOVE_SEND_ONCE, &right, &type), KERN_INVALID_RIGHT,
		"that it is not");
	CASE(mach_port_destruct, (self, port, -2, 0), KERN_INVALID_RIGHT, "more than there are");
	CASE(mach_port_destruct, (self, port, 1, 0), KERN_INVALID_ARGUMENT, "to more references");
	CASE(mach_port_destruct, (self, port, -1, 5), KERN_INVALID_ARGUMENT, "with a guard");
	CASE(mach_port_destruct, (self, port, -1, 0), KERN_SUCCESS, "all");
	check_is("mach_port_destruct: nothing is left", type_of(port), 0);
	CASE(mach_port_destruct, (self, port, 0, 0), KERN_INVALID_NAME, "what is gone");
	options.flags = MPO_CONTEXT_AS_GUARD;
	CASE(mach_port_construct, (self, &options, 9, &port), KERN_INVALID_ARGUMENT, "with a guard");
	options = (mach_port_options_t){.flags = MPO_QLIMIT, .mpl = {.mpl_qlimit = MACH_PORT_QLIMIT_MAX + 1}};
	CASE(mach_port_construct, (self, &options, 0, &port), KERN_INVALID_VALUE, "too large a limit");
	CASE(mach_port_allocate_qos, (self, RECEIVE, &qos, &port), KERN_SUCCESS, "any name");
	mach_port_destroy(self, port);
	qos.name = 1;
	port = 0x5678901;
	CASE(mach_port_allocate_full, (self, RECEIVE, MACH_PORT_NULL, &qos, &port), KERN_SUCCESS, "a chosen name");
	CASE(mach_port_allocate_full, (self, RECEIVE, MACH_PORT_NULL, &qos, &port), KERN_NAME_EXISTS, "twice");
	CASE(mach_port_allocate_full, (self, RECEIVE, port, &qos, &port), KERN_INVALID_VALUE, "with a subsystem");
	mach_port_destroy(self, port);
}

static void registered(void)
{
	mach_port_t port = new_port(), array[TASK_PORT_REGISTER_MAX + 1] = {port, MACH_PORT_NULL, port}, task;
	mach_port_array_t found = NULL;
	mach_msg_type_number_t count = 0;

	task_create(self, FALSE, &task);
	CASE(mach_ports_register, (task, array, 3), KERN_SUCCESS, "three");
	CASE(mach_ports_register, (task, array, TASK_PORT_REGISTER_MAX + 1), KERN_INVALID_ARGUMENT, "too many");
	CASE(mach_ports_register, (host, array, 1), KERN_INVALID_ARGUMENT, "of what is no task");
	array[0] = NO_NAME;
	CASE(mach_ports_register, (task, array, 1), MACH_SEND_INVALID_RIGHT, "what is no right");
	check_is("mach_ports_register: rights are copied", refs_of(port, SEND), 1);
	CASE(mach_ports_lookup, (task, &found, &count), KERN_SUCCESS, "of a task");
	check_is("mach_ports_lookup: what was registered",
		count == TASK_PORT_REGISTER_MAX && found[0] == port && found[1] == MACH_PORT_NULL && found[2] == port &&
			found[3] == MACH_PORT_NULL,
		1);
	check_is("mach_ports_lookup: a reference for each", refs_of(port, SEND), 3);
	mig_deallocate((vm_address_t)found, count * sizeof(*found));
	CASE(mach_ports_lookup, (host, &found, &count), KERN_INVALID_ARGUMENT, "of what is no task");
	task_terminate(task);
	mach_port_deallocate(self, task);
	mach_port_mod_refs(self, port, SEND, -2);
	free_port(port);
}

void test_ports_of_mach(void)
{
	names();
	receive_rights();
	construction();
	registered();
}
