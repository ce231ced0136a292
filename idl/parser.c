/* A Bison parser, made by GNU Bison 3.8.2.  */

/* Bison implementation for Yacc-like parsers in C

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

/* C LALR(1) parser skeleton written by Richard Stallman, by
   simplifying the original so-called "semantic" parser.  */

/* DO NOT RELY ON FEATURES THAT ARE NOT DOCUMENTED in the manual,
   especially those whose name start with YY_ or yy_.  They are
   private implementation details that can be changed or removed.  */

/* All symbols defined below should begin with yy or YY, to avoid
   infringing on user name space.  This should be done even for local
   variables, as they might otherwise be expanded by user macros.
   There are some unavoidable exceptions within include files to
   define necessary library symbols; they are noted "INFRINGES ON
   USER NAME SPACE" below.  */

/* Identify Bison output, and Bison version.  */
#define YYBISON 30802

/* Bison version string.  */
#define YYBISON_VERSION "3.8.2"

/* Skeleton name.  */
#define YYSKELETON_NAME "yacc.c"

/* Pure parsers.  */
#define YYPURE 2

/* Push parsers.  */
#define YYPUSH 0

/* Pull parsers.  */
#define YYPULL 1




/* First part of user prologue.  */
#line 2 "parser.y"

#include "compiler.h"
#include "routines.h"
#include "types.h"

#line 77 "parser.c"

# ifndef YY_CAST
#  ifdef __cplusplus
#   define YY_CAST(Type, Val) static_cast<Type> (Val)
#   define YY_REINTERPRET_CAST(Type, Val) reinterpret_cast<Type> (Val)
#  else
#   define YY_CAST(Type, Val) ((Type) (Val))
#   define YY_REINTERPRET_CAST(Type, Val) ((Type) (Val))
#  endif
# endif
# ifndef YY_NULLPTR
#  if defined __cplusplus
#   if 201103L <= __cplusplus
#    define YY_NULLPTR nullptr
#   else
#    define YY_NULLPTR 0
#   endif
#  else
#   define YY_NULLPTR ((void*)0)
#  endif
# endif

#include "parser.h"
/* Symbol kind.  */
enum yysymbol_kind_t
{
  YYSYMBOL_YYEMPTY = -2,
  YYSYMBOL_YYEOF = 0,                      /* "end of file"  */
  YYSYMBOL_YYerror = 1,                    /* error  */
  YYSYMBOL_YYUNDEF = 2,                    /* "invalid token"  */
  YYSYMBOL_IDENTIFIER = 3,                 /* "a name"  */
  YYSYMBOL_NUMBER = 4,                     /* "a number"  */
  YYSYMBOL_STRING = 5,                     /* "a file name or string in quotes"  */
  YYSYMBOL_KW_ARRAY = 6,                   /* "array"  */
  YYSYMBOL_KW_AUDITTOKEN = 7,              /* "audittoken"  */
  YYSYMBOL_KW_AUTO = 8,                    /* "auto"  */
  YYSYMBOL_KW_C_STRING = 9,                /* "c_string"  */
  YYSYMBOL_KW_CONST = 10,                  /* "const"  */
  YYSYMBOL_KW_CONSUMEONSENDERROR = 11,     /* "consumeonsenderror"  */
  YYSYMBOL_KW_CONTEXTTOKEN = 12,           /* "servercontexttoken"  */
  YYSYMBOL_KW_COUNTINOUT = 13,             /* "countinout"  */
  YYSYMBOL_KW_CSERVERTYPE = 14,            /* "cservertype"  */
  YYSYMBOL_KW_CTYPE = 15,                  /* "ctype"  */
  YYSYMBOL_KW_CUSERTYPE = 16,              /* "cusertype"  */
  YYSYMBOL_KW_DEALLOC = 17,                /* "dealloc"  */
  YYSYMBOL_KW_DEFERRED = 18,               /* "deferred"  */
  YYSYMBOL_KW_DESTRUCTOR = 19,             /* "destructor"  */
  YYSYMBOL_KW_DIMPORT = 20,                /* "dimport"  */
  YYSYMBOL_KW_ERROR = 21,                  /* "error"  */
  YYSYMBOL_KW_FUNCTION = 22,               /* "function"  */
  YYSYMBOL_KW_IIMPORT = 23,                /* "iimport"  */
  YYSYMBOL_KW_IMPORT = 24,                 /* "import"  */
  YYSYMBOL_KW_IN = 25,                     /* "in"  */
  YYSYMBOL_KW_INOUT = 26,                  /* "inout"  */
  YYSYMBOL_KW_INTRAN = 27,                 /* "intran"  */
  YYSYMBOL_KW_INTRANPAYLOAD = 28,          /* "intranpayload"  */
  YYSYMBOL_KW_ISLONG = 29,                 /* "islong"  */
  YYSYMBOL_KW_ISNOTLONG = 30,              /* "isnotlong"  */
  YYSYMBOL_KW_MSGOPTION = 31,              /* "msgoption"  */
  YYSYMBOL_KW_MSGSEQNO = 32,               /* "msgseqno"  */
  YYSYMBOL_KW_NOSENDTIME = 33,             /* "nosendtime"  */
  YYSYMBOL_KW_NOTDEALLOC = 34,             /* "notdealloc"  */
  YYSYMBOL_KW_NOWAITTIME = 35,             /* "nowaittime"  */
  YYSYMBOL_KW_OF = 36,                     /* "of"  */
  YYSYMBOL_KW_ONSTACKLIMIT = 37,           /* "onstacklimit"  */
  YYSYMBOL_KW_OUT = 38,                    /* "out"  */
  YYSYMBOL_KW_OUTTRAN = 39,                /* "outtran"  */
  YYSYMBOL_KW_OVERWRITE = 40,              /* "overwrite"  */
  YYSYMBOL_KW_PHYSICALCOPY = 41,           /* "physicalcopy"  */
  YYSYMBOL_KW_POINTERTO = 42,              /* "PointerTo"  */
  YYSYMBOL_KW_POINTERTOIFNOT = 43,         /* "PointerToIfNot"  */
  YYSYMBOL_KW_PROCEDURE = 44,              /* "procedure"  */
  YYSYMBOL_KW_RCSID = 45,                  /* "rcsid"  */
  YYSYMBOL_KW_REPLYPORT = 46,              /* "replyport"  */
  YYSYMBOL_KW_REQUESTPORT = 47,            /* "requestport"  */
  YYSYMBOL_KW_RETCODE = 48,                /* "retcode"  */
  YYSYMBOL_KW_ROUTINE = 49,                /* "routine"  */
  YYSYMBOL_KW_SAMECOUNT = 50,              /* "samecount"  */
  YYSYMBOL_KW_SECTOKEN = 51,               /* "sectoken"  */
  YYSYMBOL_KW_SENDTIME = 52,               /* "sendtime"  */
  YYSYMBOL_KW_SERVERAUDITTOKEN = 53,       /* "serveraudittoken"  */
  YYSYMBOL_KW_SERVERCOPY = 54,             /* "servercopy"  */
  YYSYMBOL_KW_SERVERDEMUX = 55,            /* "serverdemux"  */
  YYSYMBOL_KW_SERVERIMPL = 56,             /* "serverimpl"  */
  YYSYMBOL_KW_SERVERPREFIX = 57,           /* "serverprefix"  */
  YYSYMBOL_KW_SERVERSECTOKEN = 58,         /* "serversectoken"  */
  YYSYMBOL_KW_SIMPLEPROCEDURE = 59,        /* "simpleprocedure"  */
  YYSYMBOL_KW_SIMPLEROUTINE = 60,          /* "simpleroutine"  */
  YYSYMBOL_KW_SIMPORT = 61,                /* "simport"  */
  YYSYMBOL_KW_SKIP = 62,                   /* "skip"  */
  YYSYMBOL_KW_SREPLYPORT = 63,             /* "sreplyport"  */
  YYSYMBOL_KW_STRUCT = 64,                 /* "struct"  */
  YYSYMBOL_KW_SUBSYSTEM = 65,              /* "subsystem"  */
  YYSYMBOL_KW_TYPE = 66,                   /* "type"  */
  YYSYMBOL_KW_UIMPORT = 67,                /* "uimport"  */
  YYSYMBOL_KW_UREPLYPORT = 68,             /* "ureplyport"  */
  YYSYMBOL_KW_USERAUDITTOKEN = 69,         /* "useraudittoken"  */
  YYSYMBOL_KW_USERIMPL = 70,               /* "userimpl"  */
  YYSYMBOL_KW_USERPREFIX = 71,             /* "userprefix"  */
  YYSYMBOL_KW_USERSECTOKEN = 72,           /* "usersectoken"  */
  YYSYMBOL_KW_USERTYPELIMIT = 73,          /* "usertypelimit"  */
  YYSYMBOL_KW_USESPECIALREPLYPORT = 74,    /* "usespecialreplyport"  */
  YYSYMBOL_KW_VALUEOF = 75,                /* "ValueOf"  */
  YYSYMBOL_KW_WAITTIME = 76,               /* "waittime"  */
  YYSYMBOL_77_ = 77,                       /* ';'  */
  YYSYMBOL_78_ = 78,                       /* '='  */
  YYSYMBOL_79_ = 79,                       /* ':'  */
  YYSYMBOL_80_ = 80,                       /* '|'  */
  YYSYMBOL_81_ = 81,                       /* '['  */
  YYSYMBOL_82_ = 82,                       /* ']'  */
  YYSYMBOL_83_ = 83,                       /* '*'  */
  YYSYMBOL_84_ = 84,                       /* '^'  */
  YYSYMBOL_85_ = 85,                       /* '{'  */
  YYSYMBOL_86_ = 86,                       /* '}'  */
  YYSYMBOL_87_ = 87,                       /* '('  */
  YYSYMBOL_88_ = 88,                       /* ')'  */
  YYSYMBOL_89_ = 89,                       /* ','  */
  YYSYMBOL_90_ = 90,                       /* '+'  */
  YYSYMBOL_91_ = 91,                       /* '-'  */
  YYSYMBOL_92_ = 92,                       /* '/'  */
  YYSYMBOL_YYACCEPT = 93,                  /* $accept  */
  YYSYMBOL_file = 94,                      /* file  */
  YYSYMBOL_statements = 95,                /* statements  */
  YYSYMBOL_statement = 96,                 /* statement  */
  YYSYMBOL_subsystem = 97,                 /* subsystem  */
  YYSYMBOL_subsystem_words = 98,           /* subsystem_words  */
  YYSYMBOL_import_word = 99,               /* import_word  */
  YYSYMBOL_option_word = 100,              /* option_word  */
  YYSYMBOL_type_spec = 101,                /* type_spec  */
  YYSYMBOL_c_type = 102,                   /* c_type  */
  YYSYMBOL_optional_pointer = 103,         /* optional_pointer  */
  YYSYMBOL_base_type = 104,                /* base_type  */
  YYSYMBOL_base_flags = 105,               /* base_flags  */
  YYSYMBOL_ipc_word = 106,                 /* ipc_word  */
  YYSYMBOL_members = 107,                  /* members  */
  YYSYMBOL_translations = 108,             /* translations  */
  YYSYMBOL_translation = 109,              /* translation  */
  YYSYMBOL_arguments = 110,                /* arguments  */
  YYSYMBOL_argument_list = 111,            /* argument_list  */
  YYSYMBOL_argument = 112,                 /* argument  */
  YYSYMBOL_argument_type = 113,            /* argument_type  */
  YYSYMBOL_direction = 114,                /* direction  */
  YYSYMBOL_flags = 115,                    /* flags  */
  YYSYMBOL_flag = 116,                     /* flag  */
  YYSYMBOL_name = 117,                     /* name  */
  YYSYMBOL_soft_keyword = 118,             /* soft_keyword  */
  YYSYMBOL_argument_name = 119,            /* argument_name  */
  YYSYMBOL_expression = 120,               /* expression  */
  YYSYMBOL_term = 121,                     /* term  */
  YYSYMBOL_factor = 122                    /* factor  */
};
typedef enum yysymbol_kind_t yysymbol_kind_t;



/* Unqualified %code blocks.  */
#line 15 "parser.y"

#include "parser-glue.h"

#line 238 "parser.c"

#ifdef short
# undef short
#endif

/* On compilers that do not define __PTRDIFF_MAX__ etc., make sure
   <limits.h> and (if available) <stdint.h> are included
   so that the code can choose integer types of a good width.  */

#ifndef __PTRDIFF_MAX__
# include <limits.h> /* INFRINGES ON USER NAME SPACE */
# if defined __STDC_VERSION__ && 199901 <= __STDC_VERSION__
#  include <stdint.h> /* INFRINGES ON USER NAME SPACE */
#  define YY_STDINT_H
# endif
#endif

/* Narrow types that promote to a signed type and that can represent a
   signed or unsigned integer of at least N bits.  In tables they can
   save space and decrease cache pressure.  Promoting to a signed type
   helps avoid bugs in integer arithmetic.  */

#ifdef __INT_LEAST8_MAX__
typedef __INT_LEAST8_TYPE__ yytype_int8;
#elif defined YY_STDINT_H
typedef int_least8_t yytype_int8;
#else
typedef signed char yytype_int8;
#endif

#ifdef __INT_LEAST16_MAX__
typedef __INT_LEAST16_TYPE__ yytype_int16;
#elif defined YY_STDINT_H
typedef int_least16_t yytype_int16;
#else
typedef short yytype_int16;
#endif

/* Work around bug in HP-UX 11.23, which defines these macros
   incorrectly for preprocessor constants.  This workaround can likely
   be removed in 2023, as HPE has promised support for HP-UX 11.23
   (aka HP-UX 11i v2) only through the end of 2022; see Table 2 of
   <https://h20195.www2.hpe.com/V2/getpdf.aspx/4AA4-7673ENW.pdf>.  */
#ifdef __hpux
# undef UINT_LEAST8_MAX
# undef UINT_LEAST16_MAX
# define UINT_LEAST8_MAX 255
# define UINT_LEAST16_MAX 65535
#endif

#if defined __UINT_LEAST8_MAX__ && __UINT_LEAST8_MAX__ <= __INT_MAX__
typedef __UINT_LEAST8_TYPE__ yytype_uint8;
#elif (!defined __UINT_LEAST8_MAX__ && defined YY_STDINT_H \
       && UINT_LEAST8_MAX <= INT_MAX)
typedef uint_least8_t yytype_uint8;
#elif !defined __UINT_LEAST8_MAX__ && UCHAR_MAX <= INT_MAX
typedef unsigned char yytype_uint8;
#else
typedef short yytype_uint8;
#endif

#if defined __UINT_LEAST16_MAX__ && __UINT_LEAST16_MAX__ <= __INT_MAX__
typedef __UINT_LEAST16_TYPE__ yytype_uint16;
#elif (!defined __UINT_LEAST16_MAX__ && defined YY_STDINT_H \
       && UINT_LEAST16_MAX <= INT_MAX)
typedef uint_least16_t yytype_uint16;
#elif !defined __UINT_LEAST16_MAX__ && USHRT_MAX <= INT_MAX
typedef unsigned short yytype_uint16;
#else
typedef int yytype_uint16;
#endif

