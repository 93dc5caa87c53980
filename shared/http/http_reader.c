#include "shared/http/http_reader.h"

#include "shared/base/check.h"
#include "shared/http/http_inside.h"

#define INTERIM_LIMIT 16 /* 1xx answers before an answer */

enum http_result http_fail(struct http_reader *reader, const char *error)
{
    reader->error = error;
    reader->state = HTTP_STATE_FAILED;
    return HTTP_BAD;
}

void http_reader_init(struct http_reader *reader, enum http_side side,
                      const struct http_limits *limits, struct http_scratch *scratch)
{
    CHECK(limits->header_count <= HTTP_HEADERS_MAX);
    *reader = (struct http_reader){
        .limits = limits,
        .scratch = scratch,
        .side = (uint8_t)side,
        .state = HTTP_STATE_START,
    };
    buffer_init(&reader->partial, limits->head_bytes);
}

void http_reader_done(struct http_reader *reader)
{
    buffer_done(&reader->partial);
}

void http_reader_next_message(struct http_reader *reader)
{
    buffer_done(&reader->partial);
    reader->head = (struct http_head){0};
    reader->searched = 0;
    reader->interim_count = 0;
    reader->head_answer = false;
    reader->skipped_line = false;
    reader->state = HTTP_STATE_START;
}

/* Nothing came but the empty line that may stand before a request. */
static bool only_empty_line(const struct http_reader *reader)
{
    return reader->state == HTTP_STATE_HEAD && reader->side == HTTP_REQUESTS &&
           reader->partial.len == 0;
}

bool http_reader_idle(const struct http_reader *reader)
{
    return reader->state == HTTP_STATE_START || only_empty_line(reader);
}

/* The end of the head that TEXT begins with, 0 when it is not there yet, SIZE_MAX when a line
 * ends in a bare LF. Lines before *SEARCHED are known. */
static size_t find_head_end(struct span text, uint32_t *searched)
{
    size_t at = *searched;

    for (;;) {
        const char *found = at < text.len ? memchr(text.ptr + at, '\n', text.len - at) : NULL;

        if (!found) {
            *searched = (uint32_t)text.len;
            return 0;
        }
        at = (size_t)(found - text.ptr) + 1;
        if (at < 2 || text.ptr[at - 2] != '\r')
            return SIZE_MAX;
        if (at >= 4 && text.ptr[at - 3] == '\n')
            return at;
    }
}

/* Whether an unfinished head can still become one: a peer that speaks something else hears so
 * at once, and not after the time-out.  Bytes before FROM were looked at. */
static const char *check_begun(const struct http_reader *reader, struct span text, size_t from)
{
    bool answer = reader->side == HTTP_ANSWERS;

    for (size_t i = from; i + 1 < text.len; i++) {
        if (text.ptr[i] == '\r' && text.ptr[i + 1] != '\n')
            return "a bare CR in the head";
    }
    for (size_t i = 0; i < text.len && i < 5; i++) {
        char c = text.ptr[i];

        if (!answer && ((c == ' ' && i > 0) || (c == '\r' && text.len == 1)))
            break;
        if (answer ? c != "HTTP/"[i] : !http_byte_is(c, HTTP_BYTE_TOKEN))
            return "this is not HTTP";
    }
    return NULL;
}

/* The head did not fit in the limit; which part of it was too long. */
static enum http_result too_large(struct http_reader *reader, struct span text)
{
    const char *line_end = memchr(text.ptr, '\n', text.len);
    const char *space = memchr(text.ptr, ' ', text.len);
    size_t line = line_end ? (size_t)(line_end - text.ptr) : text.len;
    size_t before = space ? (size_t)(space - text.ptr) : text.len;

    reader->state = HTTP_STATE_FAILED;
    if (reader->side == HTTP_REQUESTS && before < line &&
        line - before > (size_t)reader->limits->target_bytes + 12)
        return HTTP_TARGET_TOO_LONG;
    return HTTP_HEAD_TOO_LARGE;
}

/* After a head: what comes next. */
static enum http_result begin_body(struct http_reader *reader)
{
    const struct http_head *head = &reader->head;

    if (reader->side == HTTP_ANSWERS && head->status < 200) {
        reader->state = HTTP_STATE_HEAD;
        if (++reader->interim_count > INTERIM_LIMIT)
            return http_fail(reader, "too many interim answers");
        return HTTP_HEAD;
    }
    reader->remaining = 0;
    reader->size_digits = 0;
    reader->line_bytes = 0;
    if (!head->has_body) {
        reader->state = HTTP_STATE_ENDED;
    } else if (head->chunked) {
        reader->state = HTTP_STATE_CHUNK_SIZE;
    } else if (head->content_length != HTTP_LENGTH_NONE) {
        reader->state = HTTP_STATE_LENGTH;
        reader->remaining = head->content_length;
    } else {
        reader->state = HTTP_STATE_UNTIL_CLOSE;
    }
    return HTTP_HEAD;
}

static enum http_result whole_head(struct http_reader *reader, struct span text)
{
    enum http_result result = http_read_head(reader, text);

