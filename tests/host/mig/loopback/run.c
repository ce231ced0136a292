/* Runs tests over the loop-back. */
#include "run.h"

#include <stdio.h>

mach_port_t receive;

void lb_start(const struct mig_subsystem *subsystem)
{
	static const struct mig_subsystem nothing = {.start = 1, .end = 1, .max_reply_size = sizeof(mig_reply_error_t)};

	setvbuf(stdout, NULL, _IOLBF, 0);
	receive = lb_port(subsystem, 0);
	server = lb_send_right(receive);
	object_server = lb_send_right(lb_port(subsystem, OBJECT_PAYLOAD + 99));
	stranger = lb_send_right(lb_port(&nothing, 0));
	kept = lb_port(NULL, 0);
	kept_send = lb_send_right(kept);
}

unsigned lb_run(const char *interface, const struct calls *tests)
{
	unsigned failures = 0;

	for (; tests->name != NULL; tests++) {
		const unsigned rights = lb_rights(), regions = lb_regions();

		calls_bad = false;
		lb_dirty_bytes = 0;
		tests->test();
		CHECK(lb_rights() == rights);
		CHECK(lb_regions() == regions);
		CHECK(lb_dirty_bytes == 0);
		printf("%s mig %s: %s, %s\n", calls_bad ? "FAIL" : "PASS", interface, tests->name,
			lb_force_messages ? "by message" : "by registers");
		failures += calls_bad;
	}
	return failures;
}
