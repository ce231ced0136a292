/* Random arguments: which, in which direction, with which flags. */
#include "generate.h"

#include <string.h>

#define SECURITY "security_token_t"
#define AUDIT    "audit_token_t"

/* Times are long: a slow machine must not run into them. */
static const struct special specials[] = {
	{"waittime", NULL, "e2", ON_CLIENT, false, "100000", NULL, NULL, 0},
	{"sendtime", NULL, "e2", ON_CLIENT, false, "200000", NULL, NULL, 1},
	{"msgoption", NULL, "e2", ON_CLIENT, false, "MACH_MSG_OPTION_NONE", NULL, NULL, 2},
	{"ureplyport", NULL, "reply_t", ON_CLIENT, false, "mig_get_reply_port()", NULL, NULL, 3},
	{"replyport", NULL, "reply_t", ON_CLIENT | ON_SERVER, false, "mig_get_reply_port()", "is_reply_right(%s)", NULL,
		3},
	{"sreplyport", NULL, "reply_t", ON_SERVER, false, NULL, "is_reply_right(%s)", NULL, 3},
	{"msgseqno", NULL, "e2", ON_SERVER, true, NULL, "%s == 77", NULL, 4},
	{"serverseqno", NULL, "e2", ON_SERVER, true, NULL, "%s == 77", NULL, 5},
	{"sectoken", NULL, SECURITY, ON_CLIENT | ON_SERVER, true, NULL,
		"same_token(&%s, &lb_client_security, sizeof %s)", "same_token(&%s, &lb_server_security, sizeof %s)",
		6},
	{"serversectoken", NULL, SECURITY, ON_SERVER, true, NULL, "same_token(&%s, &lb_client_security, sizeof %s)",
		NULL, 7},
	{"usersectoken", NULL, SECURITY, ON_CLIENT, true, NULL, NULL, "same_token(&%s, &lb_server_security, sizeof %s)",
		8},
	{"audittoken", NULL, AUDIT, ON_CLIENT | ON_SERVER, true, NULL, "same_token(&%s, &lb_client_audit, sizeof %s)",
		"same_token(&%s, &lb_server_audit, sizeof %s)", 9},
	{"serveraudittoken", NULL, AUDIT, ON_SERVER, true, NULL, "same_token(&%s, &lb_client_audit, sizeof %s)", NULL,
		10},
	{"useraudittoken", NULL, AUDIT, ON_CLIENT, true, NULL, NULL, "same_token(&%s, &lb_server_audit, sizeof %s)",
		11},
	{"servercontexttoken", NULL, "mach_port_context_t", ON_SERVER, true, NULL, "%s == 0", NULL, 12},
	{"serverimpl", "msgh_seqno", "e2", ON_SERVER, true, NULL, "%s == 77", NULL, 13},
	{"serverimpl", "sender_id", "e2", ON_SERVER, true, NULL, "%s == 11", NULL, 14},
	{"serverimpl", "context", "mach_port_context_t", ON_SERVER, true, NULL, "%s == 0", NULL, 15},
	{"serverimpl", NULL, SECURITY, ON_SERVER, true, NULL, "same_token(&%s, &lb_client_security, sizeof %s)", NULL,
		16},
	{"serverimpl", "msgh_audit", AUDIT, ON_SERVER, true, NULL, "same_token(&%s, &lb_client_audit, sizeof %s)", NULL,
		17},
	{"userimpl", "seqno", "mach_port_seqno_t", ON_CLIENT, true, NULL, NULL, "%s == 77", 13},
	{"userimpl", "msgh_sender_id", "e2", ON_CLIENT, true, NULL, NULL, "%s == 22", 18},
	{"userimpl", "sender", SECURITY, ON_CLIENT, true, NULL, NULL, "same_token(&%s, &lb_server_security, sizeof %s)",
		19},
	{"userimpl", NULL, AUDIT, ON_CLIENT, true, NULL, NULL, "same_token(&%s, &lb_server_audit, sizeof %s)", 20},
};
enum { SPECIALS = sizeof specials / sizeof specials[0] };

bool is_simple(const struct routine *routine)
{
	return routine->kind == SIMPLE || routine->kind == SIMPLE_PROCEDURE || routine->kind == REPLY;
}

