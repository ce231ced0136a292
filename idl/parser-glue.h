/* What the grammar's actions need besides types and routines. */
#ifndef IDL_PARSER_GLUE_H
#define IDL_PARSER_GLUE_H

#include "parser.h"

int yylex(YYSTYPE *value, struct loc *location, void *scanner);
void yyerror(struct loc *location, void *scanner, struct compiler *compiler, const char *message);

unsigned variable_flag(struct compiler *compiler, const struct loc *loc, unsigned flag);
const char *join_type(struct compiler *compiler, const char *first, const char *second);
/* What stands from the first token to before the other, in the arena. */
const char *source_text(struct compiler *compiler, const struct loc *first, const struct loc *after);
uint64_t calculate(struct compiler *compiler, const struct loc *loc, int operator, uint64_t a, uint64_t b);
struct member *reverse_members(struct member *members);
struct argument *reverse_arguments(struct argument *arguments);
struct translation *new_translation(struct compiler *compiler, const struct loc *loc, enum translation_kind kind,
	const char *type, const char *function, const char *argument);
struct translation *append_translation(struct translation *list, struct translation *last);
void set_msgoption(struct compiler *compiler, const char *word);
void set_special_reply_port(struct compiler *compiler, const struct loc *loc, uint64_t value);
void set_rcsid(struct compiler *compiler, const struct loc *loc, const char *text);
void set_consume(struct compiler *compiler, const struct loc *loc, const char *word);

#endif
