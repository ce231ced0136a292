/* The handler's own string functions: the C library's use vector registers. */
#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t size);
void *memmove(void *to, const void *from, size_t size);
void *memset(void *to, int value, size_t size);
int memcmp(const void *a, const void *b, size_t size);
size_t strlen(const char *text);
void *memchr(const void *in, int value, size_t size);
char *strncpy(char *restrict to, const char *restrict from, size_t size);

void *memcpy(void *restrict to, const void *restrict from, size_t size)
{
	void *result = to;

	__asm__ volatile("rep movsb" : "+D"(to), "+S"(from), "+c"(size) : : "memory");
	return result;
}

void *memmove(void *to, const void *from, size_t size)
{
	char *t = to;
	const char *f = from;

	if (t <= f || t >= f + size)
		return memcpy(to, from, size);
	while (size--) {
		t[size] = f[size];
		__asm__ volatile("" : : : "memory"); /* or the compiler makes this a call of memmove */
	}
	return to;
}

void *memset(void *to, int value, size_t size)
{
	void *result = to;

	__asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(value) : "memory");
	return result;
}

int memcmp(const void *a, const void *b, size_t size)
{
	const unsigned char *x = a, *y = b;

	for (; size; size--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}

size_t strlen(const char *text)
{
	const char *end = text;

	while (*end) {
		end++;
		__asm__ volatile("" : : : "memory");
	}
	return (size_t)(end - text);
}

void *memchr(const void *in, int value, size_t size)
{
	const unsigned char *at = in;

	for (; size; size--, at++)
		if (*at == (unsigned char)value)
			return (void *)at;
	return NULL;
}

char *strncpy(char *restrict to, const char *restrict from, size_t size)
{
	size_t i = 0;

	for (; i < size && from[i]; i++)
		to[i] = from[i];
	memset(to + i, 0, size - i);
	return to;
}
