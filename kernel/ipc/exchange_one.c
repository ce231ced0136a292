/* The short way of mach_msg (ipc/exchange.c) for a machine on which one processor runs. */
#define IPC_EXCHANGE_ONE_PROCESSOR 1
#include <ipc/exchange.c>
