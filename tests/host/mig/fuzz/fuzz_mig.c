/*
 * Fuzz target: any bytes as an interface file. Built with -fsanitize=fuzzer it is libFuzzer's (-dict=mig.dict
 * corpus); with FUZZ_MAIN it runs over files (AFL++: afl-clang-fast, afl-fuzz -x mig.dict -i corpus -o out -- fuzz_mig
 * @@), which is also how the test replays the corpus. The corpus is what libFuzzer needed to reach all that it had
 * reached, smallest files first.
 */
#include "emit.h"
#include "listings.h"
#include "mutate.h"

#include <stdlib.h>
#include <string.h>

static void generate(struct compiler *compiler, bool server, void (*generator)(struct output *))
{
	struct output output = {.compiler = compiler,
		.server = server,
		.kernel = server ? compiler->interface.kernel_server : compiler->interface.kernel_user};
	char *text = NULL;
	size_t size = 0;

	output.file = open_memstream(&text, &size);
	generator(&output);
	fclose(output.file);
	free(text);
}

static void listings(struct compiler *compiler)
{
	char *text = NULL;
	size_t size = 0;
	FILE *file = open_memstream(&text, &size);

	print_explanation(compiler, file);
	print_json(compiler, file);
	fclose(file);
	free(text);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct compiler compiler;
	char *source = malloc(size + 1);
	char *said = NULL;
	size_t said_size = 0;

	memcpy(source, data, size);
	source[size] = '\0';
	compiler_init(&compiler, source, size, "fuzz.defs");
	compiler.no_files = true;
	compiler.dialect = size != 0 ? (enum dialect)(data[size - 1] % 6) : DIALECT_PORTOLAN;
	compiler.diagnostics = open_memstream(&said, &said_size);
	if (compiler_parse(&compiler)) {
		generate(&compiler, false, generate_user);
		generate(&compiler, true, generate_server);
		generate(&compiler, false, generate_header);
		generate(&compiler, true, generate_header);
		generate(&compiler, false, generate_list);
		generate(&compiler, true, generate_internal_header);
		generate(&compiler, false, generate_defines_header);
		listings(&compiler);
	}
	fclose(compiler.diagnostics);
	free(said);
	compiler_free(&compiler);
	free(source);
	return 0;
}

#ifndef FUZZ_MAIN

/* libFuzzer's: its own mutations, and those that know the language, of the whole file or several of them. */
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max_size);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed);
size_t LLVMFuzzerCustomMutator(uint8_t *data, size_t size, size_t max_size, unsigned seed)
{
	if (seed % 3 == 0)
		return LLVMFuzzerMutate(data, size, max_size);
	for (unsigned i = 0; i <= seed % 4; i++)
		size = mutate_text((char *)data, size, max_size, seed + i);
	return size;
}

#else

static char *read_file(const char *name, size_t *size)
{
	FILE *file = fopen(name, "rb");
	char *bytes = malloc(1 << 20);

	if (file == NULL) {
		free(bytes);
		return NULL;
	}
	*size = fread(bytes, 1, 1 << 20, file);
	fclose(file);
	return bytes;
}

/*
 * A few thousand changed copies of a file: half of them changed as the language is made, the others anyhow (bytes
 * changed, cut; words put in; the end left out).
 */
static void mutate(const char *bytes, size_t size, unsigned rounds)
{
	static const char *const words[] = {"array[", "*:", "of ", "^", "struct[", "c_string[", "routine ", "inout ",
		"(", ")", ";", ":", "4294967295", "0", "{", "}", "polymorphic", "|", ",dealloc", "skip ", "/*",
		"# 1 \"x\"\n", "\n", "type t = "};
	const size_t room = size + 4096;
	char *copy = malloc(room);
	unsigned round;

	for (round = 0; round < rounds; round++) {
		size_t length = size;
		unsigned changes = 1 + (unsigned)rand() % 4;

		memcpy(copy, bytes, size);
		while (changes-- > 0 && length > 0) {
			size_t at = (size_t)rand() % length;
			const char *word = words[(size_t)rand() % (sizeof words / sizeof words[0])];
			size_t cut = 1 + (size_t)rand() % 20;

			if (round % 2 == 0) {
				length = mutate_text(copy, length, room, (unsigned)rand());
				continue;
			}
			switch (rand() % 4) {
			case 0:
				copy[at] = (char)rand();
				break;
			case 1:
				length = length > at + cut ? length - cut : length;
				memmove(copy + at, copy + at + cut, length > at ? length - at : 0);
				break;
			case 2:
				if (length + strlen(word) <= room) {
					memmove(copy + at + strlen(word), copy + at, length - at);
					memcpy(copy + at, word, strlen(word));
					length += strlen(word);
				}
				break;
			default:
				length = at;
				break;
			}
		}
		LLVMFuzzerTestOneInput((const uint8_t *)copy, length);
	}
	free(copy);
}

int main(int argc, char **argv)
{
	unsigned rounds = getenv("FUZZ_ROUNDS") != NULL ? (unsigned)atoi(getenv("FUZZ_ROUNDS")) : 0;
	int i;

	srand(1);
	for (i = 1; i < argc; i++) {
		size_t size = 0;
		char *bytes = read_file(argv[i], &size);

		if (bytes == NULL)
			return 1;
		LLVMFuzzerTestOneInput((const uint8_t *)bytes, size);
		mutate(bytes, size, rounds);
		free(bytes);
	}
	printf("%d files, %u changed copies of each\n", argc - 1, rounds);
	return 0;
}

#endif
