#include <check.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/http/http_reader.h"

static const struct http_limits limits = {
    .head_bytes = 1024,
    .target_bytes = 64,
    .header_count = 8,
};

struct http_case {
    struct span wire;
    const char *events; /* one word per event; the bytes of a body stand in brackets */
};

#define REQUEST(rest) SPAN("POST /x HTTP/1.1\r\nHost: a\r\n" rest)
#define ANSWER(rest)  SPAN("HTTP/1.1 200 OK\r\n" rest)

static const struct http_case good_requests[] = {
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), "head done "},
    {SPAN("\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "head done "},
    {SPAN("GET / HTTP/1.0\r\n\r\n"), "head done "},
    {SPAN("OPTIONS * HTTP/1.1\r\nHost: a:80\r\n\r\n"), "head done "},
    {SPAN("BREW /pot HTTP/1.1\r\nHost: a\r\n\r\n"), "head done "},
    {SPAN("GET http://a/b HTTP/1.1\r\nHost: a\r\n\r\n"), "head done "},
    {REQUEST("Content-Length: 0\r\n\r\n"), "head done "},
    {REQUEST("Content-Length: 5\r\n\r\nhello"), "head [hello] done "},
    {REQUEST("Content-Length: 2\r\n\r\nabGET / HTTP/1.1\r\nHost: a\r\n\r\n"),
     "head [ab] done head done "},
    {REQUEST("Transfer-Encoding: Chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
     "head [hello] done "},
    {REQUEST(
         "Transfer-Encoding: chunked\r\n\r\n3;a=b\r\nabc\r\n00A;x;y=z\r\n0123456789\r\n0\r\n\r\n"),
     "head [abc0123456789] done "},
    {REQUEST(
         "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n0\r\nTrailer-Name: value\r\nB:\r\n\r\n"),
     "head [a] done "},
    {REQUEST("X-Text: \xc3\xa9 \t quoted \"x\"\t\r\n\r\n"), "head done "},
};

static const struct http_case bad_requests[] = {
    {SPAN("GET / HTTP/1.1\nHost: a\n\n"), "bad "},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\n\n"), "bad "},
    {SPAN("GET / HTTP/1.1\rHost: a\r\r"), "bad "},
    {SPAN("\r\n\r\nGET / HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("\x16\x03\x01\x02"), "bad "},
    {SPAN("GET / HTTP/1.1\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.1\r\nHost:\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.1\r\nHost: a@b\r\n\r\n"), "bad "},
    {SPAN("GET http://b/ HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET ftp://a/ HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET x HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET * HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET /  HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET /\t HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET /a#b HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET /\xc3\xa9 HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET / http/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET /\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("GET / HTTP/1.1 \r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("G<T / HTTP/1.1\r\nHost: a\r\n\r\n"), "bad "},
    {SPAN("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), "bad "},
    {REQUEST("Bad Name: x\r\n\r\n"), "bad "},
    {REQUEST("Name : x\r\n\r\n"), "bad "},
    {REQUEST("Name\r\n\r\n"), "bad "},
    {REQUEST(": x\r\n\r\n"), "bad "},
    {REQUEST("A: b\r\n folded\r\n\r\n"), "bad "},
    {REQUEST("A: b\r\n\tfolded\r\n\r\n"), "bad "},
    {REQUEST(" A: b\r\n\r\n"), "bad "},
    {REQUEST("A: b\0c\r\n\r\n"), "bad "},
    {REQUEST("A: b\rc\r\n\r\n"), "bad "},
    {REQUEST("A: b\x7f\r\n\r\n"), "bad "},
    {REQUEST("A: b\x01\r\n\r\n"), "bad "},
    {REQUEST("N\xc3\xa9: b\r\n\r\n"), "bad "},
    {REQUEST("Content-Length: +5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length: -5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length: 0x5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length: 5 5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length: 5, 5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length:\r\n\r\n"), "bad "},
    {REQUEST("Content-Length: 99999999999999999999\r\n\r\n"), "bad "},
    {REQUEST("Content-Length: 9223372036854775808\r\n\r\n"), "bad "},
    {REQUEST("Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello"), "bad "},
    {REQUEST("Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: \"chunked\"\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: chunked\x0b\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding:\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"),
     "bad "},
    {SPAN("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad "},
    {REQUEST("Connection: clo se\r\n\r\n"), "bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n"
             "x\r\n"),
     "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n\r\n"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n 1\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1 \r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n+1\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n0x1\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1\r\na\n0\r\n\r\n"), "head [a] bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1\r\nab\r\n"), "head [a] bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1;\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1;a=\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1;a=b=c\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1;a\nb\r\na"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n1;"
             "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\na"),
     "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n0\r\n bad: x\r\n\r\n"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n0\r\nbad\r\n\r\n"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n0\r\na: b\nc: d\r\n\r\n"), "head bad "},
    {REQUEST("Transfer-Encoding: chunked\r\n\r\n0\r\n\rx"), "head bad "},
    {SPAN("GET /0123456789012345678901234567890123456789012345678901234567890123 HTTP/1.1\r\n"
          "Host: a\r\n\r\n"),
     "target "},
    {REQUEST("A: 1\r\nB: 1\r\nC: 1\r\nD: 1\r\nE: 1\r\nF: 1\r\nG: 1\r\nH: 1\r\n\r\n"), "large "},
};

static const struct http_case answers[] = {
    {ANSWER("Content-Length: 2\r\n\r\nok"), "head [ok] done "},
    {SPAN("HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n"), "head done "},
    {ANSWER("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"), "head [ok] done "},
    {ANSWER("\r\nuntil close"), "head [until close] closed:done "},
    {SPAN("HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\na"),
     "head head [a] done "},
    {SPAN("HTTP/1.1 204 No Content\r\n\r\n"), "head done "},
    {SPAN("HTTP/1.1 304 Not Modified\r\nContent-Length: 9\r\n\r\n"), "head done "},
    {ANSWER("Content-Length: 3\r\n\r\nok"), "head [ok] closed:bad "},
    {ANSWER("Transfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n"), "head [ok] closed:bad "},
    {ANSWER("Content-Le"), "closed:bad "},
    {SPAN("HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n"), "bad "},
    {SPAN("HTTP/1.1 20 OK\r\n\r\n"), "bad "},
    {SPAN("HTTP/1.1 600 No\r\n\r\n"), "bad "},
    {SPAN("HTTP/1.1 2000 No\r\n\r\n"), "bad "},
    {SPAN("HTTP/1.1  200 OK\r\n\r\n"), "bad "},
    {SPAN("HTTP/2 200 OK\r\n\r\n"), "bad "},
    {SPAN("ICY 200 OK\r\n\r\n"), "bad "},
    {SPAN("HTTP/1.1 200 OK\nContent-Length: 0\n\n"), "bad "},
    {SPAN("HTTP/1.1 200 O\x01K\r\n\r\n"), "bad "},
    {ANSWER("Content-Length: 1\r\nContent-Length: 1\r\n\r\na"), "bad "},
    {ANSWER("Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"), "bad "},
    {ANSWER("A: b\r\n c\r\n\r\n"), "bad "},
    {SPAN("<html>"), "bad "},
};

static const char *const words[] = {
    [HTTP_HEAD] = "head ",
    [HTTP_DONE] = "done ",
    [HTTP_BAD] = "bad ",
    [HTTP_HEAD_TOO_LARGE] = "large ",
    [HTTP_TARGET_TOO_LONG] = "target ",
};

struct listener {
    struct http_reader reader;
    struct buffer events;
    bool in_body, ended;
};

static struct http_scratch scratch;

static void listen(struct listener *listener, enum http_side side)
{
    *listener = (struct listener){0};
    http_reader_init(&listener->reader, side, &limits, &scratch);
    buffer_init(&listener->events, 65536);
}

static void stop(struct listener *listener)
{
    http_reader_done(&listener->reader);
    buffer_done(&listener->events);
}

static void note(struct listener *listener, enum http_result result, struct span body)
{
    if (result == HTTP_BODY) {
        if (!listener->in_body)
            (void)buffer_append_byte(&listener->events, '[');
        listener->in_body = true;
        (void)buffer_append(&listener->events, body);
        return;
    }
    if (listener->in_body)
        (void)buffer_append(&listener->events, SPAN("] "));
    listener->in_body = false;
    (void)buffer_append(&listener->events, span_of_text(words[result]));
}

/* The bytes stand in memory of exactly their size, which is gone after the feed. */
static void feed(struct listener *listener, struct span bytes)
{
    char *exact = malloc(bytes.len + (bytes.len == 0));
    struct span rest = span_of(exact, bytes.len), body = SPAN_NONE;
    const struct http_head *head;

    memcpy(exact, bytes.ptr, bytes.len);
    while (!listener->ended) {
        enum http_result result = http_next(&listener->reader, &rest, &head, &body);

        if (result == HTTP_MORE)
            break;
        note(listener, result, body);
        listener->ended = result >= HTTP_BAD;
        if (result == HTTP_DONE)
            http_reader_next_message(&listener->reader);
    }
    ck_assert(listener->ended || rest.len == 0);
    free(exact);
}

static void expect(struct listener *listener, const struct http_case *c, size_t cut)
{
    if (!listener->ended && !http_reader_idle(&listener->reader)) {
        enum http_result result = http_closed(&listener->reader);

        if (listener->in_body)
            (void)buffer_append(&listener->events, SPAN("] "));
        (void)buffer_append(&listener->events,
                            result == HTTP_DONE ? SPAN("closed:done ") : SPAN("closed:bad "));
    }
    ck_assert_msg(span_eq(buffer_span(&listener->events), span_of_text(c->events)),
                  "cut at %zu:\n%.*s\n%.*s (%s)", cut, SPAN_ARG(c->wire),
                  SPAN_ARG(buffer_span(&listener->events)),
                  listener->reader.error ? listener->reader.error : "");
    stop(listener);
}

static void check_case(const struct http_case *c, enum http_side side)
{
    struct listener listener;

    for (size_t cut = 0; cut <= c->wire.len; cut++) {
        listen(&listener, side);
        feed(&listener, span_of(c->wire.ptr, cut));
        feed(&listener, span_skip(c->wire, cut));
        expect(&listener, c, cut);
    }
    listen(&listener, side);
    for (size_t i = 0; i < c->wire.len; i++)
        feed(&listener, span_of(c->wire.ptr + i, 1));
    expect(&listener, c, SIZE_MAX);
}

START_TEST(good_requests_are_read_at_every_cut)
{
    check_case(&good_requests[_i], HTTP_REQUESTS);
}

END_TEST

START_TEST(bad_requests_are_refused_at_every_cut)
{
    check_case(&bad_requests[_i], HTTP_REQUESTS);
}

END_TEST

START_TEST(answers_are_read_at_every_cut)
{
    check_case(&answers[_i], HTTP_ANSWERS);
}

END_TEST

/* The head of WIRE; lives as long as the static reader. */
static const struct http_head *head_of(struct span wire, enum http_side side, bool head_answer)
{
    static struct http_reader reader;
    const struct http_head *head;
    struct span body;

    http_reader_init(&reader, side, &limits, &scratch);
    reader.head_answer = head_answer;
    ck_assert(http_next(&reader, &wire, &head, &body) == HTTP_HEAD);
    return head;
}

START_TEST(a_head_says_what_matters)
{
    const struct http_head *head = head_of(
        SPAN("POST /v1/x?y=1 HTTP/1.1\r\nHost: a:8080\r\ncontent-length:  12 \r\nEXPECT: "
             "100-Continue\r\nAccept: a\r\naccept: b\r\nConnection: foo, Close\r\n\r\n"),
        HTTP_REQUESTS, false);

    ck_assert(head->method_id == HTTP_METHOD_POST);
    ck_assert(span_eq(head->target, SPAN("/v1/x?y=1")));
    ck_assert(!head->keep_alive && head->expect_continue && !head->expect_other);
    ck_assert(head->has_body && !head->chunked);
    ck_assert_uint_eq(head->content_length, 12);
    ck_assert_uint_eq(head->header_count, 6);
    ck_assert(span_eq(http_find(head, SPAN("host")), SPAN("a:8080")));
    ck_assert_uint_eq(http_count(head, SPAN("accept")), 2);
    ck_assert(span_eq(http_find(head, SPAN("accept")), SPAN("a")));
    ck_assert(!http_find(head, SPAN("authorization")).ptr);
}

END_TEST

static const struct {
    struct span wire;
    enum http_side side;
    bool head_answer, keeps, body;
} keep_cases[] = {
    {SPAN("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), HTTP_REQUESTS, false, true, false},
    {SPAN("GET / HTTP/1.0\r\n\r\n"), HTTP_REQUESTS, false, false, false},
    {SPAN("GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n"), HTTP_REQUESTS, false, true,
     false},
    {ANSWER("Content-Length: 1\r\n\r\n"), HTTP_ANSWERS, false, true, true},
    {ANSWER("Content-Length: 1\r\n\r\n"), HTTP_ANSWERS, true, true, false},
    {ANSWER("\r\n"), HTTP_ANSWERS, false, false, true},
    {ANSWER("Connection: close\r\nContent-Length: 1\r\n\r\n"), HTTP_ANSWERS, false, false,
     true},
    {SPAN("HTTP/1.0 200 OK\r\nContent-Length: 1\r\n\r\n"), HTTP_ANSWERS, false, false, true},
    {SPAN("HTTP/1.1 204 No\r\nContent-Length: 1\r\n\r\n"), HTTP_ANSWERS, false, false, false},
};

START_TEST(connections_are_kept_when_it_is_certain_where_the_message_ends)
{
    const struct http_head *head =
        head_of(keep_cases[_i].wire, keep_cases[_i].side, keep_cases[_i].head_answer);

    ck_assert(head->keep_alive == keep_cases[_i].keeps);
    ck_assert(head->has_body == keep_cases[_i].body);
}

END_TEST

START_TEST(a_head_over_the_limit_is_refused_whole_or_in_pieces)
{
    char text[3000];
    struct listener listener;

    for (unsigned pieces = 0; pieces < 2; pieces++) {
        memset(text, 'a', sizeof(text));
        memcpy(text, "GET / HTTP/1.1\r\nHost: ", 22);
        listen(&listener, HTTP_REQUESTS);
        for (size_t at = 0; at < sizeof(text); at += pieces ? 100 : sizeof(text))
            feed(&listener, span_of(text + at, pieces ? 100 : sizeof(text)));
        ck_assert(span_eq(buffer_span(&listener.events), SPAN("large ")));
        stop(&listener);
        memset(text, 'a', sizeof(text));
        memcpy(text, "GET /", 5);
        listen(&listener, HTTP_REQUESTS);
        for (size_t at = 0; at < sizeof(text); at += pieces ? 100 : sizeof(text))
            feed(&listener, span_of(text + at, pieces ? 100 : sizeof(text)));
        ck_assert(span_eq(buffer_span(&listener.events), SPAN("target ")));
        stop(&listener);
    }
}

END_TEST

START_TEST(endless_interim_answers_are_refused)
{
    struct listener listener;

    listen(&listener, HTTP_ANSWERS);
    for (unsigned i = 0; i < 17; i++)
        feed(&listener, SPAN("HTTP/1.1 102 Processing\r\n\r\n"));
    ck_assert(listener.ended);
    stop(&listener);
}

END_TEST

START_TEST(chunk_heads_and_reasons_are_written)
{
    struct buffer out;

    buffer_init(&out, 100);
    (void)http_append_chunk_head(&out, 0);
    (void)http_append_chunk_head(&out, 0x1a2b);
    ck_assert(span_eq(buffer_span(&out), SPAN("0\r\n1a2b\r\n")));
    ck_assert_str_eq(http_reason(502), "Bad Gateway");
    ck_assert_str_eq(http_reason(599), "Unknown");
    ck_assert(http_name_valid(SPAN("x-a")) && !http_name_valid(SPAN("")));
    ck_assert(!http_name_valid(SPAN("a b")) && !http_name_valid(SPAN("a:")));
    ck_assert(http_value_valid(SPAN("a\tb \xff")) && !http_value_valid(SPAN("a\r\nb")));
    ck_assert(!http_value_valid(SPAN("a\0b")));
    buffer_done(&out);
}

END_TEST

/* Values are looked at in blocks. */
START_TEST(a_byte_that_no_value_has_is_found_wherever_it_stands)
{
    char text[40];

    memset(text, 'a', sizeof(text));
    for (size_t len = 0; len <= sizeof(text); len++) {
        ck_assert(http_value_valid(span_of(text, len)));
        for (size_t i = 0; i < len * 256; i++) {
            unsigned char byte = (unsigned char)(i % 256);
            bool good = byte == '\t' || (byte >= 0x20 && byte != 0x7f);

            text[i / 256] = (char)byte;
            ck_assert(http_value_valid(span_of(text, len)) == good);
            text[i / 256] = 'a';
        }
    }
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("http_reader");
    TCase *tests = tcase_create("http_reader");
    SRunner *runner;
    int failed;

    tcase_add_loop_test(tests, good_requests_are_read_at_every_cut, 0,
                        (int)ARRAY_LEN(good_requests));
    tcase_add_loop_test(tests, bad_requests_are_refused_at_every_cut, 0,
                        (int)ARRAY_LEN(bad_requests));
    tcase_add_loop_test(tests, answers_are_read_at_every_cut, 0, (int)ARRAY_LEN(answers));
    tcase_add_test(tests, a_head_says_what_matters);
    tcase_add_loop_test(tests, connections_are_kept_when_it_is_certain_where_the_message_ends,
                        0, (int)ARRAY_LEN(keep_cases));
    tcase_add_test(tests, a_head_over_the_limit_is_refused_whole_or_in_pieces);
    tcase_add_test(tests, endless_interim_answers_are_refused);
    tcase_add_test(tests, chunk_heads_and_reasons_are_written);
    tcase_add_test(tests, a_byte_that_no_value_has_is_found_wherever_it_stands);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed ? 1 : 0;
}
