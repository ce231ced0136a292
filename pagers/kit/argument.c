/* Arguments of a program that is a pager: see kit.h. */
#include "pagers/kit/kit.h"

#include <string.h>

const char *pk_argument(int *argc, char **argv, const char *name)
{
	size_t length = strlen(name);

	for (int i = 0; i < *argc; i++) {
		const char *found = argv[i];

		if (strncmp(found, name, length) != 0 || (name[length - 1] != '=' && found[length] != '\0'))
			continue;
		--*argc;
		memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
		return found + length;
	}
	return NULL;
}
