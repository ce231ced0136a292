/* The memory and string functions that the compiler and the kernel call. Eight bytes at a time: REP counts iterations
 * under icount. */
#include <stdint.h>
#include <string.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *result = to;
	size_t words = size >> 3;

	__asm__ volatile("rep movsq" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	words = size & 7;
	if (words != 0)
		__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(words) : : "memory");
	return result;
}

void *memset(void *to, int byte, size_t size)
{
	void *result = to;
	size_t count = size >> 3;
	uint64_t pattern = 0x0101010101010101ull * (unsigned char)byte;

	__asm__ volatile("rep stosq" : "+D"(to), "+c"(count) : "a"(pattern) : "memory");
	count = size & 7;
	if (count != 0)
		__asm__ volatile("rep stosb" : "+D"(to), "+c"(count) : "a"(pattern) : "memory");
	return result;
}

int memcmp(const void *left, const void *right, size_t size)
{
	const unsigned char *l = left, *r = right;

	for (; size != 0; size--, l++, r++)
		if (*l != *r)
			return *l - *r;
	return 0;
}

size_t strlen(const char *text)
{
	size_t length = 0;

	while (text[length] != '\0')
		length++;
	return length;
}

size_t strnlen(const char *text, size_t most)
{
	size_t length = 0;

	while (length < most && text[length] != '\0')
		length++;
	return length;
}

int strncmp(const char *left, const char *right, size_t most)
{
	for (; most != 0; most--, left++, right++)
		if (*left != *right || *left == '\0')
			return (unsigned char)*left - (unsigned char)*right;
	return 0;
}

int strcmp(const char *left, const char *right)
{
	return strncmp(left, right, SIZE_MAX);
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t length = strnlen(from, size);

	memcpy(to, from, length);
	memset(to + length, 0, size - length);
	return to;
}

void *memchr(const void *memory, int byte, size_t size)
{
	const unsigned char *at = memory;

	for (; size != 0; size--, at++)
		if (*at == (unsigned char)byte)
			return (void *)(uintptr_t)at;
	return NULL;
}
