#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/journal/record.h"

#include "tests/support/parsed.h"
#include "worker/meter/bill.h"
#include "worker/translate/openai/openai.h"

static struct arena arena;
static struct bill bill;

/* As the relay does it: read, then kept. */
static bool bill_read(struct json_value value)
{
    struct usage usage;

    usage_init(&usage);
    dialect_openai.read_usage(value, &usage);
    bill_take(&bill, &usage, &arena);
    return value.kind == JSON_OBJECT;
}

static bool tap(struct span data)
{
    struct stream_tap tap = {.finished = false};
    struct sse_record record = {.data = data, .has_data = true};
    bool hidden;

    usage_init(&tap.usage);
    hidden = dialect_openai.tap_record(&tap, &record);
    bill_take(&bill, &tap.usage, &arena);
    return hidden;
}

static void set_up(void)
{
    arena_init(&arena, 0);
    bill_init(&bill);
}

static void tear_down(void)
{
    arena_done(&arena);
}

static bool read_text(const char *text)
{
    return bill_read(parsed(text));
}

START_TEST(all_that_is_said_is_read)
{
    const char *text =
        "{\"prompt_tokens\":11,\"completion_tokens\":22,\"total_tokens\":33,"
        "\"prompt_tokens_details\":{\"cached_tokens\":4,\"cache_write_tokens\":5,"
        "\"audio_tokens\":6},"
        "\"completion_tokens_details\":{\"reasoning_tokens\":7},\"new\":[1]}";

    ck_assert(read_text(text));
    ck_assert_uint_eq(bill.usage.input, 11);
    ck_assert_uint_eq(bill.usage.output, 22);
    ck_assert_uint_eq(bill.usage.cached, 4);
    ck_assert_uint_eq(bill.usage.cache_write, 5);
    ck_assert_uint_eq(bill.usage.audio_input, 6);
    ck_assert_uint_eq(bill.usage.reasoning, 7);
    ck_assert(span_eq(bill.usage.raw, span_of_text(text)));
    ck_assert_ptr_ne(bill.usage.raw.ptr, text);
}

END_TEST

static const struct {
    const char *count;
    uint64_t read;
} counts[] = {
    {"0", 0},
    {"7", 7},
    {"9223372036854775807", INT64_MAX},
    {"9223372036854775808", USAGE_UNKNOWN},
    {"18446744073709551615", USAGE_UNKNOWN},
    {"18446744073709551616", USAGE_UNKNOWN},
    {"99999999999999999999999999", USAGE_UNKNOWN},
    {"-1", USAGE_UNKNOWN},
    {"-0", USAGE_UNKNOWN},
    {"1.5", USAGE_UNKNOWN},
    {"1.0", USAGE_UNKNOWN},
    {"1e3", USAGE_UNKNOWN},
    {"1e400", USAGE_UNKNOWN},
    {"\"7\"", USAGE_UNKNOWN},
    {"null", USAGE_UNKNOWN},
    {"true", USAGE_UNKNOWN},
    {"[7]", USAGE_UNKNOWN},
    {"{}", USAGE_UNKNOWN},
};

START_TEST(a_count_that_is_no_count_stays_unknown)
{
    struct buffer text _buffer_;

    buffer_init(&text, 1000);
    (void)buffer_append_format(&text,
                               "{\"completion_tokens\":5,\"prompt_tokens\":%s,"
                               "\"completion_tokens_details\":{\"reasoning_tokens\":%s}}",
                               counts[_i].count, counts[_i].count);
    ck_assert(bill_read(parsed_span(buffer_span(&text))));
    ck_assert_uint_eq(bill.usage.input, counts[_i].read);
    ck_assert_uint_eq(bill.usage.reasoning, counts[_i].read);
    ck_assert_uint_eq(bill.usage.output, 5);
}

END_TEST

START_TEST(what_is_missing_or_no_object_stays_unknown)
{
    static const char *const none[] = {"null", "[]", "\"usage\"", "12", "true"};

    for (unsigned i = 0; i < ARRAY_LEN(none); i++)
        ck_assert(!read_text(none[i]));
    ck_assert(!bill_read((struct json_value){.kind = JSON_ABSENT}));
    ck_assert_ptr_null(bill.usage.raw.ptr);
    ck_assert(read_text("{\"prompt_tokens_details\":null,\"completion_tokens_details\":[1]}"));
    ck_assert_uint_eq(bill.usage.input, USAGE_UNKNOWN);
    ck_assert_uint_eq(bill.usage.output, USAGE_UNKNOWN);
    ck_assert_uint_eq(bill.usage.cached, USAGE_UNKNOWN);
    ck_assert_uint_eq(bill.usage.reasoning, USAGE_UNKNOWN);
}

