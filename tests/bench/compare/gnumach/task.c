/* GNU Mach as the system beside: a boot task of 32 bits, without a library, that prints "row NAME COUNT" as
 * ../../mach.c does for the same exchanges.
 *
 * Interface: the headers and .defs of Debian's package gnumach-dev (traps of mach/syscall_sw.h through the call gate at
 * selector 7, old messages with a type before each datum, ids by the order of routines in mach.defs and
 * mach_port.defs).
 */
#include <stddef.h>
#include <stdint.h>

#include "../../measure.h"

typedef uint32_t natural;
typedef natural port_name;

enum {
	MANY = 500,
	PAGES = 512,
	PAGE = 4096,
	ECHO_ID = 700,
	INLINE_WORDS = 1024,
	OOL_SIZE = 65536,
	SEND = 1,
	RECEIVE = 2, /* options of mach_msg */
	MOVE_SEND_ONCE = 18,
	COPY_SEND = 19,
	MAKE_SEND = 20,
	MAKE_SEND_ONCE = 21,
	MOVE_RECEIVE = 16, /* dispositions */
	TYPE_PORT_NAME = 15,
	TYPE_INTEGER_32 = 2,
	TYPE_BYTE = 9,
	RIGHT_RECEIVE = 1,
	ID_THREAD_SET_STATE = 2018,
	ID_THREAD_CREATE = 2061,
	ID_THREAD_RESUME = 2063,
	ID_PORT_TYPE = 3201,
	ID_PORT_MOD_REFS = 3208,
	THREAD_STATE = 1,
	STATE_WORDS = 17,
	STATE_EIP = 12,
	STATE_UESP = 15,
};
#define COMPLEX             0x80000000u
#define BITS(remote, local) ((natural)(remote) | (natural)(local) << 8)

struct header {
	natural bits, size;
	port_name remote, local;
	natural sequence, id;
};

/* Type of what follows it inline: what, 32 bits each, how many. */
#define TYPE(what, count) ((natural)(what) | 32u << 8 | (natural)(count) << 16 | 1u << 28)

/* --- Traps. Arguments are on the user's stack behind a return address. */

#define TRAP(name, number) __asm__(".globl " #name "\n" #name ": movl $" #number ", %eax\n lcall $7, $0\n ret")
TRAP(trap_nothing, -1); /* no trap has this number */
TRAP(mach_msg_trap, -25);
TRAP(mach_reply_port, -26);
TRAP(mach_task_self, -28);
TRAP(mach_print, -30);
TRAP(vm_allocate, -65);
TRAP(vm_deallocate, -66);
TRAP(task_create, -68);
TRAP(task_terminate, -69);
TRAP(port_allocate, -72);
TRAP(port_deallocate, -73);
TRAP(port_insert_right, -74);
extern natural trap_nothing(void), mach_reply_port(void), mach_task_self(void);
extern natural mach_msg_trap(struct header *, natural option, natural send_size, natural receive_size, port_name,
	natural timeout, port_name notify);
extern void mach_print(const char *);
extern natural vm_allocate(port_name task, natural *address, natural size, natural anywhere);
extern natural vm_deallocate(port_name task, natural address, natural size);
extern natural task_create(port_name parent, natural inherit, port_name *child);
extern natural task_terminate(port_name task);
extern natural port_allocate(port_name task, natural right, port_name *name);
extern natural port_deallocate(port_name task, port_name name);
extern natural port_insert_right(port_name task, port_name name, port_name right, natural disposition);

static port_name self, reply, port;

/* Compilers may ask for it. */
void *memset(void *to, int byte, size_t count);
void *memset(void *to, int byte, size_t count)
{
	for (size_t i = 0; i < count; i++)
		((volatile char *)to)[i] = (char)byte;
	return to;
}

static void print_number(natural number)
{
	char digits[12];
	int at = sizeof(digits) - 1;

	digits[at] = 0;
	do
		digits[--at] = (char)('0' + number % 10);
	while ((number /= 10) != 0);
	mach_print(digits + at);
}

