/*
 * Every kind of reply, damaged in every place: what a client gets from a server without stubs, or from a hostile one.
 * As damage.c: what is not as declared is refused and destroyed whole, whatever else comes the client takes, no right
 * and no memory is left over, and nothing is read or written outside.
 */
#include "golden.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { EXTRA = 64, WORDS_TRIED = 40, KINDS = 14 };

static unsigned failures, changed, refused;

/* The change that the next reply gets; `tried` is set when there is such a place in it. */
static struct {
	enum { NOTHING, DATA, SIZE, ANOTHER, TOO_MANY, TOO_FEW, PLAIN, ID } what;
	unsigned at, value;
	bool tried;
	bool must_fail;
} damage;

static mach_msg_body_t *body_of(mach_msg_header_t *message)
{
	return (void *)(message + 1);
}

static mach_msg_descriptor_t *descriptors_of(mach_msg_header_t *message)
{
	return (void *)(body_of(message) + 1);
}

static bool is_complex(const mach_msg_header_t *message)
{
	return (message->msgh_bits & MACH_MSGH_BITS_COMPLEX) != 0;
}

static uint32_t descriptor_count(mach_msg_header_t *message)
{
	return is_complex(message) ? body_of(message)->msgh_descriptor_count : 0;
}

static mach_msg_size_t data_offset(mach_msg_header_t *message)
{
	return is_complex(message) ? 32 + 16 * descriptor_count(message) : 24;
}

/* Rights or memory of one descriptor go. */
static void destroy_descriptor(mach_msg_descriptor_t d)
{
	struct {
		mach_msg_header_t head;
		mach_msg_body_t body;
		mach_msg_descriptor_t d;
	} message = {.head = {.msgh_bits = MACH_MSGH_BITS_COMPLEX}, .body = {1, 0}, .d = d};

	mach_msg_destroy(&message.head);
}

static mach_port_t new_right(uint8_t disposition)
{
	return disposition == MACH_MSG_TYPE_PORT_RECEIVE     ? lb_port(NULL, 0)
	       : disposition == MACH_MSG_TYPE_PORT_SEND_ONCE ? lb_send_once_right(kept)
							     : lb_send_right(kept);
}

/* A descriptor with what it stands for. */
static mach_msg_descriptor_t make_descriptor(unsigned kind)
{
	static const uint8_t dispositions[] = {
		MACH_MSG_TYPE_PORT_SEND, MACH_MSG_TYPE_PORT_SEND_ONCE, MACH_MSG_TYPE_PORT_RECEIVE};
	static const mach_msg_size_t sizes[] = {0, 1, 8, 32, 33};
	vm_address_t memory = 0;
	mach_msg_descriptor_t d;

	memset(&d, 0, sizeof d);
	if (kind < 3) {
		d.port.type = MACH_MSG_PORT_DESCRIPTOR;
		d.port.disposition = dispositions[kind];
		d.port.name = new_right(d.port.disposition);
	} else if (kind < 9) {
		d.ool_ports.type = MACH_MSG_OOL_PORTS_DESCRIPTOR;
		d.ool_ports.disposition = dispositions[kind % 3];
		d.ool_ports.count = kind < 6 ? 2 : kind % 3;
		d.ool_ports.deallocate = 1;
		if (d.ool_ports.count != 0)
			mig_allocate(&memory, d.ool_ports.count * sizeof(mach_port_t));
		for (unsigned i = 0; i < d.ool_ports.count; i++)
			((mach_port_t *)memory)[i] = new_right(d.ool_ports.disposition);
		d.ool_ports.address = (void *)memory;
	} else {
		d.out_of_line.type = MACH_MSG_OOL_DESCRIPTOR;
		d.out_of_line.size = sizes[kind - 9];
		d.out_of_line.deallocate = 1;
		if (d.out_of_line.size != 0)
			mig_allocate(&memory, d.out_of_line.size);
		d.out_of_line.address = (void *)memory;
	}
	return d;
}

