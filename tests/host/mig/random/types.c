/* Random types: elements, declared once, and what each argument makes of them. */
#include "generate.h"

#include <string.h>

static const char *const dispositions[] = {"MACH_MSG_TYPE_COPY_SEND", "MACH_MSG_TYPE_MOVE_SEND",
	"MACH_MSG_TYPE_MAKE_SEND", "MACH_MSG_TYPE_MAKE_SEND_ONCE", "MACH_MSG_TYPE_MOVE_SEND_ONCE",
	"MACH_MSG_TYPE_MOVE_RECEIVE"};

static struct element *new_element(const char *prefix)
{
	struct element *element = &g.elements[g.element_count];

	snprintf(element->name, sizeof element->name, "%s%u", prefix, g.element_count++);
	return element;
}

static void add_span(struct element *element, unsigned offset, unsigned size)
{
	unsigned *last = element->spans != 0 ? element->span[element->spans - 1] : NULL;

	if (last != NULL && last[0] + last[1] == offset) {
		last[1] += size;
		return;
	}
	element->span[element->spans][0] = offset;
	element->span[element->spans++][1] = size;
}

static void add_spans(struct element *to, unsigned offset, const struct element *from)
{
	for (unsigned i = 0; i < from->spans; i++)
		add_span(to, offset + from->span[i][0], from->span[i][1]);
}

static void put_layout(const struct element *element)
{
	fprintf(g.layouts, "static const struct layout l_%s = {%u, %u, %u, {", element->name, element->size,
		element->rights, element->spans);
	for (unsigned i = 0; i < element->spans; i++)
		fprintf(g.layouts, "{%u, %u}, ", element->span[i][0], element->span[i][1]);
	fprintf(g.layouts, "}};\n");
}

/* The end of a type's declaration: the C type is of the same name, or another's, or one for each side. */
static void end_type(const char *name, bool pointer_typedefs)
{
	unsigned how = pointer_typedefs ? 0 : pick(6);

	if (how == 1) {
		fprintf(g.defs, " ctype: c_%s;\n", name);
		fprintf(g.types, "typedef %s c_%s;\n", name, name);
	} else if (how == 2) {
		fprintf(g.defs, " cusertype: u_%s cservertype: s_%s;\n", name, name);
		fprintf(g.types, "typedef %s u_%s;\ntypedef %s s_%s;\n", name, name, name, name);
	} else {
		fprintf(g.defs, ";\n");
	}
}

static void number(const char *defs, const char *c, unsigned size, bool integer)
{
	struct element *element = new_element("e");

	element->size = element->align = size;
	element->is_integer = integer;
	add_span(element, 0, size);
	fprintf(g.types, "typedef %s %s;\n", c, element->name);
	fprintf(g.defs, "type %s = %s", element->name, defs);
	if (strcmp(c, "char") == 0)
		fprintf(g.defs, " ctype: char;\n");
	else
		end_type(element->name, false);
	put_layout(element);
}

static const struct element *any_data(void)
{
	const struct element *element;

	do
		element = &g.elements[pick(g.element_count)];
	while (element->rights != 0 || element->translated);
	return element;
}

static void repeated(bool is_struct)
{
	const struct element *of;
	unsigned count;
	struct element *element;

	do {
		of = any_data();
		count = 1 + pick(4);
	} while (of->size * count > 64 || of->spans * count > 8);
	element = new_element(is_struct ? "s" : "a");
	element->size = of->size * count;
	element->align = of->align;
	element->is_array = !is_struct;
	for (unsigned i = 0; i < count; i++)
		add_spans(element, i * of->size, of);
	if (is_struct)
		fprintf(g.types, "typedef struct {\n\t%s f[%u];\n} %s;\n", of->name, count, element->name);
	else
		fprintf(g.types, "typedef %s %s[%u];\n", of->name, element->name, count);
	fprintf(g.defs, "type %s = %s[%u] of %s", element->name, is_struct ? "struct" : "array", count, of->name);
	end_type(element->name, !is_struct);
	put_layout(element);
}

static void record(void)
{
	const struct element *member[4];
	unsigned count = 1 + pick(4);
	struct element *element;

	for (unsigned i = 0; i < count; i++) {
		do
			member[i] = any_data();
		while (member[i]->size > 24 || member[i]->spans > 8);
	}
	element = new_element("k");
	element->align = 1;
	fprintf(g.types, "typedef struct {\n");
	fprintf(g.defs, "type %s = struct {", element->name);
	for (unsigned i = 0; i < count; i++) {
		element->size = (element->size + member[i]->align - 1) / member[i]->align * member[i]->align;
		add_spans(element, element->size, member[i]);
		element->size += member[i]->size;
		if (member[i]->align > element->align)
			element->align = member[i]->align;
		fprintf(g.types, "\t%s m%u;\n", member[i]->name, i);
		fprintf(g.defs, " %s m%u;", member[i]->name, i);
	}
	element->size = (element->size + element->align - 1) / element->align * element->align;
	fprintf(g.types, "} %s;\n", element->name);
	fprintf(g.defs, " }");
	end_type(element->name, false);
	put_layout(element);
}

