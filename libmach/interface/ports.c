/* The routines on ports that Mach's programs know and the kernel has in another form. */
#include <mach/mach.h>
#include <string.h>

kern_return_t mach_ports_register(task_t task, const mach_port_t *ports, mach_msg_type_number_t count)
{
	kern_return_t result = KERN_SUCCESS;

	if (count > TASK_PORT_REGISTER_MAX)
		return KERN_INVALID_ARGUMENT;
	for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX && result == KERN_SUCCESS; i++)
		result = portolan_mach_ports_register(
			task, (int)i, i < count ? ports[i] : MACH_PORT_NULL, MACH_MSG_TYPE_COPY_SEND);
	return result;
}

kern_return_t mach_ports_lookup(task_t task, mach_port_array_t *ports, mach_msg_type_number_t *count)
{
	mach_port_t found[TASK_PORT_REGISTER_MAX] = {MACH_PORT_NULL};
	mach_msg_type_name_t disposition;
	vm_address_t memory = 0;
	kern_return_t result = KERN_SUCCESS;

	for (int i = 0; i < TASK_PORT_REGISTER_MAX && result == KERN_SUCCESS; i++)
		result = portolan_mach_ports_lookup(task, i, &found[i], &disposition);
	if (result == KERN_SUCCESS)
		result = vm_allocate(mach_task_self(), &memory, sizeof(found), TRUE);
	if (result != KERN_SUCCESS) {
		for (unsigned i = 0; i < TASK_PORT_REGISTER_MAX; i++)
			if (MACH_PORT_VALID(found[i]))
				mach_port_deallocate(mach_task_self(), found[i]);
		return result;
	}
	*ports = memcpy((void *)memory, found, sizeof(found));
	*count = TASK_PORT_REGISTER_MAX;
	return KERN_SUCCESS;
}

kern_return_t mach_port_get_attributes(ipc_space_t task, mach_port_name_t name, mach_port_flavor_t flavor,
	mach_port_info_t info, mach_msg_type_number_t *count)
{
	const mach_msg_type_number_t wanted = flavor == MACH_PORT_LIMITS_INFO      ? MACH_PORT_LIMITS_INFO_COUNT
					      : flavor == MACH_PORT_RECEIVE_STATUS ? MACH_PORT_RECEIVE_STATUS_COUNT
										   : 0;
	mach_port_status_t status;
	kern_return_t result;

	if (wanted == 0)
		return KERN_INVALID_ARGUMENT;
	if (*count < wanted)
		return KERN_FAILURE;
	result = mach_port_get_receive_status(task, name, &status);
	if (result != KERN_SUCCESS)
		return result;
	if (flavor == MACH_PORT_LIMITS_INFO)
		*(mach_port_limits_t *)(void *)info = (mach_port_limits_t){.mpl_qlimit = status.mps_qlimit};
	else
		memcpy(info, &status, sizeof(status));
	*count = wanted;
	return KERN_SUCCESS;
}

kern_return_t mach_port_set_attributes(ipc_space_t task, mach_port_name_t name, mach_port_flavor_t flavor,
	const int *info, mach_msg_type_number_t count)
{
	if (flavor != MACH_PORT_LIMITS_INFO)
		return KERN_INVALID_ARGUMENT;
	if (count < MACH_PORT_LIMITS_INFO_COUNT)
		return KERN_FAILURE;
	return mach_port_set_qlimit(task, name, (mach_port_msgcount_t)info[0]);
}

kern_return_t mach_port_get_context(ipc_space_t task, mach_port_name_t name, mach_port_context_t *context)
{
	return mach_port_get_protected_payload(task, name, context);
}

kern_return_t mach_port_set_context(ipc_space_t task, mach_port_name_t name, mach_port_context_t context)
{
	return mach_port_set_protected_payload(task, name, context);
}

/* Whether the receive right is in the set, or in another one: KERN_NOT_IN_SET if in none. */
static kern_return_t set_of(ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	mach_port_status_t status;
	mach_port_type_t type;
	kern_return_t result = mach_port_get_receive_status(task, name, &status);

	if (result != KERN_SUCCESS)
		return result;
	result = mach_port_type(task, set, &type);
	if (result != KERN_SUCCESS)
		return result;
	if (!(type & MACH_PORT_TYPE_PORT_SET))
		return KERN_INVALID_RIGHT;
	if (status.mps_pset == MACH_PORT_NULL)
		return KERN_NOT_IN_SET;
	return status.mps_pset == set ? KERN_ALREADY_IN_SET : KERN_NAME_EXISTS;
}

