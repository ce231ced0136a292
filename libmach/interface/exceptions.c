/* Exception ports by masks, over the kernel's actions of one kind each. */
#include <mach/mach.h>
#include <mach/portolan_user.h>

/* Where actions are: of a thread, a task or the host. */
struct level {
	kern_return_t (*set)(mach_port_t where, int kind, mach_port_t port, int behavior, int flavor);
	kern_return_t (*get)(mach_port_t where, int kind, mach_port_t *port, int *behavior, int *flavor);
};

static const struct level thread_level = {thread_set_exception_action, thread_get_exception_action};
static const struct level task_level = {task_set_exception_action, task_get_exception_action};
static const struct level host_level = {host_set_exception_action, host_get_exception_action};

#define MASK_KNOWN (EXC_MASK(EXC_TYPES_COUNT) - 2)

/* All kinds of the mask. What is refused is refused for each of them, so that none has changed then. */
static kern_return_t set_ports(const struct level *level, mach_port_t where, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor)
{
	kern_return_t result = mask & ~MASK_KNOWN ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;

	for (int kind = 1; kind < EXC_TYPES_COUNT && result == KERN_SUCCESS; kind++)
		if (mask & EXC_MASK(kind))
			result = level->set(where, kind, port, behavior, flavor);
	return result;
}

/* Kinds with the same action are one entry. *count: how many there are. Rights in it are the caller's. */
static kern_return_t get_ports(const struct level *level, mach_port_t where, exception_mask_t mask,
	exception_mask_array_t masks, mach_msg_type_number_t *count, mach_port_t *ports,
	exception_behavior_array_t behaviors, exception_flavor_array_t flavors)
{
	kern_return_t result = mask & ~MASK_KNOWN ? KERN_INVALID_ARGUMENT : KERN_SUCCESS;
	mach_msg_type_number_t found = 0, room = *count;

	for (int kind = 1; kind < EXC_TYPES_COUNT && result == KERN_SUCCESS; kind++) {
		mach_msg_type_number_t i = 0;
		mach_port_t port;
		int behavior, flavor;

		if (!(mask & EXC_MASK(kind)))
			continue;
		result = level->get(where, kind, &port, &behavior, &flavor);
		if (result != KERN_SUCCESS)
			break;
		while (i < found && (ports[i] != port || behaviors[i] != behavior || flavors[i] != flavor))
			i++;
		if (i < found) {
			masks[i] |= EXC_MASK(kind);
			if (MACH_PORT_VALID(port))
				mach_port_deallocate(mach_task_self(), port);
		} else if (found < room) {
			masks[found] = EXC_MASK(kind);
			ports[found] = port;
			behaviors[found] = behavior;
			flavors[found++] = flavor;
		} else {
			if (MACH_PORT_VALID(port))
				mach_port_deallocate(mach_task_self(), port);
			result = KERN_INVALID_ARGUMENT;
		}
	}
	for (mach_msg_type_number_t i = 0; result != KERN_SUCCESS && i < found; i++)
		if (MACH_PORT_VALID(ports[i]))
			mach_port_deallocate(mach_task_self(), ports[i]);
	if (result == KERN_SUCCESS)
		*count = found;
	return result;
}

static kern_return_t swap_ports(const struct level *level, mach_port_t where, exception_mask_t mask, mach_port_t port,
	exception_behavior_t behavior, thread_state_flavor_t flavor, exception_mask_array_t masks,
	mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,
	exception_flavor_array_t flavors)
{
	kern_return_t result = get_ports(level, where, mask, masks, count, ports, behaviors, flavors);

	if (result != KERN_SUCCESS)
		return result;
	result = set_ports(level, where, mask, port, behavior, flavor);
	for (mach_msg_type_number_t i = 0; result != KERN_SUCCESS && i < *count; i++)
		if (MACH_PORT_VALID(ports[i]))
			mach_port_deallocate(mach_task_self(), ports[i]);
	return result;
}

#define OF_LEVEL(name)                                                                                                 \
	kern_return_t name##_set_exception_ports(mach_port_t where, exception_mask_t mask, mach_port_t port,           \
		exception_behavior_t behavior, thread_state_flavor_t flavor)                                           \
	{                                                                                                              \
		return set_ports(&name##_level, where, mask, port, behavior, flavor);                                  \
	}                                                                                                              \
	kern_return_t name##_get_exception_ports(mach_port_t where, exception_mask_t mask,                             \
		exception_mask_array_t masks, mach_msg_type_number_t *count, mach_port_t *ports,                       \
		exception_behavior_array_t behaviors, exception_flavor_array_t flavors)                                \
	{                                                                                                              \
		return get_ports(&name##_level, where, mask, masks, count, ports, behaviors, flavors);                 \
	}                                                                                                              \
	kern_return_t name##_swap_exception_ports(mach_port_t where, exception_mask_t mask, mach_port_t port,          \
		exception_behavior_t behavior, thread_state_flavor_t flavor, exception_mask_array_t masks,             \
		mach_msg_type_number_t *count, mach_port_t *ports, exception_behavior_array_t behaviors,               \
		exception_flavor_array_t flavors)                                                                      \
	{                                                                                                              \
		return swap_ports(                                                                                     \
			&name##_level, where, mask, port, behavior, flavor, masks, count, ports, behaviors, flavors);  \
	}

OF_LEVEL(thread)
OF_LEVEL(task)
OF_LEVEL(host)

kern_return_t thread_abort_safely(thread_t thread)
{
	struct portolan_thread_info info;
	mach_msg_type_number_t words = PORTOLAN_THREAD_INFO_COUNT;
	kern_return_t result = portolan_thread_info(thread, PORTOLAN_THREAD_INFO, (uint64_t *)&info, &words);

	if (result != KERN_SUCCESS)
		return result;
	/* An answer that is under way would be lost. A thread that is suspended begins no call meanwhile. */
	return info.in_call != THREAD_IN_NONE ? KERN_FAILURE : thread_abort(thread);
}
