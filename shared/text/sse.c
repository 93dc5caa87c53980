#include "shared/text/sse.h"

#include "shared/base/check.h"
#include "shared/text/json.h"

#ifdef __SSE2__
#    include <emmintrin.h>
#endif

#define KEPT_BYTES 4096 /* more carry than this is given back after its record */

static const struct span byte_order_mark = {"\xef\xbb\xbf", 3};

void sse_init(struct sse_framer *framer, size_t record_limit_bytes)
{
    *framer = (struct sse_framer){0};
    buffer_init(&framer->carry, record_limit_bytes);
    buffer_init(&framer->joined, record_limit_bytes);
}

void sse_done(struct sse_framer *framer)
{
    buffer_done(&framer->carry);
    buffer_done(&framer->joined);
}

/* The first CR or LF in S from FROM, or the length of S. */
static size_t find_line_end(struct span s, size_t from)
{
#ifdef __SSE2__
    while (s.len - from >= 16) {
        __m128i block = _mm_loadu_si128((const __m128i *)(const void *)(s.ptr + from));
        __m128i ends = _mm_or_si128(_mm_cmpeq_epi8(block, _mm_set1_epi8('\n')),
                                    _mm_cmpeq_epi8(block, _mm_set1_epi8('\r')));
        unsigned mask = (unsigned)_mm_movemask_epi8(ends);

        if (mask)
            return from + (size_t)__builtin_ctz(mask);
        from += 16;
    }
#endif
    while (from < s.len && s.ptr[from] != '\n' && s.ptr[from] != '\r')
        from++;
    return from;
}

/* Where the first line of a record begins: after the LF of the record before and after the mark
 * of the stream. */
static size_t fields_begin(const struct sse_framer *framer, struct span text)
{
    if (framer->after_cr && text.len > 0 && text.ptr[0] == '\n')
        return 1;
    if (!framer->started && span_starts(text, byte_order_mark))
        return byte_order_mark.len;
    return 0;
}

/* The end of the record that TEXT begins with, or 0.  Line ends before *SEARCHED are known to
 * be no end; it moves on. */
static size_t find_record_end(struct span text, size_t begin, size_t *searched)
{
    size_t at = *searched > begin ? *searched : begin;

    for (;;) {
        char before;

        at = find_line_end(text, at);
        if (at >= text.len) {
            *searched = text.len;
            return 0;
        }
        before = at > begin ? text.ptr[at - 1] : '\n';
        if (before == '\n' || (before == '\r' && text.ptr[at] == '\r'))
            break;
        at++; /* the end of a line with text, or the LF of a CRLF */
    }
    if (text.ptr[at] == '\r' && at + 1 < text.len && text.ptr[at + 1] == '\n')
        at++;
    return at + 1;
}

static void add_data(struct sse_framer *framer, struct sse_record *record, struct span value)
{
    if (!record->has_data) {
        record->data = value;
        record->has_data = true;
        return;
    }
    if (record->data.ptr != framer->joined.ptr || framer->joined.len == 0) {
        buffer_clear(&framer->joined);
        (void)buffer_append(&framer->joined, record->data);
    }
    (void)buffer_append_byte(&framer->joined, '\n');
    (void)buffer_append(&framer->joined, value);
    record->data = buffer_span(&framer->joined);
}

static void add_field(struct sse_framer *framer, struct sse_record *record, struct span line)
{
    const char *colon = memchr(line.ptr, ':', line.len);
    struct span name = line, value = span_of(line.ptr + line.len, 0);

    if (colon) {
        name.len = (size_t)(colon - line.ptr);
        value = span_skip(line, name.len + 1);
        if (value.len > 0 && value.ptr[0] == ' ')
            value = span_skip(value, 1);
    }
    if (span_eq(name, SPAN("data")))
        add_data(framer, record, value);
    else if (span_eq(name, SPAN("event")))
        record->event = value;
    else if (span_eq(name, SPAN("id")) && !memchr(value.ptr, '\0', value.len))
        record->id = value;
}

