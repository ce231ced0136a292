/* Delivery of signals: into the frame of a handler, at the end of a call, in user mode, or after a fault. */
#include "signal/deliver.h"

#include <mach/mach.h>
#include <servers/file_types.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ptrace.h>

#include "call/call.h"
#include "call/dispatch.h"
#include "call/fiber.h"
#include "call/trace.h"
#include "memory/mm.h"
#include "process/claim.h"
#include "process/proc.h"
#include "process/ptrace.h"
#include "signal/sigframe.h"
#include "signal/traceregs.h"
#include "unix_server.h"

#define KICK_AGAIN 1000000ull /* ns */
#define RFLAGS_DF  0x400ull
#define RFLAGS_TF  0x100ull
#define RFLAGS_RF  0x10000ull
/* Processor exceptions (Intel SDM volume 3, 6.3.1). */
enum { TRAP_DIVIDE = 0, TRAP_STACK = 12, TRAP_PROTECTION = 13, TRAP_ALIGNMENT = 17 };

/* A thread's state on its way into a handler. */
struct state {
	x86_thread_state64_t registers; /* without cs and the bases: the thread keeps them */
	unsigned float_size;            /* bytes of the area */
	union frame_state memory;       /* the area, and room for the rest of a frame */
};

static bool get_state(struct thread *thread, struct state *state)
{
	mach_msg_type_number_t count = THREAD_STATE_MAX;

	if (thread_get_state_trap(thread->port, x86_CONTEXT_STATE64, state->memory.context, &count) != KERN_SUCCESS)
		return false;
	memcpy(&state->registers, state->memory.context, sizeof state->memory.context);
	state->float_size = (count - x86_CONTEXT_REGISTERS) * 8;
	return state->float_size >= FRAME_LEGACY_FLOAT_SIZE;
}

static void set_registers(struct thread *thread, struct state *state)
{
	thread_set_state_trap(thread->port, x86_CONTEXT_STATE64, (uint64_t *)&state->registers, x86_CONTEXT_REGISTERS);
}

/* Bytes of the floating-point state of the threads here: learnt from the last frame. */
static uint64_t usual_float_size = FRAME_LEGACY_FLOAT_SIZE;

/* Makes the state's registers those of the handler's start. False: the stack cannot take the frame. */
static bool push_frame(struct thread *thread, struct state *state, const struct signal_action *action,
	const struct signal_info *info, uint64_t mask)
{
	mach_port_t task = process_task(thread->process);
	x86_thread_state64_t *registers = &state->registers;
	struct frame_image *image = &state->memory.image;
	uint32_t float_size = state->float_size, magic = FRAME_FLOAT_MAGIC2;
	struct frame_float_note note = {
		.magic1 = FRAME_FLOAT_MAGIC1, .extended_size = float_size + sizeof magic, .size = float_size};
	struct frame_stack stack = {.base = thread->alt_stack, .size = thread->alt_stack_size};
	struct frame_place place;
	uint64_t top = registers->rsp - FRAME_RED_ZONE;

	if (on_alt_stack(thread, registers->rsp))
		stack.flags = SS_ONSTACK;
	else if (thread->alt_stack_size == 0)
		stack.flags = SS_DISABLE;
	else if (action->flags & SA_ONSTACK)
		top = thread->alt_stack + thread->alt_stack_size;
	stack.flags |= (int32_t)(thread->alt_stack_flags & ALT_STACK_AUTODISARM);
	usual_float_size = float_size;
	if (float_size > FRAME_LEGACY_FLOAT_SIZE)
		note.features = image->floating[FRAME_LEGACY_FLOAT_SIZE / 8];
	memcpy((char *)image->floating + FRAME_FLOAT_NOTE_OFFSET, &note, sizeof note);
	memcpy((char *)image->floating + float_size, &magic, sizeof magic);
	place = frame_place(top, float_size + sizeof magic);
	image->frame.return_address = action->restorer;
	frame_fill_context(&image->frame.context, registers, mask, &stack, place.floating);
	image->frame.info = *info;
	memset(image->gap, 0, sizeof image->gap);
	/* May release the lock: a page of the stack can be anybody's. */
	if (copy_out_waiting(
		    task, place.frame, image, offsetof(struct frame_image, floating) + float_size + sizeof magic) != 0)
		return false;
	registers->rdi = (uint64_t)info->signal;
	registers->rsi = place.frame + offsetof(struct signal_frame, info);
	registers->rdx = place.frame + offsetof(struct signal_frame, context);
	registers->rax = 0;
	registers->rsp = place.frame;
	registers->rip = action->handler;
	registers->rflags &= ~(RFLAGS_DF | RFLAGS_TF | RFLAGS_RF);
	if (thread->alt_stack_flags & ALT_STACK_AUTODISARM)
		thread->alt_stack_size = 0;
	return true;
}

