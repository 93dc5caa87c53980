#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "shared/base/check.h"
#include "shared/cache/cache_value.h"

#define NOW_MS 1700000000000
#define MOST   65536
#define SECRET secret_of(SPAN("0123456789abcdef"))

static const uint8_t key[CACHE_KEY_BYTES] = {1, 2, 3, [CACHE_KEY_BYTES - 1] = 9};
static struct cache_name name;
static struct buffer value, plain;
static struct cache_entry found;

static void before(void)
{
    cache_name_make(7, key, &name);
    buffer_init(&value, MOST);
    buffer_init(&plain, MOST);
}

static void after(void)
{
    buffer_done(&value);
    buffer_done(&plain);
}

static struct cache_entry usual(void)
{
    return (struct cache_entry){
        .stored_ms = NOW_MS - 1000,
        .expires_ms = NOW_MS + 60000,
        .cost_nano = 6000,
        .flags = 1,
        .stamp_count = 2,
        .stamps = {{.word = 0, .mark = 0}, {.word = 4095, .mark = 1699999999999999}},
        .parts = {[CACHE_PROVIDER] = SPAN("up"),
                  [CACHE_MODEL] = SPAN("m"),
                  [CACHE_TYPE] = SPAN("text/event-stream"),
                  [CACHE_BODY] = SPAN("data: [DONE]\n\n")},
    };
}

static void seal(const struct cache_entry *entry)
{
    buffer_clear(&value);
    ck_assert(cache_value_seal(SECRET, &name, key, entry, &value));
}

static bool opens(void)
{
    return cache_value_open(SECRET, &name, key, buffer_span(&value), NOW_MS, &plain, &found);
}

START_TEST(what_was_sealed_comes_back_whole)
{
    struct cache_entry entry = usual();

    seal(&entry);
    ck_assert(span_find(buffer_span(&value), SPAN("DONE")) == SIZE_MAX);
    ck_assert(opens());
    ck_assert_int_eq(found.stored_ms, entry.stored_ms);
    ck_assert_int_eq(found.expires_ms, entry.expires_ms);
    ck_assert_uint_eq(found.cost_nano, entry.cost_nano);
    ck_assert_uint_eq(found.flags, entry.flags);
    ck_assert_uint_eq(found.stamp_count, 2);
    ck_assert_mem_eq(found.stamps, entry.stamps, sizeof(found.stamps));
    for (unsigned i = 0; i < CACHE_PARTS; i++)
        ck_assert(span_eq(found.parts[i], entry.parts[i]));
}

END_TEST

START_TEST(the_name_tells_version_tenant_and_key)
{
    ck_assert(
        span_eq(cache_name_span(&name),
                SPAN("aigw:cache:1:7:"
                     "0102030000000000000000000000000000000000000000000000000000000009")));
    cache_name_make(UINT64_MAX, key, &name);
    ck_assert_uint_eq(name.len, CACHE_NAME_BYTES);
}

END_TEST

START_TEST(any_byte_that_is_another_makes_it_none)
{
    struct cache_entry entry = usual();

    seal(&entry);
    for (size_t i = 0; i < value.len; i++) {
        value.ptr[i] ^= 0x10;
        ck_assert_msg(!opens(), "byte %zu", i);
        value.ptr[i] ^= 0x10;
    }
    for (size_t whole = value.len; value.len > 0;) {
        value.len--;
        ck_assert_msg(!opens(), "cut at %zu of %zu", value.len, whole);
    }
}

END_TEST

START_TEST(it_is_good_under_its_name_key_and_secret_only)
{
    struct cache_entry entry = usual();
    struct cache_name other;
    uint8_t other_key[CACHE_KEY_BYTES] = {0};

    seal(&entry);
    cache_name_make(8, key, &other);
    ck_assert(
        !cache_value_open(SECRET, &other, key, buffer_span(&value), NOW_MS, &plain, &found));
    ck_assert(!cache_value_open(SECRET, &name, other_key, buffer_span(&value), NOW_MS, &plain,
                                &found));
    ck_assert(!cache_value_open(secret_of(SPAN("0123456789abcdeg")), &name, key,
                                buffer_span(&value), NOW_MS, &plain, &found));
    ck_assert(opens());
}

END_TEST

static const struct {
    int64_t stored, expires; /* from now */
    bool good;
    int64_t stored_as, expires_as;
} times[] = {
    {-1000, 1000, true, -1000, 1000},
    {-1000, -1000, true, -1000, -1000}, /* too old: the caller's to see */
    {CACHE_AHEAD_MS, CACHE_AHEAD_MS + 100, true, 0, 100},
    {CACHE_AHEAD_MS + 1, CACHE_AHEAD_MS + 100, false, 0, 0},
    {0, -1, false, 0, 0},
    {0, 31536000000, true, 0, 31536000000},
    {0, 31536000001, false, 0, 0},
    {-NOW_MS - 1, 1000, false, 0, 0},
    {0, INT64_MAX - NOW_MS, false, 0, 0},
};

START_TEST(times_that_cannot_be_make_it_none)
{
    struct cache_entry entry = usual();

    entry.stored_ms = NOW_MS + times[_i].stored;
    entry.expires_ms = NOW_MS + times[_i].expires;
    seal(&entry);
    ck_assert_int_eq(opens(), times[_i].good);
    if (!times[_i].good)
        return;
    ck_assert_int_eq(found.stored_ms, NOW_MS + times[_i].stored_as);
    ck_assert_int_eq(found.expires_ms, NOW_MS + times[_i].expires_as);
}

END_TEST

START_TEST(what_is_too_large_is_not_sealed_and_not_opened)
{
    struct cache_entry entry = usual();
    struct buffer small _buffer_;

    buffer_init(&small, 64);
    ck_assert(!cache_value_seal(SECRET, &name, key, &entry, &small));
    seal(&entry);
    ck_assert(
        !cache_value_open(SECRET, &name, key, buffer_span(&value), NOW_MS, &small, &found));
}

END_TEST

int main(void)
{
    Suite *suite = suite_create("cache_value");
    TCase *tests = tcase_create("value");
    SRunner *runner;
    int failed;

    tcase_add_checked_fixture(tests, before, after);
    tcase_add_test(tests, what_was_sealed_comes_back_whole);
    tcase_add_test(tests, the_name_tells_version_tenant_and_key);
    tcase_add_test(tests, any_byte_that_is_another_makes_it_none);
    tcase_add_test(tests, it_is_good_under_its_name_key_and_secret_only);
    tcase_add_loop_test(tests, times_that_cannot_be_make_it_none, 0, ARRAY_LEN(times));
    tcase_add_test(tests, what_is_too_large_is_not_sealed_and_not_opened);
    suite_add_tcase(suite, tests);
    runner = srunner_create(suite);
    srunner_run_all(runner, CK_ENV);
    failed = srunner_ntests_failed(runner);
    srunner_free(runner);
    return failed > 0;
}
