#include "tests/bench/reply.h"

#include <string.h>

enum {
    HEAD_LIMIT = 32768,
    BODY_KEPT = 65536
};

void reply_begin(struct reply *r)
{
    struct bytes kept = r->kept;

    bytes_drop(&kept, kept.len);
    *r = (struct reply){.kept = kept};
}

void reply_done(struct reply *r)
{
    bytes_done(&r->kept);
}

/* An event line is over: what was it? */
static void line_ends(struct reply *r)
{
    if (r->line_len >= 5 && memcmp(r->line, "data:", 5) == 0) {
        const char *value = r->line + 5 + (r->line[5] == ' ');

        if (strncmp(value, "[DONE]", 6) == 0 ||
            strncmp(value, "{\"type\":\"message_stop\"", 22) == 0)
            r->done = true;
        else if (strncmp(value, "{\"error\"", 8) == 0)
            r->fault = true;
        else
            r->chunks++;
    }
    memset(r->line, 0, sizeof r->line);
    r->line_len = 0;
}

static void events_take(struct reply *r, const char *ptr, size_t len)
{
    while (len) {
        const char *end = memchr(ptr, '\n', len);
        size_t part = end ? (size_t)(end - ptr) : len;

        if (r->line_len < sizeof r->line - 1) {
            size_t room = sizeof r->line - 1 - r->line_len;
            memcpy(r->line + r->line_len, ptr, part < room ? part : room);
        }
        r->line_len += part;
        if (end) {
            line_ends(r);
            part++;
        }
        ptr += part;
        len -= part;
    }
}

static void body_take(struct reply *r, const char *ptr, size_t len)
{
    r->body_bytes += len;
    if (r->events)
        events_take(r, ptr, len);
    else if (r->kept.len < BODY_KEPT)
        bytes_add(&r->kept, ptr, len);
}

static void head_read(struct reply *r, struct text head)
{
    struct text type = wire_header(head, "content-type");
    struct text coding = wire_header(head, "transfer-encoding");
    struct text length = wire_header(head, "content-length");
    struct text id = wire_header(head, "x-request-id");

    r->status = (unsigned)wire_number((struct text){head.ptr + 9, 3});
    r->close = wire_has(wire_header(head, "connection"), "close") || head.ptr[7] == '0';
    r->events = wire_has(type, "text/event-stream");
    memcpy(r->id, id.ptr ? id.ptr : "", id.len < sizeof r->id - 1 ? id.len : sizeof r->id - 1);
    r->left = wire_number(length);
    if (wire_has(coding, "chunked"))
        r->state = REPLY_CHUNK_SIZE;
    else if (length.len)
        r->state = r->left ? REPLY_COUNTED : REPLY_DONE;
    else
        r->state = r->status == 204 || r->status == 304 ? REPLY_DONE : REPLY_TO_END;
    if (r->state == REPLY_TO_END)
        r->close = true;
}

/* Gathers the head; how many of the bytes it took. */
static size_t head_take(struct reply *r, const char *ptr, size_t len)
{
    size_t before = r->kept.len;

    bytes_add(&r->kept, ptr, len);
    size_t head_len = wire_head_len(bytes_at(&r->kept), r->kept.len);

    if (!head_len) {
        if (r->kept.len > HEAD_LIMIT)
            r->state = REPLY_BAD;
        return len;
    }
    const char *head = bytes_at(&r->kept);

    if (head_len < 16 || memcmp(head, "HTTP/1.", 7) != 0) {
        r->state = REPLY_BAD;
        return len;
    }
    head_read(r, (struct text){head, head_len});
    bytes_drop(&r->kept, r->kept.len);
    if (r->status >= 100 && r->status < 200)
        r->state = REPLY_HEAD;
    return head_len - before;
}

static size_t counted_take(struct reply *r, const char *ptr, size_t len, enum reply_state after)
{
    size_t part = len < r->left ? len : (size_t)r->left;

    body_take(r, ptr, part);
    r->left -= part;
    if (!r->left)
        r->state = after;
    return part;
}

static void state_set(struct reply *r, enum reply_state state)
{
    r->state = state;
    r->seen = 0;
}

/* `seen` counts the digits; a size without one is no size. */
static void chunk_size_byte(struct reply *r, char c)
{
    int digit = c >= '0' && c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;

    if (c == '\n' && r->seen)
        state_set(r, r->left ? REPLY_CHUNK_DATA : REPLY_TRAILER);
    else if (c != '\r' && (digit < 0 || digit > 15 || r->seen++ > 8))
        state_set(r, REPLY_BAD);
    else if (c != '\r')
        r->left = r->left * 16 + (uint64_t)digit;
}

/* Exactly CR LF stands after a chunk's data. */
static void chunk_end_byte(struct reply *r, char c)
{
    if (c != "\r\n"[r->seen++])
        state_set(r, REPLY_BAD);
    else if (c == '\n')
        state_set(r, REPLY_CHUNK_SIZE);
}

/* The lines after the last chunk, to an empty one; `seen` counts the bytes of a line. */
static void trailer_byte(struct reply *r, char c)
{
    if (c == '\n' && !r->seen)
        state_set(r, REPLY_DONE);
    else if (c == '\n')
        r->seen = 0;
    else if (c != '\r')
        r->seen++;
}

static size_t part_take(struct reply *r, const char *ptr, size_t len)
{
    switch (r->state) {
    case REPLY_HEAD: return head_take(r, ptr, len);
    case REPLY_COUNTED: return counted_take(r, ptr, len, REPLY_DONE);
    case REPLY_CHUNK_DATA: return counted_take(r, ptr, len, REPLY_CHUNK_END);
    case REPLY_CHUNK_SIZE: chunk_size_byte(r, *ptr); return 1;
    case REPLY_CHUNK_END: chunk_end_byte(r, *ptr); return 1;
    case REPLY_TRAILER: trailer_byte(r, *ptr); return 1;
    case REPLY_TO_END: body_take(r, ptr, len); return len;
    case REPLY_DONE: r->rest += len; return len;
    case REPLY_BAD: return len;
    }
    return len;
}

void reply_take(struct reply *r, const char *ptr, size_t len)
{
    r->bytes += len;
    while (len) {
        size_t part = part_take(r, ptr, len);

        ptr += part;
        len -= part;
    }
}

void reply_end_of_input(struct reply *r)
{
    if (r->state == REPLY_TO_END)
        r->state = REPLY_DONE;
}

bool reply_body_is_good(const struct reply *r, bool stream)
{
    const char *body = r->kept.len ? bytes_at(&r->kept) : "";

    if (r->rest || r->events != stream)
        return false;
    if (stream)
        return r->done && !r->fault;
    return r->kept.len > 2 && body[0] == '{' && body[r->kept.len - 1] == '}' &&
           (memmem(body, r->kept.len, "\"choices\"", 9) ||
            memmem(body, r->kept.len, "\"content\"", 9)) &&
           memmem(body, r->kept.len, "\"usage\"", 7);
}
