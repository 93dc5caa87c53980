#include "shared/journal/record.h"

#include <endian.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"

#define HEAD_BYTES    8
#define FIELD_BYTES   2 /* tag, kind */
#define PAYLOAD_LEAST 4

enum kind {
    KIND_U64 = 1,
    KIND_I64 = 2,
    KIND_TEXT = 3
};

static const struct span outcome_names[] = {
#define OUTCOME(name, help) {#name, sizeof(#name) - 1},
#include "shared/journal/outcomes.def"
#undef OUTCOME
};

struct span outcome_name(uint64_t outcome)
{
    return outcome < ARRAY_LEN(outcome_names) ? outcome_names[outcome] : SPAN_NONE;
}

static uint32_t get_u32(const char *at)
{
    uint32_t number;

    memcpy(&number, at, sizeof(number));
    return le32toh(number);
}

static void put_u32(char *at, uint32_t number)
{
    number = htole32(number);
    memcpy(at, &number, sizeof(number));
}

/* ---- writing
 * --------------------------------------------------------------------------------- */

static char *put_number(char *at, uint8_t tag, uint64_t number)
{
    if (number == 0)
        return at;
    at[0] = (char)tag;
    at[1] = KIND_U64;
    number = htole64(number);
    memcpy(at + FIELD_BYTES, &number, sizeof(number));
    return at + FIELD_BYTES + sizeof(number);
}

static char *put_text(char *at, uint8_t tag, struct span text, size_t most)
{
    size_t size_bytes = text.len < most ? text.len : most;
    uint16_t size = htole16((uint16_t)size_bytes);

    if (!text.ptr || size_bytes == 0)
        return at;
    at[0] = (char)tag;
    at[1] = KIND_TEXT;
    memcpy(at + FIELD_BYTES, &size, sizeof(size));
    memcpy(at + FIELD_BYTES + sizeof(size), text.ptr, size_bytes);
    return at + FIELD_BYTES + sizeof(size) + size_bytes;
}

/* What a record takes when every field is as long as it may be. */
enum {
    PAYLOAD_MOST = 0
#define USAGE_TEXT(tag, member)   +FIELD_BYTES + 2 + RECORD_TEXT_MAX
#define USAGE_LONG(tag, member)   +FIELD_BYTES + 2 + RECORD_LONG_MAX
#define USAGE_NUMBER(tag, member) +FIELD_BYTES + 8
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
};

_Static_assert(PAYLOAD_MOST <= RECORD_PAYLOAD_MAX, "every record can be read back");

bool record_write(const struct usage_record *record, struct buffer *out)
{
    char frame[HEAD_BYTES + PAYLOAD_MOST] __attribute__((uninitialized));
    char *at = frame + HEAD_BYTES;

#define USAGE_TEXT(tag, member)   at = put_text(at, tag, record->member, RECORD_TEXT_MAX);
#define USAGE_LONG(tag, member)   at = put_text(at, tag, record->member, RECORD_LONG_MAX);
#define USAGE_NUMBER(tag, member) at = put_number(at, tag, record->member);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    struct span payload = span_of(frame + HEAD_BYTES, (size_t)(at - frame) - HEAD_BYTES);

    CHECK(payload.len >= PAYLOAD_LEAST); /* a record has at least an id */
    put_u32(frame, (uint32_t)payload.len);
    put_u32(frame + 4, crc32_of(payload));
    return buffer_append(out, span_of(frame, HEAD_BYTES + payload.len));
}

/* ---- reading
 * --------------------------------------------------------------------------------- */

struct field {
    uint8_t tag, kind;
    uint64_t number;
    struct span text;
};