/* Calls the signal's handler. False: the process has ended. */
static bool run_handler(struct thread *thread, struct state *state, int signal, const struct signal_info *info)
{
	struct signal_action *slot = &thread->process->actions->action[signal - 1], action = *slot;
	uint64_t mask = thread->restore_mask ? thread->saved_mask : thread->blocked;

	if (trace_enabled)
		trace_note(thread, "--- %s ---", strsignal(signal));
	if (!push_frame(thread, state, &action, info, mask))
		process_exit(thread->process, SIGSEGV);
	if (thread->dead)
		return false;
	slot = &thread->process->actions->action[signal - 1];
	thread->restore_mask = false;
	thread->blocked |= action.mask;
	if (!(action.flags & SA_NODEFER))
		thread->blocked |= SIGNAL_BIT(signal);
	thread->blocked &= ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (action.flags & SA_RESETHAND)
		slot->handler = 0;
	return true;
}

/*
 * A traced thread stops before a signal is delivered. False: nothing is to be delivered; else *signal, or another that
 * the tracer wants, is, and if it stops the process by default it stops the thread for its tracer.
 */
static bool traced_signal(struct thread *thread, int *signal, struct signal_info *info)
{
	const struct signal_action *action;

	*signal = trace_signal(thread, *signal, info);
	if (*signal == 0 || thread->dead)
		return false;
	if (thread->blocked & SIGNAL_BIT(*signal)) {
		signal_thread(thread, *signal, info);
		return false;
	}
	action = &thread->process->actions->action[*signal - 1];
	if (action->handler > 1 || thread->trace == NULL)
		return true;
	if (action->handler == 1 || signal_default_action(*signal) == SIGNAL_IGNORED ||
		signal_default_action(*signal) == SIGNAL_CONTINUES)
		return false;
	if (signal_default_action(*signal) == SIGNAL_STOPS) {
		trace_group_stop(thread, *signal);
		return false;
	}
	trace_event(thread, PTRACE_EVENT_EXIT, (uint64_t)*signal);
	return !thread->dead;
}

/* The next signal that has a handler; the others are acted on. 0: none (or the process has ended: thread->dead or
 * stopped). */
static int next_handler(struct thread *thread, struct signal_info *info)
{
	while (signal_due(thread)) {
		int signal;

		if (thread->trace != NULL && thread->trace->interrupt) {
			trace_interrupted(thread);
			continue;
		}
		signal = signal_take(thread, ~thread->blocked, info);
		if (signal == 0)
			return 0;
		if (thread->trace != NULL && !traced_signal(thread, &signal, info))
			continue;
		if (thread->process->actions->action[signal - 1].handler > 1)
			return signal;
		signal_act_by_default(thread->process, signal);
	}
	return 0;
}

/* A traced thread whose registers its tracer has set, or that goes on for one instruction, has not what we knew. */
static bool registers_changed(const struct thread *thread)
{
	return thread->trace != NULL && thread->trace->changed;
}

static bool steps(const struct thread *thread)
{
	return thread->trace != NULL && thread->trace->step;
}

/* Puts registers into a thread whose call has not been answered; one with a kept reply right is taken out of it. */
static void set_in_call(struct call *call, struct state *state)
{
	struct thread *thread = call->thread;

	if (call->reply == MACH_PORT_NULL) {
		set_registers(thread, state);
		return;
	}
	thread_suspend(thread->port);
	thread_abort(thread->port);
	set_registers(thread, state);
	thread_resume(thread->port);
}

static void kick_again(struct timer *timer)
{
	signal_wake(list_entry(timer, struct thread, kick));
}

static void look_again(struct thread *thread)
{
	thread->kick.fire = kick_again;
	timer_set(&thread->kick, clock_monotonic() + KICK_AGAIN);
}

enum answer deliver_at_return(struct call *call, int64_t *result)
{
	struct thread *thread = call->thread;
	bool interrupted = *result == CALL_INTERRUPTED, keep = *result == CALL_KEEP, changed = false, again = false;
	struct state state; /* large, and mostly not needed: not to be cleared */
	struct signal_info info;
	int signal;

