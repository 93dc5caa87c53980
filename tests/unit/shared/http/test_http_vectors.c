/* llhttp's own test cases, when AIGW_VECTORS names the folder that holds them
 * (http1/llhttp/ with request/ and response/, markdown): what llhttp refuses when it is strict,
 * our reader refuses too, and it never sees more messages. Ours may be stricter. */
#include <check.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/base/buffer.h"
#include "shared/base/check.h"
#include "shared/base/encode.h"
#include "shared/http/http_reader.h"

static const struct http_limits limits = {
    .head_bytes = 32768,
    .target_bytes = 8192,
    .header_count = 100,
};

static struct http_scratch scratch;

/* What llhttp calls an error although the bytes are fine; whose task it is here. */
static const char *const not_the_readers[] = {
    "Data after `Connection: close`", /* the connection's owner reads no further */
    "Pause on",                       /* upgrades: refused by the owner */
    "on_",                            /* a callback of the test paused */
    /* Methods are open (RFC 9110 9.1): an unknown one is answered with 405. */
    "Invalid method",
    "Expected space after method",
};

struct tally {
    unsigned cases, both_refuse, both_accept, stricter;
};

/* One case of a file: its kind, the bytes as written, and the log that llhttp makes of them. */
struct vector {
    struct span title, kind, input, log;
};

static bool starts(struct span text, const char *with)
{
    struct span start = span_of_text(with);

    return text.len >= start.len && span_eq(span_of(text.ptr, start.len), start);
}

/* The lines between LINE (a fence) and the next fence, taken from *REST. */
static struct span fenced(struct span *rest)
{
    struct span line;
    const char *begin = rest->ptr;
    size_t len = 0;

    while (span_cut(rest, '\n', &line) && !starts(line, "```"))
        len = (size_t)(line.ptr + line.len - begin) + 1;
    return span_of(begin, len);
}

static struct span kind_in(struct span line)
{
    size_t at = span_find(line, SPAN("\"type\":"));
    struct span rest;

    if (at == SIZE_MAX)
        return SPAN_NONE;
    rest = span_skip(line, at + 7);
    rest = span_skip(rest, span_find(rest, SPAN("\"")) + 1);
    return span_of(rest.ptr, span_find(rest, SPAN("\"")));
}

/* The next case of *REST; false at the end. */
static bool next_vector(struct span *rest, struct vector *ret)
{
    struct span line;

    while (span_cut(rest, '\n', &line)) {
        if (starts(line, "#"))
            ret->title = line;
        else if (starts(line, "<!-- meta="))
            ret->kind = kind_in(line);
        else if (starts(line, "```http"))
            ret->input = fenced(rest);
        else if (starts(line, "```log")) {
            ret->log = fenced(rest);
            return true;
        }
    }
    return false;
}