END_TEST

#define USED "\"usage\":{\"prompt_tokens\":1,\"completion_tokens\":2}"

static const struct {
    const char *data;
    bool hidden, read;
} chunks[] = {
    {"{\"choices\":[]," USED "}", true, true},
    {"{" USED ",\"choices\":[ ]}", true, true},
    {"{\"choices\":[{\"delta\":{\"content\":\"x\"}}]," USED "}", false, true},
    {"{\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]," USED "}", false, true},
    {"{" USED "}", false, true},
    {"{\"choices\":null," USED "}", false, true},
    {"{\"choices\":[],\"usage\":null}", false, false},
    {"{\"choices\":[]}", false, false},
    {"{\"choices\":[{\"delta\":{\"content\":\"\\\"usage\\\": {}\"}}]}", false, false},
    {"{\"choices\":[{" USED "}]}", false, false},
    {"{\"choices\":[]," USED, false, false},
    {"[DONE]", false, false},
    {"", false, false},
    {"\"usage\"", false, false},
};

START_TEST(only_the_chunk_that_has_nothing_but_usage_is_hidden)
{
    ck_assert_int_eq(tap(span_of_text(chunks[_i].data)), chunks[_i].hidden);
    ck_assert_uint_eq(bill.usage.input, chunks[_i].read ? 1 : USAGE_UNKNOWN);
    ck_assert_uint_eq(bill.usage.output, chunks[_i].read ? 2 : USAGE_UNKNOWN);
}

END_TEST

START_TEST(usage_in_each_chunk_counts_once_and_does_not_grow_the_arena)
{
    size_t used = 0;

    for (unsigned i = 1; i <= 1000; i++) {
        struct buffer text _buffer_;

        buffer_init(&text, 1000);
        (void)buffer_append_format(
            &text,
            "{\"choices\":[{}],\"usage\":{\"prompt_tokens\":9,\"completion_tokens\":%u}}", i);
        ck_assert(!tap(buffer_span(&text)));
        ck_assert_uint_eq(bill.usage.output, i);
        if (i == 1)
            used = arena.used_bytes;
    }
    ck_assert_uint_eq(arena.used_bytes, used);
    ck_assert(
        span_eq(bill.usage.raw, SPAN("{\"prompt_tokens\":9,\"completion_tokens\":1000}")));
}

END_TEST

START_TEST(words_that_grow_are_kept_whole_in_a_bounded_place)
{
    struct usage usage = bill.usage;
    char text[BILL_RAW_MAX];

    for (size_t len = 0; len <= sizeof(text); len++) {
        memset(text, 'a' + (int)(len % 26), sizeof(text));
        usage.raw = span_of(text, len);
        bill_take(&bill, &usage, &arena);
        ck_assert(span_eq(bill.usage.raw, usage.raw));
    }
    ck_assert_uint_lt(arena.used_bytes, (size_t)4 * BILL_RAW_MAX);
}

END_TEST

START_TEST(words_that_are_too_long_are_counted_but_not_kept)
{
    struct buffer text _buffer_;

    buffer_init(&text, 2000);
    (void)buffer_append(&text, SPAN("{\"prompt_tokens\":3,\"x\":\""));
    while (text.len < BILL_RAW_MAX + 1 - 2)
        (void)buffer_append_byte(&text, 'x');
    (void)buffer_append(&text, SPAN("\"}"));
    ck_assert_uint_eq(text.len, BILL_RAW_MAX + 1);
    ck_assert(bill_read(parsed_span(buffer_span(&text))));
    ck_assert_uint_eq(bill.usage.input, 3);
    ck_assert_uint_eq(bill.usage.raw.len, 0);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("bill");
    TCase *tests = tcase_create("bill");
    SRunner *runner = srunner_create(suite);
    int failures;

    tcase_add_checked_fixture(tests, set_up, tear_down);
    tcase_add_test(tests, all_that_is_said_is_read);
    tcase_add_loop_test(tests, a_count_that_is_no_count_stays_unknown, 0, ARRAY_LEN(counts));
    tcase_add_test(tests, what_is_missing_or_no_object_stays_unknown);
    tcase_add_loop_test(tests, only_the_chunk_that_has_nothing_but_usage_is_hidden, 0,
                        ARRAY_LEN(chunks));
    tcase_add_test(tests, usage_in_each_chunk_counts_once_and_does_not_grow_the_arena);
    tcase_add_test(tests, words_that_grow_are_kept_whole_in_a_bounded_place);
    tcase_add_test(tests, words_that_are_too_long_are_counted_but_not_kept);
    suite_add_tcase(suite, tests);
    srunner_run_all(runner, CK_ENV);
    failures = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failures ? EXIT_FAILURE : EXIT_SUCCESS;
}
