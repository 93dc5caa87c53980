/* worker/translate/text.h
 *
 * Text as it stands inside a JSON string: still escaped, without its quotes. All dialects write
 * strings alike, so text goes from one to the other as a slice, never decoded and encoded
 * again: that is what makes a megabyte of context cheap and every escape faithful. The type is
 * not struct span, so that escaped and plain bytes cannot be mixed up. ptr NULL: not there.
 *
 * The bytes belong to whoever they were cut from (a body, a stream record, an arena).
 */
#ifndef WORKER_TRANSLATE_TEXT_H
#define WORKER_TRANSLATE_TEXT_H

#include "shared/base/arena.h"
#include "shared/text/json.h"
#include "shared/text/json_write.h"

struct text {
    const char *ptr;
    size_t len;
};

/* Of a literal that needs no escape. */
#define TEXT(literal) ((struct text){("" literal), sizeof(literal) - 1})
#define TEXT_NONE     ((struct text){NULL, 0})

/* The inside of a string value; TEXT_NONE for any other kind. */
struct text text_of(struct json_value string);
/* Plain bytes, escaped where they must be; in place when nothing must. */
struct text text_escape(struct span plain, struct arena *arena);
/* Decoded; in place when nothing is escaped. Lone surrogates become U+FFFD. */
struct span text_plain(struct text text, struct arena *arena);
/* Whether TEXT decodes to exactly PLAIN; no allocation. */
bool text_is(struct text text, struct span plain);

/* Both spelled the same, which is all that identifiers need. */
static inline bool text_eq(struct text a, struct text b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

/* Empty, or white space only (escaped or not), or not there. */
bool text_blank(struct text text);
/* Without white space (escaped or not) at its end. */
struct text text_trim_end(struct text text);
/* TEXT with bytes of its own; TEXT_NONE stays what it is. */
struct text text_copy(struct text text, struct arena *arena);
/* A, then B, in the arena; either alone is given as it is. */
struct text text_join(struct text a, struct text b, struct arena *arena);

/* As a JSON string; TEXT_NONE as null. */
void text_write(struct json_writer *json, struct text text);
void text_write_member(struct json_writer *json, struct span key, struct text text);
/* The same, but nothing at all for TEXT_NONE. */
void text_write_known(struct json_writer *json, struct span key, struct text text);

#endif
