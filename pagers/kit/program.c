/* The start of a program that is a pager: its arguments, what is below, then pk_publish. */
#include "pagers/kit/program.h"

#include <string.h>

static struct pk_lower *lowers[PK_LOWERS_MAX];

static int flush_lowers(void *self)
{
	int error = 0, first = 0;

	(void)self;
	for (unsigned i = 0; i < PK_LOWERS_MAX && lowers[i]; i++)
		if ((error = pk_lower_flush(lowers[i])) && !first)
			first = error;
	return first;
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
	static struct pk_ops ops; /* the program's, and what it leaves to the kit */
	const char *service, *value;
	unsigned opened = 0;
	uint64_t size = 0;
	void *self = NULL;
	int error;

	argc--;
	argv++;
	service = pk_argument(&argc, argv, "service=");
	if (!service)
		service = program->name;
	while ((value = pk_argument(&argc, argv, "lower="))) {
		if (opened == program->lowers || opened == PK_LOWERS_MAX)
			return usage(program, "too many lower=");
		error = pk_lower_open(value, &lowers[opened++]);
		if (error)
			return pk_log("%s: %s cannot be opened: %s", program->name, value, strerror(error)), 1;
	}
	if (opened != program->lowers)
		return usage(program, "lower= is missing");
	error = program->open(argc, argv, lowers, &self, &size);
	if (error)
		return usage(program, strerror(error));
	ops = program->ops;
	if (!ops.flush && opened)
		ops.flush = flush_lowers;
	return pk_log("%s ends: %s", service, mach_error_string(pk_publish(service, &ops, self, size))), 1;
}
