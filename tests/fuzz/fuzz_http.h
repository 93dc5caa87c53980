/* tests/fuzz/fuzz_http.h
 *
 * What the targets of the HTTP reader share: the bytes of a peer give the same events whole, in
 * two pieces at any cut and byte by byte; a body has no byte that was not sent; the reader
 * takes all input or stops for good.
 */
#ifndef TESTS_FUZZ_FUZZ_HTTP_H
#define TESTS_FUZZ_FUZZ_HTTP_H

#include "shared/base/buffer.h"
#include "shared/http/http_reader.h"

#include "tests/fuzz/fuzz.h"

#define FUZZ_EVENTS_BYTES ((size_t)16 << 20)

struct heard {
    struct buffer events;
    bool ended;
    bool in_body;
};

static const struct http_limits fuzz_limits = {
    .head_bytes = 2048,
    .target_bytes = 256,
    .header_count = 16,
};

static void note_head(struct heard *heard, const struct http_head *head)
{
    MUST(head->header_count <= fuzz_limits.header_count);
    MUST(buffer_append_format(&heard->events, "head %d %u %d %d %d %ju:", (int)head->method_id,
                              head->status, head->keep_alive, head->chunked, head->has_body,
                              (uintmax_t)head->content_length));
    MUST(!head->chunked || head->content_length == HTTP_LENGTH_NONE);
    for (unsigned i = 0; i < head->header_count; i++) {
        MUST(http_name_valid(head->headers[i].name));
        MUST(http_value_valid(head->headers[i].value));
        MUST(buffer_append(&heard->events, head->headers[i].name));
        MUST(buffer_append(&heard->events, head->headers[i].value));
    }
}

static void note(struct heard *heard, enum http_result result, const struct http_head *head,
                 struct span body)
{
    if (result == HTTP_BODY) {
        MUST(body.len > 0);
        MUST(heard->in_body || buffer_append(&heard->events, SPAN("[")));
        heard->in_body = true;
        MUST(buffer_append(&heard->events, body));
        return;
    }
    MUST(!heard->in_body || buffer_append(&heard->events, SPAN("]")));
    heard->in_body = false;
    if (result == HTTP_HEAD)
        note_head(heard, head);
    else
        MUST(buffer_append(&heard->events, result == HTTP_DONE ? SPAN("done ") : SPAN("bad ")));
    heard->ended = result >= HTTP_BAD;
}

static void feed(struct http_reader *reader, struct span bytes, struct heard *heard)
{
    while (!heard->ended) {
        const struct http_head *head = NULL;
        struct span body = SPAN_NONE;
        enum http_result result = http_next(reader, &bytes, &head, &body);

        if (result == HTTP_MORE) {
            MUST(bytes.len == 0);
            return;
        }
        note(heard, result, head, body);
        if (result == HTTP_DONE)
            http_reader_next_message(reader);
    }
}

/* STEP bytes at a time after the first CUT. */
static void hear(enum http_side side, struct span all, size_t cut, size_t step,
                 struct heard *heard)
{
    static struct http_scratch scratch;
    struct http_reader reader;
    struct span rest = span_skip(all, cut);

    *heard = (struct heard){.ended = false};
    buffer_init(&heard->events, FUZZ_EVENTS_BYTES);
    http_reader_init(&reader, side, &fuzz_limits, &scratch);
    feed(&reader, span_of(all.ptr, cut), heard);
    while (rest.len > 0) {
        feed(&reader, span_of(rest.ptr, rest.len < step ? rest.len : step), heard);
        rest = span_skip(rest, step);
    }
    http_reader_done(&reader);
}

/* Where heads are cut short by the end of the input, one way of reading may know sooner than
 * another that they are bad; what came before is the same. */
static void compare(const struct heard *a, const struct heard *b)
{
    struct span x = buffer_span(&a->events), y = buffer_span(&b->events);

    if (a->ended && !b->ended)
        x.len -= SPAN("bad ").len;
    if (b->ended && !a->ended)
        y.len -= SPAN("bad ").len;
    while (a->ended != b->ended && x.len > y.len && x.ptr[x.len - 1] == ']')
        x.len--;
    while (a->ended != b->ended && y.len > x.len && y.ptr[y.len - 1] == ']')
        y.len--;
    MUST(span_eq(x, y));
}

static void fuzz_http(enum http_side side, const uint8_t *data, size_t size)
{
    size_t cut = take_cut(&data, &size);
    struct span all = span_of((const char *)data, size);
    struct heard whole, pieces, bytes;

    hear(side, all, size, 1, &whole);
    hear(side, all, cut, size + 1, &pieces);
    hear(side, all, 0, 1, &bytes);
    compare(&whole, &pieces);
    compare(&whole, &bytes);
    buffer_done(&whole.events);
    buffer_done(&pieces.events);
    buffer_done(&bytes.events);
}

#endif
