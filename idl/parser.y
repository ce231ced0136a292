/* The grammar of the interface language, both families' dialects together. */
%{
#include "compiler.h"
#include "keywords.h"
#include "routines.h"
#include "types.h"

#include <ctype.h>
#include <string.h>
%}

%code requires {
#include "compiler.h"
#include "types.h"
#define YYLTYPE struct loc
#define YYLLOC_DEFAULT(current, rhs, n) ((current) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))
}

%code {
#include "parser-glue.h"
}

%define api.pure full
%define parse.error custom
%define parse.lac full
%locations
%param {void *scanner}
%parse-param {struct compiler *compiler}
%initial-action { @$ = (struct loc){.file = compiler->file, .text = compiler->source, .line = 1, .column = 1}; }

%union {
	const char *text;
	uint64_t number;
	unsigned flags;
	enum direction direction;
	enum import_kind import;
	struct word word;
	struct type *type;
	struct member *member;
	struct translation *translation;
	struct argument *argument;
}

%token END 0 "the end of the file"
%token <text> IDENTIFIER "a name"
%token <number> NUMBER "a number"
%token <text> STRING "a file name or string in quotes"
%token <text> OPTION_WORD "a number or a word of C"
%token <text> KW_ARRAY "array" KW_AUDITTOKEN "audittoken" KW_AUTO "auto" KW_C_STRING "c_string" KW_CONST "const"
%token <text> KW_CONSUMEONSENDERROR "consumeonsenderror" KW_CONTEXTTOKEN "servercontexttoken" KW_COUNTINOUT "countinout"
%token <text> KW_CSERVERTYPE "cservertype" KW_CTYPE "ctype" KW_CUSERTYPE "cusertype" KW_DEALLOC "dealloc"
%token <text> KW_DEFERRED "deferred" KW_DESTRUCTOR "destructor" KW_DIMPORT "dimport" KW_ERROR "error"
%token <text> KW_FUNCTION "function" KW_IIMPORT "iimport" KW_IMPORT "import" KW_IN "in" KW_INOUT "inout" KW_INTRAN "intran"
%token <text> KW_INTRANERROR "intranerror" KW_INTRANPAYLOAD "intranpayload" KW_ISLONG "islong" KW_ISNOTLONG "isnotlong" KW_MSGOPTION "msgoption"
%token <text> KW_MSGSEQNO "msgseqno" KW_NOSENDTIME "nosendtime" KW_NOTDEALLOC "notdealloc" KW_NOWAITTIME "nowaittime"
%token <text> KW_OF "of" KW_ONSTACKLIMIT "onstacklimit" KW_OUT "out" KW_OUTTRAN "outtran" KW_OVERWRITE "overwrite"
%token <text> KW_PHYSICALCOPY "physicalcopy" KW_POINTERTO "PointerTo" KW_POINTERTOIFNOT "PointerToIfNot"
%token <text> KW_PROCEDURE "procedure" KW_RCSID "rcsid" KW_REPLYPORT "replyport" KW_REQUESTPORT "requestport"
%token <text> KW_RETCODE "retcode" KW_ROUTINE "routine" KW_SAMECOUNT "samecount" KW_SECTOKEN "sectoken"
%token <text> KW_SENDTIME "sendtime" KW_SERVERAUDITTOKEN "serveraudittoken" KW_SERVERCOPY "servercopy"
%token <text> KW_SERVERDEMUX "serverdemux" KW_SERVERIMPL "serverimpl" KW_SERVERPREFIX "serverprefix"
%token <text> KW_SERVERSECTOKEN "serversectoken" KW_SIMPLEPROCEDURE "simpleprocedure" KW_SIMPLEROUTINE "simpleroutine"
%token <text> KW_SIMPORT "simport" KW_SKIP "skip" KW_SREPLYPORT "sreplyport" KW_STRUCT "struct" KW_SUBSYSTEM "subsystem"
%token <text> KW_TYPE "type" KW_UIMPORT "uimport" KW_UREPLYPORT "ureplyport" KW_USERAUDITTOKEN "useraudittoken"
%token <text> KW_USERIMPL "userimpl" KW_USERPREFIX "userprefix" KW_USERSECTOKEN "usersectoken"
%token <text> KW_USERTYPELIMIT "usertypelimit" KW_USESPECIALREPLYPORT "usespecialreplyport" KW_VALUEOF "ValueOf"
%token <text> KW_WAITTIME "waittime"

