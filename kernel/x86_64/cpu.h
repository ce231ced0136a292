/* The processor: control registers, descriptors, vectors, and what each processor's machine-dependent part holds. */
#ifndef X86_64_CPU_H
#define X86_64_CPU_H

/* Where the kernel is linked and where all physical memory is mapped (vm/vm.h); x86_64/kernel.ld has the first two as
 * well. */
#define KERNEL_BASE      0xffffffff80000000
#define KERNEL_LOAD      0x200000
#define KERNEL_IMAGE_MAX 0x400000

/* Below 1 MiB: where other processors start (trampoline.S), with three pages of tables behind. */
#define TRAMPOLINE      0x8000
#define TRAMPOLINE_ROOT 0x9000

/* Selectors; the order of the user ones is what sysretq wants (Intel SDM vol. 2B, SYSRET). */
#define KERNEL_CS    0x08
#define KERNEL_SS    0x10
#define USER_STAR    0x1b
#define USER_SS      0x23
#define USER_CS      0x2b
#define TSS_SELECTOR 0x30
#define IO_MAP_OFF   0xffff /* I/O bitmap beyond the segment's limit: every port refused */

/* Vectors. 0x20 .. VECTOR_DEVICE_LAST are given to devices (device/irq.c). */
#define VECTOR_DEBUG         1
#define VECTOR_NMI           2
#define VECTOR_NO_FPU        7
#define VECTOR_DOUBLE_FAULT  8
#define VECTOR_PROTECTION    13
#define VECTOR_PAGE_FAULT    14
#define VECTOR_MACHINE_CHECK 18
#define VECTOR_DEVICE_FIRST  0x30
#define VECTOR_DEVICE_LAST   0xef
#define VECTOR_TIMER         0xf0
#define VECTOR_KICK          0xf1
#define VECTOR_SHOOTDOWN     0xf2
#define VECTOR_SPURIOUS      0xff

/* Control registers, Intel SDM vol. 3A, 2.5. */
#define CR0_PE         0x1
#define CR0_MP         0x2
#define CR0_EM         0x4
#define CR0_TS         0x8
#define CR0_NE         0x20
#define CR0_WP         0x10000
#define CR0_PG         0x80000000
#define CR4_PAE        0x20
#define CR4_MCE        0x40
#define CR4_PGE        0x80
#define CR4_OSFXSR     0x200
#define CR4_OSXMMEXCPT 0x400
#define CR4_UMIP       0x800
#define CR4_FSGSBASE   0x10000
#define CR4_OSXSAVE    0x40000
#define CR4_SMEP       0x100000
#define CR4_SMAP       0x200000

#define MSR_APIC_BASE      0x1b
#define MSR_EFER           0xc0000080
#define EFER_SCE           0x1
#define EFER_LME           0x100
#define EFER_NXE           0x800
#define MSR_STAR           0xc0000081
#define MSR_LSTAR          0xc0000082
#define MSR_SFMASK         0xc0000084
#define MSR_GS_BASE        0xc0000101
#define MSR_KERNEL_GS_BASE 0xc0000102
#define MSR_PRED_CMD       0x49
#define PRED_CMD_IBPB      1 /* what was learnt about indirect branches is forgotten */

#define RFLAGS_FIXED 0x2
#define RFLAGS_TF    0x100
#define RFLAGS_IF    0x200
#define RFLAGS_DF    0x400
#define RFLAGS_IOPL  0x3000
#define RFLAGS_NT    0x4000
#define RFLAGS_AC    0x40000
/* What a task may set: CF PF AF ZF SF TF DF OF AC ID. */
#define RFLAGS_USER 0x240dd5

#ifndef __ASSEMBLER__
#include <kern/processor.h>

struct tlb_batch;

struct tss {
	uint32_t reserved0;
	uint64_t rsp[3];
	uint64_t reserved1;
	uint64_t ist[7];
	uint64_t reserved2;
	uint16_t reserved3;
	uint16_t io_map_base;
	uint8_t io_map[8192 + 1]; /* the byte after the last must be all ones */
} __attribute__((packed));

enum { IST_DEBUG = 1, IST_NMI, IST_DOUBLE_FAULT, IST_MACHINE_CHECK, IST_COUNT = 4 };
#define IST_STACK_SIZE    4096
#define KERNEL_STACK_SIZE 16384