kern_return_t mach_port_insert_member(ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	kern_return_t result = set_of(task, name, set);

	if (result == KERN_NOT_IN_SET)
		return mach_port_move_member(task, name, set);
	return result == KERN_NAME_EXISTS ? KERN_ALREADY_IN_SET : result;
}

kern_return_t mach_port_extract_member(ipc_space_t task, mach_port_name_t name, mach_port_name_t set)
{
	kern_return_t result = set_of(task, name, set);

	if (result == KERN_ALREADY_IN_SET)
		return mach_port_move_member(task, name, MACH_PORT_NULL);
	return result == KERN_NAME_EXISTS ? KERN_NOT_IN_SET : result;
}

kern_return_t mach_port_allocate_qos(
	ipc_space_t task, mach_port_right_t right, mach_port_qos_t *qos, mach_port_name_t *name)
{
	return mach_port_allocate_full(task, right, MACH_PORT_NULL, qos, name);
}

kern_return_t mach_port_allocate_full(
	ipc_space_t task, mach_port_right_t right, mach_port_t proto, mach_port_qos_t *qos, mach_port_name_t *name)
{
	if (proto != MACH_PORT_NULL)
		return KERN_INVALID_VALUE;
	return qos->name ? mach_port_allocate_name(task, right, *name) : mach_port_allocate(task, right, name);
}

kern_return_t mach_port_construct(
	ipc_space_t task, mach_port_options_t *options, mach_port_context_t context, mach_port_name_t *name)
{
	mach_port_t made;
	kern_return_t result;

	if (options->flags & ~(uint32_t)(MPO_QLIMIT | MPO_INSERT_SEND_RIGHT))
		return KERN_INVALID_ARGUMENT;
	result = mach_port_allocate(task, MACH_PORT_RIGHT_RECEIVE, name);
	if (result != KERN_SUCCESS)
		return result;
	if (options->flags & MPO_QLIMIT)
		result = mach_port_set_qlimit(task, *name, options->mpl.mpl_qlimit);
	if (result == KERN_SUCCESS && context != 0)
		result = mach_port_set_context(task, *name, context);
	if (result == KERN_SUCCESS && (options->flags & MPO_INSERT_SEND_RIGHT)) {
		mach_msg_type_name_t type;

		result = mach_port_extract_right(task, *name, MACH_MSG_TYPE_MAKE_SEND, &made, &type);
		if (result == KERN_SUCCESS && task != mach_task_self()) {
			result = mach_port_insert_right(task, *name, made, MACH_MSG_TYPE_COPY_SEND);
			mach_port_deallocate(mach_task_self(), made);
		}
	}
	if (result != KERN_SUCCESS)
		mach_port_mod_refs(task, *name, MACH_PORT_RIGHT_RECEIVE, -1);
	return result;
}

kern_return_t mach_port_destruct(
	ipc_space_t task, mach_port_name_t name, mach_port_delta_t srdelta, mach_port_context_t guard)
{
	mach_port_urefs_t send = 0, receive = 0;
	kern_return_t result;

	if (guard != 0 || srdelta > 0)
		return KERN_INVALID_ARGUMENT;
	result = mach_port_get_refs(task, name, MACH_PORT_RIGHT_RECEIVE, &receive);
	if (result == KERN_SUCCESS)
		result = mach_port_get_refs(task, name, MACH_PORT_RIGHT_SEND, &send);
	if (result != KERN_SUCCESS)
		return result;
	if (receive == 0)
		return KERN_INVALID_RIGHT;
	if ((mach_port_urefs_t)-srdelta > send)
		return KERN_INVALID_RIGHT;
	if (srdelta != 0)
		result = mach_port_mod_refs(task, name, MACH_PORT_RIGHT_SEND, srdelta);
	return result == KERN_SUCCESS ? mach_port_mod_refs(task, name, MACH_PORT_RIGHT_RECEIVE, -1) : result;
}