%type <text> name argument_name soft_keyword c_word c_type optional_pointer absent option_word
%type <number> expression term factor
%type <word> ipc_word
%type <type> type_spec base_type argument_type
%type <member> members
%type <translation> translations translation
%type <argument> arguments argument_list argument
%type <direction> direction
%type <flags> flag flags base_flags
%type <import> import_word

%%

file: statements;

statements: %empty | statements statement;

statement:
	';'
	| subsystem ';'
	| KW_TYPE name '=' type_spec translations ';' {
		type_define(compiler, type_named(compiler, &@2, $2, $4, $5));
	}
	| KW_ROUTINE name arguments ';' { add_routine(compiler, &@2, $2, false, $3); }
	| KW_SIMPLEROUTINE name arguments ';' { add_routine(compiler, &@2, $2, true, $3); }
	| KW_PROCEDURE name arguments ';' { add_procedure(compiler, &@2, $2, false, $3); }
	| KW_SIMPLEPROCEDURE name arguments ';' { add_procedure(compiler, &@2, $2, true, $3); }
	| KW_FUNCTION name arguments ':' argument_type ';' {
		add_function(compiler, &@2, $2, $3, $5, source_text(compiler, &@5, &@6));
	}
	| KW_SKIP ';' { add_skip(compiler, &@1, 1); }
	| KW_SKIP expression ';' { add_skip(compiler, &@2, $2); }
	| import_word STRING ';' { add_import(compiler, $1, $2); }
	| KW_SERVERPREFIX name ';' { compiler->server_prefix = $2; }
	| KW_USERPREFIX name ';' { compiler->user_prefix = $2; }
	| KW_SERVERDEMUX name ';' { compiler->interface.demux = $2; }
	| KW_WAITTIME want_option option_word ';' { compiler->waittime = $3; }
	| KW_NOWAITTIME ';' { compiler->waittime = NULL; }
	| KW_SENDTIME want_option option_word ';' { compiler->sendtime = $3; }
	| KW_NOSENDTIME ';' { compiler->sendtime = NULL; }
	| KW_MSGOPTION want_option option_word ';' { set_msgoption(compiler, $3); }
	| KW_USESPECIALREPLYPORT expression ';' { set_special_reply_port(compiler, &@1, $2); }
	| KW_CONSUMEONSENDERROR name ';' { set_consume(compiler, &@2, $2); }
	| KW_USERTYPELIMIT expression ';' { compiler->user_type_limit = $2; }
	| KW_ONSTACKLIMIT expression ';' { compiler->max_on_stack = $2 != 0 ? (unsigned)$2 : 1; }
	| KW_ERROR name ';' { compiler->error_procedure = $2; }
	| KW_RCSID STRING ';' { set_rcsid(compiler, &@2, $2); }
	| KW_DEFERRED ';' { compiler->interface.deferred = true; }
	| error ';' { yyerrok; if (compiler->stopped) YYABORT; }
	;

subsystem: KW_SUBSYSTEM subsystem_words expression { end_subsystem(compiler, &@3, $3); };
subsystem_words:
	name { begin_subsystem(compiler, &@1, $1); }
	| subsystem_words name { add_subsystem_word(compiler, &@2, $2); }
	;