static void insert_descriptor(mach_msg_header_t *m, unsigned at, mach_msg_descriptor_t descriptor)
{
	mach_msg_descriptor_t *d = descriptors_of(m);

	if (!is_complex(m)) {
		memmove((char *)m + 32, (char *)m + 24, m->msgh_size - 24);
		*body_of(m) = (mach_msg_body_t){0};
		m->msgh_bits |= MACH_MSGH_BITS_COMPLEX;
		m->msgh_size += 8;
	}
	memmove(&d[at + 1], &d[at], m->msgh_size - (size_t)((char *)&d[at] - (char *)m));
	d[at] = descriptor;
	body_of(m)->msgh_descriptor_count++;
	m->msgh_size += sizeof *d;
}

static void remove_descriptor(mach_msg_header_t *m, unsigned at)
{
	mach_msg_descriptor_t *d = descriptors_of(m);

	destroy_descriptor(d[at]);
	memmove(&d[at], &d[at + 1], m->msgh_size - (size_t)((char *)&d[at + 1] - (char *)m));
	body_of(m)->msgh_descriptor_count--;
	m->msgh_size -= sizeof *d;
}

static void change_data(mach_msg_header_t *m)
{
	static const uint32_t values[] = {0, 1, 0xffffffff, 0x7fffffff, 0x80000000, 0x40000000, 51, 65, 4097};
	const unsigned fixed = sizeof values / sizeof values[0];
	const mach_msg_size_t at = data_offset(m) + 4 * damage.at;
	uint32_t value;

	damage.tried = damage.at < WORDS_TRIED && at < m->msgh_size && damage.value < fixed + 6;
	if (!damage.tried)
		return;
	memcpy(&value, (char *)m + at, 4);
	if (damage.value < fixed)
		value = values[damage.value];
	else if (damage.value < fixed + 2)
		value += damage.value % 2 != 0 ? 1 : 0xffffffff;
	else
		value |= 0xffu << 8 * (damage.value - fixed - 2);
	memcpy((char *)m + at, &value, 4);
}

static void change_descriptor(mach_msg_header_t *m)
{
	mach_msg_descriptor_t *d = &descriptors_of(m)[damage.at], was;

	damage.tried = damage.at < descriptor_count(m) && damage.value < KINDS;
	if (!damage.tried)
		return;
	was = *d;
	*d = make_descriptor(damage.value);
	damage.must_fail = was.type.type != d->type.type ||
			   (was.type.type != MACH_MSG_OOL_DESCRIPTOR && was.port.disposition != d->port.disposition);
	destroy_descriptor(was);
}

static void spoil(mach_msg_header_t **message)
{
	mach_msg_header_t *m = calloc(1, (*message)->msgh_size + EXTRA);
	const uint32_t count = descriptor_count(*message);
	mach_msg_size_t size = (*message)->msgh_size;

	memcpy(m, *message, size);
	free(*message);
	*message = m;
	damage.tried = damage.must_fail = true;
	switch (damage.what) {
	case DATA:
		change_data(m);
		damage.must_fail = false;
		break;
	case SIZE:
		/* All sizes from none of the data to some more; of large replies not all. */
		size = data_offset(m) + damage.at * (size > 1024 ? 256 : 4);
		damage.tried = size <= m->msgh_size + EXTRA - 8;
		damage.must_fail = size != m->msgh_size;
		if (damage.tried)
			m->msgh_size = size;
		break;
	case ANOTHER:
		change_descriptor(m);
		break;
	case TOO_MANY:
		damage.tried = damage.at <= count && damage.value < KINDS;
		if (damage.tried)
			insert_descriptor(m, damage.at, make_descriptor(damage.value));
		break;
	case TOO_FEW:
		damage.tried = damage.at < count;
		if (damage.tried)
			remove_descriptor(m, damage.at);
		break;
	case PLAIN:
		damage.tried = count != 0;
		for (uint32_t i = 0; i < count; i++)
			destroy_descriptor(descriptors_of(m)[i]);
		m->msgh_bits &= ~MACH_MSGH_BITS_COMPLEX;
		break;
	case ID:
		m->msgh_id += damage.value;
		break;
	default:
		damage.must_fail = false;
		break;
	}
}

/* --- Calls. Each gives back what it got if it succeeds. */