bool in_memory(const struct argument *a)
{
	return a->shape >= MEMORY && a->shape <= SOME_MEMORIES;
}

bool varies(const struct argument *a)
{
	return a->shape == VARRAY || a->shape == MEMORY || a->shape == UNBOUNDED || a->shape == SOME_MEMORIES;
}

bool has_count(const struct argument *a)
{
	return varies(a) && (a->flags & SAMECOUNT) == 0;
}

bool has_pieces(const struct argument *a)
{
	return a->shape == MEMORIES || a->shape == SOME_MEMORIES;
}

bool goes_in(const struct argument *a)
{
	return a->shape != SPECIAL && a->direction != OUT;
}

bool comes_out(const struct argument *a)
{
	return a->shape != SPECIAL && a->direction != IN;
}

bool has_poly(const struct argument *a, bool client)
{
	if (a->shape == SPECIAL || a->element->rights == 0 || a->element->sent_as != NULL)
		return false;
	return a->element->told || (client ? goes_in(a) : comes_out(a));
}

bool is_overwritten(const struct argument *a)
{
	return (a->flags & OVERWRITE) != 0 && comes_out(a) && !has_pieces(a);
}

bool may_fit(const struct argument *a)
{
	return (g.dialect == GNU || g.dialect == CMU) && a->shape == UNBOUNDED && comes_out(a) && has_count(a) &&
	       !is_overwritten(a);
}

const char *moves(const struct routine *routine, unsigned index, unsigned side)
{
	const struct argument *a = &routine->argument[index];

	if (a->flags & DEALLOC_ARG)
		return text("dealloc_of(%u, %u, %u)", routine->number, index, side);
	if (a->flags & NOTDEALLOC)
		return "0";
	return a->flags & (DEALLOC | TYPE_DEALLOC) ? "1" : "0";
}

const char *sent_as(const struct routine *routine, unsigned index, unsigned side)
{
	const struct element *element = routine->argument[index].element;

	if (element == NULL || element->rights == 0)
		return "0";
	if (element->sent_as != NULL)
		return element->sent_as;
	return text(element->told ? "poly_of(%u, %u, %u)" : "send_of(%u, %u, %u)", routine->number, index, side);
}

static void choose_flags(struct argument *a)
{
	if (in_memory(a)) {
		switch (pick(6)) {
		case 0:
			break;
		case 1:
			a->flags |= NOTDEALLOC;
			break;
		case 2:
			a->flags |= DEALLOC_ARG;
			break;
		default:
			a->flags |= DEALLOC;
			break;
		}
		if (a->element->is_integer && rarely(5))
			a->flags |= TYPE_DEALLOC;
		if (comes_out(a) && rarely(4))
			a->flags |= OVERWRITE;
		if (a->direction == IN && a->element->rights == 0 && rarely(3))
			a->flags |= AUTO;
		if (rarely(4))
			a->flags |= PHYSICALCOPY;
		if (goes_in(a) && rarely(4))
			a->flags |= SERVERCOPY;
	}
	if (a->shape == VARRAY && a->direction == OUT && pick(2))
		a->flags |= COUNTINOUT;
	if (rarely(4))
		a->flags |= CONST;
	if (rarely(12))
		a->flags |= pick(2) ? ISLONG : ISNOTLONG;
}

static enum shape choose_shape(void)
{
	/* Small ones are most frequent, so that registers get their share. */
	static const enum shape often[] = {ONE, ONE, ONE, ONE, ONE, ARRAY, STRING, VARRAY, VARRAY, VSTRING, POINTER,
		VALUE, OPTIONAL, MEMORY, MEMORY, UNBOUNDED, FIXED_MEMORY, MEMORIES, SOME_MEMORIES};

	return often[pick(pick(3) == 0 ? sizeof often / sizeof often[0] : 8)];
}

