/* worker/translate/words.h
 *
 * Places in texts: OpenAI counts characters (code points), Gemini bytes of UTF-8. Constant
 * space; a place behind the end counts on as if each byte were a character.
 */
#ifndef WORKER_TRANSLATE_WORDS_H
#define WORKER_TRANSLATE_WORDS_H

#include "worker/translate/text.h"

/* Characters that TEXT decodes to; a surrogate pair is one. */
uint64_t words_count(struct text text);
/* Bytes of UTF-8 that TEXT decodes to. */
uint64_t words_bytes(struct text text);

/* Of decoded WORDS: how many characters the first BYTES are, and the other way round. */
uint64_t words_characters_before(struct span words, uint64_t bytes);
uint64_t words_bytes_before(struct span words, uint64_t characters);

/* A number in JSON. */
struct json_value words_number(uint64_t value, struct arena *arena);

#endif
