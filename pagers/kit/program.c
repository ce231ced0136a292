/* The start of a program that is a pager: its arguments, what is below, then pk_publish. */
#include "pagers/kit/program.h"

#include <string.h>

/* The value of "name=value", or null. */
static const char *value_of(const char *argument, const char *name)
{
	size_t length = strlen(name);

	return strncmp(argument, name, length) == 0 && argument[length] == '=' ? argument + length + 1 : NULL;
}

static int usage(const struct pk_program *program, const char *wrong)
{
	pk_log("%s: %s: its arguments are service=NAME%s %s", program->name, wrong,
		program->lowers ? " lower=SERVICE[/PATH] lower=SERVICE:DEVICE" : "",
		program->usage ? program->usage : "");
	return 1;
}

int pk_main(int argc, char **argv, const struct pk_program *program)
{
	struct pk_lower *lowers[PK_LOWERS_MAX] = {NULL};
	const char *service = program->name, *value;
	unsigned opened = 0;
	int own = 0, error;
	uint64_t size = 0;
	void *self = NULL;

	for (int i = 1; i < argc; i++) {
		if ((value = value_of(argv[i], "service"))) {
			service = value;
		} else if ((value = value_of(argv[i], "lower"))) {
			if (opened == program->lowers || opened == PK_LOWERS_MAX)
				return usage(program, "too many lower=");
			error = pk_lower_open(value, &lowers[opened++]);
			if (error)
				return pk_log("%s: %s cannot be opened: %s", program->name, value, strerror(error)), 1;
		} else {
			argv[own++] = argv[i];
		}
	}
	if (opened != program->lowers)
		return usage(program, "lower= is missing");
	error = program->open(own, argv, lowers, &self, &size);
	if (error)
		return usage(program, strerror(error));
	return pk_log("%s ends: %s", service, mach_error_string(pk_publish(service, &program->ops, self, size))), 1;
}
