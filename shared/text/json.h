/* shared/text/json.h
 *
 * JSON on the data path: strict RFC 8259, one pass, spans into the caller's bytes, no tree.
 * Strings must be well-formed UTF-8; escapes may spell lone surrogates (they are carried, not
 * judged).  Numbers are never converted unless asked.  Depth is limited.  Pure functions;
 * nothing here allocates but where an arena is a parameter.
 */
#ifndef SHARED_TEXT_JSON_H
#define SHARED_TEXT_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/arena.h"
#include "shared/base/span.h"

#define JSON_DEPTH_LIMIT 512

enum json_kind {
    JSON_ABSENT, /* no such member */
    JSON_NULL,
    JSON_FALSE,
    JSON_TRUE,
    JSON_NUMBER,
    JSON_STRING,
    JSON_ARRAY,
    JSON_OBJECT,
};

/* A value in place: RAW is exactly its bytes (quotes and brackets included). */
struct json_value {
    enum json_kind kind;
    struct span raw;
};

struct json_error {
    size_t offset;    /* of the first byte that cannot stand there */
    const char *text; /* "expected a comma", a fixed sentence part */
};

/* Whether TEXT is one JSON value and nothing else.  On false *reterr says where and why. */
bool json_check(struct span text, struct json_value *ret, struct json_error *reterr);

/* One wanted member of an object. */
struct json_pick {
    struct span key;         /* decoded name, ASCII */
    struct json_value value; /* out; kind JSON_ABSENT when not there */
};

/* Checks all of TEXT, which must be an object, and fills PICKS with the values of its wanted
 * top-level members in the same pass.  A wanted member that stands twice is an error (names may
 * be spelled with escapes: they are compared decoded).  *ret_open is the offset just after the
 * opening brace, *ret_empty whether the object has no member. */
bool json_pick(struct span text, struct json_pick *picks, unsigned pick_count, size_t *ret_open,
               bool *ret_empty, struct json_error *reterr);

/* Walks over text that json_check or json_pick has accepted.  Start: json_walk(value) of an
 * object or array; each call gives the next member or item. */
struct json_walk {
    const char *at, *end;
    bool object;
};
struct json_walk json_walk(struct json_value container);
/* KEY is the raw name without quotes, still escaped (may be NULL for arrays).  False at the
 * end. */
bool json_next(struct json_walk *walk, struct span *ret_key, struct json_value *ret_value);
/* The (first) member of an accepted object; kind JSON_ABSENT when none. */
struct json_value json_member(struct json_value object, struct span key);

/* The decoded text of a string value: in place when it has no escape, else a copy in ARENA.
 * Lone surrogates become U+FFFD. */
struct span json_text(struct json_value string, struct arena *arena);
/* Whether the string value decodes to exactly TEXT; no allocation. */
bool json_text_eq(struct json_value string, struct span text);

/* The same for the inside of a string: escaped, without its quotes. */
struct span json_inside_text(struct span inside, struct arena *arena);
bool json_inside_is(struct span inside, struct span text);

/* A non-negative integer value without fraction or exponent that fits; else false. */
bool json_u64(struct json_value number, uint64_t *ret);

/* Finds the values of a few top-level members of an object that arrives in pieces, for bodies
 * that are relayed as they come, in one pass.  Tolerant: it follows structure only, and never
 * fails; what does not look like an object finds nothing.  A value's raw bytes are kept up to
 * its member's size; a longer value is dropped. */

#define JSON_TAP_MEMBERS 3
#define JSON_TAP_NAME    16 /* the longest key */

struct json_tap_member {
    struct span key;
    char *value; /* in the arena, where it grows up to SIZE bytes */
    uint16_t len, room, size;
    bool found, overflow;
};

struct json_tap {
    struct json_tap_member members[JSON_TAP_MEMBERS];
    uint8_t current; /* the member in whose value it is */
    uint8_t state;
    uint8_t name_len; /* of the name so far */
    uint32_t depth;
    char name[JSON_TAP_NAME];
    struct arena *arena; /* of the feed under way */
};

void json_tap_init(struct json_tap *tap);
/* The member KEY, of at most JSON_TAP_NAME bytes that need no escape (empty: none), whose value
 * has at most SIZE, under INDEX, the caller's own. Before anything is fed. */
void json_tap_want(struct json_tap *tap, unsigned index, struct span key, uint16_t size);
void json_tap_feed(struct json_tap *tap, struct span bytes, struct arena *arena);
/* The value when it was wanted and found whole, else JSON_ABSENT; checked JSON. */
struct json_value json_tap_value(const struct json_tap *tap, unsigned index);

#endif
