/* The hooks that people set before Apple's stubs are compiled: they count, and note the last routine. */
#ifndef APPLE_HOOKS_H
#define APPLE_HOOKS_H

extern int hook_sends, hook_receives, hook_depth, hook_id;
extern const char *hook_name;

#define __BeforeMigUserHeader      enum { before_user_header = 1 };
#define __AfterMigServerHeader     enum { after_server_header = 1 };
#define __DeclareSendRpc(id, name) const int hook_before = hook_sends;
#define __BeforeSendRpc(id, name)  hook_sends++;
#define __AfterSendRpc(id, name)                                                                                       \
	hook_sends += hook_sends == hook_before + 1;                                                                   \
	hook_id = id;
#define __BeforeSendSimple(id, name) hook_sends++;
#define __AfterSendSimple(id, name)  hook_sends++;
#define __BeforeRcvRpc(id, name)     hook_depth++;
#define __AfterRcvRpc(id, name)                                                                                        \
	hook_depth--;                                                                                                  \
	hook_receives++;                                                                                               \
	hook_name = name;
#define __DeclareRcvSimple(id, name) const int hook_simple = id;
#define __AfterRcvSimple(id, name)   hook_receives += hook_simple == id;

#endif