#define ENTRY_STACK 16 /* words: a frame with vector and error code, and one register */

/* processor->machine. Programs' own tables map it (isolation.c): there are no secrets in it. */
struct cpu {
	uint64_t idt[256][2];
	uint64_t gdt[8];
	struct tss tss;
	uint64_t scratch; /* isolated_entry.S */
	uint64_t entry_stack[ENTRY_STACK] __attribute__((aligned(16)));
	uint64_t deadline;     /* what the timer was last set for, ns since boot */
	uint64_t due;          /* when its interrupt comes if nothing keeps it waiting */
	/* tlb.c: what this processor asks others to forget, how many have not answered, and whom it is to answer. */
	const struct tlb_batch *shootdown;
	uint32_t shootdown_unanswered;
	uint32_t shootdown_from; /* a bit for each processor */
	/* At their tops is what cpu_init says. */
	uint8_t ist_stack[IST_COUNT][IST_STACK_SIZE] __attribute__((aligned(4096)));
};
extern struct cpu boot_cpu;

static inline struct cpu *current_cpu(void)
{
	return current_processor()->machine;
}

/* What the processor can do. */
struct cpu_features {
	bool smap, gigabyte_pages, hypervisor;
	uint64_t cr4;        /* of CR4 what not every processor has */
	uint64_t xcr0;       /* state components enabled */
	uint32_t xsave_size; /* bytes of an XSAVE area with them */
};
extern struct cpu_features cpu_features;

/* All of a processor's registers at a trap inside the kernel; entry.S builds it. */
struct trap_frame {
	uint64_t r15, r14, r13, r12, r11, r10, r9, r8, rbp, rdi, rsi, rdx, rcx, rbx, rax;
	uint64_t vector, error;
	uint64_t rip, cs, rflags, rsp, ss;
};
extern struct trap_frame *panic_frame; /* set when a panic comes from a trap */

void cpu_find_features(void);
void choose_fast_paths(void); /* for so many processors as are online */
bool processor_must_stop(void); /* another one panics: an NMI says so */
/* Descriptor tables, control registers and system call entry of the processor; GS is set first. */
void cpu_init(struct processor *processor, struct cpu *cpu, uint64_t stack_top);

/* entry.S */
extern char vector_stubs[]; /* 256 of 16 bytes */
void syscall_entry(void);
_Noreturn void user_trap(struct thread *self, uint64_t vector, uint64_t error);
void kernel_trap(struct trap_frame *frame);

/* The register path's functions for the number of processors that run; entry.S jumps to them. */
struct fast_paths {
	void (*call)(void);
	void (*reply_wait)(void);
	void (*foreign)(void);
};
extern struct fast_paths fast_paths;

/* Any interrupt, from user mode or from the idle loop: EOI included. */
void machine_interrupt(uint64_t vector);
/* device/irq.c: a vector of a device. */
void device_interrupt_arrived(uint64_t vector);

/* fpu.c */
void fpu_init(void);
bool fpu_trap(struct thread *self); /* #NM; false: no memory for the state */
void fpu_switch(struct thread *to);
/* The XSAVE area, from a word of the state on; *count: words there is room for, then its words. */
kern_return_t fpu_get_state(struct thread *thread, const struct state_memory *to, unsigned word, unsigned *count);
/* If the state cannot be read to its end, what it leaves is harmless. */
kern_return_t fpu_set_state(struct thread *thread, const struct state_memory *from, unsigned word, unsigned count);

/* Words to or from a state. */
kern_return_t state_put(const struct state_memory *to, unsigned word, const void *data, unsigned words);
kern_return_t state_take(const struct state_memory *from, unsigned word, void *data, unsigned words);

/* io.c: the permission bitmap in the TSS; true if the instruction should be tried again. */
bool io_bitmap_fault(struct thread *self);
void io_bitmap_drop(void);
/* Programs run on page tables of their own from now on; before the first map is made. */
void isolation_init(void);

/* A place in the kernel's code with five bytes or more that may become a jump. */
struct code_site {
	uint8_t *from;
	const char *to;
};
/* Writes the jumps. No other processor is in the kernel. */
void cpu_redirect(const struct code_site *site, const struct code_site *end);
/* speculation.c: once at the start; and for each switch between accounts while processor->guarded. */
void speculation_init(void);
void speculation_barrier(void) __attribute__((no_caller_saved_registers)); /* for fast_lazy */