static void row(const char *name, void (*operation)(void))
{
	natural least = (natural)least_ticks(MANY, operation);

	mach_print("row ");
	mach_print(name);
	mach_print(" ");
	print_number(least);
	mach_print("\n");
}

static void check(natural result, const char *what)
{
	if (result == 0)
		return;
	mach_print("failed ");
	mach_print(what);
	mach_print(" ");
	print_number(result);
	mach_print("\n");
	for (;;)
		__asm__ volatile("pause");
}

/* A call of the kernel: the message there and its answer, whose return code is the word behind its type. */
static natural call(struct header *message, natural size, natural room, port_name to, natural id)
{
	natural result;

	message->bits = BITS(COPY_SEND, MAKE_SEND_ONCE);
	message->size = size;
	message->remote = to;
	message->local = reply;
	message->sequence = 0;
	message->id = id;
	result = mach_msg_trap(message, SEND | RECEIVE, size, room, reply, 0, 0);
	return result != 0 ? result : ((natural *)(message + 1))[1];
}

/* --- Operations. */

static void nothing(void)
{
	trap_nothing();
}

static void message_rpc(void)
{
	struct header m;

	m.bits = BITS(COPY_SEND, MAKE_SEND_ONCE);
	m.size = sizeof(m);
	m.remote = port;
	m.local = reply;
	m.sequence = 0;
	m.id = ECHO_ID;
	mach_msg_trap(&m, SEND | RECEIVE, sizeof(m), sizeof(m), reply, 0, 0);
}

static struct {
	struct header header;
	natural type;
	natural data[INLINE_WORDS];
} large;

static void message_4k(void)
{
	large.header.bits = BITS(COPY_SEND, MAKE_SEND_ONCE);
	large.header.size = sizeof(large);
	large.header.remote = port;
	large.header.local = reply;
	large.header.id = ECHO_ID;
	large.type = TYPE(TYPE_INTEGER_32, INLINE_WORDS);
	mach_msg_trap(&large.header, SEND | RECEIVE, sizeof(large), sizeof(large), reply, 0, 0);
}

static natural port_call(natural id, natural name, natural right, natural delta, natural words)
{
	struct {
		struct header header;
		natural body[8];
	} m;

	m.body[0] = TYPE(TYPE_PORT_NAME, 1);
	m.body[1] = name;
	m.body[2] = TYPE(TYPE_INTEGER_32, 1);
	m.body[3] = right;
	m.body[4] = TYPE(TYPE_INTEGER_32, 1);
	m.body[5] = delta;
	return call(&m.header, sizeof(m.header) + words * sizeof(natural), sizeof(m), self, id);
}

static void port_type(void)
{
	port_call(ID_PORT_TYPE, port, 0, 0, 2);
}

static void port_make(void)
{
	port_name made;

	port_allocate(self, RIGHT_RECEIVE, &made);
	port_call(ID_PORT_MOD_REFS, made, RIGHT_RECEIVE, (natural)-1, 6);
}

static natural area, area_page;

static void write_next(void)
{
	if (area_page < PAGES)
		*(volatile char *)(uintptr_t)(area + area_page++ * PAGE) = 1;
}

static void task_make(void)
{
	port_name task;

	task_create(self, 0, &task);
	task_terminate(task);
	port_deallocate(self, task);
}

static void task_fork(void)
{
	port_name task;

	task_create(self, 1, &task);
	task_terminate(task);
	port_deallocate(self, task);
}

/* 64 KiB out of line to oneself: the long form of a type, for so many bytes. */
static natural ool_data;

static void ool_send(int look)
{
	struct {
		struct header header;
		natural type;
		uint16_t name, bits;
		natural count, address;
	} m;

	m.header.bits = BITS(COPY_SEND, 0) | COMPLEX;
	m.header.size = sizeof(m);
	m.header.remote = port;
	m.header.local = 0;
	m.header.id = ECHO_ID;
	m.type = 1u << 29; /* long, not inline */
	m.name = TYPE_BYTE;
	m.bits = 8;
	m.count = OOL_SIZE;
	m.address = ool_data;
	check(mach_msg_trap(&m.header, SEND | RECEIVE, sizeof(m), sizeof(m), port, 0, 0), "out of line");
	for (natural i = 0; look && i < OOL_SIZE; i += PAGE)
		(void)*(volatile char *)(uintptr_t)(m.address + i);
	vm_deallocate(self, m.address, OOL_SIZE);
}

