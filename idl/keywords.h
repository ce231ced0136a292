/* The words that the language keeps for itself. */
#ifndef IDL_KEYWORDS_H
#define IDL_KEYWORDS_H

/* The token of a keyword, 0 for any other word. Keywords are known in any case, PointerTo and its like only as written.
 */
int keyword_token(const char *word);
/* Of a word that no dialect has though people expect it: what to write instead. Null for all others. */
const char *nobodys_word(const char *word, size_t length);

#endif
