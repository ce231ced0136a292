/* What mig tells about an interface besides C: --explain, --dump json, -list. */
#include "listings.h"
#include "recognise.h"

static void explain_message(const struct message *message, const char *what, FILE *file)
{
	fprintf(file, "    %-8s %llu", what, (unsigned long long)message->min_size);
	if (message->max_size != message->min_size)
		fprintf(file, " to %llu", (unsigned long long)message->max_size);
	fprintf(file, " bytes");
	if (message->descriptors != 0)
		fprintf(file, ", %llu descriptor%s", (unsigned long long)message->descriptors,
			message->descriptors == 1 ? "" : "s");
	fputc('\n', file);
}

void print_explanation(struct compiler *compiler, FILE *file)
{
	const struct interface *interface = &compiler->interface;
	const struct routine *routine;

	print_dialect(compiler, file);
	fprintf(file, "subsystem %s, ids %lld to %lld\n", interface->name, (long long)interface->base,
		(long long)(interface->base + interface->slots - (interface->slots > 0)));
	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (routine->skip)
			continue;
		fprintf(file, "%lld %s: ", (long long)routine->id, routine->name);
		if (interface->foreign) {
			fprintf(file, "system call, %u argument%s\n", routine->request_words,
				routine->request_words == 1 ? "" : "s");
		} else if (routine->registers) {
			fprintf(file, "registers%s\n    request  %u word%s\n", routine->simple ? ", one-way" : "",
				routine->request_words, routine->request_words == 1 ? "" : "s");
			if (!routine->simple)
				fprintf(file, "    reply    %u word%s\n", routine->reply_words,
					routine->reply_words == 1 ? "" : "s");
		} else {
			fprintf(file, "message%s: %s\n", routine->simple ? ", one-way" : "", routine->reason);
			explain_message(&routine->request, "request", file);
			if (!routine->simple)
				explain_message(&routine->reply, "reply", file);
			if (routine->rights_in_memory)
				fputs("    arrays of rights are out of line, as a message has at most 256 "
				      "descriptors\n",
					file);
		}
	}
}

void generate_list(struct output *output)
{
	const struct interface *interface = &output->compiler->interface;
	const struct routine *routine;

	for (routine = interface->routines; routine != NULL; routine = routine->next) {
		if (!routine->skip)
			put(output, "%s %lld %s %lld %lld %lld\n", interface->name, (long long)interface->base,
				routine->name, (long long)(routine->id - interface->base), (long long)routine->id,
				(long long)(routine->simple ? 0 : routine->id + 100));
	}
}
