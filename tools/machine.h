/* What the machine in QEMU is doing, by its monitor. */
#ifndef TOOLS_MACHINE_H
#define TOOLS_MACHINE_H

/* Of QEMU's, at most. */
enum { MACHINE_ARGUMENTS = 4 };

/* Fills in QEMU's arguments for a monitor. Returns their number; our end of its line in *ours, QEMU's to inherit in
 * *theirs. */
int machine_arguments(char **args, int *ours, int *theirs);

/* Appends the processors' registers and the end of the stack to the log. Waits no longer than some seconds. */
void machine_dump(int monitor, int log);

#endif
