/* Kinds of exception, sets of them, and how a handler is told. */
#ifndef MACH_EXCEPTION_TYPES_H
#define MACH_EXCEPTION_TYPES_H

#include <mach/message.h>
#include <mach/port.h>
#include <mach/std_words.h>
#include <stdint.h>

#define EXC_BAD_ACCESS      1 /* code: kern_return_t of the fault; subcode: address */
#define EXC_BAD_INSTRUCTION 2 /* code: trap number */
#define EXC_ARITHMETIC      3 /* code: trap number */
#define EXC_EMULATION       4
#define EXC_SOFTWARE        5
#define EXC_BREAKPOINT      6 /* code: trap number, 1 or 3 */
#define EXC_SYSCALL         7 /* code: call number: a foreign call of a task with no other setting, or whose server died */
#define EXC_MACH_SYSCALL    8 /* never raised, from here on */
#define EXC_RPC_ALERT       9
#define EXC_CRASH           10
#define EXC_RESOURCE        11
#define EXC_GUARD           12
#define EXC_CORPSE_NOTIFY   13
#define EXC_TYPES_COUNT     14

#define EXC_MASK(kind)           (1u << (kind))
#define EXC_MASK_BAD_ACCESS      EXC_MASK(EXC_BAD_ACCESS)
#define EXC_MASK_BAD_INSTRUCTION EXC_MASK(EXC_BAD_INSTRUCTION)
#define EXC_MASK_ARITHMETIC      EXC_MASK(EXC_ARITHMETIC)
#define EXC_MASK_EMULATION       EXC_MASK(EXC_EMULATION)
#define EXC_MASK_SOFTWARE        EXC_MASK(EXC_SOFTWARE)
#define EXC_MASK_BREAKPOINT      EXC_MASK(EXC_BREAKPOINT)
#define EXC_MASK_SYSCALL         EXC_MASK(EXC_SYSCALL)
#define EXC_MASK_MACH_SYSCALL    EXC_MASK(EXC_MACH_SYSCALL)
#define EXC_MASK_RPC_ALERT       EXC_MASK(EXC_RPC_ALERT)
#define EXC_MASK_CRASH           EXC_MASK(EXC_CRASH)
#define EXC_MASK_RESOURCE        EXC_MASK(EXC_RESOURCE)
#define EXC_MASK_GUARD           EXC_MASK(EXC_GUARD)
#define EXC_MASK_ALL             (EXC_MASK(EXC_GUARD + 1) - 2 - EXC_MASK_CRASH)

/* What the message says: rights to thread and task; the thread's state; both. */
#define EXCEPTION_DEFAULT        1
#define EXCEPTION_STATE          2
#define EXCEPTION_STATE_IDENTITY 3
#define MACH_EXCEPTION_CODES     0x80000000u /* beside one of them: codes of 64 bits */

#define EXC_ARM_DA_ALIGN 0x101
/* Codes of EXC_BREAKPOINT, trap numbers here. */
#define EXC_I386_SGL  1
#define EXC_I386_BPT  3
#define EXC_I386_DIV  0
#define EXC_I386_INVOP 6
#define EXC_I386_GPFLT 13

typedef int exception_type_t;
typedef integer_t exception_data_type_t;
typedef int64_t mach_exception_data_type_t;
typedef int exception_behavior_t;
typedef exception_data_type_t *exception_data_t;
typedef mach_exception_data_type_t *mach_exception_data_t;
typedef unsigned int exception_mask_t;
typedef exception_mask_t *exception_mask_array_t;
typedef exception_behavior_t *exception_behavior_array_t;
typedef int *exception_flavor_array_t;
typedef mach_port_t *exception_port_array_t;
typedef mach_port_t exception_handler_t;
typedef mach_port_t *exception_handler_array_t;
typedef mach_exception_data_type_t mach_exception_code_t;
typedef mach_exception_data_type_t mach_exception_subcode_t;
#define EXCEPTION_CODE_MAX 2

#endif