#ifndef YYPTRDIFF_T
# if defined __PTRDIFF_TYPE__ && defined __PTRDIFF_MAX__
#  define YYPTRDIFF_T __PTRDIFF_TYPE__
#  define YYPTRDIFF_MAXIMUM __PTRDIFF_MAX__
# elif defined PTRDIFF_MAX
#  ifndef ptrdiff_t
#   include <stddef.h> /* INFRINGES ON USER NAME SPACE */
#  endif
#  define YYPTRDIFF_T ptrdiff_t
#  define YYPTRDIFF_MAXIMUM PTRDIFF_MAX
# else
#  define YYPTRDIFF_T long
#  define YYPTRDIFF_MAXIMUM LONG_MAX
# endif
#endif

#ifndef YYSIZE_T
# ifdef __SIZE_TYPE__
#  define YYSIZE_T __SIZE_TYPE__
# elif defined size_t
#  define YYSIZE_T size_t
# elif defined __STDC_VERSION__ && 199901 <= __STDC_VERSION__
#  include <stddef.h> /* INFRINGES ON USER NAME SPACE */
#  define YYSIZE_T size_t
# else
#  define YYSIZE_T unsigned
# endif
#endif

#define YYSIZE_MAXIMUM                                  \
  YY_CAST (YYPTRDIFF_T,                                 \
           (YYPTRDIFF_MAXIMUM < YY_CAST (YYSIZE_T, -1)  \
            ? YYPTRDIFF_MAXIMUM                         \
            : YY_CAST (YYSIZE_T, -1)))

#define YYSIZEOF(X) YY_CAST (YYPTRDIFF_T, sizeof (X))


/* Stored state numbers (used for stacks). */
typedef yytype_int16 yy_state_t;

/* State numbers in computations.  */
typedef int yy_state_fast_t;

#ifndef YY_
# if defined YYENABLE_NLS && YYENABLE_NLS
#  if ENABLE_NLS
#   include <libintl.h> /* INFRINGES ON USER NAME SPACE */
#   define YY_(Msgid) dgettext ("bison-runtime", Msgid)
#  endif
# endif
# ifndef YY_
#  define YY_(Msgid) Msgid
# endif
#endif


#ifndef YY_ATTRIBUTE_PURE
# if defined __GNUC__ && 2 < __GNUC__ + (96 <= __GNUC_MINOR__)
#  define YY_ATTRIBUTE_PURE __attribute__ ((__pure__))
# else
#  define YY_ATTRIBUTE_PURE
# endif
#endif

#ifndef YY_ATTRIBUTE_UNUSED
# if defined __GNUC__ && 2 < __GNUC__ + (7 <= __GNUC_MINOR__)
#  define YY_ATTRIBUTE_UNUSED __attribute__ ((__unused__))
# else
#  define YY_ATTRIBUTE_UNUSED
# endif
#endif

/* Suppress unused-variable warnings by "using" E.  */
#if ! defined lint || defined __GNUC__
# define YY_USE(E) ((void) (E))
#else
# define YY_USE(E) /* empty */
#endif

/* Suppress an incorrect diagnostic about yylval being uninitialized.  */
#if defined __GNUC__ && ! defined __ICC && 406 <= __GNUC__ * 100 + __GNUC_MINOR__
# if __GNUC__ * 100 + __GNUC_MINOR__ < 407
#  define YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN                           \
    _Pragma ("GCC diagnostic push")                                     \
    _Pragma ("GCC diagnostic ignored \"-Wuninitialized\"")
# else
#  define YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN                           \
    _Pragma ("GCC diagnostic push")                                     \
    _Pragma ("GCC diagnostic ignored \"-Wuninitialized\"")              \
    _Pragma ("GCC diagnostic ignored \"-Wmaybe-uninitialized\"")
# endif
# define YY_IGNORE_MAYBE_UNINITIALIZED_END      \
    _Pragma ("GCC diagnostic pop")
#else
# define YY_INITIAL_VALUE(Value) Value
#endif
#ifndef YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
# define YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
# define YY_IGNORE_MAYBE_UNINITIALIZED_END
#endif
#ifndef YY_INITIAL_VALUE
# define YY_INITIAL_VALUE(Value) /* Nothing. */
#endif

#if defined __cplusplus && defined __GNUC__ && ! defined __ICC && 6 <= __GNUC__
# define YY_IGNORE_USELESS_CAST_BEGIN                          \
    _Pragma ("GCC diagnostic push")                            \
    _Pragma ("GCC diagnostic ignored \"-Wuseless-cast\"")
# define YY_IGNORE_USELESS_CAST_END            \
    _Pragma ("GCC diagnostic pop")
#endif
#ifndef YY_IGNORE_USELESS_CAST_BEGIN
# define YY_IGNORE_USELESS_CAST_BEGIN
# define YY_IGNORE_USELESS_CAST_END
#endif


#define YY_ASSERT(E) ((void) (0 && (E)))

#if 1

/* The parser invokes alloca or malloc; define the necessary symbols.  */

# ifdef YYSTACK_ALLOC
   /* Pacify GCC's 'empty if-body' warning.  */
#  define YYSTACK_FREE(Ptr) do { /* empty */; } while (0)
#  ifndef YYSTACK_ALLOC_MAXIMUM
    /* The OS might guarantee only one guard page at the bottom of the stack,
       and a page size can be as small as 4096 bytes.  So we cannot safely
       invoke alloca (N) if N exceeds 4096.  Use a slightly smaller number
       to allow for a few compiler-allocated temporary stack slots.  */
#   define YYSTACK_ALLOC_MAXIMUM 4032 /* reasonable circa 2006 */
#  endif
# else
#  define YYSTACK_ALLOC YYMALLOC
#  define YYSTACK_FREE YYFREE
#  ifndef YYSTACK_ALLOC_MAXIMUM
#   define YYSTACK_ALLOC_MAXIMUM YYSIZE_MAXIMUM
#  endif
#  if (defined __cplusplus && ! defined EXIT_SUCCESS \
       && ! ((defined YYMALLOC || defined malloc) \
             && (defined YYFREE || defined free)))
#   include <stdlib.h> /* INFRINGES ON USER NAME SPACE */
#   ifndef EXIT_SUCCESS
#    define EXIT_SUCCESS 0
#   endif
#  endif
#  ifndef YYMALLOC
#   define YYMALLOC malloc
#   if ! defined malloc && ! defined EXIT_SUCCESS
void *malloc (YYSIZE_T); /* INFRINGES ON USER NAME SPACE */
#   endif
#  endif
#  ifndef YYFREE
#   define YYFREE free
#   if ! defined free && ! defined EXIT_SUCCESS
void free (void *); /* INFRINGES ON USER NAME SPACE */
#   endif
#  endif
# endif
# define YYCOPY_NEEDED 1
#endif /* 1 */

#if (! defined yyoverflow \
     && (! defined __cplusplus \
         || (defined YYLTYPE_IS_TRIVIAL && YYLTYPE_IS_TRIVIAL \
             && defined YYSTYPE_IS_TRIVIAL && YYSTYPE_IS_TRIVIAL)))

/* A type that is properly aligned for any stack member.  */
union yyalloc
{
  yy_state_t yyss_alloc;
  YYSTYPE yyvs_alloc;
  YYLTYPE yyls_alloc;
};

/* The size of the maximum gap between one aligned stack and the next.  */
# define YYSTACK_GAP_MAXIMUM (YYSIZEOF (union yyalloc) - 1)

/* The size of an array large to enough to hold all stacks, each with
   N elements.  */
# define YYSTACK_BYTES(N) \
     ((N) * (YYSIZEOF (yy_state_t) + YYSIZEOF (YYSTYPE) \
             + YYSIZEOF (YYLTYPE)) \
      + 2 * YYSTACK_GAP_MAXIMUM)

# define YYCOPY_NEEDED 1

/* Relocate STACK from its old location to the new one.  The
   local variables YYSIZE and YYSTACKSIZE give the old and new number of
   elements in the stack, and YYPTR gives the new location of the
   stack.  Advance YYPTR to a properly aligned location for the next
   stack.  */
# define YYSTACK_RELOCATE(Stack_alloc, Stack)                           \
    do                                                                  \
      {                                                                 \
        YYPTRDIFF_T yynewbytes;                                         \
        YYCOPY (&yyptr->Stack_alloc, Stack, yysize);                    \
        Stack = &yyptr->Stack_alloc;                                    \
        yynewbytes = yystacksize * YYSIZEOF (*Stack) + YYSTACK_GAP_MAXIMUM; \
        yyptr += yynewbytes / YYSIZEOF (*yyptr);                        \
      }                                                                 \
    while (0)

#endif

#if defined YYCOPY_NEEDED && YYCOPY_NEEDED
/* Copy COUNT objects from SRC to DST.  The source and destination do
   not overlap.  */
# ifndef YYCOPY
#  if defined __GNUC__ && 1 < __GNUC__
#   define YYCOPY(Dst, Src, Count) \
      __builtin_memcpy (Dst, Src, YY_CAST (YYSIZE_T, (Count)) * sizeof (*(Src)))
#  else
#   define YYCOPY(Dst, Src, Count)              \
      do                                        \
        {                                       \
          YYPTRDIFF_T yyi;                      \
          for (yyi = 0; yyi < (Count); yyi++)   \
            (Dst)[yyi] = (Src)[yyi];            \
        }                                       \
      while (0)
#  endif
# endif
#endif /* !YYCOPY_NEEDED */

/* YYFINAL -- State number of the termination state.  */
#define YYFINAL  3
/* YYLAST -- Last index in YYTABLE.  */
#define YYLAST   683

/* YYNTOKENS -- Number of terminals.  */
#define YYNTOKENS  93
/* YYNNTS -- Number of nonterminals.  */
#define YYNNTS  30
/* YYNRULES -- Number of rules.  */
#define YYNRULES  152
/* YYNSTATES -- Number of states.  */
#define YYNSTATES  322

/* YYMAXUTOK -- Last valid token kind.  */
#define YYMAXUTOK   331


/* YYTRANSLATE(TOKEN-NUM) -- Symbol number corresponding to TOKEN-NUM
   as returned by yylex, with out-of-bounds checking.  */
#define YYTRANSLATE(YYX)                                \
  (0 <= (YYX) && (YYX) <= YYMAXUTOK                     \
   ? YY_CAST (yysymbol_kind_t, yytranslate[YYX])        \
   : YYSYMBOL_YYUNDEF)

/* YYTRANSLATE[TOKEN-NUM] -- Symbol number corresponding to TOKEN-NUM
   as returned by yylex.  */
static const yytype_int8 yytranslate[] =
{
       0,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
      87,    88,    83,    90,    89,    91,     2,    92,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,    79,    77,
       2,    78,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,    81,     2,    82,    84,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,    85,    80,    86,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     2,     2,     2,     2,
       2,     2,     2,     2,     2,     2,     1,     2,     3,     4,
       5,     6,     7,     8,     9,    10,    11,    12,    13,    14,
      15,    16,    17,    18,    19,    20,    21,    22,    23,    24,
      25,    26,    27,    28,    29,    30,    31,    32,    33,    34,
      35,    36,    37,    38,    39,    40,    41,    42,    43,    44,
      45,    46,    47,    48,    49,    50,    51,    52,    53,    54,
      55,    56,    57,    58,    59,    60,    61,    62,    63,    64,
      65,    66,    67,    68,    69,    70,    71,    72,    73,    74,
      75,    76
};

#if YYDEBUG
/* YYRLINE[YYN] -- Source line where rule number YYN was defined.  */
static const yytype_int16 yyrline[] =
{
       0,    76,    76,    78,    78,    81,    82,    83,    86,    87,
      88,    89,    90,    91,    92,    93,    94,    95,    96,    97,
      98,    99,   100,   101,   102,   103,   104,   105,   106,   107,
     108,   109,   112,   114,   115,   119,   120,   121,   122,   123,
     127,   128,   129,   133,   134,   135,   136,   137,   138,   139,
     140,   141,   142,   143,   144,   145,   151,   151,   152,   152,
     155,   156,   157,   160,   165,   165,   168,   169,   173,   174,
     178,   179,   183,   184,   185,   186,   187,   188,   189,   193,
     194,   195,   196,   200,   201,   202,   206,   209,   212,   215,
     221,   222,   226,   227,   228,   229,   230,   231,   232,   233,
     234,   235,   236,   237,   238,   239,   240,   241,   242,   243,
     246,   246,   249,   250,   251,   252,   253,   254,   255,   256,
     257,   258,   259,   260,   261,   265,   265,   267,   267,   267,
     267,   267,   267,   267,   267,   267,   268,   268,   270,   270,
     270,   270,   270,   270,   270,   273,   274,   275,   278,   279,
     280,   282,   282
};
#endif

/** Accessing symbol of state STATE.  */
#define YY_ACCESSING_SYMBOL(State) YY_CAST (yysymbol_kind_t, yystos[State])

#if 1
/* The user-facing name of the symbol whose (internal) number is
   YYSYMBOL.  No bounds checking.  */
static const char *yysymbol_name (yysymbol_kind_t yysymbol) YY_ATTRIBUTE_UNUSED;

static const char *
yysymbol_name (yysymbol_kind_t yysymbol)
{
  static const char *const yy_sname[] =
  {
  "end of file", "error", "invalid token", "a name", "a number",
  "a file name or string in quotes", "array", "audittoken", "auto",
  "c_string", "const", "consumeonsenderror", "servercontexttoken",
  "countinout", "cservertype", "ctype", "cusertype", "dealloc", "deferred",
  "destructor", "dimport", "error", "function", "iimport", "import", "in",
  "inout", "intran", "intranpayload", "islong", "isnotlong", "msgoption",
  "msgseqno", "nosendtime", "notdealloc", "nowaittime", "of",
  "onstacklimit", "out", "outtran", "overwrite", "physicalcopy",
  "PointerTo", "PointerToIfNot", "procedure", "rcsid", "replyport",
  "requestport", "retcode", "routine", "samecount", "sectoken", "sendtime",
  "serveraudittoken", "servercopy", "serverdemux", "serverimpl",
  "serverprefix", "serversectoken", "simpleprocedure", "simpleroutine",
  "simport", "skip", "sreplyport", "struct", "subsystem", "type",
  "uimport", "ureplyport", "useraudittoken", "userimpl", "userprefix",
  "usersectoken", "usertypelimit", "usespecialreplyport", "ValueOf",
  "waittime", "';'", "'='", "':'", "'|'", "'['", "']'", "'*'", "'^'",
  "'{'", "'}'", "'('", "')'", "','", "'+'", "'-'", "'/'", "$accept",
  "file", "statements", "statement", "subsystem", "subsystem_words",
  "import_word", "option_word", "type_spec", "c_type", "optional_pointer",
  "base_type", "base_flags", "ipc_word", "members", "translations",
  "translation", "arguments", "argument_list", "argument", "argument_type",
  "direction", "flags", "flag", "name", "soft_keyword", "argument_name",
  "expression", "term", "factor", YY_NULLPTR
  };
  return yy_sname[yysymbol];
}
#endif

