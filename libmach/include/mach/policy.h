/* Scheduling policies by name. Portolan has one: time sharing by priority. */
#ifndef MACH_POLICY_H
#define MACH_POLICY_H

typedef int policy_t;

#define POLICY_NULL      0
#define POLICY_TIMESHARE 1
#define POLICY_RR        2
#define POLICY_FIXEDPRI  2 /* GNU's name; OSF's round robin comes nearest */
#define POLICY_FIFO      4

#endif