import_word:
	KW_IMPORT { $$ = IMPORT_BOTH; }
	| KW_UIMPORT { $$ = IMPORT_USER; }
	| KW_SIMPORT { $$ = IMPORT_SERVER; }
	| KW_IIMPORT { $$ = IMPORT_INTERNAL; }
	| KW_DIMPORT { $$ = IMPORT_DEFINES; }
	;

/* Reduced before the scanner reads on, as nothing else can stand there: it must know what to look for. */
want_option: %empty { compiler->option_word = true; };

/* A word of the originals is copied into C as it stands: names, keywords of ours, numbers, with points, dashes and the like. */
option_word:
	OPTION_WORD
	| option_word '|' want_option OPTION_WORD { $$ = arena_printf(&compiler->arena, "%s | %s", $1, $4); }
	;

type_spec:
	base_type
	| KW_ARRAY '[' ']' KW_OF type_spec { $$ = type_unbounded(compiler, &@1, $5); }
	| KW_ARRAY '[' '*' ']' KW_OF type_spec { $$ = type_unbounded(compiler, &@1, $6); }
	| KW_ARRAY '[' expression ']' KW_OF type_spec { $$ = type_array(compiler, &@1, $3, $6); }
	| KW_ARRAY '[' '*' ':' expression ']' KW_OF type_spec { $$ = type_varray(compiler, &@1, $5, $8); }
	| '^' type_spec { $$ = type_out_of_line(compiler, &@1, $2); }
	| KW_STRUCT '[' expression ']' KW_OF type_spec { $$ = type_struct(compiler, &@1, $3, $6); }
	| KW_STRUCT '{' members '}' { $$ = type_members(compiler, &@1, reverse_members($3)); }
	| KW_C_STRING '[' expression ']' { $$ = type_string(compiler, &@1, $3, false); }
	| KW_C_STRING '[' '*' ':' expression ']' { $$ = type_string(compiler, &@1, $5, true); }
	| KW_POINTERTO '(' c_type optional_pointer ')' { $$ = type_native(compiler, &@1, join_type(compiler, $3, $4), true); }
	| KW_VALUEOF '(' c_type optional_pointer ')' { $$ = type_native(compiler, &@1, join_type(compiler, $3, $4), false); }
	| KW_POINTERTOIFNOT '(' c_type optional_pointer ',' absent ')' {
		$$ = type_optional(compiler, &@1, join_type(compiler, $3, $4), $6);
	}
	| KW_POINTERTO '(' error ')' { yyerrok; $$ = &compiler->error_type; }
	| KW_VALUEOF '(' error ')' { yyerrok; $$ = &compiler->error_type; }
	| KW_POINTERTOIFNOT '(' error ')' { yyerrok; $$ = &compiler->error_type; }
	;

c_word: IDENTIFIER | KW_STRUCT { $$ = "struct"; } | KW_CONST { $$ = "const"; };
c_type: c_word | c_type c_word { $$ = join_type(compiler, $1, $2); };
absent: c_type | NUMBER { $$ = arena_printf(&compiler->arena, "%llu", (unsigned long long)$1); };
optional_pointer: %empty { $$ = NULL; } | optional_pointer '*' { $$ = join_type(compiler, $1, "*"); };

base_type:
	ipc_word { $$ = type_of_word(compiler, &$1); }
	| ipc_word '|' ipc_word { $$ = type_of_pair(compiler, &$1, &$3); }
	| '(' ipc_word '|' ipc_word ')' { $$ = type_of_pair(compiler, &$2, &$4); }
	| '(' ipc_word ',' expression base_flags ')' {
		$$ = type_long_form(compiler, &@1, type_of_word(compiler, &$2), $4, $5);
	}
	| '(' ipc_word '|' ipc_word ',' expression base_flags ')' {
		$$ = type_long_form(compiler, &@1, type_of_pair(compiler, &$2, &$4), $6, $7);
	}
	| '(' ipc_word error ')' { yyerrok; $$ = &compiler->error_type; }
	;

