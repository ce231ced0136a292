/*
 * killer SERVICE... : beside the Unix system; ends the server NAME of the configuration when a file "kill-NAME" comes
 * up in the root of the file system SERVICE, and again for "kill-NAME-1", then "kill-NAME-2" and so on. So a Unix
 * program can have a server die at a moment of its choice.
 */
#include <mach/mach.h>
#include <servers/bootstrap_user.h>
#include <servers/file_user.h>

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

enum { LOOK_EVERY_MS = 20, SERVICES_MAX = 4 };

static const char *const victims[] = {"ext2", "tmp", "run", "disk", "network", "ether"};
static unsigned deaths[sizeof victims / sizeof victims[0]];

static mach_port_t root_of(mach_port_t bootstrap, const char *service)
{
	mach_port_t server = MACH_PORT_NULL, root = MACH_PORT_NULL;
	service_name_t name = {0};
	file_attributes_t attributes;

	strncpy(name, service, sizeof name - 1);
	if (bootstrap_look_up(bootstrap, name, &server) == KERN_SUCCESS) {
		(void)file_system_root(server, &root, &attributes);
		mach_port_deallocate(mach_task_self(), server);
	}
	return root;
}

/* *root: null when its file system has died; it is looked up again. */
static bool exists(mach_port_t *root, const char *text)
{
	file_name_t name = {0};
	file_attributes_t attributes;
	mach_port_t file;
	kern_return_t result;

	if (*root == MACH_PORT_NULL)
		return false;
	strncpy(name, text, sizeof name - 1);
	result = file_look_up(*root, name, &file, &attributes);
	if (result == MACH_SEND_INVALID_DEST) {
		mach_port_deallocate(mach_task_self(), *root);
		*root = MACH_PORT_NULL;
	}
	if (result != KERN_SUCCESS)
		return false;
	mach_port_deallocate(mach_task_self(), file);
	return true;
}

static void look(mach_port_t bootstrap, mach_port_t *root)
{
	for (unsigned i = 0; i < sizeof victims / sizeof victims[0]; i++) {
		char plain[64], numbered[64];
		service_name_t victim = {0};

		snprintf(plain, sizeof plain, "kill-%s", victims[i]);
		snprintf(numbered, sizeof numbered, "kill-%s-%u", victims[i], deaths[i] + 1);
		if (!exists(root, plain)) {
			if (!exists(root, numbered))
				continue;
			deaths[i]++;
		}
		strcpy(victim, victims[i]);
		if (bootstrap_terminate(bootstrap, victim) == KERN_SUCCESS)
			printf("killer: %s is ended\n", victim);
	}
}

int main(int argc, char **argv)
{
	mach_port_t bootstrap, roots[SERVICES_MAX];
	int count = argc - 1 < SERVICES_MAX ? argc - 1 : SERVICES_MAX;

	if (task_get_special_port(mach_task_self(), TASK_BOOTSTRAP_PORT, &bootstrap) != KERN_SUCCESS)
		return 1;
	for (int i = 0; i < count; i++)
		roots[i] = root_of(bootstrap, argv[i + 1]);
	for (;;) {
		for (int i = 0; i < count; i++) {
			if (roots[i] == MACH_PORT_NULL)
				roots[i] = root_of(bootstrap, argv[i + 1]);
			look(bootstrap, &roots[i]);
		}
		thread_switch(MACH_PORT_NULL, SWITCH_OPTION_WAIT, LOOK_EVERY_MS);
	}
}