static void choose_argument(struct routine *routine, struct argument *a)
{
	a->shape = choose_shape();
	a->direction = is_simple(routine) || a->shape == OPTIONAL ? IN : (enum direction)pick(2);
	a->count = 1 + pick(pick(2) ? 5 : 60);
	if (a->shape <= OPTIONAL && a->shape != ONE)
		a->element = pick_data(false);
	else if (a->shape != STRING && a->shape != VSTRING && rarely(4))
		a->element = pick_right(a->direction == IN, a->shape != ONE);
	else
		a->element = pick_data(a->shape == ONE);
	if (a->shape >= POINTER && a->shape <= OPTIONAL) {
		while (a->element->is_array)
			a->element = pick_data(false);
	}
	if (a->element->one_way)
		a->direction = IN;
	/* Only its own inout is left to choose. */
	else if (!is_simple(routine) && a->shape != OPTIONAL && a->shape != VSTRING && rarely(5) &&
		 (a->shape != VARRAY || a->element->rights != 0))
		a->direction = INOUT;
	if (a->element->rights != 0)
		a->count = 1 + a->count % 5;
	if (has_pieces(a)) {
		a->pieces = 1 + pick(4);
		a->fixed_pieces = rarely(4);
	}
	choose_flags(a);
}

static bool group_taken(const struct routine *routine, unsigned group)
{
	for (unsigned i = 0; i < routine->arguments; i++) {
		if (routine->argument[i].special != NULL && routine->argument[i].special->group == group)
			return true;
	}
	return false;
}

static bool choose_special(struct routine *routine, struct argument *a)
{
	const struct special *special = &specials[pick(g.guest ? 6 : SPECIALS)];

	if (group_taken(routine, special->group))
		return false;
	if (is_simple(routine) && ((special->sides & ON_CLIENT) != 0 || special->group == 3))
		return false;
	a->shape = SPECIAL;
	a->special = special;
	a->direction = IN;
	return true;
}

/* An array with a bound: more elements are refused. */
static bool is_bounded(const struct argument *a)
{
	return a->shape == VARRAY || a->shape == SOME_MEMORIES;
}

/* Whose count an argument has, and what those who share it can have in common. */
static void share_counts(struct routine *routine)
{
	for (unsigned i = 0; i < routine->arguments; i++) {
		struct argument *a = &routine->argument[i];
		struct argument *owner = a;

		a->owner = i;
		a->limit = a->shape == SOME_MEMORIES ? a->pieces : a->count;
		if (i > 0 && i != routine->request_port && varies(a) && varies(&a[-1]) &&
			a->direction == a[-1].direction && ((a->flags ^ a[-1].flags) & COUNTINOUT) == 0 && rarely(2)) {
			a->flags |= SAMECOUNT;
			a->owner = a[-1].owner;
			owner = &routine->argument[a->owner];
		}
		if (is_bounded(a) && (!owner->bounded || a->limit < owner->limit))
			owner->limit = a->limit;
		owner->bounded = owner->bounded || is_bounded(a);
	}
	for (unsigned i = 0; i < routine->arguments; i++)
		routine->argument[i].limit = routine->argument[routine->argument[i].owner].limit;
}

static void add_retcode(struct routine *routine)
{
	struct argument *a = &routine->argument[routine->arguments];

	*a = (struct argument){.shape = ONE, .element = &g.elements[2], .direction = IN, .flags = RETCODE, .count = 1};
	snprintf(a->name, sizeof a->name, "a%u", routine->arguments++);
}

void choose_arguments(struct routine *routine)
{
	const unsigned wanted = pick(9);
	const unsigned retcode = routine->kind == REPLY ? pick(wanted + 1) : wanted + 1;

	for (unsigned i = 0; i <= wanted && routine->arguments < ARGUMENTS - 1; i++) {
		struct argument a = {.shape = ONE};

		if (i == retcode)
			add_retcode(routine);
		if (i == wanted)
			break;
		if (!rarely(8) || !choose_special(routine, &a))
			choose_argument(routine, &a);
		if (a.special != NULL && a.special->name != NULL)
			snprintf(a.name, sizeof a.name, "%s", a.special->name);
		else
			snprintf(a.name, sizeof a.name, "a%u", routine->arguments);
		routine->argument[routine->arguments++] = a;
	}
	routine->request_port_said = rarely(4);
	if (routine->request_port_said)
		routine->request_port = pick(routine->arguments + 1);
	share_counts(routine);
}
