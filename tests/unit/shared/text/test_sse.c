#include <check.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/arena.h"
#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/text/json.h"
#include "shared/text/sse.h"

struct sse_case {
    struct span wire;
    const char *events; /* event|data|id; one line each, "-" for absent */
    const char *rest;
};

static const struct sse_case cases[] = {
    {SPAN("data: a\n\ndata: b\n\n"), "-|a|-;-|b|-;", ""},
    {SPAN("data: a\r\n\r\ndata: b\r\n\r\n"), "-|a|-;-|b|-;", ""},
    {SPAN("data:a\r\rdata:b\r\r"), "-|a|-;-|b|-;", ""},
    {SPAN("\xef\xbb\xbf"
          "data:a\n\n\xef\xbb\xbf"
          "data:b\n\n"),
     "-|a|-;", ""},
    {SPAN("event: x\ndata: 1\ndata:  2\nid: 7\n\n"), "x|1\n 2|7;", ""},
    {SPAN("data\n\ndata\ndata\n\ndata:"), "-||-;-|\n|-;", "data:"},
    {SPAN(": keep\n\nretry: 5\n\n"), "", ""},
    {SPAN("id: a\0b\ndata: x\n\n"), "-|x|-;", ""},
    {SPAN("\n\n\ndata: x\n\n\n"), "-|x|-;", ""},
    {SPAN("data: [DONE]\n\n"), "-|[DONE]|-;", ""},
    {SPAN("data: cut"), "", "data: cut"},
    {SPAN("data: cut\n"), "", "data: cut\n"},
    {SPAN("data:a\ndata:b\ndata:c\n\n"), "-|a\nb\nc|-;", ""},
    {SPAN("data: a\r\n\rdata: b\n\r\n"), "-|a|-;-|b|-;", ""},
    {SPAN("dat: a\nDATA: b\n data: c\ndata : d\n\n"), "", ""},
};

struct listener {
    struct sse_framer framer;
    struct buffer events;
    struct buffer raw;
};

static void add(struct buffer *out, struct span s, char after)
{
    (void)buffer_append(out, s.ptr ? s : SPAN("-"));
    (void)buffer_append_byte(out, after);
}

static void feed(struct listener *listener, struct span bytes)
{
    struct sse_record record;
    enum sse_result result;
    /* Memory of exactly this size, gone after the feed: what is kept must be a copy. */
    char *exact = malloc(bytes.len + (bytes.len == 0));
    struct span rest = span_of(exact, bytes.len);

    memcpy(exact, bytes.ptr, bytes.len);
    while ((result = sse_next(&listener->framer, &rest, &record)) == SSE_RECORD) {
        (void)buffer_append(&listener->raw, record.raw);
        if (!record.has_data)
            continue;
        add(&listener->events, record.event, '|');
        add(&listener->events, record.data, '|');
        add(&listener->events, record.id, ';');
    }
    ck_assert(result == SSE_MORE);
    ck_assert_uint_eq(rest.len, 0);
    free(exact);
}

static void listen(struct listener *listener)
{
    sse_init(&listener->framer, 65536);
    buffer_init(&listener->events, 65536);
    buffer_init(&listener->raw, 65536);
}

static void stop(struct listener *listener)
{
    sse_done(&listener->framer);
    buffer_done(&listener->events);
    buffer_done(&listener->raw);
}

static void expect(struct listener *listener, const struct sse_case *c)
{
    ck_assert_msg(span_eq(buffer_span(&listener->events), span_of_text(c->events)),
                  "%.*s: %.*s", SPAN_ARG(c->wire), SPAN_ARG(buffer_span(&listener->events)));
    ck_assert(span_eq(sse_rest(&listener->framer), span_of_text(c->rest)));
    ck_assert(span_starts(c->wire, buffer_span(&listener->raw)));
    /* Only the LF of a last CRLF may be in neither. */
    ck_assert_uint_le(c->wire.len - listener->raw.len - strlen(c->rest), 1);
}

START_TEST(records_are_the_same_at_every_cut)
{
    const struct sse_case *c = &cases[_i];

    for (size_t first = 0; first <= c->wire.len; first++) {
        for (size_t second = first; second <= c->wire.len; second++) {
            struct listener listener;

            listen(&listener);
            feed(&listener, span_of(c->wire.ptr, first));
            feed(&listener, span_of(c->wire.ptr + first, second - first));
            feed(&listener, span_skip(c->wire, second));
            expect(&listener, c);
            stop(&listener);
        }
    }
}

END_TEST

START_TEST(records_are_the_same_byte_by_byte)
{
    const struct sse_case *c = &cases[_i];
    struct listener listener;

    listen(&listener);
    for (size_t i = 0; i < c->wire.len; i++)
        feed(&listener, span_of(c->wire.ptr + i, 1));
    expect(&listener, c);
    stop(&listener);
}

END_TEST

START_TEST(whole_records_are_given_in_place)
{
    struct span wire = SPAN("data: x\n\n"), rest = wire;
    struct sse_framer framer;
    struct sse_record record;

    sse_init(&framer, 100);
    ck_assert(sse_next(&framer, &rest, &record) == SSE_RECORD);
    ck_assert_ptr_eq(record.raw.ptr, wire.ptr);
    ck_assert_ptr_eq(record.data.ptr, wire.ptr + 6);
    ck_assert_ptr_null(framer.carry.ptr);
    sse_done(&framer);
}