/* So many bits: bytes to C, if they are no number. */
static void bits(void)
{
	static const unsigned sizes[] = {3, 5, 6, 7, 9, 11, 12, 16, 20, 31};
	struct element *element = new_element("b");

	element->size = sizes[pick(10)];
	element->align = 1;
	add_span(element, 0, element->size);
	fprintf(g.types, "typedef struct {\n\tuint8_t f[%u];\n} %s;\n", element->size, element->name);
	fprintf(g.defs, "type %s = (%s, %u%s)", element->name, pick(2) ? "MACH_MSG_TYPE_BYTE" : "MSG_TYPE_INTEGER_8",
		8 * element->size, rarely(4) ? ", notdealloc" : "");
	end_type(element->name, false);
	put_layout(element);
}

static struct element *right(const char *sent_as, bool told, const char *spec)
{
	struct element *element = new_element("p");

	element->size = element->align = 4;
	element->rights = 1;
	element->sent_as = sent_as;
	element->told = told;
	fprintf(g.types, "typedef mach_port_t %s;\n", element->name);
	fprintf(g.defs, "type %s = %s", element->name, spec);
	if (rarely(2))
		fprintf(g.defs, " ctype: mach_port_t;\n");
	else
		end_type(element->name, false);
	put_layout(element);
	return element;
}

static void rights(void)
{
	const unsigned kinds = g.guest ? 4 : 6;

	for (unsigned i = 0; i < kinds; i++)
		right(dispositions[i], false, dispositions[i]);
	right("MACH_MSG_TYPE_MAKE_SEND_ONCE", false, "MACH_MSG_TYPE_MAKE_SEND_ONCE | MACH_MSG_TYPE_PORT_SEND_ONCE");
	right(NULL, true, "polymorphic");
	right(NULL, false, "MACH_MSG_TYPE_PORT_SEND");
	for (unsigned i = 0; i < 2; i++) {
		const struct element *of;
		struct element *element;

		do
			of = &g.elements[pick(g.element_count)];
		while (of->rights != 1);
		element = new_element("q");
		*element = (struct element){
			.align = 4, .is_array = true, .rights = 1 + pick(3), .sent_as = of->sent_as, .told = of->told};
		snprintf(element->name, sizeof element->name, "q%u", g.element_count - 1);
		element->size = 4 * element->rights;
		fprintf(g.types, "typedef %s %s[%u];\n", of->name, element->name, element->rights);
		fprintf(g.defs, "type %s = array[%u] of %s;\n", element->name, element->rights, of->name);
		put_layout(element);
	}
}

/* What the work function sees as another type. With a destructor it only goes in. */
static void translated(const char *defs, const char *c, const char *sent_as, bool destroyed)
{
	struct element *element = new_element("x");
	const char *name = element->name;

	element->size = element->align = 4;
	element->translated = true;
	element->one_way = destroyed;
	element->rights = sent_as != NULL;
	element->sent_as = sent_as;
	if (sent_as == NULL)
		add_span(element, 0, 4);
	fprintf(g.types,
		"typedef %s %s;\ntypedef struct {\n\t%s v;\n} seen_%s;\nseen_%s in_%s(%s wire);\n%s out_%s(seen_%s "
		"seen);\n"
		"void end_%s(seen_%s seen);\n",
		c, name, name, name, name, name, name, name, name, name, name, name);
	fprintf(g.defs, "type %s = %s %s: %s intran: seen_%s in_%s(%s)", name, defs,
		rarely(2) ? "cservertype" : "ctype", name, name, name, name);
	if (!destroyed || pick(2))
		fprintf(g.defs, " outtran: %s out_%s(seen_%s)", name, name, name);
	if (destroyed)
		fprintf(g.defs, " destructor: end_%s(seen_%s)", name, name);
	fprintf(g.defs, ";\n");
	fprintf(g.server,
		"seen_%s in_%s(%s wire)\n{\n\t%sreturn (seen_%s){wire};\n}\n\n%s out_%s(seen_%s seen)\n{\n\treturn "
		"seen.v;\n}\n\n"
		"void end_%s(seen_%s seen)\n{\n\t(void)seen;\n\tseen_alive--;\n}\n\n",
		name, name, name, destroyed ? "seen_alive++;\n\t" : "", name, name, name, name, name, name);
	put_layout(element);
}