#define YYPACT_NINF (-216)

#define yypact_value_is_default(Yyn) \
  ((Yyn) == YYPACT_NINF)

#define YYTABLE_NINF (-145)

#define yytable_value_is_error(Yyn) \
  0

/* YYPACT[STATE-NUM] -- Index in YYTABLE of the portion describing
   STATE-NUM.  */
static const yytype_int16 yypact[] =
{
    -216,    41,   404,  -216,   -21,   604,     8,  -216,   604,   604,
    -216,  -216,   558,    28,    46,    26,   604,   130,   604,   558,
     604,   604,   604,   604,  -216,     6,   604,   604,  -216,   604,
      26,    26,   558,  -216,  -216,    60,   134,  -216,  -216,  -216,
    -216,  -216,  -216,  -216,  -216,  -216,  -216,  -216,  -216,  -216,
      79,  -216,  -216,    84,    78,  -216,   -13,  -216,  -216,  -216,
    -216,    26,   -44,   -52,  -216,    78,   122,    78,    94,   123,
     129,    78,    78,  -216,   -29,    47,  -216,    85,   135,   -19,
     -14,   101,  -216,   137,  -216,  -216,   273,    91,  -216,   604,
     106,  -216,    26,    26,    26,    26,   140,  -216,   141,  -216,
    -216,  -216,   146,   147,  -216,  -216,   -65,    98,  -216,  -216,
    -216,  -216,  -216,    87,  -216,  -216,   151,  -216,   155,  -216,
     156,  -216,  -216,  -216,   158,  -216,   222,  -216,  -216,  -216,
    -216,  -216,   223,  -216,   159,  -216,     1,  -216,   533,  -216,
     160,    98,  -216,  -216,   -52,   -52,  -216,  -216,  -216,  -216,
    -216,  -216,  -216,   166,   167,   162,   163,    15,   164,    98,
     583,  -216,  -216,   172,  -216,  -216,   250,   251,   178,   344,
    -216,  -216,  -216,  -216,  -216,  -216,   177,    98,  -216,   180,
     181,    16,    31,   255,   255,    26,  -216,   255,  -216,   -35,
     188,   583,   182,   183,   476,  -216,  -216,    98,  -216,  -216,
      98,   224,   116,   -48,   184,   -16,  -216,   261,   261,    40,
     107,   261,   583,    26,   189,   193,   196,   198,   199,   200,
     203,  -216,  -216,  -216,    98,    98,  -216,  -216,   195,  -216,
      98,    26,   231,   237,    26,  -216,  -216,    38,    -1,   252,
    -216,   604,    44,   197,   -65,   604,   604,   604,   604,   604,
     604,   604,  -216,  -216,   195,   629,   194,  -216,    76,    98,
      98,    86,  -216,  -216,   255,    98,   210,  -216,    26,    23,
    -216,  -216,  -216,   202,   604,   604,   604,   195,   195,  -216,
    -216,  -216,   209,  -216,  -216,  -216,  -216,  -216,  -216,  -216,
    -216,  -216,   256,  -216,  -216,  -216,     2,  -216,  -216,   -65,
    -216,   629,   604,   206,  -216,   213,   214,    98,  -216,    56,
    -216,   215,   604,   604,  -216,  -216,  -216,  -216,   218,   221,
    -216,  -216
};

/* YYDEFACT[STATE-NUM] -- Default reduction number in state STATE-NUM.
   Performed when YYTABLE does not specify something else to do.  Zero
   means the default is an error.  */
static const yytype_uint8 yydefact[] =
{
       3,     0,     0,     1,     0,     0,     0,    39,     0,     0,
      38,    35,     0,     0,     0,     0,     0,     0,     0,     0,
       0,     0,     0,     0,    37,     0,     0,     0,    36,     0,
       0,     0,     0,     5,     4,     0,     0,    31,   125,   127,
     128,   131,   130,   134,   132,   135,   137,   129,   136,   133,
       0,   126,    30,     0,     0,    41,     0,    40,    22,    20,
     151,     0,     0,   145,   148,     0,     0,     0,     0,     0,
       0,     0,     0,    13,     0,     0,    33,     0,     0,     0,
       0,     0,     6,     0,    25,    28,     0,     0,    23,     0,
       0,    27,     0,     0,     0,     0,     0,    29,     0,    21,
      18,    16,     0,     0,    14,    34,    32,     0,    17,    26,
      24,    19,    15,     0,   106,   109,    92,    94,   101,   102,
      93,    96,    95,   103,   100,   107,     0,   104,    98,   139,
      97,   108,     0,   105,    99,    79,     0,    83,     0,   138,
       0,     0,    42,   152,   146,   147,   149,   150,    10,     8,
      11,     9,    67,     0,     0,     0,     0,     0,     0,     0,
       0,    70,    43,    60,    66,    82,     0,     0,     0,     0,
      80,   143,   142,   144,   141,   140,     0,     0,    90,     0,
      66,     0,     0,     0,     0,     0,    68,     0,    48,     0,
       0,     0,     0,     0,     0,    81,    84,     0,   110,    12,
       0,     0,     0,     0,     0,     0,    56,    58,    58,     0,
       0,    58,     0,     0,     0,     0,     0,     0,     0,     0,
       0,     7,    71,    61,     0,     0,    85,   110,    87,    70,
       0,     0,     0,     0,     0,    51,    57,     0,     0,     0,
      50,     0,     0,     0,    64,     0,     0,     0,     0,     0,
       0,     0,   110,   110,    86,     0,    91,    44,     0,     0,
       0,     0,    59,    53,     0,     0,     0,    54,     0,     0,
      74,    72,    73,     0,     0,     0,     0,    88,    89,   122,
     123,   116,   112,   118,   119,   114,   121,   120,   124,   117,
     115,   111,     0,    45,    46,    52,     0,    49,    69,    64,
      62,     0,     0,     0,    78,     0,     0,     0,    55,     0,
      65,     0,     0,     0,   113,    47,    63,    77,     0,     0,
      75,    76
};

/* YYPGOTO[NTERM-NUM].  */
static const yytype_int16 yypgoto[] =
{
    -216,  -216,  -216,  -216,  -216,  -216,  -216,    17,  -106,  -178,
      20,  -216,     3,  -152,  -216,    72,  -216,   119,  -216,  -150,
    -145,  -216,  -215,     9,    -5,  -216,   174,    -2,    57,    93
};

/* YYDEFGOTO[NTERM-NUM].  */
static const yytype_int16 yydefgoto[] =
{
       0,     1,     2,    34,    35,    75,    36,    56,   178,   207,
     237,   162,   269,   163,   210,   190,   222,    87,   136,   137,
     179,   138,   228,   291,   164,    51,   140,    62,    63,    64
};

/* YYTABLE[YYPACT[STATE-NUM]] -- What to do in state STATE-NUM.  If
   positive, shift that token.  If negative, reduce the rule whose
   number is the opposite.  If YYTABLE_NINF, syntax error.  */
static const yytype_int16 yytable[] =
{
      50,   161,   168,    53,    54,   236,   208,    57,   189,   211,
      60,    65,   254,    67,    57,    69,    70,    71,    72,   196,
      60,    76,    77,    74,    78,    92,    93,    57,    79,    80,
      60,    94,   198,    91,   233,    60,    68,   277,   278,   223,
      95,     3,    92,    93,   226,   212,    92,    93,   104,    81,
      38,    60,   227,   188,   213,    39,    37,    40,   109,    90,
     243,    92,    93,   110,    88,    41,   235,    89,    42,    43,
     105,    92,    93,   106,    92,    93,    92,    93,   169,   252,
     253,   139,   262,    73,   142,    52,   296,    44,   264,   170,
     308,    45,    46,    61,   229,    47,   185,    48,   201,   202,
     186,    38,   152,    61,   153,    58,    39,   154,    40,    49,
      38,   300,   301,    61,   204,    39,    41,    40,    61,    42,
      43,   262,   239,    59,   257,    41,   263,   262,    42,    43,
      92,    93,   267,   139,    61,    66,   180,    82,    44,    83,
     155,   156,    45,    46,   316,   301,    47,    44,    48,   144,
     145,    45,    46,   293,   294,    47,    84,    48,   292,   297,
      49,    85,   157,   107,   139,    86,    92,    93,   295,    49,
     141,    99,   180,   158,    89,   165,    92,    93,   111,   203,
     205,    89,   159,   209,    96,   160,    98,   146,   147,   139,
     102,   103,   180,   240,   143,   231,    92,    93,   232,    97,
     100,   315,   214,   215,   216,   241,   101,   217,   214,   215,
     216,   244,   108,   217,   112,   218,   219,   148,   149,   180,
     180,   218,   219,   150,   151,   166,   167,   220,   238,   258,
    -143,   242,   261,   220,  -142,  -144,   266,  -141,  -140,   177,
     270,   271,   272,   273,   274,   275,   276,   181,   182,   183,
     184,   187,   191,   192,   193,   194,   197,   199,   206,   200,
     230,   224,   225,   234,   236,   221,   299,   259,   245,   303,
     304,   305,   246,   260,   113,   247,    38,   248,   249,   250,
     114,    39,   251,    40,   255,   115,   268,   298,   265,   302,
     306,    41,   307,   312,    42,    43,   314,   311,   116,   117,
     313,   256,   309,   317,   118,   119,   320,   318,   319,   321,
     310,   120,   176,    44,     0,     0,     0,    45,    46,   121,
     122,    47,     0,    48,   123,   124,   125,     0,     0,   126,
       0,   127,     0,     0,     0,    49,   128,     0,     0,   129,
       0,   130,   131,   132,     0,   133,     0,    38,     0,   134,
       0,   114,    39,     0,    40,     0,   115,     0,     0,     0,
       0,   135,    41,     0,     0,    42,    43,     0,     0,   116,
     117,     0,     0,     0,     0,   118,   119,     0,     0,     0,
       0,     0,   120,     0,    44,     0,     0,     0,    45,    46,
     121,   122,    47,     0,    48,   123,   124,   125,     0,     0,
     126,     0,   127,     0,    -2,     4,    49,   128,     0,     0,
     129,     0,   130,   131,   132,     5,   133,     0,     0,     0,
     134,     0,     6,     0,     7,     8,     9,    10,    11,     0,
       0,     0,   195,     0,     0,    12,     0,    13,     0,    14,
       0,    15,     0,     0,     0,     0,     0,     0,    16,    17,
       0,     0,     0,    18,     0,     0,    19,     0,     0,    20,
       0,    21,     0,    22,    23,    24,    25,     0,     0,    26,
      27,    28,     0,     0,     0,    29,     0,    30,    31,    38,
      32,    33,     0,   114,    39,     0,    40,     0,   115,     0,
       0,     0,     0,     0,    41,     0,     0,    42,    43,     0,
       0,   116,   117,     0,     0,     0,     0,   118,   119,     0,
       0,     0,     0,     0,   120,     0,    44,     0,     0,     0,
      45,    46,   121,   122,    47,     0,    48,   123,   124,   125,
       0,     0,   126,     0,   127,     0,    38,     0,    49,   128,
       0,    39,   129,    40,   130,   131,   132,     0,   133,     0,
       0,    41,   134,     0,    42,    43,     0,     0,   171,     0,
       0,    38,    55,     0,   172,     0,    39,     0,    40,     0,
       0,   173,     0,    44,     0,     0,    41,    45,    46,    42,
      43,    47,     0,    48,     0,   174,    38,   152,     0,     0,
       0,    39,     0,    40,     0,    49,     0,     0,    44,   129,
       0,    41,    45,    46,    42,    43,    47,    38,    48,   175,
       0,     0,    39,     0,    40,     0,     0,     0,     0,     0,
      49,     0,    41,    44,     0,    42,    43,    45,    46,     0,
       0,    47,     0,    48,     0,     0,     0,   279,     0,   280,
       0,     0,   281,     0,    44,    49,   282,     0,    45,    46,
       0,     0,    47,     0,    48,     0,     0,     0,   283,   284,
       0,     0,     0,   285,     0,     0,    49,     0,     0,   286,
     287,     0,     0,     0,     0,     0,     0,   288,     0,   289,
       0,     0,     0,   290
};

static const yytype_int16 yycheck[] =
{
       5,   107,     1,     8,     9,     3,   184,    12,   160,   187,
       4,    16,   227,    18,    19,    20,    21,    22,    23,   169,
       4,    26,    27,    25,    29,    90,    91,    32,    30,    31,
       4,    83,   177,    77,    82,     4,    19,   252,   253,   191,
      92,     0,    90,    91,   194,    80,    90,    91,    77,    32,
       3,     4,   197,   159,    89,     8,    77,    10,    77,    61,
     212,    90,    91,    77,    77,    18,    82,    80,    21,    22,
      75,    90,    91,    75,    90,    91,    90,    91,    77,   224,
     225,    86,    83,    77,    89,    77,   264,    40,    89,    88,
      88,    44,    45,    87,   200,    48,    81,    50,    82,    83,
      85,     3,     4,    87,     6,    77,     8,     9,    10,    62,
       3,    88,    89,    87,    83,     8,    18,    10,    87,    21,
      22,    83,    82,    77,   230,    18,    88,    83,    21,    22,
      90,    91,    88,   138,    87,     5,   141,    77,    40,     5,
      42,    43,    44,    45,    88,    89,    48,    40,    50,    92,
      93,    44,    45,   259,   260,    48,    77,    50,    82,   265,
      62,    77,    64,    78,   169,    87,    90,    91,    82,    62,
      79,    77,   177,    75,    80,    88,    90,    91,    77,   181,
     182,    80,    84,   185,    65,    87,    67,    94,    95,   194,
      71,    72,   197,    86,    88,    79,    90,    91,    82,    77,
      77,   307,    14,    15,    16,   210,    77,    19,    14,    15,
      16,   213,    77,    19,    77,    27,    28,    77,    77,   224,
     225,    27,    28,    77,    77,     3,     3,    39,   208,   231,
      79,   211,   234,    39,    79,    79,   241,    79,    79,    79,
     245,   246,   247,   248,   249,   250,   251,    81,    81,    87,
      87,    87,    80,     3,     3,    77,    79,    77,     3,    78,
      36,    79,    79,    79,     3,    77,   268,    36,    79,   274,
     275,   276,    79,    36,     1,    79,     3,    79,    79,    79,
       7,     8,    79,    10,    89,    12,    89,    77,    36,    87,
      81,    18,    36,    87,    21,    22,    82,   302,    25,    26,
      87,   229,   299,    88,    31,    32,    88,   312,   313,    88,
     301,    38,   138,    40,    -1,    -1,    -1,    44,    45,    46,
      47,    48,    -1,    50,    51,    52,    53,    -1,    -1,    56,
      -1,    58,    -1,    -1,    -1,    62,    63,    -1,    -1,    66,
      -1,    68,    69,    70,    -1,    72,    -1,     3,    -1,    76,
      -1,     7,     8,    -1,    10,    -1,    12,    -1,    -1,    -1,
      -1,    88,    18,    -1,    -1,    21,    22,    -1,    -1,    25,
      26,    -1,    -1,    -1,    -1,    31,    32,    -1,    -1,    -1,
      -1,    -1,    38,    -1,    40,    -1,    -1,    -1,    44,    45,
      46,    47,    48,    -1,    50,    51,    52,    53,    -1,    -1,
      56,    -1,    58,    -1,     0,     1,    62,    63,    -1,    -1,
      66,    -1,    68,    69,    70,    11,    72,    -1,    -1,    -1,
      76,    -1,    18,    -1,    20,    21,    22,    23,    24,    -1,
      -1,    -1,    88,    -1,    -1,    31,    -1,    33,    -1,    35,
      -1,    37,    -1,    -1,    -1,    -1,    -1,    -1,    44,    45,
      -1,    -1,    -1,    49,    -1,    -1,    52,    -1,    -1,    55,
      -1,    57,    -1,    59,    60,    61,    62,    -1,    -1,    65,
      66,    67,    -1,    -1,    -1,    71,    -1,    73,    74,     3,
      76,    77,    -1,     7,     8,    -1,    10,    -1,    12,    -1,
      -1,    -1,    -1,    -1,    18,    -1,    -1,    21,    22,    -1,
      -1,    25,    26,    -1,    -1,    -1,    -1,    31,    32,    -1,
      -1,    -1,    -1,    -1,    38,    -1,    40,    -1,    -1,    -1,
      44,    45,    46,    47,    48,    -1,    50,    51,    52,    53,
      -1,    -1,    56,    -1,    58,    -1,     3,    -1,    62,    63,
      -1,     8,    66,    10,    68,    69,    70,    -1,    72,    -1,
      -1,    18,    76,    -1,    21,    22,    -1,    -1,    25,    -1,
      -1,     3,     4,    -1,    31,    -1,     8,    -1,    10,    -1,
      -1,    38,    -1,    40,    -1,    -1,    18,    44,    45,    21,
      22,    48,    -1,    50,    -1,    52,     3,     4,    -1,    -1,
      -1,     8,    -1,    10,    -1,    62,    -1,    -1,    40,    66,
      -1,    18,    44,    45,    21,    22,    48,     3,    50,    76,
      -1,    -1,     8,    -1,    10,    -1,    -1,    -1,    -1,    -1,
      62,    -1,    18,    40,    -1,    21,    22,    44,    45,    -1,
      -1,    48,    -1,    50,    -1,    -1,    -1,     8,    -1,    10,
      -1,    -1,    13,    -1,    40,    62,    17,    -1,    44,    45,
      -1,    -1,    48,    -1,    50,    -1,    -1,    -1,    29,    30,
      -1,    -1,    -1,    34,    -1,    -1,    62,    -1,    -1,    40,
      41,    -1,    -1,    -1,    -1,    -1,    -1,    48,    -1,    50,
      -1,    -1,    -1,    54
};