base_flags: %empty { $$ = 0; } | base_flags ',' flag { $$ = $1 | $3; };

ipc_word:
	name { $$ = (struct word){.loc = @1, .text = $1}; }
	| NUMBER { $$ = (struct word){.loc = @1, .number = $1}; }
	;

members:
	%empty { $$ = NULL; }
	| members name name ';' { $$ = type_member(compiler, &@2, $2, $3); $$->next = $1; }
	;

translations:
	%empty { $$ = NULL; }
	| translations translation { $$ = append_translation($1, $2); }
	;

translation:
	KW_CTYPE ':' name { $$ = new_translation(compiler, &@3, TR_CTYPE, $3, NULL, NULL); }
	| KW_CUSERTYPE ':' name { $$ = new_translation(compiler, &@3, TR_CUSERTYPE, $3, NULL, NULL); }
	| KW_CSERVERTYPE ':' name { $$ = new_translation(compiler, &@3, TR_CSERVERTYPE, $3, NULL, NULL); }
	| KW_INTRAN ':' name name '(' name ')' { $$ = new_translation(compiler, &@3, TR_INTRAN, $3, $4, $6); }
	| KW_OUTTRAN ':' name name '(' name ')' { $$ = new_translation(compiler, &@3, TR_OUTTRAN, $3, $4, $6); }
	| KW_DESTRUCTOR ':' name '(' name ')' { $$ = new_translation(compiler, &@3, TR_DESTRUCTOR, NULL, $3, $5); }
	| KW_INTRANPAYLOAD ':' name name { $$ = new_translation(compiler, &@3, TR_INTRANPAYLOAD, $3, $4, NULL); }
	| KW_INTRANERROR ':' name { $$ = new_translation(compiler, &@3, TR_INTRANERROR, NULL, $3, NULL); }
	;

arguments:
	'(' ')' { $$ = NULL; }
	| '(' argument_list ')' { $$ = reverse_arguments($2); }
	| '(' argument_list ';' ')' { $$ = reverse_arguments($2); }
	| '(' error ')' { yyerrok; $$ = NULL; compiler->broken_arguments = true; }
	| '(' argument_list error ')' { yyerrok; $$ = reverse_arguments($2); compiler->broken_arguments = true; }
	;

argument_list:
	argument
	| argument_list ';' argument { $$ = $3; $$->next = $1; }
	| argument_list error ';' argument { yyerrok; $$ = $4; $$->next = $1; }
	;

argument:
	direction argument_name ':' argument_type flags {
		$$ = new_argument(compiler, &@2, $1, $2, $4, $5);
		$$->written = source_text(compiler, &@1, &compiler->last); /* the parser has read on: no flag followed */
	}
	| argument_name ':' argument_type flags {
		$$ = new_argument(compiler, &@1, DIR_NONE, $1, $3, $4);
		$$->written = source_text(compiler, &@1, &compiler->last);
	}
	;

argument_type:
	type_spec
	| name '=' type_spec translations { $$ = type_named(compiler, &@1, $1, $3, $4); }
	;

direction:
	KW_IN { $$ = DIR_IN; }
	| KW_OUT { $$ = DIR_OUT; }
	| KW_INOUT { $$ = DIR_INOUT; }
	| KW_REQUESTPORT { $$ = DIR_REQUEST_PORT; }
	| KW_REPLYPORT { $$ = DIR_REPLY_PORT; }
	| KW_UREPLYPORT { $$ = DIR_UREPLY_PORT; }
	| KW_SREPLYPORT { $$ = DIR_SREPLY_PORT; }
	| KW_WAITTIME { $$ = DIR_WAITTIME; }
	| KW_SENDTIME { $$ = DIR_SENDTIME; }
	| KW_MSGOPTION { $$ = DIR_MSGOPTION; }
	| KW_MSGSEQNO { $$ = DIR_MSGSEQNO; }
	| KW_SECTOKEN { $$ = DIR_SECTOKEN; }
	| KW_SERVERSECTOKEN { $$ = DIR_SERVERSECTOKEN; }
	| KW_USERSECTOKEN { $$ = DIR_USERSECTOKEN; }
	| KW_AUDITTOKEN { $$ = DIR_AUDITTOKEN; }
	| KW_SERVERAUDITTOKEN { $$ = DIR_SERVERAUDITTOKEN; }
	| KW_USERAUDITTOKEN { $$ = DIR_USERAUDITTOKEN; }
	| KW_CONTEXTTOKEN { $$ = DIR_CONTEXTTOKEN; }
	| KW_SERVERIMPL { $$ = DIR_SERVERIMPL; }
	| KW_USERIMPL { $$ = DIR_USERIMPL; }
	;

