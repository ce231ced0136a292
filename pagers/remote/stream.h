/* The stream that a server is reached by: a channel of the disk server's (servers/channel.defs). */
#ifndef REMOTE_STREAM_H
#define REMOTE_STREAM_H

#include "nbd.h"

extern const struct nbd_stream stream;
/* "channel0" and so on. ENOENT, or an errno of the service. */
int stream_open(const char *name);

#endif
