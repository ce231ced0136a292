/* What the system calls itself: uname and /proc tell it. */
#ifndef PERSONALITY_RELEASE_H
#define PERSONALITY_RELEASE_H

#define SYSTEM_NAME    "Linux" /* what programs compare uname's sysname with */
#define SYSTEM_RELEASE "6.1.0-portolan"
#define SYSTEM_VERSION "#1 Portolan " PACKAGE_VERSION
#define SYSTEM_MACHINE "x86_64"

extern char system_host_name[65], system_domain_name[65];

#endif