/* clock.c, apic.c, console.c, bootinfo.c, memory.c, acpi.c */
void clock_init(void);
void apic_init(void);
void apic_init_this(void); /* of another processor than the one that apic_init ran on */
void apic_eoi(void);
void apic_timer_ticks(uint32_t ticks); /* 0: off */
uint32_t apic_timer_now(void);
extern uint64_t apic_timer_hz;
/* To one processor: a vector, or one of the following (Intel SDM vol. 3A, 10.6 and 8.4.4.1). */
void apic_send(uint32_t apic_id, uint32_t command);
#define APIC_NMI_TO_OTHERS 0xc0400
#define APIC_RESET         0x4500
#define APIC_START         0x4600 /* in real mode, with the number of a page below 1 MiB */
uint32_t apic_id(void);
/* A global system interrupt at the vector of this processor, masked at first; false when no I/O APIC has it. */
bool ioapic_route(uint32_t gsi, uint32_t vector, bool level, bool low);
void ioapic_mask(uint32_t gsi, bool masked);
/* ISA line to global system interrupt and its electrical kind. */
uint32_t acpi_irq_override(uint32_t line, bool *level, bool *low);
void console_init(void);
void acpi_init(void);
void acpi_power_off(void); /* return when the machine cannot */
void acpi_reset(void);
extern uint64_t acpi_lapic_address;
struct acpi_ioapic {
	uint32_t id, gsi_base;
	uint64_t address;
};
#define IOAPICS_MAX 8
extern struct acpi_ioapic acpi_ioapics[IOAPICS_MAX];
extern uint32_t acpi_ioapic_count;
extern uint32_t acpi_processors[PROCESSORS_MAX], acpi_processor_count; /* their APIC ids */

void memory_add(uint64_t start, uint64_t end); /* usable RAM, as the loader says */
void memory_reserve(uint64_t start, uint64_t end);
bool memory_is_ram(uint64_t start, uint64_t end);
extern uint64_t kernel_delta; /* how far from its linked physical address the kernel was loaded */
uint64_t kernel_image_physical(const void *address);

void tlb_shootdown_serve(void);

static inline uint64_t read_msr(uint32_t msr)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(msr));
	return (uint64_t)high << 32 | low;
}

static inline void write_msr(uint32_t msr, uint64_t value)
{
	__asm__ volatile("wrmsr" : : "c"(msr), "a"((uint32_t)value), "d"((uint32_t)(value >> 32)) : "memory");
}

static inline void cpuid(uint32_t leaf, uint32_t subleaf, uint32_t out[4])
{
	__asm__ volatile("cpuid" : "=a"(out[0]), "=b"(out[1]), "=c"(out[2]), "=d"(out[3]) : "a"(leaf), "c"(subleaf));
}

static inline uint64_t read_tsc(void)
{
	uint32_t low, high;

	__asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

#define CONTROL_REGISTER(name)                                                                                         \
	static inline uint64_t read_##name(void)                                                                       \
	{                                                                                                              \
		uint64_t value;                                                                                        \
		__asm__ volatile("movq %%" #name ", %0" : "=r"(value));                                                \
		return value;                                                                                          \
	}                                                                                                              \
	static inline void write_##name(uint64_t value)                                                                \
	{                                                                                                              \
		__asm__ volatile("movq %0, %%" #name : : "r"(value) : "memory");                                       \
	}
CONTROL_REGISTER(cr0)
CONTROL_REGISTER(cr2)
CONTROL_REGISTER(cr3)
CONTROL_REGISTER(cr4)

#define PORT_ACCESS(bits, suffix)                                                                                      \
	static inline void out##bits(uint16_t port, uint##bits##_t value)                                              \
	{                                                                                                              \
		__asm__ volatile("out" suffix " %0, %1" : : "a"(value), "Nd"(port));                                   \
	}                                                                                                              \
	static inline uint##bits##_t in##bits(uint16_t port)                                                           \
	{                                                                                                              \
		uint##bits##_t value;                                                                                  \
		__asm__ volatile("in" suffix " %1, %0" : "=a"(value) : "Nd"(port));                                    \
		return value;                                                                                          \
	}
PORT_ACCESS(8, "b")
PORT_ACCESS(16, "w")
#endif

#endif
