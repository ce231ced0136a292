/* The string copy of generated stubs. */
#include <mach/mig_support.h>

mach_msg_size_t mig_strncpy(char *dest, const char *src, mach_msg_size_t size)
{
	mach_msg_size_t i = 0;

	if (size == 0)
		return 0;
	while (i < size - 1 && src[i]) {
		dest[i] = src[i];
		i++;
	}
	dest[i] = '\0';
	return i + 1;
}