static void drop_right(mach_port_t name)
{
	if (name != MACH_PORT_NULL && mach_port_deallocate(0, name) != KERN_SUCCESS)
		failures++;
}

static void drop_memory(const void *address, size_t size)
{
	if (size != 0)
		mig_deallocate((vm_address_t)address, size);
}

static kern_return_t call_nine_in(void)
{
	int64_t total;

	return nine_in(server, 1, 2, 3, 4, 5, 6, 7, 8, 9, &total);
}

static kern_return_t call_blocks(void)
{
	block_t a = {{1}}, b, c = {{2}};

	return blocks(server, a, &b, &c);
}

static kern_return_t call_long_strings(void)
{
	char b[100];
	kern_return_t result = long_strings(server, "text", b);

	if (result == KERN_SUCCESS && memchr(b, 0, sizeof b) == NULL)
		failures++;
	return result;
}

static kern_return_t call_strings(void)
{
	char b[64];
	int32_t length;
	kern_return_t result = strings(server, "text", b, 42, &length);

	if (result == KERN_SUCCESS && memchr(b, 0, sizeof b) == NULL)
		failures++;
	return result;
}

static kern_return_t call_bytes(void)
{
	char *b = malloc(7); /* less than the routine allows */
	mach_msg_type_number_t count = 7;
	kern_return_t result = bytes(server, "abcdefg", 7, b, &count);

	if (result == KERN_SUCCESS && count > 7)
		failures++;
	free(b);
	return result;
}

static kern_return_t call_mixed(void)
{
	char a[] = "ab", *ra = malloc(50), *text = malloc(64);
	int16_t b[3] = {1, 2, 3}, *rb = malloc(30 * sizeof *rb);
	point_t c[1] = {{1, 2}}, *rc = malloc(10 * sizeof *rc);
	mach_msg_type_number_t na = 50, nb = 30, nc = 10;
	int32_t rx;
	int64_t ry;
	int8_t rz;
	kern_return_t result =
		mixed(server, 1, a, 2, 2, b, 3, 3, c, 1, "name", &rx, ra, &na, &ry, rb, &nb, &rz, rc, &nc, text);

	if (result == KERN_SUCCESS && (na > 50 || nb > 30 || nc > 10 || memchr(text, 0, 64) == NULL))
		failures++;
	free(ra);
	free(rb);
	free(rc);
	free(text);
	return result;
}

static kern_return_t call_data(void)
{
	data_t b;
	mach_msg_type_number_t count;
	kern_return_t result = data(server, (data_t) "abc", 3, &b, &count);

	if (result == KERN_SUCCESS)
		drop_memory(b, count);
	return result;
}

static kern_return_t call_numbers(void)
{
	int32_t a[] = {1, 2, 3};
	numbers_t b;
	mach_msg_type_number_t count;
	kern_return_t result = numbers(server, a, 3, &b, &count);

	if (result == KERN_SUCCESS)
		drop_memory(b, count * sizeof *b);
	return result;
}

static kern_return_t call_fixed_memory(void)
{
	int64_t wide[4] = {1, 2, 3, 4};
	wide_t b;
	kern_return_t result = fixed_memory(server, wide, &b);

	if (result == KERN_SUCCESS)
		drop_memory(b, 8);
	return result;
}

static kern_return_t call_out_rights(void)
{
	mach_port_t name[4];
	kern_return_t result = out_rights(server, &name[0], &name[1], &name[2], &name[3]);

	for (int i = 0; result == KERN_SUCCESS && i < 4; i++)
		drop_right(name[i]);
	return result;
}

static kern_return_t call_in_out_port(void)
{
	mach_port_t name = lb_send_right(kept);
	kern_return_t result = in_out_port(server, &name);

	if (result == KERN_SUCCESS)
		drop_right(name);
	return result;
}

static kern_return_t call_out_poly(void)
{
	mach_port_t name;
	mach_msg_type_name_t poly;
	kern_return_t result = out_poly(server, &name, &poly);

	/* Any right may come. */
	damage.must_fail = damage.must_fail && !(damage.what == ANOTHER && damage.value < 3);
	if (result == KERN_SUCCESS)
		drop_right(name);
	return result;
}

