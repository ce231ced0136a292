/* The fast path of ipc/fast.c for a machine on which one processor runs. */
#define IPC_FAST_ONE_PROCESSOR 1
#include <ipc/fast.c>
