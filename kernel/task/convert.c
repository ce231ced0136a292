/* From ports to the objects they stand for, and back. */
#include <ipc/ipc_space.h>
#include <task/host.h>
#include <task/task_private.h>
#include <vm/vm_map.h>

static void *reference_task(void *object)
{
	task_reference(object);
	return object;
}

static void *reference_thread(void *object)
{
	thread_reference(object);
	return object;
}

static void *reference_map_of_task(void *object)
{
	struct task *task = object;

	ref_take(&task->map->refs);
	return task->map;
}

static void *reference_space_of_task(void *object)
{
	struct task *task = object;

	ref_take(&task->space->refs);
	return task->space;
}

static void *borrow(void *object)
{
	return object;
}

task_t convert_port_to_task(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_TASK, reference_task);
}

thread_t convert_port_to_thread(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_THREAD, reference_thread);
}

vm_map_t convert_port_to_map(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_TASK, reference_map_of_task);
}

thread_t convert_name_to_thread(mach_port_name_t name)
{
	return ipc_space_kernel_object(current_thread()->space, name, IKOT_THREAD, reference_thread);
}

vm_map_t convert_name_to_map(mach_port_name_t name)
{
	return ipc_space_kernel_object(current_thread()->space, name, IKOT_TASK, reference_map_of_task);
}

ipc_space_t convert_port_to_space(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_TASK, reference_space_of_task);
}

host_t convert_port_to_host(struct ipc_port *port)
{
	host_t host = ipc_port_kobject(port, IKOT_HOST, borrow);

	return host != NULL ? host : convert_port_to_host_priv(port);
}

host_t convert_port_to_host_priv(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_HOST_PRIV, borrow);
}

host_t convert_port_to_device_master(struct ipc_port *port)
{
	return ipc_port_kobject(port, IKOT_DEVICE_MASTER, borrow);
}

struct ipc_port *convert_task_to_port(task_t task)
{
	struct ipc_port *right;

	if (task == NULL)
		return NULL;
	right = task_slot_right(task, &task->self_port, ipc_port_make_send);
	task_deallocate(task);
	return right;
}

struct ipc_port *convert_thread_to_port(thread_t thread)
{
	struct ipc_port *right;

	if (thread == NULL)
		return NULL;
	right = task_slot_right(thread->task, &thread->self_port, ipc_port_make_send);
	thread_deallocate(thread);
	return right;
}
