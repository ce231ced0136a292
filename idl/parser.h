/* A Bison parser, made by GNU Bison 3.8.2.  */

/* Bison interface for Yacc-like parsers in C

   Copyright (C) 1984, 1989-1990, 2000-2015, 2018-2021 Free Software Foundation,
   Inc.

   This program is free software: you can redistribute it and/or modify
   it under the terms of the GNU General Public License as published by
   the Free Software Foundation, either version 3 of the License, or
   (at your option) any later version.

   This program is distributed in the hope that it will be useful,
   but WITHOUT ANY WARRANTY; without even the implied warranty of
   MERCHANTABILITY or FITNESS FOR A PARTICULAR PURPOSE.  See the
   GNU General Public License for more details.

   You should have received a copy of the GNU General Public License
   along with this program.  If not, see <https://www.gnu.org/licenses/>.  */

/* As a special exception, you may create a larger work that contains
   part or all of the Bison parser skeleton and distribute that work
   under terms of your choice, so long as that work isn't itself a
   parser generator using the skeleton or a modified version thereof
   as a parser skeleton.  Alternatively, if you modify or redistribute
   the parser skeleton itself, you may (at your option) remove this
   special exception, which will cause the skeleton and the resulting
   Bison output files to be licensed under the GNU General Public
   License without this special exception.

   This special exception was added by the Free Software Foundation in
   version 2.2 of Bison.  */

/* DO NOT RELY ON FEATURES THAT ARE NOT DOCUMENTED in the manual,
   especially those whose name start with YY_ or yy_.  They are
   private implementation details that can be changed or removed.  */

#ifndef YY_YY_PARSER_H_INCLUDED
# define YY_YY_PARSER_H_INCLUDED
/* Debug traces.  */
#ifndef YYDEBUG
# define YYDEBUG 0
#endif
#if YYDEBUG
extern int yydebug;
#endif
/* "%code requires" blocks.  */
#line 8 "parser.y"

#include "compiler.h"
#include "types.h"
#define YYLTYPE struct loc
#define YYLLOC_DEFAULT(current, rhs, n) ((current) = (n) ? YYRHSLOC(rhs, 1) : YYRHSLOC(rhs, 0))

#line 56 "parser.h"