	if (!interrupted && thread->restore_mask && !(signal_due(thread) && *result == -EINTR)) {
		/* The temporary mask of ppoll and its like goes with the call. */
		thread->blocked = thread->saved_mask;
		thread->restore_mask = false;
	}
	while ((signal = next_handler(thread, &info)) != 0) {
		if (registers_changed(thread)) {
			*result = CALL_KEEP;
			keep = true;
			interrupted = false;
		}
		if (!changed) {
			const struct signal_action *action = &thread->process->actions->action[signal - 1];

			if (interrupted && call->interrupted != NULL)
				call->interrupted(call);
			if (!get_state(thread, &state))
				return ANSWER_NONE;
			if (interrupted) {
				again = (action->flags & SA_RESTART) != 0 && !call->no_restart;
				*result = -EINTR;
				if (again) {
					state.registers.rip -= 2; /* the syscall instruction */
					state.registers.rax = call->number;
				} else {
					state.registers.rax = (uint64_t)*result;
				}
			} else if (!keep) {
				state.registers.rax = (uint64_t)*result;
			}
			changed = true;
		}
		if (!run_handler(thread, &state, signal, &info))
			return ANSWER_NONE;
		/* Its tracer shall see the next one with the registers of this one's handler: outside the call. */
		if (thread->trace != NULL) {
			look_again(thread);
			break;
		}
	}
	if (thread->dead)
		return ANSWER_NONE;
	if (registers_changed(thread) && !changed) {
		*result = CALL_KEEP;
		keep = true;
		interrupted = false;
	}
	if (interrupted && !changed) {
		/* What woke it had no handler after all: the call begins anew. */
		if (!get_state(thread, &state))
			return ANSWER_NONE;
		state.registers.rip -= 2;
		state.registers.rax = call->number;
		if (thread->restore_mask) {
			thread->blocked = thread->saved_mask;
			thread->restore_mask = false;
		}
		changed = again = true;
	}
	if (keep && !changed && call->reply != MACH_PORT_NULL) {
		if (!get_state(thread, &state))
			return ANSWER_NONE;
		changed = true;
	}
	if (!changed) {
		if (steps(thread))
			trace_set_step(thread, true);
		return keep ? ANSWER_KEEP : ANSWER_WORD;
	}
	if (steps(thread))
		state.registers.rflags |= RFLAGS_TF;
	set_in_call(call, &state);
	return again ? ANSWER_AGAIN : ANSWER_KEEP;
}

/*
 * On a fiber: the handlers of a suspended thread outside a call, which then goes on. May wait for a page of its stack:
 * as the thread's call, which is marked running so that nobody frees it meanwhile.
 */
static void run_handlers(void *argument)
{
	struct thread *thread = argument;
	struct state state; /* large, and mostly not needed: not to be cleared */
	struct signal_info info;
	bool changed = false;
	int signal;

	thread->call.is_none = true;
	if (thread->trace != NULL)
		thread->trace->call = NULL;
	if (get_state(thread, &state)) {
		current_call = &thread->call;
		while ((signal = next_handler(thread, &info)) != 0) {
			if (thread->trace != NULL && !get_state(thread, &state))
				break;
			if (!run_handler(thread, &state, signal, &info))
				break;
			changed = true;
			if (thread->trace != NULL)
				set_registers(thread, &state);
		}
		current_call = NULL;
	}
	thread->call.is_none = false;
	thread->call.state = CALL_IDLE;
	if (thread->dead) {
		thread_free(thread);
		return;
	}
	if (changed && thread->trace == NULL)
		set_registers(thread, &state);
	if (steps(thread))
		trace_set_step(thread, true);
	thread_put(thread);
	thread_resume(thread->port);
}

bool deliver_start(struct thread *thread)
{
	thread->call.state = CALL_RUNNING;
	return fiber_start(run_handlers, thread);
}

/* In user mode, or between its call and the receipt of it, or between its end and the reply. Taken (claim.h). */
static void kick_user(struct thread *thread)
{
	struct portolan_thread_info basic;
	mach_msg_type_number_t count = PORTOLAN_THREAD_INFO_COUNT;

	if (thread_suspend(thread->port) != KERN_SUCCESS) {
		thread_put(thread);
		return;
	}
	if (portolan_thread_info(thread->port, PORTOLAN_THREAD_INFO, (uint64_t *)&basic, &count) != KERN_SUCCESS ||
		basic.in_call == THREAD_IN_FOREIGN_CALL) {
		look_again(thread);
		thread_put(thread);
		thread_resume(thread->port);
	} else {
		/* Whoever sends the signal does not wait with it. */
		thread->call.state = CALL_RUNNING;
		fiber_run(run_handlers, thread);
	}
}