static bool hexadecimal(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* An escape at TEXT, which begins with a backslash; how many bytes it took. */
static size_t unescape(struct span text, struct buffer *out)
{
    static const char names[] = "rntf", values[] = "\r\n\t\f";
    const char *name = text.len > 1 && text.ptr[1] ? strchr(names, text.ptr[1]) : NULL;
    size_t len = 2;

    if (text.len > 1 && text.ptr[1] == '\n')
        return 2; /* the line goes on */
    if (name) {
        (void)buffer_append_byte(out, values[name - names]);
        return 2;
    }
    if (text.len < 3 || text.ptr[1] != 'x' || !hexadecimal(text.ptr[2])) {
        (void)buffer_append_byte(out, '\\');
        return 1;
    }
    while (len < text.len && len < 4 && hexadecimal(text.ptr[len]))
        len++;
    (void)buffer_append_byte(
        out, (char)strtoul((char[]){text.ptr[2], len > 3 ? text.ptr[3] : 0, 0}, NULL, 16));
    return len;
}

/* The bytes that a case means: lines end with CRLF, and each HTTP/1.1 request has the Host that
 * llhttp does not ask for. */
static void write_wire(const struct vector *vector, struct buffer *out)
{
    struct span rest = vector->input, line_end = SPAN(" HTTP/1.1\r\n");
    bool hosted = span_find(vector->input, SPAN("ost:")) != SIZE_MAX;

    if (rest.len > 0) /* the newline before the fence */
        rest.len--;
    while (rest.len > 0) {
        size_t taken = 1;

        if (rest.ptr[0] == '\\')
            taken = unescape(rest, out);
        else if (rest.ptr[0] == '\n')
            (void)buffer_append(out, SPAN("\r\n"));
        else
            (void)buffer_append_byte(out, rest.ptr[0]);
        if (rest.ptr[0] == '\n' && !hosted && span_ends(buffer_span(out), line_end))
            (void)buffer_append(out, SPAN("Host: a\r\n"));
        rest = span_skip(rest, taken);
    }
}

/* How many messages the reader takes from WIRE, and whether it refuses the rest. */
static unsigned read_wire(struct span wire, enum http_side side, bool *ret_refused)
{
    const struct http_head *head;
    struct http_reader reader;
    struct span body;
    enum http_result result;
    unsigned done = 0;

    http_reader_init(&reader, side, &limits, &scratch);
    while ((result = http_next(&reader, &wire, &head, &body)) != HTTP_MORE &&
           result < HTTP_BAD) {
        if (result != HTTP_DONE)
            continue;
        done++;
        http_reader_next_message(&reader);
    }
    *ret_refused = result >= HTTP_BAD;
    if (!*ret_refused && !http_reader_idle(&reader)) {
        result = http_closed(&reader);
        done += result == HTTP_DONE;
        *ret_refused = result == HTTP_BAD;
    }
    http_reader_done(&reader);
    return done;
}

static unsigned count_of(struct span text, struct span word)
{
    unsigned count = 0;
    size_t at;

    while ((at = span_find(text, word)) != SIZE_MAX) {
        text = span_skip(text, at + word.len);
        count++;
    }
    return count;
}

/* Whether llhttp's error is one that a reader is to see. */
static bool is_the_readers(struct span error)
{
    for (unsigned i = 0; i < ARRAY_LEN(not_the_readers); i++)
        if (span_find(error, span_of_text(not_the_readers[i])) != SIZE_MAX)
            return false;
    return true;
}

static void check_vector(const struct vector *vector, struct tally *tally)
{
    bool answers = span_eq(vector->kind, SPAN("response"));
    size_t error = span_find(vector->log, SPAN("error code="));
    bool theirs = error != SIZE_MAX, ours;
    unsigned complete = count_of(vector->log, SPAN("message complete")), done;
    struct buffer wire;

    if ((!answers && !span_eq(vector->kind, SPAN("request"))) || /* of a lenient parser */
        (theirs && !is_the_readers(span_skip(vector->log, error))))
        return;
    buffer_init(&wire, 1 << 20);
    write_wire(vector, &wire);
    done = read_wire(buffer_span(&wire), answers ? HTTP_ANSWERS : HTTP_REQUESTS, &ours);
    ck_assert_msg(ours || !theirs, "%.*s: llhttp refuses this\n%.*s", SPAN_ARG(vector->title),
                  SPAN_ARG(buffer_span(&wire)));
    /* An answer that lasts until the end of the connection has no end in llhttp's log. */
    ck_assert_msg(done <= complete + answers, "%.*s: %u messages, llhttp sees %u\n%.*s",
                  SPAN_ARG(vector->title), done, complete, SPAN_ARG(buffer_span(&wire)));
    tally->cases++;
    tally->both_refuse += ours && theirs;
    tally->both_accept += !ours && !theirs;
    tally->stricter += ours && !theirs;
    buffer_done(&wire);
}

static void check_file(const char *path, struct tally *tally)
{
    static char text[1 << 20];
    FILE *file = fopen(path, "rb");
    struct vector vector = {0};
    struct span rest;

    ck_assert_msg(file != NULL, "%s", path);
    rest = span_of(text, fread(text, 1, sizeof(text), file));
    (void)fclose(file);
    while (next_vector(&rest, &vector))
        check_vector(&vector, tally);
}

static const char *const folders[] = {"request", "response"};

START_TEST(what_llhttp_refuses_is_refused)
{
    const char *vectors = getenv("AIGW_VECTORS");
    struct tally tally = {0};
    char path[4096];
    DIR *files;

    if (!vectors)
        return;
    (void)snprintf(path, sizeof(path), "%s/http1/llhttp/%s", vectors, folders[_i]);
    files = opendir(path);
    ck_assert_msg(files != NULL, "%s", path);
    for (struct dirent *file = readdir(files); file; file = readdir(files)) {
        if (!strstr(file->d_name, ".md"))
            continue;
        (void)snprintf(path, sizeof(path), "%s/http1/llhttp/%s/%s", vectors, folders[_i],
                       file->d_name);
        check_file(path, &tally);
    }
    (void)closedir(files);
    (void)printf("%s: %u cases, %u refused and %u taken by both, %u refused by ours alone\n",
                 folders[_i], tally.cases, tally.both_refuse, tally.both_accept,
                 tally.stricter);
    ck_assert_uint_gt(tally.cases, 50);
}

END_TEST

/* The runner itself, on a case of ours, so that it is known to work where there are no files.
 */
START_TEST(a_case_is_read_as_it_is_meant)
{
    static const char text[] = "## Title\n\n<!-- meta={\"type\": \"request\"} -->\n```http\n"
                               "GET /a HTTP/1.1\nA: \\\nb\\x41\\t\n\n\n```\n\n"
                               "```log\noff=0 message complete\noff=9 error code=3\n```\n";
    struct span rest = span_of(text, sizeof(text) - 1);
    struct vector vector = {0};
    struct buffer wire;
    bool refused;

    buffer_init(&wire, 1000);
    ck_assert(next_vector(&rest, &vector));
    ck_assert(span_eq(vector.title, SPAN("## Title")) && span_eq(vector.kind, SPAN("request")));
    ck_assert(is_the_readers(vector.log));
    ck_assert(!is_the_readers(SPAN("error code=5 reason=\"Data after `Connection: close`\"")));
    write_wire(&vector, &wire);
    ck_assert_msg(
        span_eq(buffer_span(&wire), SPAN("GET /a HTTP/1.1\r\nHost: a\r\nA: bA\t\r\n\r\n")),
        "%.*s", SPAN_ARG(buffer_span(&wire)));
    ck_assert_uint_eq(read_wire(buffer_span(&wire), HTTP_REQUESTS, &refused), 1);
    ck_assert(!refused);
    ck_assert(!next_vector(&rest, &vector));
    buffer_done(&wire);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("http vectors");
    TCase *tests = tcase_create("http vectors");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_test(tests, a_case_is_read_as_it_is_meant);
    tcase_add_loop_test(tests, what_llhttp_refuses_is_refused, 0, (int)ARRAY_LEN(folders));
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