/* Token kinds.  */
#ifndef YYTOKENTYPE
# define YYTOKENTYPE
  enum yytokentype
  {
    YYEMPTY = -2,
    YYEOF = 0,                     /* "end of file"  */
    YYerror = 256,                 /* error  */
    YYUNDEF = 257,                 /* "invalid token"  */
    IDENTIFIER = 258,              /* "a name"  */
    NUMBER = 259,                  /* "a number"  */
    STRING = 260,                  /* "a file name or string in quotes"  */
    KW_ARRAY = 261,                /* "array"  */
    KW_AUDITTOKEN = 262,           /* "audittoken"  */
    KW_AUTO = 263,                 /* "auto"  */
    KW_C_STRING = 264,             /* "c_string"  */
    KW_CONST = 265,                /* "const"  */
    KW_CONSUMEONSENDERROR = 266,   /* "consumeonsenderror"  */
    KW_CONTEXTTOKEN = 267,         /* "servercontexttoken"  */
    KW_COUNTINOUT = 268,           /* "countinout"  */
    KW_CSERVERTYPE = 269,          /* "cservertype"  */
    KW_CTYPE = 270,                /* "ctype"  */
    KW_CUSERTYPE = 271,            /* "cusertype"  */
    KW_DEALLOC = 272,              /* "dealloc"  */
    KW_DEFERRED = 273,             /* "deferred"  */
    KW_DESTRUCTOR = 274,           /* "destructor"  */
    KW_DIMPORT = 275,              /* "dimport"  */
    KW_ERROR = 276,                /* "error"  */
    KW_FUNCTION = 277,             /* "function"  */
    KW_IIMPORT = 278,              /* "iimport"  */
    KW_IMPORT = 279,               /* "import"  */
    KW_IN = 280,                   /* "in"  */
    KW_INOUT = 281,                /* "inout"  */
    KW_INTRAN = 282,               /* "intran"  */
    KW_INTRANPAYLOAD = 283,        /* "intranpayload"  */
    KW_ISLONG = 284,               /* "islong"  */
    KW_ISNOTLONG = 285,            /* "isnotlong"  */
    KW_MSGOPTION = 286,            /* "msgoption"  */
    KW_MSGSEQNO = 287,             /* "msgseqno"  */
    KW_NOSENDTIME = 288,           /* "nosendtime"  */
    KW_NOTDEALLOC = 289,           /* "notdealloc"  */
    KW_NOWAITTIME = 290,           /* "nowaittime"  */
    KW_OF = 291,                   /* "of"  */
    KW_ONSTACKLIMIT = 292,         /* "onstacklimit"  */
    KW_OUT = 293,                  /* "out"  */
    KW_OUTTRAN = 294,              /* "outtran"  */
    KW_OVERWRITE = 295,            /* "overwrite"  */
    KW_PHYSICALCOPY = 296,         /* "physicalcopy"  */
    KW_POINTERTO = 297,            /* "PointerTo"  */
    KW_POINTERTOIFNOT = 298,       /* "PointerToIfNot"  */
    KW_PROCEDURE = 299,            /* "procedure"  */
    KW_RCSID = 300,                /* "rcsid"  */
    KW_REPLYPORT = 301,            /* "replyport"  */
    KW_REQUESTPORT = 302,          /* "requestport"  */
    KW_RETCODE = 303,              /* "retcode"  */
    KW_ROUTINE = 304,              /* "routine"  */
    KW_SAMECOUNT = 305,            /* "samecount"  */
    KW_SECTOKEN = 306,             /* "sectoken"  */
    KW_SENDTIME = 307,             /* "sendtime"  */
    KW_SERVERAUDITTOKEN = 308,     /* "serveraudittoken"  */
    KW_SERVERCOPY = 309,           /* "servercopy"  */
    KW_SERVERDEMUX = 310,          /* "serverdemux"  */
    KW_SERVERIMPL = 311,           /* "serverimpl"  */
    KW_SERVERPREFIX = 312,         /* "serverprefix"  */
    KW_SERVERSECTOKEN = 313,       /* "serversectoken"  */
    KW_SIMPLEPROCEDURE = 314,      /* "simpleprocedure"  */
    KW_SIMPLEROUTINE = 315,        /* "simpleroutine"  */
    KW_SIMPORT = 316,              /* "simport"  */
    KW_SKIP = 317,                 /* "skip"  */
    KW_SREPLYPORT = 318,           /* "sreplyport"  */
    KW_STRUCT = 319,               /* "struct"  */
    KW_SUBSYSTEM = 320,            /* "subsystem"  */
    KW_TYPE = 321,                 /* "type"  */
    KW_UIMPORT = 322,              /* "uimport"  */
    KW_UREPLYPORT = 323,           /* "ureplyport"  */
    KW_USERAUDITTOKEN = 324,       /* "useraudittoken"  */
    KW_USERIMPL = 325,             /* "userimpl"  */
    KW_USERPREFIX = 326,           /* "userprefix"  */
    KW_USERSECTOKEN = 327,         /* "usersectoken"  */
    KW_USERTYPELIMIT = 328,        /* "usertypelimit"  */
    KW_USESPECIALREPLYPORT = 329,  /* "usespecialreplyport"  */
    KW_VALUEOF = 330,              /* "ValueOf"  */
    KW_WAITTIME = 331              /* "waittime"  */
  };
  typedef enum yytokentype yytoken_kind_t;
#endif

/* Value type.  */
#if ! defined YYSTYPE && ! defined YYSTYPE_IS_DECLARED
union YYSTYPE
{
#line 27 "parser.y"

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

#line 162 "parser.h"

};
typedef union YYSTYPE YYSTYPE;
# define YYSTYPE_IS_TRIVIAL 1
# define YYSTYPE_IS_DECLARED 1
#endif

/* Location type.  */
#if ! defined YYLTYPE && ! defined YYLTYPE_IS_DECLARED
typedef struct YYLTYPE YYLTYPE;
struct YYLTYPE
{
  int first_line;
  int first_column;
  int last_line;
  int last_column;
};
# define YYLTYPE_IS_DECLARED 1
# define YYLTYPE_IS_TRIVIAL 1
#endif




int yyparse (void *scanner, struct compiler *compiler);


#endif /* !YY_YY_PARSER_H_INCLUDED  */
