/* Names of errors. */
#include <mach/mach.h>
#include <stdio.h>

static const struct {
	kern_return_t value;
	const char *name;
} names[] = {
	{KERN_SUCCESS, "success"},
	{KERN_INVALID_ADDRESS, "invalid address"},
	{KERN_PROTECTION_FAILURE, "protection failure"},
	{KERN_NO_SPACE, "no space"},
	{KERN_INVALID_ARGUMENT, "invalid argument"},
	{KERN_FAILURE, "failure"},
	{KERN_RESOURCE_SHORTAGE, "resource shortage"},
	{KERN_NOT_RECEIVER, "not the receiver"},
	{KERN_NO_ACCESS, "no access"},
	{KERN_MEMORY_FAILURE, "memory failure"},
	{KERN_MEMORY_ERROR, "memory error"},
	{KERN_NAME_EXISTS, "name exists"},
	{KERN_ABORTED, "aborted"},
	{KERN_INVALID_NAME, "invalid name"},
	{KERN_INVALID_TASK, "invalid task"},
	{KERN_INVALID_RIGHT, "invalid right"},
	{KERN_INVALID_VALUE, "invalid value"},
	{KERN_INVALID_CAPABILITY, "invalid capability"},
	{KERN_INVALID_HOST, "invalid host"},
	{KERN_MEMORY_PRESENT, "memory present"},
	{KERN_ALREADY_IN_SET, "already in the set"},
	{KERN_NOT_IN_SET, "not in the set"},
	{KERN_UREFS_OVERFLOW, "too many references"},
	{KERN_RIGHT_EXISTS, "right exists"},
	{KERN_LOCK_OWNED, "lock owned"},
	{KERN_LOCK_OWNED_SELF, "lock owned by the caller"},
	{KERN_LOCK_SET_DESTROYED, "lock set destroyed"},
	{KERN_LOCK_UNSTABLE, "lock unstable"},
	{KERN_SEMAPHORE_DESTROYED, "semaphore destroyed"},
	{KERN_NOT_SUPPORTED, "not supported"},
	{KERN_NOT_WAITING, "nobody waits"},
	{KERN_OPERATION_TIMED_OUT, "timed out"},
	{KERN_TERMINATED, "terminated"},
	{KERN_TIMEDOUT, "timed out"},
	{KERN_INTERRUPTED, "interrupted"},
	{KERN_ABSENT, "page absent"},
	{KERN_BEYOND_END, "beyond the end of memory with a size"},
	{MIG_TYPE_ERROR, "reply of the wrong type"},
	{MIG_REPLY_MISMATCH, "reply to another request"},
	{MIG_REMOTE_ERROR, "remote error"},
	{MIG_BAD_ID, "no such routine"},
	{MIG_BAD_ARGUMENTS, "malformed request"},
	{MIG_NO_REPLY, "no reply"},
	{MIG_ARRAY_TOO_LARGE, "array too large"},
	{MIG_SERVER_DIED, "server died"},
	{MIG_TRAILER_ERROR, "the trailer lacks something"},
	{MACH_SEND_INVALID_DATA, "send: invalid data"},
	{MACH_SEND_INVALID_DEST, "send: invalid destination"},
	{MACH_SEND_TIMED_OUT, "send: timed out"},
	{MACH_SEND_INVALID_REPLY, "send: invalid reply port"},
	{MACH_SEND_INVALID_RIGHT, "send: invalid right"},
	{MACH_SEND_INVALID_MEMORY, "send: invalid memory"},
	{MACH_SEND_NO_BUFFER, "send: no buffer"},
	{MACH_SEND_TOO_LARGE, "send: too large"},
	{MACH_RCV_INVALID_NAME, "receive: invalid name"},
	{MACH_RCV_TIMED_OUT, "receive: timed out"},
	{MACH_RCV_TOO_LARGE, "receive: too large"},
	{MACH_RCV_INTERRUPTED, "receive: interrupted"},
	{MACH_RCV_PORT_DIED, "receive: port died"},
	{MACH_RCV_COMPLEX, "receive: reply carried rights"},
};

const char *mach_error_string(kern_return_t result)
{
	static __thread char number[32];

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (names[i].value == result)
			return names[i].name;
	snprintf(number, sizeof(number), "error %#x", (unsigned)result);
	return number;
}

const char *mach_error_type(mach_error_t error)
{
	if (error <= MIG_TYPE_ERROR && error > MIG_TYPE_ERROR - 100)
		return "(ipc/mig)";
	if ((error & 0x10000000) != 0)
		return error & 0x4000 ? "(ipc/rcv)" : "(ipc/send)";
	return error >= 0 && error < KERN_RETURN_MAX ? "(os/kern)" : "(?/?)";
}

void mach_error(const char *text, mach_error_t error)
{
	fprintf(stderr, "%s %s: %s (%#x)\n", text, mach_error_type(error), mach_error_string(error), (unsigned)error);
}