flags: %empty { $$ = 0; } | flags ',' flag { $$ = $1 | $3; } | flags ',' flag '[' ']' { $$ = $1 | variable_flag(compiler, &@3, $3); };

flag:
	KW_DEALLOC { $$ = FLAG_DEALLOC; }
	| KW_NOTDEALLOC { $$ = FLAG_NOTDEALLOC; }
	| KW_SERVERCOPY { $$ = FLAG_SERVERCOPY; }
	| KW_COUNTINOUT { $$ = FLAG_COUNTINOUT; }
	| KW_SAMECOUNT { $$ = FLAG_SAMECOUNT; }
	| KW_ISLONG { $$ = FLAG_ISLONG; }
	| KW_ISNOTLONG { $$ = FLAG_ISNOTLONG; }
	| KW_PHYSICALCOPY { $$ = FLAG_PHYSICALCOPY; }
	| KW_OVERWRITE { $$ = FLAG_OVERWRITE; }
	| KW_AUTO { $$ = FLAG_AUTO; }
	| KW_CONST { $$ = FLAG_CONST; }
	| KW_RETCODE { $$ = FLAG_RETCODE; }
	;

/* A name. Keywords that cannot be mistaken where a name stands are names too. */
name: IDENTIFIER | soft_keyword;
soft_keyword:
	KW_AUTO | KW_CONST | KW_RETCODE | KW_ERROR | KW_DEFERRED | KW_OVERWRITE | KW_SKIP | KW_FUNCTION | KW_PROCEDURE
	| KW_SAMECOUNT | KW_RCSID
	;
argument_name:
	name | KW_TYPE | KW_WAITTIME | KW_SENDTIME | KW_MSGOPTION | KW_IN | KW_OUT | KW_INOUT | KW_REQUESTPORT
	| KW_REPLYPORT | KW_SREPLYPORT | KW_UREPLYPORT | KW_MSGSEQNO | KW_SECTOKEN | KW_SERVERSECTOKEN | KW_USERSECTOKEN
	| KW_AUDITTOKEN | KW_SERVERAUDITTOKEN | KW_USERAUDITTOKEN | KW_CONTEXTTOKEN | KW_SERVERIMPL | KW_USERIMPL
	;

expression:
	term
	| expression '+' term { $$ = calculate(compiler, &@2, '+', $1, $3); }
	| expression '-' term { $$ = calculate(compiler, &@2, '-', $1, $3); }
	;
term:
	factor
	| term '*' factor { $$ = calculate(compiler, &@2, '*', $1, $3); }
	| term '/' factor { $$ = calculate(compiler, &@2, '/', $1, $3); }
	;
factor: NUMBER | '(' expression ')' { $$ = $2; };

%%

/* Keywords that count as names are not worth mentioning beside "a name". */
static bool is_soft(yysymbol_kind_t symbol)
{
	switch (symbol) {
	case YYSYMBOL_KW_AUTO:
	case YYSYMBOL_KW_CONST:
	case YYSYMBOL_KW_RETCODE:
	case YYSYMBOL_KW_ERROR:
	case YYSYMBOL_KW_DEFERRED:
	case YYSYMBOL_KW_OVERWRITE:
	case YYSYMBOL_KW_SKIP:
	case YYSYMBOL_KW_FUNCTION:
	case YYSYMBOL_KW_PROCEDURE:
	case YYSYMBOL_KW_SAMECOUNT:
	case YYSYMBOL_KW_RCSID:
		return true;
	default:
		return false;
	}
}