/* YYSTOS[STATE-NUM] -- The symbol kind of the accessing symbol of
   state STATE-NUM.  */
static const yytype_int8 yystos[] =
{
       0,    94,    95,     0,     1,    11,    18,    20,    21,    22,
      23,    24,    31,    33,    35,    37,    44,    45,    49,    52,
      55,    57,    59,    60,    61,    62,    65,    66,    67,    71,
      73,    74,    76,    77,    96,    97,    99,    77,     3,     8,
      10,    18,    21,    22,    40,    44,    45,    48,    50,    62,
     117,   118,    77,   117,   117,     4,   100,   117,    77,    77,
       4,    87,   120,   121,   122,   117,     5,   117,   100,   117,
     117,   117,   117,    77,   120,    98,   117,   117,   117,   120,
     120,   100,    77,     5,    77,    77,    87,   110,    77,    80,
     120,    77,    90,    91,    83,    92,   110,    77,   110,    77,
      77,    77,   110,   110,    77,   117,   120,    78,    77,    77,
      77,    77,    77,     1,     7,    12,    25,    26,    31,    32,
      38,    46,    47,    51,    52,    53,    56,    58,    63,    66,
      68,    69,    70,    72,    76,    88,   111,   112,   114,   117,
     119,    79,   117,    88,   121,   121,   122,   122,    77,    77,
      77,    77,     4,     6,     9,    42,    43,    64,    75,    84,
      87,   101,   104,   106,   117,    88,     3,     3,     1,    77,
      88,    25,    31,    38,    52,    76,   119,    79,   101,   113,
     117,    81,    81,    87,    87,    81,    85,    87,   101,   106,
     108,    80,     3,     3,    77,    88,   112,    79,   113,    77,
      78,    82,    83,   120,    83,   120,     3,   102,   102,   120,
     107,   102,    80,    89,    14,    15,    16,    19,    27,    28,
      39,    77,   109,   106,    79,    79,   112,   113,   115,   101,
      36,    79,    82,    82,    79,    82,     3,   103,   103,    82,
      86,   117,   103,   106,   120,    79,    79,    79,    79,    79,
      79,    79,   113,   113,   115,    89,   108,   101,   120,    36,
      36,   120,    83,    88,    89,    36,   117,    88,    89,   105,
     117,   117,   117,   117,   117,   117,   117,   115,   115,     8,
      10,    13,    17,    29,    30,    34,    40,    41,    48,    50,
      54,   116,    82,   101,   101,    82,   102,   101,    77,   120,
      88,    89,    87,   117,   117,   117,    81,    36,    88,   105,
     116,   117,    87,    87,    82,   101,    88,    88,   117,   117,
      88,    88
};

/* YYR1[RULE-NUM] -- Symbol kind of the left-hand side of rule RULE-NUM.  */
static const yytype_int8 yyr1[] =
{
       0,    93,    94,    95,    95,    96,    96,    96,    96,    96,
      96,    96,    96,    96,    96,    96,    96,    96,    96,    96,
      96,    96,    96,    96,    96,    96,    96,    96,    96,    96,
      96,    96,    97,    98,    98,    99,    99,    99,    99,    99,
     100,   100,   100,   101,   101,   101,   101,   101,   101,   101,
     101,   101,   101,   101,   101,   101,   102,   102,   103,   103,
     104,   104,   104,   104,   105,   105,   106,   106,   107,   107,
     108,   108,   109,   109,   109,   109,   109,   109,   109,   110,
     110,   110,   110,   111,   111,   111,   112,   112,   112,   112,
     113,   113,   114,   114,   114,   114,   114,   114,   114,   114,
     114,   114,   114,   114,   114,   114,   114,   114,   114,   114,
     115,   115,   116,   116,   116,   116,   116,   116,   116,   116,
     116,   116,   116,   116,   116,   117,   117,   118,   118,   118,
     118,   118,   118,   118,   118,   118,   118,   118,   119,   119,
     119,   119,   119,   119,   119,   120,   120,   120,   121,   121,
     121,   122,   122
};

/* YYR2[RULE-NUM] -- Number of symbols on the right-hand side of rule RULE-NUM.  */
static const yytype_int8 yyr2[] =
{
       0,     2,     1,     0,     2,     1,     2,     6,     4,     4,
       4,     4,     6,     2,     3,     3,     3,     3,     3,     3,
       2,     3,     2,     3,     3,     3,     3,     3,     3,     3,
       2,     2,     3,     1,     2,     1,     1,     1,     1,     1,
       1,     1,     3,     1,     5,     6,     6,     8,     2,     6,
       4,     4,     6,     5,     5,     7,     1,     2,     0,     2,
       1,     3,     6,     8,     0,     3,     1,     1,     0,     4,
       0,     2,     3,     3,     3,     7,     7,     6,     4,     2,
       3,     4,     3,     1,     3,     4,     5,     4,     6,     6,
       1,     4,     1,     1,     1,     1,     1,     1,     1,     1,
       1,     1,     1,     1,     1,     1,     1,     1,     1,     1,
       0,     3,     1,     3,     1,     1,     1,     1,     1,     1,
       1,     1,     1,     1,     1,     1,     1,     1,     1,     1,
       1,     1,     1,     1,     1,     1,     1,     1,     1,     1,
       1,     1,     1,     1,     1,     1,     3,     3,     1,     3,
       3,     1,     3
};


enum { YYENOMEM = -2 };

#define yyerrok         (yyerrstatus = 0)
#define yyclearin       (yychar = YYEMPTY)

#define YYACCEPT        goto yyacceptlab
#define YYABORT         goto yyabortlab
#define YYERROR         goto yyerrorlab
#define YYNOMEM         goto yyexhaustedlab


#define YYRECOVERING()  (!!yyerrstatus)

#define YYBACKUP(Token, Value)                                    \
  do                                                              \
    if (yychar == YYEMPTY)                                        \
      {                                                           \
        yychar = (Token);                                         \
        yylval = (Value);                                         \
        YYPOPSTACK (yylen);                                       \
        yystate = *yyssp;                                         \
        YY_LAC_DISCARD ("YYBACKUP");                              \
        goto yybackup;                                            \
      }                                                           \
    else                                                          \
      {                                                           \
        yyerror (&yylloc, scanner, compiler, YY_("syntax error: cannot back up")); \
        YYERROR;                                                  \
      }                                                           \
  while (0)

/* Backward compatibility with an undocumented macro.
   Use YYerror or YYUNDEF. */
#define YYERRCODE YYUNDEF

/* YYLLOC_DEFAULT -- Set CURRENT to span from RHS[1] to RHS[N].
   If N is 0, then set CURRENT to the empty location which ends
   the previous symbol: RHS[0] (always defined).  */

#ifndef YYLLOC_DEFAULT
# define YYLLOC_DEFAULT(Current, Rhs, N)                                \
    do                                                                  \
      if (N)                                                            \
        {                                                               \
          (Current).first_line   = YYRHSLOC (Rhs, 1).first_line;        \
          (Current).first_column = YYRHSLOC (Rhs, 1).first_column;      \
          (Current).last_line    = YYRHSLOC (Rhs, N).last_line;         \
          (Current).last_column  = YYRHSLOC (Rhs, N).last_column;       \
        }                                                               \
      else                                                              \
        {                                                               \
          (Current).first_line   = (Current).last_line   =              \
            YYRHSLOC (Rhs, 0).last_line;                                \
          (Current).first_column = (Current).last_column =              \
            YYRHSLOC (Rhs, 0).last_column;                              \
        }                                                               \
    while (0)
#endif

#define YYRHSLOC(Rhs, K) ((Rhs)[K])


/* Enable debugging if requested.  */
#if YYDEBUG

# ifndef YYFPRINTF
#  include <stdio.h> /* INFRINGES ON USER NAME SPACE */
#  define YYFPRINTF fprintf
# endif

# define YYDPRINTF(Args)                        \
do {                                            \
  if (yydebug)                                  \
    YYFPRINTF Args;                             \
} while (0)


/* YYLOCATION_PRINT -- Print the location on the stream.
   This macro was not mandated originally: define only if we know
   we won't break user code: when these are the locations we know.  */

# ifndef YYLOCATION_PRINT

#  if defined YY_LOCATION_PRINT

   /* Temporary convenience wrapper in case some people defined the
      undocumented and private YY_LOCATION_PRINT macros.  */
#   define YYLOCATION_PRINT(File, Loc)  YY_LOCATION_PRINT(File, *(Loc))

#  elif defined YYLTYPE_IS_TRIVIAL && YYLTYPE_IS_TRIVIAL

/* Print *YYLOCP on YYO.  Private, do not rely on its existence. */

YY_ATTRIBUTE_UNUSED
static int
yy_location_print_ (FILE *yyo, YYLTYPE const * const yylocp)
{
  int res = 0;
  int end_col = 0 != yylocp->last_column ? yylocp->last_column - 1 : 0;
  if (0 <= yylocp->first_line)
    {
      res += YYFPRINTF (yyo, "%d", yylocp->first_line);
      if (0 <= yylocp->first_column)
        res += YYFPRINTF (yyo, ".%d", yylocp->first_column);
    }
  if (0 <= yylocp->last_line)
    {
      if (yylocp->first_line < yylocp->last_line)
        {
          res += YYFPRINTF (yyo, "-%d", yylocp->last_line);
          if (0 <= end_col)
            res += YYFPRINTF (yyo, ".%d", end_col);
        }
      else if (0 <= end_col && yylocp->first_column < end_col)
        res += YYFPRINTF (yyo, "-%d", end_col);
    }
  return res;
}

#   define YYLOCATION_PRINT  yy_location_print_

    /* Temporary convenience wrapper in case some people defined the
       undocumented and private YY_LOCATION_PRINT macros.  */
#   define YY_LOCATION_PRINT(File, Loc)  YYLOCATION_PRINT(File, &(Loc))

#  else

#   define YYLOCATION_PRINT(File, Loc) ((void) 0)
    /* Temporary convenience wrapper in case some people defined the
       undocumented and private YY_LOCATION_PRINT macros.  */
#   define YY_LOCATION_PRINT  YYLOCATION_PRINT

#  endif
# endif /* !defined YYLOCATION_PRINT */


# define YY_SYMBOL_PRINT(Title, Kind, Value, Location)                    \
do {                                                                      \
  if (yydebug)                                                            \
    {                                                                     \
      YYFPRINTF (stderr, "%s ", Title);                                   \
      yy_symbol_print (stderr,                                            \
                  Kind, Value, Location, scanner, compiler); \
      YYFPRINTF (stderr, "\n");                                           \
    }                                                                     \
} while (0)


/*-----------------------------------.
| Print this symbol's value on YYO.  |
`-----------------------------------*/

static void
yy_symbol_value_print (FILE *yyo,
                       yysymbol_kind_t yykind, YYSTYPE const * const yyvaluep, YYLTYPE const * const yylocationp, void *scanner, struct compiler *compiler)
{
  FILE *yyoutput = yyo;
  YY_USE (yyoutput);
  YY_USE (yylocationp);
  YY_USE (scanner);
  YY_USE (compiler);
  if (!yyvaluep)
    return;
  YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
  YY_USE (yykind);
  YY_IGNORE_MAYBE_UNINITIALIZED_END
}


/*---------------------------.
| Print this symbol on YYO.  |
`---------------------------*/

static void
yy_symbol_print (FILE *yyo,
                 yysymbol_kind_t yykind, YYSTYPE const * const yyvaluep, YYLTYPE const * const yylocationp, void *scanner, struct compiler *compiler)
{
  YYFPRINTF (yyo, "%s %s (",
             yykind < YYNTOKENS ? "token" : "nterm", yysymbol_name (yykind));

  YYLOCATION_PRINT (yyo, yylocationp);
  YYFPRINTF (yyo, ": ");
  yy_symbol_value_print (yyo, yykind, yyvaluep, yylocationp, scanner, compiler);
  YYFPRINTF (yyo, ")");
}

/*------------------------------------------------------------------.
| yy_stack_print -- Print the state stack from its BOTTOM up to its |
| TOP (included).                                                   |
`------------------------------------------------------------------*/

static void
yy_stack_print (yy_state_t *yybottom, yy_state_t *yytop)
{
  YYFPRINTF (stderr, "Stack now");
  for (; yybottom <= yytop; yybottom++)
    {
      int yybot = *yybottom;
      YYFPRINTF (stderr, " %d", yybot);
    }
  YYFPRINTF (stderr, "\n");
}

