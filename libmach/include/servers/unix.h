/* What the Unix server has beyond Linux. */
#ifndef SERVERS_UNIX_H
#define SERVERS_UNIX_H

/*
 * prctl(PR_PORTOLAN_MACH, PORTOLAN_MACH_* flags): the next program that this process executes is a Mach program beside
 * being a Unix one: a task with traps and a name space, which gets the ports named by the flags and no other. Root's
 * only. The right is that program's: neither its children nor what it executes have it. 0 takes it back before that.
 */
#define PR_PORTOLAN_MACH        0x504d4348
#define PORTOLAN_MACH_TRAPS     0x1
#define PORTOLAN_MACH_BOOTSTRAP 0x2 /* and the Unix server's bootstrap port: all that this server may look up */

#endif
