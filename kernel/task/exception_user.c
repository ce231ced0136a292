/* Who has asked to be told of which exceptions: the routines of portolan.defs about it. */
#include <ipc/ipc.h>
#include <kern/kalloc.h>
#include <mach/exception_types.h>
#include <stubs/portolan_server.h>
#include <task/host.h>
#include <task/task_private.h>

#define ACTIONS_BYTES (EXC_TYPES_COUNT * sizeof(struct exception_action))

static struct exception_action of_host[EXC_TYPES_COUNT];
struct exception_action *host_exception_actions = of_host;

void exception_actions_free(struct account *account, struct exception_action *actions)
{
	for (int kind = 0; actions != NULL && kind < EXC_TYPES_COUNT; kind++)
		ipc_port_release_send(actions[kind].port);
	kfree(account, actions, ACTIONS_BYTES);
}

struct exception_action exception_action_of(struct task *task, struct exception_action *const *actions, int kind)
{
	struct exception_action action = {NULL, 0, 0};

	lock_acquire(&task->lock);
	if (*actions != NULL) {
		action = (*actions)[kind];
		action.port = ipc_port_copy_send(action.port);
	}
	lock_release(&task->lock);
	return action;
}

static bool known(int behavior, int flavor)
{
	switch ((unsigned)behavior & ~MACH_EXCEPTION_CODES) {
	case EXCEPTION_DEFAULT:
		return true;
	case EXCEPTION_STATE:
	case EXCEPTION_STATE_IDENTITY:
		return flavor == x86_THREAD_STATE64 || flavor == x86_THREAD_STATE;
	default:
		return false;
	}
}

/* The right is consumed on success. *self: the owner's port, null once it has ended. */
static kern_return_t set_action(struct task *task, struct ipc_port *const *self, struct exception_action **actions,
	int kind, const struct exception_action *action)
{
	struct exception_action *fresh, old = {NULL, 0, 0};
	kern_return_t result = KERN_SUCCESS;

	if (kind <= 0 || kind >= EXC_TYPES_COUNT || (action->port != NULL && !known(action->behavior, action->flavor)))
		return KERN_INVALID_ARGUMENT;
	fresh = kalloc(task->account, ACTIONS_BYTES);
	if (fresh == NULL)
		return KERN_RESOURCE_SHORTAGE;
	__builtin_memset(fresh, 0, ACTIONS_BYTES);
	lock_acquire(&task->lock);
	if (*self == NULL) {
		result = KERN_TERMINATED;
	} else {
		if (*actions == NULL) {
			*actions = fresh;
			fresh = NULL;
		}
		old = (*actions)[kind];
		(*actions)[kind] = *action;
	}
	lock_release(&task->lock);
	kfree(task->account, fresh, ACTIONS_BYTES);
	ipc_port_release_send(old.port);
	return result;
}

static kern_return_t get_action(struct task *task, struct exception_action *const *actions, int kind, ipc_port_t *port,
	int *behavior, int *flavor)
{
	struct exception_action action;

	if (kind <= 0 || kind >= EXC_TYPES_COUNT)
		return KERN_INVALID_ARGUMENT;
	action = exception_action_of(task, actions, kind);
	*port = action.port;
	*behavior = action.behavior;
	*flavor = action.flavor;
	return KERN_SUCCESS;
}

kern_return_t thread_set_exception_action(thread_t thread, int kind, ipc_port_t port, int behavior, int flavor)
{
	return set_action(thread->task, &thread->self_port, &thread->exception_actions, kind,
		&(struct exception_action){port, behavior, flavor});
}

kern_return_t thread_get_exception_action(thread_t thread, int kind, ipc_port_t *port, int *behavior, int *flavor)
{
	return get_action(thread->task, &thread->exception_actions, kind, port, behavior, flavor);
}

kern_return_t task_set_exception_action(task_t task, int kind, ipc_port_t port, int behavior, int flavor)
{
	return set_action(task, &task->self_port, &task->exception_actions, kind,
		&(struct exception_action){port, behavior, flavor});
}

kern_return_t task_get_exception_action(task_t task, int kind, ipc_port_t *port, int *behavior, int *flavor)
{
	return get_action(task, &task->exception_actions, kind, port, behavior, flavor);
}

kern_return_t host_set_exception_action(host_t, int kind, ipc_port_t port, int behavior, int flavor)
{
	return set_action(&kernel_task, &realhost.priv_port, &host_exception_actions, kind,
		&(struct exception_action){port, behavior, flavor});
}

kern_return_t host_get_exception_action(host_t, int kind, ipc_port_t *port, int *behavior, int *flavor)
{
	return get_action(&kernel_task, &host_exception_actions, kind, port, behavior, flavor);
}
