/* Kinds of exception and their codes. */
#ifndef MACH_EXCEPTION_H
#define MACH_EXCEPTION_H

#define EXC_BAD_ACCESS      1 /* code: kern_return_t of the fault; subcode: address */
#define EXC_BAD_INSTRUCTION 2 /* code: trap number */
#define EXC_ARITHMETIC      3 /* code: trap number */
#define EXC_EMULATION       4
#define EXC_SOFTWARE        5
#define EXC_BREAKPOINT      6 /* code: trap number, 1 or 3 */
#define EXC_SYSCALL         7 /* code: call number: a foreign call of a task with no other setting, or whose server died */

#endif