/* RAW is a whole record whose fields begin at BEGIN. */
static enum sse_result give(struct sse_framer *framer, struct span raw, size_t begin,
                            struct sse_record *ret)
{
    *ret = (struct sse_record){.raw = raw};
    buffer_clear(&framer->joined);
    for (size_t at = begin; at < raw.len;) {
        size_t line_end = find_line_end(raw, at);

        if (line_end > at)
            add_field(framer, ret, span_of(raw.ptr + at, line_end - at));
        at = line_end + 1;
    }
    framer->started = true;
    framer->after_cr = raw.ptr[raw.len - 1] == '\r';
    return framer->joined.failed ? SSE_TOO_LARGE : SSE_RECORD;
}

/* Carries REST on, one line end after the other, until the record in carry is whole. */
static enum sse_result continue_carry(struct sse_framer *framer, struct span *rest,
                                      struct sse_record *ret)
{
    while (rest->len > 0) {
        size_t line = find_line_end(*rest, 0);
        size_t count = line < rest->len ? line + 1 : rest->len;
        size_t begin, end;

        if (line + 1 < rest->len && rest->ptr[line] == '\r' && rest->ptr[line + 1] == '\n')
            count++;
        if (!buffer_append(&framer->carry, span_of(rest->ptr, count)))
            return SSE_TOO_LARGE;
        *rest = span_skip(*rest, count);
        begin = fields_begin(framer, buffer_span(&framer->carry));
        end = find_record_end(buffer_span(&framer->carry), begin, &framer->searched);
        if (end > 0) {
            framer->drop_carry = true;
            return give(framer, buffer_span(&framer->carry), begin, ret);
        }
    }
    return SSE_MORE;
}

static void drop_carry(struct sse_framer *framer)
{
    framer->drop_carry = false;
    framer->searched = 0;
    if (framer->carry.size > KEPT_BYTES)
        buffer_done(&framer->carry);
    else
        buffer_clear(&framer->carry);
}

enum sse_result sse_next(struct sse_framer *framer, struct span *rest, struct sse_record *ret)
{
    size_t begin, end, searched = 0;
    struct span raw;

    if (framer->drop_carry)
        drop_carry(framer);
    if (framer->carry.len > 0)
        return continue_carry(framer, rest, ret);
    if (rest->len == 0)
        return SSE_MORE;
    begin = fields_begin(framer, *rest);
    end = find_record_end(*rest, begin, &searched);
    if (end == 0) {
        framer->searched = searched;
        if (!buffer_append(&framer->carry, *rest))
            return SSE_TOO_LARGE;
        *rest = span_skip(*rest, rest->len);
        return SSE_MORE;
    }
    if (end > framer->carry.limit_bytes)
        return SSE_TOO_LARGE;
    raw = span_of(rest->ptr, end);
    *rest = span_skip(*rest, end);
    return give(framer, raw, begin, ret);
}

struct span sse_rest(const struct sse_framer *framer)
{
    struct span carry = buffer_span(&framer->carry);

    if (framer->drop_carry)
        return span_of("", 0);
    if (framer->after_cr && span_eq(carry, SPAN("\n")))
        return span_of("", 0);
    return carry;
}

static struct span without_line_ends(struct span text)
{
    while (text.len > 0 && (text.ptr[0] == '\n' || text.ptr[0] == '\r'))
        text = span_skip(text, 1);
    text = span_trim(text);
    while (text.len > 0 && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    return text;
}

/* TEXT behind the fields that may stand before the data. */
static struct span data_of(struct span text)
{
    static const struct span others[] = {WORD("event:"), WORD("id:"), WORD("retry:"),
                                         WORD(":")};
    struct span rest = text, line;
    bool other = true;

    while (other && span_cut(&rest, '\n', &line)) {
        other = false;
        for (unsigned i = 0; i < ARRAY_LEN(others); i++)
            other = other || span_starts(line, others[i]);
        if (other)
            text = rest;
    }
    return span_starts(text, SPAN("data:")) ? span_skip(text, strlen("data:")) : text;
}

bool sse_rest_is_whole(struct span rest)
{
    struct span data = span_trim(data_of(without_line_ends(rest)));
    struct json_value value;
    struct json_error error;

    return span_eq(data, SPAN("[DONE]")) || json_check(data, &value, &error);
}
