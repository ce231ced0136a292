/* The words that the language keeps for itself. */
#include "compiler.h"
#include "types.h"
#include "keywords.h"
#include "parser.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* In alphabetical order, for bsearch. */
static const struct keyword {
	const char *word;
	int token;
} keywords[] = {
	{"array", KW_ARRAY},
	{"audittoken", KW_AUDITTOKEN},
	{"auto", KW_AUTO},
	{"c_string", KW_C_STRING},
	{"const", KW_CONST},
	{"consumeonsenderror", KW_CONSUMEONSENDERROR},
	{"contexttoken", KW_CONTEXTTOKEN},
	{"countinout", KW_COUNTINOUT},
	{"cservertype", KW_CSERVERTYPE},
	{"ctype", KW_CTYPE},
	{"cusertype", KW_CUSERTYPE},
	{"dealloc", KW_DEALLOC},
	{"deferred", KW_DEFERRED},
	{"destructor", KW_DESTRUCTOR},
	{"dimport", KW_DIMPORT},
	{"error", KW_ERROR},
	{"function", KW_FUNCTION},
	{"iimport", KW_IIMPORT},
	{"import", KW_IMPORT},
	{"in", KW_IN},
	{"inout", KW_INOUT},
	{"intran", KW_INTRAN},
	{"intranerror", KW_INTRANERROR},
	{"intranpayload", KW_INTRANPAYLOAD},
	{"islong", KW_ISLONG},
	{"isnotlong", KW_ISNOTLONG},
	{"msgoption", KW_MSGOPTION},
	{"msgseqno", KW_MSGSEQNO},
	{"nosendtime", KW_NOSENDTIME},
	{"notdealloc", KW_NOTDEALLOC},
	{"nowaittime", KW_NOWAITTIME},
	{"of", KW_OF},
	{"onstacklimit", KW_ONSTACKLIMIT},
	{"out", KW_OUT},
	{"outtran", KW_OUTTRAN},
	{"overwrite", KW_OVERWRITE},
	{"physicalcopy", KW_PHYSICALCOPY},
	{"pointerto", KW_POINTERTO},
	{"pointertoifnot", KW_POINTERTOIFNOT},
	{"procedure", KW_PROCEDURE},
	{"rcsid", KW_RCSID},
	{"replyport", KW_REPLYPORT},
	{"requestport", KW_REQUESTPORT},
	{"retcode", KW_RETCODE},
	{"routine", KW_ROUTINE},
	{"samecount", KW_SAMECOUNT},
	{"sectoken", KW_SECTOKEN},
	{"sendtime", KW_SENDTIME},
	{"serveraudittoken", KW_SERVERAUDITTOKEN},
	{"servercontexttoken", KW_CONTEXTTOKEN},
	{"servercopy", KW_SERVERCOPY},
	{"serverdemux", KW_SERVERDEMUX},
	{"serverimpl", KW_SERVERIMPL},
	{"serverprefix", KW_SERVERPREFIX},
	{"serversectoken", KW_SERVERSECTOKEN},
	{"serverseqno", KW_MSGSEQNO},
	{"simpleprocedure", KW_SIMPLEPROCEDURE},
	{"simpleroutine", KW_SIMPLEROUTINE},
	{"simport", KW_SIMPORT},
	{"skip", KW_SKIP},
	{"sreplyport", KW_SREPLYPORT},
	{"struct", KW_STRUCT},
	{"subsystem", KW_SUBSYSTEM},
	{"type", KW_TYPE},
	{"uimport", KW_UIMPORT},
	{"ureplyport", KW_UREPLYPORT},
	{"useraudittoken", KW_USERAUDITTOKEN},
	{"userimpl", KW_USERIMPL},
	{"userprefix", KW_USERPREFIX},
	{"usersectoken", KW_USERSECTOKEN},
	{"usertypelimit", KW_USERTYPELIMIT},
	{"usespecialreplyport", KW_USESPECIALREPLYPORT},
	{"valueof", KW_VALUEOF},
	{"waittime", KW_WAITTIME},
};

/* Words that people take for the language's, in alphabetical order, and how to say what they mean. */
static const struct nobodys {
	const char *word;
	const char *instead;
} nobodys[] = {
	{"mustfree", "what comes out of line is always the receiver's to free; the flag auto lets the server's stub "
		     "free it"},
	{"oncopy", "the flag servercopy tells the server whether data came inline, physicalcopy asks for a copy"},
	{"scalar", "name the plain type: MACH_MSG_TYPE_INTEGER_32 and its like, or (NAME, bits)"},
	{"userdealloc", "give the argument, or its type, the flag dealloc: what is sent is then the receiver's only"},
	{"usertimeout", "the client's timeouts are waittime, for receiving, and sendtime"},
};

static int compare(const void *key, const void *entry)
{
	return strcasecmp(key, ((const struct keyword *)entry)->word);
}

int keyword_token(const char *word)
{
	const struct keyword *found =
		bsearch(word, keywords, sizeof keywords / sizeof keywords[0], sizeof keywords[0], compare);

	return found == NULL ? 0 : found->token;
}

const char *nobodys_word(const char *word, size_t length)
{
	size_t i;

	for (i = 0; i < sizeof nobodys / sizeof nobodys[0]; i++) {
		if (strlen(nobodys[i].word) == length && strncasecmp(nobodys[i].word, word, length) == 0)
			return nobodys[i].instead;
	}
	return NULL;
}