/* A symbol as messages show it: words of the language in quotes. */
static const char *symbol_text(struct compiler *compiler, yysymbol_kind_t symbol)
{
	const char *name = yysymbol_name(symbol);

	if (name[0] == '\'' || strchr(name, ' ') != NULL)
		return name;
	return arena_printf(&compiler->arena, "'%s'", name);
}

/* The characters of a token. */
static const char *token_start(const struct loc *where)
{
	return where->text + where->column - 1;
}

/* The token that was found: names and numbers as they are written. */
static const char *found_text(struct compiler *compiler, yysymbol_kind_t symbol, const struct loc *where)
{
	if (symbol == YYSYMBOL_IDENTIFIER || symbol == YYSYMBOL_NUMBER || symbol == YYSYMBOL_STRING)
		return arena_printf(&compiler->arena, "'%.*s'", (int)where->length, token_start(where));
	return symbol_text(compiler, symbol);
}

/* Whether the token follows a word that no dialect has: then that is what is wrong, and this says so. */
static bool report_nobodys_word(struct compiler *compiler, const struct loc *where)
{
	const struct loc *word = &compiler->nobodys;
	const char *p;

	if (word->text == NULL || token_start(where) <= token_start(word))
		return false;
	for (p = token_start(word) + word->length; p < token_start(where); p++) {
		if (!isspace((unsigned char)*p))
			return false;
	}
	error_at(compiler, word, nobodys_word(token_start(word), word->length), "'%.*s' is no word of the language",
		(int)word->length, token_start(word));
	return true;
}

/* Says what was found and what could stand there instead. */
static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, struct compiler *compiler)
{
	enum { ALL = 120, SHOWN = 6 };
	yysymbol_kind_t expected[ALL];
	int count = yypcontext_expected_tokens(context, expected, ALL);
	yysymbol_kind_t found = yypcontext_token(context);
	const char *what = NULL;
	const struct loc *where = yypcontext_location(context);
	bool name = false;
	int kept = 0;
	int i;

	(void)scanner;
	if (report_nobodys_word(compiler, where))
		return 0;
	for (i = 0; i < count; i++) {
		name = name || expected[i] == YYSYMBOL_IDENTIFIER;
		if (expected[i] == YYSYMBOL_KW_SUBSYSTEM)
			what = "a statement";
		else if (expected[i] == YYSYMBOL_KW_COUNTINOUT)
			what = "a flag (dealloc, countinout, ...)";
		else if (expected[i] == YYSYMBOL_KW_CTYPE)
			what = "';' or a translation (ctype, intran, ...)";
	}
	for (i = 0; i < count; i++) {
		if (!name || !is_soft(expected[i]))
			expected[kept++] = expected[i];
	}
	if (what == NULL && kept > SHOWN && name)
		what = "an argument or a name";
	if (what == NULL && kept <= SHOWN) {
		for (i = 0; i < kept; i++)
			what = arena_printf(&compiler->arena, "%s%s%s", what != NULL ? what : "",
				i == 0 ? "" : i + 1 < kept ? ", " : " or ", symbol_text(compiler, expected[i]));
	}
	error_at(compiler, where,
		found == YYSYMBOL_IDENTIFIER ? nobodys_word(token_start(where), where->length) : NULL, "%s%s%s%s", what != NULL ? "expected " : "",
		what != NULL ? what : "this cannot follow", found == YYSYMBOL_YYEMPTY ? "" : ", found ",
		found == YYSYMBOL_YYEMPTY ? "" : found_text(compiler, found, where));
	return 0;
}
