/* A client and a server in the manner of OSF's programs. */
#include "check.h"
#include "osf_server.h"
#include "osf_user.h"

/* The description begins with the system's own pointer, and is passed on as that. */
static const struct subsystem *const *const reserved =
	(const struct subsystem *const *)(const void *)&s_osf_style_subsystem;

kern_return_t s_osf_add(mach_port_t server, integer_t a, integer_t b, integer_t *sum)
{
	(void)server;
	*sum = a + b;
	return KERN_SUCCESS;
}

kern_return_t s_osf_name(mach_port_t server, apple_name_t name, apple_name_t answer)
{
	(void)server;
	snprintf(answer, sizeof(apple_name_t), "hello %.100s", name);
	return KERN_SUCCESS;
}

int main(void)
{
	mach_port_t port = lb_port(&osf_style_mig_subsystem, 0);
	apple_name_t answer;
	integer_t sum = 0;

	lb_force_messages = true;
	lb_demux = osf_style_server;
	CHECK(osf_add(port, 700, 2, 3, &sum) == KERN_SUCCESS && sum == 5);
	CHECK((lb_last_option & (MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT)) == (MACH_SEND_TIMEOUT | MACH_RCV_TIMEOUT));
	CHECK(osf_name(port, (char[128]){"world"}, answer) == KERN_SUCCESS && strcmp(answer, "hello world") == 0);
	CHECK(*reserved == NULL && s_osf_style_subsystem.subsystem == NULL && s_osf_style_subsystem.base_addr == 0);
	CHECK(s_osf_style_subsystem.start == 500 && s_osf_style_subsystem.end == 502);
	return ended(TITLE);
}
