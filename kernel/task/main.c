/* The machine-independent start of the kernel. */
#include <ipc/ipc.h>
#include <task/host.h>
#include <task/task_private.h>
#include <vm/vm_pageout.h>

static void idle_never_runs(struct thread *)
{
	panic("the idle thread was switched to as if it were ready");
}

/* The thread that stands in while a processor has nothing to do; never on a queue. */
void make_idle_thread(struct processor *processor)
{
	struct thread *thread = thread_allocate(&kernel_task);

	if (thread == NULL)
		panic("no memory for an idle thread");
	thread->pmap = NULL;
	thread->priority = thread->run_priority = PRIORITY_IDLE;
	thread->continuation = idle_never_runs;
	thread->state = THREAD_RUNNING;
	thread->on_processor = true;
	thread->processor = processor;
	processor->idle_thread = thread;
	processor->thread = thread;
}

void kernel_main(void)
{
	wait_init();
	sched_init();
	deferred_init();
	ipc_init();
	task_init();
	make_idle_thread(current_processor());
	machine_start_processors();
	host_init();
	vm_pageout_start();
	boot_task_start();
	host_bytes_at_boot = kernel_account.bytes;
	kprintf("Portolan " PACKAGE_VERSION ": %u processor%s, %lu MiB\n", processors_online,
		processors_online == 1 ? "" : "s", (unsigned long)(vm_page_counts.total >> (20 - VM_PAGE_SHIFT)));
	sched_run();
}
