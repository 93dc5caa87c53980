/* shared/text/json_write.h
 *
 * Writes JSON into a buffer with a stack that knows where commas and colons go.  Wrong order is
 * a bug (CHECK).  Text is escaped; bytes that are not UTF-8 are replaced by U+FFFD, so the
 * result is always valid.
 */
#ifndef SHARED_TEXT_JSON_WRITE_H
#define SHARED_TEXT_JSON_WRITE_H

#include <stdbool.h>
#include <stdint.h>

#include "shared/base/buffer.h"
#include "shared/base/span.h"

#define JSON_WRITE_DEPTH 64

struct json_writer {
    struct buffer *out;
    uint8_t depth;
    uint8_t
        stack[JSON_WRITE_DEPTH]; /* per level: object or array, first or later, after a key */
};

void json_write_init(struct json_writer *writer, struct buffer *out);
void json_write_object(struct json_writer *writer);
void json_write_object_end(struct json_writer *writer);
void json_write_array(struct json_writer *writer);
void json_write_array_end(struct json_writer *writer);
void json_write_key(struct json_writer *writer, struct span key);
void json_write_text(struct json_writer *writer, struct span text); /* ptr NULL writes null */
void json_write_u64(struct json_writer *writer, uint64_t number);
void json_write_i64(struct json_writer *writer, int64_t number);
void json_write_bool(struct json_writer *writer, bool value);
void json_write_null(struct json_writer *writer);
/* A string whose INSIDE is escaped already: copied verbatim between quotes. */
void json_write_inside(struct json_writer *writer, struct span inside);
/* The same of two runs of bytes, for a large one that needs a small beginning. */
void json_write_inside_two(struct json_writer *writer, struct span first, struct span second);
/* RAW must be valid JSON: copied verbatim. */
void json_write_raw(struct json_writer *writer, struct span raw);

/* key + value in one call */
void json_write_member_text(struct json_writer *writer, struct span key, struct span text);
void json_write_member_u64(struct json_writer *writer, struct span key, uint64_t number);
void json_write_member_i64(struct json_writer *writer, struct span key, int64_t number);
void json_write_member_bool(struct json_writer *writer, struct span key, bool value);

/* The name of a member that the program itself chose, as it stands in the text with its comma
 * and colon: writing it is one copy. LITERAL has nothing to escape. */
struct json_name {
    struct span text;
};

#define JSON_NAME(literal) ((struct json_name)JSON_NAME_WORD(literal))
/* The same where an initializer must be constant. */
#define JSON_NAME_WORD(literal)   \
    {                             \
        WORD(",\"" literal "\":") \
    }

void json_write_name(struct json_writer *writer, struct json_name name);
void json_write_named_text(struct json_writer *writer, struct json_name name, struct span text);
void json_write_named_u64(struct json_writer *writer, struct json_name name, uint64_t number);
void json_write_named_bool(struct json_writer *writer, struct json_name name, bool value);

/* TEXT with quotes and escapes, without a writer. */
bool json_append_quoted(struct buffer *out, struct span text);

/* LIST (empty, or a JSON array) with ELEMENT, a JSON value, behind the others; false, and it is
 * as it was, when it would be longer than MOST bytes. */
bool json_list_add(struct buffer *list, struct span element, size_t most);

#endif