void deliver_kick(struct thread *thread)
{
	if (thread->dead || thread->lent != NULL || thread->process->stopped || thread->port == MACH_PORT_NULL)
		return;
	switch (thread->call.state) {
	case CALL_WAITING:
		call_interrupt(&thread->call);
		break;
	case CALL_IDLE:
		if (thread_take(thread))
			kick_user(thread);
		break;
	case CALL_RUNNING:
	case CALL_READY:
	case CALL_PAGING:
		break; /* at its end */
	}
}

/* The signal of an exception. */
static void exception_signal(int exception, int64_t code, int64_t subcode, struct signal_info *info)
{
	memset(info, 0, sizeof *info);
	info->address = (uint64_t)subcode;
	switch (exception) {
	case EXC_BAD_ACCESS:
		info->signal = SIGSEGV;
		info->code = code == KERN_PROTECTION_FAILURE ? SEGV_ACCERR : SEGV_MAPERR;
		/* The pager could not bring the page: it is dead, or says why by a file server's error; or a file in memory
		 * ends before it, or has no room. */
		if (code == KERN_MEMORY_ERROR || code == KERN_MEMORY_FAILURE || (code & ~0xfff) == FILE_ERROR_BASE ||
			code == KERN_BEYOND_END || code == KERN_NO_SPACE) {
			info->signal = SIGBUS;
			info->code = BUS_ADRERR;
		}
		break;
	case EXC_ARITHMETIC:
		info->signal = SIGFPE;
		info->code = code == TRAP_DIVIDE ? FPE_INTDIV : FPE_FLTINV;
		break;
	case EXC_BREAKPOINT:
		info->signal = SIGTRAP;
		info->code = code == 1 ? TRAP_TRACE : SI_KERNEL;
		break;
	case EXC_BAD_INSTRUCTION:
		if (code == TRAP_PROTECTION || code == TRAP_STACK) {
			info->signal = code == TRAP_STACK ? SIGBUS : SIGSEGV;
			info->code = SI_KERNEL;
			info->address = 0;
		} else if (code == TRAP_ALIGNMENT) {
			info->signal = SIGBUS;
			info->code = BUS_ADRALN;
		} else {
			info->signal = SIGILL;
			info->code = ILL_ILLOPN;
		}
		break;
	default:
		info->signal = SIGSYS;
		info->code = SI_KERNEL;
		break;
	}
}

/*
 * A traced thread stops for its tracer. False: it goes on with the registers that it has now, or is dead; else the
 * signal is delivered, *state is new.
 */
static bool traced_exception(struct thread *thread, struct state *state, struct signal_info *info)
{
	int signal;

	if (thread->call.state != CALL_IDLE || !thread_take(thread))
		return true;
	thread->call.state = CALL_RUNNING;
	thread->call.is_none = true;
	thread->trace->call = NULL;
	signal = trace_signal(thread, info->signal, info);
	thread->call.is_none = false;
	thread->call.state = CALL_IDLE;
	if (thread->dead) {
		thread_free(thread);
		return false;
	}
	if (signal != 0 && get_state(thread, state)) {
		info->signal = signal;
		thread_put(thread);
		return true;
	}
	if (steps(thread))
		trace_set_step(thread, true);
	thread_put(thread);
	return false;
}

kern_return_t deliver_exception(struct thread *thread, int exception, int64_t code, int64_t subcode)
{
	struct process *process = thread->process;
	struct state state; /* large, and mostly not needed: not to be cleared */
	struct signal_info info;
	bool alive;

	if (process->exiting)
		return KERN_SUCCESS;
	exception_signal(exception, code, subcode, &info);
	if (!get_state(thread, &state))
		return KERN_FAILURE;
	if (info.signal == SIGILL || info.signal == SIGFPE)
		info.address = state.registers.rip;
	thread->fault_address = (uint64_t)subcode;
	if (thread->trace != NULL && !traced_exception(thread, &state, &info))
		return KERN_SUCCESS;
	/* A fault cannot be ignored, and not be put off: the instruction would only fault again. */
	if ((thread->blocked & SIGNAL_BIT(info.signal)) || process->actions->action[info.signal - 1].handler <= 1) {
		trace_note(thread, "--- %s, address %#llx, rip %#llx ---", strsignal(info.signal),
			(unsigned long long)subcode, (unsigned long long)state.registers.rip);
		process_exit(process, info.signal);
		return KERN_SUCCESS;
	}
	/* Who has an exception is in no call, unless somebody forged one. */
	if (thread->call.state != CALL_IDLE || !thread_take(thread))
		return KERN_FAILURE;
	thread->call.state = CALL_RUNNING;
	thread->call.is_none = true;
	current_call = &thread->call;
	alive = run_handler(thread, &state, info.signal, &info);
	current_call = NULL;
	thread->call.is_none = false;
	thread->call.state = CALL_IDLE;
	if (!alive) {
		thread_free(thread);
		return KERN_SUCCESS;
	}
	if (steps(thread))
		state.registers.rflags |= RFLAGS_TF;
	set_registers(thread, &state);
	thread_put(thread);
	return KERN_SUCCESS;
}