/* Eats one field off REST.  False when it is cut or of a kind that nobody knows. */
static bool next_field(struct span *rest, struct field *ret)
{
    size_t size_bytes = FIELD_BYTES + sizeof(uint64_t);
    uint16_t text_bytes = 0;

    if (rest->len < FIELD_BYTES + sizeof(text_bytes))
        return false;
    *ret = (struct field){.tag = (uint8_t)rest->ptr[0], .kind = (uint8_t)rest->ptr[1]};
    if (ret->kind == KIND_TEXT) {
        memcpy(&text_bytes, rest->ptr + FIELD_BYTES, sizeof(text_bytes));
        text_bytes = le16toh(text_bytes);
        size_bytes = FIELD_BYTES + sizeof(text_bytes) + text_bytes;
    }
    if (ret->kind < KIND_U64 || ret->kind > KIND_TEXT || rest->len < size_bytes)
        return false;
    if (ret->kind == KIND_TEXT) {
        ret->text = span_of(rest->ptr + FIELD_BYTES + sizeof(text_bytes), text_bytes);
    } else {
        memcpy(&ret->number, rest->ptr + FIELD_BYTES, sizeof(ret->number));
        ret->number = le64toh(ret->number);
    }
    *rest = span_skip(*rest, size_bytes);
    return true;
}

/* A tag that is not known, or is of another kind than it was, is left out. */
static void take_field(const struct field *field, struct usage_record *record)
{
    switch (field->tag) {
#define USAGE_TEXT(number, member)        \
    case number:                          \
        if (field->kind == KIND_TEXT)     \
            record->member = field->text; \
        break;
#define USAGE_NUMBER(tag_number, member)    \
    case tag_number:                        \
        if (field->kind != KIND_TEXT)       \
            record->member = field->number; \
        break;
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    default: break;
    }
}

static bool read_payload(struct span payload, struct usage_record *ret)
{
    struct field field;

    *ret = (struct usage_record){.request_id = SPAN_NONE};
    while (payload.len > 0) {
        if (!next_field(&payload, &field))
            return false;
        take_field(&field, ret);
    }
    return true;
}

/* What the first bytes of BYTES are, by the frame alone. */
static enum record_result look_at_frame(struct span bytes, size_t *ret_size)
{
    if (bytes.len < 4)
        return RECORD_MORE;
    uint32_t payload_bytes = get_u32(bytes.ptr);

    if (payload_bytes < PAYLOAD_LEAST || payload_bytes > RECORD_PAYLOAD_MAX)
        return RECORD_CORRUPT;
    if (bytes.len < HEAD_BYTES + payload_bytes)
        return RECORD_MORE;
    if (crc32_of(span_of(bytes.ptr + HEAD_BYTES, payload_bytes)) != get_u32(bytes.ptr + 4))
        return RECORD_CORRUPT;
    *ret_size = HEAD_BYTES + payload_bytes;
    return RECORD_OK;
}

/* Could a record that is not whole begin here?  Its first field is then the request's id, or a
 * field of a kind that exists; less than that is no evidence against it. */
static bool may_begin(struct span bytes)
{
    return bytes.len < HEAD_BYTES + FIELD_BYTES ||
           (bytes.ptr[HEAD_BYTES + 1] >= KIND_U64 && bytes.ptr[HEAD_BYTES + 1] <= KIND_TEXT);
}

/* How many bytes to skip; with WHOLE only records that are all there count. */
static size_t find_next(struct span bytes, bool whole)
{
    size_t size_bytes;

    for (size_t at = 1; at < bytes.len; at++) {
        struct span rest = span_skip(bytes, at);
        enum record_result result = look_at_frame(rest, &size_bytes);

        if (result == RECORD_OK || (result == RECORD_MORE && !whole && may_begin(rest)))
            return at;
    }
    return bytes.len;
}

enum record_result record_read(struct span bytes, struct usage_record *ret, size_t *ret_size)
{
    enum record_result result = look_at_frame(bytes, ret_size);

    if (result == RECORD_OK &&
        !read_payload(span_of(bytes.ptr + HEAD_BYTES, *ret_size - HEAD_BYTES), ret))
        return RECORD_CORRUPT; /* the frame was right: *ret_size skips it */
    if (result == RECORD_CORRUPT)
        *ret_size = find_next(bytes, false);
    return result;
}

size_t record_resync(struct span bytes)
{
    return find_next(bytes, true);
}