void make_elements(void)
{
	number("MACH_MSG_TYPE_INTEGER_8", "int8_t", 1, true);
	number("MACH_MSG_TYPE_INTEGER_16", "int16_t", 2, true);
	number("MACH_MSG_TYPE_INTEGER_32", "int32_t", 4, true);
	number("(MACH_MSG_TYPE_INTEGER_64, 64)", "uint64_t", 8, true);
	number("MSG_TYPE_CHAR", "char", 1, true);
	number("MACH_MSG_TYPE_REAL_32", "float", 4, false);
	number("MACH_MSG_TYPE_REAL_64", "double", 8, false);
	number("MACH_MSG_TYPE_PORT_NAME", "uint32_t", 4, true);
	for (unsigned i = 0; i < 2; i++)
		bits();
	for (unsigned i = 0; i < 5; i++)
		pick(2) ? record() : repeated(pick(3) != 0);
	repeated(true);
	repeated(false);
	record();
	rights();
	translated("MACH_MSG_TYPE_INTEGER_32", "int32_t", NULL, false);
	translated("MACH_MSG_TYPE_INTEGER_32", "uint32_t", NULL, true);
	translated("MACH_MSG_TYPE_MOVE_SEND", "mach_port_t", "MACH_MSG_TYPE_MOVE_SEND", false);
	translated("MACH_MSG_TYPE_COPY_SEND", "mach_port_t", "MACH_MSG_TYPE_COPY_SEND", true);
}

const struct element *pick_data(bool by_value)
{
	const struct element *element;

	do
		element = &g.elements[pick(g.element_count)];
	while (element->rights != 0 || (by_value ? element->is_array : element->translated));
	return element;
}

const struct element *pick_right(bool only_in, bool in_array)
{
	const struct element *element;

	do
		element = &g.elements[pick(g.element_count)];
	while (element->rights == 0 || (in_array ? element->translated : element->is_array) ||
		(!only_in && element->one_way));
	return element;
}

static const char *const number_words[] = {"", "MACH_MSG_TYPE_INTEGER_8", "MACH_MSG_TYPE_INTEGER_16", "",
	"MACH_MSG_TYPE_INTEGER_32", "", "", "", "MACH_MSG_TYPE_INTEGER_64"};

/* The element of out-of-line memory, which may say dealloc itself. */
static const char *memory_element(const struct argument *a)
{
	if (a->flags & TYPE_DEALLOC)
		return text("(%s, %u, dealloc)", number_words[a->element->size], 8 * a->element->size);
	return a->element->name;
}

/* Declares what the argument needs, in the file and in C; `spec` is what follows its colon. */
void declare_argument_type(const struct routine *routine, unsigned index, char *spec)
{
	const struct argument *a = &routine->argument[index];
	const char *e = a->element->name;
	const char *t = text("t%u_%u", routine->number, index);
	const char *made = NULL;

	switch (a->shape) {
	case SPECIAL:
		sprintf(spec, "%s", a->special->type);
		return;
	case ONE:
		sprintf(spec, "%s", e);
		return;
	case POINTER:
	case OPTIONAL:
	case VALUE:
		fprintf(g.types, "typedef %s %s;\n", e, t);
		sprintf(spec,
			a->shape == OPTIONAL  ? "PointerToIfNot(%s, NULL)"
			: a->shape == POINTER ? "PointerTo(%s)"
					      : "ValueOf(%s)",
			e);
		return;
	case ARRAY:
		made = text("array[%u] of %s", a->count, e);
		break;
	case VARRAY:
		made = text("array[*:%u] of %s", a->count, e);
		break;
	case STRING:
	case VSTRING:
		made = text(a->shape == STRING ? "c_string[%u]" : "c_string[*:%u]", a->count);
		e = "char";
		break;
	case MEMORY:
		made = text("^array[] of %s", memory_element(a));
		break;
	case UNBOUNDED:
		made = text(pick(2) ? "array[] of %s" : "array[*] of %s", memory_element(a));
		break;
	case FIXED_MEMORY:
		made = a->count == 1 && pick(2) ? text("^%s", memory_element(a))
						: text("^array[%u] of %s", a->count, memory_element(a));
		break;
	case MEMORIES:
	case SOME_MEMORIES:
		fprintf(g.types, "typedef %s *m%s;\n", e, t);
		if (a->fixed_pieces)
			fprintf(g.defs, "type m%s = ^array[%u] of %s;\n", t, a->count, memory_element(a));
		else
			fprintf(g.defs, "type m%s = ^array[] of %s;\n", t, memory_element(a));
		fprintf(g.types, "typedef m%s %s[%u];\n", t, t, a->pieces);
		made = text(a->shape == MEMORIES ? "array[%u] of m%s" : "array[*:%u] of m%s", a->pieces, t);
		break;
	}
	if (a->shape >= MEMORY && a->shape <= FIXED_MEMORY)
		fprintf(g.types, "typedef %s *%s;\ntypedef const %s *const_%s;\n", e, t, e, t);
	else if (a->shape <= VSTRING)
		fprintf(g.types, "typedef %s %s[%u];\ntypedef const %s const_%s[%u];\n", e, t, a->count, e, t,
			a->count);
	if (pick(3) == 0) {
		sprintf(spec, "%s = %s", t, made);
	} else {
		fprintf(g.defs, "type %s = %s;\n", t, made);
		sprintf(spec, "%s", t);
	}
}
