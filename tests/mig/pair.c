/*
 * Every construct of the language between two tasks: the calls of an interface (tests/host/mig/calls.h), its work
 * functions in one task, called from another, with the machine's rights and memory. In four ways: the client calls
 * register routines by registers or by message, and the server's loop is mach_server_run, which takes them by registers
 * (those by message not, if some routine wants trailers), or one of mach_msg. "serve" makes it the server. After a
 * first round nothing may be left with either: no name, no reference, no memory.
 */
#include "pair.h"

#include "pair_state_user.h"

#include <servers/bootstrap_user.h>

#include <stdio.h>
#include <string.h>

enum { ROUNDS = 3 };

int force_messages;

/* By the port that the calls go to: so what it is asked comes after them. */
void lb_ask(void)
{
	char told[256];
	mach_msg_type_number_t count = sizeof told;

	CHECK(pair_told(server, told, &count) == KERN_SUCCESS && count == calls_told_size);
	memcpy(calls_told, told, calls_told_size);
}

void lb_in_server(int what)
{
	CHECK(pair_in_server(server, what) == KERN_SUCCESS);
}

struct usage {
	int names, references, own_names, own_references;
	int64_t bytes, own_bytes;
};

static struct usage usage(void)
{
	struct usage u = {0};

	/* Twice: the first may still come as a message after others, and then its own right to reply is among the
	 * names. */
	for (int i = 0; i < 2; i++)
		CHECK(pair_usage(server, &u.names, &u.references, &u.bytes) == KERN_SUCCESS);
	/* The stubs keep their reply ports, but not always. */
	mig_get_reply_port();
	mig_get_special_reply_port();
	u.own_names = (int)lb_rights();
	u.own_references = (int)lb_references();
	u.own_bytes = (int64_t)lb_memory();
	return u;
}

static void run(const struct calls *c, const char *how, bool server_by_registers)
{
	struct usage before, after;
	int registers = -1;

	calls_bad = false;
	c->test();
	before = usage();
	for (int i = 0; i < ROUNDS; i++)
		c->test();
	after = usage();
	CHECK(pair_by_registers(server, &registers) == KERN_SUCCESS && registers == server_by_registers);
	if (memcmp(&before, &after, sizeof before) != 0) {
		printf("  left over: names %d, %d; references %d, %d; bytes %lld, %lld\n", after.names - before.names,
			after.own_names - before.own_names, after.references - before.references,
			after.own_references - before.own_references, (long long)(after.bytes - before.bytes),
			(long long)(after.own_bytes - before.own_bytes));
		calls_bad = true;
	}
	printf("%s " PAIR_NAME " between tasks: %s, %s\n", calls_bad ? "FAIL" : "PASS", c->name, how);
}

/* What the trailers of either say: as over the loop-back. */
static void set_tokens(mach_port_t state)
{
	mach_port_t host_priv = MACH_PORT_NULL, task = MACH_PORT_NULL;
	mach_msg_type_name_t poly;

	portolan_mach_ports_lookup(mach_task_self(), REGISTERED_HOST_PRIV, &host_priv, &poly);
	CHECK(pair_task(state, &task) == KERN_SUCCESS);
	CHECK(host_security_set_task_token(host_priv, mach_task_self(), (security_token_t){{501, 20}},
		      (audit_token_t){{1, 2, 3, 4, 5, 6, 7, 8}}) == KERN_SUCCESS);
	CHECK(host_security_set_task_token(host_priv, task, (security_token_t){{0, 1}},
		      (audit_token_t){{8, 7, 6, 5, 4, 3, 2, 1}}) == KERN_SUCCESS);
	mach_port_deallocate(mach_task_self(), task);
	mach_port_deallocate(mach_task_self(), host_priv);
}

static bool wants_trailers(void)
{
	for (mach_msg_id_t i = 0; i < PAIR_SUBSYSTEM.end - PAIR_SUBSYSTEM.start; i++)
		if (PAIR_SUBSYSTEM.routine[i].flags & MIG_ROUTINE_TRAILER)
			return true;
	return false;
}

int main(int argc, char **argv)
{
	mach_port_t by_words = MACH_PORT_NULL, by_messages, object_by_words, object_by_messages;
	char how[64];

	task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &stranger);
	kept = lb_port(NULL, 0);
	kept_send = lb_send_right(kept);
	if (argc > 1 && strcmp(argv[1], "serve") == 0)
		return pair_serve(stranger);
	setvbuf(stdout, NULL, _IOLBF, 0);
	CHECK(bootstrap_look_up(stranger, PAIR_NAME, &by_words) == KERN_SUCCESS);
	CHECK(pair_ports(by_words, &by_messages, &object_by_words, &object_by_messages) == KERN_SUCCESS);
	set_tokens(by_words);
	printf("%s " PAIR_NAME " between tasks: the server is there\n", calls_bad ? "FAIL" : "PASS");
	for (int mode = 0; mode < 4; mode++) {
		force_messages = mode & 1;
		server = mode & 2 ? by_messages : by_words;
		object_server = mode & 2 ? object_by_messages : object_by_words;
		snprintf(how, sizeof how, "calls by %s, served by %s", mode & 1 ? "messages" : "registers",
			mode & 2 ? "mach_msg" : "mach_server_run");
		for (const struct calls *c = calls; c->name != NULL; c++)
			run(c, how, !(mode & 2) && !((mode & 1) && wants_trailers()));
	}
	printf(PAIR_NAME " tests: end\n");
	lb_power_off();
	return 0;
}