static void ool_untouched(void)
{
	ool_send(0);
}

static void ool_read(void)
{
	ool_send(1);
}

/* --- A server in another task, a copy of this one. */

static char server_stack[16384] __attribute__((aligned(16)));
static port_name served;

static void serve(void)
{
	natural result = mach_msg_trap(&large.header, RECEIVE, 0, sizeof(large), served, 0, 0);

	while (result == 0) {
		large.header.bits = BITS(MOVE_SEND_ONCE, 0);
		large.header.local = 0;
		large.header.size = sizeof(large.header);
		large.header.id = ECHO_ID + 100;
		result =
			mach_msg_trap(&large.header, SEND | RECEIVE, sizeof(large.header), sizeof(large), served, 0, 0);
	}
	for (;;)
		__asm__ volatile("pause");
}

static port_name server_start(void)
{
	port_name task, thread;
	struct {
		struct header header;
		natural body[4 + STATE_WORDS + 4];
	} m;

	check(port_allocate(self, RIGHT_RECEIVE, &port), "port");
	check(port_insert_right(self, port, port, MAKE_SEND), "send right");
	served = port;
	check(task_create(self, 1, &task), "task");
	check(port_insert_right(task, port, port, MOVE_RECEIVE), "receive right");
	check(call(&m.header, sizeof(m.header), sizeof(m), task, ID_THREAD_CREATE), "thread_create");
	thread = m.body[3];
	memset(&m, 0, sizeof(m));
	m.body[0] = TYPE(TYPE_INTEGER_32, 1);
	m.body[1] = THREAD_STATE;
	m.body[2] = TYPE(TYPE_INTEGER_32, STATE_WORDS);
	m.body[3 + STATE_EIP] = (natural)(uintptr_t)serve;
	m.body[3 + STATE_UESP] = (natural)(uintptr_t)(server_stack + sizeof(server_stack) - 16);
	check(call(&m.header, sizeof(m.header) + (3 + STATE_WORDS) * sizeof(natural), sizeof(m), thread,
		      ID_THREAD_SET_STATE),
		"thread_set_state");
	check(call(&m.header, sizeof(m.header), sizeof(m), thread, ID_THREAD_RESUME), "thread_resume");
	return task;
}

void run(void);
void run(void)
{
	port_name task;

	self = mach_task_self();
	reply = mach_reply_port();
	mach_print("\n"); /* the kernel's own line before has no end */
	row("null-trap", nothing);
	task = server_start();
	row("mach-msg-rpc", message_rpc);
	row("mach-msg-4k", message_4k);
	task_terminate(task);

	check(port_allocate(self, RIGHT_RECEIVE, &port), "port");
	check(port_insert_right(self, port, port, MAKE_SEND), "send right");
	check(port_call(ID_PORT_TYPE, port, 0, 0, 2), "mach_port_type");
	row("kernel-rpc", port_type);
	row("port-make-destroy", port_make);
	check(vm_allocate(self, &area, PAGES * PAGE, 1), "memory");
	row("zero-fill-fault", write_next);
	check(vm_allocate(self, &ool_data, OOL_SIZE, 1), "memory");
	memset((void *)(uintptr_t)ool_data, 1, OOL_SIZE);
	row("ool-64k-untouched", ool_untouched);
	row("ool-64k-read", ool_read);
	row("task-create-terminate", task_make);
	row("task-fork-terminate", task_fork);
	check(task_create(self, 1, &task), "task");
	area_page = 0;
	row("mach-cow-fault", write_next);
	mach_print("end\n");
	for (;;)
		__asm__ volatile("pause");
}

__asm__(".globl _start\n_start: xorl %ebp, %ebp\n andl $-16, %esp\n call run");