    if (result != HTTP_HEAD) {
        reader->state = HTTP_STATE_FAILED;
        return result;
    }
    return begin_body(reader);
}

/* One empty line before a request is an old client's habit (RFC 9112 2.2). */
static bool begins_empty(const struct http_reader *reader, struct span text)
{
    return reader->side == HTTP_REQUESTS && !reader->skipped_line &&
           span_starts(text, SPAN("\r\n"));
}

/* Appends REST to what came before and looks for the end of the head there. */
static enum http_result continue_head(struct http_reader *reader, struct span *rest)
{
    struct buffer *partial = &reader->partial;
    size_t before = partial->len, room = reader->limits->head_bytes - before, end;
    size_t count = rest->len < room ? rest->len : room;
    const char *error;

    (void)buffer_append(partial, span_of(rest->ptr, count));
    if (before == 1 && begins_empty(reader, buffer_span(partial))) {
        buffer_clear(partial);
        reader->searched = 0;
        reader->skipped_line = true;
        *rest = span_skip(*rest, 1);
        return HTTP_MORE; /* next_head goes on with the rest */
    }
    end = find_head_end(buffer_span(partial), &reader->searched);
    if (end == SIZE_MAX)
        return http_fail(reader, "a line ends in a bare LF");
    if (end > 0) {
        *rest = span_skip(*rest, end - before);
        partial->len = end;
        reader->searched = 0;
        return whole_head(reader, buffer_span(partial));
    }
    if (partial->len >= reader->limits->head_bytes)
        return too_large(reader, buffer_span(partial));
    *rest = span_skip(*rest, count);
    error = check_begun(reader, buffer_span(partial), before > 0 ? before - 1 : 0);
    return error ? http_fail(reader, error) : HTTP_MORE;
}

/* No byte of the head is kept yet: it is read in place when it is whole. */
static enum http_result begin_head(struct http_reader *reader, struct span *rest)
{
    size_t limit = reader->limits->head_bytes, end;
    enum http_result result;
    uint32_t searched = 0;

    end = find_head_end(span_of(rest->ptr, rest->len < limit ? rest->len : limit), &searched);
    if (end == SIZE_MAX)
        return http_fail(reader, "a line ends in a bare LF");
    if (end == 0)
        return continue_head(reader, rest);
    result = whole_head(reader, span_of(rest->ptr, end));
    if (result == HTTP_HEAD)
        *rest = span_skip(*rest, end);
    return result;
}

static enum http_result next_head(struct http_reader *reader, struct span *rest)
{
    bool kept_interim = reader->partial.len > 0 && reader->searched == 0;

    if (rest->len > 0 && kept_interim)
        buffer_clear(&reader->partial);
    if (rest->len > 0 && reader->state == HTTP_STATE_START) {
        reader->state = HTTP_STATE_HEAD;
        if (begins_empty(reader, *rest)) {
            reader->skipped_line = true;
            *rest = span_skip(*rest, 2);
        }
    } else if (rest->len > 0 && reader->partial.len > 0) {
        enum http_result result = continue_head(reader, rest);

        if (result != HTTP_MORE || rest->len == 0)
            return result;
    }
    return rest->len > 0 ? begin_head(reader, rest) : HTTP_MORE;
}

static enum http_result next_counted(struct http_reader *reader, struct span *rest,
                                     struct span *ret_body)
{
    *ret_body = *rest;
    if (reader->state == HTTP_STATE_LENGTH) {
        if (ret_body->len > reader->remaining)
            ret_body->len = (size_t)reader->remaining;
        reader->remaining -= ret_body->len;
        if (reader->remaining == 0)
            reader->state = HTTP_STATE_ENDED;
    }
    *rest = span_skip(*rest, ret_body->len);
    return ret_body->len > 0 ? HTTP_BODY : HTTP_MORE;
}

enum http_result http_next(struct http_reader *reader, struct span *rest,
                           const struct http_head **ret_head, struct span *ret_body)
{
    enum http_state state = (enum http_state)reader->state;

    CHECK(state != HTTP_STATE_FINISHED); /* http_reader_next_message comes first */
    if (state == HTTP_STATE_START || state == HTTP_STATE_HEAD) {
        *ret_head = &reader->head;
        return next_head(reader, rest);
    }
    if (state == HTTP_STATE_LENGTH || state == HTTP_STATE_UNTIL_CLOSE)
        return next_counted(reader, rest, ret_body);
    if (state == HTTP_STATE_FAILED)
        return HTTP_BAD;
    if (state != HTTP_STATE_ENDED)
        return http_next_chunked(reader, rest, ret_body);
    reader->state = HTTP_STATE_FINISHED;
    return HTTP_DONE;
}

enum http_result http_closed(struct http_reader *reader)
{
    if (http_reader_idle(reader) || reader->state == HTTP_STATE_FINISHED)
        return HTTP_MORE;
    if (reader->state == HTTP_STATE_UNTIL_CLOSE || reader->state == HTTP_STATE_ENDED) {
        reader->state = HTTP_STATE_FINISHED;
        return HTTP_DONE;
    }
    return http_fail(reader, "the connection closed in the middle of a message");
}