/* Bytes of a frame's floating-point state, as the note in it says. */
static uint64_t float_size_of(const struct frame_float_note *note)
{
	if (note->magic1 == FRAME_FLOAT_MAGIC1 && note->size <= THREAD_STATE_MAX * 8 && (note->size & 7) == 0 &&
		note->size > FRAME_LEGACY_FLOAT_SIZE)
		return note->size;
	return FRAME_LEGACY_FLOAT_SIZE;
}

/*
 * The frame at `address`, and its floating-point state (*size bytes, 0: the handler took it out). A frame that is still
 * as it was made comes in one piece; in others the state may be anywhere.
 */
static int read_frame(struct call *call, uint64_t address, struct frame_image *image, uint64_t *size)
{
	const struct frame_float_note *note = (const void *)((const char *)image->floating + FRAME_FLOAT_NOTE_OFFSET);
	struct frame_context *context = &image->frame.context;
	uint64_t have = usual_float_size, start = offsetof(struct signal_frame, context), at;
	int error = copy_in_task(process_task(call->process), context, address + start,
		offsetof(struct frame_image, floating) - start + have);

	if (error != 0) {
		have = 0;
		error = copy_in(call, context, address + start, sizeof *context);
	}
	at = context->registers.floating;
	if (error != 0 || at == 0)
		return error;
	if (have == 0 || at != address + offsetof(struct frame_image, floating)) {
		have = FRAME_LEGACY_FLOAT_SIZE;
		error = copy_in(call, image->floating, at, have);
		if (error != 0)
			return error;
	}
	*size = float_size_of(note);
	return *size > have ? copy_in(call, image->floating, at, *size) : 0;
}

int64_t sys_rt_sigreturn(uint64_t caller)
{
	struct call *call = call_of(caller);
	struct thread *thread = call->thread;
	union frame_state memory;
	const struct frame_context *context = &memory.image.frame.context;
	x86_thread_state64_t registers;
	uint64_t size = 0;
	int error = read_frame(
		call, call->argument[CALL_STACK] - offsetof(struct signal_frame, context), &memory.image, &size);

	if (error == CALL_ERROR_RESTART)
		return CALL_RESTART;
	if (error != 0)
		goto forged;
	/* The note lies over reserved bytes, which the processor wants zero. */
	if (size != 0)
		memset((char *)memory.image.floating + FRAME_FLOAT_NOTE_OFFSET, 0, sizeof(struct frame_float_note));
	frame_restore(context, &registers);
	memcpy(memory.context, &registers, sizeof memory.context);
	/* An area of a length that this processor does not know is left out. */
	if (thread_set_state_trap(thread->port, x86_CONTEXT_STATE64, memory.context,
		    x86_CONTEXT_REGISTERS + (unsigned)size / 8) != KERN_SUCCESS &&
		thread_set_state_trap(thread->port, x86_CONTEXT_STATE64, memory.context, x86_CONTEXT_REGISTERS) !=
			KERN_SUCCESS)
		goto forged;
	thread->blocked = context->mask & ~(SIGNAL_BIT(SIGKILL) | SIGNAL_BIT(SIGSTOP));
	if (!on_alt_stack(thread, registers.rsp) && !(context->stack.flags & SS_DISABLE)) {
		thread->alt_stack = context->stack.base;
		thread->alt_stack_size = context->stack.size;
		thread->alt_stack_flags = (unsigned)context->stack.flags & ALT_STACK_AUTODISARM;
	}
	return CALL_KEEP;
forged:
	process_exit(call->process, SIGSEGV);
	return CALL_GONE;
}
