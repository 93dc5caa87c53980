#include <check.h>
#include <stdlib.h>

#include "shared/base/check.h"
#include "shared/base/hash.h"
#include "shared/journal/record.h"

static uint64_t state = 88172645463325252ULL;

static uint64_t next_number(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct span some_text(char *room, size_t most)
{
    size_t len = next_number() % (most + 1);

    for (size_t i = 0; i < len; i++)
        room[i] = (char)next_number();
    return span_of(room, len);
}

struct sample {
    struct usage_record record;
    char texts[32][RECORD_TEXT_MAX];
};

static void make(struct sample *sample, size_t most)
{
    size_t at = 0;

#define USAGE_TEXT(tag, member)   sample->record.member = some_text(sample->texts[at++], most);
#define USAGE_NUMBER(tag, member) sample->record.member = next_number() % 3 ? next_number() : 0;
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
    sample->record.request_id = SPAN("request");
}

static void expect_same(const struct usage_record *a, const struct usage_record *b)
{
#define USAGE_TEXT(tag, member)   ck_assert(span_eq(a->member, b->member));
#define USAGE_NUMBER(tag, member) ck_assert_uint_eq(a->member, b->member);
#include "shared/journal/record.def"
#undef USAGE_TEXT
#undef USAGE_NUMBER
}

START_TEST(generated_records_come_back_as_they_were)
{
    static struct sample sample;
    struct usage_record read;
    struct buffer bytes;
    size_t size;

    buffer_init(&bytes, 1 << 20);
    for (int i = 0; i < 2000; i++) {
        make(&sample, i % 7 == 0 ? RECORD_TEXT_MAX : 40);
        buffer_clear(&bytes);
        ck_assert(record_write(&sample.record, &bytes));
        ck_assert_int_eq(record_read(buffer_span(&bytes), &read, &size), RECORD_OK);
        ck_assert_uint_eq(size, bytes.len);
        expect_same(&sample.record, &read);
    }
    buffer_done(&bytes);
}

END_TEST

START_TEST(a_long_text_is_cut)
{
    static char text[3 * RECORD_TEXT_MAX];
    struct usage_record record = {.request_id = SPAN("r"),
                                  .raw_usage = span_of(text, sizeof(text))};
    struct usage_record read;
    struct buffer bytes;
    size_t size;

    buffer_init(&bytes, 1 << 20);
    ck_assert(record_write(&record, &bytes));
    ck_assert_int_eq(record_read(buffer_span(&bytes), &read, &size), RECORD_OK);
    ck_assert_uint_eq(read.raw_usage.len, RECORD_TEXT_MAX);
    buffer_done(&bytes);
}

END_TEST

START_TEST(every_truncation_asks_for_more)
{
    static struct sample sample;
    struct usage_record read;
    struct buffer bytes;
    size_t size;

    buffer_init(&bytes, 1 << 20);
    make(&sample, 100);
    ck_assert(record_write(&sample.record, &bytes));
    for (size_t cut = 0; cut < bytes.len; cut++)
        ck_assert_int_eq(record_read(span_of(bytes.ptr, cut), &read, &size), RECORD_MORE);
    buffer_done(&bytes);
}

END_TEST

/* Frames PAYLOAD by hand, as another version would. */
static void frame(struct buffer *out, struct span payload)
{
    uint32_t head[2] = {(uint32_t)payload.len, crc32_of(payload)};

    buffer_clear(out);
    ck_assert(buffer_append(out, span_of((const char *)head, sizeof(head))));
    ck_assert(buffer_append(out, payload));
}

START_TEST(unknown_tags_are_skipped)
{
    struct usage_record read;
    struct buffer bytes;
    size_t size;

    buffer_init(&bytes, 1 << 20);
    frame(&bytes, SPAN("\xf0\x03\x02\x00zz"
                       "\x01\x03\x01\x00r"
                       "\xf1\x01\x01\x02\x03\x04\x05\x06\x07\x08"
                       "\x0d\x02\xc8\x00\x00\x00\x00\x00\x00\x00"));
    ck_assert_int_eq(record_read(buffer_span(&bytes), &read, &size), RECORD_OK);
    ck_assert(span_eq(read.request_id, SPAN("r")));
    ck_assert_uint_eq(read.status, 200);
    ck_assert_uint_eq(read.attempts, 0);
    buffer_done(&bytes);
}

END_TEST

START_TEST(a_payload_that_does_not_end_with_a_field_is_skipped_whole)
{
    struct usage_record read;
    struct buffer bytes;
    size_t size;
    static const struct span cases[] = {SPAN("\x01\x03\x05\x00r"), SPAN("\x01\x09\x01\x00r"),
                                        SPAN("\x01\x03\x01\x00r\x02")};

    buffer_init(&bytes, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        frame(&bytes, cases[i]);
        ck_assert(buffer_append(&bytes, SPAN("\x01\x02\x03")));
        ck_assert_int_eq(record_read(buffer_span(&bytes), &read, &size), RECORD_CORRUPT);
        ck_assert_uint_eq(size, 8 + cases[i].len);
    }
    buffer_done(&bytes);
}

END_TEST

#define RECORDS 60

/* Reads all of BYTES; counts whole records, and skips what is damaged. */
static unsigned read_all(struct span bytes, unsigned *ret_damaged)
{
    struct usage_record read;
    unsigned count = 0;
    size_t size = 0;

    *ret_damaged = 0;
    while (bytes.len > 0) {
        switch (record_read(bytes, &read, &size)) {
        case RECORD_OK: count++; break;
        case RECORD_CORRUPT: ++*ret_damaged; break;
        case RECORD_MORE:
            ++*ret_damaged;
            size = record_resync(bytes);
            break;
        }
        ck_assert(size >= 1 && size <= bytes.len);
        bytes = span_skip(bytes, size);
    }
    return count;
}

START_TEST(a_flipped_byte_costs_one_record)
{
    static struct sample sample;
    struct buffer bytes;
    size_t begin = 0;
    size_t end = 0;
    unsigned damaged;

    buffer_init(&bytes, 1 << 20);
    for (int i = 0; i < RECORDS; i++) {
        make(&sample, 40);
        begin = i == 1 ? bytes.len : begin;
        ck_assert(record_write(&sample.record, &bytes));
        end = i == 1 ? bytes.len : end;
    }
    ck_assert_uint_eq(read_all(buffer_span(&bytes), &damaged), RECORDS);
    ck_assert_uint_eq(damaged, 0);
    for (size_t at = begin; at < end; at++) {
        bytes.ptr[at] = (char)(bytes.ptr[at] ^ 0x5a);
        ck_assert_uint_eq(read_all(buffer_span(&bytes), &damaged), RECORDS - 1);
        ck_assert_uint_ge(damaged, 1);
        bytes.ptr[at] = (char)(bytes.ptr[at] ^ 0x5a);
    }
    buffer_done(&bytes);
}

END_TEST

START_TEST(zeros_at_the_end_are_damage_and_not_a_record)
{
    static const char zeros[4096];
    struct usage_record read;
    size_t size;

    ck_assert_int_eq(record_read(span_of(zeros, sizeof(zeros)), &read, &size), RECORD_CORRUPT);
    ck_assert_uint_ge(size, sizeof(zeros) - 16);
}

END_TEST

START_TEST(an_outcome_has_its_word)
{
    ck_assert(span_eq(outcome_name(OUTCOME_complete), SPAN("complete")));
    ck_assert(span_eq(outcome_name(5), SPAN("aborted"))); /* as records of old have it */
    ck_assert(span_eq(outcome_name(OUTCOME_repaired), SPAN("repaired")));
    ck_assert_ptr_null(outcome_name(OUTCOME_COUNT).ptr);
    ck_assert_ptr_null(outcome_name(USAGE_UNKNOWN).ptr);
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("record");
    TCase *tests = tcase_create("record");
    SRunner *runner = srunner_create(suite);

    suite_add_tcase(suite, tests);
    tcase_add_test(tests, generated_records_come_back_as_they_were);
    tcase_add_test(tests, a_long_text_is_cut);
    tcase_add_test(tests, every_truncation_asks_for_more);
    tcase_add_test(tests, unknown_tags_are_skipped);
    tcase_add_test(tests, a_payload_that_does_not_end_with_a_field_is_skipped_whole);
    tcase_add_test(tests, a_flipped_byte_costs_one_record);
    tcase_add_test(tests, an_outcome_has_its_word);
    tcase_add_test(tests, zeros_at_the_end_are_damage_and_not_a_record);
    srunner_run_all(runner, CK_ENV);
    int failed = srunner_ntests_failed(runner);

    srunner_free(runner);
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