static kern_return_t call_port_list(void)
{
	mach_port_t list[3], got[5];
	mach_msg_type_number_t count = 5;
	kern_return_t result;

	for (int i = 0; i < 3; i++)
		list[i] = lb_send_right(kept);
	result = port_list(server, list, 3, got, &count);
	for (mach_msg_type_number_t i = 0; result == KERN_SUCCESS && i < count; i++)
		drop_right(got[i]);
	return result;
}

static kern_return_t call_port_memory(void)
{
	mach_port_t list[2] = {lb_send_right(kept), lb_send_right(kept)};
	ports_t back;
	mach_msg_type_number_t count;
	kern_return_t result = port_memory(server, list, 2, &back, &count);

	if (result == KERN_SUCCESS) {
		for (mach_msg_type_number_t i = 0; i < count; i++)
			drop_right(back[i]);
		drop_memory(back, count * sizeof *back);
	}
	return result;
}

static kern_return_t call_many(void)
{
	mach_port_t e;
	int32_t numbers_in[] = {1, 2, 30}, y;
	char text[64];
	data_t d;
	mach_msg_type_number_t count;
	kern_return_t result = many(
		server, (data_t) "bytes", 5, lb_send_right(kept), "name", numbers_in, 3, 12, &d, &count, &y, &e, text);

	if (result == KERN_SUCCESS) {
		drop_memory(d, count);
		drop_right(e);
	}
	return result;
}

static const struct {
	const char *name;
	kern_return_t (*call)(void);
} routines[] = {{"nine_in", call_nine_in}, {"blocks", call_blocks}, {"long_strings", call_long_strings},
	{"strings", call_strings}, {"bytes", call_bytes}, {"mixed", call_mixed}, {"data", call_data},
	{"numbers", call_numbers}, {"fixed_memory", call_fixed_memory}, {"out_rights", call_out_rights},
	{"in_out_port", call_in_out_port}, {"out_poly", call_out_poly}, {"port_list", call_port_list},
	{"port_memory", call_port_memory}, {"many", call_many}};

/* One call whose reply is changed. False when the reply has no such place. */
static bool try(unsigned call, int what, unsigned at, unsigned value)
{
	const unsigned rights = lb_rights(), regions = lb_regions(), before = failures;
	kern_return_t result;
	bool good;

	damage.what = what;
	damage.at = at;
	damage.value = value;
	lb_paint();
	result = routines[call].call();
	if (!damage.tried)
		return false;
	changed++;
	refused += result != KERN_SUCCESS;
	good = failures == before && lb_rights() == rights && lb_regions() == regions;
	if (what == ID)
		good = good && result == MIG_REPLY_MISMATCH;
	else if (damage.must_fail)
		good = good && (result == MIG_TYPE_ERROR || result == MACH_RCV_TOO_LARGE);
	else if (what == NOTHING)
		good = good && result == KERN_SUCCESS;
	if (!good && failures++ < 20)
		printf("  reply of %s, damage %d at %u, %u: result %d, rights %+d, memory %+d\n", routines[call].name,
			what, at, value, result, (int)(lb_rights() - rights), (int)(lb_regions() - regions));
	return true;
}

unsigned damage_replies(void)
{
	lb_force_messages = false;
	mig_get_reply_port();
	lb_spoil_received = spoil;
	for (unsigned call = 0; call < sizeof routines / sizeof routines[0]; call++) {
		try(call, NOTHING, 0, 0);
		try(call, ID, 0, 1);
		try(call, PLAIN, 0, 0);
		for (int what = DATA; what <= TOO_FEW; what++) {
			for (unsigned at = 0; try(call, what, at, 0); at++) {
				for (unsigned value = 1; what != SIZE && what != TOO_FEW && try(call, what, at, value);
					value++)
					;
			}
		}
	}
	lb_spoil_received = NULL;
	printf("%s mig damaged replies: %u changed, %u refused\n", failures == 0 && refused > 500 ? "PASS" : "FAIL",
		changed, refused);
	return failures;
}