# define YY_STACK_PRINT(Bottom, Top)                            \
do {                                                            \
  if (yydebug)                                                  \
    yy_stack_print ((Bottom), (Top));                           \
} while (0)


/*------------------------------------------------.
| Report that the YYRULE is going to be reduced.  |
`------------------------------------------------*/

static void
yy_reduce_print (yy_state_t *yyssp, YYSTYPE *yyvsp, YYLTYPE *yylsp,
                 int yyrule, void *scanner, struct compiler *compiler)
{
  int yylno = yyrline[yyrule];
  int yynrhs = yyr2[yyrule];
  int yyi;
  YYFPRINTF (stderr, "Reducing stack by rule %d (line %d):\n",
             yyrule - 1, yylno);
  /* The symbols being reduced.  */
  for (yyi = 0; yyi < yynrhs; yyi++)
    {
      YYFPRINTF (stderr, "   $%d = ", yyi + 1);
      yy_symbol_print (stderr,
                       YY_ACCESSING_SYMBOL (+yyssp[yyi + 1 - yynrhs]),
                       &yyvsp[(yyi + 1) - (yynrhs)],
                       &(yylsp[(yyi + 1) - (yynrhs)]), scanner, compiler);
      YYFPRINTF (stderr, "\n");
    }
}

# define YY_REDUCE_PRINT(Rule)          \
do {                                    \
  if (yydebug)                          \
    yy_reduce_print (yyssp, yyvsp, yylsp, Rule, scanner, compiler); \
} while (0)

/* Nonzero means print parse trace.  It is left uninitialized so that
   multiple parsers can coexist.  */
int yydebug;
#else /* !YYDEBUG */
# define YYDPRINTF(Args) ((void) 0)
# define YY_SYMBOL_PRINT(Title, Kind, Value, Location)
# define YY_STACK_PRINT(Bottom, Top)
# define YY_REDUCE_PRINT(Rule)
#endif /* !YYDEBUG */


/* YYINITDEPTH -- initial size of the parser's stacks.  */
#ifndef YYINITDEPTH
# define YYINITDEPTH 200
#endif

/* YYMAXDEPTH -- maximum size the stacks can grow to (effective only
   if the built-in stack extension method is used).

   Do not make this value too large; the results are undefined if
   YYSTACK_ALLOC_MAXIMUM < YYSTACK_BYTES (YYMAXDEPTH)
   evaluated with infinite-precision integer arithmetic.  */

#ifndef YYMAXDEPTH
# define YYMAXDEPTH 10000
#endif


/* Given a state stack such that *YYBOTTOM is its bottom, such that
   *YYTOP is either its top or is YYTOP_EMPTY to indicate an empty
   stack, and such that *YYCAPACITY is the maximum number of elements it
   can hold without a reallocation, make sure there is enough room to
   store YYADD more elements.  If not, allocate a new stack using
   YYSTACK_ALLOC, copy the existing elements, and adjust *YYBOTTOM,
   *YYTOP, and *YYCAPACITY to reflect the new capacity and memory
   location.  If *YYBOTTOM != YYBOTTOM_NO_FREE, then free the old stack
   using YYSTACK_FREE.  Return 0 if successful or if no reallocation is
   required.  Return YYENOMEM if memory is exhausted.  */
static int
yy_lac_stack_realloc (YYPTRDIFF_T *yycapacity, YYPTRDIFF_T yyadd,
#if YYDEBUG
                      char const *yydebug_prefix,
                      char const *yydebug_suffix,
#endif
                      yy_state_t **yybottom,
                      yy_state_t *yybottom_no_free,
                      yy_state_t **yytop, yy_state_t *yytop_empty)
{
  YYPTRDIFF_T yysize_old =
    *yytop == yytop_empty ? 0 : *yytop - *yybottom + 1;
  YYPTRDIFF_T yysize_new = yysize_old + yyadd;
  if (*yycapacity < yysize_new)
    {
      YYPTRDIFF_T yyalloc = 2 * yysize_new;
      yy_state_t *yybottom_new;
      /* Use YYMAXDEPTH for maximum stack size given that the stack
         should never need to grow larger than the main state stack
         needs to grow without LAC.  */
      if (YYMAXDEPTH < yysize_new)
        {
          YYDPRINTF ((stderr, "%smax size exceeded%s", yydebug_prefix,
                      yydebug_suffix));
          return YYENOMEM;
        }
      if (YYMAXDEPTH < yyalloc)
        yyalloc = YYMAXDEPTH;
      yybottom_new =
        YY_CAST (yy_state_t *,
                 YYSTACK_ALLOC (YY_CAST (YYSIZE_T,
                                         yyalloc * YYSIZEOF (*yybottom_new))));
      if (!yybottom_new)
        {
          YYDPRINTF ((stderr, "%srealloc failed%s", yydebug_prefix,
                      yydebug_suffix));
          return YYENOMEM;
        }
      if (*yytop != yytop_empty)
        {
          YYCOPY (yybottom_new, *yybottom, yysize_old);
          *yytop = yybottom_new + (yysize_old - 1);
        }
      if (*yybottom != yybottom_no_free)
        YYSTACK_FREE (*yybottom);
      *yybottom = yybottom_new;
      *yycapacity = yyalloc;
    }
  return 0;
}

/* Establish the initial context for the current lookahead if no initial
   context is currently established.

   We define a context as a snapshot of the parser stacks.  We define
   the initial context for a lookahead as the context in which the
   parser initially examines that lookahead in order to select a
   syntactic action.  Thus, if the lookahead eventually proves
   syntactically unacceptable (possibly in a later context reached via a
   series of reductions), the initial context can be used to determine
   the exact set of tokens that would be syntactically acceptable in the
   lookahead's place.  Moreover, it is the context after which any
   further semantic actions would be erroneous because they would be
   determined by a syntactically unacceptable token.

   YY_LAC_ESTABLISH should be invoked when a reduction is about to be
   performed in an inconsistent state (which, for the purposes of LAC,
   includes consistent states that don't know they're consistent because
   their default reductions have been disabled).  Iff there is a
   lookahead token, it should also be invoked before reporting a syntax
   error.  This latter case is for the sake of the debugging output.

   For parse.lac=full, the implementation of YY_LAC_ESTABLISH is as
   follows.  If no initial context is currently established for the
   current lookahead, then check if that lookahead can eventually be
   shifted if syntactic actions continue from the current context.
   Report a syntax error if it cannot.  */
#define YY_LAC_ESTABLISH                                                \
do {                                                                    \
  if (!yy_lac_established)                                              \
    {                                                                   \
      YYDPRINTF ((stderr,                                               \
                  "LAC: initial context established for %s\n",          \
                  yysymbol_name (yytoken)));                            \
      yy_lac_established = 1;                                           \
      switch (yy_lac (yyesa, &yyes, &yyes_capacity, yyssp, yytoken))    \
        {                                                               \
        case YYENOMEM:                                                  \
          YYNOMEM;                                                      \
        case 1:                                                         \
          goto yyerrlab;                                                \
        }                                                               \
    }                                                                   \
} while (0)

/* Discard any previous initial lookahead context because of Event,
   which may be a lookahead change or an invalidation of the currently
   established initial context for the current lookahead.

   The most common example of a lookahead change is a shift.  An example
   of both cases is syntax error recovery.  That is, a syntax error
   occurs when the lookahead is syntactically erroneous for the
   currently established initial context, so error recovery manipulates
   the parser stacks to try to find a new initial context in which the
   current lookahead is syntactically acceptable.  If it fails to find
   such a context, it discards the lookahead.  */
#if YYDEBUG
# define YY_LAC_DISCARD(Event)                                           \
do {                                                                     \
  if (yy_lac_established)                                                \
    {                                                                    \
      YYDPRINTF ((stderr, "LAC: initial context discarded due to "       \
                  Event "\n"));                                          \
      yy_lac_established = 0;                                            \
    }                                                                    \
} while (0)
#else
# define YY_LAC_DISCARD(Event) yy_lac_established = 0
#endif

/* Given the stack whose top is *YYSSP, return 0 iff YYTOKEN can
   eventually (after perhaps some reductions) be shifted, return 1 if
   not, or return YYENOMEM if memory is exhausted.  As preconditions and
   postconditions: *YYES_CAPACITY is the allocated size of the array to
   which *YYES points, and either *YYES = YYESA or *YYES points to an
   array allocated with YYSTACK_ALLOC.  yy_lac may overwrite the
   contents of either array, alter *YYES and *YYES_CAPACITY, and free
   any old *YYES other than YYESA.  */
static int
yy_lac (yy_state_t *yyesa, yy_state_t **yyes,
        YYPTRDIFF_T *yyes_capacity, yy_state_t *yyssp, yysymbol_kind_t yytoken)
{
  yy_state_t *yyes_prev = yyssp;
  yy_state_t *yyesp = yyes_prev;
  /* Reduce until we encounter a shift and thereby accept the token.  */
  YYDPRINTF ((stderr, "LAC: checking lookahead %s:", yysymbol_name (yytoken)));
  if (yytoken == YYSYMBOL_YYUNDEF)
    {
      YYDPRINTF ((stderr, " Always Err\n"));
      return 1;
    }
  while (1)
    {
      int yyrule = yypact[+*yyesp];
      if (yypact_value_is_default (yyrule)
          || (yyrule += yytoken) < 0 || YYLAST < yyrule
          || yycheck[yyrule] != yytoken)
        {
          /* Use the default action.  */
          yyrule = yydefact[+*yyesp];
          if (yyrule == 0)
            {
              YYDPRINTF ((stderr, " Err\n"));
              return 1;
            }
        }
      else
        {
          /* Use the action from yytable.  */
          yyrule = yytable[yyrule];
          if (yytable_value_is_error (yyrule))
            {
              YYDPRINTF ((stderr, " Err\n"));
              return 1;
            }
          if (0 < yyrule)
            {
              YYDPRINTF ((stderr, " S%d\n", yyrule));
              return 0;
            }
          yyrule = -yyrule;
        }
      /* By now we know we have to simulate a reduce.  */
      YYDPRINTF ((stderr, " R%d", yyrule - 1));
      {
        /* Pop the corresponding number of values from the stack.  */
        YYPTRDIFF_T yylen = yyr2[yyrule];
        /* First pop from the LAC stack as many tokens as possible.  */
        if (yyesp != yyes_prev)
          {
            YYPTRDIFF_T yysize = yyesp - *yyes + 1;
            if (yylen < yysize)
              {
                yyesp -= yylen;
                yylen = 0;
              }
            else
              {
                yyesp = yyes_prev;
                yylen -= yysize;
              }
          }
        /* Only afterwards look at the main stack.  */
        if (yylen)
          yyesp = yyes_prev -= yylen;
      }
      /* Push the resulting state of the reduction.  */
      {
        yy_state_fast_t yystate;
        {
          const int yylhs = yyr1[yyrule] - YYNTOKENS;
          const int yyi = yypgoto[yylhs] + *yyesp;
          yystate = (0 <= yyi && yyi <= YYLAST && yycheck[yyi] == *yyesp
                     ? yytable[yyi]
                     : yydefgoto[yylhs]);
        }
        if (yyesp == yyes_prev)
          {
            yyesp = *yyes;
            YY_IGNORE_USELESS_CAST_BEGIN
            *yyesp = YY_CAST (yy_state_t, yystate);
            YY_IGNORE_USELESS_CAST_END
          }
        else
          {
            if (yy_lac_stack_realloc (yyes_capacity, 1,
#if YYDEBUG
                                      " (", ")",
#endif
                                      yyes, yyesa, &yyesp, yyes_prev))
              {
                YYDPRINTF ((stderr, "\n"));
                return YYENOMEM;
              }
            YY_IGNORE_USELESS_CAST_BEGIN
            *++yyesp = YY_CAST (yy_state_t, yystate);
            YY_IGNORE_USELESS_CAST_END
          }
        YYDPRINTF ((stderr, " G%d", yystate));
      }
    }
}

/* Context of a parse error.  */
typedef struct
{
  yy_state_t *yyssp;
  yy_state_t *yyesa;
  yy_state_t **yyes;
  YYPTRDIFF_T *yyes_capacity;
  yysymbol_kind_t yytoken;
  YYLTYPE *yylloc;
} yypcontext_t;

/* Put in YYARG at most YYARGN of the expected tokens given the
   current YYCTX, and return the number of tokens stored in YYARG.  If
   YYARG is null, return the number of expected tokens (guaranteed to
   be less than YYNTOKENS).  Return YYENOMEM on memory exhaustion.
   Return 0 if there are more than YYARGN expected tokens, yet fill
   YYARG up to YYARGN. */
static int
yypcontext_expected_tokens (const yypcontext_t *yyctx,
                            yysymbol_kind_t yyarg[], int yyargn)
{
  /* Actual size of YYARG. */
  int yycount = 0;

  int yyx;
  for (yyx = 0; yyx < YYNTOKENS; ++yyx)
    {
      yysymbol_kind_t yysym = YY_CAST (yysymbol_kind_t, yyx);
      if (yysym != YYSYMBOL_YYerror && yysym != YYSYMBOL_YYUNDEF)
        switch (yy_lac (yyctx->yyesa, yyctx->yyes, yyctx->yyes_capacity, yyctx->yyssp, yysym))
          {
          case YYENOMEM:
            return YYENOMEM;
          case 1:
            continue;
          default:
            if (!yyarg)
              ++yycount;
            else if (yycount == yyargn)
              return 0;
            else
              yyarg[yycount++] = yysym;
          }
    }
  if (yyarg && yycount == 0 && 0 < yyargn)
    yyarg[0] = YYSYMBOL_YYEMPTY;
  return yycount;
}




/* The kind of the lookahead of this context.  */
static yysymbol_kind_t
yypcontext_token (const yypcontext_t *yyctx) YY_ATTRIBUTE_UNUSED;

static yysymbol_kind_t
yypcontext_token (const yypcontext_t *yyctx)
{
  return yyctx->yytoken;
}

/* The location of the lookahead of this context.  */
static YYLTYPE *
yypcontext_location (const yypcontext_t *yyctx) YY_ATTRIBUTE_UNUSED;

static YYLTYPE *
yypcontext_location (const yypcontext_t *yyctx)
{
  return yyctx->yylloc;
}

/* User defined function to report a syntax error.  */
static int
yyreport_syntax_error (const yypcontext_t *yyctx, void *scanner, struct compiler *compiler);

/*-----------------------------------------------.
| Release the memory associated to this symbol.  |
`-----------------------------------------------*/

static void
yydestruct (const char *yymsg,
            yysymbol_kind_t yykind, YYSTYPE *yyvaluep, YYLTYPE *yylocationp, void *scanner, struct compiler *compiler)
{
  YY_USE (yyvaluep);
  YY_USE (yylocationp);
  YY_USE (scanner);
  YY_USE (compiler);
  if (!yymsg)
    yymsg = "Deleting";
  YY_SYMBOL_PRINT (yymsg, yykind, yyvaluep, yylocationp);

  YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
  YY_USE (yykind);
  YY_IGNORE_MAYBE_UNINITIALIZED_END
}