END_TEST

START_TEST(a_record_over_the_limit_is_refused)
{
    struct span whole = SPAN("data: 0123456789\n\n"), begun = SPAN("data: 0123456789");
    struct sse_framer framer;
    struct sse_record record;

    sse_init(&framer, 12);
    ck_assert(sse_next(&framer, &whole, &record) == SSE_TOO_LARGE);
    sse_done(&framer);
    sse_init(&framer, 12);
    ck_assert(sse_next(&framer, &begun, &record) == SSE_TOO_LARGE);
    sse_done(&framer);
}

END_TEST

/* One line of the vectors file: {"wire": text, "events": [{"event", "data", "id"}]}. */
static void check_vector(struct span line)
{
    struct json_value value, event;
    struct json_error error;
    struct json_walk walk;
    struct listener listener;
    struct arena arena;
    struct buffer expected;
    struct buffer data;
    struct span wire;
    bool raw = false;

    arena_init(&arena, 0);
    buffer_init(&expected, 65536);
    buffer_init(&data, 65536);
    ck_assert(json_check(line, &value, &error));
    wire = json_text(json_member(value, SPAN("wire")), &arena);
    if (!wire.ptr) {
        /* Bytes that are no text: the framer gives them as they are. */
        struct span hex = json_text(json_member(value, SPAN("wire_hex")), &arena);
        uint8_t *bytes = arena_take(&arena, hex.len);

        ck_assert(decode_hex(hex, bytes, hex.len / 2));
        wire = span_of((const char *)bytes, hex.len / 2);
        raw = true;
    }
    walk = json_walk(json_member(value, SPAN("events")));
    while (json_next(&walk, NULL, &event))
        add(&expected, json_text(json_member(event, SPAN("data")), &arena), ';');
    listen(&listener);
    for (size_t i = 0; i < wire.len; i++) {
        struct sse_record record;
        struct span rest = span_of(wire.ptr + i, 1);

        while (sse_next(&listener.framer, &rest, &record) == SSE_RECORD) {
            if (record.has_data)
                add(&data, record.data, ';');
        }
    }
    ck_assert_msg(raw ? data.len > 0 : span_eq(buffer_span(&data), buffer_span(&expected)),
                  "%.*s", SPAN_ARG(line));
    stop(&listener);
    buffer_done(&data);
    buffer_done(&expected);
    arena_done(&arena);
}

START_TEST(the_vectors_agree)
{
    static char bytes[1 << 20];
    const char *folder = getenv("AIGW_VECTORS");
    struct span rest, line;
    char path[4096];
    unsigned count = 0;
    FILE *file;

    if (!folder)
        return;
    (void)snprintf(path, sizeof(path), "%s/sse/sse-vectors.jsonl", folder);
    file = fopen(path, "rb");
    ck_assert_msg(file != NULL, "%s", path);
    rest = span_of(bytes, fread(bytes, 1, sizeof(bytes), file));
    (void)fclose(file);
    while (span_cut(&rest, '\n', &line)) {
        if (line.len == 0)
            continue;
        check_vector(line);
        count++;
    }
    ck_assert_uint_gt(count, 30);
}

END_TEST

static const struct {
    struct span rest;
    bool whole;
} rests[] = {
    {SPAN("data: [DONE]"), true},
    {SPAN("data: {\"a\":1}"), true},
    {SPAN("data:{\"a\":1} \r\n"), true},
    {SPAN("\ndata: {\"a\":1}\n"), true},
    {SPAN("event: message_stop\ndata: {\"type\":\"message_stop\"}"), true},
    {SPAN(": note\nid: 7\nretry: 5\ndata: {}"), true},
    {SPAN("[{\n \"error\": {\"code\": 503}\n}]\n"), true},
    {SPAN("data: {\"a\":"), false},
    {SPAN("event: message_stop\ndata: {\"type\""), false},
    {SPAN("event: message_stop"), false},
    {SPAN("event: message_stop\n"), false},
    {SPAN("data: [DON"), false},
    {SPAN("data"), false},
    {SPAN(": ping"), false},
    {SPAN(""), false},
};

START_TEST(a_rest_is_whole_when_only_its_blank_line_is_missing)
{
    ck_assert_int_eq(sse_rest_is_whole(rests[_i].rest), rests[_i].whole);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("sse");
    TCase *tests = tcase_create("sse");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, records_are_the_same_at_every_cut, 0, (int)ARRAY_LEN(cases));
    tcase_add_loop_test(tests, records_are_the_same_byte_by_byte, 0, (int)ARRAY_LEN(cases));
    tcase_add_test(tests, whole_records_are_given_in_place);
    tcase_add_test(tests, a_record_over_the_limit_is_refused);
    tcase_add_test(tests, the_vectors_agree);
    tcase_add_loop_test(tests, a_rest_is_whole_when_only_its_blank_line_is_missing, 0,
                        (int)ARRAY_LEN(rests));
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
