/* Priorities of threads: 0 to 127, the highest ready one runs. */
#ifndef MACH_PRIORITY_H
#define MACH_PRIORITY_H

#define PRIORITY_IDLE   0
#define PRIORITY_USER   40 /* of programs, unless somebody says otherwise */
#define PRIORITY_SERVER 60 /* of those that work for them: a call is not held up by its caller's equals */
#define PRIORITY_KERNEL 90 /* of the kernel's own threads; no task comes so high */
#define PRIORITY_MAX    127

#endif