/*----------.
| yyparse.  |
`----------*/

int
yyparse (void *scanner, struct compiler *compiler)
{
/* Lookahead token kind.  */
int yychar;


/* The semantic value of the lookahead symbol.  */
/* Default value used for initialization, for pacifying older GCCs
   or non-GCC compilers.  */
YY_INITIAL_VALUE (static YYSTYPE yyval_default;)
YYSTYPE yylval YY_INITIAL_VALUE (= yyval_default);

/* Location data for the lookahead symbol.  */
static YYLTYPE yyloc_default
# if defined YYLTYPE_IS_TRIVIAL && YYLTYPE_IS_TRIVIAL
  = { 1, 1, 1, 1 }
# endif
;
YYLTYPE yylloc = yyloc_default;

    /* Number of syntax errors so far.  */
    int yynerrs = 0;

    yy_state_fast_t yystate = 0;
    /* Number of tokens to shift before error messages enabled.  */
    int yyerrstatus = 0;

    /* Refer to the stacks through separate pointers, to allow yyoverflow
       to reallocate them elsewhere.  */

    /* Their size.  */
    YYPTRDIFF_T yystacksize = YYINITDEPTH;

    /* The state stack: array, bottom, top.  */
    yy_state_t yyssa[YYINITDEPTH];
    yy_state_t *yyss = yyssa;
    yy_state_t *yyssp = yyss;

    /* The semantic value stack: array, bottom, top.  */
    YYSTYPE yyvsa[YYINITDEPTH];
    YYSTYPE *yyvs = yyvsa;
    YYSTYPE *yyvsp = yyvs;

    /* The location stack: array, bottom, top.  */
    YYLTYPE yylsa[YYINITDEPTH];
    YYLTYPE *yyls = yylsa;
    YYLTYPE *yylsp = yyls;

    yy_state_t yyesa[20];
    yy_state_t *yyes = yyesa;
    YYPTRDIFF_T yyes_capacity = 20 < YYMAXDEPTH ? 20 : YYMAXDEPTH;

  /* Whether LAC context is established.  A Boolean.  */
  int yy_lac_established = 0;
  int yyn;
  /* The return value of yyparse.  */
  int yyresult;
  /* Lookahead symbol kind.  */
  yysymbol_kind_t yytoken = YYSYMBOL_YYEMPTY;
  /* The variables used to return semantic value and location from the
     action routines.  */
  YYSTYPE yyval;
  YYLTYPE yyloc;

  /* The locations where the error started and ended.  */
  YYLTYPE yyerror_range[3];



#define YYPOPSTACK(N)   (yyvsp -= (N), yyssp -= (N), yylsp -= (N))

  /* The number of symbols on the RHS of the reduced rule.
     Keep to zero when no symbol should be popped.  */
  int yylen = 0;

  YYDPRINTF ((stderr, "Starting parse\n"));

  yychar = YYEMPTY; /* Cause a token to be read.  */


/* User initialization code.  */
#line 25 "parser.y"
{ yylloc = (struct loc){.file = compiler->file, .text = compiler->source, .line = 1, .column = 1}; }

#line 1706 "parser.c"

  yylsp[0] = yylloc;
  goto yysetstate;


/*------------------------------------------------------------.
| yynewstate -- push a new state, which is found in yystate.  |
`------------------------------------------------------------*/
yynewstate:
  /* In all cases, when you get here, the value and location stacks
     have just been pushed.  So pushing a state here evens the stacks.  */
  yyssp++;


/*--------------------------------------------------------------------.
| yysetstate -- set current state (the top of the stack) to yystate.  |
`--------------------------------------------------------------------*/
yysetstate:
  YYDPRINTF ((stderr, "Entering state %d\n", yystate));
  YY_ASSERT (0 <= yystate && yystate < YYNSTATES);
  YY_IGNORE_USELESS_CAST_BEGIN
  *yyssp = YY_CAST (yy_state_t, yystate);
  YY_IGNORE_USELESS_CAST_END
  YY_STACK_PRINT (yyss, yyssp);

  if (yyss + yystacksize - 1 <= yyssp)
#if !defined yyoverflow && !defined YYSTACK_RELOCATE
    YYNOMEM;
#else
    {
      /* Get the current used size of the three stacks, in elements.  */
      YYPTRDIFF_T yysize = yyssp - yyss + 1;

# if defined yyoverflow
      {
        /* Give user a chance to reallocate the stack.  Use copies of
           these so that the &'s don't force the real ones into
           memory.  */
        yy_state_t *yyss1 = yyss;
        YYSTYPE *yyvs1 = yyvs;
        YYLTYPE *yyls1 = yyls;

        /* Each stack pointer address is followed by the size of the
           data in use in that stack, in bytes.  This used to be a
           conditional around just the two extra args, but that might
           be undefined if yyoverflow is a macro.  */
        yyoverflow (YY_("memory exhausted"),
                    &yyss1, yysize * YYSIZEOF (*yyssp),
                    &yyvs1, yysize * YYSIZEOF (*yyvsp),
                    &yyls1, yysize * YYSIZEOF (*yylsp),
                    &yystacksize);
        yyss = yyss1;
        yyvs = yyvs1;
        yyls = yyls1;
      }
# else /* defined YYSTACK_RELOCATE */
      /* Extend the stack our own way.  */
      if (YYMAXDEPTH <= yystacksize)
        YYNOMEM;
      yystacksize *= 2;
      if (YYMAXDEPTH < yystacksize)
        yystacksize = YYMAXDEPTH;

      {
        yy_state_t *yyss1 = yyss;
        union yyalloc *yyptr =
          YY_CAST (union yyalloc *,
                   YYSTACK_ALLOC (YY_CAST (YYSIZE_T, YYSTACK_BYTES (yystacksize))));
        if (! yyptr)
          YYNOMEM;
        YYSTACK_RELOCATE (yyss_alloc, yyss);
        YYSTACK_RELOCATE (yyvs_alloc, yyvs);
        YYSTACK_RELOCATE (yyls_alloc, yyls);
#  undef YYSTACK_RELOCATE
        if (yyss1 != yyssa)
          YYSTACK_FREE (yyss1);
      }
# endif

      yyssp = yyss + yysize - 1;
      yyvsp = yyvs + yysize - 1;
      yylsp = yyls + yysize - 1;

      YY_IGNORE_USELESS_CAST_BEGIN
      YYDPRINTF ((stderr, "Stack size increased to %ld\n",
                  YY_CAST (long, yystacksize)));
      YY_IGNORE_USELESS_CAST_END

      if (yyss + yystacksize - 1 <= yyssp)
        YYABORT;
    }
#endif /* !defined yyoverflow && !defined YYSTACK_RELOCATE */


  if (yystate == YYFINAL)
    YYACCEPT;

  goto yybackup;


/*-----------.
| yybackup.  |
`-----------*/
yybackup:
  /* Do appropriate processing given the current state.  Read a
     lookahead token if we need one and don't already have one.  */

  /* First try to decide what to do without reference to lookahead token.  */
  yyn = yypact[yystate];
  if (yypact_value_is_default (yyn))
    goto yydefault;

  /* Not known => get a lookahead token if don't already have one.  */

  /* YYCHAR is either empty, or end-of-input, or a valid lookahead.  */
  if (yychar == YYEMPTY)
    {
      YYDPRINTF ((stderr, "Reading a token\n"));
      yychar = yylex (&yylval, &yylloc, scanner);
    }

  if (yychar <= YYEOF)
    {
      yychar = YYEOF;
      yytoken = YYSYMBOL_YYEOF;
      YYDPRINTF ((stderr, "Now at end of input.\n"));
    }
  else if (yychar == YYerror)
    {
      /* The scanner already issued an error message, process directly
         to error recovery.  But do not keep the error token as
         lookahead, it is too special and may lead us to an endless
         loop in error recovery. */
      yychar = YYUNDEF;
      yytoken = YYSYMBOL_YYerror;
      yyerror_range[1] = yylloc;
      goto yyerrlab1;
    }
  else
    {
      yytoken = YYTRANSLATE (yychar);
      YY_SYMBOL_PRINT ("Next token is", yytoken, &yylval, &yylloc);
    }

  /* If the proper action on seeing token YYTOKEN is to reduce or to
     detect an error, take that action.  */
  yyn += yytoken;
  if (yyn < 0 || YYLAST < yyn || yycheck[yyn] != yytoken)
    {
      YY_LAC_ESTABLISH;
      goto yydefault;
    }
  yyn = yytable[yyn];
  if (yyn <= 0)
    {
      if (yytable_value_is_error (yyn))
        goto yyerrlab;
      yyn = -yyn;
      YY_LAC_ESTABLISH;
      goto yyreduce;
    }

  /* Count tokens shifted since error; after three, turn off error
     status.  */
  if (yyerrstatus)
    yyerrstatus--;

  /* Shift the lookahead token.  */
  YY_SYMBOL_PRINT ("Shifting", yytoken, &yylval, &yylloc);
  yystate = yyn;
  YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
  *++yyvsp = yylval;
  YY_IGNORE_MAYBE_UNINITIALIZED_END
  *++yylsp = yylloc;

  /* Discard the shifted token.  */
  yychar = YYEMPTY;
  YY_LAC_DISCARD ("shift");
  goto yynewstate;


/*-----------------------------------------------------------.
| yydefault -- do the default action for the current state.  |
`-----------------------------------------------------------*/
yydefault:
  yyn = yydefact[yystate];
  if (yyn == 0)
    goto yyerrlab;
  goto yyreduce;


/*-----------------------------.
| yyreduce -- do a reduction.  |
`-----------------------------*/
yyreduce:
  /* yyn is the number of a rule to reduce with.  */
  yylen = yyr2[yyn];

  /* If YYLEN is nonzero, implement the default value of the action:
     '$$ = $1'.

     Otherwise, the following line sets YYVAL to garbage.
     This behavior is undocumented and Bison
     users should not rely upon it.  Assigning to YYVAL
     unconditionally makes the parser a bit smaller, and it avoids a
     GCC warning that YYVAL may be used uninitialized.  */
  yyval = yyvsp[1-yylen];

  /* Default location. */
  YYLLOC_DEFAULT (yyloc, (yylsp - yylen), yylen);
  yyerror_range[1] = yyloc;
  YY_REDUCE_PRINT (yyn);
  {
    int yychar_backup = yychar;
    switch (yyn)
      {
  case 7: /* statement: "type" name '=' type_spec translations ';'  */
#line 83 "parser.y"
                                                      {
		type_define(compiler, type_named(compiler, &(yylsp[-4]), (yyvsp[-4].text), (yyvsp[-2].type), (yyvsp[-1].translation)));
	}
#line 1928 "parser.c"
    break;

  case 8: /* statement: "routine" name arguments ';'  */
#line 86 "parser.y"
                                        { add_routine(compiler, &(yylsp[-2]), (yyvsp[-2].text), false, (yyvsp[-1].argument)); }
#line 1934 "parser.c"
    break;

  case 9: /* statement: "simpleroutine" name arguments ';'  */
#line 87 "parser.y"
                                              { add_routine(compiler, &(yylsp[-2]), (yyvsp[-2].text), true, (yyvsp[-1].argument)); }
#line 1940 "parser.c"
    break;

  case 10: /* statement: "procedure" name arguments ';'  */
#line 88 "parser.y"
                                          { add_procedure(compiler, &(yylsp[-2]), (yyvsp[-2].text), false, (yyvsp[-1].argument)); }
#line 1946 "parser.c"
    break;

  case 11: /* statement: "simpleprocedure" name arguments ';'  */
#line 89 "parser.y"
                                                { add_procedure(compiler, &(yylsp[-2]), (yyvsp[-2].text), true, (yyvsp[-1].argument)); }
#line 1952 "parser.c"
    break;

  case 12: /* statement: "function" name arguments ':' argument_type ';'  */
#line 90 "parser.y"
                                                           { add_function(compiler, &(yylsp[-4]), (yyvsp[-4].text), (yyvsp[-3].argument), (yyvsp[-1].type)); }
#line 1958 "parser.c"
    break;

  case 13: /* statement: "skip" ';'  */
#line 91 "parser.y"
                      { add_skip(compiler, &(yylsp[-1]), 1); }
#line 1964 "parser.c"
    break;

  case 14: /* statement: "skip" expression ';'  */
#line 92 "parser.y"
                                 { add_skip(compiler, &(yylsp[-1]), (yyvsp[-1].number)); }
#line 1970 "parser.c"
    break;

  case 15: /* statement: import_word "a file name or string in quotes" ';'  */
#line 93 "parser.y"
                                 { add_import(compiler, (yyvsp[-2].import), (yyvsp[-1].text)); }
#line 1976 "parser.c"
    break;

  case 16: /* statement: "serverprefix" name ';'  */
#line 94 "parser.y"
                                   { compiler->server_prefix = (yyvsp[-1].text); }
#line 1982 "parser.c"
    break;

  case 17: /* statement: "userprefix" name ';'  */
#line 95 "parser.y"
                                 { compiler->user_prefix = (yyvsp[-1].text); }
#line 1988 "parser.c"
    break;

  case 18: /* statement: "serverdemux" name ';'  */
#line 96 "parser.y"
                                  { compiler->interface.demux = (yyvsp[-1].text); }
#line 1994 "parser.c"
    break;

  case 19: /* statement: "waittime" option_word ';'  */
#line 97 "parser.y"
                                      { compiler->waittime = word_text(compiler, &(yyvsp[-1].word)); }
#line 2000 "parser.c"
    break;

  case 20: /* statement: "nowaittime" ';'  */
#line 98 "parser.y"
                            { compiler->waittime = NULL; }
#line 2006 "parser.c"
    break;

  case 21: /* statement: "sendtime" option_word ';'  */
#line 99 "parser.y"
                                      { compiler->sendtime = word_text(compiler, &(yyvsp[-1].word)); }
#line 2012 "parser.c"
    break;

  case 22: /* statement: "nosendtime" ';'  */
#line 100 "parser.y"
                            { compiler->sendtime = NULL; }
#line 2018 "parser.c"
    break;

  case 23: /* statement: "msgoption" option_word ';'  */
#line 101 "parser.y"
                                       { set_msgoption(compiler, &(yyvsp[-1].word)); }
#line 2024 "parser.c"
    break;

  case 25: /* statement: "consumeonsenderror" name ';'  */
#line 103 "parser.y"
                                         { check_consume(compiler, &(yylsp[-1]), (yyvsp[-1].text)); }
#line 2030 "parser.c"
    break;

  case 29: /* statement: "rcsid" "a file name or string in quotes" ';'  */
#line 107 "parser.y"
                              { compiler->interface.user_rcsid = (yyvsp[-1].text); }
#line 2036 "parser.c"
    break;

  case 30: /* statement: "deferred" ';'  */
#line 108 "parser.y"
                          { compiler->interface.deferred = true; }
#line 2042 "parser.c"
    break;

  case 31: /* statement: error ';'  */
#line 109 "parser.y"
                    { yyerrok; if (compiler->stopped) YYABORT; }
#line 2048 "parser.c"
    break;

  case 32: /* subsystem: "subsystem" subsystem_words expression  */
#line 112 "parser.y"
                                                   { end_subsystem(compiler, &(yylsp[-2]), (yyvsp[0].number)); }
#line 2054 "parser.c"
    break;

  case 33: /* subsystem_words: name  */
#line 114 "parser.y"
             { begin_subsystem(compiler, &(yylsp[0]), (yyvsp[0].text)); }
#line 2060 "parser.c"
    break;

  case 34: /* subsystem_words: subsystem_words name  */
#line 115 "parser.y"
                               { add_subsystem_word(compiler, &(yylsp[0]), (yyvsp[0].text)); }
#line 2066 "parser.c"
    break;

  case 35: /* import_word: "import"  */
#line 119 "parser.y"
                  { (yyval.import) = IMPORT_BOTH; }
#line 2072 "parser.c"
    break;

  case 36: /* import_word: "uimport"  */
#line 120 "parser.y"
                     { (yyval.import) = IMPORT_USER; }
#line 2078 "parser.c"
    break;

  case 37: /* import_word: "simport"  */
#line 121 "parser.y"
                     { (yyval.import) = IMPORT_SERVER; }
#line 2084 "parser.c"
    break;

  case 38: /* import_word: "iimport"  */
#line 122 "parser.y"
                     { (yyval.import) = IMPORT_INTERNAL; }
#line 2090 "parser.c"
    break;

  case 39: /* import_word: "dimport"  */
#line 123 "parser.y"
                     { (yyval.import) = IMPORT_DEFINES; }
#line 2096 "parser.c"
    break;

  case 40: /* option_word: name  */
#line 127 "parser.y"
             { (yyval.word) = (struct word){.loc = (yylsp[0]), .text = (yyvsp[0].text)}; }
#line 2102 "parser.c"
    break;

  case 41: /* option_word: "a number"  */
#line 128 "parser.y"
                 { (yyval.word) = (struct word){.loc = (yylsp[0]), .number = (yyvsp[0].number)}; }
#line 2108 "parser.c"
    break;

  case 42: /* option_word: option_word '|' name  */
#line 129 "parser.y"
                               { (yyval.word) = (struct word){.loc = (yylsp[-2]), .text = join_words(compiler, &(yyvsp[-2].word), (yyvsp[0].text))}; }
#line 2114 "parser.c"
    break;

  case 44: /* type_spec: "array" '[' ']' "of" type_spec  */
#line 134 "parser.y"
                                           { (yyval.type) = type_unbounded(compiler, &(yylsp[-4]), (yyvsp[0].type)); }
#line 2120 "parser.c"
    break;

  case 45: /* type_spec: "array" '[' '*' ']' "of" type_spec  */
#line 135 "parser.y"
                                               { (yyval.type) = type_unbounded(compiler, &(yylsp[-5]), (yyvsp[0].type)); }
#line 2126 "parser.c"
    break;

  case 46: /* type_spec: "array" '[' expression ']' "of" type_spec  */
#line 136 "parser.y"
                                                      { (yyval.type) = type_array(compiler, &(yylsp[-5]), (yyvsp[-3].number), (yyvsp[0].type)); }
#line 2132 "parser.c"
    break;

  case 47: /* type_spec: "array" '[' '*' ':' expression ']' "of" type_spec  */
#line 137 "parser.y"
                                                              { (yyval.type) = type_varray(compiler, &(yylsp[-7]), (yyvsp[-3].number), (yyvsp[0].type)); }
#line 2138 "parser.c"
    break;

  case 48: /* type_spec: '^' type_spec  */
#line 138 "parser.y"
                        { (yyval.type) = type_out_of_line(compiler, &(yylsp[-1]), (yyvsp[0].type)); }
#line 2144 "parser.c"
    break;

  case 49: /* type_spec: "struct" '[' expression ']' "of" type_spec  */
#line 139 "parser.y"
                                                       { (yyval.type) = type_struct(compiler, &(yylsp[-5]), (yyvsp[-3].number), (yyvsp[0].type)); }
#line 2150 "parser.c"
    break;

  case 50: /* type_spec: "struct" '{' members '}'  */
#line 140 "parser.y"
                                    { (yyval.type) = type_members(compiler, &(yylsp[-3]), reverse_members((yyvsp[-1].member))); }
#line 2156 "parser.c"
    break;

  case 51: /* type_spec: "c_string" '[' expression ']'  */
#line 141 "parser.y"
                                         { (yyval.type) = type_string(compiler, &(yylsp[-3]), (yyvsp[-1].number), false); }
#line 2162 "parser.c"
    break;

  case 52: /* type_spec: "c_string" '[' '*' ':' expression ']'  */
#line 142 "parser.y"
                                                 { (yyval.type) = type_string(compiler, &(yylsp[-5]), (yyvsp[-1].number), true); }
#line 2168 "parser.c"
    break;

  case 53: /* type_spec: "PointerTo" '(' c_type optional_pointer ')'  */
#line 143 "parser.y"
                                                       { (yyval.type) = type_native(compiler, &(yylsp[-4]), join_type(compiler, (yyvsp[-2].text), (yyvsp[-1].text)), true); }
#line 2174 "parser.c"
    break;

  case 54: /* type_spec: "ValueOf" '(' c_type optional_pointer ')'  */
#line 144 "parser.y"
                                                     { (yyval.type) = type_native(compiler, &(yylsp[-4]), join_type(compiler, (yyvsp[-2].text), (yyvsp[-1].text)), false); }
#line 2180 "parser.c"
    break;

  case 55: /* type_spec: "PointerToIfNot" '(' c_type optional_pointer ',' c_type ')'  */
#line 145 "parser.y"
                                                                       {
		(yyval.type) = type_native(compiler, &(yylsp[-6]), join_type(compiler, (yyvsp[-4].text), (yyvsp[-3].text)), true);
		error_at(compiler, &(yylsp[-6]), "use PointerTo, or two routines", "PointerToIfNot is not provided");
	}
#line 2189 "parser.c"
    break;

  case 57: /* c_type: c_type "a name"  */
#line 151 "parser.y"
                                       { (yyval.text) = join_type(compiler, (yyvsp[-1].text), (yyvsp[0].text)); }
#line 2195 "parser.c"
    break;

  case 58: /* optional_pointer: %empty  */
#line 152 "parser.y"
                         { (yyval.text) = NULL; }
#line 2201 "parser.c"
    break;

  case 59: /* optional_pointer: optional_pointer '*'  */
#line 152 "parser.y"
                                                               { (yyval.text) = join_type(compiler, (yyvsp[-1].text), "*"); }
#line 2207 "parser.c"
    break;

  case 60: /* base_type: ipc_word  */
#line 155 "parser.y"
                 { (yyval.type) = type_of_word(compiler, &(yyvsp[0].word)); }
#line 2213 "parser.c"
    break;

  case 61: /* base_type: ipc_word '|' ipc_word  */
#line 156 "parser.y"
                                { (yyval.type) = type_of_pair(compiler, &(yyvsp[-2].word), &(yyvsp[0].word)); }
#line 2219 "parser.c"
    break;

  case 62: /* base_type: '(' ipc_word ',' expression base_flags ')'  */
#line 157 "parser.y"
                                                     {
		(yyval.type) = type_long_form(compiler, &(yylsp[-5]), type_of_word(compiler, &(yyvsp[-4].word)), (yyvsp[-2].number), (yyvsp[-1].flags));
	}
#line 2227 "parser.c"
    break;

  case 63: /* base_type: '(' ipc_word '|' ipc_word ',' expression base_flags ')'  */
#line 160 "parser.y"
                                                                  {
		(yyval.type) = type_long_form(compiler, &(yylsp[-7]), type_of_pair(compiler, &(yyvsp[-6].word), &(yyvsp[-4].word)), (yyvsp[-2].number), (yyvsp[-1].flags));
	}
#line 2235 "parser.c"
    break;

  case 64: /* base_flags: %empty  */
#line 165 "parser.y"
                   { (yyval.flags) = 0; }
#line 2241 "parser.c"
    break;

  case 65: /* base_flags: base_flags ',' flag  */
#line 165 "parser.y"
                                                     { (yyval.flags) = (yyvsp[-2].flags) | (yyvsp[0].flags); }
#line 2247 "parser.c"
    break;

  case 66: /* ipc_word: name  */
#line 168 "parser.y"
             { (yyval.word) = (struct word){.loc = (yylsp[0]), .text = (yyvsp[0].text)}; }
#line 2253 "parser.c"
    break;

  case 67: /* ipc_word: "a number"  */
#line 169 "parser.y"
                 { (yyval.word) = (struct word){.loc = (yylsp[0]), .number = (yyvsp[0].number)}; }
#line 2259 "parser.c"
    break;

  case 68: /* members: %empty  */
#line 173 "parser.y"
               { (yyval.member) = NULL; }
#line 2265 "parser.c"
    break;

  case 69: /* members: members name name ';'  */
#line 174 "parser.y"
                                { (yyval.member) = type_member(compiler, &(yylsp[-2]), (yyvsp[-2].text), (yyvsp[-1].text)); (yyval.member)->next = (yyvsp[-3].member); }
#line 2271 "parser.c"
    break;

  case 70: /* translations: %empty  */
#line 178 "parser.y"
               { (yyval.translation) = NULL; }
#line 2277 "parser.c"
    break;

  case 71: /* translations: translations translation  */
#line 179 "parser.y"
                                   { (yyval.translation) = append_translation((yyvsp[-1].translation), (yyvsp[0].translation)); }
#line 2283 "parser.c"
    break;

  case 72: /* translation: "ctype" ':' name  */
#line 183 "parser.y"
                          { (yyval.translation) = new_translation(compiler, &(yylsp[0]), TR_CTYPE, (yyvsp[0].text), NULL, NULL); }
#line 2289 "parser.c"
    break;

  case 73: /* translation: "cusertype" ':' name  */
#line 184 "parser.y"
                                { (yyval.translation) = new_translation(compiler, &(yylsp[0]), TR_CUSERTYPE, (yyvsp[0].text), NULL, NULL); }
#line 2295 "parser.c"
    break;

  case 74: /* translation: "cservertype" ':' name  */
#line 185 "parser.y"
                                  { (yyval.translation) = new_translation(compiler, &(yylsp[0]), TR_CSERVERTYPE, (yyvsp[0].text), NULL, NULL); }
#line 2301 "parser.c"
    break;

  case 75: /* translation: "intran" ':' name name '(' name ')'  */
#line 186 "parser.y"
                                               { (yyval.translation) = new_translation(compiler, &(yylsp[-4]), TR_INTRAN, (yyvsp[-4].text), (yyvsp[-3].text), (yyvsp[-1].text)); }
#line 2307 "parser.c"
    break;

  case 76: /* translation: "outtran" ':' name name '(' name ')'  */
#line 187 "parser.y"
                                                { (yyval.translation) = new_translation(compiler, &(yylsp[-4]), TR_OUTTRAN, (yyvsp[-4].text), (yyvsp[-3].text), (yyvsp[-1].text)); }
#line 2313 "parser.c"
    break;

  case 77: /* translation: "destructor" ':' name '(' name ')'  */
#line 188 "parser.y"
                                              { (yyval.translation) = new_translation(compiler, &(yylsp[-3]), TR_DESTRUCTOR, NULL, (yyvsp[-3].text), (yyvsp[-1].text)); }
#line 2319 "parser.c"
    break;

  case 78: /* translation: "intranpayload" ':' name name  */
#line 189 "parser.y"
                                         { (yyval.translation) = new_translation(compiler, &(yylsp[-1]), TR_INTRANPAYLOAD, (yyvsp[-1].text), (yyvsp[0].text), NULL); }
#line 2325 "parser.c"
    break;

  case 79: /* arguments: '(' ')'  */
#line 193 "parser.y"
                { (yyval.argument) = NULL; }
#line 2331 "parser.c"
    break;

  case 80: /* arguments: '(' argument_list ')'  */
#line 194 "parser.y"
                                { (yyval.argument) = reverse_arguments((yyvsp[-1].argument)); }
#line 2337 "parser.c"
    break;

  case 81: /* arguments: '(' argument_list ';' ')'  */
#line 195 "parser.y"
                                    { (yyval.argument) = reverse_arguments((yyvsp[-2].argument)); }
#line 2343 "parser.c"
    break;

  case 82: /* arguments: '(' error ')'  */
#line 196 "parser.y"
                        { yyerrok; (yyval.argument) = NULL; }
#line 2349 "parser.c"
    break;

  case 84: /* argument_list: argument_list ';' argument  */
#line 201 "parser.y"
                                     { (yyval.argument) = (yyvsp[0].argument); (yyval.argument)->next = (yyvsp[-2].argument); }
#line 2355 "parser.c"
    break;

  case 85: /* argument_list: argument_list error ';' argument  */
#line 202 "parser.y"
                                           { yyerrok; (yyval.argument) = (yyvsp[0].argument); (yyval.argument)->next = (yyvsp[-3].argument); }
#line 2361 "parser.c"
    break;

  case 86: /* argument: direction argument_name ':' argument_type flags  */
#line 206 "parser.y"
                                                        {
		(yyval.argument) = new_argument(compiler, &(yylsp[-3]), (yyvsp[-4].direction), (yyvsp[-3].text), NULL, (yyvsp[-1].type), (yyvsp[0].flags));
	}
#line 2369 "parser.c"
    break;

  case 87: /* argument: argument_name ':' argument_type flags  */
#line 209 "parser.y"
                                                {
		(yyval.argument) = new_argument(compiler, &(yylsp[-3]), DIR_NONE, (yyvsp[-3].text), NULL, (yyvsp[-1].type), (yyvsp[0].flags));
	}
#line 2377 "parser.c"
    break;

  case 88: /* argument: "serverimpl" "a name" "a name" ':' argument_type flags  */
#line 212 "parser.y"
                                                                      {
		(yyval.argument) = new_argument(compiler, &(yylsp[-3]), DIR_SERVERIMPL, (yyvsp[-3].text), (yyvsp[-4].text), (yyvsp[-1].type), (yyvsp[0].flags));
	}
#line 2385 "parser.c"
    break;

  case 89: /* argument: "userimpl" "a name" "a name" ':' argument_type flags  */
#line 215 "parser.y"
                                                                    {
		(yyval.argument) = new_argument(compiler, &(yylsp[-3]), DIR_USERIMPL, (yyvsp[-3].text), (yyvsp[-4].text), (yyvsp[-1].type), (yyvsp[0].flags));
	}
#line 2393 "parser.c"
    break;

  case 91: /* argument_type: name '=' type_spec translations  */
#line 222 "parser.y"
                                          { (yyval.type) = type_named(compiler, &(yylsp[-3]), (yyvsp[-3].text), (yyvsp[-1].type), (yyvsp[0].translation)); }
#line 2399 "parser.c"
    break;

  case 92: /* direction: "in"  */
#line 226 "parser.y"
              { (yyval.direction) = DIR_IN; }
#line 2405 "parser.c"
    break;

  case 93: /* direction: "out"  */
#line 227 "parser.y"
                 { (yyval.direction) = DIR_OUT; }
#line 2411 "parser.c"
    break;

  case 94: /* direction: "inout"  */
#line 228 "parser.y"
                   { (yyval.direction) = DIR_INOUT; }
#line 2417 "parser.c"
    break;

  case 95: /* direction: "requestport"  */
#line 229 "parser.y"
                         { (yyval.direction) = DIR_REQUEST_PORT; }
#line 2423 "parser.c"
    break;

  case 96: /* direction: "replyport"  */
#line 230 "parser.y"
                       { (yyval.direction) = DIR_REPLY_PORT; }
#line 2429 "parser.c"
    break;

  case 97: /* direction: "ureplyport"  */
#line 231 "parser.y"
                        { (yyval.direction) = DIR_UREPLY_PORT; }
#line 2435 "parser.c"
    break;

  case 98: /* direction: "sreplyport"  */
#line 232 "parser.y"
                        { (yyval.direction) = DIR_SREPLY_PORT; }
#line 2441 "parser.c"
    break;

  case 99: /* direction: "waittime"  */
#line 233 "parser.y"
                      { (yyval.direction) = DIR_WAITTIME; }
#line 2447 "parser.c"
    break;

  case 100: /* direction: "sendtime"  */
#line 234 "parser.y"
                      { (yyval.direction) = DIR_SENDTIME; }
#line 2453 "parser.c"
    break;

  case 101: /* direction: "msgoption"  */
#line 235 "parser.y"
                       { (yyval.direction) = DIR_MSGOPTION; }
#line 2459 "parser.c"
    break;

  case 102: /* direction: "msgseqno"  */
#line 236 "parser.y"
                      { (yyval.direction) = DIR_MSGSEQNO; }
#line 2465 "parser.c"
    break;

  case 103: /* direction: "sectoken"  */
#line 237 "parser.y"
                      { (yyval.direction) = DIR_SECTOKEN; }
#line 2471 "parser.c"
    break;

  case 104: /* direction: "serversectoken"  */
#line 238 "parser.y"
                            { (yyval.direction) = DIR_SERVERSECTOKEN; }
#line 2477 "parser.c"
    break;

  case 105: /* direction: "usersectoken"  */
#line 239 "parser.y"
                          { (yyval.direction) = DIR_USERSECTOKEN; }
#line 2483 "parser.c"
    break;

  case 106: /* direction: "audittoken"  */
#line 240 "parser.y"
                        { (yyval.direction) = DIR_AUDITTOKEN; }
#line 2489 "parser.c"
    break;

  case 107: /* direction: "serveraudittoken"  */
#line 241 "parser.y"
                              { (yyval.direction) = DIR_SERVERAUDITTOKEN; }
#line 2495 "parser.c"
    break;

  case 108: /* direction: "useraudittoken"  */
#line 242 "parser.y"
                            { (yyval.direction) = DIR_USERAUDITTOKEN; }
#line 2501 "parser.c"
    break;

  case 109: /* direction: "servercontexttoken"  */
#line 243 "parser.y"
                          { (yyval.direction) = DIR_CONTEXTTOKEN; }
#line 2507 "parser.c"
    break;

  case 110: /* flags: %empty  */
#line 246 "parser.y"
              { (yyval.flags) = 0; }
#line 2513 "parser.c"
    break;

  case 111: /* flags: flags ',' flag  */
#line 246 "parser.y"
                                           { (yyval.flags) = (yyvsp[-2].flags) | (yyvsp[0].flags); }
#line 2519 "parser.c"
    break;

  case 112: /* flag: "dealloc"  */
#line 249 "parser.y"
                   { (yyval.flags) = FLAG_DEALLOC; }
#line 2525 "parser.c"
    break;

  case 113: /* flag: "dealloc" '[' ']'  */
#line 250 "parser.y"
                             { (yyval.flags) = FLAG_DEALLOC_ARG; }
#line 2531 "parser.c"
    break;

  case 114: /* flag: "notdealloc"  */
#line 251 "parser.y"
                        { (yyval.flags) = FLAG_NOTDEALLOC; }
#line 2537 "parser.c"
    break;

  case 115: /* flag: "servercopy"  */
#line 252 "parser.y"
                        { (yyval.flags) = FLAG_SERVERCOPY; }
#line 2543 "parser.c"
    break;

  case 116: /* flag: "countinout"  */
#line 253 "parser.y"
                        { (yyval.flags) = FLAG_COUNTINOUT; }
#line 2549 "parser.c"
    break;

  case 117: /* flag: "samecount"  */
#line 254 "parser.y"
                       { (yyval.flags) = FLAG_SAMECOUNT; }
#line 2555 "parser.c"
    break;

  case 118: /* flag: "islong"  */
#line 255 "parser.y"
                    { (yyval.flags) = FLAG_ISLONG; }
#line 2561 "parser.c"
    break;

  case 119: /* flag: "isnotlong"  */
#line 256 "parser.y"
                       { (yyval.flags) = FLAG_ISNOTLONG; }
#line 2567 "parser.c"
    break;

  case 120: /* flag: "physicalcopy"  */
#line 257 "parser.y"
                          { (yyval.flags) = FLAG_PHYSICALCOPY; }
#line 2573 "parser.c"
    break;

  case 121: /* flag: "overwrite"  */
#line 258 "parser.y"
                       { (yyval.flags) = FLAG_OVERWRITE; }
#line 2579 "parser.c"
    break;

  case 122: /* flag: "auto"  */
#line 259 "parser.y"
                  { (yyval.flags) = FLAG_AUTO; }
#line 2585 "parser.c"
    break;

  case 123: /* flag: "const"  */
#line 260 "parser.y"
                   { (yyval.flags) = FLAG_CONST; }
#line 2591 "parser.c"
    break;

  case 124: /* flag: "retcode"  */
#line 261 "parser.y"
                     { (yyval.flags) = FLAG_RETCODE; }
#line 2597 "parser.c"
    break;

  case 146: /* expression: expression '+' term  */
#line 274 "parser.y"
                              { (yyval.number) = calculate(compiler, &(yylsp[-1]), '+', (yyvsp[-2].number), (yyvsp[0].number)); }
#line 2603 "parser.c"
    break;

  case 147: /* expression: expression '-' term  */
#line 275 "parser.y"
                              { (yyval.number) = calculate(compiler, &(yylsp[-1]), '-', (yyvsp[-2].number), (yyvsp[0].number)); }
#line 2609 "parser.c"
    break;

  case 149: /* term: term '*' factor  */
#line 279 "parser.y"
                          { (yyval.number) = calculate(compiler, &(yylsp[-1]), '*', (yyvsp[-2].number), (yyvsp[0].number)); }
#line 2615 "parser.c"
    break;

  case 150: /* term: term '/' factor  */
#line 280 "parser.y"
                          { (yyval.number) = calculate(compiler, &(yylsp[-1]), '/', (yyvsp[-2].number), (yyvsp[0].number)); }
#line 2621 "parser.c"
    break;

  case 152: /* factor: '(' expression ')'  */
#line 282 "parser.y"
                                    { (yyval.number) = (yyvsp[-1].number); }
#line 2627 "parser.c"
    break;


#line 2631 "parser.c"

        default: break;
      }
    if (yychar_backup != yychar)
      YY_LAC_DISCARD ("yychar change");
  }
  /* User semantic actions sometimes alter yychar, and that requires
     that yytoken be updated with the new translation.  We take the
     approach of translating immediately before every use of yytoken.
     One alternative is translating here after every semantic action,
     but that translation would be missed if the semantic action invokes
     YYABORT, YYACCEPT, or YYERROR immediately after altering yychar or
     if it invokes YYBACKUP.  In the case of YYABORT or YYACCEPT, an
     incorrect destructor might then be invoked immediately.  In the
     case of YYERROR or YYBACKUP, subsequent parser actions might lead
     to an incorrect destructor call or verbose syntax error message
     before the lookahead is translated.  */
  YY_SYMBOL_PRINT ("-> $$ =", YY_CAST (yysymbol_kind_t, yyr1[yyn]), &yyval, &yyloc);

  YYPOPSTACK (yylen);
  yylen = 0;

  *++yyvsp = yyval;
  *++yylsp = yyloc;

  /* Now 'shift' the result of the reduction.  Determine what state
     that goes to, based on the state we popped back to and the rule
     number reduced by.  */
  {
    const int yylhs = yyr1[yyn] - YYNTOKENS;
    const int yyi = yypgoto[yylhs] + *yyssp;
    yystate = (0 <= yyi && yyi <= YYLAST && yycheck[yyi] == *yyssp
               ? yytable[yyi]
               : yydefgoto[yylhs]);
  }

  goto yynewstate;


/*--------------------------------------.
| yyerrlab -- here on detecting error.  |
`--------------------------------------*/
yyerrlab:
  /* Make sure we have latest lookahead translation.  See comments at
     user semantic actions for why this is necessary.  */
  yytoken = yychar == YYEMPTY ? YYSYMBOL_YYEMPTY : YYTRANSLATE (yychar);
  /* If not already recovering from an error, report this error.  */
  if (!yyerrstatus)
    {
      ++yynerrs;
      {
        yypcontext_t yyctx
          = {yyssp, yyesa, &yyes, &yyes_capacity, yytoken, &yylloc};
        if (yychar != YYEMPTY)
          YY_LAC_ESTABLISH;
        if (yyreport_syntax_error (&yyctx, scanner, compiler) == 2)
          YYNOMEM;
      }
    }

  yyerror_range[1] = yylloc;
  if (yyerrstatus == 3)
    {
      /* If just tried and failed to reuse lookahead token after an
         error, discard it.  */

      if (yychar <= YYEOF)
        {
          /* Return failure if at end of input.  */
          if (yychar == YYEOF)
            YYABORT;
        }
      else
        {
          yydestruct ("Error: discarding",
                      yytoken, &yylval, &yylloc, scanner, compiler);
          yychar = YYEMPTY;
        }
    }

  /* Else will try to reuse lookahead token after shifting the error
     token.  */
  goto yyerrlab1;


/*---------------------------------------------------.
| yyerrorlab -- error raised explicitly by YYERROR.  |
`---------------------------------------------------*/
yyerrorlab:
  /* Pacify compilers when the user code never invokes YYERROR and the
     label yyerrorlab therefore never appears in user code.  */
  if (0)
    YYERROR;
  ++yynerrs;

  /* Do not reclaim the symbols of the rule whose action triggered
     this YYERROR.  */
  YYPOPSTACK (yylen);
  yylen = 0;
  YY_STACK_PRINT (yyss, yyssp);
  yystate = *yyssp;
  goto yyerrlab1;


/*-------------------------------------------------------------.
| yyerrlab1 -- common code for both syntax error and YYERROR.  |
`-------------------------------------------------------------*/
yyerrlab1:
  yyerrstatus = 3;      /* Each real token shifted decrements this.  */

  /* Pop stack until we find a state that shifts the error token.  */
  for (;;)
    {
      yyn = yypact[yystate];
      if (!yypact_value_is_default (yyn))
        {
          yyn += YYSYMBOL_YYerror;
          if (0 <= yyn && yyn <= YYLAST && yycheck[yyn] == YYSYMBOL_YYerror)
            {
              yyn = yytable[yyn];
              if (0 < yyn)
                break;
            }
        }

      /* Pop the current state because it cannot handle the error token.  */
      if (yyssp == yyss)
        YYABORT;

      yyerror_range[1] = *yylsp;
      yydestruct ("Error: popping",
                  YY_ACCESSING_SYMBOL (yystate), yyvsp, yylsp, scanner, compiler);
      YYPOPSTACK (1);
      yystate = *yyssp;
      YY_STACK_PRINT (yyss, yyssp);
    }

  /* If the stack popping above didn't lose the initial context for the
     current lookahead token, the shift below will for sure.  */
  YY_LAC_DISCARD ("error recovery");

  YY_IGNORE_MAYBE_UNINITIALIZED_BEGIN
  *++yyvsp = yylval;
  YY_IGNORE_MAYBE_UNINITIALIZED_END

  yyerror_range[2] = yylloc;
  ++yylsp;
  YYLLOC_DEFAULT (*yylsp, yyerror_range, 2);

  /* Shift the error token.  */
  YY_SYMBOL_PRINT ("Shifting", YY_ACCESSING_SYMBOL (yyn), yyvsp, yylsp);

  yystate = yyn;
  goto yynewstate;


/*-------------------------------------.
| yyacceptlab -- YYACCEPT comes here.  |
`-------------------------------------*/
yyacceptlab:
  yyresult = 0;
  goto yyreturnlab;


/*-----------------------------------.
| yyabortlab -- YYABORT comes here.  |
`-----------------------------------*/
yyabortlab:
  yyresult = 1;
  goto yyreturnlab;


/*-----------------------------------------------------------.
| yyexhaustedlab -- YYNOMEM (memory exhaustion) comes here.  |
`-----------------------------------------------------------*/
yyexhaustedlab:
  yyerror (&yylloc, scanner, compiler, YY_("memory exhausted"));
  yyresult = 2;
  goto yyreturnlab;


/*----------------------------------------------------------.
| yyreturnlab -- parsing is finished, clean up and return.  |
`----------------------------------------------------------*/
yyreturnlab:
  if (yychar != YYEMPTY)
    {
      /* Make sure we have latest lookahead translation.  See comments at
         user semantic actions for why this is necessary.  */
      yytoken = YYTRANSLATE (yychar);
      yydestruct ("Cleanup: discarding lookahead",
                  yytoken, &yylval, &yylloc, scanner, compiler);
    }
  /* Do not reclaim the symbols of the rule whose action triggered
     this YYABORT or YYACCEPT.  */
  YYPOPSTACK (yylen);
  YY_STACK_PRINT (yyss, yyssp);
  while (yyssp != yyss)
    {
      yydestruct ("Cleanup: popping",
                  YY_ACCESSING_SYMBOL (+*yyssp), yyvsp, yylsp, scanner, compiler);
      YYPOPSTACK (1);
    }
#ifndef yyoverflow
  if (yyss != yyssa)
    YYSTACK_FREE (yyss);
#endif
  if (yyes != yyesa)
    YYSTACK_FREE (yyes);

  return yyresult;
}

#line 284 "parser.y"


/* Says what was found and what could stand there instead. */
static int yyreport_syntax_error(const yypcontext_t *context, void *scanner, struct compiler *compiler)
{
	enum { SHOWN = 5 };
	yysymbol_kind_t expected[SHOWN];
	int count = yypcontext_expected_tokens(context, expected, SHOWN);
	yysymbol_kind_t found = yypcontext_token(context);
	char text[200];
	size_t used = 0;
	int i;

	(void)scanner;
	text[0] = '\0';
	for (i = 0; i < count && used < sizeof text; i++)
		used += (size_t)snprintf(text + used, sizeof text - used, "%s%s", i == 0 ? "expected " : i + 1 < count ? ", " : " or ",
			yysymbol_name(expected[i]));
	error_at(compiler, yypcontext_location(context), NULL, "%s%s%s", count > 0 ? text : "a statement cannot go on like this",
		found == YYSYMBOL_YYEMPTY ? "" : ", found ", found == YYSYMBOL_YYEMPTY ? "" : yysymbol_name(found));
	return 0;
}
